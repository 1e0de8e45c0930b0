from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.clock import morning_of
from chassis.ids import new_id
from contracts import Envelope, Event
from contracts.diagnosis import ClientCategorised, Traits
from contracts.intake import ClientRegistered
from routing.app import SERVICE
from tests.support.databases import MakeDatabase
from tests.support.service import ServiceUnderTest, migrated_database, running

LEIDSCHENDAM = "GM1916"

STAFF = {
    "work-1": ["work_consultant"],
    "income-1": ["income_consultant"],
    "two-b-1": ["consultant_2b"],
    "manager-1": ["client_manager", "youth_coach"],
}


class Routing:
    """The service under test, with what its tests say often."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self.get, self.post, self.done = service.get, service.post, service.done
        self.said, self.token = service.said, service.token

    @property
    def today(self) -> date:
        return self.service.clock.today()

    async def hear(self, client: UUID, *events: Event, municipality: str = LEIDSCHENDAM) -> None:
        """Events that the service handles; one that is parked fails the test."""
        await self.service.hear(client, *events, municipality=municipality)
        async with self.service.office.database.in_background() as session:
            assert (await session.scalars(text("SELECT error FROM parked"))).all() == []

    async def move_to(self, day: date) -> None:
        """Let days pass, each with its sweep; of a long time only the last days, on which all that was due fires."""
        eve = day - timedelta(days=3)
        if eve > self.today:
            self.service.clock.restore(morning_of(eve))
        await self.service.move_to(day)

    async def staff(self, municipality: str = LEIDSCHENDAM, **people: list[str]) -> None:
        """These people on the staff; by default somebody for the roles of these that the town knows."""
        known = self.service.office.policies.roles(municipality)
        usual = {name: [each for each in roles if each in known] for name, roles in STAFF.items()}
        for name, roles in (people or {name: roles for name, roles in usual.items() if roles}).items():
            await self.done("/staff", {"id": name, "municipalities": [municipality], "roles": roles})

    async def leaves(self, who: str, municipality: str = LEIDSCHENDAM) -> dict[str, Any]:
        """Somebody hands all clients over, and leaves."""
        body = {"municipality": municipality, "note": "Warm overgedragen"}
        return await self.done(f"/staff/{who}/transfers", body, headers=self.token("operator"))

    def registered(self, **traits: Any) -> ClientRegistered:
        told: dict[str, Any] = {
            "age_band": "28-44", "household_kind": "single", "permit_holder": False, "without_benefit": False, **traits,
        }  # fmt: skip
        return ClientRegistered(
            occurred_on=self.today, by="app:front-end", origin="front_end", household_id=new_id(), **told
        )

    def categorised(
        self, category: str | None, track: str | None, *, on: date | None = None, **traits: Any
    ) -> ClientCategorised:
        told: dict[str, Any] = {"status": "decided", "basis": "assessment", "confirmed": "changed", **traits}
        return ClientCategorised(
            occurred_on=on or self.today, by="staff:s-2", assessment_id=new_id(), old_category=None, old_track=None,
            traits=Traits(scheme="distance-to-work", category=category, track=track, **told), receipt=None,
        )  # fmt: skip

    async def client(
        self, category: str = "1B", track: str = "reintegration", *, municipality: str = LEIDSCHENDAM, **traits: Any
    ) -> UUID:
        """A registered and categorised client."""
        client = new_id()
        await self.hear(
            client, self.registered(), self.categorised(category, track, **traits), municipality=municipality
        )
        return client

    async def journey(self, client: UUID) -> dict[str, Any]:
        answer = await self.get(f"/clients/{client}/journey")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def deadline(self, client: UUID, kind: str) -> dict[str, Any] | None:
        """The deadline of this kind that runs or stands still."""
        found = [
            each
            for each in (await self.journey(client))["deadlines"]
            if each["kind"] == kind and each["state"] in {"open", "suspended"}
        ]
        assert len(found) <= 1, found
        return found[0] if found else None

    async def due_on(self, client: UUID, kind: str) -> str | None:
        """When what runs is due."""
        found = await self.deadline(client, kind)
        assert found is not None, f"no {kind} runs"
        due_on: str | None = found["dueOn"]
        return due_on

    async def types(self, client: UUID) -> list[str]:
        """The types of all events said about a client, in order."""
        said: list[Envelope[Event]] = await self.said(subject=client)
        return [each.data.type().removeprefix("nl.klantreizen.") for each in said]

    async def handover(self, client: UUID) -> dict[str, Any]:
        """The last handover of a client."""
        found: dict[str, Any] = (await self.journey(client))["handovers"][-1]
        return found

    async def hand_over(self, client: UUID) -> dict[str, Any]:
        """Prepare and accept the handover that is due."""
        handover = (await self.handover(client))["id"]
        await self.done(f"/handovers/{handover}/preparations", {"note": "A warm handover"})
        return await self.done(f"/handovers/{handover}/acceptances")


@pytest.fixture
async def routing(make_database: MakeDatabase) -> AsyncIterator[Routing]:
    urls = await migrated_database(make_database, "routing")
    async with running(
        SERVICE.name, urls=urls, settings=SERVICE.settings, create=SERVICE.create,
        handlers=SERVICE.handlers, deadlines=SERVICE.deadlines, on=date(2021, 9, 1),
    ) as service:  # fmt: skip
        yield Routing(service)
