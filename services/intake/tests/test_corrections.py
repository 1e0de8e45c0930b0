from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.diagnosis import AssessmentCompleted
from contracts.intake import (
    AgeBandChanged,
    ClientDeceased,
    ClientMovedAway,
    ClientRegistrationUndone,
    ClientsMerged,
    HouseholdChanged,
    IdentityCorrected,
    InformationSessionDue,
    IntakeDue,
    IntegrationPlanDue,
    RestPeriodEnded,
    SocialGuidanceEnded,
    SocialGuidanceStarted,
)
from contracts.routing import StaffChanged
from tests.support.heard import assigned, categorised

if TYPE_CHECKING:
    import httpx
    from tests.conftest import Intake


async def patch(intake: Intake, client: UUID, body: dict[str, Any], tag: str | None = '"1"') -> httpx.Response:
    headers = intake.token() | ({"If-Match": tag} if tag else {})
    return await intake.service.http.patch(f"/v1/clients/{client}", json=body, headers=headers)


async def test_a_correction_names_the_version_that_it_corrects(intake: Intake) -> None:
    client = await intake.client()

    assert (await patch(intake, client, {"secretAddress": True}, tag=None)).status_code == 428
    corrected = await patch(intake, client, {"secretAddress": True})
    late = await patch(intake, client, {"secretAddress": False})

    assert corrected.json()["secretAddress"] is True
    assert corrected.headers["etag"] == '"2"'
    assert late.status_code == 412


async def test_what_is_left_out_stays_and_null_takes_away(intake: Intake) -> None:
    client = await intake.client(contact={"phone": "06 12345678"}, language="ar", address={"street": "Dam"})

    corrected = (await patch(intake, client, {"language": None, "address": {"street": "Plein"}})).json()
    refused = (await patch(intake, client, {"name": None, "birthDate": None}, tag="*")).json()

    assert (corrected["language"], corrected["contact"]["phone"]) == (None, "06 12345678")
    assert corrected["address"]["street"] == "Plein"
    assert {each["pointer"] for each in refused["errors"]} == {"#/name", "#/birthDate"}


async def test_a_wrong_bsn_or_name_is_corrected_and_found_anew(intake: Intake) -> None:
    wrong, right = next(intake.bsns), next(intake.bsns)
    client = await intake.client(bsn=wrong)
    other = await intake.client()

    await patch(intake, client, {"bsn": right, "name": {"family": "De Wit"}})

    found = [await intake.done("/client-searches", {"bsn": bsn}) for bsn in (wrong, right)]
    assert [[each["id"] for each in answer["items"]] for answer in found] == [[], [str(client)]]
    by_name = [
        (await intake.done("/client-searches", {"familyName": name, "birthYear": 1985}))["items"]
        for name in ("Wit", "Ven")
    ]
    assert [[each["id"] for each in items] for items in by_name] == [[str(client)], [str(other)]]
    assert (await patch(intake, other, {"bsn": right})).status_code == 409
    assert (await patch(intake, other, {"bsn": "999999245"})).status_code == 400


async def corrected_fields(intake: Intake, client: UUID) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(each.data.fields, each.data.shown) for each in await intake.said(IdentityCorrected, client)]


@pytest.mark.requirement("INT-13")
async def test_a_correction_says_which_fields_and_never_what_stands_in_them(intake: Intake) -> None:
    client = await intake.client(contact={"phone": "06 12345678"})
    told = {"name": {"family": "Wit"}, "contact": {"phone": "06 12345678"}, "birthDate": "1985-06-18"}

    await patch(intake, client, told)
    await patch(intake, client, {"name": {"family": "Wit"}}, tag="*")  # as it is already

    assert await corrected_fields(intake, client) == [(("birth_date", "name"), ("name",))]
    kept = await intake.rows("SELECT actor, detail FROM audit_entries WHERE action = 'client.correct'")
    assert kept == [("staff:s-1", "birth_date,name")]
    [[data]] = await intake.rows("SELECT data FROM outbox WHERE type LIKE '%identity-corrected'")
    assert not any(value in data for value in ("Wit", "1985", "0612345678"))


