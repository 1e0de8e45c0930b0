"""What diagnosis hears: who is invited, who is taken over, and for whom everything stops."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts import Event
from contracts.diagnosis import ClientCategorised, ExemptionEnded, ExemptionGranted, ReassessmentDue
from contracts.intake import (
    AgeBandChanged,
    ApplicationWithdrawn,
    CaseImported,
    ClientDeceased,
    ClientErased,
    ClientMovedAway,
    ClientRegistrationUndone,
    ClientsMerged,
    InformationSessionHeld,
    NotificationReceived,
    RegistrationRestored,
    RestPeriodEnded,
)
from contracts.partners import PartnerSignalled
from contracts.routing import (
    ClientExited,
    ClientReturned,
    ConversationCancelled,
    ConversationHeld,
    ExitReverted,
    HandoverCancelled,
    HandoverDue,
    ReviewHeld,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Diagnosis


DAY = date(2024, 2, 1)
HEAD: dict[str, Any] = {"occurred_on": DAY, "by": "staff:s-9"}


def session(*, attended: bool = True) -> InformationSessionHeld:
    return InformationSessionHeld(**HEAD, session_id=new_id(), attended=attended)


def conversation(option: int | None) -> ConversationHeld:
    return ConversationHeld(**HEAD, conversation_id=new_id(), kind="face_to_face", option=option)


def handover(reason: Any) -> HandoverDue:
    return HandoverDue(**HEAD, handover_id=new_id(), to_track="reintegration", reason=reason, due_on=DAY)


def signal(kind: Any) -> PartnerSignalled:
    return PartnerSignalled(**HEAD, partner="voor-elkaar", signal=kind)


INVITES: list[tuple[Event, str, str | None]] = [
    (session(), "information_session", None),
    (RestPeriodEnded(**HEAD), "rest_period", None),
    (conversation(5), "conversation", "conversation"),
    (ReviewHeld(**HEAD, conversation_id=new_id(), option=5), "conversation", "conversation"),
    (signal("ready_for_next_step"), "partner_signal", "partner_signal"),
    (handover("readiness"), "handover", "handover"),
]


@pytest.mark.requirement("INT-13")
async def test_what_was_entered_late_from_before_the_first_policy_stops_nobody(diagnosis: Diagnosis) -> None:
    client, long_ago = await diagnosis.client(), {"occurred_on": date(1998, 1, 5)}

    await diagnosis.hear(client, conversation(5).model_copy(update=long_ago))

    [invitation] = await diagnosis.invitations(client)
    assert invitation["reason"] == "conversation"


@pytest.mark.parametrize(("event", "reason", "due"), INVITES, ids=lambda each: type(each).__name__)
async def test_who_is_invited_and_why(diagnosis: Diagnosis, event: Event, reason: str, due: str | None) -> None:
    client = await diagnosis.client()
    await diagnosis.hear(client, event)
    [invitation] = await diagnosis.invitations(client)
    assert (invitation["reason"], invitation["invitedOn"]) == (reason, DAY.isoformat())
    said = [each.data for each in await diagnosis.said(Event, client)]
    assert {each.by for each in said} == {"staff:s-9"}
    assert [each.reason for each in said if isinstance(each, ReassessmentDue)] == ([due] if due else [])
    assert (await diagnosis.types(client))[-1] == "diagnosis-invited"


@pytest.mark.requirement("INT-13")
@pytest.mark.parametrize("at_once", [False, True])
async def test_who_was_not_at_the_session_after_all_is_not_waited_for(diagnosis: Diagnosis, *, at_once: bool) -> None:
    client, there = await diagnosis.client(), session()
    not_there = there.model_copy(update={"attended": False})
    for each in [[there, not_there]] if at_once else [[there], [not_there]]:
        await diagnosis.hear(client, *each)
    assert await diagnosis.invitations(client) == []
    await diagnosis.hear(
        client, session(), session(attended=False).model_copy(update={"occurred_on": date(1998, 1, 5)})
    )
    assert len(await diagnosis.invitations(client)) == 1


@pytest.mark.parametrize(
    "event",
    [
        session(attended=False),
        conversation(4),
        conversation(None),
        signal("needs_attention"),
        handover("longest_stay"),
        handover("categorised"),
    ],
)
async def test_who_is_not_invited(diagnosis: Diagnosis, event: Event) -> None:
    client = await diagnosis.client()
    await diagnosis.hear(client, event)
    assert await diagnosis.types(client) == []


async def test_what_an_option_leads_to_is_the_policys(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client("GM0451")
    await diagnosis.hear(client, conversation(5), municipality="GM0451")
    assert await diagnosis.types(client) == []


async def test_one_is_invited_once_for_a_reason_until_the_next_assessment(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.hear(client, session(), session(), conversation(5))
    assert [each["reason"] for each in await diagnosis.invitations(client)] == ["information_session", "conversation"]
    await diagnosis.assess(client, {"distance_months": 8})
    assert await diagnosis.invitations(client) == []
    assert {each["closedBecause"] for each in await diagnosis.invitations(client, closed=True)} == {"assessed"}
    await diagnosis.hear(client, conversation(5))
    assert len(await diagnosis.invitations(client)) == 1


async def test_a_repeated_event_changes_nothing(diagnosis: Diagnosis) -> None:
    client, event_id = await diagnosis.client(), new_id()
    record = diagnosis.service.record(event_id, client, conversation(5))
    await diagnosis.service.consumer.handle([record])
    before = await diagnosis.types(client)
    await diagnosis.service.consumer.handle([record])
    assert await diagnosis.types(client) == before


async def test_an_event_of_routing_may_come_before_the_registration(diagnosis: Diagnosis) -> None:
    client = new_id()
    await diagnosis.hear(client, conversation(5))
    assert len(await diagnosis.invitations(client)) == 1
    await diagnosis.hear(client, ClientExited(**HEAD, exit_id=new_id(), reason="work"))
    assert await diagnosis.invitations(client) == []


async def test_a_new_age_band_is_known_at_the_next_decision(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client(age_band="21-26")
    await diagnosis.hear(client, AgeBandChanged(**HEAD, age_band="27", previous="21-26"))
    await diagnosis.categorised(client, {"distance_months": 8})
    [said] = await diagnosis.said(ClientCategorised, client)
    assert said.data.traits.age_band == "27"


async def test_who_withdraws_at_the_gate_is_not_waited_for(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.hear(client, session(), conversation(5), ApplicationWithdrawn(**HEAD, application_id=new_id()))
    assert [each["reason"] for each in await diagnosis.invitations(client)] == ["conversation"]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (ClientDeceased(**HEAD), "deceased"),
        (ClientMovedAway(**HEAD), "moved_away"),
        (ClientRegistrationUndone(**HEAD), "undone"),
        (ClientExited(**HEAD, exit_id=new_id(), reason="work"), "exited"),
    ],
)
async def test_everything_open_stops(diagnosis: Diagnosis, event: Event, why: str) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, {"exemption": {"reason": "illness", "until": "2024-02-02"}})
    proposal = await diagnosis.assess(client, {"distance_months": 8})
    await diagnosis.hear(client, conversation(5), event)
    assert await diagnosis.invitations(client) == []
    assert (await diagnosis.get(f"/proposals/{proposal['id']}")).json()["state"] == "superseded"
    answer = await diagnosis.post(f"/clients/{client}/assessments", {"questionnaire": "diagnose", "facts": {}})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "journey-ended")
    said = await diagnosis.types(client)
    await diagnosis.hear(client, conversation(5))
    await diagnosis.move_to(date(2024, 2, 5))
    assert await diagnosis.types(client) == said
    assert [each["closedBecause"] for each in await diagnosis.invitations(client, closed=True)][-1] == why


async def test_a_reverted_exit_opens_what_it_closed(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, {"distance_months": 8})
    left = ClientExited(**HEAD, exit_id=new_id(), reason="work")
    await diagnosis.hear(client, conversation(5), left, ExitReverted(**HEAD, exit_id=left.exit_id))
    assert len(await diagnosis.invitations(client)) == 1
    assert (await diagnosis.confirm(proposal))["state"] == "confirmed"


async def test_who_returns_can_be_assessed_again(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, {"distance_months": 8})
    left = ClientExited(**HEAD, exit_id=new_id(), reason="work")
    await diagnosis.hear(client, left, ClientReturned(**HEAD))
    assert (await diagnosis.post(f"/proposals/{proposal['id']}/confirmations")).status_code == 409
    await diagnosis.categorised(client, {"distance_months": 2})


async def test_nobody_returns_from_the_dead(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.hear(client, ClientDeceased(**HEAD), ClientReturned(**HEAD), NotificationReceived(**HEAD))
    answer = await diagnosis.post(f"/clients/{client}/assessments", {"questionnaire": "diagnose", "facts": {}})
    assert answer.status_code == 409


EXIT_ID = new_id()


def orders(one: list[Event], other: list[Event]) -> list[list[Event]]:
    """Every way in which what two services say can be heard."""
    if not one or not other:
        return [one + other]
    return [[one[0], *rest] for rest in orders(one[1:], other)] + [[other[0], *rest] for rest in orders(one, other[1:])]


BY_MISTAKE: list[Event] = [ClientDeceased(**HEAD), RegistrationRestored(**HEAD, ended_as="deceased")]
WHAT_FOLLOWED: list[Event] = [
    ClientExited(**HEAD, exit_id=EXIT_ID, reason="deceased"), ExitReverted(**HEAD, exit_id=EXIT_ID), conversation(5),
]  # fmt: skip


@pytest.mark.requirement("INT-14")
@pytest.mark.parametrize(
    "heard", orders(BY_MISTAKE, WHAT_FOLLOWED), ids=lambda each: "-".join(type(event).__name__ for event in each)
)
async def test_a_death_that_is_taken_back_leaves_everything_as_it_was_in_whatever_order(
    diagnosis: Diagnosis, heard: list[Event]
) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, {"exemption": {"reason": "illness", "until": "2024-02-02"}})
    proposal = await diagnosis.assess(client, {"distance_months": 8})
    await diagnosis.hear(client, signal("ready_for_next_step"), *heard)
    assert {each["reason"] for each in await diagnosis.invitations(client)} == {"partner_signal", "conversation"}
    assert (await diagnosis.get(f"/proposals/{proposal['id']}")).json()["state"] == "open"
    await diagnosis.move_to(date(2024, 2, 5))
    assert len(await diagnosis.said(ExemptionEnded, client)) == 1
    await diagnosis.confirm(proposal)


async def test_a_departure_that_is_taken_back_opens_nothing_of_an_earlier_one(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    moved, back = ClientMovedAway(**HEAD), NotificationReceived(**HEAD)
    await diagnosis.hear(client, conversation(5), moved, back, signal("ready_for_next_step"), moved)
    await diagnosis.hear(client, RegistrationRestored(**HEAD, ended_as="moved_away"))
    assert [each["reason"] for each in await diagnosis.invitations(client)] == ["partner_signal"]


async def test_an_imported_case_brings_its_category_and_invites_nobody(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    case = CaseImported(
        occurred_on=DAY, by="import", category="3B", track="participation", categorised_on=date(2022, 5, 1),
        exempted_until=date(2024, 2, 3), indications=("job_agreement",),
    )  # fmt: skip
    await diagnosis.hear(client, case)
    assert await diagnosis.types(client) == ["exemption-granted", "client-categorised"]
    [said] = await diagnosis.said(ClientCategorised, client)
    assert (said.data.traits.basis, said.data.receipt, said.data.occurred_on, said.data.by) == (
        "import", None, date(2022, 5, 1), "import",
    )  # fmt: skip
    assert (said.data.traits.exempted_until, said.data.traits.indications) == (date(2024, 2, 3), ("job_agreement",))
    standing = await diagnosis.standing(client)
    assert (standing["category"], standing["since"], standing["history"][0]["basis"]) == ("3B", "2022-05-01", "import")
    assert await diagnosis.invitations(client) == []
    await diagnosis.move_to(date(2024, 2, 4))
    assert (await diagnosis.types(client))[2:] == ["exemption-ended", "reassessment-due", "diagnosis-invited"]


async def test_an_imported_spell_that_ended_stays_ended(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    ended: dict[str, Any] = {"exited_on": date(2023, 3, 1), "exit_reason": "work"}
    case = CaseImported(occurred_on=DAY, by="import", category="1B", exempted_until=date(2024, 6, 1), **ended)
    await diagnosis.hear(client, case)
    assert await diagnosis.types(client) == []
    answer = await diagnosis.post(f"/clients/{client}/assessments", {"questionnaire": "diagnose", "facts": {}})
    assert answer.status_code == 409


async def test_a_spell_of_before_ends_nothing_and_one_that_runs_goes_on(diagnosis: Diagnosis) -> None:
    ended: dict[str, Any] = {"category": "3A", "exited_on": date(2023, 3, 1), "exit_reason": "work"}
    past = CaseImported(occurred_on=DAY, by="import", **ended)
    of_before = CaseImported(occurred_on=DAY, by="import", runs_here=True, **ended)
    runs = CaseImported(occurred_on=DAY, by="import", category="1B", benefit_from=date(2023, 6, 1))
    for events in ((past, runs), (of_before, runs), (runs, of_before)):
        client = await diagnosis.client()
        await diagnosis.hear(client, *events)
        assert (await diagnosis.standing(client))["category"] == "1B"
        answer = await diagnosis.post(f"/clients/{client}/assessments", {"questionnaire": "diagnose", "facts": {}})
        assert answer.status_code == 201


async def test_an_import_without_a_category_says_nothing(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.hear(client, CaseImported(occurred_on=DAY, by="import"))
    assert await diagnosis.types(client) == []


async def merge(diagnosis: Diagnosis, gone: UUID, into: UUID) -> None:
    await diagnosis.hear(gone, ClientsMerged(**HEAD, into=into))


async def test_everything_of_a_merged_client_is_the_survivors(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client(permit_holder=True)
    await diagnosis.categorised(gone, {"exemption": {"reason": "illness", "until": "2024-02-03"}})
    proposal = await diagnosis.assess(gone, {"distance_months": 8})
    await diagnosis.hear(gone, conversation(5))
    await merge(diagnosis, gone, stays)
    assert (await diagnosis.standing(gone))["clientId"] == str(stays)
    assert (await diagnosis.standing(stays))["category"] == "3B"
    assert len(await diagnosis.invitations(stays)) == 1
    await diagnosis.move_to(date(2024, 2, 4))
    [ended] = await diagnosis.said(ExemptionEnded)
    assert ended.subject == stays
    await diagnosis.confirm(proposal)
    said = await diagnosis.said(ClientCategorised, stays)
    assert (said[-1].data.traits.category, said[-1].data.old_category) == ("1B", "3B")


async def test_where_both_have_one_the_newest_holds(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    for client, until in ((stays, "2024-03-01"), (gone, "2024-02-03")):
        await diagnosis.categorised(client, {"exemption": {"reason": "illness", "until": until}})
        await diagnosis.assess(client, {"distance_months": 8})
        await diagnosis.hear(client, conversation(5))
    await merge(diagnosis, gone, stays)
    [ended] = await diagnosis.said(ExemptionEnded)
    first = (await diagnosis.said(ExemptionGranted, stays))[0]
    assert (ended.subject, ended.data.exemption_id) == (stays, first.data.exemption_id)
    assert len(await diagnosis.invitations(stays)) == 1
    proposals = (await diagnosis.get("/proposals", clientId=str(stays))).json()["items"]
    assert [each["state"] for each in proposals if each["state"] == "open"] == ["open"]
    history = (await diagnosis.standing(stays))["history"]
    assert [each["until"] is None for each in history] == [True, False]


async def test_later_events_and_requests_on_the_old_id_reach_the_survivor(diagnosis: Diagnosis) -> None:
    first, second, third = [await diagnosis.client() for _ in range(3)]
    await merge(diagnosis, first, second)
    await merge(diagnosis, second, third)
    await diagnosis.hear(first, conversation(5))
    assert len(await diagnosis.invitations(first)) == 1
    await diagnosis.categorised(first, {"distance_months": 2})
    assert (await diagnosis.standing(third))["category"] == "1A"
    [said] = await diagnosis.said(ClientCategorised)
    assert said.subject == third


async def test_an_erased_client_leaves_figures_and_no_words(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    facts = {
        "exemption": {"reason": "single_parent"}, "single_parent": True, "youngest_child_born": "2022-03-15",
    }  # fmt: skip
    proposal = await diagnosis.assess(client, facts, impression="Komt verlegen over")
    await diagnosis.done(f"/proposals/{proposal['id']}/overrides", {"category": "2A", "reason": "Vertelde veel"})
    await diagnosis.hear(client, ClientErased(**HEAD))
    [assessment] = (await diagnosis.get(f"/clients/{client}/assessments")).json()["items"]
    assert (assessment["facts"], assessment["impression"]) == ({}, None)
    receipt = (await diagnosis.get(f"/receipts/{proposal['receipt']['receiptId']}")).json()
    assert (receipt["receipt"]["facts"], receipt["decidedCategory"]) == ({}, "2A")
    assert (await diagnosis.get(f"/proposals/{proposal['id']}")).json()["overrideReason"] is None


async def test_who_died_stays_dead_whatever_comes_later(diagnosis: Diagnosis) -> None:
    client, exit_id = await diagnosis.client(), new_id()
    left = ClientExited(**HEAD, exit_id=exit_id, reason="deceased")
    await diagnosis.hear(client, ClientDeceased(**HEAD), left, ExitReverted(**HEAD, exit_id=exit_id))
    answer = await diagnosis.post(f"/clients/{client}/assessments", {"questionnaire": "diagnose", "facts": {}})
    assert answer.status_code == 409


async def test_who_left_and_came_back_under_another_id_is_back(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    await diagnosis.hear(stays, ClientExited(**HEAD, exit_id=new_id(), reason="work"))
    await merge(diagnosis, gone, stays)
    await diagnosis.categorised(gone, {"distance_months": 2})


async def test_what_merges_into_somebody_who_died_stops(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    await diagnosis.hear(gone, conversation(5))
    await diagnosis.hear(stays, ClientDeceased(**HEAD))
    await merge(diagnosis, gone, stays)
    assert await diagnosis.invitations(stays) == []


async def test_a_batch_of_many_clients_is_handled_together(diagnosis: Diagnosis) -> None:
    clients = [await diagnosis.client() for _ in range(5)]
    records = [diagnosis.service.record(new_id(), client, conversation(5)) for client in clients]
    await diagnosis.service.consumer.handle(records)
    assert len((await diagnosis.get("/invitations", reason="conversation")).json()["items"]) == 5
    left = ClientExited(**HEAD, exit_id=new_id(), reason="work")
    await diagnosis.service.consumer.handle([diagnosis.service.record(new_id(), each, left) for each in clients[:4]])
    assert [each["clientId"] for each in (await diagnosis.get("/invitations")).json()["items"]] == [str(clients[4])]


async def test_a_second_exit_taken_back_opens_nothing_of_the_first(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    first, second = (
        ClientExited(occurred_on=date(2024, 1, day), by="staff:s-9", exit_id=new_id(), reason="work")
        for day in (10, 20)
    )
    await diagnosis.hear(client, conversation(5), first, ClientReturned(**HEAD), signal("ready_for_next_step"), second)
    await diagnosis.hear(client, ExitReverted(**HEAD, exit_id=second.exit_id))
    assert [each["reason"] for each in await diagnosis.invitations(client)] == ["partner_signal"]


async def test_who_moved_away_can_return(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.hear(client, ClientMovedAway(**HEAD), NotificationReceived(**HEAD), ClientReturned(**HEAD))
    await diagnosis.categorised(client, {"distance_months": 2})


async def test_who_waits_because_of_a_handover_that_was_never_due_is_expected_no_more(diagnosis: Diagnosis) -> None:
    client, due = await diagnosis.client(), handover("readiness")
    await diagnosis.hear(client, due)
    assert [each["reason"] for each in await diagnosis.invitations(client)] == ["handover"]
    await diagnosis.hear(client, HandoverCancelled(**HEAD, handover_id=due.handover_id))
    assert len(await diagnosis.invitations(client)) == 1, "it was due: the next assessment closes the invitation"
    await diagnosis.hear(client, HandoverCancelled(**HEAD, handover_id=due.handover_id, corrects=due.handover_id))
    assert await diagnosis.invitations(client) == []


@pytest.mark.requirement("INT-13", "ROU-7")
async def test_nobody_is_invited_because_of_something_entered_late_who_was_assessed_since(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, {"distance_months": 60})
    late = conversation(5).model_copy(update={"occurred_on": DAY - timedelta(days=3)})
    await diagnosis.hear(client, late)
    assert await diagnosis.invitations(client) == []


@pytest.mark.requirement("ROU-19")
async def test_of_two_conversations_that_ask_for_a_diagnosis_one_is_left_when_the_other_never_took_place(
    diagnosis: Diagnosis,
) -> None:
    client = await diagnosis.client()
    first = conversation(5).model_copy(update={"occurred_on": DAY - timedelta(days=3)})
    second = conversation(5)
    await diagnosis.hear(client, first, second)
    never = ConversationCancelled(**HEAD, conversation_id=first.conversation_id, option=5)
    await diagnosis.hear(client, never)
    [invited] = await diagnosis.invitations(client)
    assert (invited["reason"], invited["invitedOn"]) == ("conversation", DAY.isoformat())


@pytest.mark.requirement("DIA-13")
async def test_a_correction_closes_no_invitation_that_came_after_the_assessment(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    wrong = await diagnosis.assess(client, {"distance_months": 60}, occurredOn="2024-01-25")
    await diagnosis.hear(client, conversation(5))
    body = {"facts": {"distance_months": 38}, "reason": "Verkeerde regel"}
    await diagnosis.done(f"/assessments/{wrong['assessmentId']}/corrections", body)
    assert [each["reason"] for each in await diagnosis.invitations(client)] == ["conversation"]
