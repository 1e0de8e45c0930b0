"""What runs beside the requests of a service: relay, consumer, sweeper, sender, and small chores."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from chassis.logs import traced

log = structlog.get_logger("background")


class Background(Protocol):
    """A task that lives as long as the app."""

    async def start(self) -> None:
        """Begin; returns when it is under way."""
        ...

    async def stop(self) -> None:
        """Finish what is in hand and leave."""
        ...

    def alive(self) -> bool:
        """Whether it did something lately; false restarts the process."""
        ...


class Repeated:
    """A chore done every so many seconds; a failure is logged and the next turn tries again."""

    def __init__(self, name: str, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self._seconds = seconds
        self._chore = chore
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Begin; the first turn is at once."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Finish the turn in hand and leave."""
        self._stopping.set()
        if self._task is not None:
            await self._task
            self._task = None

    def alive(self) -> bool:
        """Whether the task still runs."""
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._chore()
            except Exception as error:  # noqa: BLE001 - the next turn tries again
                log.warning("chore failed", chore=self.name, **traced(error))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._seconds)
