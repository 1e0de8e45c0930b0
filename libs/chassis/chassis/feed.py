"""Server-sent events from a log: what changed, as it is committed, resumable by `Last-Event-ID`.

One look at the log serves all streams of a process, and there is none while nobody listens. A stream holds no
connection to the database while it waits, reads a page at a time, and reads on only when its client took the page.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from weakref import WeakSet

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.responses import StreamingResponse

from chassis.positions import Positions
from chassis.problems import TooManyRequests
from chassis.security import Token

HEARTBEAT = 15.0
MOST_PER_HOLDER = 6
PAGE = 100

_feeds: "WeakSet[Feed]" = WeakSet()


class EventStream(StreamingResponse):
    """Events as they come. Of its own, because the framework's begins tasks of which a stop would wait for the end."""

    media_type = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Line:
    """Something that changed; `data` is JSON."""

    position: int
    event: str
    data: str


Read = Callable[[int, int, int], Awaitable[Sequence[Line]]]
"""The lines that the caller may see, above a position and up to one, so many at most, in order."""


class TooManyStreams(TooManyRequests):
    """One holder of tokens follows too much at a time."""

    slug = "too-many-streams"
    title = "Too many streams are open for this person or application"


class Feed:
    """The open streams of one log."""

    def __init__(self, log: Positions, *, every: float = 0.3, longest: float = 900.0) -> None:
        """Looks `every` so many seconds; a stream lasts `longest`, after which its client comes back for the rest."""
        self._log, self._every, self._longest = log, every, longest
        self._open: Counter[str] = Counter()
        self._moved = asyncio.Condition()
        self._up_to = 0
        self._looking: asyncio.Task[None] | None = None
        self._generation = 0
        _feeds.add(self)

    async def answer(self, caller: Token, after: int | None, read: Read) -> EventStream:
        """The stream after a position, or of what comes from now on. TooManyStreams when the caller has enough."""
        holder = f"{caller.client} {caller.actor}"
        if self._open[holder] >= MOST_PER_HOLDER:
            raise TooManyStreams(f"At most {MOST_PER_HOLDER} at a time.")
        begin = await self._log.settled() if after is None else after
        ends = min(time.time() + self._longest, caller.expires_at)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return EventStream(self._stream(holder, begin, ends, read), headers=headers)

    async def close(self) -> None:
        """End the streams there are; their clients come back, to this process or another."""
        async with self._moved:
            self._generation += 1
            self._moved.notify_all()

    async def _stream(self, holder: str, after: int, ends: float, read: Read) -> AsyncIterator[bytes]:
        self._open[holder] += 1
        generation = self._generation
        try:
            yield KEEPALIVE_COMMENT
            while generation == self._generation and time.time() < ends:
                up_to = await self._beyond(after, generation, min(HEARTBEAT, ends - time.time()))
                if up_to <= after:
                    yield KEEPALIVE_COMMENT
                    continue
                lines = await read(after, up_to, PAGE)
                for line in lines:
                    yield format_sse_event(data_str=line.data, event=line.event, id=str(line.position))
                after = lines[-1].position if len(lines) == PAGE else up_to
        finally:
            self._open[holder] -= 1
            if not self._open[holder]:
                del self._open[holder]

    async def _beyond(self, after: int, generation: int, seconds: float) -> int:
        """How far the log may be read, once that is beyond a position; or as it is when time is up."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(max(seconds, 0)), self._moved:
                await self._moved.wait_for(lambda: self._up_to > after or generation != self._generation)
        except TimeoutError:
            pass
        return self._up_to

    async def _look(self) -> None:
        """As long as somebody listens."""
        while self._open:
            up_to = await self._log.settled()
            if up_to > self._up_to:
                async with self._moved:
                    self._up_to = up_to
                    self._moved.notify_all()
            await asyncio.sleep(self._every)


async def close_all() -> None:
    """End every stream of this process: it is about to stop."""
    for feed in list(_feeds):
        await feed.close()
