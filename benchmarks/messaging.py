"""How fast events are read and handled: in sets against one by one, measured side by side in one run.

    uv run python benchmarks/messaging.py [EVENTS]

Prints one table and writes `out/benchmarks/messaging.json`. The ratios are the point: rates differ between machines.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chassis.bus import Record
from chassis.clock import MachineClock
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.ids import new_id
from chassis.migrations import upgrade
from chassis.outbox import OutboxLog, as_record
from chassis.work import Office
from contracts.intake import ClientRegistered
from opstap.databases import load_passwords, provision
from opstap.postgres import EmbeddedPostgres
from opstap.services import DEFINITIONS, SERVICE_FOLDERS
from policy import Library

ROOT = Path(__file__).parents[1]
ROUNDS = 3
BATCH = 500


async def main(events: int) -> None:
    """Publish, then read and handle, each way a share of the events, in turn."""
    with tempfile.TemporaryDirectory(prefix="opstap-bench-") as folder, EmbeddedPostgres(Path(folder)) as server:
        passwords = load_passwords(Path(folder) / "passwords.json")
        databases = {}
        for name in ("intake", "reporting"):
            urls = await provision(server.admin_url, name, passwords)
            await asyncio.to_thread(upgrade, SERVICE_FOLDERS[name], urls.owner)
            databases[name] = Database(urls.app, urls.background)
        rates = await measure(databases["intake"], databases["reporting"], events)
        for database in databases.values():
            await database.close()
    show(rates, events)


async def measure(intake: Database, reporting: Database, events: int) -> dict[str, list[float]]:
    """Events per second for each way, round by round."""
    library, clock = Library.load(ROOT / "policies"), MachineClock()
    published = Office(intake, clock, library)
    consumer = Consumer("reporting", Office(reporting, clock, library), DEFINITIONS["reporting"].handlers)
    rates: dict[str, list[float]] = {"read": [], "handled in sets": [], "handled one by one": []}
    after = 0
    for _ in range(ROUNDS):
        await publish(published, events)
        rows = []

        async def read() -> None:
            nonlocal after, rows
            while batch := await OutboxLog(intake).read(after, BATCH):
                rows += batch
                after = batch[-1].position

        rates["read"].append(events / await seconds(read))
        records = [as_record(row, "intake", "0" * 20) for row in rows]
        half = len(records) // 2
        rates["handled in sets"].append(half / await seconds(lambda: handle(consumer, records[:half], BATCH)))  # noqa: B023
        rates["handled one by one"].append(half / await seconds(lambda: handle(consumer, records[half:], 1)))  # noqa: B023
    return rates


async def publish(office: Office, events: int) -> None:
    """Clients are registered, a thousand in a transaction."""
    for start in range(0, events, 1000):
        async with office.in_background() as work:
            for _ in range(min(1000, events - start)):
                event = ClientRegistered(
                    occurred_on=date(2026, 1, 1), by="clock", origin="front_end", age_band="28-44",
                    household_id=new_id(), household_kind="single", permit_holder=False, without_benefit=False,
                )  # fmt: skip
                work.publish(new_id(), "GM0626", event)


async def handle(consumer: Consumer, records: Sequence[Record], size: int) -> None:
    """Hand over in batches of a size."""
    for start in range(0, len(records), size):
        await consumer.handle(records[start : start + size])


async def seconds(act: Callable[[], Awaitable[None]]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


def show(rates: dict[str, list[float]], events: int) -> None:
    """The table, and the file."""
    middle = {way: sorted(found)[len(found) // 2] for way, found in rates.items()}
    table = Table("way", "events/s, median", "least to most", "against one by one", title=f"{events} events, reporting")
    for way, found in rates.items():
        against = middle[way] / middle["handled one by one"]
        table.add_row(way, f"{middle[way]:,.0f}", f"{min(found):,.0f} to {max(found):,.0f}", f"{against:.1f} x")
    Console().print(table)
    file = ROOT / "out/benchmarks/messaging.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"events": events, "rates": rates, "median": middle}, indent=2) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000))
