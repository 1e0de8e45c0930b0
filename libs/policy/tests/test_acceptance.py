"""Every acceptance case, through the API and through the commands."""

import json
import shlex
from datetime import date
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from opstap.policy_commands import app as policy_app
from opstap.policy_commands import as_json
from opstap.term_command import term
from policy import Facts, Library

terms_app = typer.Typer()
terms_app.command()(term)
Case = dict[str, Any]


def test_the_pack_decides_as_the_case_expects(library: Library, decision_case: Case) -> None:
    on = date.fromisoformat(decision_case["on"])
    expected = decision_case["expect"]
    if "error" in expected:
        with pytest.raises((LookupError, ValueError), match=expected["error"]):
            library.in_force(decision_case["municipality"], on).decide(Facts.model_validate(decision_case["facts"]), on)
        return

    decision = as_json(library.in_force(decision_case["municipality"], on).decide(Facts(**decision_case["facts"]), on))

    assert {key: decision[key] for key in expected} == expected


def test_the_command_decides_as_the_case_expects(decision_case: Case) -> None:
    expected = decision_case["expect"]

    result = CliRunner().invoke(
        policy_app,
        ["decide", "--municipality", decision_case["municipality"], "--on", decision_case["on"], "-"],
        input=json.dumps(decision_case["facts"]),
    )

    if "error" in expected:
        assert result.exit_code == 2
        assert expected["error"] in result.stderr
        assert not result.stdout
    else:
        assert result.exit_code == 0, result.stderr
        printed = json.loads(result.stdout)
        assert {key: printed[key] for key in expected} == expected
        assert {"pack_id", "version", "digest", "rule", "rejected", "facts", "source"} <= printed["receipt"].keys()


def test_the_command_reckons_the_term_as_the_case_expects(term_case: Case) -> None:
    result = CliRunner().invoke(terms_app, shlex.split(term_case["args"]))

    if "error" in term_case["expect"]:
        assert result.exit_code == 2
        return
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert {key: printed[key] for key in term_case["expect"]} == term_case["expect"]
    assert printed["because"]
