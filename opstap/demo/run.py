"""`opstap demo`: starts the system as anybody would, lets thirty months happen, and shows what came of them."""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from opstap.demo.api import Api
from opstap.demo.cast import FIRST, LAST
from opstap.demo.drive import drive, over_http
from opstap.demo.partners import PartnerDesk
from opstap.demo.summary import count
from opstap.demo.world import STAFF, World
from opstap.operators.folder import databases_of
from opstap.postgres import EmbeddedPostgres, free_port
from opstap.services import NAMES
from opstap.verify import verify

SEED = 2021
WEBHOOKS = {"OPSTAP_WEBHOOK_TIMEOUT": "0.5", "OPSTAP_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]'}
SECONDS_TO_START = 120


async def demonstrate(out: Path, console: Console, seed: int = SEED) -> bool:
    """Run the demonstration into a folder; whether all of it verified."""
    began = time.monotonic()
    data = out / "data"
    _clear(out)
    async with _system(data) as url:
        api, desk = Api(url), PartnerDesk()
        await desk.start()
        with _progress(console) as progress:
            days = progress.add_task("thirty months, day by day", total=(LAST - FIRST).days)
            move = await over_http(api, ["intake"])
            world = await drive(
                api, desk, FIRST, LAST, move, seed=seed, on_day=lambda _: progress.update(days, advance=1)
            )
        reports = [await _report(world, code, out) for code in world.towns]
        ledgers = {name: dict(ledger.received) for name, ledger in desk.ledgers.items()}
        async with databases_of(data) as urls:
            differences = await verify(urls, ledgers=ledgers)
            counts = await count(urls)
        summary = counts | {
            "paths": dict(sorted(world.walked.items())),
            "verified": not differences and not any(ledger.refused for ledger in desk.ledgers.values()),
            "reports": [str(report) for report in reports],
            "seconds": round(time.monotonic() - began, 1),
        }
        await desk.stop()
        await api.close()
    (out / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    _show(summary, [asdict(each) for each in differences], console)
    return bool(summary["verified"])


def _clear(out: Path) -> None:
    """Begin anew: what an earlier demonstration left is stopped and removed."""
    if (out / "data").exists():
        with EmbeddedPostgres(out / "data" / "postgres"):
            pass
        shutil.rmtree(out)
    out.mkdir(parents=True)


@asynccontextmanager
async def _system(data: Path) -> AsyncIterator[str]:
    """`opstap up` in a process of its own, until the demonstration is over."""
    port = free_port()
    command = ["-m", "opstap", "up", "--data", str(data), "--port", str(port), "--civil-date", FIRST.isoformat()]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env={**os.environ, **WEBHOOKS}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await _ready(process, url)
        yield url
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.wait()


async def _ready(process: asyncio.subprocess.Process, url: str) -> None:
    async with asyncio.timeout(SECONDS_TO_START), aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"{url}/{NAMES[-1]}/health/ready") as answer:
                    if answer.ok:
                        return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
    raise RuntimeError("the system did not start; its own words stand above")


async def _report(world: World, code: str, out: Path) -> Path:
    """The council's report of a town over the whole time, as a web page."""
    town = world.towns[code]
    token = await world.api.token([*STAFF, "policy_officer"], [code], sub=f"policy-{code.lower()}")
    body = {"municipality": code, "level": "council", "from": FIRST.isoformat(), "to": LAST.isoformat()}
    report = await world.api.call("POST", "reporting", "/reports", token, body)
    page = await world.api.text("reporting", f"/reports/{report['id']}/page", token)
    file = out / f"{town.name.lower()}.html"
    file.write_text(page)
    return file


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _show(summary: dict[str, Any], differences: list[dict[str, Any]], console: Console) -> None:
    towns = Table("municipality", "clients", "by category", title="Who is where on the last day")
    for code, town in summary["municipalities"].items():
        towns.add_row(code, str(town["clients"]), ", ".join(f"{k} {v}" for k, v in town["by_category"].items()))
    console.print(towns)
    figures = Table("what", "how many", title=f"What happened in {summary['seconds']} seconds")
    figures.add_row("events published, handled", _sums(summary["events"]))
    for name in ("handovers", "referrals", "webhooks", "deadlines", "paths"):
        figures.add_row(name, ", ".join(f"{key} {value}" for key, value in summary[name].items()))
    figures.add_row("groups", ", ".join(f"{each['municipality']} {each['size']}" for each in summary["groups"]))
    console.print(figures)
    for difference in differences[:20]:
        console.print(difference)
    verdict = "everything verified" if summary["verified"] else f"{len(differences)} differences"
    console.print(f"[bold]{verdict}[/]; reports: {', '.join(summary['reports'])}")


def _sums(events: dict[str, Any]) -> str:
    return f"{sum(events['published'].values())}, {sum(events['handled'].values())}; parked {events['parked']}"
