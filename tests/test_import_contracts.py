"""Each import contract of pyproject.toml is seen to catch what it forbids: a check that cannot fail checks nothing."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

MEET = "Services meet only on Kafka and HTTP"
DECIDE = "Rules decide; they do no I/O"
CIRCLE = "Nothing goes round in a circle"
SPEAK = "Only one module speaks to Kafka"

PLANTED = [
    (MEET, "intake/planted.py", "import routing"),
    (MEET, "reporting/planted.py", "from partners import planted_too"),
    (MEET, "diagnosis/planted.py", "import opstap.databases"),
    (MEET, "chassis/planted.py", "import intake"),
    (MEET, "contracts/planted.py", "import chassis"),
    (MEET, "policy/planted.py", "import contracts"),
    (DECIDE, "diagnosis/rules.py", "import sqlalchemy"),
    (DECIDE, "routing/rules.py", "from fastapi import HTTPException"),
    (DECIDE, "intake/rules.py", "import chassis"),
    (DECIDE, "policy/terms.py", "import asyncpg"),
    (CIRCLE, "routing/actions/journeys.py", "from routing.actions import worklist"),
    (CIRCLE, "partners/signing.py", "def later(): from partners import webhooks"),
    (SPEAK, "partners/planted.py", "from aiokafka import AIOKafkaProducer"),
    (SPEAK, "contracts/planted.py", "import aiokafka"),
]


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A copy of every package under contract, to plant things in."""
    for package in CONFIG["root_packages"]:
        (found,) = [path for path in ROOT.glob(f"*/*/{package}") if path.is_dir()] or [ROOT / package]
        shutil.copytree(found, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def lint_imports(packages: Path) -> tuple[int, str]:
    command = [str(LINT_IMPORTS), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(packages), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=packages, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("contract", "file", "line"), PLANTED)
def test_a_planted_violation_breaks_the_contract_that_forbids_it(
    packages: Path, contract: str, file: str, line: str
) -> None:
    with (packages / file).open("a") as planted:
        planted.write(f"\n{line}\n")
    if "planted_too" in line:
        (packages / "partners" / "planted_too.py").touch()
    code, said = lint_imports(packages)
    assert code == 1, said
    assert f"{contract} BROKEN" in said
    module = file.removesuffix(".py").replace("/", ".")
    assert (f"No cycles are allowed in {module.rpartition('.')[0]}." if contract == CIRCLE else module) in said


def test_the_tree_as_it_is_keeps_every_contract(packages: Path) -> None:
    code, said = lint_imports(packages)
    assert code == 0, said
    assert f"Contracts: {len(CONFIG['contracts'])} kept, 0 broken." in said


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract["name"] for contract in CONFIG["contracts"]} == {contract for contract, _, _ in PLANTED}