async def test_a_secret_address_that_changes_is_told_to_nobody(intake: Intake) -> None:
    client = await intake.client(address={"street": "Dam"}, secretAddress=True)

    await patch(intake, client, {"address": {"street": "Plein"}}, tag="*")
    await patch(intake, client, {"secretAddress": False}, tag="*")
    await patch(intake, client, {"secretAddress": True}, tag="*")

    assert await corrected_fields(intake, client) == [
        (("address",), ()), (("secret_address",), ("address",)), (("secret_address",), ("address",)),
    ]  # fmt: skip


@pytest.mark.requirement("INT-13")
async def test_all_that_is_wrong_with_a_correction_is_told_at_once(intake: Intake) -> None:
    client = await intake.client()

    wrong = {
        "bsn": "999999245", "partnerBsn": "123456789", "name": None, "birthDate": "2020-02-30", "housedOn": "2024-03-01"
    }  # fmt: skip
    refused = await patch(intake, client, wrong)

    assert refused.status_code == 400
    assert {each["pointer"] for each in refused.json()["errors"]} == {
        "#/bsn", "#/partnerBsn", "#/name", "#/birthDate", "#/housedOn",
    }  # fmt: skip
    own = await patch(intake, client, {"partnerBsn": (await intake.read(client))["bsn"]})
    assert own.json()["errors"] == [{"detail": "is the client's own BSN", "pointer": "#/partnerBsn"}]
    assert (await intake.read(client))["name"]["family"] == "Ven"


async def test_a_stale_correction_is_told_who_changed_which_fields(intake: Intake) -> None:
    client = await intake.client()
    told = {"bsn": next(intake.bsns), "contact": {"phone": "1"}, "birthDate": "2000-01-01"}
    corrected = await patch(intake, client, told)
    assert corrected.headers["etag"] == '"2"'

    stale = await patch(intake, client, {"name": {"family": "Wit"}})

    assert stale.status_code == 412
    assert stale.json()["changedBy"] == "staff:s-1"
    [change] = stale.json()["changes"]
    assert sorted(change["fields"]) == ["ageBand", "birthDate", "bsn", "contact"]


@pytest.mark.requirement("INT-13")
async def test_a_bsn_that_another_client_has_leads_to_the_merger(intake: Intake) -> None:
    other, client = await intake.client(), await intake.client()
    taken = (await intake.read(other))["bsn"]

    refused = (await patch(intake, client, {"bsn": taken})).json()

    assert refused["type"].endswith("/already-registered")
    assert refused["client"] == f"/intake/v1/clients/{other}"
    [merge] = refused["links"]
    assert "Ven" not in str(refused)
    merged = await intake.post(merge["href"].removeprefix("/intake/v1"), merge["body"])
    assert (merged.status_code, merged.json()["id"]) == (201, str(other))


async def test_a_bsn_of_another_teams_client_tells_that_it_is_taken_and_opens_nothing(intake: Intake) -> None:
    other, client = await intake.client(), await intake.client()
    taken = (await intake.read(other))["bsn"]
    day = date(2024, 2, 1)
    for staff, team, manages in (("s-1", "north", ()), ("w-9", "south", ()), ("m-1", None, ("north", "south"))):
        changed = StaffChanged(
            occurred_on=day, by="staff:m-1", staff_id=staff, roles=("work_consultant",), team=team, manages=manages,
            active=True,
        )  # fmt: skip
        await intake.hear(new_id(), changed)
    await intake.hear(other, assigned(day, "work_consultant", "w-9"))
    assert (await intake.get(f"/clients/{other}")).status_code == 404

    refused = (await patch(intake, client, {"bsn": taken})).json()

    assert (refused["status"], refused["client"]) == (409, f"/intake/v1/clients/{other}")
    assert "links" not in refused
    assert (await intake.get(f"/clients/{other}")).status_code == 404


