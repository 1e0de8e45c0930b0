"""What the databases say, read by SQL with each service's background role, as of one moment in each database."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from chassis.clock import AMSTERDAM, MachineClock
from contracts import PRODUCERS, Envelope, Event, UnknownEventType, event_class
from opstap.databases import DatabaseUrls
from opstap.verify.families import Families

E = TypeVar("E", bound=Event)

Hearers = Mapping[str, Collection[type[Event]]]
"""Which events each service hears."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row of an outbox that is no event of ours."""

    producer: str
    event_id: UUID
    subject: UUID
    why: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A row of an inbox."""

    producer: str
    type: str
    subject: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Parked:
    """A row of a parking."""

    id: int
    producer: str
    key: str
    event_id: UUID | None
    type: str | None
    state: str
    error: str | None


@dataclass
class Evidence:
    """All outboxes, inboxes and parkings, and a way to ask the services' tables."""

    hearers: Hearers
    connections: Mapping[str, asyncpg.Connection]
    said: dict[str, list[Envelope[Event]]] = field(default_factory=dict)
    """By producer, in order."""
    unreadable: list[Unreadable] = field(default_factory=list)
    heard: dict[str, dict[UUID, Heard]] = field(default_factory=dict)
    """By hearer."""
    parked: dict[str, list[Parked]] = field(default_factory=dict)
    cursors: dict[str, dict[str, int]] = field(default_factory=dict)
    """On one machine: how far each hearer came in each producer's outbox."""
    relayed: dict[str, int] = field(default_factory=dict)
    """On Kafka: how far each producer's relay came."""
    civil_day: date = date.min

    async def rows(self, service: str, query: str) -> list[Mapping[str, Any]]:
        """What a service's tables answer."""
        found: list[Mapping[str, Any]] = await self.connections[service].fetch(query)
        return found

    def standing(self, *types: type[E]) -> Iterator[Envelope[E]]:
        """The same, without what was said because of a merger that was undone."""
        return (each for each in self.events(*types) if self.families.stands(each))

    def events(self, *types: type[E]) -> Iterator[Envelope[E]]:
        """All events of these types, in the order of each producer."""
        for producer in dict.fromkeys(each.producer for each in types):
            for envelope in self.said[producer]:
                if isinstance(envelope.data, types):
                    yield envelope  # type: ignore[misc] # its data was looked at

    @cached_property
    def families(self) -> Families:
        """Who turned out to be whom."""
        return Families.of(self.said["intake"])

    @cached_property
    def by_client(self) -> Mapping[str, Mapping[UUID, Sequence[Envelope[Event]]]]:
        """Of each service what it said and heard about each client, in the order in which that happened to it.

        What a merger that was undone led to happened to nobody, what is parked did not happen to the service yet;
        what it should have heard but did not counts when it was said.
        """
        return {service: self._timelines(service) for service in self.connections}

    def _timelines(self, service: str) -> Mapping[UUID, list[Envelope[Event]]]:
        heard = self.heard[service]
        parked = {each.event_id for each in self.parked[service]}
        timelines: defaultdict[UUID, list[tuple[datetime, int, Envelope[Event]]]] = defaultdict(list)
        for producer, envelopes in self.said.items():
            for envelope in envelopes:
                if envelope.data.about == "staff" or not self.families.stands(envelope):
                    continue
                if producer == service:
                    at = envelope.recorded_at
                elif type(envelope.data) in self.hearers[service] and envelope.id not in parked:
                    at = heard[envelope.id].at if envelope.id in heard else envelope.recorded_at
                else:
                    continue
                timelines[envelope.subject].append((at, envelope.sequence, envelope))
        return {
            subject: [envelope for _, _, envelope in sorted(happened, key=lambda each: each[:2])]
            for subject, happened in timelines.items()
        }


@asynccontextmanager
async def gathered(urls: Mapping[str, DatabaseUrls], hearers: Hearers) -> AsyncIterator[Evidence]:
    """Read what all services keep of their messages; the connections stay open for the checks."""
    async with AsyncExitStack() as stack:
        connections = {}
        for service in PRODUCERS:
            connection = await asyncpg.connect(urls[service].background.replace("+asyncpg", "", 1))
            stack.push_async_callback(connection.close)
            await stack.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
            connections[service] = connection
        evidence = Evidence(hearers, connections)
        for service in PRODUCERS:  # inboxes first: what was heard then has been said by the time outboxes are read
            await _read_inbox(evidence, service)
        for service in PRODUCERS:
            await _read_outbox(evidence, service)
        evidence.civil_day = await _civil_day(evidence)
        yield evidence


async def _read_inbox(evidence: Evidence, service: str) -> None:
    inbox = await evidence.rows(service, "SELECT event_id, producer, type, subject, handled_at FROM inbox")
    evidence.heard[service] = {row["event_id"]: Heard(*tuple(row.values())[1:]) for row in inbox}
    parked = await evidence.rows(
        service, "SELECT id, producer, key, event_id, type, state, error FROM parked ORDER BY id"
    )
    evidence.parked[service] = [Parked(*row.values()) for row in parked]
    cursors = await evidence.rows(service, "SELECT producer, position FROM bus_cursors")
    evidence.cursors[service] = {row["producer"]: row["position"] for row in cursors}
    for row in await evidence.rows(service, "SELECT position FROM relay_cursor"):
        evidence.relayed[service] = row["position"]


async def _read_outbox(evidence: Evidence, service: str) -> None:
    evidence.said[service] = []
    query = (
        "SELECT event_id, subject, municipality, recorded_at, type, data, position, cause FROM outbox ORDER BY position"
    )
    async for row in evidence.connections[service].cursor(query, prefetch=2000):
        try:
            data = event_class(row["type"]).model_validate_json(row["data"])
        except (UnknownEventType, ValidationError) as error:
            evidence.unreadable.append(Unreadable(service, row["event_id"], row["subject"], str(error)))
        else:
            envelope = Envelope(
                row["event_id"],
                row["subject"],
                row["municipality"],
                row["recorded_at"],
                data,
                row["position"],
                cause=row["cause"],
            )
            evidence.said[service].append(envelope)


async def _civil_day(evidence: Evidence) -> date:
    """Where the movable clock stands, or today."""
    saved = [row["moment"] for name in PRODUCERS for row in await evidence.rows(name, "SELECT moment FROM civil_clock")]
    moment: datetime = max(saved, default=MachineClock().now())
    return moment.astimezone(AMSTERDAM).date()
