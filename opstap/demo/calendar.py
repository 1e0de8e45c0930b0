"""Civil time in the demonstration: stories wait for days, and the day moves on when every story waits."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from datetime import date, timedelta
from typing import Any


class Calendar:
    """Runs stories (coroutines) day by day. Within a day they run in the order in which they asked for it."""

    def __init__(self, first: date, last: date, *, at_once: int = 8) -> None:
        self.today = first
        self._last = last
        self._waiting: list[tuple[date, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._turns = asyncio.Semaphore(at_once)
        self._stories: set[asyncio.Task[None]] = set()
        self._running = 0
        self._all_wait = asyncio.Event()
        self._trouble: Exception | None = None

    def begin(self, story: Coroutine[Any, Any, None]) -> None:
        """Let a story begin on the first day."""
        self._stories.add(asyncio.create_task(self._tell(story)))
        self._running += 1

    async def until(self, day: date) -> None:
        """Wait for a day; at once when it has come."""
        if day > self.today:
            await self._wait(day)

    async def after(self, days: int) -> None:
        """Wait a number of days."""
        await self.until(self.today + timedelta(days=days))

    async def later_today(self) -> None:
        """Wait until every story waits and what they did has come through; the day is the same."""
        await self._wait(self.today)

    async def _wait(self, day: date) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (day, next(self._order), future))
        self._turns.release()
        self._one_less()
        await future
        await self._turns.acquire()

    async def run(self, next_day: Callable[[date], Awaitable[None]]) -> None:
        """Live through the days, to the last or until nobody waits for one.

        `next_day` moves the system's civil clock, if it is another day, and answers when the system has settled.
        """
        while True:
            await self._until_all_wait()
            if not self._waiting:
                break
            if self._waiting[0][0] > self.today:
                if self.today >= self._last:
                    break
                self.today += timedelta(days=1)
            await next_day(self.today)
            self._wake()
        for story in self._stories:
            story.cancel()
        await asyncio.gather(*self._stories, return_exceptions=True)

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.today:
            _, _, future = heapq.heappop(self._waiting)
            self._running += 1
            future.set_result(None)

    async def _tell(self, story: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._turns:
                await story
        except Exception as error:  # noqa: BLE001 - whatever went wrong in a story, `run` raises it
            self._trouble = self._trouble or error
        finally:
            self._one_less()

    def _one_less(self) -> None:
        self._running -= 1
        if self._running == 0:
            self._all_wait.set()

    async def _until_all_wait(self) -> None:
        while self._running:
            self._all_wait.clear()
            await self._all_wait.wait()
        if self._trouble:
            raise self._trouble