async def test_a_partner_who_named_the_wrong_number_is_none(intake: Intake) -> None:
    wrong, right = next(intake.bsns), next(intake.bsns)
    stranger = await intake.client(partnerBsn=wrong)
    client = await intake.client(bsn=wrong)
    shared = (await intake.read(stranger))["householdId"]
    assert (await intake.read(client))["householdId"] == shared
    partner = await intake.client(partnerBsn=right)

    await patch(intake, client, {"bsn": right}, tag="*")

    found = await intake.read(client)
    assert found["partnerId"] == str(partner)
    assert (await intake.read(stranger))["partnerId"] is None
    assert found["householdId"] == (await intake.read(partner))["householdId"] != shared
    moved = [each.data.household_id for each in await intake.said(HouseholdChanged, client)]
    assert str(moved[-1]) == found["householdId"]
    who_it_was = await intake.client(bsn=wrong, name={"family": "Anders"})
    assert (await intake.read(who_it_was))["partnerId"] == str(stranger)


async def test_partners_who_name_each_other_stay_so_when_one_was_named_by_a_wrong_number(intake: Intake) -> None:
    wrong, right, theirs = (next(intake.bsns) for _ in range(3))
    client = await intake.client(bsn=wrong, partnerBsn=theirs)
    partner = await intake.client(bsn=theirs, partnerBsn=wrong)

    await patch(intake, client, {"bsn": right}, tag="*")

    assert (await intake.read(client))["partnerId"] == str(partner)
    who_it_was = await intake.client(bsn=wrong, name={"family": "Anders"})
    assert (await intake.read(who_it_was))["partnerId"] is None


async def test_who_the_partner_is_can_be_corrected_and_taken_away(intake: Intake) -> None:
    stranger, partner = await intake.client(), await intake.client()
    numbers = [(await intake.read(each))["bsn"] for each in (stranger, partner)]
    client = await intake.client(partnerBsn=numbers[0])
    assert (await intake.read(client))["partnerId"] == str(stranger)

    await patch(intake, client, {"partnerBsn": numbers[1]}, tag="*")
    households = [(await intake.read(each))["householdId"] for each in (client, partner, stranger)]
    assert households[0] == households[1] != households[2]
    await patch(intake, client, {"partnerBsn": None}, tag="*")

    found = [await intake.read(each) for each in (client, partner, stranger)]
    assert [each["partnerId"] for each in found] == [None, None, None]
    assert len({each["householdId"] for each in found}) == 3
    fields = [fields for fields, _ in await corrected_fields(intake, client)]
    assert fields == [("partner_bsn",), ("partner_bsn",)]


@pytest.mark.requirement("INT-1", "INT-13")
async def test_who_is_named_by_a_corrected_number_again_is_known_and_who_really_has_it_is_not(intake: Intake) -> None:
    wrong, right = next(intake.bsns), next(intake.bsns)
    person = intake.person(bsn=wrong)
    client = UUID((await intake.done("/clients", person))["id"])
    await patch(intake, client, {"bsn": right})

    again = await intake.refused("/clients", person)
    assert again["client"] == f"/intake/v1/clients/{client}"
    other = await intake.client(bsn=wrong, name={"family": "Anders"})
    assert (await intake.read(other))["bsn"] == wrong

    await patch(intake, client, {"name": {"family": "Nieuw"}}, tag="*")
    assert await intake.rows("SELECT 1 FROM earlier_numbers") == []


@pytest.mark.requirement("INT-13")
async def test_a_registration_that_letters_went_out_about_does_not_become_somebody_else(
    intake: Intake, role_of: dict[str, str]
) -> None:
    stranger, resident = intake.person(), intake.person(name={"family": "Wit"}, birthDate="1990-01-02")
    unwritten, written = await intake.client(), UUID((await intake.done("/clients", stranger))["id"])
    await intake.hear(written, categorised(date(2024, 1, 10), "1A", "reintegration"))
    await intake.hear(written, assigned(date(2024, 1, 10), role_of["1A"], "w-7"))
    all_of_it = {field: resident[field] for field in ("bsn", "name", "birthDate")}

    assert (await patch(intake, unwritten, {**all_of_it, "bsn": next(intake.bsns)})).status_code == 200
    refused = await patch(intake, written, all_of_it, tag="*")
    assert refused.json()["type"].endswith("/another-person")
    await intake.done(f"/clients/{written}/cancellations", {"reason": "verkeerde persoon"})
    right = await intake.client(**resident)

    assert [each["kind"] for each in await intake.letters(written)] == ["categorised", "withdrawal"]
    assert "Beste Noor van der Ven" in (await intake.letters(written))[-1]["body"]
    assert await intake.letters(right) == []
    nobody = await intake.done("/client-searches", {"bsn": stranger["bsn"]})
    assert nobody["items"] == []
    really = await intake.client(**stranger)
    assert really not in {written, right}
    assert (await patch(intake, really, {**all_of_it, "bsn": next(intake.bsns), "samePerson": True})).status_code == 200


