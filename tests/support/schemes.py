"""Assessments and category schemes at random, for what must hold of any policy whatever."""

import copy
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from policy import Exemption, Facts, Pack
from policy.reading import read
from policy.references import INDICATIONS, WORK_FIT

POLICIES = Path(__file__).resolve().parents[2] / "policies"
BASE_OF_RANDOM = read(POLICIES / "uithoorn" / "2021-01-01.yaml").data
CATEGORIES = tuple(BASE_OF_RANDOM["categories"])
ON = date(2024, 6, 1)
FEW = INDICATIONS[:2]
SORTS = ("a", "b", "c")
OWN: dict[str, Any] = {
    "rung": {"label": "Trede", "kind": "number"},
    "sort": {"label": "Soort", "kind": "choice", "choices": list(SORTS)},
    "moved": {"label": "Verhuisd", "kind": "yes_no"},
}
LONGEST = 9
"""Beyond every boundary of a random scheme."""


def subsets(kinds: Sequence[str]) -> list[frozenset[str]]:
    return [frozenset(some) for n in range(len(kinds) + 1) for some in combinations(kinds, n)]


maybe = st.none() | st.booleans()
last_days = st.none() | st.dates(ON - timedelta(days=2), ON + timedelta(days=2))


def assessments(longest: int, kinds: Sequence[str]) -> st.SearchStrategy[Facts]:
    return st.builds(
        Facts,
        distance_months=st.none() | st.integers(0, longest - 1),
        work_capacity_pct=st.none() | st.integers(0, longest - 1),
        work_fit=st.none() | st.sampled_from(WORK_FIT),
        can_volunteer=maybe,
        indications=st.sampled_from(subsets(kinds)),
        exemption=st.none() | st.builds(Exemption, reason=st.just("x"), until=last_days),
        in_doubt=maybe,
        own=st.fixed_dictionaries(
            {},
            optional={"rung": st.integers(0, LONGEST), "sort": st.sampled_from(SORTS), "moved": st.booleans()},
        ),
    )


ranges = st.one_of(
    st.builds(lambda low, more: f"{low}..{low + more}", st.integers(0, 5), st.integers(0, 3)),
    st.integers(0, 5).map(lambda low: f"{low}.."),
)
CONDITIONS: dict[str, st.SearchStrategy[Any]] = {
    "distance_months": ranges,
    "work_fit": st.sampled_from(["yes", "no", ["yes", "small_interventions"]]),
    "can_volunteer": st.booleans(),
    "indications": st.sampled_from([FEW[0], FEW[1], list(FEW)]),
    "exempted": st.booleans(),
    "rung": ranges,
    "sort": st.sampled_from(["a", "b", ["a", "c"]]),
    "moved": st.booleans(),
}


@st.composite
def schemes(draw: st.DrawFn) -> Pack:
    """A pack with a scheme that need not be complete: whatever it holds, it is explained."""
    asked = draw(st.lists(st.sampled_from(sorted(CONDITIONS)), min_size=1, max_size=4, unique=True))
    conditions = st.fixed_dictionaries({}, optional={fact: CONDITIONS[fact] for fact in asked})
    rows = draw(st.lists(st.tuples(conditions, st.sampled_from(CATEGORIES)), min_size=1, max_size=6))
    rules = [
        {"id": f"r{n}", "when": when, "category": category, "source": {"document": "U", "section": "x"}}
        for n, (when, category) in enumerate(rows)
    ]
    cut = draw(st.integers(0, len(rules)))
    steps = [{"id": f"s{n}", "label": "x", "rules": part} for n, part in enumerate((rules[:cut], rules[cut:])) if part]
    data = copy.deepcopy(BASE_OF_RANDOM)
    data["scheme"]["steps"], data["facts"] = steps, OWN
    return Pack.read(data, digest="")
