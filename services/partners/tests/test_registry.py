from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Partners
else:
    from services.partners.tests.conftest import Partners


SCHOOL: dict[str, Any] = {
    "municipality": "GM1916",
    "id": "taalhuis",
    "name": "Taalhuis",
    "kind": "language_school",
    "capacity": 1,
    "limits": {"acknowledge": "5 days", "accept": "2 weeks", "start": "6 weeks"},
    "purposes": {"language": {"label": "Taalles", "fields": ["name", "language"]}},
}
LESSONS: dict[str, Any] = {"partner": None, "partner_kind": "language_school", "purpose": "language"}


async def listed(partners: Partners, municipality: str) -> dict[str, dict[str, Any]]:
    answer = await partners.get("/partners", municipality=municipality)
    return {each["id"]: each for each in answer.json()["items"]}


async def test_the_partners_of_the_packs_are_there_with_what_was_agreed(partners: Partners) -> None:
    found = await listed(partners, "GM0629")
    welfare = found["vrijwilligerscentrale"]
    assert (welfare["origin"], welfare["kind"]) == ("policy", "welfare")
    assert (welfare["group"]["min"], welfare["group"]["max"]) == (10, 12)
    assert welfare["limits"] == {
        "acknowledge": "5 dagen", "accept": "2 weken", "start": "6 weken", "end": "1 jaar",
    }  # fmt: skip
    assert (await listed(partners, "GM1916"))["woej"]["group"] is None


async def test_a_provider_joins_the_open_house_and_is_chosen_as_long_as_it_has_room(partners: Partners) -> None:
    answer = await partners.post("/partners", SCHOOL, headers=partners.as_operator)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/partners/v1/partners/taalhuis?municipality=GM1916"
    shown = await partners.get("/partners/taalhuis", municipality="GM1916")
    assert (shown.json()["origin"], shown.json()["contractFrom"]) == ("open_house", "2024-02-01")
    first, second = await partners.refer(**LESSONS), await partners.refer(**LESSONS)
    assert (await partners.referral(first))["partner"] == "taalhuis"
    assert (await partners.referral(second))["state"] == "requested"
    assert (await listed(partners, "GM1916"))["taalhuis"]["openReferrals"] == 1
    assert "taalhuis" not in await listed(partners, "GM0629")


async def test_a_provider_in_groups_waits_with_its_own_size(partners: Partners) -> None:
    group = {"min": 2, "max": 3, "patience": "3 days"}
    body = SCHOOL | {"capacity": None, "group": group}
    await partners.done("/partners", body, headers=partners.as_operator)
    for _ in range(3):
        await partners.refer(**LESSONS)
    [formed] = (await partners.get("/groups", partner="taalhuis")).json()["items"]
    assert formed["formedWith"] == 3


async def test_two_partners_never_have_one_id(partners: Partners) -> None:
    await partners.done("/partners", SCHOOL, headers=partners.as_operator)
    for body in (SCHOOL, SCHOOL | {"id": "woej"}):
        assert (await partners.post("/partners", body, headers=partners.as_operator)).status_code == 409


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"limits": SCHOOL["limits"] | {"accept": "soon"}}, "#/limits/accept"),
        ({"group": {"min": 5, "max": 4}}, "#/group"),
        ({"purposes": {}}, "#/purposes"),
        ({"purposes": {"language": {"label": "Taalles", "fields": ["bsn"]}}}, "#/purposes/language/fields/0"),
        ({"contractFrom": "2024-02-02", "contractTo": "2024-02-01"}, "#/contractTo"),
        ({"capacity": 0}, "#/capacity"),
        ({"surprise": 1}, "#/surprise"),
    ],
)
async def test_a_wrong_partner_is_refused_with_the_place(
    partners: Partners, wrong: dict[str, Any], pointer: str
) -> None:
    answer = await partners.post("/partners", SCHOOL | wrong, headers=partners.as_operator)
    assert answer.status_code == 400
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


async def test_the_registry_keeps_to_the_municipalities_of_the_token(partners: Partners) -> None:
    elsewhere = partners.token("operator", municipalities=("GM0451",))
    assert (await partners.post("/partners", SCHOOL, headers=elsewhere)).status_code == 403
    assert (await partners.get("/partners", municipality="GM1916", headers=elsewhere)).status_code == 403
    found = (await partners.get("/partners", headers=elsewhere)).json()["items"]
    assert {each["municipality"] for each in found} == {"GM0451"}


async def test_a_partner_reads_itself_only(partners: Partners) -> None:
    own = partners.as_partner("woej", "GM1916")
    found = (await partners.get("/partners", headers=own)).json()["items"]
    assert [each["id"] for each in found] == ["woej"]
    other = await partners.get("/partners/sport-en-welzijn", municipality="GM1916", headers=own)
    assert other.status_code == 403


async def test_the_pack_in_force_decides_from_its_first_day(partners: Partners) -> None:
    found = await listed(partners, "GM0626")
    assert {"voor-elkaar", "dzb", "leerwerkloket"} <= set(found)
