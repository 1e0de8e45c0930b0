"""What the shipped packs decide, beyond the acceptance cases: precedence, receipts, the tables after the category."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import (
    AGE_BANDS,
    Exemption,
    Facts,
    Group,
    Library,
    NoPolicyInForce,
    OneToOne,
    Pack,
    Situation,
    Term,
    UnknownMunicipality,
    age_band,
    reckon,
)
from policy.references import INDICATIONS

SHARED_PLAN = ["GM1916", "GM0629", "GM0626"]
IN_2020, IN_2024 = date(2020, 6, 1), date(2024, 6, 1)


def pack_of(library: Library, municipality: str, on: date = IN_2024) -> Pack:
    return library.in_force(municipality, on)


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


# Periods


@pytest.mark.parametrize(
    ("municipality", "first", "last"),
    [
        ("GM1916", date(2019, 1, 1), None),
        ("GM0629", date(2019, 1, 1), None),
        ("GM0626", date(2019, 1, 1), None),
        ("GM0451", date(2021, 1, 1), None),
        ("GM1926", date(2020, 1, 1), None),
    ],
)
def test_each_municipality_has_a_policy_from_its_first_day_without_an_end(
    library: Library, municipality: str, first: date, last: None
) -> None:
    assert library.in_force(municipality, first).valid_from == first
    assert library.in_force(municipality, date(2035, 1, 1)).valid_to is last
    with pytest.raises(NoPolicyInForce, match=f"no policy in force for {municipality}"):
        library.in_force(municipality, first - timedelta(days=1))


def test_voorschoten_changes_policy_on_new_years_day_2024(library: Library) -> None:
    before, after = pack_of(library, "GM0626", date(2023, 12, 31)), pack_of(library, "GM0626", date(2024, 1, 1))

    assert before.id != after.id
    assert (before.track_of("2B"), after.track_of("2B")) == ("reintegration", "participation")


def test_an_unknown_municipality_is_told_apart_from_a_day_without_policy(library: Library) -> None:
    with pytest.raises(UnknownMunicipality, match="unknown municipality GM9999"):
        library.in_force("GM9999", IN_2024)


# Categories


@pytest.mark.parametrize("municipality", SHARED_PLAN)
@pytest.mark.parametrize(
    ("months", "category"),
    [
        (0, "1A"),
        (3, "1A"),
        (4, "1B"),
        (12, "1B"),
        (13, "1C"),
        (24, "1C"),
        (25, "2A"),
        (47, "2A"),
        (48, "3A"),
        (600, "3A"),
    ],
)
def test_a_distance_on_a_boundary_falls_where_the_source_puts_it(
    library: Library, municipality: str, months: int, category: str
) -> None:
    for on in (IN_2020, IN_2024):
        assert pack_of(library, municipality, on).decide(Facts(distance_months=months), on).category == category


@pytest.mark.parametrize(
    ("pct", "category"), [(0, "0-40"), (40, "40-70"), (70, "70-100"), (99, "70-100"), (130, "100")]
)
def test_the_lower_edge_belongs_to_the_band(library: Library, pct: int, category: str) -> None:
    assert pack_of(library, "GM0451").decide(Facts(work_capacity_pct=pct), IN_2024).category == category


@pytest.mark.parametrize("municipality", SHARED_PLAN)
@pytest.mark.parametrize("indication", INDICATIONS)
def test_an_indication_decides_whatever_the_distance(library: Library, municipality: str, indication: str) -> None:
    for months in (None, 2, 30, 60):
        facts = Facts.model_validate({"distance_months": months, "indications": [indication]})
        assert pack_of(library, municipality).decide(facts, IN_2024).category == "2B"


@pytest.mark.parametrize("municipality", SHARED_PLAN)
def test_exempted_and_indicated_is_3b_up_to_and_including_the_last_day_then_2b(
    library: Library, municipality: str
) -> None:
    last = date(2024, 5, 31)
    facts = Facts(indications=frozenset({"job_agreement"}), exemption=Exemption(reason="illness", until=last))

    assert pack_of(library, municipality).decide(facts, last).category == "3B"
    assert pack_of(library, municipality).decide(facts, last + timedelta(days=1)).category == "2B"


@pytest.mark.parametrize(("can_volunteer", "noted"), [(True, False), (False, True), (None, True)])
def test_48_months_without_a_service_in_return_notes_that_an_exemption_is_to_be_considered(
    library: Library, can_volunteer: bool | None, noted: bool
) -> None:
    decision = pack_of(library, "GM0626").decide(Facts(distance_months=60, can_volunteer=can_volunteer), IN_2024)

    assert decision.category == "3A"
    assert any("consider-exemption" in note for note in decision.receipt.notes) is noted


@pytest.mark.parametrize(
    ("municipality", "facts"),
    [("GM0626", {"work_fit": "yes"}), ("GM0451", {"distance_months": 3}), ("GM1926", {"work_capacity_pct": 80})],
)
def test_facts_that_a_scheme_does_not_use_give_no_category(
    library: Library, municipality: str, facts: dict[str, object]
) -> None:
    decision = pack_of(library, municipality).decide(Facts.model_validate(facts), IN_2024)

    assert (decision.status, decision.category, decision.track) == ("undecided", None, None)
    assert all("is niet bekend" in str(rejected.why) for rejected in decision.receipt.rejected[-2:])


def test_doubt_goes_before_everything(library: Library) -> None:
    for municipality in library.municipalities:
        facts = Facts(
            distance_months=3, work_capacity_pct=50, work_fit="yes", exemption=Exemption(reason="care"), in_doubt=True
        )
        decision = pack_of(library, municipality).decide(facts, IN_2024)
        assert (decision.status, decision.category, decision.caseworker_role) == ("in_doubt", None, None)
        assert decision.receipt.notes


# Receipts


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


# Caseworkers


@given(
    st.builds(
        Situation,
        age_band=st.none() | st.sampled_from(AGE_BANDS),
        starting_qualification=maybe,
        permit_holder=maybe,
        indications=st.frozensets(st.sampled_from(INDICATIONS)),
        exempted=st.booleans(),
    )
)
def test_every_client_of_every_category_gets_a_caseworker_of_a_role_that_exists(
    library: Library, situation: Situation
) -> None:
    for pack in library:
        for category in pack.categories.values():
            here = replace(situation, category=category.id, track=category.track)
            assert pack.caseworker_role(here) in pack.roles
            assert set(pack.extra_caseworker_roles(here)) <= pack.roles.keys()


def test_permit_holders_and_job_agreement_clients_also_get_a_matchmaker_in_voorschoten(library: Library) -> None:
    pack = pack_of(library, "GM0626")
    client = Situation("1B", "reintegration")

    assert pack.extra_caseworker_roles(client) == ()
    assert pack.extra_caseworker_roles(replace(client, permit_holder=True)) == ("matchmaker",)
    both = replace(client, permit_holder=True, indications=frozenset({"job_agreement"}))
    assert pack.extra_caseworker_roles(both) == ("matchmaker",)


@pytest.mark.parametrize(
    ("age", "band"),
    [(17, "18-20"), (18, "18-20"), (20, "18-20"), (21, "21-26"), (26, "21-26"), (27, "27"), (28, "28-44"),
     (44, "28-44"), (45, "45-49"), (49, "45-49"), (50, "50-54"), (54, "50-54"), (55, "55-pension"), (67, "pension")],
)  # fmt: skip
def test_an_age_falls_in_one_band(age: int, band: str) -> None:
    assert age_band(age) == band


# Intake, routes and terms


def test_the_terms_of_the_gate_are_those_of_the_plan(library: Library) -> None:
    for municipality in SHARED_PLAN:
        intake = pack_of(library, municipality).intake
        assert intake.information_session is not None
        assert intake.information_session.term == Term(weeks=1)
        assert intake.intake_after_diagnosis is not None
        assert not intake.intake_after_diagnosis.statutory
        assert intake.rest_period is not None
        assert intake.rest_period.term == Term(months=1)
        assert intake.benefit_at_once_for_permit_holders


def test_the_search_period_is_dropped_in_voorschoten_for_the_young_without_starting_qualification(
    library: Library,
) -> None:
    here, elsewhere = pack_of(library, "GM0626").intake, pack_of(library, "GM1916").intake

    assert here.search_period("21-26", starting_qualification=False) is None
    assert here.search_period("21-26", starting_qualification=True) is not None
    waits = elsewhere.search_period("21-26", starting_qualification=False)
    assert waits is not None
    assert waits.term == Term(weeks=4, ground="statutory")
    assert elsewhere.search_period("27", starting_qualification=False) is None


@pytest.mark.parametrize(
    ("municipality", "category", "routes"),
    [
        ("GM1916", "1A", ["focus_op_werk", "academy", "network_cafe", "wsp_mediation"]),
        ("GM1916", "1B", ["focus_op_werk", "development_route"]),
        ("GM1916", "1C", ["focus_op_werk", "development_route"]),
        ("GM1916", "2B", ["route_2b", "mediable_2b", "less_mediable_2b", "not_mediable_2b"]),
        ("GM0626", "2B", ["route_2b", "mediable_2b", "less_mediable_2b", "not_mediable_2b"]),
        ("GM1916", "2A", ["participation"]),
        ("GM1916", "3B", []),
        ("GM0451", "100", ["direct_mediation"]),
        ("GM1926", "werken", ["top_30", "work_first"]),
    ],
)
def test_a_category_opens_its_routes(library: Library, municipality: str, category: str, routes: list[str]) -> None:
    pack = pack_of(library, municipality)

    open_routes = pack.routing.routes_for(Situation(category, pack.track_of(category)))

    assert [route.id for route in open_routes] == routes


def test_reintegration_lasts_at_most_24_months_from_the_first_route_but_not_for_2b(library: Library) -> None:
    for municipality in SHARED_PLAN:
        longest = pack_of(library, municipality).routing.longest_on_track
        assert longest is not None
        assert reckon(date(2024, 2, 29), longest.term).due_on == date(2026, 2, 28)
        assert longest.applies_to("reintegration", "1A")
        assert not longest.applies_to("reintegration", "2B")
        assert not longest.applies_to("participation", "2A")
        assert longest.hands_over_to == "participation"
        assert not longest.counts_suspended
    assert pack_of(library, "GM0451").routing.longest_on_track is None
    assert pack_of(library, "GM1926").routing.longest_on_track is None


def test_four_conversations_a_year_in_pijnacker_nootdorp_only(library: Library) -> None:
    fip = pack_of(library, "GM1926").routing.fip

    assert fip is not None
    assert (fip.per_year, fip.categories, len(fip.areas_of_life)) == (4, ("werken-aan", "meedoen"), 6)
    assert all(pack.routing.fip is None for pack in library if pack.municipality != "GM1926")


def test_a_temporary_exemption_suspends_and_a_permanent_one_hands_over(library: Library) -> None:
    for pack in library:
        assert (pack.exemption_effect(permanent=False), pack.exemption_effect(permanent=True)) == (
            "suspend",
            "handover",
        )


def test_exit_to_work_in_voorschoten_starts_half_a_year_of_aftercare(library: Library) -> None:
    routing = pack_of(library, "GM0626").routing

    assert routing.aftercare is not None
    assert routing.aftercare.term == Term(months=6)
    assert routing.allowances_check is not None


# Referrals


@pytest.mark.parametrize(
    ("municipality", "partners", "protocol"),
    [
        ("GM1916", ["woej", "woej", "sport-en-welzijn"], OneToOne(form="one_to_one")),
        ("GM0629", ["vrijwilligerscentrale"] * 3, Group(form="group", min=10, max=12)),
        ("GM0626", ["voor-elkaar"] * 3, Group(form="group", min=10, max=12)),
    ],
)
def test_the_first_three_options_lead_to_the_welfare_organisation(
    library: Library, municipality: str, partners: list[str], protocol: OneToOne | Group
) -> None:
    pack = pack_of(library, municipality)
    client = Situation("3A", "participation")

    for option, partner in zip((1, 2, 3), partners, strict=True):
        rule = pack.referral_for_option(option, client)
        assert rule is not None
        assert rule.partner == partner
        assert pack.partners[partner].protocol == protocol
        assert rule.purpose in pack.partners[partner].purposes
    assert pack.referral_for_option(4, client) is None
    assert pack.referral_for_option(5, client) is None


def test_who_is_exempted_is_not_referred_to_am_match(library: Library) -> None:
    pack = pack_of(library, "GM0451")
    client = Situation("40-70", "reintegration", prospect_of_work=True)

    rule = pack.referral_on_categorisation(client)
    assert rule is not None
    assert (rule.partner, rule.purpose) == ("am-match", "guidance_to_work")
    assert pack.referral_on_categorisation(replace(client, exempted=True)) is None
    assert pack.referral_receipt(client).as_dict()["outcome"] == "am-match"


@pytest.mark.parametrize("kind", ["sheltered_work_new", "sheltered_work_alternative"])
def test_sheltered_work_goes_to_am_match_in_uithoorn_and_to_dzb_in_voorschoten(library: Library, kind: str) -> None:
    for municipality, category, partner in (("GM0451", "0-40", "am-match"), ("GM0626", "2B", "dzb")):
        rule = pack_of(library, municipality).referral_on_categorisation(
            Situation(category, indications=frozenset({kind}))
        )
        assert rule is not None
        assert (rule.partner, rule.purpose) == (partner, "sheltered_work")


# Instruments


@pytest.mark.parametrize(
    ("instrument", "situation", "facts", "refused_by"),
    [
        ("wage_cost_subsidy", Situation("2B", indications=frozenset({"job_agreement"})), {"wage_value_pct": 60}, None),
        ("wage_cost_subsidy", Situation("2B", indications=frozenset({"job_agreement"})), {"wage_value_pct": 100},
         "wage-cost-subsidy-value"),
        ("wage_cost_subsidy", Situation("2B", indications=frozenset({"job_agreement"})), {}, "wage-cost-subsidy-value"),
        ("wage_cost_subsidy", Situation("1A"), {"wage_value_pct": 60}, "wage-cost-subsidy-group"),
        ("ips", Situation("2A"), {"mental_health_problems": True}, None),
        ("ips", Situation("2A"), {"mental_health_problems": False}, "ips-mental-health"),
        ("wage_cost_benefit", Situation("1A", age_band="50-54"), {}, None),
        ("wage_cost_benefit", Situation("1A", age_band="45-49"), {}, "wage-cost-benefit-50"),
        ("learn_work_broker", Situation("1A", age_band="27"), {}, None),
        ("learn_work_broker", Situation("1A", age_band="28-44"), {}, "learn-work-broker-age"),
        ("budget_course", Situation("1A"), {}, None),
    ],
)  # fmt: skip
def test_an_instrument_that_does_not_fit_is_refused_with_the_rule_that_says_so(
    library: Library, instrument: str, situation: Situation, facts: dict[str, object], refused_by: str | None
) -> None:
    refused = pack_of(library, "GM0626").instruments[instrument].check(situation, facts)

    assert (None if refused is None else refused.rule) == refused_by
    if refused is not None:
        assert refused.refusal
        assert "de regel vraagt" in refused.reason


def test_instruments_have_the_longest_duration_that_the_source_gives(library: Library) -> None:
    instruments = pack_of(library, "GM0626").instruments

    assert instruments["bbz_guidance"].max_duration == Term(years=1)
    assert instruments["ips"].max_duration == Term(years=3)


# What is shown and reported


def test_every_letter_is_there_with_a_version(library: Library) -> None:
    for pack in library:
        assert set(pack.letters) == {"categorised", "handover", "exit"}
        assert all(letter.version >= 1 and "{{ name }}" in letter.body for letter in pack.letters.values())


def test_groups_smaller_than_five_are_suppressed_everywhere(library: Library) -> None:
    assert {pack.reporting.smallest_group for pack in library} == {5}


def test_the_budgets_of_the_three_municipalities_add_up_to_the_table_of_the_plan(library: Library) -> None:
    budgets = pack_of(library, "GM0626").budgets

    totals = {year: sum(budget.amounts.get(year, 0) for budget in budgets) for year in (2024, 2025, 2026)}
    assert totals == {2024: 487000, 2025: 487000, 2026: 247000}
    assert {tuple(sorted(map(int, budget.shares_pct.values()))) for budget in budgets} == {(12, 14, 74)}


def test_the_targets_of_uithoorn_are_those_of_its_result_table(library: Library) -> None:
    norms = {target.id: int(target.norm) for target in pack_of(library, "GM0451").targets}

    assert norms == {
        "active-0-40": 70, "sheltered-placements": 12, "am-match-exit": 80, "not-referred-guidance": 70,
        "work-or-school-70-100": 50, "guidance-70-100": 80, "work-or-school-100": 60, "guidance-100": 20,
        "enforcement-100": 10, "gate-diversion": 35,
    }  # fmt: skip
