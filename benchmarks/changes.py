"""What the change feed costs as more people listen, and how long it takes until the last of them has heard.

    PYTHONPATH=. uv run python benchmarks/changes.py [--listeners 1 100 500]

Listeners of one municipality, each with a work list of their own, on a service behind a real port; some changes a
second are made meanwhile. The listeners run in the same process, so the times hold their work as well. Prints a table
and writes `out/benchmarks/changes.json`; what counts is that the transactions do not grow with the listeners.
"""

import argparse
import asyncio
import json
import socket
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from chassis.app import server
from chassis.ids import new_id
from chassis.logs import configure
from chassis.migrations import upgrade
from contracts.diagnosis import ClientCategorised, Traits
from contracts.intake import ClientRegistered
from opstap.databases import DatabaseUrls, load_passwords, provision
from opstap.postgres import EmbeddedPostgres
from opstap.services import SERVICE_FOLDERS
from routing.app import SERVICE
from tests.support.service import ServiceUnderTest, running
from tests.support.waiting import eventually

HERE = "GM1916"
SECONDS, CHANGES = 10, 20
"""How long each number of listeners is watched, and how many changes are made in that time."""


def main() -> None:
    """Listen with more and more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, nargs="+", default=[1, 100, 500])
    numbers = sorted(parser.parse_args().listeners)
    configure("WARNING", "benchmark")
    with tempfile.TemporaryDirectory(prefix="opstap-bench-") as scratch:
        folder = Path(scratch)
        with EmbeddedPostgres(folder / "postgres", durable=False) as postgres:
            urls = asyncio.run(provision(postgres.admin_url, "routing", load_passwords(folder / "passwords.json")))
            upgrade(SERVICE_FOLDERS["routing"], urls.owner)
            show(asyncio.run(measured(urls, postgres.admin_url, numbers)))


async def measured(urls: DatabaseUrls, admin_url: str, numbers: list[int]) -> Mapping[int, Mapping[str, float]]:
    """By number of listeners."""
    async with running(
        SERVICE.name, urls=urls, settings=SERVICE.settings, create=SERVICE.create, handlers=SERVICE.handlers,
        deadlines=SERVICE.deadlines,
    ) as service:  # fmt: skip
        client = await one_client(service)
        door = socket.create_server(("127.0.0.1", 0), backlog=1024)
        serving = server(service.app, host="127.0.0.1", port=0)
        serving.config.lifespan = "off"
        task = asyncio.create_task(serving.serve(sockets=[door]))
        port = door.getsockname()[1]
        figures = {}
        for number in numbers:
            async with asyncio.TaskGroup() as group:
                desk = Desk(service, port, number)
                listening = [group.create_task(desk.listen(each)) for each in range(number)]
                figures[number] = await watched(desk, client, admin_url, make_url(urls.owner).database or "")
                for each in listening:
                    each.cancel()
        serving.should_exit = True
        await task
        door.close()
        return figures


async def one_client(service: ServiceUnderTest) -> str:
    """A client with a caseworker."""
    await service.done("/staff", {"id": "w-0", "municipalities": [HERE], "roles": ["work_consultant"]})
    client, now = new_id(), {"occurred_on": service.clock.today(), "by": "staff:s-1"}
    traits = Traits(
        scheme="distance-to-work", category="1B", track="reintegration", status="decided", basis="assessment",
        confirmed="changed",
    )  # fmt: skip
    registered = ClientRegistered(
        **now, origin="front_end", household_id=new_id(), age_band="28-44", household_kind="single",
        permit_holder=False, without_benefit=False,
    )  # fmt: skip
    categorised = ClientCategorised(
        **now, assessment_id=new_id(), old_category=None, old_track=None, traits=traits, receipt=None
    )
    await service.hear(client, registered, categorised, municipality=HERE)
    return str(client)


class Desk:
    """All who listen, and when each heard of the change that is under way."""

    def __init__(self, service: ServiceUnderTest, port: int, number: int) -> None:
        self.service, self.port, self.number = service, port, number
        self.there = self.heard = 0
        self.everybody = asyncio.Event()

    async def listen(self, number: int) -> None:
        """One front-end, over a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        token = self.service.token("team_manager", municipalities=[HERE], sub=f"listener-{number}")
        path = f"/v1/worklist/changes?scope=municipality&municipality={HERE}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token['Authorization']}\r\n\r\n".encode())
        self.there += "200 OK" in (await reader.readline()).decode()
        try:
            while line := await reader.readline():
                if line.startswith(b"event: client-changed"):
                    self.heard += 1
                    if self.heard == self.number:
                        self.everybody.set()
        finally:
            writer.close()


async def watched(desk: Desk, client: str, admin_url: str, database: str) -> Mapping[str, float]:
    """Transactions a second with nothing to tell and while there is, and ms until everybody heard of a change."""
    connection = await asyncpg.connect(admin_url.replace("+asyncpg", "", 1))

    async def transactions() -> float:
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        found = await connection.fetchval("SELECT xact_commit FROM pg_stat_database WHERE datname = $1", database)
        return float(found)

    await eventually(lambda: desk.there == desk.number, within=60)
    await asyncio.sleep(2)
    at_rest = await transactions()
    await asyncio.sleep(SECONDS)
    busy = await transactions()
    taken, spent = [], time.process_time()
    for _ in range(CHANGES):
        desk.heard = 0
        desk.everybody.clear()
        body = {"hoursPerWeek": 8, "incomePerMonth": 100}
        await desk.service.done(f"/clients/{client}/part-time-work", body)
        began = time.perf_counter()
        await asyncio.wait_for(desk.everybody.wait(), 60)
        taken.append((time.perf_counter() - began) * 1000)
    await asyncio.sleep(2)
    after = await transactions()
    await connection.close()
    return {
        "transactions a second, nothing to tell": (busy - at_rest) / SECONDS,
        "transactions a change": (after - busy) / CHANGES,
        "ms until everybody heard, median": statistics.median(taken),
        "ms until everybody heard, longest": max(taken),
        "CPU ms a change": (time.process_time() - spent) * 1000 / CHANGES,
    }


def show(figures: Mapping[int, Mapping[str, float]]) -> None:
    """One table, and the same in a file."""
    table = Table("", *(f"{number} listening" for number in figures))
    for name in next(iter(figures.values())):
        table.add_row(name, *(f"{of[name]:.1f}" for of in figures.values()))
    Console().print(table)
    out = Path("out/benchmarks/changes.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
