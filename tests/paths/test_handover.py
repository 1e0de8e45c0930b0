"""The handover between the tracks, both ways: prepared, accepted in time or escalated, or returned with the reason."""

from datetime import date, timedelta

import pytest

from contracts.diagnosis import DiagnosisInvited
from contracts.routing import (
    CaseworkerAssigned,
    HandoverAccepted,
    HandoverDue,
    HandoverEscalated,
    HandoverPrepared,
    HandoverReturned,
    RouteEnded,
)
from policy import Term
from tests.support.paths import EVERYWHERE, LEIDSCHENDAM, SHARED, VOORSCHOTEN, WASSENAAR, Traveller, path
from tests.support.standings import in_participation, towards_work

LONGEST, TO_ACCEPT = Term(months=24), timedelta(days=14)


async def stay_ends(client: Traveller) -> date:
    """The end of the longest stay, as it stands now."""
    return date.fromisoformat((await client.deadline("longest_stay"))["dueOn"])


@pytest.mark.requirement("ROU-5")
@path(*EVERYWHERE)
async def test_a_handover_is_returned_with_the_reason_prepared_again_escalated_and_accepted(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    await client.days(10)
    await client.is_categorised(**in_participation(client.place))
    await client.settles()
    due = await client.handover("due")
    refused = await client.tries("routing", f"/handovers/{due['id']}/acceptances")
    assert refused["type"].endswith("/handover-not-prepared")
    await client.prepared(due["id"])
    await client.days(3)
    reason = {"reason": "De afspraken over schulden ontbreken."}
    returned = await client.post("routing", f"/handovers/{due['id']}/returns", reason)
    assert (returned["state"], returned["returnReason"]) == ("returned", reason["reason"])
    await client.days(20)
    assert not await client.heard(HandoverEscalated), "what was returned is waited for by nobody"

    await client.prepared(due["id"])
    accept_by = client.today + TO_ACCEPT
    assert [each.accept_by for each in await client.heard(HandoverPrepared)][-1] == accept_by
    await client.until(accept_by)
    assert not await client.heard(HandoverEscalated), "the last day is in time"
    await client.days(1)
    assert len(await client.heard(HandoverEscalated)) == 1
    await client.accepted(due["id"])
    await client.settles()
    assert (await client.journey())["track"] == due["toTrack"]
    assert len(await client.heard(HandoverReturned)) == len(await client.heard(HandoverAccepted)) == 1
    assert (await client.heard(CaseworkerAssigned))[-1].occasion == "handover"


@pytest.mark.requirement("ROU-4", "CAL-3")
@path(LEIDSCHENDAM, WASSENAAR, VOORSCHOTEN)
async def test_twenty_four_months_without_work_lead_to_participation_and_days_of_illness_do_not_count(
    client: Traveller,
) -> None:
    await client.enters(distance_months=20)
    await client.starts("focus_op_werk")
    end = LONGEST.after(client.today)
    assert await stay_ends(client) == end
    for days in (10, 25):
        await client.days(30)
        ill = await client.post("routing", f"/clients/{client.id}/suspensions", {"reason": "illness"})
        await client.days(1)
        assert (await client.deadline("longest_stay", state="suspended"))["dueOn"] is None
        await client.days(days - 1)
        await client.post("routing", f"/suspensions/{ill['id']}/ends")
        end += timedelta(days=days)
        assert await stay_ends(client) == end
    assert len((await client.deadline("longest_stay"))["because"]) >= 3
    await client.until(end - timedelta(days=1))
    assert not await client.heard(HandoverDue)
    await client.until(end)
    [due] = await client.heard(HandoverDue)
    assert (due.reason, due.to_track, due.due_on, due.by) == ("longest_stay", "participation", end, "clock")
    await client.is_handed_over()
    assert "handover" in [each.outcome for each in await client.heard(RouteEnded)]
    assert (await client.deadline("first_conversation"))["dueOn"]


@pytest.mark.requirement("ROU-4", "ROU-5", "ROU-7")
@path(*SHARED, VOORSCHOTEN)
async def test_back_to_work_comes_after_a_new_diagnosis_and_the_term_starts_anew(client: Traveller) -> None:
    await client.enters(distance_months=36)
    await client.days(60)
    await client.talks(option=5)
    await client.settles()
    assert "conversation" in [each.reason for each in await client.heard(DiagnosisInvited)]
    assert not await client.heard(HandoverDue), "a new diagnosis comes first"
    await client.is_categorised(distance_months=10)
    await client.settles()
    [due] = await client.heard(HandoverDue)
    assert (due.reason, due.to_track) == ("readiness", "reintegration")
    await client.is_handed_over()
    assert not [each for each in (await client.journey())["deadlines"] if each["kind"] == "longest_stay"]
    await client.days(5)
    await client.starts("development_route")
    assert await stay_ends(client) == LONGEST.after(client.today)
