"""What PAR asks of the shipped packs: each check fails when its rule is taken out."""

from datetime import date

from policy import Group, Library, OneToOne, Situation
from tests.support.packs import IN_2024, pack_of, routes
from tests.support.rules_out import Without, held

WELFARE = {"GM1916": "woej", "GM0629": "vrijwilligerscentrale", "GM0626": "voor-elkaar"}


@held(
    "PAR-2",
    without=(
        Without("leidschendam-voorburg:partners/woej/protocol", {"form": "group", "min": 10, "max": 12}),
        Without("wassenaar:partners/vrijwilligerscentrale/protocol", {"form": "one_to_one"}),
        Without("voorschoten:partners/voor-elkaar/protocol/min", 8),
        Without("voorschoten-2019:partners/voor-elkaar/protocol/max", 20),
    ),
)  # fmt: skip
def test_par_2_one_to_one_or_in_groups_of_10_to_12(library: Library) -> None:
    for on in (IN_2024, date(2023, 6, 1)):
        for municipality, partner in WELFARE.items():
            protocol = pack_of(library, municipality, on).partners[partner].protocol
            expected = OneToOne(form="one_to_one") if municipality == "GM1916" else Group(form="group", min=10, max=12)
            assert protocol == expected


@held(
    "PAR-4",
    without=(
        Without("uithoorn:referrals/on_categorisation/am-match-first"), Without("uithoorn:partners/am-match"),
        Without("uithoorn:referrals/on_categorisation/sheltered-work"),
        Without("uithoorn:routing/routes/municipal_mediation"),
        Without("uithoorn:referrals/on_categorisation/am-match-first/when/prospect_of_work"),
    ),
)  # fmt: skip
def test_par_4_am_match_first_for_40_to_70_with_prospect_of_work_and_for_sheltered_work(library: Library) -> None:
    pack = pack_of(library, "GM0451")
    rule = pack.referral_on_categorisation(Situation("40-70", "reintegration", prospect_of_work=True))
    assert rule is not None
    assert (rule.partner, rule.purpose) == ("am-match", "guidance_to_work")
    assert pack.referral_on_categorisation(Situation("40-70", "reintegration", prospect_of_work=False)) is None
    assert "municipal_mediation" in routes(pack, category="40-70")
    sheltered = pack.referral_on_categorisation(Situation("0-40", indications=frozenset({"sheltered_work_new"})))
    assert sheltered is not None
    assert (sheltered.partner, sheltered.purpose) == ("am-match", "sheltered_work")


@held(
    "PAR-5",
    without=(
        Without("voorschoten:referrals/on_categorisation/sheltered-work"), Without("voorschoten:partners/dzb"),
        Without("voorschoten-2019:referrals/on_categorisation/sheltered-work"),
        Without("voorschoten:referrals/on_categorisation/sheltered-work/when/indications"),
    ),
)  # fmt: skip
def test_par_5_dzb_for_sheltered_work(library: Library) -> None:
    for on in (date(2023, 6, 1), IN_2024):
        pack = pack_of(library, "GM0626", on)
        for kind in ("sheltered_work_new", "sheltered_work_alternative"):
            rule = pack.referral_on_categorisation(Situation("2B", indications=frozenset({kind})))
            assert rule is not None
            assert rule.partner == "dzb"
        assert pack.referral_on_categorisation(Situation("2B", indications=frozenset({"job_agreement"}))) is None
