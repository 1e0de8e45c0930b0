"""The page for policy officers speaks of everything that a pack may hold, with examples that hold."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from policy import AGE_BANDS
from policy.references import FACTS, INDICATIONS
from policy.schema import keys, part_of_pack

README = (Path(__file__).resolve().parents[3] / "policies" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("name", sorted({key for _, key in keys()} | {*FACTS, *INDICATIONS, *AGE_BANDS}))
def test_the_page_speaks_of_every_key_fact_and_value(name: str) -> None:
    assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", README)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.split("\n")[0] for example in EXAMPLES])
def test_every_example_may_stand_in_a_pack(example: str) -> None:
    data = json.loads(json.dumps(YAML(typ="safe").load(example) or {}, default=str))

    assert not list(Draft202012Validator(part_of_pack()).iter_errors(data))


def test_every_key_stands_in_an_example() -> None:
    shown = {key for example in EXAMPLES for key in _keys(YAML(typ="safe").load(example))}

    assert {key for _, key in keys()} - shown == set()


def _keys(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_keys, node))
    return {str(key) for key in node}.union(*map(_keys, node.values())) if isinstance(node, dict) else set()
