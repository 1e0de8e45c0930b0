"""How fast a work list answers in a town and in a city: first page, a page deep down, and counts.

    PYTHONPATH=. uv run python benchmarks/worklist.py [--sizes 1000 10000 100000]

The first clients come in by the events that routing hears, so their work items are made by the code that always makes
them; larger sizes are copies of their rows in one municipality, made by SQL, with other days and caseworkers, some 60
clients each, in teams of ten with a manager. One client in fifty is handed over to whoever has the receiving role, and
of each on a page it is asked who may accept. Requests go through the whole service but not over a network. Prints a
table and writes `out/benchmarks/worklist.json`; it is the growth with the number of clients that counts.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from chassis.ids import new_id
from chassis.logs import configure
from chassis.migrations import upgrade
from contracts.diagnosis import AssessmentCompleted, ClientCategorised, Traits
from contracts.intake import ClientRegistered, IntakeDue
from opstap.databases import DatabaseUrls, load_passwords, provision
from opstap.postgres import EmbeddedPostgres
from opstap.services import SERVICE_FOLDERS
from routing.app import SERVICE
from tests.support.service import ServiceUnderTest, running

HERE = "GM1916"
TODAY = date(2021, 9, 1)
BY_EVENTS = 250
CLIENTS_EACH, TEAM = 60, 10
AT_THE_GATE = 20
"""One of so many has no caseworker yet, and is on the list of every team."""
HANDED_OVER = 50
"""One of so many is on the way to who receives them."""
ASKED = 100
"""Requests of each kind at each size."""

COPY = """
    CREATE TEMP TABLE copies AS
        SELECT j.client_id AS old, gen_random_uuid() AS new, gen_random_uuid() AS handover,
            CASE WHEN j.caseworker_id IS NOT NULL THEN 'w-' || (row_number() OVER () / $1) END AS guide
        FROM journeys j CROSS JOIN generate_series(1, $2) n WHERE j.household_kind = 'single';
"""
JOURNEYS = """
    INSERT INTO journeys SELECT (jsonb_populate_record(j, jsonb_build_object(
        'client_id', c.new, 'caseworker_id', c.guide, 'household_kind', 'couple'
    ))).* FROM copies c JOIN journeys j ON j.client_id = c.old;
"""
HANDOVERS = """
    INSERT INTO handovers SELECT (jsonb_populate_record(h, jsonb_build_object(
        'id', c.handover, 'client_id', c.new
    ))).* FROM copies c JOIN handovers h ON h.client_id = c.old;
"""
ITEMS = """
    INSERT INTO work_items SELECT (jsonb_populate_record(w, jsonb_build_object(
        'id', gen_random_uuid(), 'client_id', c.new, 'caseworker_id', c.guide,
        'ref', CASE WHEN w.what = 'acceptance' THEN c.handover ELSE w.ref END,
        'urgent_on', CASE WHEN w.urgent_on < '9999-12-31' THEN w.urgent_on - (random() * 400)::int ELSE w.urgent_on END
    ))).* FROM copies c JOIN work_items w ON w.client_id = c.old;
"""
STAFF = """
    INSERT INTO staff (id, municipality, roles, team, hours_per_week, active, manages)
        SELECT DISTINCT guide, $1, ARRAY[CASE WHEN split_part(guide, '-', 2)::int % 2 = 1
                   THEN 'income_consultant' ELSE 'work_consultant' END],
               'team-' || split_part(guide, '-', 2)::int / $2, 36, true, ARRAY[]::text[]
        FROM copies WHERE guide IS NOT NULL ON CONFLICT DO NOTHING;
"""
MANAGERS = """
    INSERT INTO staff (id, municipality, roles, team, hours_per_week, active, manages)
        SELECT DISTINCT 'm-' || split_part(team, '-', 2), municipality, ARRAY[]::text[], team, 36, true, ARRAY[team]
        FROM staff WHERE municipality = $1 ON CONFLICT DO NOTHING;
"""
SEEN = """
    INSERT INTO colleagues (municipality, staff_id, team, manages, roles, active)
        SELECT municipality, id, team, manages, roles, active FROM staff ON CONFLICT DO NOTHING;
"""
GUIDED = """
    INSERT INTO guided (client_id, municipality, caseworker, receiving, besides)
        SELECT c.new, g.municipality, g.municipality || '/' || c.guide, g.receiving, g.besides
        FROM copies c JOIN guided g ON g.client_id = c.old;
"""


def main() -> None:
    """Fill, ask, and fill further."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    sizes = sorted(parser.parse_args().sizes)
    configure("WARNING", "benchmark")
    with tempfile.TemporaryDirectory(prefix="opstap-bench-") as scratch:
        folder = Path(scratch)
        with EmbeddedPostgres(folder / "postgres", durable=False) as postgres:
            urls = asyncio.run(provision(postgres.admin_url, "routing", load_passwords(folder / "passwords.json")))
            upgrade(SERVICE_FOLDERS["routing"], urls.owner)
            figures = asyncio.run(of_each(urls, postgres.admin_url, sizes))
    show(figures)


async def of_each(
    urls: DatabaseUrls, admin_url: str, sizes: list[int]
) -> Mapping[int, Mapping[str, tuple[float, float]]]:
    """The figures by number of clients, the fewest first."""
    return {size: await measured(urls, admin_url, size) for size in sizes}


