"""The change feed: a screen that comes back misses nothing and hears nothing twice."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from chassis import feed
from chassis.app import server
from chassis.clock import morning_of
from chassis.database import Database
from chassis.feed import MOST_PER_HOLDER, Feed, Place
from chassis.security import Role, Token
from routing.actions.following import OfWorkList, log_of
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Routing

    from contracts import Envelope, Event

pytestmark = [pytest.mark.requirement("ROU-17")]

Told = tuple[int, UUID]
RESET = UUID(int=0)
"""What stands for the word that everything is to be loaded anew."""


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
    routing: Routing,
    port: int,
    most: int,
    after: int | Place | None,
    *,
    path: str = "/worklist/changes",
    scope: str = "municipality",
    **token: Any,
) -> list[Told]:
    """So many changes, or those until the stream ends; then the line is cut."""
    headers = {**routing.token(**token), **({} if after is None else {"Last-Event-ID": str(after)})}
    found: list[Told] = []
    with suppress(httpx.TransportError):  # a service that stops cuts the line, and its client comes back
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1", timeout=10) as http,
            http.stream("GET", path, headers=headers, params={"scope": scope}) as answer,
        ):
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for name, data, position in events(answer):
                found.append((position, RESET if name == "reset" else UUID(data["clientId"])))
                if len(found) >= most:
                    break
    return found


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any], int]]:
    """The events of a stream, by the rules of the format; an id without data is none."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
            continue
        if "data" in fields:
            yield fields["event"], json.loads(fields["data"]), Place.read(fields["id"]).position
        fields.clear()


async def committed(routing: Routing) -> list[Told]:
    async with routing.service.office.database.in_background() as session:
        rows = await session.execute(
            text("SELECT position, client_id FROM client_changes WHERE client_id IS NOT NULL ORDER BY position")
        )
        return [(row.position, row.client_id) for row in rows]


async def last(routing: Routing) -> Told:
    """The newest change."""
    return (await committed(routing))[-1]


@pytest.mark.parametrize("seed", [1, 2])
async def test_over_random_cuts_and_a_restart_everything_is_told_once_and_in_order(routing: Routing, seed: int) -> None:
    chance = random.Random(seed)
    await routing.staff()
    clients = [await routing.client() for _ in range(4)]

    async def work() -> None:
        for _ in range(6):
            body = {"hoursPerWeek": 8, "incomePerMonth": 100}
            await asyncio.gather(*(routing.done(f"/clients/{each}/part-time-work", body) for each in clients))

    found: list[Told] = [await last(routing)]
    start = len(await committed(routing))
    writing = asyncio.create_task(work())
    async with served(routing) as port:
        while len(found) < 12:
            found += await heard(routing, port, chance.randint(1, 5), found[-1][0])
        await eventually(lambda: not routing.service.app.state.changes._open)
        open_still = asyncio.create_task(heard(routing, port, 1000, found[-1][0]))
        await eventually(lambda: routing.service.app.state.changes._open)
    found += await open_still  # it ended by itself, as the service stopped
    await writing
    whole = (await committed(routing))[start - 1 :]
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
        [known, *_] = of_here
        told = await heard(routing, port, 99, known[0] - 1, municipalities=["GM1916"])
        assert [each for each in told if each[1] != RESET] == of_here
        assert await heard(routing, port, 99, 0, path=f"/clients/{here}/changes") == of_here


async def test_one_person_follows_no_more_than_so_much_at_a_time(routing: Routing) -> None:
    async with served(routing) as port:
        streams = [asyncio.create_task(heard(routing, port, 1, None)) for _ in range(MOST_PER_HOLDER)]
        open_now = routing.service.app.state.changes._open
        await eventually(lambda: sum(open_now.values()) == MOST_PER_HOLDER)
        refused = await routing.get("/worklist/changes", scope="municipality")
        assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (429, "too-many-streams")
        for each in streams:
            each.cancel()
        await asyncio.gather(*streams, return_exceptions=True)


async def older(routing: Routing, than: int) -> None:
    """Let what was written up to a position have been written weeks ago."""
    async with routing.service.office.database.in_background() as session:
        aged = "UPDATE client_changes SET recorded_at = recorded_at - interval '20 days' WHERE position <= :than"
        await session.execute(text(aged), {"than": than})


async def works(routing: Routing, client: UUID, times: int = 1) -> None:
    for _ in range(times):
        await routing.done(f"/clients/{client}/part-time-work", {"hoursPerWeek": 8, "incomePerMonth": 100})


@pytest.mark.parametrize("seed", [3, 4])
async def test_who_comes_back_from_before_what_is_kept_loads_anew_and_nobody_else_does(
    routing: Routing, seed: int
) -> None:
    chance = random.Random(seed)
    await routing.staff()
    client = await routing.client()
    log = routing.service.app.state.changes._log
    async with served(routing) as port:
        for _ in range(4):
            await works(routing, client, 6)
            whole = [position for position, _ in await committed(routing)]
            cut = chance.randrange(len(whole) - 1)
            await older(routing, whole[cut])
            assert await log.prune(14) > 0
            assert [position for position, _ in await committed(routing)] == whole[cut + 1 :]
            routing.service.app.state.changes = Feed(log)  # as of a process that starts
            for after in (whole[0] - 1, whole[cut] - 1):
                assert await heard(routing, port, 1, after) == [(whole[-1], RESET)]
            for after in (whole[cut], chance.choice(whole[cut:-1])):
                following = [(each, client) for each in whole if each > after]
                assert await heard(routing, port, len(following), after) == following
        assert await log.prune(14) == 0


