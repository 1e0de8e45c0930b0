"""What ROU asks of the shipped packs: each check fails when its rule is taken out."""

from datetime import date

from policy import Library, Pack, Situation, Term, reckon
from policy.letters import LETTERS
from tests.support.packs import SHARED_PLAN, pack_of, routes, within
from tests.support.rules_out import Without, held

JOB_AGREEMENT = frozenset({"job_agreement"})


def role(pack: Pack, category: str, **situation: object) -> str:
    here = Situation(category, pack.track_of(category), **situation)  # type: ignore[arg-type] # names of traits
    return pack.caseworker_role(here)


@held(
    "ROU-1",
    without=(
        *(Without(f"base:caseworkers/assigned/{rule}") for rule in ("caseworker-2b", "caseworker-work")),
        *(
            Without(f"voorschoten:caseworkers/assigned/{rule}")
            for rule in ("caseworker-2b", "caseworker-young", "caseworker-work", "caseworker-participation")
        ),
        Without("voorschoten:caseworkers/besides/matchmaker-permit-holder"),
        Without("voorschoten:caseworkers/besides/matchmaker-job-agreement"),
        Without("voorschoten:caseworkers/assigned/caseworker-young/when/age_band", ["18-20", "21-26"]),
        Without("pijnacker-nootdorp:caseworkers/assigned/caseworker-work"),
        Without("base:caseworkers/assigned/caseworker-income/role", "work_consultant"),
    ),
)  # fmt: skip
def test_rou_1_the_role_of_the_caseworker(library: Library) -> None:
    for municipality in ("GM1916", "GM0629"):
        pack = pack_of(library, municipality)
        expected = {"1A": "work_consultant", "1C": "work_consultant", "2B": "consultant_2b", "2A": "income_consultant"}
        assert {category: role(pack, category) for category in expected} == expected
        assert {role(pack, category) for category in ("3A", "3B")} == {"income_consultant"}
    pack = pack_of(library, "GM0626")
    assert (role(pack, "2A"), role(pack, "2B"), role(pack, "1B")) == (
        "participation_consultant", "consultant_2b", "work_consultant",
    )  # fmt: skip
    for band in ("18-20", "21-26", "27"):
        assert role(pack, "1B", age_band=band, starting_qualification=False) == "learn_work_broker"
    assert role(pack, "1B", age_band="28-44", starting_qualification=False) == "work_consultant"
    assert pack.extra_caseworker_roles(Situation("1B", permit_holder=True)) == ("matchmaker",)
    assert pack.extra_caseworker_roles(Situation("2B", indications=JOB_AGREEMENT)) == ("matchmaker",)
    assert role(pack_of(library, "GM1926"), "werken") == "work_consultant"


@held(
    "ROU-2",
    without=(
        *(Without(f"base:routing/routes/{route}")
          for route in ("focus_op_werk", "academy", "network_cafe", "wsp_mediation")),
        Without("base:routing/first_route"), Without("base:routing/routes/academy/duration", "8 weeks"),
        Without("base:routing/routes/academy/when/category", ["1A", "1B"]),
        Without("base:routing/routes/development_route"),
    ),
)  # fmt: skip
def test_rou_2_focus_first_and_then_by_distance(library: Library) -> None:
    for municipality in SHARED_PLAN:
        pack = pack_of(library, municipality)
        assert pack.routing.first_route == "focus_op_werk"
        assert routes(pack, category="1A") == {"focus_op_werk", "academy", "network_cafe", "wsp_mediation"}
        assert routes(pack, category="1B") == routes(pack, category="1C") == {"focus_op_werk", "development_route"}
        assert pack.routing.routes["academy"].duration == Term(weeks=6)


STEPS = ("learn_work_place", "work_development", "trial_placement", "paid_internship", "bbz_guidance")


