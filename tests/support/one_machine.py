"""The whole system in this process, behind a port, as `opstap up` runs it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from chassis.app import server
from opstap.system import System
from opstap.up import listen
from tests.support.waiting import eventually

POLICIES = Path(__file__).parents[2] / "policies"


@asynccontextmanager
async def system_on(
    folder: Path, *, civil_date: date, settings: Mapping[str, Any] | None = None, policies: Path = POLICIES
) -> AsyncIterator[System]:
    """A system that answers at `system.url` on a civil clock that can be moved."""
    door = listen(0)
    url = f"http://127.0.0.1:{door.getsockname()[1]}"
    system = System(folder, policies=policies, url=url, civil_date=civil_date, settings=settings, durable=False)
    try:
        await system.start()
        answering = server(system.app, host="127.0.0.1", port=0)
        answering.config.lifespan = "off"
        serving = asyncio.create_task(answering.serve(sockets=[door]))
        await eventually(lambda: answering.started)
        yield system
        answering.should_exit = True
        await serving
    finally:
        await system.stop()
        door.close()
