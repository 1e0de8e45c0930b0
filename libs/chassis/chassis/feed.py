"""Server-sent events from a log: what changed, as it is committed, resumable by `Last-Event-ID`.

One look at the log serves all streams of a process, whichever process wrote it, and there is none while nobody listens.
The newest lines stay in memory, so what a stream costs the database does not grow with how many there are. Who comes
back from before what is kept, or was told of something that is not there any more, is told to begin anew: `reset`.
"""

import asyncio
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar
from weakref import WeakSet

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from sqlalchemy import text
from starlette.responses import StreamingResponse

from chassis.database import Database
from chassis.positions import Positions
from chassis.problems import TooManyRequests
from chassis.security import Token

HEARTBEAT = 15.0
MOST_PER_HOLDER = 6
PAGE = 500
KEPT = 20_000
"""Lines in memory: who is further behind loads anew, which costs less than to be told each of them."""
PRUNED_AT_ONCE = 5_000

L = TypeVar("L", bound="Line")

_feeds: "WeakSet[Feed[Any]]" = WeakSet()


class EventStream(StreamingResponse):
    """Events as they come. Of its own, because the framework's begins tasks of which a stop would wait for the end."""

    media_type = "text/event-stream"


class Place(NamedTuple):
    """How far a reader is, as the id of an event says it: `20`, or with a mark of the reader's `20.2024-06-03`."""

    position: int
    mark: str | None = None

    @classmethod
    def read(cls, id: str) -> Self:
        """The place that an id says."""
        position, _, mark = id.partition(".")
        return cls(int(position), mark or None)

    def __str__(self) -> str:
        return f"{self.position}.{self.mark}" if self.mark else str(self.position)


class Line(Protocol):
    """Something that changed; what stands in it besides is the log's own."""

    @property
    def position(self) -> int:
        """Where it stands in the log."""
        ...

    def event(self) -> tuple[str, str]:
        """The name of the event, and its data as JSON."""
        ...


class Reader(Protocol[L]):
    """Somebody who listens, for whom lines are chosen."""

    @property
    def mark(self) -> str | None:
        """What an id says besides the position, so that who comes back tells what it was of."""
        ...

    async def choose(self, lines: Sequence[L]) -> Sequence[L] | None:
        """Those of these lines that this reader is told; None when everything is to be loaded anew.

        Asked with no lines as well, now and then: the day may have changed.
        """
        ...


Read = Callable[[int, int, int], Awaitable[Sequence[L]]]
"""The newest lines above a position and up to one, so many at most, in order."""


class TooManyStreams(TooManyRequests):
    """One holder of tokens follows too much at a time."""

    slug = "too-many-streams"
    title = "Too many streams are open for this person or application"


class Log(Generic[L]):
    """A table that only grows, with a `position`, a `recorded_at`, and how far it was pruned (`feed_floors`)."""

    def __init__(self, database: Database, table: str, read: Read[L]) -> None:
        self._database, self._table, self.read = database, table, read
        self.positions = Positions(database, table)
        self._floor = text("SELECT position FROM feed_floors WHERE log = :log")
        self._prune = text(f"""
            WITH old AS (SELECT position FROM {table} ORDER BY position LIMIT {PRUNED_AT_ONCE}),
            gone AS (
                DELETE FROM {table} USING old WHERE {table}.position = old.position
                AND recorded_at < clock_timestamp() - make_interval(secs => :seconds) RETURNING old.position
            )
            INSERT INTO feed_floors (log, position) SELECT :log, max(position) FROM gone HAVING count(*) > 0
            ON CONFLICT (log) DO UPDATE SET position = greatest(feed_floors.position, excluded.position)
            RETURNING (SELECT count(*) FROM gone)
        """)  # noqa: S608 - a name of ours

    async def floor(self) -> int:
        """Up to which position lines may have been pruned."""
        async with self._database.glance.connect() as connection:
            return (await connection.execute(self._floor, {"log": self._table})).scalar() or 0

    async def prune(self, days: float) -> int:
        """Let go of lines older than so many days by the wall clock, in small transactions; how many went."""
        gone = 0
        while True:
            async with self._database.in_background() as session:
                some = await session.scalar(self._prune, {"log": self._table, "seconds": days * 86_400}) or 0
            gone += some
            if some < PRUNED_AT_ONCE:
                return gone


