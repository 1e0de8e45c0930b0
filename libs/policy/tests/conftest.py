import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from policy import Library
from tests.support.given import ACCEPTANCE
from tests.support.rules_out import Shipped

REPOSITORY = Path(__file__).resolve().parents[3]
POLICIES = REPOSITORY / "policies"


@pytest.fixture(scope="session")
def library() -> Library:
    return Library.load(POLICIES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of all packs, to change at will."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


@pytest.fixture(scope="session")
def shipped(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The shipped packs, from which a test can take a rule."""
    return Shipped(Path(shutil.copytree(POLICIES, tmp_path_factory.mktemp("shipped") / "policies")), library)


def acceptance_cases(name: str) -> list[Any]:
    """Each case as a parameter; one skipped parameter, saying why, where the file is absent."""
    file = ACCEPTANCE / name
    if not file.is_file():
        reason = f"no {file}; set OPSTAP_ACCEPTANCE to the folder with the acceptance cases"
        return [pytest.param(None, id=name, marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(case, id=case["name"]) for case in json.loads(file.read_text(encoding="utf-8"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, file in (("decision_case", "decisions.json"), ("term_case", "terms.json")):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, acceptance_cases(file))
