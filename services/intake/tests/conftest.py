import base64
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from contracts import Envelope, Event
from intake.app import SERVICE
from policy import Situation
from tests.support.databases import MakeDatabase
from tests.support.service import ServiceUnderTest, migrated_database, running

KEY = base64.b64encode(bytes(range(32))).decode()
INDEX_KEY = base64.b64encode(bytes(range(32, 64))).decode()
VOORSCHOTEN = "GM0626"


def valid_bsns() -> Iterator[str]:
    """Numbers that pass the eleven-test, one after another."""
    for head in range(10_000_000, 100_000_000):
        digits = [int(each) for each in f"{head:08}"]
        check = sum((9 - i) * digit for i, digit in enumerate(digits)) % 11
        if check < 10:
            yield f"{head:08}{check}"


class Intake:
    """The service under test, with what its tests say often."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self.get, self.post, self.done = service.get, service.post, service.done
        self.said, self.move_to, self.token = service.said, service.move_to, service.token
        self.bsns = valid_bsns()

    def person(self, **told: Any) -> dict[str, Any]:
        """Somebody to register."""
        return {
            "municipality": VOORSCHOTEN,
            "bsn": next(self.bsns),
            "name": {"given": "Noor", "prefix": "van der", "family": "Ven"},
            "birthDate": "1985-05-17",
            **told,
        }

    async def client(self, **told: Any) -> UUID:
        """A registered client."""
        return UUID((await self.done("/clients", self.person(**told)))["id"])

    async def hear(self, client: UUID, *events: Event, municipality: str = VOORSCHOTEN) -> None:
        """Events about a client."""
        await self.service.hear(client, *events, municipality=municipality)

    async def applicant(self, **told: Any) -> tuple[UUID, UUID]:
        """A client who filed an application, and the application."""
        client = await self.client(**told)
        return client, await self.apply(client)

    async def apply(self, client: UUID, **told: Any) -> UUID:
        """The application that follows a notification."""
        await self.done(f"/clients/{client}/notifications")
        return UUID((await self.done(f"/clients/{client}/applications", told))["id"])

    async def types(self, client: UUID) -> list[str]:
        """The types of all events said about a client, in order."""
        return [each.type().removeprefix("nl.klantreizen.") for each in await self.events(client)]

    async def events(self, client: UUID) -> list[Event]:
        """All events said about a client, in order."""
        said: list[Envelope[Event]] = await self.said(subject=client)
        return [each.data for each in said]

    async def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """What stands in the database, as the background role sees it."""
        async with self.service.office.database.in_background() as session:
            return [tuple(row) for row in await session.execute(text(statement), parameters)]

    async def letters(self, client: UUID) -> list[dict[str, Any]]:
        """The letters to a client, with their text, in the order in which they went out."""
        listed = (await self.get(f"/clients/{client}/letters")).json()["items"]
        return [(await self.get(f"/letters/{each['id']}")).json() for each in reversed(listed)]

    async def refused(self, path: str, body: Any, status: int = 409, **more: Any) -> dict[str, Any]:
        """The problem with which a POST is refused."""
        answer = await self.post(path, body, **more)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self, client: UUID) -> dict[str, Any]:
        """A client as the API tells it."""
        answer = await self.get(f"/clients/{client}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def today() -> date:
    """The civil day on which a test begins."""
    return date(2024, 2, 1)


@pytest.fixture
async def intake(make_database: MakeDatabase, today: date) -> AsyncIterator[Intake]:
    urls = await migrated_database(make_database, "intake")
    async with running(
        SERVICE.name, urls=urls, settings=SERVICE.settings, create=SERVICE.create,
        handlers=SERVICE.handlers, deadlines=SERVICE.deadlines, on=today, key=KEY, index_key=INDEX_KEY,
    ) as service:  # fmt: skip
        yield Intake(service)


@pytest.fixture
def role_of(intake: Intake, today: date) -> dict[str, str]:
    """The roles that the pack names for categories, asked of the pack itself."""
    pack = intake.service.office.policies.in_force(VOORSCHOTEN, today)
    return {
        category: pack.caseworker_role(
            Situation(category=category, track=pack.track_of(category), age_band="28-44", indications=frozenset())
        )
        for category in ("1A", "1B", "2A", "3B")
    }