class Feed(Generic[L]):
    """The open streams of one log."""

    def __init__(self, log: Log[L], *, every: float = 0.3, longest: float = 900.0) -> None:
        """Looks `every` so many seconds; a stream lasts `longest`, after which its client comes back for the rest."""
        self._log, self._every, self._longest = log, every, longest
        self._open: Counter[str] = Counter()
        self._moved = asyncio.Condition()
        self._lines: list[L] = []
        self._from, self._up_to = 0, -1
        """Above the one and up to the other, everything there was stands in the lines."""
        self._looking: asyncio.Task[None] | None = None
        self._generation = 0
        _feeds.add(self)

    async def answer(self, caller: Token, seen: Place | None, reader: Reader[L]) -> EventStream:
        """The stream after a place, or of what comes from now on. TooManyStreams when the caller has enough."""
        holder = f"{caller.client} {caller.actor}"
        if self._open[holder] >= MOST_PER_HOLDER:
            raise TooManyStreams(f"At most {MOST_PER_HOLDER} at a time.")
        begin = await self._begin(seen.position if seen else None)
        ends = min(time.time() + self._longest, caller.expires_at)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return EventStream(self._stream(holder, begin, ends, reader), headers=headers)

    async def close(self) -> None:
        """End the streams there are; their clients come back, to this process or another."""
        async with self._moved:
            self._generation += 1
            self._moved.notify_all()

    async def _begin(self, after: int | None) -> int:
        """Where a stream begins; nothing is asked that the present look knows, for many may come back at once."""
        looking = self._looking is not None and not self._looking.done()
        if after is None:
            return self._up_to if looking and self._up_to >= 0 else await self._log.positions.settled()
        if after > self._up_to and after > max(await self._log.positions.head(), await self._log.floor()):
            return -1  # of another database, such as one from before a backup was put back
        return after

    async def _stream(self, holder: str, after: int, ends: float, reader: Reader[L]) -> AsyncIterator[bytes]:
        self._open[holder] += 1
        generation = self._generation
        try:
            yield KEEPALIVE_COMMENT
            spoke, known = time.monotonic(), max(after - 1, -1)  # the first look is at once: the list may be an old one
            while generation == self._generation and time.time() < ends:
                await self._beyond(known, generation, min(HEARTBEAT, ends - time.time()))
                lines = self._above(after)
                chosen = await reader.choose(lines)
                told = chosen if after >= self._from else None
                known = after = lines[-1].position if len(lines) == PAGE else max(after, self._up_to)
                for event in _events(told, Place(after, reader.mark)):
                    yield event
                    spoke = time.monotonic()
                if time.monotonic() - spoke >= HEARTBEAT:
                    yield _still_here(Place(after, reader.mark))
                    spoke = time.monotonic()
                await asyncio.sleep(0)  # much that is told to nobody must not hold up the others
        finally:
            self._open[holder] -= 1
            if not self._open[holder]:
                del self._open[holder]

    def _above(self, after: int) -> Sequence[L]:
        first = bisect_right(self._lines, after, key=lambda line: line.position)
        return self._lines[first : first + PAGE]

    async def _beyond(self, after: int, generation: int, seconds: float) -> None:
        """Wait until the lines reach beyond a position, or time is up."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(max(seconds, 0)), self._moved:
                await self._moved.wait_for(lambda: self._up_to > after or generation != self._generation)
        except TimeoutError:
            pass

    async def _look(self) -> None:
        """As long as somebody listens."""
        while self._open:
            up_to = await self._log.positions.settled()
            if up_to > self._up_to:
                await self._take(up_to)
                async with self._moved:
                    self._moved.notify_all()
            await asyncio.sleep(self._every)

    async def _take(self, up_to: int) -> None:
        """Have the newest lines in memory, up to a position; what is pruned is asked last, so that none is missed."""
        new = await self._log.read(self._up_to, up_to, KEPT)
        floor = await self._log.floor()
        if len(new) == KEPT or floor > self._up_to:
            self._lines.clear()
            self._from = max(floor, new[0].position - 1 if len(new) == KEPT else 0)
        self._lines += new
        if len(self._lines) > KEPT:
            self._from = self._lines[-KEPT - 1].position
            del self._lines[:-KEPT]
        self._up_to = up_to


def _events(told: Sequence[Line] | None, after: Place) -> Iterator[bytes]:
    if told is None:
        yield format_sse_event(data_str="{}", event="reset", id=str(after))
    for line in told or ():
        event, data = line.event()
        yield format_sse_event(data_str=data, event=event, id=str(Place(line.position, after.mark)))


def _still_here(after: Place) -> bytes:
    """A heartbeat, with how far the reader is: an id without data is no event, but a client remembers it."""
    return KEEPALIVE_COMMENT.rstrip() + f"\nid: {after}\n\n".encode()


async def close_all() -> None:
    """End every stream of this process: it is about to stop."""
    for feed in list(_feeds):
        await feed.close()
