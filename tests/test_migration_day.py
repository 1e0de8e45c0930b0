"""The operator's page on migration works as written, and what it promises holds in every service (INT-15)."""

import asyncio
import csv
import io
import re
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from stdnum.nl import bsn
from typer.testing import CliRunner

from intake.caseload import COLUMNS
from opstap.cli import app
from opstap.demo.api import Api
from opstap.operators.folder import databases_of
from opstap.services import NAMES
from opstap.system import System
from opstap.verify import verify
from tests.support.one_machine import system_on

pytestmark = pytest.mark.requirement("INT-15")

PAGE = Path(__file__).parents[1] / "docs" / "caseload-import.md"
TODAY = date(2024, 6, 3)
KEPT_ANEW = {"caseload_imports", "caseload_files", "refused_lines", "audit_entries", "alembic_version"}
"""Tables that an import writes of itself, and nothing about clients."""


@dataclass(frozen=True)
class Step:
    """A command of the page, with what it says there."""

    command: str
    says: str


def steps() -> Iterator[Step]:
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, says = part.partition("\n")
            yield Step(command, says)


def run(command: str) -> str:
    """What a command prints on standard output; `opstap` runs in this process."""
    if command.startswith("opstap "):
        return CliRunner().invoke(app, command.split()[1:]).stdout
    return subprocess.run(["bash", "-euc", command], capture_output=True, text=True, check=True).stdout


def lines(said: str) -> list[str]:
    return [line.rstrip() for line in said.splitlines() if line.rstrip() and not LOGGED.match(line)]


LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[")
"""What the services log, since they run in this process."""


@pytest.fixture
async def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[System]:
    """An empty system, and the operator's folder."""
    async with system_on(tmp_path / "data", civil_date=TODAY) as system:
        (tmp_path / "desk").mkdir()
        monkeypatch.chdir(tmp_path / "desk")
        monkeypatch.setenv("OPSTAP_URL", system.url)
        monkeypatch.setenv("OPSTAP_DATA", str(system.folder))
        yield system


async def everything(system: System) -> Mapping[str, list[str]]:
    """All rows of all tables of all services."""
    found: dict[str, list[str]] = {}
    for name in NAMES:
        connection = await asyncpg.connect(system.postgres.admin_url.removesuffix("postgres") + f"opstap_{name}")
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in tables:
            if table not in KEPT_ANEW:
                found[f"{name}.{table}"] = sorted(map(str, await connection.fetch(f'SELECT * FROM "{table}"')))
        await connection.close()
    return found


async def ask(system: System, service: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(system.postgres.admin_url.removesuffix("postgres") + f"opstap_{service}")
    rows = await connection.fetch(query)
    await connection.close()
    return [tuple(row) for row in rows]


async def test_the_page_works_as_written_and_what_was_announced_happens(town: System) -> None:
    written, said = list(steps()), list[Step]()
    before: Mapping[str, list[str]] = {}
    for number, each in enumerate(written):
        if number == len(written) - 1:
            await town.settle()
            before = await everything(town)
        said.append(Step(each.command, await asyncio.to_thread(run, each.command)))
        if each.command.startswith("opstap staff"):
            await town.settle()
    await town.settle()

    assert [lines(each.says) for each in said] == [lines(each.says) for each in written], "\n".join(
        f"$ {each.command}\n" + "\n".join(lines(each.says)) for each in said
    )
    assert await everything(town) == before
    guided = await ask(
        town, "routing", "SELECT caseworker_id, caseworker_role FROM journeys ORDER BY category, caseworker_id"
    )
    assert guided == [("els", "work_consultant"), ("piet", "income_consultant"), (None, "income_consultant")]
    overdue = await ask(town, "routing", "SELECT what FROM work_items WHERE kind = 'due' AND due_on < '2024-06-03'")
    assert overdue == [("review",)]
    assert await ask(town, "intake", "SELECT count(*) FROM letters") == [(0,)]
    assert await ask(town, "partners", "SELECT state FROM referrals") == [("started",)]
    assert await ask(town, "routing", "SELECT state, purpose FROM referrals") == [("started", "participation")]
    assert await ask(town, "partners", "SELECT count(*) FROM deliveries") == [(0,)]


BEFORE = {"benefit_from": "2018-01-01", "exited_on": "2019-01-01", "exit_reason": "work", "category": "3A"}
RUNS = {
    "benefit_from": "2022-01-01", "category": "1B", "categorised_on": "2022-02-01", "route": "development_route",
    "months_used": "14", "open_referrals": "participation@woej:accepted:2024-05-20",
}  # fmt: skip


def caseload(*rows: Mapping[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    told = {"municipality": "GM1916", "family_name": "Ven", "birth_date": "1985-05-17"}
    writer.writerows({**told, **row} for row in rows)
    return out.getvalue()


async def test_who_came_back_is_on_the_journey_however_the_spells_came_in(town: System) -> None:
    """Together, apart, and of somebody who was registered by hand; no letter follows, and everything agrees."""
    numbers = (str(each) for each in range(999_900_000, 1_000_000_000) if bsn.is_valid(str(each)))
    together, apart, by_hand, past = (next(numbers) for _ in range(4))
    api = Api(town.url)
    token = await api.token(["front_end"], ["GM1916"])
    person = {"municipality": "GM1916", "bsn": by_hand, "name": {"family": "Ven"}, "birthDate": "1985-05-17"}
    await api.call("POST", "intake", "/clients", token, person)
    staff = "id,municipalities,roles\nels,GM1916,work_consultant\n"
    await api.call("POST", "routing", "/staff-imports", token, staff.encode())
    files = (
        caseload({"bsn": together} | BEFORE, {"bsn": together} | RUNS, {"bsn": apart} | BEFORE, {"bsn": past} | BEFORE),
        caseload({"bsn": apart} | RUNS, {"bsn": by_hand} | BEFORE),
    )
    for file in files:
        report = await api.call("POST", "intake", "/caseload-imports", token, file.encode())
        assert report["refused"] == []
        await town.settle()
    await api.close()

    journeys = await ask(
        town, "routing", "SELECT state, category, caseworker_id FROM journeys ORDER BY state, category"
    )
    assert journeys == [
        ("active", "1B", "els"),
        ("active", "1B", "els"),
        ("active", None, None),
        ("exited", None, None),
    ]
    assert await ask(town, "partners", "SELECT state FROM referrals") == [("accepted",), ("accepted",)]
    assert await ask(town, "diagnosis", "SELECT count(*) FROM clients WHERE ended IS NOT NULL") == [(1,)]
    assert await ask(town, "intake", "SELECT count(*) FROM letters") == [(0,)]
    async with databases_of(town.folder) as urls:
        differences = await verify(urls)
    assert not differences, "\n".join(map(str, differences))
