"""A mistake that is taken back, or something entered late, leaves no trace in where a client stands (ROU-19)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from contracts.routing import (
    ConversationDue,
    ConversationDueCancelled,
    HandoverCancelled,
    HandoverDue,
    HandoverEscalated,
    InstrumentEnded,
    MeasureImposed,
    RouteEnded,
)
from routing.placing import CameBack, Decided, HandedOver, Place, place_of

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

    from contracts.diagnosis import ClientCategorised

DAY = date(2021, 9, 1)


def correction(routing: Routing, wrong: ClientCategorised, category: str, track: str) -> ClientCategorised:
    """Another decision in the place of a wrong one, as of its day."""
    right = routing.categorised(category, track, on=wrong.occurred_on, basis="correction")
    return right.model_copy(update={"corrects": wrong.assessment_id})


@pytest.mark.requirement("DIA-13")
async def test_a_first_decision_that_was_wrong_never_put_the_client_on_its_track(routing: Routing) -> None:
    await routing.staff()
    client, wrong = new_id(), routing.categorised("2A", "participation")
    await routing.hear(client, routing.registered(), wrong)
    await routing.move_to(date(2021, 9, 6))
    await routing.hear(client, correction(routing, wrong, "1B", "reintegration"))
    journey = await routing.journey(client)
    assert (journey["track"], journey["trackSince"], journey["category"]) == ("reintegration", "2021-09-01", "1B")
    assert journey["caseworkerRole"] == "work_consultant"
    assert await routing.said(HandoverDue, client) == []
    assert await routing.deadline(client, "first_conversation") is None


@pytest.mark.requirement("DIA-13", "ROU-5")
async def test_a_handover_because_of_a_wrong_decision_was_never_due(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.move_to(date(2021, 9, 5))
    wrong = routing.categorised("2A", "participation")
    await routing.hear(client, wrong)
    await routing.move_to(date(2021, 9, 9))
    await routing.hear(client, correction(routing, wrong, "1C", "reintegration"))
    [due], [cancelled] = await routing.said(HandoverDue, client), await routing.said(HandoverCancelled, client)
    assert cancelled.data.corrects == cancelled.data.handover_id == due.data.handover_id


async def test_a_handover_that_a_later_decision_makes_needless_was_due(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.move_to(date(2021, 9, 5))
    await routing.hear(client, routing.categorised("2A", "participation"))
    await routing.move_to(date(2021, 9, 9))
    await routing.hear(client, routing.categorised("1C", "reintegration"))
    [cancelled] = await routing.said(HandoverCancelled, client)
    assert cancelled.data.corrects is None


@pytest.mark.requirement("ROU-4", "ROU-5")
async def test_who_stayed_too_long_is_handed_over_also_when_another_handover_is_called_off(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    await routing.move_to(date(2023, 8, 20))
    wrong = routing.categorised("2A", "participation")
    await routing.hear(client, wrong)
    await routing.move_to(date(2023, 9, 4))
    assert [each.data.reason for each in await routing.said(HandoverDue, client)] == ["categorised"]
    await routing.hear(client, correction(routing, wrong, "1C", "reintegration"))
    handover = await routing.handover(client)
    assert (handover["state"], handover["reason"], handover["dueOn"]) == ("due", "longest_stay", "2023-09-01")


@pytest.mark.requirement("ROU-13", "ROU-19")
async def test_an_exit_entered_late_ends_as_of_its_day_and_no_handover_fell_due_after_it(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    await routing.move_to(date(2023, 9, 5))
    await routing.done(f"/clients/{client}/exits", {"reason": "work", "on": "2023-08-26"})
    [cancelled] = await routing.said(HandoverCancelled, client)
    assert cancelled.data.corrects == cancelled.data.handover_id
    [ended] = await routing.said(RouteEnded, client)
    assert ended.data.occurred_on == date(2023, 8, 26)


@pytest.mark.requirement("ROU-6", "ROU-19", "CAL-3")
async def test_a_conversation_entered_late_satisfies_its_term_and_takes_back_that_it_was_due(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("2A", "participation")
    await routing.move_to(date(2022, 9, 1))
    assert len(await routing.said(ConversationDue, client)) == 1
    await routing.move_to(date(2022, 9, 12))
    held = {"kind": "face_to_face", "faceToFace": True, "heldOn": "2022-08-20"}
    await routing.done(f"/clients/{client}/conversations", held)
    [taken_back] = await routing.said(ConversationDueCancelled, client)
    assert (taken_back.data.kind, taken_back.data.due_on) == ("first_conversation", date(2022, 9, 1))
    assert await routing.due_on(client, "review") == "2023-08-20"
    worklist = await routing.get(f"/worklist?scope=municipality&clientId={client}")
    assert [each["reason"] for each in worklist.json()["items"]] == ["review"]


async def test_a_conversation_held_after_its_term_leaves_that_it_was_due(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("2A", "participation")
    await routing.move_to(date(2022, 9, 12))
    held = {"kind": "face_to_face", "faceToFace": True, "heldOn": "2022-09-05"}
    await routing.done(f"/clients/{client}/conversations", held)
    assert len(await routing.said(ConversationDue, client)) == 1
    assert await routing.said(ConversationDueCancelled, client) == []


@pytest.mark.requirement("CAL-3", "ROU-19")
async def test_a_term_that_is_reckoned_anew_says_so_with_why_and_the_day_before(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("2A", "participation")
    await routing.move_to(date(2021, 9, 20))
    wrong = await routing.done(f"/clients/{client}/conversations", {"kind": "review", "faceToFace": True})
    right = {"kind": "review", "faceToFace": True, "heldOn": "2021-09-10", "reason": "Verkeerde dag"}
    await routing.move_to(date(2021, 9, 24))
    await routing.done(f"/conversations/{wrong['id']}/corrections", right)
    deadline = await routing.deadline(client, "review")
    assert deadline is not None
    assert deadline["dueOn"] == "2022-09-10"
    assert deadline["because"][-1] == (
        "Opnieuw berekend op 24-09-2021 na correctie van een gesprek van 20-09-2021; daarvoor was het 20-09-2022."
    )


async def test_what_is_entered_on_its_day_is_not_reckoned_anew(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("2A", "participation")
    await routing.done(f"/clients/{client}/conversations", {"kind": "review", "faceToFace": True})
    deadline = await routing.deadline(client, "review")
    assert deadline is not None
    assert not [line for line in deadline["because"] if line.startswith("Opnieuw")]


@pytest.mark.requirement("DIA-9", "DIA-13")
async def test_an_exemption_that_was_never_granted_suspended_nothing(routing: Routing) -> None:
    await routing.staff()
    client, exemption = await routing.client(), new_id()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    granted = ExemptionGranted(
        occurred_on=routing.today, by="staff:s-2", exemption_id=exemption, until=date(2021, 10, 30), effect="suspend"
    )
    await routing.hear(client, granted)
    await routing.move_to(date(2021, 9, 9))
    await routing.hear(client, ExemptionEnded(occurred_on=DAY, by="staff:s-2", exemption_id=exemption))
    journey = await routing.journey(client)
    assert (journey["suspensions"], journey["routes"][0]["suspendedOn"]) == ([], None)
    assert await routing.due_on(client, "longest_stay") == "2023-09-01"


@pytest.mark.requirement("CAL-3")
async def test_of_suspensions_that_overlap_a_route_stands_still_since_the_first_whatever_was_entered_first(
    routing: Routing,
) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    await routing.move_to(date(2021, 9, 20))
    for start in ("2021-09-15", "2021-09-10"):
        await routing.done(f"/clients/{client}/suspensions", {"reason": "illness", "start": start})
    assert (await routing.journey(client))["routes"][0]["suspendedOn"] == "2021-09-10"


@pytest.mark.requirement("INT-13")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("conversations", {"kind": "face_to_face", "heldOn": "2021-09-05"}),
        ("agreements", {"agreed": "Iets", "agreedOn": "2021-09-05"}),
        ("part-time-work", {"hoursPerWeek": 4, "incomePerMonth": 100, "monthFrom": "2021-09-05"}),
        ("suspensions", {"reason": "illness", "start": "2021-09-05"}),
        ("routes", {"route": "focus_op_werk", "startedOn": "2021-09-05"}),
        ("instruments", {"instrument": "cv_support", "goal": "work", "startedOn": "2021-09-05"}),
    ],
)
async def test_what_happened_before_an_exit_is_entered_after_it(
    routing: Routing, path: str, body: dict[str, Any]
) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.move_to(date(2021, 9, 10))
    await routing.done(f"/clients/{client}/exits", {"reason": "other"})
    await routing.move_to(date(2021, 9, 14))
    await routing.done(f"/clients/{client}/{path}", body)
    day = next(key for key, value in body.items() if value == "2021-09-05")
    assert (await routing.post(f"/clients/{client}/{path}", body | {day: "2021-09-12"})).status_code == 409


async def test_a_route_entered_after_the_exit_ended_with_it(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.move_to(date(2021, 9, 10))
    left = await routing.done(f"/clients/{client}/exits", {"reason": "other"})
    started = {"route": "focus_op_werk", "startedOn": "2021-09-05"}
    await routing.done(f"/clients/{client}/routes", started)
    [route] = (await routing.journey(client))["routes"]
    assert (route["endedOn"], route["outcome"]) == ("2021-09-10", "exit")
    await routing.done(f"/exits/{left['id']}/reversals", {"reason": "A mistake"})
    [route] = (await routing.journey(client))["routes"]
    assert (route["endedOn"], route["outcome"]) == (None, None)


@pytest.mark.requirement("INT-14", "ROU-9")
async def test_an_instrument_entered_after_an_exit_ended_with_it_unless_it_supports_the_client_further(
    routing: Routing,
) -> None:
    await routing.staff()
    gone, works = [await routing.client() for _ in range(2)]
    await routing.move_to(date(2021, 9, 10))
    left = await routing.done(f"/clients/{gone}/exits", {"reason": "other"})
    await routing.done(f"/clients/{works}/exits", {"reason": "work"})
    started = {"instrument": "cv_support", "goal": "work", "startedOn": "2021-09-05"}

    entered = [(await routing.done(f"/clients/{each}/instruments", started))["endedOn"] for each in (gone, works)]

    assert entered == ["2021-09-10", None]
    [ended] = await routing.said(InstrumentEnded, gone)
    assert (ended.data.occurred_on, str(ended.data.exit_id)) == (date(2021, 9, 10), left["id"])
    await routing.done(f"/exits/{left['id']}/reversals", {"reason": "A mistake"})
    [used] = (await routing.journey(gone))["instruments"]
    assert (used["endedOn"], used["outcome"]) == (None, None)


async def missed(routing: Routing) -> UUID:
    """A client who broke agreements until nothing but a measure follows."""
    client = await routing.client()
    made = await routing.done(f"/clients/{client}/agreements", {"agreed": "Iets"})
    await routing.done(f"/agreements/{made['id']}/misses")
    await routing.done(f"/agreements/{made['id']}/steps", {"step": "talk"})
    again = await routing.done(f"/clients/{client}/agreements", {"agreed": "Iets"})
    await routing.done(f"/agreements/{again['id']}/misses")
    return client


@pytest.mark.requirement("ROU-12", "INT-13")
async def test_a_measure_is_entered_late_with_the_day_of_the_decision(routing: Routing) -> None:
    await routing.staff()
    client = await missed(routing)
    await routing.move_to(date(2021, 9, 10))
    body = {"ground": "Niet gekomen", "percentage": 10, "startsOn": "2021-10-01", "endsOn": "2021-10-31"}
    for day in ("2021-08-31", "2021-09-11"):
        refused = await routing.post(f"/clients/{client}/measures", body | {"on": day})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/on")
    await routing.done(f"/clients/{client}/measures", body | {"on": "2021-09-03"})
    assert [each.data.occurred_on for each in await routing.said(MeasureImposed, client)] == [date(2021, 9, 3)]


async def test_an_escalation_is_of_the_day_on_which_the_term_was_missed(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.hear(client, routing.categorised("2A", "participation"))
    handover = (await routing.handover(client))["id"]
    await routing.move_to(date(2021, 9, 30))
    await routing.done(f"/handovers/{handover}/preparations", {"note": "Besproken", "on": "2021-09-03"})
    await routing.move_to(date(2021, 10, 1))
    [escalated] = await routing.said(HandoverEscalated, client)
    assert escalated.data.occurred_on == date(2021, 9, 18)


def decided(day: int, category: str, track: str, **more: Any) -> Decided:
    return Decided(DAY + timedelta(days=day), "staff:s-2", track, category, reason="categorised", **more)


def test_a_decision_for_another_track_asks_for_it_until_one_for_this_track() -> None:
    first, away, back = decided(0, "1B", "work"), decided(5, "2A", "social"), decided(9, "1C", "work")
    asked = place_of([first, away]).asked
    assert asked is not None
    assert (asked.track, asked.since) == ("social", DAY + timedelta(days=5))
    assert place_of([first, away, back]).asked is None
    assert place_of([first, away, back], DAY + timedelta(days=6)).asked == asked


def test_who_is_handed_over_is_not_asked_back_by_what_was_decided_before() -> None:
    place = place_of([decided(0, "1B", "work"), HandedOver(DAY + timedelta(days=30), "social")])
    assert (place.track, place.track_since, place.category, place.asked) == (
        "social", DAY + timedelta(days=30), "1B", None,
    )  # fmt: skip


def test_who_came_back_stands_nowhere_yet() -> None:
    assert place_of([decided(0, "1B", "work"), CameBack(DAY)]) == Place()
