"""Events as they were published: looked up, and handed to a service again."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.consumer import Consumer
from chassis.outbox import OutboxLog, OutboxRow, Selection
from chassis.replay import replay_to
from contracts import EVENTS, PRODUCERS
from opstap.operators.folder import Desk

__all__ = [
    "Replayed",
    "Selection",
    "Told",
    "UnknownName",
    "as_moment",
    "newest",
    "replay",
    "service_named",
    "type_named",
]

_NEWEST = text(
    "SELECT position, event_id, municipality, subject, type, data, traceparent, recorded_at, cause FROM outbox"
    " WHERE (CAST(:subject AS uuid) IS NULL OR subject = :subject)"
    " AND (CAST(:types AS text[]) IS NULL OR type = ANY (:types))"
    " AND (CAST(:since AS timestamptz) IS NULL OR recorded_at >= :since)"
    " AND (CAST(:before AS timestamptz) IS NULL OR recorded_at < :before)"
    " ORDER BY position DESC LIMIT :limit"
)
_CURSOR = text("SELECT position FROM bus_cursors WHERE producer = :producer")
_HANDLED = text("SELECT event_id FROM inbox WHERE event_id = ANY (:ids)")


class UnknownName(LookupError):
    """There is no service or event of this name; the message says which there are."""


@dataclass(frozen=True)
class Told:
    """An event with who said it."""

    producer: str
    row: OutboxRow

    @property
    def data(self) -> dict[str, Any]:
        """What it tells."""
        told: dict[str, Any] = json.loads(self.row.data)
        return told

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "id": str(self.row.event_id),
            "producer": self.producer,
            "position": self.row.position,
            "type": self.row.type,
            "subject": str(self.row.subject),
            "municipality": self.row.municipality,
            "recordedAt": self.row.recorded_at.isoformat(),
            "data": self.data,
        }


@dataclass(frozen=True)
class Replayed:
    """What came of handing a producer's events to a service again."""

    producer: str
    handed_over: int
    handled: int
    """Those that had not been handled before; the service dropped the others."""
    left: int
    """Those that are not handled even now: parked."""


async def newest(desk: Desk, producers: Collection[str], selection: Selection, limit: int) -> list[Told]:
    """The newest events of a selection, in the order in which they were recorded."""
    found: list[Told] = []
    for producer in producers:
        async with desk.databases[producer].in_background() as session:
            rows = await session.execute(_NEWEST, {**selection.parameters(), "limit": limit})
            found += [Told(producer, OutboxRow(*row)) for row in rows]
    found.sort(key=lambda each: (each.row.recorded_at, each.row.position))
    return found[-limit:]


async def replay(desk: Desk, to: str, selection: Selection) -> list[Replayed]:
    """Hand events of all producers to a service again, as far as the bus has brought it: the rest is still to come."""
    consumer = desk.consumer(to)
    return [await _replay(desk, consumer, producer, selection) for producer in sorted(consumer.producers)]


def type_named(name: str) -> str:
    """The CloudEvents type of `ClientCategorised`, `client-categorised` or the type itself."""
    known = {event.__name__: type for type, event in EVENTS.items()} | {
        type.rpartition(".")[2]: type for type in EVENTS
    }
    type = name if name in EVENTS else known.get(name)
    if type is None:
        raise UnknownName(f"no event is called {name!r}; docs/events.md lists them, for instance ClientCategorised")
    return type


def service_named(name: str) -> str:
    """A service there is."""
    if name not in PRODUCERS:
        raise UnknownName(f"no service is called {name!r}; there are {', '.join(PRODUCERS)}")
    return name


async def _replay(desk: Desk, consumer: Consumer, producer: str, selection: Selection) -> Replayed:
    outbox, reached = desk.outbox(producer), await _reached(desk, consumer.service, producer)
    heard = [event.type() for event in desk.heard_by(consumer.service) if event.producer == producer]
    wanted = heard if selection.types is None else [type for type in heard if type in selection.types]
    chosen = replace(selection, types=wanted)
    before = await _unhandled(desk, consumer.service, outbox, chosen, reached)
    count = await replay_to(consumer, producer, outbox, chosen, up_to=reached)
    after = await _unhandled(desk, consumer.service, outbox, chosen, reached)
    return Replayed(producer, count, len(before - after), len(after))


async def _reached(desk: Desk, service: str, producer: str) -> int:
    """How far the bus has brought this pair. Beyond it, replaying would hand a client's later event over first."""
    async with desk.databases[service].in_background() as session:
        return int(await session.scalar(_CURSOR, {"producer": producer}) or 0)


async def _unhandled(desk: Desk, service: str, outbox: OutboxLog, selection: Selection, up_to: int) -> set[UUID]:
    missing: set[UUID] = set()
    async for rows in _up_to(outbox.select(selection), up_to):
        ids = [row.event_id for row in rows]
        async with desk.databases[service].in_background() as session:
            missing |= set(ids) - set(await session.scalars(_HANDLED, {"ids": ids}))
    return missing


async def _up_to(batches: AsyncIterator[list[OutboxRow]], position: int) -> AsyncIterator[Sequence[OutboxRow]]:
    async for rows in batches:
        yield [row for row in rows if row.position <= position]


def as_moment(day: datetime | None) -> datetime | None:
    """A day from the command line as a moment of recording: its beginning where the machine stands."""
    return day.astimezone() if day else None