@pytest.mark.requirement("INT-13")
async def test_a_corrected_birth_date_moves_the_age_band_since_when_it_should_have(intake: Intake) -> None:
    client, later = await intake.client(birthDate="1985-05-17"), await intake.client(birthDate="1985-05-17")

    await patch(intake, client, {"birthDate": "1997-03-01"})
    await intake.move_to(date(2024, 3, 2))
    await patch(intake, later, {"birthDate": "1997-02-20"})
    await intake.move_to(date(2025, 2, 21))

    said = [[(each.data.occurred_on, each.data.previous, each.data.age_band)
             for each in await intake.said(AgeBandChanged, one)] for one in (client, later)]  # fmt: skip
    assert said == [
        [(date(2024, 2, 1), "28-44", "21-26"), (date(2024, 3, 1), "21-26", "27")],
        [(date(2024, 2, 20), "28-44", "27"), (date(2025, 2, 20), "27", "28-44")],
    ]


@pytest.mark.requirement("INT-5", "INT-13")
async def test_what_began_on_a_wrong_day_of_housing_is_reckoned_anew(intake: Intake) -> None:
    planned = await intake.client(municipality="GM1926", permitHolder=True, housedOn="2023-12-10")
    guided = await intake.client(permitHolder=True, housedOn="2022-01-15")
    resting = await intake.client(permitHolder=True, housedOn="2024-01-20")
    await intake.move_to(date(2024, 2, 2))
    assert [
        len(await intake.said(IntegrationPlanDue, planned)),
        len(await intake.said(SocialGuidanceEnded, guided)),
    ] == [1, 1]

    for client, right in ((planned, "2024-01-20"), (guided, "2022-02-20"), (resting, "2024-01-10")):
        assert (await patch(intake, client, {"housedOn": right}, tag="*")).status_code == 200
    await intake.move_to(date(2024, 3, 5))

    due = [each.data.due_on for each in await intake.said(IntegrationPlanDue, planned)]
    assert due == [date(2024, 1, 21), date(2024, 3, 2)]
    ended = [each.data.occurred_on for each in await intake.said(SocialGuidanceEnded, guided)]
    assert ended == [date(2024, 1, 15), date(2024, 2, 20)]
    begun = [(each.data.occurred_on, each.data.until) for each in await intake.said(SocialGuidanceStarted, guided)]
    assert begun == [(date(2022, 1, 15), date(2024, 1, 15)), (date(2022, 2, 20), date(2024, 2, 20))]
    rested = [each.data.occurred_on for each in await intake.said(RestPeriodEnded, resting)]
    assert rested == [date(2024, 2, 10)]
    assert await intake.said(IdentityCorrected) == []


async def test_two_registrations_of_one_person_become_one(intake: Intake) -> None:
    partner_bsn = next(intake.bsns)
    gone, application = await intake.applicant(contact={"email": "n@example.org"}, partnerBsn=partner_bsn)
    partner = await intake.client(bsn=partner_bsn)
    survivor = await intake.client()
    session = await intake.done(
        "/information-sessions", {"municipality": "GM0626", "heldOn": "2024-01-31", "place": "Raadhuis", "capacity": 9}
    )
    for client in (gone, survivor):
        await intake.done(f"/information-sessions/{session['id']}/attendances", {"absent": [str(client)]})

    merged = await intake.post(f"/clients/{gone}/mergers", {"into": str(survivor)})
    await intake.hear(gone, AssessmentCompleted(occurred_on=date(2024, 2, 1), by="staff:w-1", assessment_id=new_id()))
    decided = await intake.done(f"/clients/{gone}/intakes", {"heldOn": "2024-02-01"})
    granted = await intake.done(
        f"/applications/{application}/decisions", {"outcome": "granted", "reason": "geheim", "on": "2024-02-01"}
    )
    await intake.move_to(date(2024, 2, 12))

    assert merged.status_code == 201
    assert merged.headers["location"].endswith(str(survivor))
    assert merged.json()["contact"]["email"] == "n@example.org"
    assert merged.json()["partnerId"] == str(partner)
    assert (await intake.read(partner))["partnerId"] == str(survivor)
    assert (await intake.read(gone))["id"] == str(survivor)
    assert decided["clientId"] == granted["clientId"] == str(survivor)
    [said] = await intake.said(ClientsMerged)
    assert (said.subject, said.data.into) == (gone, survivor)
    assert {each.subject for each in await intake.said(InformationSessionDue)} == {survivor}
    assert await intake.said(IntakeDue) == []


