"""Whatever stands at whatever place in a pack: it is in order, or its faults are told; reading it never crashes."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from policy import Pack
from policy.checks import check
from policy.reading import Text, Where, merge, read
from policy.remedies import faults_of

POLICIES = Path(__file__).resolve().parents[3] / "policies"

BASE = read(POLICIES / "_shared" / "leidschendam-voorburg-voorschoten-wassenaar-2019.yaml")
PACK = merge(BASE, read(POLICIES / "voorschoten" / "2024-01-01.yaml"))
JUNK: list[Any] = [
    None,
    [],
    {},
    3,
    -1,
    1.5,
    True,
    "x",
    "0..5",
    [[1]],
    [{}],
    {"a": {"b": 1}},
    {"when": [1]},
    ["1A", "3B"],
]


def places(node: Any, where: Where = ()) -> Iterator[Where]:
    if where:
        yield where
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield from places(node[key], (*where, key))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(places(PACK.data))), st.sampled_from(JUNK))
def test_junk_at_any_place_is_in_order_or_told_as_a_fault(where: Where, junk: Any) -> None:
    data: Any = copy.deepcopy(PACK.data)
    node = data
    for key in where[:-1]:
        node = node[key]
    node[where[-1]] = junk
    text = Text(PACK.file, data, PACK.places)

    try:
        faults = list(check(Pack.read(data, digest=""), text))
    except ValidationError as errors:
        faults = list(faults_of(errors, text))
        assert faults

    assert all(fault.remedy and fault.line >= 1 and fault.file.endswith(".yaml") for fault in faults)
