"""The bus of one machine: the outbox is the log, and each pair of producer and subscriber has a cursor of its own.

The cursor stands in the subscriber's database and moves in the transaction that handles, so a restart loses and
doubles nothing. Each pair runs by itself: a slow or failing subscriber holds up nobody else.
"""

import asyncio
import time
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bus import LAG, BackOff, Pump
from chassis.consumer import Consumer, parking_pump
from chassis.database import Database
from chassis.outbox import OutboxLog, OutboxRow, as_record
from chassis.trouble import DatabaseTrouble

_POSITION = text("SELECT position FROM bus_cursors WHERE producer = :producer")
_BEGIN = text("INSERT INTO bus_cursors (producer, position) VALUES (:producer, 0) ON CONFLICT DO NOTHING")
_MOVE = text("UPDATE bus_cursors SET position = :to WHERE producer = :producer AND position = :from RETURNING position")

SECONDS_BETWEEN_METRICS = 5.0


class CursorMoved(DatabaseTrouble):
    """Somebody else moved this cursor: two buses run for one subscriber. The batch is rolled back."""


class NotSettled(TimeoutError):
    """Some subscribers have not handled everything in time; the message says which."""


class LocalBus:
    """Carries events from outboxes to consumers within one process."""

    def __init__(
        self,
        producers: Mapping[str, Database],
        consumers: Mapping[str, Consumer],
        *,
        organisation: str = "0" * 20,
        batch: int = 500,
        poll: float = 0.4,
        back_off: BackOff | None = None,
    ) -> None:
        self._logs = {producer: OutboxLog(database) for producer, database in producers.items()}
        readers = {producer: _SharedReader(log) for producer, log in self._logs.items()}
        self._progress = asyncio.Event()
        self._pairs = [
            _Pair(
                producer,
                self._logs[producer],
                readers[producer],
                consumer,
                organisation=organisation,
                batch=batch,
                progress=self._progress,
            )
            for consumer in consumers.values()
            for producer in sorted(consumer.producers & producers.keys())
        ]
        self._carrying = [Pump(pair.name, pair.turn, poll=poll, back_off=back_off) for pair in self._pairs]
        self._pumps = [*self._carrying, *(parking_pump(consumer) for consumer in consumers.values())]

    async def start(self) -> None:
        """Begin to carry."""
        for pump in self._pumps:
            pump.start()

    async def stop(self) -> None:
        """Finish the batches in hand, then stop."""
        await asyncio.gather(*(pump.stop() for pump in self._pumps))

    def wake(self, producer: str | None = None) -> None:
        """A producer committed events (any producer, when none is named)."""
        for pair, pump in zip(self._pairs, self._carrying, strict=True):
            if producer in (None, pair.producer):
                pump.wake()

    def alive(self) -> bool:
        """Whether every pair still turns."""
        return all(pump.alive() for pump in self._pumps)

    async def settle(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - it says who is late
        """Wait until every subscriber has handled everything that every outbox holds, what handling adds included."""
        deadline = time.monotonic() + timeout
        while late := await self._late():
            self.wake()
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotSettled(f"not settled within {timeout} s: {', '.join(late)}")
            await self._next_progress(min(left, 0.05))

    async def _late(self) -> list[str]:
        """The pairs that are behind. Heads that are the same before and after mean that nothing was in hand between:

        what is in hand was read above the first head, so it shows in the second.
        """
        self._progress.clear()
        before = await self._heads()
        late = [pair.name for pair in self._pairs if pair.position is None or pair.position < before[pair.producer]]
        if late or before == await self._heads():
            return late
        return ["(events are being added)"]

    async def _heads(self) -> dict[str, int]:
        return {producer: await log.head() for producer, log in self._logs.items()}

    async def _next_progress(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._progress.wait()
        except TimeoutError:
            return


class _SharedReader:
    """Lets pairs that are woken by the same commit, and stand at the same position, share one read.

    Whoever joins does so before the query begins, so nobody misses what was committed before its turn.
    """

    def __init__(self, outbox: OutboxLog) -> None:
        self._outbox = outbox
        self._gathering: dict[tuple[int, int], asyncio.Task[list[OutboxRow]]] = {}

    async def read(self, after: int, limit: int) -> list[OutboxRow]:
        """The next events after a position."""
        asked = (after, limit)
        if asked not in self._gathering:
            self._gathering[asked] = asyncio.create_task(self._read_soon(asked))
        return await asyncio.shield(self._gathering[asked])

    async def _read_soon(self, asked: tuple[int, int]) -> list[OutboxRow]:
        await asyncio.sleep(0)  # let the others who were woken join
        del self._gathering[asked]
        return await self._outbox.read(*asked)


class _Pair:
    """One producer's outbox on its way to one subscriber."""

    def __init__(
        self,
        producer: str,
        outbox: OutboxLog,
        reader: "_SharedReader",
        consumer: Consumer,
        *,
        organisation: str,
        batch: int,
        progress: asyncio.Event,
    ) -> None:
        self.name = f"{producer} -> {consumer.service}"
        self.producer = producer
        self.position: int | None = None
        """How far the subscriber has come, as committed; None while that is not known."""
        self._outbox = outbox
        self._reader = reader
        self._consumer = consumer
        self._organisation = organisation
        self._batch = batch
        self._progress = progress
        self._measured = 0.0

    async def turn(self) -> bool:
        """Hand over the next batch; whether more may be left of what there was when it was read."""
        after = self.position if self.position is not None else await self._load()
        await self._measure(after)
        self.position = after
        rows = await self._reader.read(after, self._batch)
        if not rows:
            return False
        self.position = None  # until the commit is known
        to = rows[-1].position
        records = [as_record(row, self.producer, self._organisation) for row in rows]
        await self._consumer.handle(records, lambda session: self._move(session, after, to))
        self.position = to
        self._progress.set()
        return len(rows) == self._batch

    async def _load(self) -> int:
        async with self._consumer.office.database.in_background() as session:
            await session.execute(_BEGIN, {"producer": self.producer})
            return int(await session.scalar(_POSITION, {"producer": self.producer}) or 0)

    async def _move(self, session: AsyncSession, after: int, to: int) -> None:
        moved = await session.scalar(_MOVE, {"producer": self.producer, "from": after, "to": to})
        if moved is None:
            raise CursorMoved(f"{self.name} does not stand at {after} any more")

    async def _measure(self, after: int) -> None:
        """Tell now and then how many events are still to come."""
        if time.monotonic() - self._measured > SECONDS_BETWEEN_METRICS:
            self._measured = time.monotonic()
            LAG.labels(self._consumer.service, self.producer).set((await self._outbox.depth(after)).events)
