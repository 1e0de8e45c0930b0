"""What POL and DIA ask of the shipped packs: each check fails when its rule is taken out."""

from datetime import date

import pytest

from policy import Exemption, Facts, Library, NoPolicyInForce, UnknownMunicipality
from tests.support.packs import IN_2024, SHARED_PLAN
from tests.support.rules_out import Without, held


def category(library: Library, municipality: str, **facts: object) -> str | None:
    return library.in_force(municipality, IN_2024).decide(Facts.model_validate(facts), IN_2024).category


def decided(library: Library, municipality: str, facts: dict[str, object], expected: str | None) -> None:
    try:
        found = category(library, municipality, **facts)
    except (UnknownMunicipality, NoPolicyInForce) as none:
        raise AssertionError(municipality) from none
    assert found == expected, facts


DISTANCE = "base:scheme/steps/distance/rules"


@held(
    "POL-1", "POL-4",
    without=(
        Without("voorschoten-2019:valid_to"), Without("voorschoten-2019:valid_to", "2023-12-30"),
        Without("voorschoten:valid_from", "2024-01-02"), Without("uithoorn:valid_from", "2022-01-01"),
    ),
)  # fmt: skip
def test_pol_1_and_4_the_pack_in_force_on_the_day_decides(library: Library) -> None:
    for municipality, first in (
        ("GM0451", date(2021, 1, 1)),
        ("GM1926", date(2020, 1, 1)),
        ("GM0626", date(2019, 1, 1)),
    ):
        assert library.packs[municipality][0].valid_from == first
    before, after = library.packs["GM0626"]
    assert (before.valid_to, after.valid_from) == (date(2023, 12, 31), date(2024, 1, 1))


@held(
    "POL-2",
    without=(
        Without("uithoorn:scheme/steps/capacity/rules/capacity-40-70"), Without(f"{DISTANCE}/distance-1c"),
        Without("pijnacker-nootdorp:scheme/steps/work-fit/rules/not-yet-work-fit"),
        Without("uithoorn:scheme/steps/capacity/rules/capacity-0-40/when/work_capacity_pct", "0..40"),
    ),
)  # fmt: skip
def test_pol_2_every_assessment_falls_in_exactly_one_category(library: Library) -> None:
    for months in range(60):
        assert category(library, "GM1916", distance_months=months)
    for pct in range(130):
        assert category(library, "GM0451", work_capacity_pct=pct)
    assert all(category(library, "GM1926", work_fit=fit) for fit in ("yes", "small_interventions", "no"))


@held(
    "POL-3",
    without=(
        Without("uithoorn:sources/U"), Without("uithoorn:scheme/steps/capacity/rules/capacity-40-70/source"),
        Without(f"{DISTANCE}/distance-1b/source/section", "ergens"),
    ),
)  # fmt: skip
def test_pol_3_a_receipt_cites_document_and_section_of_the_rule_that_decided(library: Library) -> None:
    receipt = library.in_force("GM1916", IN_2024).decide(Facts(distance_months=8), IN_2024).receipt
    assert receipt.rule == "distance-1b"
    assert receipt.source is not None
    assert "tabel 3" in receipt.source["section"]
    assert "Opstap naar werk" in receipt.source["title"]
    assert {rejected.rule for rejected in receipt.rejected} >= {"exempted", "indicated", "distance-1a"}
    capacity = library.in_force("GM0451", IN_2024).decide(Facts(work_capacity_pct=50), IN_2024).receipt.source
    assert capacity is not None
    assert "fig. 6" in capacity["section"]


@held(
    "POL-5",
    without=(
        Without("wassenaar:municipality", "GM9999"),
        Without("uithoorn:municipality", "GM0362"), Without("voorschoten:categories/2B/track", "reintegration"),
    ),
)  # fmt: skip
def test_pol_5_five_municipalities_ship_and_three_share_one_base(library: Library) -> None:
    assert {pack.municipality for pack in library} == {"GM0451", "GM0626", "GM0629", "GM1916", "GM1926"}
    sharing = {pack.extends for pack in library if pack.municipality in SHARED_PLAN}
    assert sharing == {"leidschendam-voorburg-voorschoten-wassenaar-2019"}
    before, after = library.packs["GM0626"]
    assert (before.track_of("2B"), after.track_of("2B")) == ("reintegration", "participation")


@held(
    "POL-8", "DIA-3",
    without=(
        Without("base:scheme/steps/exemption"), Without("base:scheme/steps/indication"),
        Without("pijnacker-nootdorp:scheme/steps/exemption"), Without(f"{DISTANCE}/distance-3a/note"),
        Without("uithoorn:referrals/on_categorisation/am-match-first/when/exempted"),
    ),
)  # fmt: skip
def test_pol_8_an_exemption_goes_before_an_indication_and_that_before_distance(library: Library) -> None:
    indicated, exempted = {"indications": ["job_agreement"]}, {"exemption": {"reason": "care", "until": "2024-06-01"}}
    for municipality in SHARED_PLAN:
        decided(library, municipality, {**indicated, **exempted, "distance_months": 2}, "3B")
        decided(library, municipality, {**indicated, "distance_months": 2}, "2B")
        facts = Facts(distance_months=48, can_volunteer=False)
        decision = library.in_force(municipality, IN_2024).decide(facts, IN_2024)
        assert decision.category == "3A"
        assert any(note.startswith("consider-exemption") for note in decision.receipt.notes)
    decided(library, "GM1926", {**exempted, "work_fit": "yes"}, "meedoen")
    facts = Facts.model_validate({"work_capacity_pct": 50, "prospect_of_work": True, **exempted})
    uithoorn = library.in_force("GM0451", IN_2024).decide(facts, IN_2024)
    assert (uithoorn.category, uithoorn.referral_partner) == ("40-70", None)


