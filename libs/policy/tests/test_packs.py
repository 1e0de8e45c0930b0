"""What the shipped packs decide, beyond the acceptance cases: periods, precedence, caseworkers."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import AGE_BANDS, Exemption, Facts, Library, NoPolicyInForce, Situation, UnknownMunicipality, age_band
from policy.references import INDICATIONS
from tests.support.packs import IN_2020, IN_2024, SHARED_PLAN, pack_of

maybe = st.none() | st.booleans()


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


def test_the_roles_of_a_municipality_are_those_of_all_its_packs(library: Library) -> None:
    roles = library.roles("GM0626")
    for on in (IN_2020, IN_2024):
        assert set(pack_of(library, "GM0626", on).roles) <= set(roles)
    assert len(roles) == len(set(roles))
    assert "participation_consultant" in set(roles) - set(pack_of(library, "GM0626", IN_2020).roles)
    with pytest.raises(UnknownMunicipality, match="GM9999"):
        library.roles("GM9999")


def test_voorschoten_changes_policy_on_new_years_day_2024(library: Library) -> None:
    before, after = pack_of(library, "GM0626", date(2023, 12, 31)), pack_of(library, "GM0626", date(2024, 1, 1))

    assert before.id != after.id
    assert (before.track_of("2B"), after.track_of("2B")) == ("reintegration", "participation")


def test_an_unknown_municipality_is_told_apart_from_a_day_without_policy(library: Library) -> None:
    with pytest.raises(UnknownMunicipality, match="unknown municipality GM9999"):
        library.in_force("GM9999", IN_2024)


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
