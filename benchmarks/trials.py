"""What trying a draft of the policy costs: time, cost per client and memory, at 1,000, 10,000 and 100,000 clients.

    uv run python benchmarks/trials.py [--data FOLDER] [--sizes 1000 10000 100000]

The caseload comes in through the real write path (`trial_caseload.py`), which takes far longer than the trials: ten
minutes to half an hour for the largest. With `--data` it is kept in a folder, and a next run goes on with it. Each
trial runs in a fresh process, on a draft in which a boundary and a term differ; memory is what that process needed at
most, before the trial and by its end. Prints one table and writes `out/benchmarks/trials.json`.
"""

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.trial_caseload import TODAY, TOWN, fill, office_of
from chassis.migrations import upgrade
from diagnosis.actions.policy_trials import ask
from diagnosis.tables import PolicyTrial
from diagnosis.trials.runner import TrialRunner
from opstap.databases import DatabaseUrls, load_passwords, provision
from opstap.postgres import EmbeddedPostgres
from opstap.services import SERVICE_FOLDERS
from policy import Library
from policy.library import SHARED

ROOT = Path(__file__).parents[1]
POLICIES = ROOT / "policies"
FILLERS = 2
SHARE = 1000
"""Clients that a process brings in before it makes room for a fresh one."""
CHANGES = (
    ("distance_months: 4..12}", "distance_months: 4..10}"),
    ("distance_months: 13..24}", "distance_months: 11..24}"),
    ("term: 24 months", "term: 18 months"),
)


@dataclass(frozen=True)
class Measured:
    """One trial: seconds, bytes, and how much it found."""

    clients: int
    seconds: float
    processor: float
    """Seconds that this process was at work; on a busy machine the rest was waiting for its turn, or PostgreSQL."""
    before: int
    memory: int
    moved: int
    moves: int


def main() -> None:
    """Fill, try, and fill further."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="keep the caseload in this folder")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="opstap-bench-") as scratch:
        folder = asked.data or Path(scratch)
        with EmbeddedPostgres(folder / "postgres", durable=False) as server:
            urls = asyncio.run(provision(server.admin_url, "diagnosis", load_passwords(folder / "passwords.json")))
            upgrade(SERVICE_FOLDERS["diagnosis"], urls.owner)
            found = [_tried(urls, size) for size in sorted(asked.sizes)]
    show(found)


def _tried(urls: DatabaseUrls, size: int) -> Measured:
    bring_to(urls, size)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        return alone.submit(_measure, urls).result()


def bring_to(urls: DatabaseUrls, size: int) -> None:
    """Let clients come in until there are so many."""
    there = asyncio.run(_count(urls))
    shares = [min(SHARE, size - start) for start in range(there, size, SHARE)]
    began = time.perf_counter()
    with ProcessPoolExecutor(FILLERS, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for _ in pool.map(_fill, [urls] * len(shares), shares, range(there, there + len(shares))):
            print(f"{asyncio.run(_count(urls)):>8,} clients, {time.perf_counter() - began:,.0f} s", flush=True)


def _fill(urls: DatabaseUrls, clients: int, seed: int) -> None:
    asyncio.run(fill(urls, Library.load(POLICIES), clients, seed))


def _measure(urls: DatabaseUrls) -> Measured:
    return asyncio.run(_trial(urls))


async def _trial(urls: DatabaseUrls) -> Measured:
    """Ask for a trial as the API does, and run it as the service does."""
    office = office_of(urls, Library.load(POLICIES))
    async with office.for_municipalities([TOWN], "staff:bench") as work:
        trial = await ask(work, POLICIES, TOWN, TODAY, draft())
    before, began, worked = _largest(), time.perf_counter(), time.process_time()
    assert await TrialRunner(office).run(trial.id, TOWN)
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    memory = _largest()
    async with office.for_municipalities([TOWN], "staff:bench") as work:
        done = await work.session.get_one(PolicyTrial, trial.id)
        assert done.result is not None
        clients, moved = done.clients_done, done.result["moved"]
    await office.database.close()
    changes = await _count(urls, "policy_trial_moves", trial.id)
    return Measured(clients, seconds, processor, before, memory, moved, changes)


def draft() -> Mapping[str, str]:
    """The policy of the town with other boundaries and another term."""
    [shared] = (POLICIES / SHARED).glob("*voorschoten*.yaml")
    [own] = POLICIES.glob("voorschoten/2024-*.yaml")
    files = {f"{each.parent.name}/{each.name}": each.read_text() for each in (shared, own)}
    for old, new in CHANGES:
        assert any(old in text for text in files.values()), old
        files = {name: text.replace(old, new) for name, text in files.items()}
    return files


def _largest() -> int:
    """The most memory that this process ever needed, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


async def _count(urls: DatabaseUrls, table: str = "clients", trial: object = None) -> int:
    connection = await asyncpg.connect(urls.background.replace("+asyncpg", "", 1))
    try:
        where, values = ("WHERE trial_id = $1", [trial]) if trial else ("", [])
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table} {where}", *values)
        return found
    finally:
        await connection.close()


def show(found: list[Measured]) -> None:
    """The table, and the file."""
    heads = (
        "clients", "seconds", "of which at work", "µs per client", "memory before, MB", "at most, MB", "other category",
        "changes",
    )  # fmt: skip
    table = Table(*heads, title="a trial of a draft, beside a PostgreSQL on the same machine")
    for each in found:
        table.add_row(
            f"{each.clients:,}", f"{each.seconds:.2f}", f"{each.processor:.2f}",
            f"{each.seconds / each.clients * 1e6:,.0f}", f"{each.before / 1e6:.0f}", f"{each.memory / 1e6:.0f}",
            f"{each.moved:,}", f"{each.moves:,}",
        )  # fmt: skip
    Console(width=140).print(table)
    file = ROOT / "out/benchmarks/trials.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n")


if __name__ == "__main__":
    main()
