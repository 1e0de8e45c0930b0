from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts.diagnosis import AssessmentCompleted
from contracts.intake import (
    AgeBandChanged,
    ClientDeceased,
    ClientMovedAway,
    ClientRegistrationUndone,
    ClientsMerged,
    InformationSessionDue,
    IntakeDue,
)

if TYPE_CHECKING:
    from uuid import UUID

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


async def test_a_corrected_birth_date_moves_the_age_band_and_its_next_birthday(intake: Intake) -> None:
    client = await intake.client(birthDate="1985-05-17")

    await patch(intake, client, {"birthDate": "1997-03-01"})
    await intake.move_to(date(2024, 3, 2))

    said = [
        (each.data.occurred_on, each.data.previous, each.data.age_band) for each in await intake.said(AgeBandChanged)
    ]
    assert said == [(date(2024, 2, 1), "28-44", "21-26"), (date(2024, 3, 1), "21-26", "27")]


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