async def test_a_sealed_reason_moves_along_and_so_do_earlier_mergers(intake: Intake) -> None:
    first, application = await intake.applicant()
    await intake.done(f"/applications/{application}/decisions", {"outcome": "refused", "reason": "elders in dienst"})
    second, third = await intake.client(), await intake.client()

    await intake.done(f"/clients/{first}/mergers", {"into": str(second)})
    await intake.done(f"/clients/{second}/mergers", {"into": str(third)})

    assert (await intake.read(first))["id"] == str(third)
    [[client, reason]] = await intake.rows("SELECT client_id, reason FROM applications")
    assert client == third
    [[key_id, wrapped]] = await intake.rows("SELECT key_id, wrapped_key FROM clients WHERE id = :id", id=third)
    vault = intake.service.app.state.vault
    opened = vault.seal_of(third, key_id, bytes(wrapped)).open(bytes(reason), "applications", "reason", application)
    assert opened == "elders in dienst"


async def test_what_is_not_one_person_is_not_merged(intake: Intake) -> None:
    one, elsewhere = await intake.client(), await intake.client(municipality="GM1916")

    for other in (one, elsewhere):
        assert (await intake.refused(f"/clients/{one}/mergers", {"into": str(other)}))["type"].endswith("/cannot-merge")
    assert (await intake.post(f"/clients/{one}/mergers", {"into": str(new_id())})).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "event", "state"),
    [
        ("deaths", {"on": "2024-01-30"}, ClientDeceased, "deceased"),
        ("departures", {"on": "2024-01-30", "toMunicipality": "GM0518"}, ClientMovedAway, "moved_away"),
        ("cancellations", {"reason": "verkeerde persoon"}, ClientRegistrationUndone, "undone"),
    ],
)
async def test_everything_open_stops(intake: Intake, path: str, body: dict[str, Any], event: Any, state: str) -> None:
    client, application = await intake.applicant(birthDate="1997-02-04")

    ended = await intake.done(f"/clients/{client}/{path}", body)
    await intake.move_to(date(2024, 2, 20))

    assert ended["state"] == state
    said = await intake.events(client)
    assert isinstance(said[-1], event)
    assert said[-1].occurred_on == (date(2024, 1, 30) if "on" in body else date(2024, 2, 1))
    assert "reason" not in said[-1].model_dump()
    assert (await intake.get(f"/applications/{application}")).json()["state"] == "closed"
    assert await intake.rows("SELECT 1 FROM deadlines WHERE state = 'open'") == []
    again = await intake.refused(f"/clients/{client}/{path}", body)
    assert again["title"] == "The registration of this client is closed"
    assert (await intake.post(f"/clients/{client}/intakes")).status_code == 409


async def test_who_moved_away_comes_back_with_a_notification(intake: Intake) -> None:
    client = await intake.client(birthDate="1997-02-04")
    await intake.done(f"/clients/{client}/departures")

    await intake.apply(client)
    await intake.move_to(date(2024, 2, 4))

    assert (await intake.read(client))["state"] == "registered"
    assert [each.data.age_band for each in await intake.said(AgeBandChanged, client)] == ["27"]


async def test_a_registration_that_was_undone_can_be_made_again(intake: Intake) -> None:
    person = intake.person()
    first = await intake.done("/clients", person)
    await intake.done(f"/clients/{first['id']}/cancellations", {"reason": "te vroeg"})

    second = await intake.done("/clients", person)

    found = await intake.done("/client-searches", {"bsn": person["bsn"]})
    assert [each["id"] for each in found["items"]] == [second["id"]]
