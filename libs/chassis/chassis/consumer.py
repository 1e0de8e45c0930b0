"""Handling the events of other services: each once, in order per client, a batch in one transaction.

A batch that fails is done again record by record, so that one bad record spoils nothing for the others. A record that
keeps failing is parked, and its client's later records wait behind it. Trouble of the database parks nothing: it is
raised, and whoever called comes again with the same records.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import parking, trace
from chassis.bus import Pump, Record
from chassis.parking import Parking, ToPark
from chassis.trouble import DatabaseTrouble, own_statements, unit_of_work
from chassis.work import Office, Work
from contracts import EVENTS, Envelope, Event, UndecodableEvent, UnknownEventType, decode

log = structlog.get_logger(__name__)

Handler = Callable[[Work, Sequence[Envelope[Any]]], Awaitable[None]]
"""Handles a batch of events of one type, at most one per client, in the transaction of the work."""
Handlers = Mapping[type[Event], Handler]
Save = Callable[[AsyncSession], Awaitable[None]]
"""Saves where the bus has come, in the transaction that handles."""

SECONDS_BETWEEN_COUNTS = 15.0

HANDLED = Counter("opstap_events_handled", "Events handled", ["service", "producer"])
REPEATED = Counter("opstap_events_repeated", "Events that had been handled before", ["service", "producer"])
BATCH_SECONDS = Histogram("opstap_batch_seconds", "Time that a batch of records took", ["service", "producer"])

_FIRST_TIME = text(
    "INSERT INTO inbox (event_id, producer, type, subject)"
    " SELECT event_id, :producer, type, subject FROM unnest("
    "CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:subjects AS uuid[])) AS new (event_id, type, subject)"
    " ON CONFLICT DO NOTHING RETURNING event_id"
)

_MERGED = text("SELECT gone, survivor FROM remembered_mergers WHERE event_id = :merger")


@dataclass(frozen=True, slots=True)
class Opened:
    """A record with the event in it, or with the reason why there is none."""

    record: Record
    event_id: UUID
    envelope: Envelope[Event] | None
    error: str | None = None

    def to_park(self, state: Any, error: str | None = None, attempts: int = 0) -> ToPark:
        """The same on its way into the parking."""
        event_type = self.envelope.data.type() if self.envelope else None
        return ToPark(self.record, self.event_id, event_type, state, error, attempts)


class Consumer:
    """Handles records for one service."""

    def __init__(
        self,
        service: str,
        office: Office,
        handlers: Handlers,
        *,
        pauses: Sequence[float] = (0.1, 0.5),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`pauses` stand between the tries of a failing record: two pauses make three tries."""
        self.service = service
        self.office = office
        self._handlers = {event.type(): handler for event, handler in handlers.items()}
        self._pauses = pauses
        self._sleep = sleep
        self.producers = frozenset(event.producer for event in handlers)
        """The services whose events it handles."""

    async def handle(self, records: Sequence[Record], save: Save | None = None) -> None:
        """Handle records of one producer, in order; returns when each was handled, parked or of no concern.

        Raises DatabaseTrouble when it cannot tell; the same records may come again, as often as needed.
        """
        concern = [record for record in records if self._concerns(record)]
        if not concern and save is None:
            return
        producer = records[0].producer
        with BATCH_SECONDS.labels(self.service, producer).time():
            try:
                await self._together(concern, save)
            except DatabaseTrouble:
                raise
            except Exception as error:  # noqa: BLE001 - any handler, any error
                log.warning("a batch failed", service=self.service, producer=producer, error=parking.told(error))
                await self._one_by_one(concern)
                await self._together([], save)

    async def handle_parked(self, work: Work, record: Record) -> None:
        """Handle one record that was parked, in the transaction of `work`; raises what is wrong with it."""
        if self._concerns(record):
            fresh = await self._run(work, record.producer, [decode(record.value)])
            HANDLED.labels(self.service, record.producer).inc(fresh)

    def _concerns(self, record: Record) -> bool:
        """Whether it is for us: of a type we handle, or of none that is known here, which is parked."""
        addressee = record.headers.get("for")
        if addressee is not None and addressee != self.service:
            return False
        event_type = record.headers.get("type") or _peek(record.value).get("type")
        return event_type not in EVENTS or event_type in self._handlers

    async def _together(self, records: Sequence[Record], save: Save | None) -> None:
        """All in one transaction."""
        if not records and save is None:
            return
        ready: list[Envelope[Event]] = []
        fresh = 0
        async with unit_of_work(self.office) as work:
            if records:
                with own_statements():
                    ready = await self._set_apart(work.session, [_open(record) for record in records])
                fresh = await self._run(work, records[0].producer, ready)
            if save is not None:
                await save(work.session)
        if ready:
            HANDLED.labels(self.service, records[0].producer).inc(fresh)
            REPEATED.labels(self.service, records[0].producer).inc(len(ready) - fresh)

    async def _one_by_one(self, records: Sequence[Record]) -> None:
        """Each in a transaction of its own, in as many passes as there are tries; what fails in all is parked."""
        left = list(records)
        for number, pause in enumerate(self._pauses, start=1):
            left = await self._pass(left, tries=number, park=False)
            if not left:
                return
            await self._sleep(pause)
        await self._pass(left, tries=len(self._pauses) + 1, park=True)

    async def _pass(self, records: Sequence[Record], *, tries: int, park: bool) -> list[Record]:
        """Try each record once; what failed is left, and what its client said after it."""
        left: dict[str, list[Record]] = {}
        for record in records:
            if record.key in left:
                left[record.key].append(record)
                continue
            try:
                await self._together([record], None)
            except DatabaseTrouble:
                raise
            except Exception as error:  # noqa: BLE001 - any handler, any error
                if park:
                    await self._park(record, error, tries)
                else:
                    left[record.key] = [record]
        return [record for of_client in left.values() for record in of_client]

    async def _park(self, record: Record, error: Exception, tries: int) -> None:
        why = parking.told(error)
        log.error("a record is parked", service=self.service, producer=record.producer, key=record.key, error=why)
        async with unit_of_work(self.office) as work:
            await parking.park(work.session, self.service, [_open(record).to_park("failed", why, tries)])

    async def _set_apart(self, session: AsyncSession, opened: Sequence[Opened]) -> list[Envelope[Event]]:
        """Park what must wait and what is no event of ours; the rest can be handled."""
        producer = opened[0].record.producer
        keys, ids = {item.record.key for item in opened}, [item.event_id for item in opened]
        known = await parking.look_up(session, producer, keys, ids)
        held = set(known.keys)
        ready: list[Envelope[Event]] = []
        to_park: list[ToPark] = []
        for item in opened:
            if item.event_id in known.ids:
                continue
            if item.record.key in held:
                to_park.append(item.to_park("waiting"))
            elif item.envelope is None:
                held.add(item.record.key)
                to_park.append(item.to_park("failed", item.error, 1))
            else:
                ready.append(item.envelope)
        await parking.park(session, self.service, to_park)
        return ready

    async def _run(self, work: Work, producer: str, envelopes: Sequence[Envelope[Event]]) -> int:
        """The inbox first, then the handlers, round by round; how many events were new."""
        with own_statements():
            fresh = await self._first_time(work.session, producer, envelopes)
        for event_type, batch in rounds(fresh):
            await self._handle(work, event_type, batch)
        return len(fresh)

    async def _handle(self, work: Work, type: str, batch: Sequence[Envelope[Event]]) -> None:
        """Hand a batch to its handler; what it publishes goes on in the trace of the client's event."""
        with trace.following(batch[0].traceparent if len(batch) == 1 else None):
            work.traces = {envelope.subject: trace.child(envelope.traceparent) for envelope in batch}
            by_itself = [envelope for envelope in batch if envelope.cause is None]
            if by_itself:
                await self._handlers[type](work, by_itself)
            for envelope in batch:
                if envelope.cause is not None:
                    await self._pass_on(work, type, envelope)

    async def _pass_on(self, work: Work, type: str, envelope: Envelope[Event]) -> None:
        """What follows from something that was said because of a merger is said because of it, too."""
        assert envelope.cause is not None, "there is something to pass on"
        both = (await work.session.execute(_MERGED, {"merger": envelope.cause})).first() or ()
        with work.because_of(envelope.cause, {envelope.subject, *both}):
            await self._handlers[type](work, [envelope])

    async def _first_time(
        self, session: AsyncSession, producer: str, envelopes: Sequence[Envelope[Event]]
    ) -> list[Envelope[Event]]:
        """Write the events into the inbox; those that were not in it. Only the id tells a repeat."""
        if not envelopes:
            return []
        by_id = {envelope.id: envelope for envelope in envelopes}
        columns = {
            "producer": producer,
            "ids": list(by_id),
            "types": [envelope.data.type() for envelope in by_id.values()],
            "subjects": [envelope.subject for envelope in by_id.values()],
        }
        new = set((await session.execute(_FIRST_TIME, columns)).scalars())
        return [envelope for envelope in by_id.values() if envelope.id in new]


