"""A caseload import that is killed with -9 in mid-file goes on where it was, whoever is killed (INT-15)."""

import asyncio
import csv
import io
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import date
from itertools import islice
from pathlib import Path

import asyncpg
import pytest
from stdnum.nl import bsn

from opstap.operators.folder import databases_of
from tests.support.own_process import OneMachine, one_machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.requirement("INT-15")

TODAY = date(2023, 3, 1)
TOWN = "GM1916"
ROWS = 5_000
LONG = "Lange Voorhout " * 13
"""So that the connection cannot hold the whole file while it is killed."""


def bsns() -> Iterator[str]:
    return (str(each) for each in range(100_000_000, 1_000_000_000) if bsn.is_valid(str(each)))


def caseload() -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["municipality", "bsn", "family_name", "birth_date", "benefit_from", "street", "city"])
    writer.writerows([TOWN, number, "Ven", "1985-05-17", "2022-01-01", LONG, LONG] for number in islice(bsns(), ROWS))
    return out.getvalue() + f"{TOWN},1,Ven,1985-05-17,,,\n"


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[OneMachine]:
    async with one_machine(tmp_path / "data", TODAY) as machine:
        yield machine


async def importing(machine: OneMachine, file: Path) -> asyncio.subprocess.Process:
    command = ["-m", "opstap", "import", str(file), "--municipality", TOWN, "--url", machine.url]
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, "--data", str(machine.data), "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def registered(machine: OneMachine) -> int:
    """How many clients there are."""
    async with databases_of(machine.data) as urls:
        connection = await asyncpg.connect(urls["intake"].background.replace("+asyncpg", ""))
    try:
        found: int = await connection.fetchval("SELECT count(*) FROM clients")
        return found
    finally:
        await connection.close()


async def comes_in(machine: OneMachine, at_least: int) -> None:
    """Wait until so many are registered; fails when the file was taken in whole before."""

    async def there() -> bool:
        return await registered(machine) >= at_least

    await eventually(there, within=60, every=0.02)
    assert await registered(machine) < ROWS


async def test_an_import_that_is_killed_in_mid_file_goes_on_and_reports_on_the_whole(
    machine: OneMachine, tmp_path: Path
) -> None:
    file = tmp_path / "caseload.csv"
    file.write_text(caseload())

    cut_off = await importing(machine, file)
    await comes_in(machine, 500)
    cut_off.send_signal(signal.SIGKILL)
    await cut_off.wait()
    whole = await importing(machine, file)
    await comes_in(machine, await registered(machine) + 1_500)
    await machine.kill("opstap")
    said, told = await asyncio.wait_for(whole.communicate(), 120)

    assert said, told.decode()
    report = json.loads(said)
    assert report["resumedAfter"] > 500, told
    assert "goes on where it was" in " ".join(told.decode().split())
    counts = {name: report[name] for name in ("rows", "registered", "cases", "known", "refusedLines", "finished")}
    assert counts == {
        "rows": ROWS + 1, "registered": ROWS, "cases": ROWS, "known": 0, "refusedLines": 1, "finished": True,
    }  # fmt: skip
    assert [(each["line"], each["column"]) for each in report["refused"]] == [(ROWS + 2, "bsn")]
    assert whole.returncode == 1
