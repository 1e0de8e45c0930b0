"""A merger that was a mistake is undone within a term: each client is their own again, as if there had been none."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.diagnosis import AssessmentCompleted
from contracts.intake import AgeBandChanged, ClientErased, ClientsMerged, InformationSessionDue, MergerUndone, TermSet
from contracts.routing import CaseworkerAssigned, ClientExited

if TYPE_CHECKING:
    import httpx
    from tests.conftest import Intake

STAFF = "staff:w-1"
LAST_DAY = date(2024, 5, 1)
"""Three months after the merger of the tests, by the policy of the municipality."""

pytestmark = pytest.mark.requirement("INT-13")


async def merge(intake: Intake, gone: UUID, into: UUID) -> UUID:
    """Merge two registrations; the merger."""
    await intake.done(f"/clients/{gone}/mergers", {"into": str(into)})
    newest: str = (await intake.get(f"/clients/{into}/mergers")).json()["items"][0]["id"]
    return UUID(newest)


async def undo(intake: Intake, merger: UUID, **more: Any) -> httpx.Response:
    answer = await intake.post(f"/mergers/{merger}/reversals", {"reason": "Twee zussen"}, **more)
    assert answer.status_code < 500, answer.text
    return answer


async def test_each_client_is_their_own_again(intake: Intake) -> None:
    gone, application = await intake.applicant(contact={"email": "n@example.org"}, housedOn="2024-01-05")
    survivor = await intake.client(name={"family": "Zus"})
    before = {client: await intake.read(client) for client in (gone, survivor)}
    merger = await merge(intake, gone, survivor)
    assert (await intake.read(gone))["id"] == str(survivor)

    undone = await undo(intake, merger)

    assert undone.status_code == 201
    assert undone.headers["location"].endswith(f"/mergers/{merger}")
    assert (undone.json()["undoneOn"], undone.json()["undoneBy"]) == ("2024-02-01", "staff:s-1")
    assert {client: await intake.read(client) for client in (gone, survivor)} == before
    applications = (await intake.get(f"/clients/{gone}/applications")).json()["items"]
    assert [(each["id"], each["state"]) for each in applications] == [(str(application), "filed")]
    assert (await intake.get(f"/clients/{survivor}/applications")).json()["items"] == []
    [merged] = await intake.said(ClientsMerged)
    [said] = await intake.said(MergerUndone)
    assert (said.subject, said.data.into, said.data.merger_id) == (gone, survivor, merged.id)


async def test_who_clicks_twice_merges_once(intake: Intake) -> None:
    gone, survivor = await intake.client(), await intake.client()
    body = {"into": str(survivor)}

    answers = await asyncio.gather(*(intake.post(f"/clients/{gone}/mergers", body) for _ in range(3)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert len(await intake.said(ClientsMerged)) == 1
    [merger] = (await intake.get(f"/clients/{survivor}/mergers")).json()["items"]
    assert (await undo(intake, merger["id"])).status_code == 201
    assert (await intake.read(gone))["state"] == "registered"


async def test_who_is_merged_both_ways_at_once_is_merged_one_way(intake: Intake) -> None:
    one, other, third = [await intake.client() for _ in range(3)]
    ways = [(one, other), (other, one), (other, third), (third, one)]

    answers = await asyncio.gather(*(intake.post(f"/clients/{a}/mergers", {"into": str(b)}) for a, b in ways))

    merged = [answer for answer in answers if answer.status_code == 201]
    assert len(merged) == len(await intake.said(ClientsMerged)) <= 2
    assert {answer.status_code for answer in answers} <= {201, 409}


async def test_mergers_of_a_client_are_listed_by_either_id(intake: Intake) -> None:
    gone, survivor = await intake.client(), await intake.client()
    merger = await merge(intake, gone, survivor)

    listed = [(await intake.get(f"/clients/{each}/mergers")).json()["items"] for each in (gone, survivor)]
    one = (await intake.get(f"/mergers/{merger}")).json()

    assert listed == [[one], [one]]
    assert one == {
        "id": str(merger), "clientId": str(gone), "into": str(survivor), "municipality": "GM0626",
        "mergedOn": "2024-02-01", "mergedBy": "staff:s-1", "undoUntil": "2024-05-01", "undoneOn": None,
        "undoneBy": None,
    }  # fmt: skip
    assert (await intake.get(f"/mergers/{new_id()}")).status_code == 404
    assert (await intake.get(f"/clients/{new_id()}/mergers")).status_code == 404


async def test_it_can_be_undone_until_the_last_day_of_the_term_and_no_longer(intake: Intake) -> None:
    pairs = [(await intake.client(), await intake.client()) for _ in range(2)]
    in_time, late = [await merge(intake, *pair) for pair in pairs]

    await intake.move_to(LAST_DAY)
    assert (await undo(intake, in_time)).status_code == 201
    await intake.move_to(date(2024, 5, 2))
    refused = (await undo(intake, late)).json()

    assert refused["type"].endswith("/merger-term-over")
    assert refused["lastDay"] == LAST_DAY.isoformat()


async def test_what_was_undone_is_not_undone_again(intake: Intake) -> None:
    merger = await merge(intake, await intake.client(), await intake.client())
    await undo(intake, merger)

    assert (await undo(intake, merger)).json()["type"].endswith("/ended")
    assert len(await intake.said(MergerUndone)) == 1


async def test_a_named_person_undoes_it_and_says_why(intake: Intake) -> None:
    merger = await merge(intake, await intake.client(), await intake.client())

    nobody = await undo(intake, merger, headers=intake.token("caseworker", sub=None))
    without = await intake.post(f"/mergers/{merger}/reversals", {"reason": ""})
    await undo(intake, merger)

    assert (nobody.status_code, without.status_code) == (403, 400)
    [[sealed]] = await intake.rows("SELECT undone_because FROM mergers")
    assert b"zussen" not in bytes(sealed)


async def test_a_later_merger_of_the_survivor_is_undone_first(intake: Intake) -> None:
    first, second, third = [await intake.client() for _ in range(3)]
    one, two = await merge(intake, first, second), await merge(intake, second, third)

    assert (await undo(intake, one)).json()["type"].endswith("/merged-since")
    await undo(intake, two)
    assert (await intake.read(first))["id"] == str(second)
    await undo(intake, one)

    assert [(await intake.read(each))["id"] for each in (first, second, third)] == [
        str(each) for each in (first, second, third)
    ]


async def test_an_earlier_merger_into_the_same_client_is_undone_beside_a_later_one(intake: Intake) -> None:
    survivor = await intake.client()
    first, application = await intake.applicant(language="ti")
    second = await intake.client(language="ar", contact={"phone": "06"})
    one = await merge(intake, first, survivor)
    await merge(intake, second, survivor)

    await undo(intake, one)

    assert (await intake.read(first))["language"] == "ti"
    assert (await intake.read(second))["id"] == str(survivor)
    stays = await intake.read(survivor)
    assert (stays["language"], stays["contact"]["phone"]) == ("ar", "06")
    assert (await intake.get(f"/applications/{application}")).json()["clientId"] == str(first)


async def test_somebody_whose_bsn_was_registered_again_stays_merged(intake: Intake) -> None:
    bsn = next(intake.bsns)
    gone, survivor = await intake.client(bsn=bsn), await intake.client()
    merger = await merge(intake, gone, survivor)
    other = await intake.client(bsn=bsn, name={"family": "Anders"}, birthDate="1990-01-02")

    assert (await undo(intake, merger)).json()["type"].endswith("/already-registered")
    assert (await intake.read(gone))["id"] == str(survivor)
    assert await found(intake, bsn) == [other]


async def found(intake: Intake, bsn: str) -> list[UUID]:
    """Who is found by a BSN."""
    items = (await intake.done("/client-searches", {"bsn": bsn}))["items"]
    return [UUID(each["id"]) for each in items]


async def test_by_the_number_of_who_had_gone_the_survivor_is_found_until_it_is_undone(intake: Intake) -> None:
    people = [intake.person(), intake.person(name={"family": "van der Venn"}), intake.person(birthDate="1985-05-18")]
    first, second, survivor = [UUID((await intake.done("/clients", each))["id"]) for each in people]
    one, other = await merge(intake, first, second), await merge(intake, second, survivor)
    assert [await found(intake, each["bsn"]) for each in people] == [[survivor]] * 3
    for person in people:
        again = await intake.refused("/clients", person)
        assert (again["type"].rpartition("/")[2], again["client"]) == (
            "already-registered", f"/intake/v1/clients/{survivor}",
        )  # fmt: skip

    for merger in (other, one):
        await undo(intake, merger)

    assert [await found(intake, each["bsn"]) for each in people] == [[first], [second], [survivor]]
    assert [(await intake.refused("/clients", each))["client"].rpartition("/")[2] for each in people] == [
        str(first), str(second), str(survivor),
    ]  # fmt: skip


async def test_the_number_of_who_had_gone_tells_nobody_elsewhere_anything(intake: Intake) -> None:
    bsn = next(intake.bsns)
    gone, survivor = await intake.client(bsn=bsn), await intake.client()
    await merge(intake, gone, survivor)

    elsewhere = intake.token("caseworker", municipalities=["GM1916"])
    assert (await intake.done("/client-searches", {"bsn": bsn}, headers=elsewhere))["items"] == []
    registered = await intake.client(bsn=bsn, municipality="GM1916")
    assert set(await found(intake, bsn)) == {survivor, registered}


async def test_by_a_number_that_was_wrong_before_the_merger_nobody_is_found_and_no_double_made(intake: Intake) -> None:
    person = intake.person()
    gone, survivor = UUID((await intake.done("/clients", person))["id"]), await intake.client()
    headers = intake.token() | {"If-Match": "*"}
    await intake.service.http.patch(f"/v1/clients/{gone}", json={"bsn": next(intake.bsns)}, headers=headers)
    await merge(intake, gone, survivor)

    assert await found(intake, person["bsn"]) == []
    assert (await intake.refused("/clients", person))["client"].endswith(str(survivor))


async def test_who_names_who_had_gone_as_partner_is_the_partner_of_who_stays(intake: Intake) -> None:
    bsn = next(intake.bsns)
    gone, survivor = await intake.client(bsn=bsn), await intake.client()
    await merge(intake, gone, survivor)

    partner = await intake.client(partnerBsn=bsn)

    assert (await intake.read(partner))["partnerId"] == str(survivor)
    assert (await intake.read(survivor))["partnerId"] == str(partner)


@pytest.mark.requirement("ROU-17")
async def test_what_a_decision_meanwhile_leaves_undone_nobody_waits_for_of_who_comes_back(intake: Intake) -> None:
    gone, application = await intake.applicant()
    survivor = await intake.client()
    merger = await merge(intake, gone, survivor)
    refused = {"outcome": "refused", "reason": "elders in dienst"}
    await intake.done(f"/applications/{application}/decisions", refused)

    await undo(intake, merger)

    told = [(each.subject, each.data.due_on) for each in await intake.said(TermSet)]
    assert told == [(gone, date(2024, 2, 8)), (survivor, None), (gone, None)]
    assert await intake.rows("SELECT 1 FROM deadlines WHERE kind = 'information_session' AND state = 'open'") == []


async def test_nobody_comes_back_whose_identity_was_erased(intake: Intake) -> None:
    gone, survivor = await intake.client(), await intake.client()
    merger = await merge(intake, gone, survivor)
    async with intake.service.office.in_background() as work:
        work.publish(survivor, "GM0626", ClientErased(occurred_on=work.today, by="clock"))

    assert (await undo(intake, merger)).json()["type"].endswith("/cannot-undo-merger")


async def test_where_policy_has_no_term_a_merger_stands(intake: Intake) -> None:
    merger = await merge(intake, await intake.client(), await intake.client())
    async with intake.service.office.in_background() as work:
        await work.session.execute(text("UPDATE mergers SET undo_until = NULL"))

    assert (await undo(intake, merger)).json()["type"].endswith("/cannot-undo-merger")


async def test_what_was_entered_about_the_survivor_meanwhile_stays_there(intake: Intake) -> None:
    gone, survivor = await intake.client(language="ti"), await intake.client()
    merger = await merge(intake, gone, survivor)
    application = await intake.apply(survivor)
    headers = intake.token() | {"If-Match": "*"}
    await intake.service.http.patch(f"/v1/clients/{survivor}", json={"language": "ar"}, headers=headers)

    await undo(intake, merger)

    assert (await intake.get(f"/applications/{application}")).json()["clientId"] == str(survivor)
    assert [(await intake.read(each))["language"] for each in (gone, survivor)] == ["ti", "ar"]


async def test_a_decision_taken_meanwhile_goes_back_with_the_application_sealed_for_its_applicant(
    intake: Intake,
) -> None:
    gone, application = await intake.applicant()
    survivor = await intake.client()
    merger = await merge(intake, gone, survivor)
    await intake.done(f"/applications/{application}/decisions", {"outcome": "refused", "reason": "elders in dienst"})

    await undo(intake, merger)

    [[client, state, reason]] = await intake.rows("SELECT client_id, state, reason FROM applications")
    assert (client, state) == (gone, "refused")
    [[key_id, wrapped]] = await intake.rows("SELECT key_id, wrapped_key FROM clients WHERE id = :id", id=gone)
    seal = intake.service.app.state.vault.seal_of(gone, key_id, bytes(wrapped))
    assert seal.open(bytes(reason), "applications", "reason", application) == "elders in dienst"


async def test_partners_are_each_others_again_unless_one_found_another(intake: Intake) -> None:
    bsn = next(intake.bsns)
    gone, partner = await intake.client(partnerBsn=bsn), await intake.client(bsn=bsn)
    survivor = await intake.client()
    merger = await merge(intake, gone, survivor)
    assert (await intake.read(partner))["partnerId"] == str(survivor)

    await undo(intake, merger)

    assert (await intake.read(partner))["partnerId"] == str(gone)
    assert (await intake.read(gone))["partnerId"] == str(partner)
    assert (await intake.read(survivor))["partnerId"] is None


async def test_terms_run_for_whose_they_are_and_what_passed_meanwhile_is_told_of_them(intake: Intake) -> None:
    gone, _ = await intake.applicant()
    survivor = await intake.client()
    merger = await merge(intake, gone, survivor)
    await intake.move_to(date(2024, 2, 12))
    assert [each.subject for each in await intake.said(InformationSessionDue)] == [survivor]

    await undo(intake, merger)
    await intake.move_to(date(2024, 2, 13))

    told = [(each.subject, each.data.due_on) for each in await intake.said(InformationSessionDue)]
    assert [subject for subject, _ in told] == [survivor, gone]
    assert len({due_on for _, due_on in told}) == 1


async def test_birthdays_that_passed_meanwhile_are_told_on_their_day(intake: Intake) -> None:
    gone, survivor = await intake.client(birthDate="1997-03-01"), await intake.client()
    merger = await merge(intake, gone, survivor)
    await intake.move_to(date(2024, 3, 20))
    assert await intake.said(AgeBandChanged, gone) == []

    await undo(intake, merger)
    await intake.move_to(date(2024, 3, 21))

    changed = [(each.data.occurred_on, each.data.age_band) for each in await intake.said(AgeBandChanged, gone)]
    assert changed == [(date(2024, 3, 1), "27")]
    await intake.move_to(date(2025, 3, 2))
    assert [each.data.age_band for each in await intake.said(AgeBandChanged, gone)] == ["27", "28-44"]
    assert (await intake.read(gone))["ageBand"] == "28-44"


async def test_an_attendance_that_was_dropped_as_double_is_there_again(intake: Intake) -> None:
    gone, survivor = await intake.client(), await intake.client()
    session = await intake.done(
        "/information-sessions", {"municipality": "GM0626", "heldOn": "2024-01-31", "place": "Raadhuis", "capacity": 9}
    )
    only = await intake.done(
        "/information-sessions", {"municipality": "GM0626", "heldOn": "2024-01-30", "place": "Raadhuis", "capacity": 9}
    )
    await intake.done(f"/information-sessions/{session['id']}/attendances", {"attended": [str(gone), str(survivor)]})
    await intake.done(f"/information-sessions/{only['id']}/attendances", {"attended": [str(gone)]})
    before = await intake.rows("SELECT session_id, client_id FROM attendances ORDER BY 1, 2")
    merger = await merge(intake, gone, survivor)
    assert len(await intake.rows("SELECT 1 FROM attendances")) == 2

    await undo(intake, merger)

    assert await intake.rows("SELECT session_id, client_id FROM attendances ORDER BY 1, 2") == before


async def test_what_others_said_late_of_who_had_gone_is_theirs(intake: Intake) -> None:
    gone, survivor = await intake.client(), await intake.client()
    assigned = CaseworkerAssigned(
        occurred_on=date(2024, 2, 1), by=STAFF, caseworker_id="anna", role="work_consultant", occasion="categorised"
    )
    await intake.hear(survivor, assigned.model_copy(update={"caseworker_id": "bert"}))
    merger = await merge(intake, gone, survivor)
    await intake.hear(gone, assigned)
    await intake.hear(gone, AssessmentCompleted(occurred_on=date(2024, 2, 1), by=STAFF, assessment_id=new_id()))

    await undo(intake, merger)
    await intake.hear(gone, ClientExited(occurred_on=date(2024, 2, 2), by=STAFF, exit_id=new_id(), reason="work"))

    rows = await intake.rows("SELECT client_id, caseworker_id, diagnosed_on, exited_on FROM standings")
    assert {row[0]: row[1:] for row in rows} == {
        gone: ("anna", date(2024, 2, 1), date(2024, 2, 2)),
        survivor: ("bert", None, None),
    }


async def test_the_same_two_can_be_merged_and_undone_again(intake: Intake) -> None:
    gone, application = await intake.applicant()
    survivor = await intake.client()
    for _ in range(2):
        await undo(intake, await merge(intake, gone, survivor))

    assert (await intake.get(f"/applications/{application}")).json()["clientId"] == str(gone)
    assert len({each.data.merger_id for each in await intake.said(MergerUndone)}) == 2


async def test_a_merger_is_forgotten_after_the_term(intake: Intake) -> None:
    await merge(intake, (await intake.applicant())[0], await intake.client())
    assert await intake.rows("SELECT 1 FROM remembered_mergers")

    await intake.move_to(date(2024, 6, 15))

    assert await intake.rows("SELECT 1 FROM remembered_mergers") == []


async def test_versions_go_on_when_a_merger_is_undone(intake: Intake) -> None:
    gone, survivor = await intake.client(language="ti"), await intake.client()
    merger = await merge(intake, gone, survivor)
    await undo(intake, merger)

    rows = await intake.rows("SELECT id, version FROM clients")
    signed = await intake.rows("SELECT key, max(version) FROM changes WHERE entity = 'clients' GROUP BY key")
    assert {str(id): version for id, version in rows} == dict(signed) == {str(gone): 3, str(survivor): 3}


async def test_what_the_survivor_did_at_the_gate_who_had_gone_has_still_to_do(intake: Intake) -> None:
    gone, application = await intake.applicant()
    survivor = await intake.client()
    merger = await merge(intake, gone, survivor)
    await intake.done(f"/clients/{survivor}/deaths")

    await undo(intake, merger)
    await intake.move_to(date(2024, 2, 9))

    assert (await intake.get(f"/applications/{application}")).json()["state"] == "filed"
    assert [each.subject for each in await intake.said(InformationSessionDue)] == [gone]
    assert (await intake.read(survivor))["state"] == "deceased"


async def test_who_is_dead_by_one_registration_only_is_not_merged_until_a_person_says_what_is_so(
    intake: Intake,
) -> None:
    (dead, _), (other, _) = await intake.applicant(), await intake.applicant()
    await intake.done(f"/clients/{dead}/deaths", {"on": "2024-01-20"})

    for gone, into in ((dead, other), (other, dead)):
        refused = await intake.refused(f"/clients/{gone}/mergers", {"into": str(into)})
        assert refused["type"].endswith("/cannot-merge")
        assert "Record the death of the other too, or take it back" in refused["detail"]

    await intake.done(f"/clients/{other}/deaths", {"on": "2024-01-20"})
    merger = await merge(intake, dead, other)
    survivor = await intake.read(other)
    assert (survivor["state"], survivor["endedOn"]) == ("deceased", "2024-01-20")
    await intake.move_to(date(2024, 3, 1))
    assert await intake.said(InformationSessionDue) == []
    await intake.done(f"/clients/{other}/restorations", {"reason": "Naamgenoot"})
    await undo(intake, merger)
    assert [(await intake.read(each))["state"] for each in (dead, other)] == ["deceased", "registered"]


async def test_who_moved_away_goes_and_who_lives_here_stays(intake: Intake) -> None:
    moved, here = await intake.client(), await intake.client()
    await intake.done(f"/clients/{moved}/departures", {"on": "2024-01-20"})

    refused = await intake.refused(f"/clients/{here}/mergers", {"into": str(moved)})
    assert "merge them the other way round" in refused["detail"]
    merger = await merge(intake, moved, here)
    assert (await intake.read(moved))["state"] == "registered"
    await undo(intake, merger)

    states = [((await intake.read(each))["state"], (await intake.read(each))["endedOn"]) for each in (moved, here)]
    assert states == [("moved_away", "2024-01-20"), ("registered", None)]