async def measured(urls: DatabaseUrls, admin_url: str, size: int) -> Mapping[str, tuple[float, float]]:
    """Median and 99th percentile in ms of each question, with so many clients."""
    async with running(
        SERVICE.name, urls=urls, settings=SERVICE.settings, create=SERVICE.create, handlers=SERVICE.handlers,
        deadlines=SERVICE.deadlines, on=TODAY,
    ) as service:  # fmt: skip
        connection = await asyncpg.connect(_plain(admin_url), database=make_url(urls.owner).database)
        there = await connection.fetchval("SELECT count(*) FROM journeys")
        if not there:
            await come_in(service, BY_EVENTS)
            there = BY_EVENTS
        async with connection.transaction():
            missing = -(-(size - there) // BY_EVENTS)
            if missing > 0:
                await connection.execute("DROP TABLE IF EXISTS copies")
                copies = COPY.replace("$2", str(missing)).replace("$1", str(CLIENTS_EACH))
                for rows in (copies, JOURNEYS, HANDOVERS, ITEMS, GUIDED):
                    await connection.execute(rows)
                await connection.execute(STAFF.replace("$2", str(TEAM)), HERE)
                await connection.execute(MANAGERS, HERE)
                await connection.execute(SEEN)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
        return await asked(service)


def _plain(url: str) -> str:
    return url.replace("+asyncpg", "", 1)


async def come_in(service: ServiceUnderTest, clients: int) -> None:
    """Clients by the events that routing hears, half of them with a proposal that waits."""
    roles = ["work_consultant", "income_consultant", "consultant_2b"]
    for number in range(1 + clients // CLIENTS_EACH):
        first = {"id": f"first-{number}", "municipalities": [HERE], "roles": roles, "team": "team-0"}
        await service.done("/staff", first)
    for number in range(clients):
        client, now = new_id(), {"occurred_on": TODAY - timedelta(days=number % 300), "by": "staff:s-1"}
        traits = Traits(
            scheme="distance-to-work", category="3A", track="participation", status="decided", basis="assessment",
            confirmed="changed",
        )  # fmt: skip
        registered = ClientRegistered(
            **now, origin="front_end", household_id=new_id(), age_band="28-44", household_kind="single",
            permit_holder=False, without_benefit=False,
        )  # fmt: skip
        categorised = ClientCategorised(
            **now, assessment_id=new_id(), old_category=None, old_track=None, traits=traits, receipt=None
        )
        if number % AT_THE_GATE == 0:
            due = IntakeDue(occurred_on=now["occurred_on"], by="clock", due_on=now["occurred_on"])
            await service.hear(client, registered, due, municipality=HERE)
            continue
        await service.hear(client, registered, categorised, municipality=HERE)
        if number % 2:
            await service.hear(client, AssessmentCompleted(**now, assessment_id=new_id()), municipality=HERE)
        if number % HANDED_OVER == 1:
            await hand_over(service, client, now, traits)


async def hand_over(service: ServiceUnderTest, client: UUID, now: Mapping[str, Any], traits: Traits) -> None:
    """A client who may work now is handed over: the file is ready, and nobody has accepted it."""
    to_work = traits.model_copy(update={"category": "1B", "track": "reintegration"})
    told = ClientCategorised(
        **now, assessment_id=new_id(), old_category="3A", old_track="participation", traits=to_work, receipt=None
    )
    await service.hear(client, told, municipality=HERE)
    desk = service.token("front_end", sub=None)
    [due] = (await service.get(f"/clients/{client}/journey", headers=desk)).json()["handovers"]
    await service.done(f"/handovers/{due['id']}/preparations", {"note": "Warm"}, headers=desk)


async def asked(service: ServiceUnderTest) -> Mapping[str, tuple[float, float]]:
    """Each question so many times, after a few that are not counted."""
    me, manager = service.token("caseworker", sub="w-8"), service.token("front_end", sub=None)
    of_team = service.token("team_manager", sub="m-0")
    whole = {"scope": "municipality", "municipality": HERE}
    deep = await deep_page(service, manager, whole)
    questions = {
        "mine, first page": ("/v1/worklist", me, {}),
        "my team's, first page": ("/v1/worklist", me, {"scope": "team"}),
        "handed to me": ("/v1/worklist", me, {"kind": "handed_over"}),
        "handed to my team, its manager": ("/v1/worklist", of_team, {"kind": "handed_over", "scope": "team"}),
        "a manager's own": ("/v1/worklist", of_team, {}),
        "all, first page": ("/v1/worklist", manager, whole),
        "all, overdue": ("/v1/worklist", manager, {**whole, "kind": "overdue"}),
        "all, page 10": (deep, manager, {}),
        "mine, counts": ("/v1/worklist/counts", me, {}),
        "all, counts": ("/v1/worklist/counts", manager, whole),
    }
    return {name: await _timed(service.http, *question) for name, question in questions.items()}


async def deep_page(service: ServiceUnderTest, token: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Where the tenth page stands."""
    answer = await service.http.get("/v1/worklist", headers=token, params=query)
    for _ in range(8):
        answer = await service.http.get(answer.links["next"]["url"], headers=token)
    return answer.links["next"]["url"]


async def _timed(
    http: httpx.AsyncClient, url: str, token: Mapping[str, str], query: Mapping[str, str]
) -> tuple[float, float]:
    taken = []
    for _ in range(ASKED + 5):
        began = time.perf_counter()
        answer = await http.get(url, headers=token, params=query or None)
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
    return statistics.median(taken[5:]), statistics.quantiles(taken[5:], n=100)[98]


def show(figures: Mapping[int, Mapping[str, tuple[float, float]]]) -> None:
    """One table, and the same in a file."""
    table = Table("ms, p50 / p99", *(f"{size:,} clients" for size in figures))
    for name in next(iter(figures.values())):
        table.add_row(name, *(f"{of[name][0]:.1f} / {of[name][1]:.1f}" for of in figures.values()))
    Console().print(table)
    out = Path("out/benchmarks/worklist.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
