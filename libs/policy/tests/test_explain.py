"""What would change it, against brute force: each change that is named leads there, and none smaller exists."""

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import Exemption, Explanation, Facts, Library, Pack, explain
from policy.references import INDICATIONS, WORK_FIT
from tests.support.schemes import (
    BASE_OF_RANDOM,
    CATEGORIES,
    FEW,
    LONGEST,
    ON,
    OWN,
    POLICIES,
    SORTS,
    assessments,
    schemes,
    subsets,
)

LIBRARY = Library.load(POLICIES)

Size = tuple[int, int]


def size(before: Facts, after: Facts) -> Size | None:
    """How many facts differ and in how many steps, told otherwise than in the code; None: nobody can bring it about."""
    steps = [_steps(name, *both) for name, both in _both(before, after).items()]
    if None in steps:
        return None
    changed = [each for each in steps if each]
    return len(changed), sum(changed)


def _both(before: Facts, after: Facts) -> dict[str, tuple[Any, Any]]:
    named = {name: (getattr(before, name), getattr(after, name)) for name in Facts.model_fields if name != "own"}
    return named | {name: (before.own.get(name), after.own.get(name)) for name in OWN}


def _steps(name: str, before: Any, after: Any) -> int | None:
    if before == after or (name == "in_doubt" and not before and not after):
        return 0
    if after is None or (name == "exemption" and before is not None and after.until is None):
        return None
    if before is None or (name == "exemption" and before.until is None):
        return 1
    if name == "indications":
        return len(before - after) + len(after - before)
    return abs(_place(before) - _place(after))


def _place(value: Any) -> int:
    """Where a value stands on a line on which each step is one."""
    if isinstance(value, Exemption):
        assert value.until is not None
        return value.until.toordinal()
    if isinstance(value, str):
        return (WORK_FIT if value in WORK_FIT else SORTS).index(value)
    return int(value)


def exemptions_around(exemption: Exemption | None) -> list[Exemption | None]:
    """The exemption as it is, and with each last day in the days around the day of the decision."""
    reason = exemption.reason if exemption else "x"
    days = [ON + timedelta(days=n) for n in range(-2, 3)]
    return [exemption, *(Exemption(reason=reason, until=day) for day in days)]


def neighbours(facts: Facts, asked: frozenset[str], longest: int, kinds: Sequence[str]) -> Iterator[Facts]:
    """All facts of a grid, in so far as the scheme asks for them."""
    grid: dict[str, Sequence[Any]] = {
        name: range(longest) for name in ("distance_months", "work_capacity_pct") if name in asked
    }
    if "work_fit" in asked:
        grid["work_fit"] = WORK_FIT
    if "can_volunteer" in asked:
        grid["can_volunteer"] = (True, False)
    if "indications" in asked:
        grid["indications"] = subsets(kinds)
    if "exempted" in asked:
        grid["exemption"] = exemptions_around(facts.exemption)
    if facts.in_doubt:
        grid["in_doubt"] = (True, False)
    own: dict[str, Sequence[Any]] = {"rung": range(longest), "sort": SORTS, "moved": (True, False)}
    grid |= {name: values for name, values in own.items() if name in asked}
    present = {**facts.__dict__, **facts.own}
    spread = [dict.fromkeys([*grid[name], present.get(name)]) for name in grid]
    for values in product(*spread):
        there = dict(zip(grid, values, strict=True))
        owned = {name: there.pop(name) for name in own if name in there}
        known = {name: value for name, value in owned.items() if value is not None}
        yield facts.model_copy(update={**there, "own": {**facts.own, **known}})


def assert_as_by_brute_force(pack: Pack, facts: Facts, explanation: Explanation, around: Iterator[Facts]) -> None:
    smallest: dict[str, Size] = {}
    changed: dict[str, set[frozenset[str]]] = defaultdict(set)
    for each in around:
        category, found = pack.decide(each, ON).category, size(facts, each)
        if category is None or found is None or category == explanation.decision.category:
            continue
        if category not in smallest or found < smallest[category]:
            smallest[category], changed[category] = found, set()
        if found == smallest[category]:
            changed[category].add(frozenset(name for name, both in _both(facts, each).items() if _steps(name, *both)))

    assert {each.category: each.size for each in explanation.alternatives if each.size} == smallest
    for alternative in explanation.alternatives:
        for way in alternative.ways:
            then = way.applied(facts)
            assert pack.decide(then, ON).category == alternative.category
            assert size(facts, then) == way.size == alternative.size
        named = {frozenset(change.fact for change in way.changes) for way in alternative.ways}
        assert named == changed[alternative.category]


@pytest.mark.parametrize("pack", list(LIBRARY), ids=lambda pack: pack.id)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_the_shipped_packs_are_explained_as_brute_force_over_all_facts_would(pack: Pack, data: st.DataObject) -> None:
    asked = pack.scheme.facts - {"can_volunteer"}
    longest = 55 if "distance_months" in asked else 120
    facts = data.draw(assessments(longest, FEW))

    assert_as_by_brute_force(pack, facts, explain(pack, facts, ON), neighbours(facts, asked, longest, FEW))


@settings(max_examples=60, deadline=None)
@given(schemes(), assessments(LONGEST, FEW))
def test_any_scheme_is_explained_as_brute_force_over_all_facts_would(pack: Pack, facts: Facts) -> None:
    around = neighbours(facts, pack.scheme.facts, LONGEST + 1, FEW)

    assert_as_by_brute_force(pack, facts, explain(pack, facts, ON), around)


