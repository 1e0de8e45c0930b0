"""What the commands do besides deciding: refuse bad input with exit 2, and check a folder."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from opstap.policy_commands import app as policy_app
from opstap.term_command import term

terms_app = typer.Typer()
terms_app.command()(term)
DECIDE = ["decide", "--municipality", "GM0626", "--on", "2024-02-01"]


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ('{"distance_months": -1}', "distance_months"),
        ('{"distance_months": "3"}', "distance_months"),
        ('{"distance_months": 3.5}', "distance_months"),
        ('{"distance_months": true}', "distance_months"),
        ('{"can_volunteer": 1}', "can_volunteer"),
        ('{"exemption": {"reason": "  "}}', "exemption"),
        ('{"exemption": {"reason": "care", "until": "soon"}}', "exemption.until"),
        ('{"exemption": {}}', "exemption.reason"),
        ('{"indications": ["wajong"]}', "indications"),
        ('{"work_fit": "perhaps"}', "work_fit"),
        ('{"shoe_size": 43}', "shoe_size"),
        ("[1, 2]", "facts"),
        ("{", "facts"),
    ],
)
def test_a_wrong_fact_is_refused_by_its_name(facts: str, named: str) -> None:
    result = CliRunner().invoke(policy_app, [*DECIDE, "-"], input=facts)

    assert result.exit_code == 2
    assert named in result.stderr
    assert not result.stdout


def test_facts_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text('{"distance_months": 8}', encoding="utf-8")

    result = CliRunner().invoke(policy_app, [*DECIDE, str(file)])

    assert json.loads(result.stdout)["category"] == "1B"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(policy_app, [*DECIDE, str(tmp_path / "none.json")])

    assert result.exit_code == 2
    assert "none.json" in result.stderr


EXPLAIN = ["explain", *DECIDE[1:]]


def test_what_would_change_a_decision_is_told_in_a_table_of_plain_words() -> None:
    result = CliRunner().invoke(policy_app, [*EXPLAIN, "-"], input='{"distance_months": 8}')

    assert result.exit_code == 0
    assert "Nu: 1B" in result.stdout
    assert "2B (het dichtst bij)" in result.stdout
    assert "afstand tot werk: van 8 maanden naar 3 maanden (0 tot en met 3)" in result.stdout


def test_what_would_change_a_decision_is_told_as_json() -> None:
    result = CliRunner().invoke(policy_app, [*EXPLAIN, "-", "--json"], input='{"distance_months": 8}')

    told = json.loads(result.stdout)
    assert (told["category"], told["nearest"]) == ("1B", ["2B", "3B"])
    [change] = told["alternatives"][2]["ways"][0]
    assert (change["fact"], change["before"], change["after"], change["steps"]) == ("distance_months", 8, 3, 5)


def test_wrong_facts_are_not_explained() -> None:
    result = CliRunner().invoke(policy_app, [*EXPLAIN, "-"], input='{"shoe_size": 43}')

    assert (result.exit_code, result.stdout) == (2, "")
    assert "shoe_size" in result.stderr


def test_a_folder_in_order_is_said_to_be_so(folder: Path) -> None:
    result = CliRunner().invoke(policy_app, ["check", str(folder)])

    assert result.exit_code == 0
    assert "6 packs in order" in result.stdout


def test_the_folder_is_found_through_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "wassenaar" / "2019-01-01.yaml").unlink()
    monkeypatch.setenv("OPSTAP_POLICIES", str(folder))

    assert "5 packs in order" in CliRunner().invoke(policy_app, ["check"]).stdout


def test_a_folder_with_a_fault_is_refused_with_file_and_line(folder: Path) -> None:
    pack = folder / "uithoorn" / "2021-01-01.yaml"
    pack.write_text(pack.read_text(encoding="utf-8") + "colour: green\n", encoding="utf-8")

    result = CliRunner().invoke(policy_app, ["check", str(folder)])

    last = len(pack.read_text(encoding="utf-8").splitlines())
    assert result.exit_code == 1
    assert f"{pack}:{last}" in result.stdout
    assert "colour" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--months", "3"],
        ["--from", "2024-02-30", "--months", "3"],
        ["--from", "2024-02-01", "--months", "-3"],
        ["--from", "2024-02-01", "--months", "three"],
        ["--from", "2024-02-01", "--months", "3", "--suspend", "2024-05-01"],
        ["--from", "2024-02-01", "--months", "3", "--suspend", "2024-05-01/later"],
        ["--from", "2024-02-01", "--months", "3", "--suspend", "2024-06-15/2024-05-01"],
        ["--from", "2024-02-01", "--months", "999999"],
        ["--from", "2024-02-01", "--days", "99999999999"],
    ],
)
def test_a_term_that_makes_no_sense_is_refused(arguments: list[str]) -> None:
    result = CliRunner().invoke(terms_app, arguments)

    assert result.exit_code == 2
    assert not result.stdout
