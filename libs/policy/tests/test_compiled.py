"""What is looked up for a whole caseload is, to the letter, what the rules give when each is asked."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import Facts, Library, Pack
from policy.references import INDICATIONS
from tests.support.schemes import FEW, LONGEST, ON, POLICIES, assessments, schemes

LIBRARY = Library.load(POLICIES)
maybe = st.none() | st.booleans()
traits = st.fixed_dictionaries(
    {
        "age": st.none() | st.integers(16, 80),
        "age_band": st.none() | st.sampled_from(["18-20", "27", "55-pension"]),
        "starting_qualification": maybe,
        "permit_holder": maybe,
        "prospect_of_work": maybe,
        "without_benefit": maybe,
    }
)


def assert_the_same(pack: Pack, facts: Facts) -> None:
    decision = pack.decide(facts, ON)

    for _ in ("reckoned", "looked up"):
        assert pack.compiled.outcome(facts, ON) == decision.outcome
        assert pack.compiled.receipt(facts, ON).decode() == json.dumps(decision.receipt.as_dict())


@pytest.mark.parametrize("pack", list(LIBRARY), ids=lambda pack: pack.id)
@settings(max_examples=150, deadline=None)
@given(facts=assessments(130, INDICATIONS), more=traits)
def test_the_shipped_packs_look_up_what_their_rules_give(pack: Pack, facts: Facts, more: dict[str, object]) -> None:
    assert_the_same(pack, facts.model_copy(update=more))


@settings(max_examples=60, deadline=None)
@given(schemes(), st.lists(assessments(LONGEST, FEW), max_size=8))
def test_any_scheme_looks_up_what_its_rules_give(pack: Pack, caseload: list[Facts]) -> None:
    for facts in caseload:
        assert_the_same(pack, facts)


def test_the_day_counts_and_not_only_the_facts() -> None:
    pack = LIBRARY.in_force("GM0626", ON)
    facts = Facts.model_validate({"distance_months": 8, "exemption": {"reason": "100% rust", "until": ON}})

    assert pack.compiled.outcome(facts, ON).category == "3B"
    assert pack.compiled.outcome(facts, ON + timedelta(days=1)).category == "1B"
    assert json.loads(pack.compiled.receipt(facts, ON))["facts"]["exemption"]["reason"] == "100% rust"


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.compiled.KEPT", 3)
    pack = Library.load(POLICIES).in_force("GM0626", ON)

    for months in range(60):
        assert_the_same(pack, Facts(distance_months=months, age=20 + months))
