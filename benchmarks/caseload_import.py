"""What the import of a whole caseload costs: how fast, in how much memory, and what it sets in motion downstream.

    PYTHONPATH=. uv run python benchmarks/caseload_import.py [--sizes 1000 10000 100000]

Each size has a system of its own, as `opstap up` runs it, with staff of some 80 clients each. The file is sent by
`opstap import` as a process of its own: first a dry run, then the real one, then the same file again. Memory is the
peak of that process and the growth of the system's; settling is the time after the answer until every service has
handled what follows. Prints a table and writes `out/benchmarks/caseload_import.json`: it is what a row costs at the
three sizes that counts.
"""

import argparse
import asyncio
import csv
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

import asyncpg
from rich.console import Console
from rich.table import Table
from stdnum.nl import bsn

from chassis.logs import configure
from opstap.services import NAMES
from opstap.system import System
from tests.support.one_machine import system_on

HERE = "GM1916"
TODAY = date(2023, 3, 1)
CLIENTS_EACH = 80
ROLES = ("work_consultant", "income_consultant", "consultant_2b")
COLUMNS = (
    "municipality", "bsn", "given_names", "family_name", "birth_date", "street", "house_number", "postcode", "city",
    "benefit_from", "category", "categorised_on", "route", "route_started_on", "months_used", "suspensions",
    "caseworker_id", "last_conversation_on", "open_referrals", "exited_on", "exit_reason",
)  # fmt: skip
KIB = 1024


@dataclass(frozen=True)
class Cost:
    """What one size cost."""

    rows: int
    dry_run_seconds: float
    import_seconds: float
    again_seconds: float
    settle_seconds: float
    client_mib: float
    """The peak of the process that sends the file."""
    server_mib: float
    """By how much the system's peak lies above what it was before."""
    events: int
    letters: int
    webhooks: int


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    sizes = sorted(parser.parse_args().sizes)
    configure("ERROR", "benchmark")
    asyncio.run(of_each(sizes))


async def of_each(sizes: list[int]) -> None:
    """Show what each size costs, the smallest first."""
    costs = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="opstap-bench-") as scratch:
            costs.append(await measured(Path(scratch), size))
            show(costs)


async def measured(scratch: Path, size: int) -> Cost:
    """Bring a caseload of a size in."""
    file, staff = scratch / "caseload.csv", scratch / "staff.csv"
    write(file, COLUMNS, caseload(size))
    write(staff, ("id", "municipalities", "roles", "team"), colleagues(size))
    async with system_on(scratch / "data", civil_date=TODAY) as system:
        await opstap(system, "staff", "import", staff)
        await system.settle()
        before = await counted(system)
        forget_peak()
        base = peak(os.getpid())
        dry, _ = await opstap(system, "import", file, "--dry-run")
        took, client = await opstap(system, "import", file)
        began = time.perf_counter()
        await settled(system.settle)
        settling = time.perf_counter() - began
        server = peak(os.getpid()) - base
        after = await counted(system)
        again, _ = await opstap(system, "import", file)
        if await counted(system) != after:
            raise SystemExit("the same file again changed something")
    return Cost(
        rows=size, dry_run_seconds=dry, import_seconds=took, again_seconds=again, settle_seconds=settling,
        client_mib=client / KIB, server_mib=server / KIB,
        **{name: after[name] - before[name] for name in ("events", "letters", "webhooks")},
    )  # fmt: skip


async def settled(settle: Awaitable[None] | object) -> None:
    """Until nothing is left to handle, however long it takes."""
    while True:
        try:
            await settle()  # type: ignore[operator]
        except TimeoutError:
            continue
        return


