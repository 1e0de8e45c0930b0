import asyncio
import time
from collections.abc import Awaitable, Callable


async def eventually(
    holds: Callable[[], object | Awaitable[object]], *, within: float = 10.0, every: float = 0.02
) -> None:
    """Wait until the condition holds; fail loudly when it does not in time."""
    deadline = time.monotonic() + within
    while True:
        outcome = holds()
        if isinstance(outcome, Awaitable):
            outcome = await outcome
        if outcome:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {within} s: {getattr(holds, '__name__', holds)}")
        await asyncio.sleep(every)