@held(
    "ROU-3",
    without=(
        *(Without(f"base:instruments/{step}") for step in STEPS[:4]), Without("base:routing/routes/development_route"),
        Without("base:routing/routes/development_route/duration", "36 months"),
        Without("base:routing/routes/education"), Without("base:routing/routes/education/before_others"),
    ),
)  # fmt: skip
def test_rou_3_a_development_route_and_its_steps(library: Library) -> None:
    for municipality in SHARED_PLAN:
        pack = pack_of(library, municipality)
        assert pack.instruments.keys() >= set(STEPS)
        assert "development_route" in routes(pack, category="1C")
        assert routes(pack, category="1B", age_band="21-26", starting_qualification=False) == {"education"}
        assert "education" not in routes(pack, category="1B", age_band="28-44", starting_qualification=False)
        assert pack.routing.routes["development_route"].duration == Term(months=24)


@held(
    "ROU-4",
    without=(
        Without("base:routing/longest_on_track"), Without("base:routing/longest_on_track/term", "36 months"),
        Without("base:routing/longest_on_track/except_categories"),
        Without("base:routing/longest_on_track/counts_suspended", True),
        Without("base:routing/longest_on_track/hands_over_to", "reintegration"),
        Without("base:routing/longest_on_track/track", "participation"),
    ),
)  # fmt: skip
def test_rou_4_at_most_24_months_towards_work_but_not_for_2b(library: Library) -> None:
    for municipality in SHARED_PLAN:
        longest = pack_of(library, municipality, date(2023, 6, 1)).routing.longest_on_track
        assert longest is not None
        assert reckon(date(2024, 2, 29), longest.term).due_on == date(2026, 2, 28)
        assert (longest.hands_over_to, longest.counts_suspended) == ("participation", False)
        assert longest.applies_to("reintegration", "1A")
        assert not longest.applies_to("reintegration", "2B")
    assert pack_of(library, "GM0451").routing.longest_on_track is None
    assert pack_of(library, "GM1926").routing.longest_on_track is None


@held(
    "ROU-5",
    without=(
        Without("base:routing/handover/acceptance"), Without("base:routing/handover/acceptance/when_missed", "close"),
        Without("base:routing/handover/back_needs_new_diagnosis"), Without("base:routing/handover/escalates_to"),
    ),
)  # fmt: skip
def test_rou_5_a_handover_is_accepted_in_time_or_escalated(library: Library) -> None:
    for pack in library:
        assert pack.routing.handover.acceptance.when_missed == "escalate"
        assert pack.routing.handover.escalates_to == "team_manager"
    assert all(pack_of(library, each).routing.handover.back_needs_new_diagnosis for each in SHARED_PLAN)


@held(
    "ROU-6",
    without=(
        Without("base:routing/participation"),
        Without("base:routing/participation/first_conversation/within", "2 years"),
        Without("base:routing/participation/review/within", "2 years"), Without("base:routing/participation/review"),
        Without("base:routing/participation/face_to_face_per_year", 0),
        Without("base:routing/participation/kinds/home_visit"),
        Without("base:routing/conversation_kinds/review", ["telephone"]),
        Without("base:routing/conversation_kinds/first_conversation"),
    ),
)  # fmt: skip
def test_rou_6_a_conversation_within_a_year_and_a_review_every_year(library: Library) -> None:
    for municipality in SHARED_PLAN:
        participation = pack_of(library, municipality).routing.participation
        assert participation is not None
        within(participation.first_conversation, years=1)
        within(participation.review, years=1)
        assert participation.face_to_face_per_year == 1
        assert "home_visit" in participation.kinds
        due = pack_of(library, municipality).routing.conversation_kinds
        assert (due.first_conversation, due.review) == (("face_to_face", "home_visit", "review"), ("review",))