def rounds(envelopes: Sequence[Envelope[Event]]) -> Iterator[tuple[str, list[Envelope[Event]]]]:
    """Each client's first event, then each client's second, and so on; within a round by type."""
    seen: defaultdict[UUID, int] = defaultdict(int)
    batches: defaultdict[int, defaultdict[str, list[Envelope[Event]]]] = defaultdict(lambda: defaultdict(list))
    for envelope in envelopes:
        batches[seen[envelope.subject]][envelope.data.type()].append(envelope)
        seen[envelope.subject] += 1
    for number in sorted(batches):
        yield from batches[number].items()


def parking_pump(consumer: Consumer) -> Pump:
    """Keeps the metrics of what is parked up to date."""
    return Pump(f"{consumer.service} parking", Parking(consumer).measure, poll=SECONDS_BETWEEN_COUNTS)


def _open(record: Record) -> Opened:
    try:
        envelope = decode(record.value)
    except (UndecodableEvent, UnknownEventType) as error:
        return Opened(record, _identity(record), None, parking.told(error))
    return Opened(record, envelope.id, envelope)


def _identity(record: Record) -> UUID:
    """What tells a repeat of a record that we cannot read: the id it claims, or its bytes."""
    try:
        return UUID(_peek(record.value)["id"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return uuid5(NAMESPACE_URL, record.value.hex())


def _peek(value: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(value)
    except ValueError:
        return {}
    return raw if isinstance(raw, dict) else {}
