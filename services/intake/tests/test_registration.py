from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from contracts.intake import AgeBandChanged, ClientRegistered, RestPeriodEnded

if TYPE_CHECKING:
    from tests.conftest import Intake

pytestmark = pytest.mark.filterwarnings("error")


async def test_a_registered_client_is_told_with_traits_only(intake: Intake) -> None:
    answer = await intake.post("/clients", intake.person(householdKind="single_parent", startingQualification=True))

    assert answer.status_code == 201
    client = answer.json()
    assert answer.headers["location"].endswith(f"/clients/{client['id']}")
    assert answer.headers["etag"] == '"1"'
    [said] = await intake.said(ClientRegistered)
    assert said.subject == UUID(client["id"])
    assert said.municipality == "GM0626"
    assert said.data.model_dump(exclude={"household_id"}) == {
        "occurred_on": date(2024, 2, 1), "by": "staff:s-1", "origin": "front_end", "age_band": "28-44",
        "household_kind": "single_parent", "permit_holder": False, "without_benefit": False,
        "starting_qualification": True,
    }  # fmt: skip
    assert (await intake.get(f"/clients/{client['id']}")).json() == client


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"bsn": "999999245"}, "#/bsn"),
        ({"deceasedOn": "2020-08-01"}, "#/deceasedOn"),
        ({"birthDate": None}, "#/birthDate"),
        ({"birthDate": "0000"}, "#/birthDate"),
        ({"birthDate": "1980-02-30"}, "#/birthDate"),
        ({"birthDate": "2006-02-02"}, "#/birthDate"),
        ({"birthDate": "2006-02"}, "#/birthDate"),
        ({"birthDate": "2006"}, "#/birthDate"),
        ({"partnerBsn": "123456789"}, "#/partnerBsn"),
        ({"housedOn": "2024-02-02"}, "#/housedOn"),
        ({"householdId": str(uuid4())}, "#/householdId"),
        ({"municipality": "GM9999"}, "#/municipality"),
        ({"municipality": None}, "#/municipality"),
        ({"surname": "x"}, "#/surname"),
        ({"bsn": "٣٣٣٣٣٣٣٣٣"}, "#/bsn"),
    ],
)
async def test_a_refusal_names_the_field(intake: Intake, told: dict[str, object], pointer: str) -> None:
    problem = await intake.refused("/clients", intake.person(**told), 400)

    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert await intake.said() == []


async def test_all_faults_are_named_at_once(intake: Intake) -> None:
    problem = await intake.refused("/clients", intake.person(bsn="999999245", deceasedOn="2020", birthDate="2010"), 400)

    assert {each["pointer"] for each in problem["errors"]} == {"#/bsn", "#/deceasedOn", "#/birthDate"}


@pytest.mark.parametrize("birth_date", ["2006-02-01", "2006-01", "2005", "1980-05", "1980"])
async def test_a_partial_birth_date_is_kept_as_it_is(intake: Intake, birth_date: str) -> None:
    client = await intake.client(birthDate=birth_date)

    assert (await intake.read(client))["birthDate"] == birth_date


async def test_the_same_person_is_registered_once_in_a_municipality(intake: Intake) -> None:
    person = intake.person()
    first = await intake.done("/clients", person)

    again = await intake.refused("/clients", person)
    elsewhere = await intake.post("/clients", {**person, "municipality": "GM1916"})

    assert again["client"].endswith(f"/clients/{first['id']}")
    assert elsewhere.status_code == 201
    assert len(await intake.said(ClientRegistered)) == 2


async def test_the_only_municipality_of_a_token_need_not_be_named(intake: Intake) -> None:
    here = intake.token(municipalities=["GM1916"])
    client = await intake.done("/clients", intake.person(municipality=None), headers=here)

    assert client["municipality"] == "GM1916"
    elsewhere = intake.token(municipalities=["GM0626"])
    assert (await intake.get(f"/clients/{client['id']}", headers=elsewhere)).status_code == 404


async def test_partners_share_a_household_whoever_comes_first(intake: Intake) -> None:
    one, other = next(intake.bsns), next(intake.bsns)
    first = await intake.client(bsn=one, partnerBsn=other)
    second = await intake.client(bsn=other)
    third = await intake.client(partnerBsn=one)

    a, b, c = [await intake.read(each) for each in (first, second, third)]
    assert a["householdId"] == b["householdId"] != c["householdId"]
    assert a["partnerId"] == str(second)
    assert b["partnerId"] == str(first)
    assert c["partnerId"] is None
    households = {each.subject: each.data.household_id for each in await intake.said(ClientRegistered)}
    assert households[first] == households[second]