@given(assessments(60, INDICATIONS))
def test_the_same_question_has_the_same_answer_in_the_same_order(facts: Facts) -> None:
    pack = LIBRARY.in_force("GM0626", ON)
    again = Facts.model_validate_json(facts.model_dump_json())

    assert explain(pack, facts, ON).as_dict() == explain(pack, again, ON).as_dict()


def words(facts: dict[str, Any], category: str, municipality: str = "GM0626") -> list[list[str]]:
    """The ways to a category as they are read."""
    explanation = explain(LIBRARY.in_force(municipality, ON), Facts.model_validate(facts), ON)
    [alternative] = [each for each in explanation.alternatives if each.category == category]
    return [[str(change) for change in way.changes] for way in alternative.ways]


def test_a_number_moves_to_the_nearest_boundary_and_says_what_else_would_do() -> None:
    assert words({"distance_months": 8}, "1A") == [["afstand tot werk: van 8 maanden naar 3 maanden (0 tot en met 3)"]]


def test_what_is_not_known_gets_known() -> None:
    assert words({}, "1B") == [["afstand tot werk: wordt bekend: 4 tot en met 12 maanden"]]


def test_an_indication_comes_or_goes() -> None:
    assert [way[0] for way in words({"distance_months": 8}, "2B")] == [
        "indicaties: erbij komt banenafspraak",
        "indicaties: erbij komt beschut werk (alternatief)",
        "indicaties: erbij komt beschut werk (nieuw)",
        "indicaties: erbij komt doelgroepregister",
    ]
    assert words({"distance_months": 8, "indications": ["job_agreement"]}, "1B") == [
        ["indicaties: weg valt banenafspraak"]
    ]


@pytest.mark.parametrize(
    ("exemption", "category", "said"),
    [
        (None, "3B", "er komt er een, die op 01-06-2024 geldt"),
        ({"until": "2024-05-20"}, "3B", "de laatste dag gaat van 20-05-2024 naar 01-06-2024"),
        ({"until": "2024-07-01"}, "1B", "de laatste dag gaat van 01-07-2024 naar 31-05-2024"),
        ({"until": None}, "1B", "krijgt een einde: de laatste dag is 31-05-2024"),
    ],
)
def test_an_exemption_begins_or_ends_by_its_last_day(exemption: Any, category: str, said: str) -> None:
    told = exemption and {"reason": "ernstig ziek", **exemption}

    assert words({"distance_months": 8, "exemption": told}, category) == [[f"ontheffing: {said}"]]


def test_the_reason_of_an_exemption_is_not_in_the_explanation() -> None:
    facts = Facts(exemption=Exemption(reason="ernstig ziek"), distance_months=8)

    assert "ziek" not in str(explain(LIBRARY.in_force("GM0626", ON), facts, ON).as_dict())


def test_a_fact_of_the_policy_s_own_is_told_by_its_label() -> None:
    data = copy.deepcopy(BASE_OF_RANDOM)
    source = {"document": "U", "section": "x"}
    rows = {CATEGORIES[0]: {"rung": "0..2"}, CATEGORIES[1]: {"rung": "3.."}, CATEGORIES[2]: {"sort": "b"}}
    rules = [
        {"id": f"r{n}", "when": when, "category": name, "source": source} for n, (name, when) in enumerate(rows.items())
    ]
    data["scheme"]["steps"], data["facts"] = [{"id": "s", "label": "x", "rules": rules}], OWN

    explanation = explain(Pack.read(data, digest=""), Facts(own={"rung": 5}), ON)

    [down, *_] = [each for each in explanation.alternatives if each.category == CATEGORIES[0]]
    assert str(down.ways[0].changes[0]) == "Trede: van 5 naar 2 (0 tot en met 2)"
    assert down.ways[0].applied(Facts(own={"rung": 5, "sort": "a"})).own == {"rung": 2, "sort": "a"}


def test_whoever_is_in_doubt_first_loses_the_doubt() -> None:
    assert words({"distance_months": 8, "in_doubt": True}, "1A") == [
        ["afstand tot werk: van 8 maanden naar 3 maanden (0 tot en met 3)", "uitkomst in twijfel: van ja naar nee"]
    ]


def test_a_category_that_nothing_known_leads_to_is_said_to_be_out_of_reach() -> None:
    data = copy.deepcopy(BASE_OF_RANDOM)
    source = {"document": "U", "section": "x"}
    known = [
        {"id": f"known-{n}", "when": {"can_volunteer": yes}, "category": CATEGORIES[n], "source": source}
        for n, yes in enumerate((True, False))
    ]
    rest = {"id": "rest", "when": {}, "category": CATEGORIES[2], "source": source}
    data["scheme"]["steps"] = [{"id": f"s{n}", "label": "x", "rules": r} for n, r in enumerate((known, [rest]))]

    explanation = explain(Pack.read(data, digest=""), Facts(can_volunteer=True), ON)

    reach = {each.category: each.size for each in explanation.alternatives}
    assert reach == {CATEGORIES[1]: (1, 1), CATEGORIES[2]: None, CATEGORIES[3]: None}
    assert [each.category for each in explanation.alternatives] == [CATEGORIES[n] for n in (1, 2, 3)]
    assert explanation.nearest == (CATEGORIES[1],)
