"""The policy officer's walk-through works as written: every command on the page is run, and says what the page says."""

import asyncio
import itertools
import json
import re
import shutil
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from stdnum.nl import bsn
from typer.testing import CliRunner

from opstap.cli import app
from opstap.demo.api import Api
from opstap.system import System
from tests.support import walkthrough
from tests.support.one_machine import POLICIES, system_on

PAGE = walkthrough.DOCS / "policy-officer.md"
TODAY = date(2024, 6, 3)
UITHOORN = "GM0451"
CAPACITIES = (38, 42, 44, 55, 80)


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """A system on which clients of Uithoorn were assessed."""
    async with system_on(tmp_path_factory.mktemp("officer"), civil_date=TODAY) as system:
        api = Api(system.url)
        token = await api.token(["front_end", "caseworker", "team_manager"], [UITHOORN], sub="s-1")
        people = (str(each) for each in range(999_900_000, 1_000_000_000) if bsn.is_valid(str(each)))
        clients = []
        for number in itertools.islice(people, len(CAPACITIES)):
            person = {"municipality": UITHOORN, "bsn": number, "name": {"family": "Ven"}, "birthDate": "1985-05-17"}
            clients.append((await api.call("POST", "intake", "/clients", token, person))["id"])
        await system.settle()
        for capacity, client in zip(CAPACITIES, clients, strict=True):
            found = {"questionnaire": "diagnose", "facts": {"work_capacity_pct": capacity, "prospect_of_work": True}}
            proposal = await api.call("POST", "diagnosis", f"/clients/{client}/assessments", token, found)
            await api.call("POST", "diagnosis", f"/proposals/{proposal['id']}/confirmations", token, {})
        await system.settle()
        await api.close()
        yield system


@pytest.fixture
def desk(town: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the officer sits: a folder with the policies, and the way to the system."""
    shutil.copytree(POLICIES, tmp_path / "policies")
    monkeypatch.chdir(tmp_path)
    for name, value in {"URL": town.url, "DATA": str(town.folder), "POLICIES": "policies"}.items():
        monkeypatch.setenv(f"OPSTAP_{name}", value)
    return tmp_path


async def test_the_walk_through_works_as_written(town: System, desk: Path) -> None:
    port = urlsplit(town.url).port
    assert port
    said = await walkthrough.walk(PAGE, desk, port, town.settle)
    differs = walkthrough.differences(said, PAGE)
    assert not differs, differs
    told = json.loads((desk / "proef.json").read_text())
    assert told["result"]["moved"] == sum(40 <= each < 45 for each in CAPACITIES)
    assert '<html lang="nl">' in (desk / "proef.html").read_text()


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("opstap policy try nowhere", 2, "is no folder"),
        ("opstap policy try policies", 2, "choose one with --municipality"),
        ("opstap policy try policies --municipality GM9999", 2, "no policy in force|unknown municipality"),
        ("opstap policy try policies/uithoorn --date 2020-06-01", 2, "A policy must be in force on the day"),
        ("opstap policy try policies/uithoorn --url http://127.0.0.1:9", 2, "opstap up"),
        ("opstap policy try policies/uithoorn --data nowhere", 2, "no development issuer"),
        ("opstap policy try policies/uithoorn --token nonsense", 2, "the token is not one of this issuer's"),
        ("opstap policy try policies/uithoorn", 0, "Er is niets veranderd"),
    ],
)
async def test_what_cannot_be_tried_is_told_with_what_to_do_about_it(
    desk: Path, command: str, code: int, says: str
) -> None:
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, command.split()[1:]))
    assert (result.exit_code, bool(re.search(says, result.output))) == (code, True), result.output


async def test_a_draft_that_is_not_in_order_ends_with_1_and_all_its_faults(desk: Path) -> None:
    file = desk / "policies/uithoorn/2021-01-01.yaml"
    file.write_text(file.read_text().replace("work_capacity_pct: 40..69", "work_capacity_pct: 45..75"))
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["policy", "try", "policies/uithoorn"]))
    assert result.exit_code == 1
    assert [re.sub(r":\d+:.*", "", each) for each in walkthrough.lines(result.stdout)] == [
        "uithoorn/2021-01-01.yaml"
    ] * 2
