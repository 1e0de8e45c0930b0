"""How events travel between services: what the bus in the process and Kafka have in common."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from prometheus_client import Gauge

log = structlog.get_logger(__name__)

LAG = Gauge("opstap_bus_lag_events", "Events that a service has yet to handle", ["service", "producer"])


@dataclass(frozen=True, slots=True)
class Record:
    """An event as the transport carries it: bytes, with the key that keeps what is about one client in order."""

    producer: str
    key: str
    value: bytes
    position: int
    """In the outbox on the local bus; the offset in its partition on Kafka."""
    headers: Mapping[str, str] = field(default_factory=dict)


class Bus(Protocol):
    """What carries committed events to who handles them. Both implementations pass one suite of tests."""

    async def start(self) -> None:
        """Begin to carry; what was left when it stopped comes first."""
        ...

    async def stop(self) -> None:
        """Finish the batch in hand, then stop; what is left waits for the next start."""
        ...

    def wake(self, producer: str | None = None) -> None:
        """A transaction that wrote events was committed, of this producer or of any."""
        ...

    def alive(self) -> bool:
        """Whether every loop still turns: for the liveness probe."""
        ...


@dataclass(frozen=True)
class BackOff:
    """How long to wait after the n-th failure in a row: doubling, to a bound."""

    first: float = 0.1
    most: float = 5.0

    def after(self, failures: int) -> float:
        """Seconds to wait."""
        return min(self.most, self.first * 2.0 ** min(failures - 1, 20))


class Pump:
    """Takes one turn after another in a task of its own.

    At once while there is work, otherwise when woken, with a slow poll as the net; after a failure it backs off,
    and tries again for as long as it takes: nothing is given up here.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], Awaitable[bool]],
        *,
        poll: float = 0.4,
        back_off: BackOff | None = None,
        longest_turn: float = 120.0,
    ) -> None:
        self.name = name
        self._turn = turn
        self._poll = poll
        self._back_off = back_off or BackOff()
        self._longest_turn = longest_turn
        self._bell = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._turned = time.monotonic()

    def start(self) -> None:
        """Begin to turn."""
        self._stop.clear()
        self._turned = time.monotonic()
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self, within: float = 30.0) -> None:
        """Let the turn in hand end, a back-off at once; break it off when that takes too long."""
        self._stop.set()
        self.wake()
        task, self._task = self._task, None
        if task is None:
            return
        _, late = await asyncio.wait({task}, timeout=within)
        if late:
            log.warning("a turn is broken off", pump=self.name, waited=within)
            task.cancel()
            await asyncio.wait({task}, timeout=5.0)

    def wake(self) -> None:
        """There may be work."""
        self._bell.set()

    def alive(self) -> bool:
        """Whether it runs and the turn in hand is not an endless one."""
        running = self._task is not None and not self._task.done()
        return running and time.monotonic() - self._turned < self._longest_turn

    async def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._bell.clear()
            try:
                busy = await self._turn()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, the next turn tries again
                failures += 1
                busy = True
                pause = self._back_off.after(failures)
                log.warning("a turn failed", pump=self.name, failures=failures, pause=pause, error=repr(error))
                await _wait(self._stop, pause)
            self._turned = time.monotonic()
            if not busy:
                await _wait(self._bell, self._poll)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