async def test_who_was_told_of_what_is_not_there_loads_anew_and_goes_on_from_there(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    [(newest, _)] = [await last(routing)]
    async with served(routing) as port:
        told = asyncio.create_task(heard(routing, port, 2, newest + 1000))
        await eventually(lambda: routing.service.app.state.changes._up_to >= newest)
        await works(routing, client)
        assert await told == [(newest, RESET), await last(routing)]


async def test_more_than_a_process_keeps_in_mind_is_not_told_one_by_one(
    routing: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "KEPT", 5)
    await routing.staff()
    client = await routing.client()
    (start, _) = await last(routing)
    await works(routing, client, 8)
    whole = await committed(routing)
    async with served(routing) as port:
        assert await heard(routing, port, 1, start) == [(whole[-1][0], RESET)]
        assert await heard(routing, port, 5, whole[-6][0]) == whole[-5:]
        await works(routing, client, 3)
        assert await heard(routing, port, 5, whole[-3][0]) == (await committed(routing))[-5:]


async def test_what_another_process_commits_is_heard(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    before = await last(routing)
    service = routing.service
    other = Database(service.urls.app, service.urls.background)
    there = Feed(log_of(other))
    here = service.app.state.changes
    service.app.state.changes = there
    async with served(routing) as port:
        listening = asyncio.create_task(heard(routing, port, 1, before[0]))
        await eventually(lambda: there._open)
        await works(routing, client)
        assert await listening == [await last(routing)]
    service.app.state.changes = here
    await other.close()


async def test_who_comes_to_stand_in_is_told_to_load_the_list_anew_and_hears_of_those_clients(routing: Routing) -> None:
    await routing.staff(anna=["income_consultant"], bert=["income_consultant"], cees=["income_consultant"])
    client = await routing.client("3A", "participation")
    guide = (await routing.journey(client))["caseworkerId"]
    deputy, third = sorted({"anna", "bert", "cees"} - {guide})
    (start, _) = await last(routing)
    away = {"municipality": "GM1916", "staffId": guide, "firstDay": routing.today.isoformat(), "lastDay": None}
    async with served(routing) as port:
        open_now = routing.service.app.state.changes._open
        mine = asyncio.create_task(heard(routing, port, 1, start, scope="me", sub=deputy))
        another = asyncio.create_task(heard(routing, port, 1, start, scope="me", sub=third))
        await eventually(lambda: sum(open_now.values()) == 2)
        await routing.done("/absences", {**away, "deputyId": deputy})
        [(told, whose)] = await mine
        assert whose == RESET
        await works(routing, client)
        assert await heard(routing, port, 1, told, scope="me", sub=deputy) == [await last(routing)]
        late = await heard(routing, port, 1, start, scope="me", sub=deputy)
        assert [whose for _, whose in late] == [RESET], "who was not there when it changed, is told as well"
        another.cancel()
        await asyncio.gather(another, return_exceptions=True)


async def test_on_a_new_day_a_list_is_loaded_anew_and_a_heartbeat_tells_how_far_it_is(
    routing: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "HEARTBEAT", 0.1)
    await routing.staff()
    await routing.client()
    (newest, _) = await last(routing)
    async with (
        served(routing) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1", timeout=10) as http,
        http.stream("GET", "/worklist/changes?scope=municipality", headers=routing.token()) as answer,
    ):
        lines = answer.aiter_lines()
        async for line in lines:
            if line == f"id: {Place(newest, routing.today.isoformat())}":
                break
        routing.service.clock.restore(morning_of(routing.today + timedelta(days=1)))
        async for line in lines:
            if line == "event: reset":
                break
        else:
            pytest.fail("the stream ended")


async def test_who_was_away_at_midnight_loads_the_list_anew_once(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    (newest, _) = await last(routing)
    yesterday = Place(newest, routing.today.isoformat())
    routing.service.clock.restore(morning_of(routing.today + timedelta(days=1)))
    async with served(routing) as port:
        assert await heard(routing, port, 1, yesterday) == [(newest, RESET)]
        told = asyncio.create_task(heard(routing, port, 1, Place(newest, routing.today.isoformat())))
        await eventually(lambda: routing.service.app.state.changes._open)
        await works(routing, client)
        assert await told == [await last(routing)], "who loaded it today is told of what changes, and no more"
        of_client = await heard(routing, port, 1, yesterday, path=f"/clients/{client}/changes")
        assert of_client == [await last(routing)], "a journey is the same on the next day"


async def test_who_loads_anew_because_of_earlier_staff_news_sees_as_the_latest_says(routing: Routing) -> None:
    await routing.staff(anna=["income_consultant"], bert=["income_consultant"])
    client = await routing.client("3A", "participation")
    guide = (await routing.journey(client))["caseworkerId"]
    [deputy] = {"anna", "bert"} - {guide}
    where = frozenset({"GM1916"})
    caller = Token(f"staff:{deputy}", "front-end", frozenset({Role.CASEWORKER}), where, subject=deputy)
    office = routing.service.office
    reader = OfWorkList(office, caller, "me", None)
    async with office.for_municipalities(where, caller.actor) as work:
        await reader.begin(work)
    away = {"municipality": "GM1916", "staffId": guide, "firstDay": routing.today.isoformat(), "lastDay": None}
    await routing.done("/absences", {**away, "deputyId": deputy})  # before the reader's first look
    await works(routing, client)
    lines = await log_of(office.database).read(0, 2**62, 500)
    assert await reader.choose(lines) is None
    assert await reader.choose(lines[-1:]) == lines[-1:], "the list that was loaded has this client on it"
