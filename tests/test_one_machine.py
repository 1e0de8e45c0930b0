"""`opstap up` survives kill -9 of itself and of its PostgreSQL, and owns its folder alone."""

import asyncio
import os
import random
import secrets
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from opstap.demo import mistakes, stories
from opstap.demo.api import Api
from opstap.demo.cast import AMSTEL, LV, Part
from opstap.demo.drive import drive, over_http
from opstap.demo.partners import PartnerDesk
from opstap.issuer import Issuer
from opstap.operators.folder import databases_of
from opstap.services import NAMES
from opstap.verify import verify
from tests.support.gateway import Gateway
from tests.support.own_process import OneMachine, one_machine
from tests.support.waiting import eventually

FIRST, LAST = date(2023, 3, 1), date(2023, 9, 30)
CAST = (
    Part(stories.work_within_3_months, LV, 4, apart=15),
    Part(stories.welfare_one_to_one, LV, 3, apart=15, first_day=3),
    Part(stories.am_match_placed, AMSTEL, 2, apart=20, first_day=5),
    Part(stories.deceased, LV, 2, apart=20, first_day=8),
    Part(mistakes.merged, LV, 2, apart=20, first_day=6),
)
KILLS = Counter({"opstap": 5, "postgres": 4})


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[OneMachine]:
    async with one_machine(tmp_path / "data", FIRST) as machine:
        yield machine


@pytest.fixture
async def gateway(machine: OneMachine) -> AsyncIterator[Gateway]:
    """Sends again what was not answered, as clients are told to."""
    gateway = Gateway(lambda _: Issuer(machine.data / "issuer", url=f"{machine.url}/issuer"))
    gateway.services = {name: f"{machine.url}/{name}" for name in NAMES}
    await gateway.start()
    yield gateway
    await gateway.stop()


async def kill_while_under_way(machine: OneMachine, gateway: Gateway, chance: random.Random) -> list[str]:
    """Kill at random moments at which requests are under way; says what was under way each time."""
    victims = list(KILLS.elements())
    chance.shuffle(victims)
    found = []
    for victim in victims:
        enough = gateway.answered + chance.randint(5, 40)
        await eventually(lambda enough=enough: gateway.answered >= enough, within=60, every=0.005)  # type: ignore[misc]
        await eventually(lambda: +gateway.under_way, within=60, every=0.001)
        found.append(f"{victim}: {dict(+gateway.under_way)}")
        await machine.kill(victim)
    return found


@pytest.mark.faults
async def test_kills_of_the_process_and_of_postgresql_lose_nothing_and_double_nothing(
    machine: OneMachine, gateway: Gateway
) -> None:
    seed = int(os.environ.get("OPSTAP_KILL_SEED") or secrets.randbelow(1_000_000))
    sys.stdout.write(f"again with OPSTAP_KILL_SEED={seed}\n")
    api, desk = Api(gateway.url, repeatable=True), PartnerDesk()
    await desk.start()
    move = await over_http(api, ["intake"])
    async with asyncio.TaskGroup() as group:
        lived = group.create_task(drive(api, desk, FIRST, LAST, move, seed=seed, cast=CAST, baseline={}))
        killed = group.create_task(kill_while_under_way(machine, gateway, random.Random(seed)))
    await desk.stop()
    await api.close()
    sys.stdout.write("\n".join(killed.result()) + f"\nsent again: {dict(gateway.repeats)}\n")
    assert len(killed.result()) == KILLS.total()
    assert lived.result().walked == Counter({part.story.__name__: part.number for part in CAST})
    async with databases_of(machine.data) as urls:
        ledgers = {name: dict(ledger.received) for name, ledger in desk.ledgers.items()}
        differences = await verify(urls, ledgers=ledgers)
    assert not differences, "\n".join(map(str, differences))


async def test_a_second_start_on_the_same_folder_is_refused_with_the_owner_named(machine: OneMachine) -> None:
    second = OneMachine(machine.data, machine.civil_date)
    process = await second.up()
    assert process.stderr
    assert f"another opstap runs on this folder (pid {machine.pid})" in (await process.stderr.read()).decode()
    assert await process.wait() == 2
    assert await machine.answers()


async def test_who_is_told_to_stop_stops_its_postgresql_too(tmp_path: Path) -> None:
    async with one_machine(tmp_path / "data", FIRST) as machine:
        assert machine.process
        assert machine.postgres.postmaster()

        machine.process.send_signal(signal.SIGTERM)
        code = await machine.process.wait()

        assert machine.postgres.postmaster() is None
        assert code == 0


async def test_who_is_told_to_stop_while_it_starts_stops_its_postgresql_too(tmp_path: Path) -> None:
    machine = OneMachine(tmp_path / "data", FIRST)
    starting = await machine.up()

    async def has_postgres() -> bool:
        return machine.postgres.postmaster() is not None

    await eventually(has_postgres, within=60)
    starting.send_signal(signal.SIGTERM)
    await starting.wait()

    assert machine.postgres.postmaster() is None
