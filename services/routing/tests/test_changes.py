"""The change feed: a screen that comes back misses nothing and hears nothing twice."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from chassis.app import server
from chassis.feed import MOST_PER_HOLDER
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Routing

    from contracts import Envelope, Event

pytestmark = [pytest.mark.requirement("ROU-17")]

Told = tuple[int, UUID]


@asynccontextmanager
async def served(routing: Routing, port: int = 0) -> AsyncIterator[int]:
    """The service behind a real port, for as long as it is asked; then it stops as a process does."""
    door = socket.create_server(("127.0.0.1", port))
    serving = server(routing.service.app, host="127.0.0.1", port=0)
    serving.config.lifespan = "off"
    task = asyncio.create_task(serving.serve(sockets=[door]))
    try:
        yield door.getsockname()[1]
    finally:
        serving.should_exit = True
        async with asyncio.timeout(5):
            await task
        door.close()


async def heard(
    routing: Routing, port: int, most: int, after: int | None, *, path: str = "/worklist/changes", **token: Any
) -> list[Told]:
    """So many changes, or those until the stream ends; then the line is cut."""
    headers = {**routing.token(**token), **({} if after is None else {"Last-Event-ID": str(after)})}
    found: list[Told] = []
    told = ""
    with suppress(httpx.TransportError):  # a service that stops cuts the line, and its client comes back
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1", timeout=10) as http,
            http.stream("GET", path, headers=headers, params={"scope": "municipality"}) as answer,
        ):
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    told = line[6:]
                if line.startswith("id: "):
                    found.append((int(line[4:]), UUID(json.loads(told)["clientId"])))
                    if len(found) >= most:
                        break
    return found


async def committed(routing: Routing) -> list[Told]:
    async with routing.service.office.database.in_background() as session:
        rows = await session.execute(text("SELECT position, client_id FROM client_changes ORDER BY position"))
        return [(row.position, row.client_id) for row in rows]


@pytest.mark.parametrize("seed", [1, 2])
async def test_over_random_cuts_and_a_restart_everything_is_told_once_and_in_order(routing: Routing, seed: int) -> None:
    chance = random.Random(seed)
    await routing.staff()
    clients = [await routing.client() for _ in range(4)]

    async def work() -> None:
        for _ in range(6):
            body = {"hoursPerWeek": 8, "incomePerMonth": 100}
            await asyncio.gather(*(routing.done(f"/clients/{each}/part-time-work", body) for each in clients))

    found: list[Told] = []
    writing = asyncio.create_task(work())
    async with served(routing) as port:
        while len(found) < 12:
            found += await heard(routing, port, chance.randint(1, 5), found[-1][0] if found else 0)
        await eventually(lambda: not routing.service.app.state.changes._open)
        open_still = asyncio.create_task(heard(routing, port, 1000, found[-1][0]))
        await eventually(lambda: routing.service.app.state.changes._open)
    found += await open_still  # it ended by itself, as the service stopped
    await writing
    whole = await committed(routing)
    async with served(routing) as port:
        while len(found) < len(whole):
            found += await heard(routing, port, min(chance.randint(1, 5), len(whole) - len(found)), found[-1][0])
    assert found == whole
    said: list[Envelope[Event]] = await routing.said()
    assert {each.subject for each in said if each.data.about == "client"} == {client for _, client in found}
    assert len(found) >= len(clients) * 6


async def test_nothing_of_another_municipality_is_told_and_of_one_client_only_that_one(routing: Routing) -> None:
    await routing.staff()
    await routing.staff("GM0626")
    here, _ = await routing.client(), await routing.client(municipality="GM0626")
    async with served(routing) as port:
        of_here = [each for each in await committed(routing) if each[1] == here]
        of_both = len(await committed(routing))
        assert of_both > len(of_here)
        routing.service.app.state.changes._longest = 1.0
        assert await heard(routing, port, 99, 0, municipalities=["GM1916"]) == of_here
        assert await heard(routing, port, 99, 0, path=f"/clients/{here}/changes") == of_here


async def test_one_person_follows_no_more_than_so_much_at_a_time(routing: Routing) -> None:
    async with served(routing) as port:
        streams = [asyncio.create_task(heard(routing, port, 1, None)) for _ in range(MOST_PER_HOLDER)]
        feed = routing.service.app.state.changes
        await eventually(lambda: sum(feed._open.values()) == MOST_PER_HOLDER)
        refused = await routing.get("/worklist/changes", scope="municipality")
        assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (429, "too-many-streams")
        for each in streams:
            each.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
