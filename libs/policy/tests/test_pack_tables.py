"""What the shipped packs say beyond the category: intake, routes, referrals, instruments, letters, figures."""

from dataclasses import replace
from datetime import date

import pytest

from policy import Group, Library, OneToOne, Situation, Term, reckon
from tests.support.packs import SHARED_PLAN, pack_of


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


def test_every_letter_is_there_with_a_version(library: Library) -> None:
    for pack in library:
        assert set(pack.letters) == {"categorised", "handover", "exit", "correction", "withdrawal"}
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
