"""The schemas for editors let every shipped pack pass, refuse what is wrong in it, and explain every key in Dutch."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from policy.reading import Where, read
from policy.schema import keys, meaning, part_of_pack, whole_pack, words

POLICIES = Path(__file__).resolve().parents[3] / "policies"
FILES = sorted(POLICIES.glob("*/*.yaml"))
WHOLE, PART = (
    Draft202012Validator(schema, format_checker=FormatChecker()) for schema in (whole_pack(), part_of_pack())
)
FIRST_LINE = "# yaml-language-server: $schema=../schema/{}.json"


def data_of(file: Path) -> Any:
    """As an editor sees it: a date is a text."""
    return json.loads(json.dumps(read(file).data, default=str))


def names_part(file: Path) -> bool:
    return file.parent.name == "_shared" or "extends" in read(file).data


@pytest.mark.parametrize("schema", [WHOLE, PART], ids=["pack", "part"])
def test_a_schema_is_one(schema: Draft202012Validator) -> None:
    schema.check_schema(schema.schema)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_shipped_pack_names_its_schema_and_passes(file: Path) -> None:
    schema, name = (PART, "part") if names_part(file) else (WHOLE, "pack")

    assert file.read_text(encoding="utf-8").splitlines()[0] == FIRST_LINE.format(name)
    assert [f"{error.json_path}: {error.message}" for error in schema.iter_errors(data_of(file))] == []


RULE: Where = ("scheme", "steps", 0, "rules", 0)
WRONG: list[tuple[str, Where, Any]] = [
    ("an unknown key", ("colour",), "green"),
    ("an unknown key in a rule", (*RULE, "wen"), {}),
    ("a fact that says nothing", (*RULE, "when", "shoe_size"), {}),
    ("a range that is none", (*RULE, "when", "work_capacity_pct"), "40-69"),
    ("a number below nought", (*RULE, "when", "work_capacity_pct"), -1),
    ("a word for yes or no", (*RULE, "when", "can_volunteer"), "perhaps"),
    ("an unknown choice", (*RULE, "when", "work_fit"), "never"),
    ("an unknown indication", (*RULE, "when", "indications"), ["wajong"]),
    ("a rule without a category", (*RULE, "category"), None),
    ("a municipality that is no code", ("municipality",), "Uithoorn"),
    ("a day that is none", ("valid_from",), "yesterday"),
    ("a number for a name", ("name",), 3),
    ("an id written twice", ("tracks", "reintegration", "id"), "reintegration"),
    ("an id with a blank", ("categories", "40 - 70"), {"label": "x", "track": "reintegration"}),
    ("a term that cannot be read", ("intake", "social_guidance"), "two years"),
    ("an unknown ground", ("routing", "participation", "review", "ground"), "legal"),
    ("a letter that does not exist", ("letters", "farewell"), {"version": 1, "subject": "x", "body": "x"}),
    ("a protocol that does not exist", ("partners", "am-match", "protocol"), {"form": "crowd"}),
    ("a group without a size", ("partners", "am-match", "protocol"), {"form": "group"}),
    ("a field that no partner may see", ("partners", "am-match", "purposes", "x"), {"label": "x", "fields": ["bsn"]}),
    ("an age band that is none", ("caseworkers", "assigned", 0, "when"), {"age_band": "18-99"}),
    ("an unknown unit", ("targets", 0, "unit"), "euro"),
    ("a share that is a word", ("targets", 0, "norm"), "many"),
]
IN_A_PART_TOO = [case for case in WRONG if case[0] != "a group without a size"]


@pytest.mark.parametrize(
    ("schema", "where", "written"),
    [pytest.param(WHOLE, where, written, id=name) for name, where, written in WRONG]
    + [pytest.param(PART, where, written, id=f"{name}, in a part") for name, where, written in IN_A_PART_TOO],
)
def test_what_is_wrong_is_refused(schema: Draft202012Validator, where: Where, written: Any) -> None:
    data = data_of(POLICIES / "uithoorn" / "2021-01-01.yaml")
    assert schema.is_valid(data)
    node: Any = data
    for key in where[:-1]:
        node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
    node[where[-1]] = written

    assert not schema.is_valid(data)


def test_every_key_without_which_a_pack_cannot_do_is_missed_in_a_whole_one_and_not_in_a_part() -> None:
    data = data_of(POLICIES / "uithoorn" / "2021-01-01.yaml")
    for key in whole_pack()["required"]:
        less = copy.deepcopy(data)
        del less[key]
        assert not WHOLE.is_valid(less)
        assert PART.is_valid(less)


def test_every_key_is_explained_in_dutch_and_nothing_else_is() -> None:
    assert [key for key in keys() if meaning(*key) is None] == []
    told = {(section, key) for section, said in words().items() if section != "overal" for key in said}
    assert told <= set(keys())
