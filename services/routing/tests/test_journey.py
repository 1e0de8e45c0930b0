"""The main path: categorised, guided, 24 months, handed over, spoken, referred."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from chassis.ids import new_id
from contracts.partners import ReferralEnded
from contracts.routing import (
    CaseworkerAssigned,
    ConversationDue,
    HandoverAccepted,
    HandoverDue,
    HandoverEscalated,
    ParticipationRecorded,
    ReferralRequested,
    RouteEnded,
    RouteStarted,
)

if TYPE_CHECKING:
    from tests.conftest import Routing


async def test_from_category_to_participation_and_a_referral(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("1B")

    assigned = (await routing.said(CaseworkerAssigned, client))[0].data
    assert (assigned.caseworker_id, assigned.role, assigned.occasion) == ("work-1", "work_consultant", "categorised")
    assert assigned.by == "staff:s-2"

    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    assert [each.data.route for each in await routing.said(RouteStarted, client)] == ["focus_op_werk"]
    assert await routing.due_on(client, "longest_stay") == "2023-09-01"

    await routing.move_to(date(2023, 8, 31))
    assert await routing.said(HandoverDue, client) == []
    await routing.move_to(date(2023, 9, 1))
    due = (await routing.said(HandoverDue, client))[0].data
    assert (due.to_track, due.reason, due.due_on, due.by) == (
        "participation",
        "longest_stay",
        date(2023, 9, 1),
        "clock",
    )

    accepted = await routing.hand_over(client)
    assert accepted["state"] == "accepted"
    assert len(await routing.said(HandoverAccepted, client)) == 1
    assert [each.data.outcome for each in await routing.said(RouteEnded, client)] == ["handover"]
    taken_over = (await routing.said(CaseworkerAssigned, client))[-1].data
    assert (taken_over.caseworker_id, taken_over.previous_id, taken_over.occasion) == ("income-1", "work-1", "handover")
    assert await routing.due_on(client, "first_conversation") == "2024-09-01"

    await routing.done(f"/clients/{client}/conversations", {"kind": "face_to_face", "option": 1})
    assert [each.data.form for each in await routing.said(ParticipationRecorded, client)] == ["volunteer"]
    asked = (await routing.said(ReferralRequested, client))[0].data
    assert (asked.partner, asked.purpose, asked.partner_kind) == ("woej", "participation", "welfare")
    assert await routing.due_on(client, "review") == "2024-09-01"

    ended = ReferralEnded(
        occurred_on=routing.today, by="partner:woej", referral_id=asked.referral_id, partner="woej", outcome="completed"
    )
    await routing.hear(client, ended)
    referral = (await routing.journey(client))["referrals"][0]
    assert (referral["state"], referral["outcome"]) == ("ended", "completed")


@pytest.mark.requirement("ROU-5")
async def test_a_handover_that_nobody_accepts_is_escalated_the_day_after_and_can_still_be_accepted(
    routing: Routing,
) -> None:
    await routing.staff()
    client = await routing.client("1B")
    await routing.hear(client, routing.categorised("2A", "participation"))
    handover = (await routing.handover(client))["id"]
    prepared = await routing.done(f"/handovers/{handover}/preparations", {"note": "Please call first"})
    assert prepared["acceptBy"] == "2021-09-15"

    await routing.move_to(date(2021, 9, 15))
    assert await routing.said(HandoverEscalated, client) == []
    await routing.move_to(date(2021, 9, 16))
    assert len(await routing.said(HandoverEscalated, client)) == 1
    assert len((await routing.get("/handovers", escalated=True)).json()["items"]) == 1

    await routing.done(f"/handovers/{handover}/acceptances")
    assert (await routing.journey(client))["track"] == "participation"


@pytest.mark.requirement("ROU-4", "ROU-7")
async def test_option_five_leaves_the_next_step_to_a_diagnosis_which_hands_back_and_the_stay_starts_anew(
    routing: Routing,
) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    assert await routing.due_on(client, "first_conversation") == "2022-09-01"
    await routing.done(f"/clients/{client}/conversations", {"kind": "face_to_face", "option": 5})
    assert await routing.said(ReferralRequested, client) == []
    assert await routing.said(ParticipationRecorded, client) == []

    await routing.hear(client, routing.categorised("1C", "reintegration"))
    handover = await routing.handover(client)
    assert (handover["toTrack"], handover["reason"]) == ("reintegration", "readiness")
    await routing.hand_over(client)
    assert await routing.deadline(client, "review") is None
    assert await routing.deadline(client, "longest_stay") is None

    await routing.move_to(date(2021, 9, 20))
    await routing.done(f"/clients/{client}/routes", {"route": "development_route"})
    assert await routing.due_on(client, "longest_stay") == "2023-09-20"


@pytest.mark.requirement("ROU-6", "ROU-15")
async def test_a_conversation_that_is_not_held_is_due_once(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    await routing.move_to(date(2022, 9, 3))
    due = await routing.said(ConversationDue, client)
    assert [(each.data.kind, each.data.due_on, each.data.occurred_on) for each in due] == [
        ("first_conversation", date(2022, 9, 1), date(2022, 9, 1))
    ]


async def test_a_category_before_the_registration_leads_to_the_same(routing: Routing) -> None:
    await routing.staff()
    client = new_id()
    await routing.hear(client, routing.categorised("1A", "reintegration", age_band="21-26"))
    await routing.hear(client, routing.registered(age_band="18-20"))
    journey = await routing.journey(client)
    assert (journey["caseworkerId"], journey["track"]) == ("work-1", "reintegration")
    assert journey["householdId"] is not None
    assert [route["id"] for route in journey["openRoutes"]] == [
        "focus_op_werk",
        "academy",
        "network_cafe",
        "wsp_mediation",
    ]
