"""Participation: a first conversation within a year, then a review every year, and the five ways in which it ends."""

from datetime import date
from typing import Any

import pytest

from contracts.diagnosis import DiagnosisInvited
from contracts.routing import (
    ConversationDue,
    ParticipationRecorded,
    ReferralRequested,
    ReferralWithdrawn,
    ReviewDue,
    ReviewHeld,
)
from policy import Term
from tests.support.paths import SHARED, VOORSCHOTEN, Traveller, path

YEAR = Term(years=1)
WELFARE = {
    "GM1916": ["woej", "woej", "sport-en-welzijn"],
    "GM0629": ["vrijwilligerscentrale"] * 3,
    "GM0626": ["voor-elkaar"] * 3,
}
"""To whom the first three options lead."""


async def speaks(client: Traveller, **said: Any) -> dict[str, Any]:
    """Has a conversation today, of the yearly kind unless it says otherwise."""
    return await client.post("routing", f"/clients/{client.id}/conversations", {"kind": "review", **said})


async def due_on(client: Traveller, kind: str) -> date:
    """When what is awaited is due."""
    return date.fromisoformat((await client.deadline(kind))["dueOn"])


@pytest.mark.requirement("ROU-6", "ROU-15")
@path(*SHARED, VOORSCHOTEN)
async def test_the_first_conversation_is_within_a_year_and_then_a_review_every_year(client: Traveller) -> None:
    await client.enters(distance_months=36)
    entered = date.fromisoformat((await client.journey())["trackSince"])
    first = YEAR.after(entered)
    assert await due_on(client, "first_conversation") == first
    await client.until(first)
    await client.settles()
    assert [(each.kind, each.due_on) for each in await client.heard(ConversationDue)] == [("first_conversation", first)]
    await speaks(client, kind="face_to_face", option=4)
    spoken = client.today
    assert await due_on(client, "review") == YEAR.after(spoken)

    await client.days(200)
    await speaks(client, kind="telephone", faceToFace=False)
    assert await due_on(client, "review") == YEAR.after(spoken), "once a year is face to face"
    await client.until(YEAR.after(spoken))
    await client.settles()
    assert [each.due_on for each in await client.heard(ReviewDue)] == [YEAR.after(spoken)]
    await speaks(client, faceToFace=False, homeVisit=True, option=4)
    assert await due_on(client, "review") == YEAR.after(client.today), "who cannot come is visited"
    assert [(each.home_visit, each.option) for each in await client.heard(ReviewHeld)] == [(True, 4)]


@pytest.mark.requirement("ROU-7")
@path(*SHARED, VOORSCHOTEN)
async def test_three_forms_of_taking_part_lead_to_the_welfare_organisation(client: Traveller) -> None:
    await client.enters(distance_months=36)
    for option in (1, 2, 3):
        held = await speaks(client, option=option)
        await client.settles()
        [open_one] = [each for each in (await client.journey())["referrals"] if each["state"] != "withdrawn"]
        assert open_one["partner"] == WELFARE[client.place.code][option - 1]
        await client.post("routing", f"/conversations/{held['id']}/cancellations", {"reason": "Proefgesprek."})
        await client.settles()
    forms = [each.form for each in await client.heard(ParticipationRecorded)]
    assert forms == ["volunteer", "informal_care", "social_activity"]
    assert len(await client.heard(ReferralRequested)) == len(await client.heard(ReferralWithdrawn)) == 3


@pytest.mark.requirement("ROU-7", "ROU-19")
@path(*SHARED, VOORSCHOTEN)
async def test_the_fifth_option_leads_to_a_diagnosis_and_not_when_it_is_corrected(client: Traveller) -> None:
    await client.enters(distance_months=36)
    held = await speaks(client, option=5)
    await client.settles()
    assert "conversation" in [each.reason for each in await client.heard(DiagnosisInvited)]
    path = f"/invitations?municipality={client.town.code}&reason=conversation&limit=200"
    assert client.id in [each["clientId"] for each in (await client.get("diagnosis", path))["items"]]
    body = {"kind": "review", "heldOn": client.today.isoformat(), "option": 4, "reason": "Optie verwisseld."}
    await client.post("routing", f"/conversations/{held['id']}/corrections", body)
    await client.settles()
    assert client.id not in [each["clientId"] for each in (await client.get("diagnosis", path))["items"]]
    assert not await client.heard(ReferralRequested)