@held(
    "ROU-7",
    without=(
        *(Without(f"base:routing/participation/options/{number}") for number in range(1, 6)),
        Without("base:routing/participation/options/5/leads_to", "none"),
        Without("leidschendam-voorburg:referrals/after_conversation/social-activity"),
        Without("wassenaar:referrals/after_conversation/welfare"), Without("voorschoten:partners/voor-elkaar"),
    ),
)  # fmt: skip
def test_rou_7_five_options(library: Library) -> None:
    for municipality in SHARED_PLAN:
        pack = pack_of(library, municipality)
        participation = pack.routing.participation
        assert participation is not None
        forms = [(option.form, option.leads_to) for _, option in sorted(participation.options.items())]
        assert forms == [
            ("volunteer", "referral"), ("informal_care", "referral"), ("social_activity", "referral"),
            ("none", "none"), (None, "diagnosis"),
        ]  # fmt: skip
        for option in (1, 2, 3):
            rule = pack.referral_for_option(option, Situation("3A", "participation"))
            assert rule is not None
            assert pack.partners[rule.partner].kind == "welfare"


@held(
    "ROU-8",
    without=(
        Without("pijnacker-nootdorp:routing/fip"), Without("pijnacker-nootdorp:routing/fip/per_year", 2),
        Without("pijnacker-nootdorp:routing/fip/categories", ["meedoen"]),
        Without("pijnacker-nootdorp:routing/fip/areas_of_life/housing"),
    ),
)  # fmt: skip
def test_rou_8_four_conversations_a_year_by_area_of_life(library: Library) -> None:
    fip = pack_of(library, "GM1926").routing.fip
    assert fip is not None
    assert (fip.per_year, set(fip.categories)) == (4, {"werken-aan", "meedoen"})
    assert fip.areas_of_life.keys() == {"work", "income", "housing", "health", "network", "learning"}


@held(
    "ROU-9",
    without=(
        Without("base:routing/routes/route_2b"), Without("base:routing/routes/mediable_2b/instruments", []),
        Without("base:routing/routes/not_mediable_2b/instruments", []),
        Without("base:routing/routes/sheltered_new/when"), Without("base:instruments/wage_value_measurement"),
        Without("base:roles/consultant_2b"), Without("voorschoten:referrals/on_categorisation/sheltered-work"),
        Without("base:instruments/wage_value_measurement/conditions/wage-value-only-2b"),
    ),
)  # fmt: skip
def test_rou_9_route_2b(library: Library) -> None:
    for municipality in SHARED_PLAN:
        pack = pack_of(library, municipality)
        by_mediability = {"mediable_2b", "less_mediable_2b", "not_mediable_2b"}
        assert routes(pack, category="2B") == {"route_2b", *by_mediability}
        assert "wage_value_measurement" in pack.routing.routes["mediable_2b"].instruments
        assert "wmo_support" in pack.routing.routes["not_mediable_2b"].instruments
        for form in ("new", "alternative"):
            indicated = frozenset({f"sheltered_work_{form}"})
            assert f"sheltered_{form}" in routes(pack, category="2B", indications=indicated)
        assert role(pack, "2B") == "consultant_2b"
        measured = pack.instruments.get("wage_value_measurement")
        assert measured is not None
        assert measured.check(Situation("2B", indications=JOB_AGREEMENT), {}) is None
        assert measured.check(Situation("1A"), {}) is not None
    sheltered = Situation("2B", indications=frozenset({"sheltered_work_new"}))
    rule = pack_of(library, "GM0626").referral_on_categorisation(sheltered)
    assert rule is not None
    assert (rule.partner, rule.purpose) == ("dzb", "sheltered_work")


BROKER = "voorschoten:instruments/learn_work_broker/conditions/learn-work-broker-age"


REFUSED: tuple[tuple[str, Situation, dict[str, object], str], ...] = (
    ("wage_cost_subsidy", Situation("1A"), {"wage_value_pct": 60}, "wage-cost-subsidy-group"),
    (
        "wage_cost_subsidy",
        Situation("2B", indications=JOB_AGREEMENT),
        {"wage_value_pct": 100},
        "wage-cost-subsidy-value",
    ),
    ("ips", Situation("2A"), {"mental_health_problems": False}, "ips-mental-health"),
    ("wage_cost_benefit", Situation("1A", age_band="45-49"), {}, "wage-cost-benefit-50"),
    ("learn_work_broker", Situation("1A", age_band="28-44"), {}, "learn-work-broker-age"),
    ("medical_assessment", Situation("1A"), {"physical_limitations": False}, "medical-physical"),
)