@held(
    "DIA-3",
    without=(
        *(Without(f"{DISTANCE}/distance-{label}") for label in ("1a", "1b", "1c", "2a", "3a")),
        Without("base:scheme/steps/indication/rules/indicated"), Without("base:scheme/steps/exemption/rules/exempted"),
        Without(f"{DISTANCE}/distance-1b/when/distance_months", "4..11"),
        Without(f"{DISTANCE}/distance-1a/category", "1B"),
    ),
)  # fmt: skip
def test_dia_3_categories_by_distance(library: Library) -> None:
    edges = {
        0: "1A",
        3: "1A",
        4: "1B",
        12: "1B",
        13: "1C",
        24: "1C",
        25: "2A",
        47: "2A",
        48: "3A",
        200: "3A",
        None: None,
    }
    for municipality in SHARED_PLAN:
        for months, expected in edges.items():
            decided(library, municipality, {"distance_months": months}, expected)
        for kind in ("sheltered_work_new", "sheltered_work_alternative", "job_agreement", "target_group_register"):
            decided(library, municipality, {"distance_months": 1, "indications": [kind]}, "2B")
        decided(library, municipality, {"distance_months": 1, "exemption": {"reason": "care"}}, "3B")


@held(
    "DIA-4",
    without=tuple(
        Without(f"uithoorn:scheme/steps/capacity/rules/capacity-{band}") for band in ("0-40", "40-70", "70-100", "100")
    ),
)
def test_dia_4_bands_by_work_capacity(library: Library) -> None:
    for pct, band in {0: "0-40", 39: "0-40", 40: "40-70", 70: "70-100", 99: "70-100", 100: "100", 150: "100"}.items():
        decided(library, "GM0451", {"work_capacity_pct": pct}, band)


@held(
    "DIA-5",
    without=(
        Without("pijnacker-nootdorp:scheme/steps/work-fit/rules/work-fit"),
        Without("pijnacker-nootdorp:scheme/steps/work-fit/rules/not-yet-work-fit"),
        Without("pijnacker-nootdorp:scheme/steps/exemption"),
        Without("pijnacker-nootdorp:scheme/steps/work-fit/rules/work-fit/when/work_fit", "yes"),
    ),
)  # fmt: skip
def test_dia_5_perspectives(library: Library) -> None:
    decided(library, "GM1926", {"work_fit": "yes"}, "werken")
    decided(library, "GM1926", {"work_fit": "small_interventions"}, "werken")
    decided(library, "GM1926", {"work_fit": "no"}, "werken-aan")
    decided(library, "GM1926", {"work_fit": "no", "exemption": {"reason": "illness"}}, "meedoen")


@held(
    "DIA-6",
    without=(
        Without("base:categories/1C/track", "participation"), Without("base:categories/2A/track", "reintegration"),
        Without("base:categories/2B/track", "participation"), Without("voorschoten:categories/2B"),
        Without("uithoorn:categories/0-40/track", "reintegration"),
        Without("uithoorn:categories/40-70/track", "participation"),
        Without("pijnacker-nootdorp:categories/meedoen/track", "reintegration"), Without("base:tracks/participation"),
    ),
)  # fmt: skip
def test_dia_6_a_category_has_its_track(library: Library) -> None:
    towards_work = {
        "GM1916": {"1A", "1B", "1C", "2B"}, "GM0629": {"1A", "1B", "1C", "2B"}, "GM0626": {"1A", "1B", "1C"},
        "GM0451": {"40-70", "70-100", "100"}, "GM1926": {"werken", "werken-aan"},
    }  # fmt: skip
    for municipality, expected in towards_work.items():
        pack = library.in_force(municipality, IN_2024)
        assert {name for name in pack.categories if pack.aim_of(pack.track_of(name)) == "work"} == expected


@held(
    "DIA-7",
    without=(
        Without("base:diagnosis/in_doubt"),
        Without("base:diagnosis/in_doubt/instruments", ["medical_assessment"]),
    ),
)
def test_dia_7_in_doubt_a_learn_work_trial_comes_first_and_then_a_medical_assessment(library: Library) -> None:
    for municipality in SHARED_PLAN:
        pack = library.in_force(municipality, IN_2024)
        assert pack.diagnosis.in_doubt is not None
        assert pack.diagnosis.in_doubt.instruments == ("learn_work_trial", "medical_assessment")
        decision = pack.decide(Facts(distance_months=8, in_doubt=True), IN_2024)
        assert (decision.status, decision.category, decision.track) == ("in_doubt", None, None)


@held(
    "DIA-9",
    without=(
        Without("voorschoten:diagnosis/exemption/single_parent_child_under"),
        Without("voorschoten:diagnosis/exemption/single_parent_child_under", 6),
        Without("base:diagnosis/exemption/temporary", "handover"),
        Without("base:diagnosis/exemption/permanent", "suspend"),
        Without("uithoorn:diagnosis/exemption/temporary", "handover"),
        Without("pijnacker-nootdorp:diagnosis/exemption"),
    ),
)  # fmt: skip
def test_dia_9_a_temporary_exemption_suspends_and_a_permanent_one_hands_over(library: Library) -> None:
    for pack in library:
        assert [pack.exemption_effect(permanent) for permanent in (False, True)] == ["suspend", "handover"]
    assert library.in_force("GM0626", IN_2024).diagnosis.exemption.single_parent_child_under == 5
    last = Facts(exemption=Exemption(reason="care", until=IN_2024))
    assert last.exempted(IN_2024)


def test_the_helper_sees_a_check_that_cannot_fail(library: Library) -> None:
    with pytest.raises(AssertionError):
        decided(library, "GM0451", {"work_capacity_pct": 50}, "0-40")
