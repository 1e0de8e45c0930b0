"""What trying a draft of the policy costs: time, cost per client and memory, at 1,000, 10,000 and 100,000 clients.

    uv run python benchmarks/trials.py [--data FOLDER] [--sizes 1000 10000 100000]

The caseload comes in through the real write path (`trial_caseload.py`), which takes far longer than the trials; with
`--data` it is kept in a folder, and a next run goes on with it. Each trial runs in a fresh process, so that its peak of
memory is its own. Prints one table and writes `out/benchmarks/trials.json`.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import asyncpg

from benchmarks.trial_caseload import fill
from chassis.migrations import upgrade
from opstap.databases import DatabaseUrls, load_passwords, provision
from opstap.postgres import EmbeddedPostgres
from opstap.services import SERVICE_FOLDERS
from policy import Library

ROOT = Path(__file__).parents[1]
POLICIES = ROOT / "policies"
FILLERS = 2
SHARE = 5000
"""Clients that a process brings in before it makes room for a fresh one."""


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
            for size in sorted(asked.sizes):
                bring_to(urls, size)


def bring_to(urls: DatabaseUrls, size: int) -> float:
    """Let clients come in until there are so many; clients per second."""
    there = asyncio.run(_count(urls))
    shares = [min(SHARE, size - start) for start in range(there, size, SHARE)]
    began = time.perf_counter()
    with ProcessPoolExecutor(FILLERS, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for _ in pool.map(_fill, [urls] * len(shares), shares, range(there, there + len(shares))):
            print(f"{asyncio.run(_count(urls)):>8,} clients, {time.perf_counter() - began:,.0f} s", flush=True)
    return (size - there) / (time.perf_counter() - began) if shares else 0.0


def _fill(urls: DatabaseUrls, clients: int, seed: int) -> None:
    asyncio.run(fill(urls, Library.load(POLICIES), clients, seed))


async def _count(urls: DatabaseUrls) -> int:
    connection = await asyncpg.connect(urls.background.replace("+asyncpg", "", 1))
    try:
        found: int = await connection.fetchval("SELECT count(*) FROM clients")
        return found
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
