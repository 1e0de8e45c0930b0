"""What INT asks of the shipped packs: each check fails when its rule is taken out."""

from policy import Library
from tests.support.packs import SHARED_PLAN, pack_of, within
from tests.support.rules_out import Without, held


@held(
    "INT-2", without=(Without("uithoorn:targets/gate-diversion"), Without("uithoorn:targets/gate-diversion/norm", 30))
)
def test_int_2_a_third_of_those_at_the_gate_end_without_an_application(library: Library) -> None:
    gate = [target for target in pack_of(library, "GM0451").targets if target.figure == "diverted"]
    assert [(target.of, int(target.norm)) for target in gate] == [("notifications", 35)]


@held(
    "INT-3",
    without=(Without("base:intake/information_session"), Without("base:intake/information_session/within", "2 weeks")),
)
def test_int_3_an_information_session_in_the_first_week(library: Library) -> None:
    for municipality in SHARED_PLAN:
        within(pack_of(library, municipality).intake.information_session, weeks=1)


@held(
    "INT-4",
    without=(
        Without("base:intake/intake_after_diagnosis"),
        Without("base:intake/intake_after_diagnosis/within", "1 month"),
    ),
)
def test_int_4_the_intake_within_a_week_after_the_diagnosis(library: Library) -> None:
    for municipality in SHARED_PLAN:
        within(pack_of(library, municipality).intake.intake_after_diagnosis, weeks=1)


@held(
    "INT-5",
    without=(
        Without("base:intake/rest_period"), Without("base:intake/rest_period/within", "2 months"),
        Without("base:intake/social_guidance"), Without("base:intake/social_guidance/within", "1 year"),
        Without("base:intake/benefit_at_once_for_permit_holders", False),
        Without("pijnacker-nootdorp:intake/integration_plan"),
        Without("pijnacker-nootdorp:intake/integration_plan/within", "8 weeks"),
    ),
)  # fmt: skip
def test_int_5_permit_holders(library: Library) -> None:
    for municipality in SHARED_PLAN:
        intake = pack_of(library, municipality).intake
        within(intake.rest_period, months=1)
        assert intake.benefit_at_once_for_permit_holders
        within(intake.social_guidance, years=2)
    within(pack_of(library, "GM1926").intake.integration_plan, weeks=6)


@held(
    "INT-6",
    without=(
        Without("base:intake/search_periods"), Without("uithoorn:intake/search_periods"),
        Without("base:intake/search_periods/0/waits/within", "3 weeks"), Without("voorschoten:intake/search_periods"),
        Without("voorschoten:intake/search_periods/0/when/starting_qualification"),
    ),
)  # fmt: skip
def test_int_6_the_search_period_is_kept_or_dropped(library: Library) -> None:
    for municipality in ("GM1916", "GM0451"):
        waits = pack_of(library, municipality).intake.search_period("21-26", starting_qualification=False)
        within(waits, weeks=4)
        assert waits is not None
        assert waits.statutory
    voorschoten = pack_of(library, "GM0626").intake
    assert voorschoten.search_period("21-26", starting_qualification=False) is None
    within(voorschoten.search_period("21-26", starting_qualification=True), weeks=4)


@held("INT-7", without=(Without("pijnacker-nootdorp:intake/short_application_on_return"),))
def test_int_7_a_short_application_on_return(library: Library) -> None:
    assert pack_of(library, "GM1926").intake.short_application_on_return
