"""What a receipt accounts for, and that it repeats."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from policy import Exemption, Facts, Library, Situation
from policy.references import INDICATIONS
from tests.support.packs import IN_2024, pack_of

maybe = st.none() | st.booleans()
assessments = st.builds(
    Facts,
    distance_months=st.none() | st.integers(0, 100),
    work_capacity_pct=st.none() | st.integers(0, 150),
    indications=st.frozensets(st.sampled_from(INDICATIONS)),
    exemption=st.none()
    | st.builds(Exemption, reason=st.just("care"), until=st.none() | st.dates(date(2023, 1, 1), date(2026, 1, 1))),
    work_fit=st.none() | st.sampled_from(["yes", "small_interventions", "no"]),
    can_volunteer=maybe,
    starting_qualification=maybe,
    permit_holder=maybe,
    age=st.none() | st.integers(18, 70),
    prospect_of_work=maybe,
    without_benefit=maybe,
    in_doubt=maybe,
)


@given(assessments)
def test_a_receipt_repeated_gives_the_same_outcome_and_the_same_receipt(library: Library, facts: Facts) -> None:
    for municipality in library.municipalities:
        pack = pack_of(library, municipality)
        decision = pack.decide(facts, IN_2024)

        again = pack.repeat(decision.receipt.as_dict())

        assert again == decision
        assert again.receipt.as_dict() == decision.receipt.as_dict()


@given(assessments)
def test_a_receipt_accounts_for_every_rule_of_the_scheme_once(library: Library, facts: Facts) -> None:
    for municipality in library.municipalities:
        pack = pack_of(library, municipality)
        decision = pack.decide(facts, IN_2024)
        if decision.status == "in_doubt":
            continue
        told = [rejected.rule for rejected in decision.receipt.rejected]
        if decision.receipt.rule is not None:
            told.append(decision.receipt.rule)
        assert sorted(told) == sorted(rule.id for rule in pack.scheme.rules)
        assert (decision.status == "decided") == (decision.category is not None) == (decision.receipt.rule is not None)


def test_a_receipt_says_which_rule_decided_which_did_not_and_why_and_what_is_cited(library: Library) -> None:
    facts = Facts(distance_months=8, multiple_problems=True)

    receipt = pack_of(library, "GM1916").decide(facts, IN_2024).receipt.as_dict()

    assert receipt["rule"] == "distance-1b"
    assert receipt["outcome"] == "1B"
    assert receipt["source"]["document"] == "V"
    assert receipt["source"]["title"].startswith("Opstap naar werk")
    assert {"rule": "distance-1a", "reason": "distance_months is 8; de regel vraagt 0 tot en met 3"} in receipt[
        "rejected"
    ]
    assert receipt["facts"] == {"distance_months": 8, "indications": []}
    assert [choice["decides"] for choice in receipt["follows"]] == ["caseworker_role", "referral_partner"]


def test_a_rule_of_lower_rank_that_holds_is_said_to_give_way(library: Library) -> None:
    facts = Facts(distance_months=8, exemption=Exemption(reason="care"))

    receipt = pack_of(library, "GM1916").decide(facts, IN_2024).receipt.as_dict()

    assert {"rule": "distance-1b", "reason": "'Een ontheffing die geldt' gaat voor"} in receipt["rejected"]


def test_the_choice_of_a_caseworker_has_a_receipt_of_its_own(library: Library) -> None:
    receipt = pack_of(library, "GM0626").caseworker_receipt(Situation("2A", "participation")).as_dict()

    assert (receipt["decides"], receipt["outcome"]) == ("caseworker_role", "participation_consultant")
    assert [rejected["rule"] for rejected in receipt["rejected"]] == [
        "caseworker-2b",
        "caseworker-young",
        "caseworker-work",
    ]