async def test_nobody_is_their_own_partner(intake: Intake) -> None:
    bsn = next(intake.bsns)

    problem = await intake.refused("/clients", intake.person(bsn=bsn, partnerBsn=bsn), 400)

    assert problem["errors"] == [{"detail": "is the client's own BSN", "pointer": "#/partnerBsn"}]


async def test_a_child_of_the_household_joins_it(intake: Intake) -> None:
    parent = await intake.read(await intake.client())
    child = await intake.read(await intake.client(householdId=parent["householdId"]))

    assert child["householdId"] == parent["householdId"]


async def test_a_birthday_moves_the_age_band_and_the_next_is_awaited(intake: Intake) -> None:
    client = await intake.client(birthDate="1997-02-04")

    await intake.move_to(date(2025, 2, 4))

    changed = await intake.said(AgeBandChanged, client)
    assert [(each.data.occurred_on, each.data.previous, each.data.age_band, each.data.by) for each in changed] == [
        (date(2024, 2, 4), "21-26", "27", "clock"),
        (date(2025, 2, 4), "27", "28-44", "clock"),
    ]
    assert (await intake.read(client))["ageBand"] == "28-44"


async def test_a_permit_holder_rests_for_a_month_after_being_housed(intake: Intake) -> None:
    client = await intake.client(permitHolder=True, housedOn="2024-01-20")
    await intake.apply(client)

    await intake.move_to(date(2024, 2, 19))
    assert await intake.said(RestPeriodEnded, client) == []
    await intake.move_to(date(2024, 2, 28))

    assert await intake.types(client) == [
        "client-registered", "social-guidance-started", "notification-received", "application-filed",
        "rest-period-ended", "term-set", "information-session-due",
    ]  # fmt: skip


async def test_who_is_housed_later_rests_from_then(intake: Intake) -> None:
    client = await intake.client(permitHolder=True)
    headers = intake.token() | {"If-Match": "*"}
    await intake.move_to(date(2024, 2, 10))

    for housed_on in ("2024-02-09", "2024-02-05"):
        await intake.service.http.patch(f"/v1/clients/{client}", json={"housedOn": housed_on}, headers=headers)
    await intake.move_to(date(2024, 3, 10))
    await intake.service.http.patch(f"/v1/clients/{client}", json={"housedOn": "2024-02-06"}, headers=headers)
    await intake.move_to(date(2024, 3, 11))

    assert [each.data.occurred_on for each in await intake.said(RestPeriodEnded, client)] == [date(2024, 3, 5)]


async def test_somebody_is_found_by_bsn_or_by_name_and_the_search_is_recorded(intake: Intake) -> None:
    bsn = next(intake.bsns)
    client = await intake.client(bsn=bsn, name={"family": "Ven-Van Roedelröde tot Broekzucht"}, birthDate="1975")
    await intake.client(birthDate="1975-01-01")

    for search in (
        {"bsn": bsn},
        {"familyName": "roedelrode", "birthYear": 1975},
        {"familyName": "Van Roedelröde", "birthYear": 1975},
        {"familyName": "VEN van Roedelrode Broekzucht", "birthYear": 1975},
    ):
        found = await intake.done("/client-searches", search)
        assert [each["id"] for each in found["items"]] == [str(client)], search
    nobody = ({"familyName": "roedelrode", "birthYear": 1976}, {"bsn": next(intake.bsns)})
    for search in nobody:
        assert (await intake.done("/client-searches", search))["items"] == []
    elsewhere = intake.token(municipalities=["GM1916"])
    assert (await intake.done("/client-searches", {"bsn": bsn}, headers=elsewhere))["items"] == []


@pytest.mark.parametrize("body", [{}, {"familyName": "Ven"}, {"bsn": "999990019", "birthYear": 1980}, {"bsn": "1"}])
async def test_a_search_asks_for_one_thing(intake: Intake, body: dict[str, object]) -> None:
    assert (await intake.refused("/client-searches", body, 400))["errors"]