@held(
    "ROU-10",
    without=(
        Without("base:instruments/wage_cost_subsidy/conditions/wage-cost-subsidy-group"),
        Without("base:instruments/wage_cost_subsidy/conditions/wage-cost-subsidy-value"),
        Without("voorschoten:instruments/ips/conditions/ips-mental-health"),
        Without("voorschoten:instruments/ips/max_duration"),
        Without("voorschoten:instruments/wage_cost_benefit/conditions/wage-cost-benefit-50"),
        Without(BROKER),
        Without(f"{BROKER}/requires/age_band", ["18-20"]),
        Without("voorschoten:instruments/medical_assessment/conditions/medical-physical"),
        Without("voorschoten:instruments/bbz_guidance/max_duration"), Without("voorschoten:instruments/job_coach"),
        Without("base:instruments/trial_placement"), Without("base:instruments/language_lessons"),
        Without("base:instruments/budget_course"), Without("uithoorn:instruments/wage_cost_subsidy"),
    ),
)  # fmt: skip
def test_rou_10_instruments_with_their_conditions(library: Library) -> None:
    instruments = pack_of(library, "GM0626").instruments
    for name, situation, facts, rule in REFUSED:
        refused = instruments[name].check(situation, facts)
        assert refused is not None
        assert refused.rule == rule
    assert instruments["learn_work_broker"].check(Situation("1A", age_band="27"), {}) is None
    assert instruments["bbz_guidance"].max_duration == Term(years=1)
    assert instruments["ips"].max_duration == Term(years=3)
    assert instruments.keys() >= {
        "job_coach",
        "trial_placement",
        "medical_assessment",
        "language_lessons",
        "budget_course",
    }
    assert "wage_cost_subsidy" in pack_of(library, "GM0451").instruments


@held(
    "ROU-12",
    without=(
        Without("pijnacker-nootdorp:routing/measures/ladder/talk"), Without("uithoorn:routing/measures"),
        Without("pijnacker-nootdorp:routing/measures/ladder/influence"),
        Without("pijnacker-nootdorp:routing/measures/ladder/measure"),
    ),
)  # fmt: skip
def test_rou_12_talk_and_influence_come_before_a_measure(library: Library) -> None:
    ladder = [step.id for step in pack_of(library, "GM1926").routing.measures.ladder]
    assert ladder == ["talk", "influence", "measure"]
    for pack in library:
        assert pack.routing.measures.ladder[0].id == "talk"
        assert pack.routing.measures.ladder[-1].id == "measure"


@held(
    "ROU-13",
    without=(
        Without("voorschoten:routing/aftercare"), Without("voorschoten:routing/aftercare/within", "3 months"),
        Without("voorschoten:routing/allowances_check"),
    ),
)  # fmt: skip
def test_rou_13_half_a_year_of_aftercare_and_an_allowances_check(library: Library) -> None:
    routing = pack_of(library, "GM0626").routing
    within(routing.aftercare, months=6)
    assert routing.allowances_check is not None


@held(
    "ROU-14",
    without=(
        *(Without(f"base:letters/{letter}") for letter in LETTERS),
        Without("uithoorn:letters/categorised"), Without("base:letters/categorised/body", "Beste {{ name }}"),
    ),
)  # fmt: skip
def test_rou_14_letters_say_the_track_and_who_guides(library: Library) -> None:
    for pack in library:
        for letter in ("categorised", "handover"):
            body = pack.letters[letter].body
            assert all(f"{{{{ {each} }}}}" in body for each in ("name", "track_label", "caseworker_name"))
        assert "exit" in pack.letters
