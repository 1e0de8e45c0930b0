import base64
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts import Event
from contracts.intake import ClientRegistered
from diagnosis.app import SERVICE
from tests.support.databases import MakeDatabase
from tests.support.service import ServiceUnderTest, migrated_database, running

KEY = base64.b64encode(bytes(range(32))).decode()


class Diagnosis:
    """The service under test, with what its tests say often."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self.get, self.post, self.done = service.get, service.post, service.done
        self.hear, self.said, self.move_to, self.token = service.hear, service.said, service.move_to, service.token

    async def client(self, municipality: str = "GM0626", **traits: Any) -> UUID:
        """A registered client."""
        client = new_id()
        told: dict[str, Any] = {
            "age_band": "28-44",
            "household_kind": "single",
            "permit_holder": False,
            "without_benefit": False,
            **traits,
        }
        registered = ClientRegistered(
            occurred_on=date(2019, 1, 2), by="app:front-end", origin="front_end", household_id=new_id(), **told
        )
        await self.hear(client, registered, municipality=municipality)
        return client

    async def assess(self, client: UUID, facts: dict[str, Any], **more: Any) -> dict[str, Any]:
        """An assessment that is accepted; the proposal."""
        return await self.done(f"/clients/{client}/assessments", {"questionnaire": "diagnose", "facts": facts, **more})

    async def assessed_by_another(self, client: UUID, facts: dict[str, Any]) -> dict[str, Any]:
        """An assessment that a colleague entered; the proposal, which nobody else has opened."""
        body = {"questionnaire": "diagnose", "facts": facts}
        return await self.done(f"/clients/{client}/assessments", body, headers=self.token("caseworker", sub="s-9"))

    async def confirm(self, proposal: dict[str, Any], **body: Any) -> dict[str, Any]:
        """A confirmation that is accepted."""
        return await self.done(f"/proposals/{proposal['id']}/confirmations", body)

    async def categorised(self, client: UUID, facts: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Assessed and confirmed."""
        return await self.confirm(await self.assess(client, facts, **more))

    async def standing(self, client: UUID) -> dict[str, Any]:
        """Where the client stands."""
        found: dict[str, Any] = (await self.get(f"/clients/{client}/category")).json()
        return found

    async def types(self, client: UUID) -> list[str]:
        """The types of all events said about a client, in order."""
        return [each.data.type().removeprefix("nl.klantreizen.") for each in await self.said(Event, client)]

    async def invitations(self, client: UUID, *, closed: bool = False) -> list[dict[str, Any]]:
        """The invitations of a client."""
        answer = await self.get("/invitations", clientId=str(client), closed=closed)
        found: list[dict[str, Any]] = answer.json()["items"]
        return found


@pytest.fixture
async def diagnosis(make_database: MakeDatabase) -> AsyncIterator[Diagnosis]:
    urls = await migrated_database(make_database, "diagnosis")
    async with running(
        SERVICE.name, urls=urls, settings=SERVICE.settings, create=SERVICE.create,
        handlers=SERVICE.handlers, deadlines=SERVICE.deadlines, diagnosis_key=KEY,
    ) as service:  # fmt: skip
        yield Diagnosis(service)
