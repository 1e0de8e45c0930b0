"""Reading the outbox: in order, and never past a position that a transaction may still fill.

Positions are handed out before the commit, so they become visible out of order. `position > cursor` alone loses what
commits late. At a hole we ask which transactions hold a lock on this outbox, wait for those only, and read again: what
is still a hole then was rolled back. Transactions of other tables and other databases hold up nobody.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chassis.bus import Record
from chassis.database import Database
from chassis.positions import Positions
from contracts import encode
from contracts.envelope import CONTENT_TYPE

_COLUMNS = "position, event_id, municipality, subject, type, data, traceparent, recorded_at, cause"

_READ = text(f"SELECT {_COLUMNS} FROM outbox WHERE position > :after ORDER BY position LIMIT :limit")  # noqa: S608

_READ_UP_TO = text(
    f"SELECT {_COLUMNS} FROM outbox WHERE position > :after AND position <= :up_to"  # noqa: S608
    " ORDER BY position LIMIT :limit"
)

_SELECT = text(
    f"SELECT {_COLUMNS} FROM outbox"  # noqa: S608
    " WHERE position > :after AND position <= :up_to"
    " AND (CAST(:subject AS uuid) IS NULL OR subject = :subject)"
    " AND (CAST(:types AS text[]) IS NULL OR type = ANY (:types))"
    " AND (CAST(:since AS timestamptz) IS NULL OR recorded_at >= :since)"
    " AND (CAST(:before AS timestamptz) IS NULL OR recorded_at < :before)"
    " ORDER BY position LIMIT :limit"
)

_DEPTH = text(
    "SELECT count(*), min(recorded_at) FROM"
    " (SELECT recorded_at FROM outbox WHERE position > :after ORDER BY position LIMIT :most) AS ahead"
)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event as its producer keeps it."""

    position: int
    event_id: UUID
    municipality: str
    subject: UUID
    type: str
    data: str
    traceparent: str | None
    recorded_at: datetime
    cause: UUID | None = None

    def encode(self, source: str) -> bytes:
        """The CloudEvent that goes on the wire."""
        return encode(
            id=self.event_id,
            subject=self.subject,
            municipality=self.municipality,
            recorded_at=self.recorded_at,
            type=self.type,
            data=self.data,
            sequence=self.position,
            traceparent=self.traceparent,
            source=source,
            cause=self.cause,
        )


@dataclass(frozen=True)
class Selection:
    """Which events: about a subject, of some types, recorded in a period; everything that is left open counts."""

    subject: UUID | None = None
    types: Collection[str] | None = None
    since: datetime | None = None
    before: datetime | None = None

    def parameters(self) -> dict[str, Any]:
        """As the query takes them."""
        types = None if self.types is None else list(self.types)
        return {"subject": self.subject, "types": types, "since": self.since, "before": self.before}


EVERYTHING = Selection()


@dataclass(frozen=True)
class Depth:
    """What stands behind a cursor: how many events (counted up to a bound) and since when the first one waits."""

    events: int
    oldest: datetime | None


def source_of(organisation: str, service: str) -> str:
    """The `source` of a service's events: an organisation by its OIN, and the system in it."""
    return f"urn:nld:oin:{organisation}:systeem:opstap-{service}"


def as_record(row: OutboxRow, producer: str, organisation: str) -> Record:
    """The record that either bus carries."""
    headers = {"content-type": CONTENT_TYPE, "type": row.type}
    if row.traceparent:
        headers["traceparent"] = row.traceparent
    value = row.encode(source_of(organisation, producer))
    return Record(producer, str(row.subject), value, row.position, headers)


class OutboxLog(Positions):
    """The outbox of one service as a log that can be read from any position."""

    def __init__(self, database: Database | AsyncEngine, *, patience: float = 1.0) -> None:
        super().__init__(database, "outbox", patience=patience)

    async def read(self, after: int, limit: int) -> list[OutboxRow]:
        """The next events in order of position. Waits only for writers of this outbox, and only at a hole."""
        rows = await self._rows(_READ, after=after, limit=limit)
        hole = _first_hole(after, rows)
        if hole is None:
            return rows
        writers = await self._writers()
        if writers and hole:
            return rows[:hole]
        await self._wait_for(writers)
        return await self._rows(_READ_UP_TO, after=after, limit=limit, up_to=rows[-1].position)

    async def feed(
        self, session: AsyncSession, after: int, limit: int, selection: Selection = EVERYTHING
    ) -> list[OutboxRow]:
        """The next events that the session may see: for readers over HTTP, who keep a cursor of their own."""
        found = {"after": after, "limit": limit, "up_to": await self.settled(), **selection.parameters()}
        return [OutboxRow(*row) for row in await session.execute(_SELECT, found)]

    async def select(
        self, selection: Selection = EVERYTHING, *, after: int = 0, batch: int = 500
    ) -> AsyncIterator[list[OutboxRow]]:
        """All events of a selection there are now, a batch at a time, in order."""
        up_to = await self.settle()
        while rows := await self._rows(_SELECT, after=after, limit=batch, up_to=up_to, **selection.parameters()):
            yield rows
            after = rows[-1].position

    async def depth(self, after: int, most: int = 100_000) -> Depth:
        """What stands behind a cursor."""
        [(events, oldest)] = await self._all(_DEPTH, after=after, most=most)
        return Depth(events, oldest)

    async def _rows(self, statement: TextClause, **parameters: Any) -> list[OutboxRow]:
        return [OutboxRow(*row) for row in await self._all(statement, **parameters)]


def _first_hole(after: int, rows: list[OutboxRow]) -> int | None:
    """How many rows stand before the first missing position; None when none is missing."""
    if not rows or rows[-1].position == after + len(rows):
        return None
    return next(i for i, row in enumerate(rows) if row.position != after + 1 + i)
