import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.ids import new_id
from contracts import Event
from reporting.app import SERVICE
from tests.support.databases import MakeDatabase
from tests.support.heard import registered
from tests.support.service import ServiceUnderTest, migrated_database, running

TODAY = date(2024, 2, 1)


@dataclass
class Reporting:
    """The service under test, with what its tests say often."""

    service: ServiceUnderTest
    municipality: str = "GM0626"
    _numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.steering = self.service.token("policy_officer")
        self.council = self.service.token("council_reader", sub="raad")

    async def hear(self, client: UUID, *events: Event, cause: UUID | None = None) -> list[UUID]:
        return await self.service.hear(client, *events, municipality=self.municipality, cause=cause)

    async def hear_all(self, told: Sequence[tuple[UUID, Event]]) -> None:
        """One batch for each producer, in the order told."""
        producers: dict[str, list[Any]] = {}
        for client, event in told:
            record = self.service.record(new_id(), client, event, self.municipality)
            producers.setdefault(event.producer, []).append(record)
        for records in producers.values():
            await self.service.consumer.handle(records)

    async def hear_of_old(self, client: UUID, event: Event, days_ago: int) -> UUID:
        """An event that was recorded days ago and comes only now; its id."""
        event_id = new_id()
        record = self.service.record(event_id, client, event, self.municipality)
        told = json.loads(record.value)
        told["time"] = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
        await self.service.consumer.handle([replace(record, value=json.dumps(told).encode())])
        return event_id

    async def client(self, *events: Event, **traits: Any) -> UUID:
        client = new_id()
        await self.hear(client, registered(**traits), *events)
        return client

    async def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> httpx.Response:
        return await self.service.get(path, headers=headers or self.steering, **query)

    async def figures(self, on: date = TODAY, **query: Any) -> dict[str, Any]:
        return await self.answer("/figures", municipality=self.municipality, on=on.isoformat(), **query)

    async def caseload(self, since: date, to: date, **query: Any) -> dict[str, Any]:
        days = {"from": since.isoformat(), "to": to.isoformat()}
        return await self.answer("/caseload", municipality=self.municipality, **days, **query)

    async def answer(self, path: str, **query: Any) -> dict[str, Any]:
        answer = await self.get(path, **query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def report(self, level: str = "council", **more: Any) -> dict[str, Any]:
        body = {"municipality": self.municipality, "level": level, "from": "2023-01-01", "to": "2023-12-31", **more}
        return await self.service.done("/reports", body, headers=self.steering)

    async def as_owner(self, statement: str) -> None:
        """What neither role of the service may do."""
        engine = create_async_engine(self.service.urls.owner, poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    async def row(self, client: UUID) -> dict[str, Any]:
        return (await self.rows("SELECT * FROM clients WHERE id = :id", id=client))[0]

    async def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        async with self.service.office.database.in_background() as session:
            return [dict(row) for row in (await session.execute(text(query), values)).mappings()]


@pytest.fixture(scope="session")
async def service(make_database: MakeDatabase) -> AsyncIterator[ServiceUnderTest]:
    """Reporting, running for all these tests."""
    urls = await migrated_database(make_database, SERVICE.name)
    async with running(
        SERVICE.name, urls=urls, settings=SERVICE.settings,
        create=SERVICE.create, handlers=SERVICE.handlers, deadlines=SERVICE.deadlines, on=TODAY,
    ) as service:  # fmt: skip
        yield service


@pytest.fixture
async def reporting(service: ServiceUnderTest) -> AsyncIterator[Reporting]:
    """Reporting, which has heard nothing yet."""
    reporting = Reporting(service)
    yield reporting
    await reporting.as_owner("TRUNCATE happenings, clients, spells, placements, exemptions, reports, outbox")
