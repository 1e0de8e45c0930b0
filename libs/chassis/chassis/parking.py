"""Records that could not be handled wait here, and behind each its client's later records from the same producer.

Nothing is dropped and nothing is edited: an operator retries, or discards with a reason, and the row stays.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from prometheus_client import Counter, Gauge
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bus import Record
from chassis.trouble import DatabaseTrouble, unit_of_work
from chassis.work import Office, Work

State = Literal["failed", "waiting", "discarded"]

PARKED = Counter("opstap_records_parked", "Records that were parked", ["service", "producer", "state"])
IN_PARKING = Gauge("opstap_parked_records", "Records in the parking now", ["service", "producer", "state"])
OLDEST = Gauge("opstap_parked_oldest_seconds", "Since when the oldest is parked", ["service", "producer", "state"])

LONGEST_ERROR = 1000

_LOCK = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(CAST(:producer AS text) || ' ' || key, 0))"
    " FROM (SELECT key FROM unnest(CAST(:keys AS text[])) AS key ORDER BY key) AS ordered"
)

_KNOWN = text(
    "SELECT DISTINCT key, CAST(NULL AS uuid) AS event_id FROM parked"
    " WHERE producer = :producer AND state <> 'discarded' AND key = ANY (:keys)"
    " UNION ALL SELECT NULL, event_id FROM parked WHERE producer = :producer AND event_id = ANY (:ids)"
)

_PARK = text(
    "INSERT INTO parked (producer, key, event_id, type, value, state, error, attempts)"
    " SELECT :producer, :key, :event_id, CAST(:type AS text), :value, :state, CAST(:error AS text), :attempts"
    " WHERE NOT EXISTS (SELECT FROM inbox WHERE event_id = :event_id)"
    " ON CONFLICT DO NOTHING RETURNING id"
)

_COLUMNS = (
    "id, producer, key, event_id, type, value, state, error, attempts, parked_at, discarded_by, discarded_because"
)

_LIST = text(
    f"SELECT {_COLUMNS} FROM parked WHERE id > :after"  # noqa: S608
    " AND (CAST(:producer AS text) IS NULL OR producer = :producer)"
    " AND (CAST(:key AS text) IS NULL OR key = :key)"
    " AND (CAST(:state AS text) IS NULL OR state = :state)"
    " ORDER BY id LIMIT :limit"
)

_FIRST = text(
    f"SELECT {_COLUMNS} FROM parked"  # noqa: S608
    " WHERE producer = :producer AND key = :key AND state <> 'discarded' ORDER BY id LIMIT 1"
)

_LANES = text("SELECT producer, key FROM parked WHERE state <> 'discarded' GROUP BY producer, key ORDER BY min(id)")

_FAILED_AGAIN = text(
    "UPDATE parked SET state = 'failed', error = :error, attempts = attempts + 1"
    " WHERE id = :id AND state <> 'discarded'"
)

_TAKE_OUT = text("DELETE FROM parked WHERE id = :id AND state <> 'discarded' RETURNING id")

_DISCARD = text(
    "UPDATE parked SET state = 'discarded', discarded_by = :by, discarded_because = :because"  # noqa: S608
    f" WHERE id = :id AND state <> 'discarded' RETURNING {_COLUMNS}"
)

_COUNT = text(
    "SELECT producer, state, count(*), min(parked_at), extract(epoch FROM clock_timestamp() - min(parked_at))"
    " FROM parked GROUP BY producer, state ORDER BY producer, state"
)


class NotParked(LookupError):
    """There is no such record in the parking, or it was discarded already."""


class ReasonMissing(ValueError):
    """Whoever discards a record says why."""


@dataclass(frozen=True)
class Parked:
    """A parked record as an operator sees it."""

    id: int
    producer: str
    key: str
    """The client, nearly always."""
    event_id: UUID
    """Of the event; of the bytes, where they are no event."""
    type: str | None
    value: bytes
    state: State
    error: str | None
    attempts: int
    parked_at: datetime
    discarded_by: str | None
    discarded_because: str | None

    @property
    def record(self) -> Record:
        """As it came."""
        return Record(self.producer, self.key, self.value, 0)


@dataclass(frozen=True)
class ToPark:
    """A record on its way into the parking."""

    record: Record
    event_id: UUID
    type: str | None
    state: Literal["failed", "waiting"]
    error: str | None = None
    attempts: int = 0


@dataclass(frozen=True)
class Known:
    """What the parking holds of a batch: clients who must wait, and events that are in it already."""

    keys: frozenset[str] = frozenset()
    ids: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Count:
    """How many records of a producer are in one state, and since when."""

    producer: str
    state: State
    records: int
    oldest: datetime
    age: float
    """Seconds that the oldest has been here."""


@dataclass(frozen=True)
class Retried:
    """How far a retry came for one client: what was handled, and what stopped it."""

    producer: str
    key: str
    handled: int
    error: str | None = None


class Handles(Protocol):
    """What a retry asks of the consumer."""

    service: str
    office: Office

    async def handle_parked(self, work: Work, record: Record) -> None:
        """Handle one record in the transaction of `work`, unless it was handled before."""
        ...


async def look_up(session: AsyncSession, producer: str, keys: Collection[str], ids: Collection[UUID]) -> Known:
    """What the parking holds of a batch. Clients who wait are locked: a retry never runs beside us."""
    known = await _look_up(session, producer, keys, ids)
    if not known.keys:
        return known
    await lock(session, producer, known.keys)
    return await _look_up(session, producer, keys, ids)


async def _look_up(session: AsyncSession, producer: str, keys: Collection[str], ids: Collection[UUID]) -> Known:
    rows = (await session.execute(_KNOWN, {"producer": producer, "keys": list(keys), "ids": list(ids)})).all()
    return Known(
        frozenset(key for key, _ in rows if key is not None),
        frozenset(event_id for _, event_id in rows if event_id is not None),
    )


async def lock(session: AsyncSession, producer: str, keys: Collection[str]) -> None:
    """Be the only one at work on what is parked of these clients, until the transaction ends."""
    await session.execute(_LOCK, {"producer": producer, "keys": list(keys)})


async def park(session: AsyncSession, service: str, records: Sequence[ToPark]) -> None:
    """Put records into the parking, in order; one that is in it already, or was handled, is left out."""
    for item in records:
        values = {
            "producer": item.record.producer,
            "key": item.record.key,
            "event_id": item.event_id,
            "type": item.type,
            "value": item.record.value,
            "state": item.state,
            "error": item.error,
            "attempts": item.attempts,
        }
        if await session.scalar(_PARK, values) is not None:
            PARKED.labels(service, item.record.producer, item.state).inc()


def told(error: BaseException) -> str:
    """An error in a line for operators, without the values that a database error carries along."""
    cause = getattr(error, "orig", None) or error
    first_line = next(iter(str(cause).splitlines()), "")
    return f"{type(cause).__name__}: {first_line}"[:LONGEST_ERROR].replace("\0", "\ufffd")


class Parking:
    """What operators do with parked records."""

    def __init__(self, consumer: Handles) -> None:
        self._consumer = consumer
        self._database = consumer.office.database
        self._shown: set[tuple[str, str]] = set()

    async def find(
        self,
        *,
        producer: str | None = None,
        key: str | None = None,
        state: State | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Parked]:
        """Parked records in the order in which they came; `after` is the id of the last one seen."""
        wanted = {"producer": producer, "key": key, "state": state, "after": after, "limit": limit}
        return await self._rows(_LIST, wanted)

    async def retry(self, producer: str, key: str) -> Retried:
        """Handle what is parked of one client from one producer, in order, until one fails or none is left."""
        handled = 0
        while first := await self._rows(_FIRST, {"producer": producer, "key": key}):
            error = await self._try(first[0])
            if error:
                return Retried(producer, key, handled, error)
            handled += 1
        return Retried(producer, key, handled)

    async def retry_all(self) -> list[Retried]:
        """Retry every client; one who fails again holds up no other."""
        async with self._database.in_background() as session:
            lanes = (await session.execute(_LANES)).all()
        return [await self.retry(producer, key) for producer, key in lanes]

    async def discard(self, id: int, *, by: str, because: str) -> Parked:
        """Give up one record, on the record; its client's later ones go on with `retry`."""
        if not because.strip() or not by.strip():
            raise ReasonMissing("a record is discarded by somebody and for a reason")
        found = await self._rows(_DISCARD, {"id": id, "by": by, "because": because})
        if not found:
            raise NotParked(f"no record {id} is parked")
        return found[0]

    async def count(self) -> list[Count]:
        """How many there are, by producer and state; sets the metrics as well."""
        async with self._database.in_background() as session:
            rows = (await session.execute(_COUNT)).all()
        counts = [Count(producer, state, records, oldest, float(age)) for producer, state, records, oldest, age in rows]
        self._show(counts)
        return counts

    async def measure(self) -> bool:
        """Set the metrics; a turn of a slow pump in either bus, so that what is parked is never out of sight."""
        await self.count()
        return False

    async def _try(self, parked: Parked) -> str | None:
        """Handle one record and take it out of the parking; the error when that fails."""
        try:
            async with unit_of_work(self._consumer.office) as work:
                await lock(work.session, parked.producer, [parked.key])
                taken_out = await work.session.scalar(_TAKE_OUT, {"id": parked.id})
                if taken_out is not None:  # otherwise another operator was first
                    await self._consumer.handle_parked(work, parked.record)
        except DatabaseTrouble:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the handler raises is told to the operator
            async with self._database.in_background() as session:
                await session.execute(_FAILED_AGAIN, {"id": parked.id, "error": told(error)})
            return told(error)
        return None

    async def _rows(self, statement: TextClause, parameters: Mapping[str, object]) -> list[Parked]:
        async with self._database.in_background() as session:
            return [Parked(*row) for row in await session.execute(statement, parameters)]

    def _show(self, counts: Sequence[Count]) -> None:
        """Put the counts into the metrics; what is there no more goes to nought."""
        gone = self._shown - {(count.producer, count.state) for count in counts}
        for producer, state in gone:
            IN_PARKING.labels(self._consumer.service, producer, state).set(0)
            OLDEST.labels(self._consumer.service, producer, state).set(0)
        for count in counts:
            IN_PARKING.labels(self._consumer.service, count.producer, count.state).set(count.records)
            OLDEST.labels(self._consumer.service, count.producer, count.state).set(count.age)
        self._shown |= {(count.producer, count.state) for count in counts}
