from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from contracts.partners import (
    PartnerSignalled,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralDeclined,
    ReferralEnded,
    ReferralOverdue,
    ReferralScheduled,
    ReferralSent,
    ReferralWaiting,
)
from contracts.routing import ParticipationRecorded, ReferralRequested, ReferralWithdrawn, ReviewHeld

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

    from contracts.partners import ReferralEvent


async def asked(routing: Routing) -> tuple[UUID, Any]:
    await routing.staff("GM0451")
    client = await routing.client("40-70", municipality="GM0451", prospect_of_work=True)
    return client, (await routing.said(ReferralRequested, client))[0].data


async def tell(routing: Routing, client: UUID, *events: type[ReferralEvent], **more: Any) -> dict[str, Any]:
    request = (await routing.said(ReferralRequested, client))[-1].data
    for event in events:
        told = event(
            occurred_on=routing.today, by="clock", referral_id=request.referral_id, partner=request.partner, **more
        )
        await routing.hear(client, told, municipality="GM0451")
    found: dict[str, Any] = (await routing.journey(client))["referrals"][-1]
    return found


@pytest.mark.requirement("PAR-4")
async def test_a_category_refers_at_once_and_not_twice(routing: Routing) -> None:
    client, request = await asked(routing)
    assert (request.partner, request.purpose, request.rule) == ("am-match", "guidance_to_work", "am-match-first")
    again = routing.categorised("40-70", "reintegration", prospect_of_work=True, confirmed="reconfirmed")
    await routing.hear(client, again, municipality="GM0451")
    await tell(routing, client, ReferralSent, ReferralAccepted)
    ended = await tell(routing, client, ReferralEnded, outcome="returned")
    assert (ended["state"], ended["outcome"]) == ("ended", "returned")
    await routing.hear(client, again, municipality="GM0451")
    assert len(await routing.said(ReferralRequested, client)) == 1
    assert "municipal_mediation" in [each["id"] for each in (await routing.journey(client))["openRoutes"]]


async def test_what_the_category_no_longer_calls_for_is_taken_back(routing: Routing) -> None:
    client, _ = await asked(routing)
    await routing.hear(client, routing.categorised("70-100", "reintegration"), municipality="GM0451")
    assert [each.data.reason for each in await routing.said(ReferralWithdrawn, client)] == ["recategorised"]
    late = await tell(routing, client, ReferralAcknowledged)
    assert late["state"] == "withdrawn", "what partners says of a closed referral does not open it"


async def test_the_steps_of_a_partner_show_on_the_journey(routing: Routing) -> None:
    client, _ = await asked(routing)
    assert (await tell(routing, client, ReferralWaiting))["state"] == "waiting"
    session = await tell(routing, client, ReferralScheduled, group_id=client, session_on=date(2021, 10, 1))
    assert (session["state"], session["sessionOn"], session["groupId"]) == ("scheduled", "2021-10-01", str(client))
    overdue = await tell(routing, client, ReferralSent, ReferralOverdue, step="accept", due_on=routing.today)
    assert (overdue["state"], overdue["overdueStep"]) == ("sent", "accept")
    declined = await tell(routing, client, ReferralDeclined)
    assert (declined["state"], declined["overdueStep"]) == ("declined", None)


@pytest.mark.requirement("ROU-7")
async def test_each_option_leads_where_the_pack_says(routing: Routing) -> None:
    await routing.staff()
    leads_to = {1: ("volunteer", "woej"), 2: ("informal_care", "woej"), 3: ("social_activity", "sport-en-welzijn"),
                4: ("none", None), 5: (None, None)}  # fmt: skip
    for option, (form, partner) in leads_to.items():
        client = await routing.client("3A", "participation")
        await routing.done(f"/clients/{client}/conversations", {"kind": "review", "option": option})
        assert [each.data.option for each in await routing.said(ReviewHeld, client)] == [option]
        assert [each.data.form for each in await routing.said(ParticipationRecorded, client)] == (
            [form] if form else []
        )
        assert [each.data.partner for each in await routing.said(ReferralRequested, client)] == (
            [partner] if partner else []
        )


async def test_a_second_conversation_asks_a_partner_that_is_busy_with_the_client_no_second_time(
    routing: Routing,
) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    for _ in range(2):
        await routing.done(f"/clients/{client}/conversations", {"kind": "review", "option": 1})
    assert len(await routing.said(ReferralRequested, client)) == 1
    assert len(await routing.said(ParticipationRecorded, client)) == 2


async def test_an_option_that_cannot_be_is_refused(routing: Routing) -> None:
    await routing.staff()
    at_work, taking_part = await routing.client(), await routing.client("3A", "participation")
    assert (
        await routing.post(f"/clients/{at_work}/conversations", {"kind": "telephone", "option": 1})
    ).status_code == 409
    wrong = await routing.post(f"/clients/{taking_part}/conversations", {"kind": "face_to_face", "option": 6})
    assert wrong.json()["errors"] == [{"detail": "choose from 1, 2, 3, 4, 5", "pointer": "#/option"}]


async def test_a_conversation_entered_late_does_not_bring_the_review_forward(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    await routing.move_to(date(2022, 3, 1))
    await routing.done(f"/clients/{client}/conversations", {"kind": "review"})
    await routing.done(f"/clients/{client}/conversations", {"kind": "review", "heldOn": "2022-01-01"})
    assert await routing.due_on(client, "review") == "2023-03-01"
    call = {"kind": "review", "faceToFace": False}
    await routing.move_to(date(2022, 5, 1))
    await routing.done(f"/clients/{client}/conversations", call)
    assert await routing.due_on(client, "review") == "2023-03-01", "a call is no review"
    await routing.done(f"/clients/{client}/conversations", {**call, "homeVisit": True})
    assert await routing.due_on(client, "review") == "2023-05-01"


async def test_a_partners_signal_shows_on_the_journey(routing: Routing) -> None:
    client = await routing.client("3A", "participation")
    signal = PartnerSignalled(
        occurred_on=routing.today, by="partner:woej", partner="woej", signal="ready_for_next_step"
    )
    await routing.hear(client, signal)
    assert [each["signal"] for each in (await routing.journey(client))["partnerSignals"]] == ["ready_for_next_step"]
