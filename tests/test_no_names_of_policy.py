"""Municipalities, categories, tracks, caseworkers' roles and partners are named by packs, never by code."""

from pathlib import Path

import pytest

from policy import Library
from tests.support.names import names_of, planted
from tests.support.one_machine import POLICIES


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load(POLICIES)


@pytest.mark.requirement("POL-1", "POL-7")
def test_services_and_libraries_name_nothing_that_a_pack_names(library: Library) -> None:
    assert [f"{each.file}:{each.line}: {each.called} {each.name}" for each in planted(names_of(library))] == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('HERE = "GM0626"', "GM0626"),
        ("SQL = \"SELECT 1 FROM clients WHERE municipality = 'GM1926'\"", "GM1926"),
        ('if category == "2B": pass', "2B"),
        ('ROLE = "work_consultant"', "work_consultant"),
        ('text = f"{1} hoort bij Consulent Werk"', "Consulent Werk"),
        ('TRACK = "reintegration"', "reintegration"),
        ('KNOWN = {"am-match": 1}', "am-match"),
    ],
)
def test_a_name_that_is_planted_is_found(library: Library, tmp_path: Path, line: str, found: str) -> None:
    folder = tmp_path / "services" / "routing" / "routing"
    folder.mkdir(parents=True)
    (folder / "planted.py").write_text(f'"""Not this: GM0626, reintegration."""\n# nor this: GM0626\n{line}\n')

    ((_, at, name, _),) = planted(names_of(library), tmp_path)

    assert (at, name) == (3, found)


def test_a_name_in_a_file_that_is_no_python_is_found(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "services" / "diagnosis" / "diagnosis"
    folder.mkdir(parents=True)
    (folder / "questions.yaml").write_text("- {text: 'Woont u in GM0451?'}\n")

    assert [each.name for each in planted(names_of(library), tmp_path)] == ["GM0451"]