async def opstap(system: System, *command: str | Path) -> tuple[float, int]:
    """A command as a process of its own: how long it took, and its peak memory in KiB."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "opstap", *map(str, command), "--municipality", HERE, "--url", system.url,
        "--data", str(system.folder), "--json", stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    most = 0
    while process.returncode is None:
        most = max(most, peak(process.pid))
        await asyncio.sleep(0.05)
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - began, most


def peak(pid: int) -> int:
    """The most memory that a process held, in KiB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def forget_peak() -> None:
    """Let the peak of this process begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


async def counted(system: System) -> Mapping[str, int]:
    """Events of all services, letters, and webhooks that wait for or went to partners."""
    found = {"events": 0, "letters": 0, "webhooks": 0}
    for name in NAMES:
        url = system.postgres.admin_url.removesuffix("postgres") + f"opstap_{name}"
        connection = await asyncpg.connect(url)
        found["events"] += await connection.fetchval("SELECT count(*) FROM outbox")
        if name == "intake":
            found["letters"] = await connection.fetchval("SELECT count(*) FROM letters")
        if name == "partners":
            found["webhooks"] = await connection.fetchval("SELECT count(*) FROM deliveries")
        await connection.close()
    return found


def write(file: Path, columns: tuple[str, ...], rows: Iterator[Mapping[str, str]]) -> None:
    """A CSV file."""
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def colleagues(size: int) -> Iterator[Mapping[str, str]]:
    """The staff that a caseload of a size has, in teams of ten."""
    for number in range(1 + size // CLIENTS_EACH):
        yield {
            "id": f"w-{number}", "municipalities": HERE, "roles": ROLES[number % len(ROLES)],
            "team": f"team-{number // 10}",
        }  # fmt: skip


def caseload(size: int) -> Iterator[Mapping[str, str]]:
    """People in mid-journey, one in ten with an ended spell only."""
    chance = Random(size)
    numbers = (str(each) for each in range(100_000_000, 1_000_000_000) if bsn.is_valid(str(each)))
    for number in itertools.islice(numbers, size):
        yield person(number, chance) | (ended(chance) if chance.random() < 0.1 else running(chance, size))


def person(number: str, chance: Random) -> dict[str, str]:
    """Who it is."""
    born = TODAY - timedelta(days=chance.randint(20 * 366, 60 * 365))
    return {
        "municipality": HERE, "bsn": number, "given_names": "Noor", "family_name": f"Ven-{chance.randint(1, 999)}",
        "birth_date": str(born), "street": "Herenstraat", "house_number": str(chance.randint(1, 200)),
        "postcode": "2271 CA", "city": "Voorburg",
    }  # fmt: skip


def ended(chance: Random) -> dict[str, str]:
    """A spell of before."""
    began = TODAY - timedelta(days=chance.randint(500, 900))
    left = began + timedelta(days=chance.randint(100, 400))
    return {"benefit_from": str(began), "exited_on": str(left), "exit_reason": "work"}


def running(chance: Random, size: int) -> dict[str, str]:
    """Where somebody stands: on a route, or taking part with a conversation now and then; some terms are over."""
    began = TODAY - timedelta(days=chance.randint(30, 900))
    row = {"benefit_from": str(began), "categorised_on": str(began)}
    if chance.random() < 0.3:
        row["caseworker_id"] = f"w-{chance.randrange(1 + size // CLIENTS_EACH)}"
    if chance.random() < 0.5:
        row |= {"category": "1B", "route": "development_route"}
        if chance.random() < 0.3:
            return row | {"months_used": str(chance.randint(0, 23)), "suspensions": "2022-11-01/2022-12-01"}
        return row | {"route_started_on": str(began)}
    spoken = TODAY - timedelta(days=chance.randint(10, 500))
    row |= {"category": "3A", "last_conversation_on": str(spoken)}
    return row | ({"open_referrals": f"participation@woej:started:{spoken}"} if chance.random() < 0.2 else {})


def show(costs: list[Cost]) -> None:
    """Print the table, and keep the figures."""
    table = Table("rows", "dry run, rows/s", "import, rows/s", "again, rows/s", "settled after, s", "client, MiB",
                  "system grew, MiB", "events a row", "letters", "webhooks")  # fmt: skip
    for cost in costs:
        speeds = (cost.rows / each for each in (cost.dry_run_seconds, cost.import_seconds, cost.again_seconds))
        table.add_row(
            f"{cost.rows:,}", *(f"{speed:,.0f}" for speed in speeds), f"{cost.settle_seconds:.0f}",
            f"{cost.client_mib:.0f}", f"{cost.server_mib:.0f}", f"{cost.events / cost.rows:.2f}",
            str(cost.letters), str(cost.webhooks),
        )  # fmt: skip
    Console(width=150).print(table)
    out = Path("out/benchmarks/caseload_import.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([asdict(each) for each in costs], indent=2))


if __name__ == "__main__":
    main()
