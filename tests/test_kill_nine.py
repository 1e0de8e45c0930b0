"""Whatever is killed with -9, whenever: what was accepted happens, and happens once."""

import asyncio
import os
import random
import secrets
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from opstap.databases import SERVICES
from opstap.demo import mistakes, stories
from opstap.demo.cast import AMSTEL, LV, VOORSCHOTEN, Part
from opstap.postgres import EmbeddedPostgres
from tests.support.fleet import Fleet, databases_on, sailing
from tests.support.journeys import WEBHOOKS, Lived, assert_all_is_well, live
from tests.support.kafka import KafkaBroker, KafkaUnavailableError
from tests.support.leash import Leash
from tests.support.untested import untested
from tests.support.waiting import eventually

FIRST, LAST = date(2023, 3, 1), date(2024, 2, 29)

CAST = (
    Part(stories.work_within_3_months, LV, 7, apart=20),
    Part(stories.welfare_one_to_one, LV, 5, apart=25, first_day=3),
    Part(stories.am_match_returned, AMSTEL, 4, apart=30, first_day=5),
    Part(stories.sheltered_dzb, VOORSCHOTEN, 4, apart=30, first_day=10),
    Part(mistakes.corrected, LV, 3, apart=35, first_day=15),
    Part(stories.overridden, LV, 2, apart=40, first_day=20),
    Part(stories.deceased, LV, 3, apart=45, first_day=8),
    Part(mistakes.merged, LV, 3, apart=45, first_day=30),
)
"""Somebody is under way on most days."""

SHARES = Counter({**dict.fromkeys(SERVICES, 3), "broker": 3, "postgres": 4})
"""How often each is killed."""
LONGEST_PAUSE = 20
"""Requests that are answered between one's return and the next one's end, at most."""


@dataclass
class Kill:
    victim: str
    in_flight: str
    """What was not finished at that moment."""


@dataclass
class Killer:
    """Kills at random moments at which there is work in flight, and brings back what it killed."""

    fleet: Fleet
    broker: KafkaBroker
    postgres: EmbeddedPostgres
    chance: random.Random
    kills: list[Kill] = field(default_factory=list)

    async def go_round(self) -> None:
        victims = list(SHARES.elements())
        self.chance.shuffle(victims)
        for victim in victims:
            await self.pause(self.chance.randint(0, LONGEST_PAUSE))
            await eventually(lambda victim=victim: self.strike(victim), within=60, every=0.005)  # type: ignore[misc]
            await self.bring_back(victim)

    async def pause(self, requests: int) -> None:
        """Let some requests be answered."""
        enough = self.fleet.gateway.answered + requests
        await eventually(lambda: self.fleet.gateway.answered >= enough, within=60, every=0.005)

    async def strike(self, victim: str) -> bool:
        """Kill it if something is in flight there now."""
        found = await self.in_flight(victim)
        if found:
            await self.end(victim)
            self.kills.append(Kill(victim, found))
        return bool(found)

    async def in_flight(self, victim: str) -> str:
        """Requests that wait for an answer, or else events on their way and deadlines that are due."""
        mine = {victim} if victim in SERVICES else set(SERVICES)
        requests = +Counter({name: number for name, number in self.fleet.gateway.under_way.items() if name in mine})
        if requests and self.chance.random() < 0.5:
            return f"requests under way: {dict(requests)}"
        try:
            pulse = await self.fleet.pulse()
        except (DBAPIError, OSError):
            return ""
        unrelayed = {name: number for name, number in pulse.unrelayed.items() if number and name in mine}
        unheard = {what: number for what, number in pulse.unheard(self.fleet.hears).items() if what[0] in mine}
        return f"unrelayed: {unrelayed}, unheard: {unheard}" if unrelayed or unheard else ""

    async def end(self, victim: str) -> None:
        match victim:
            case "broker":
                await asyncio.to_thread(self.broker.kill)
            case "postgres":
                postmaster = self.postgres.postmaster()
                assert postmaster
                os.kill(postmaster.pid, signal.SIGKILL)
                await eventually(lambda: self.postgres.postmaster() is None)
            case service:
                self.fleet.kill(service)

    async def bring_back(self, victim: str) -> None:
        match victim:
            case "broker":
                await asyncio.to_thread(self.broker.start)
            case "postgres":
                await asyncio.to_thread(self.postgres.ensure_running)
            case service:
                await self.fleet.restart(service)
        await self.fleet.ready()

    def account(self) -> str:
        """What was killed while what was in flight, and which requests were sent again."""
        kills = [f"{number:3} {kill.victim:10} {kill.in_flight}" for number, kill in enumerate(self.kills, start=1)]
        return "\n".join([*kills, f"sent again: {dict(self.fleet.gateway.repeats)}"])


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[KafkaBroker]:
    """A broker that may be killed."""
    broker = KafkaBroker(tmp_path / "kafka")
    try:
        await asyncio.to_thread(broker.start)
    except KafkaUnavailableError as reason:
        untested(f"NOT TESTED ON KAFKA. {reason}")
    yield broker
    await asyncio.to_thread(broker.stop)


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A PostgreSQL that may be killed."""
    folder = tmp_path / "postgres"
    server = EmbeddedPostgres(folder, durable=False)
    leash = Leash(f"kill -QUIT $(head -n 1 {folder}/cluster/postmaster.pid)")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)
    leash.drop()


async def both(story: Coroutine[Any, Any, Lived], killing: Coroutine[Any, Any, None]) -> Lived:
    """Let clients be under way and things be killed; whatever goes wrong in one ends the other."""
    async with asyncio.TaskGroup() as group:
        lived = group.create_task(story)
        group.create_task(killing)
    return lived.result()


@pytest.mark.kafka
@pytest.mark.faults
@pytest.mark.requirement("ROU-15")
async def test_twenty_kills_lose_nothing_and_double_nothing(
    broker: KafkaBroker, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    seed = int(os.environ.get("OPSTAP_KILL_SEED") or secrets.randbelow(1_000_000))
    sys.stdout.write(f"again with OPSTAP_KILL_SEED={seed}\n")
    urls = await databases_on(postgres)
    fleet = Fleet(tmp_path / "fleet", urls, broker.bootstrap, civil_date=FIRST, settings=WEBHOOKS)
    async with sailing(fleet):
        killer = Killer(fleet, broker, postgres, random.Random(seed))
        try:
            lived = await both(live(fleet, FIRST, LAST, CAST, seed=seed), killer.go_round())
        finally:
            sys.stdout.write(f"{killer.account()}\n")
        assert Counter(kill.victim for kill in killer.kills) == SHARES
        assert all(kill.in_flight for kill in killer.kills)
        await assert_all_is_well(fleet, lived, CAST)
