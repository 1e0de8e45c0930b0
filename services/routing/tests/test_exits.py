from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from chassis.ids import new_id
from contracts.intake import BenefitDecided, ClientDeceased, ClientErased, ClientMovedAway, ClientRegistrationUndone
from contracts.routing import (
    AftercareEnded,
    AftercareStarted,
    AllowancesCheckDone,
    CaseworkerAssigned,
    ClientExited,
    ClientReturned,
    ExitReverted,
    HandoverCancelled,
    HandoverDue,
    ReferralRequested,
    ReferralWithdrawn,
    RouteEnded,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

VOORSCHOTEN = "GM0626"


@pytest.mark.requirement("ROU-13")
async def test_an_exit_to_work_begins_aftercare_where_policy_has_it(routing: Routing) -> None:
    routing.service.clock.restore(routing.service.clock.now().replace(year=2024, month=2, day=1))
    await routing.staff(VOORSCHOTEN)
    client = await routing.client(municipality=VOORSCHOTEN)
    made = await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    assert (made["aftercare"], made["aftercareUntil"], made["allowancesCheck"]) == ("running", "2024-08-01", "awaited")
    assert [each.data.until for each in await routing.said(AftercareStarted, client)] == [date(2024, 8, 1)]
    assert await routing.due_on(client, "allowances_check") == "2024-03-01"

    await routing.move_to(date(2024, 3, 2))
    assert (await routing.journey(client))["exits"][0]["allowancesCheck"] == "overdue"
    checked = await routing.done(f"/exits/{made['id']}/allowances-checks")
    assert checked["allowancesCheck"] == "done"
    assert len(await routing.said(AllowancesCheckDone, client)) == 1
    assert (await routing.post(f"/exits/{made['id']}/allowances-checks")).status_code == 409

    await routing.move_to(date(2024, 8, 1))
    assert [each.data.exit_id for each in await routing.said(AftercareEnded, client)] == [
        (await routing.said(ClientExited, client))[0].data.exit_id
    ]


@pytest.mark.parametrize("reason", ["education", "enforcement", "other"])
@pytest.mark.requirement("ROU-13")
async def test_other_exits_have_no_aftercare(routing: Routing, reason: str) -> None:
    client = await routing.client(municipality=VOORSCHOTEN)
    ground = {"ground": "Verzwegen inkomsten"} if reason == "enforcement" else {}
    assert (await routing.done(f"/clients/{client}/exits", {"reason": reason, **ground}))["aftercare"] is None


@pytest.mark.requirement("INT-14", "ROU-13")
async def test_nobody_exits_by_a_pension_age_that_is_yet_to_come(routing: Routing) -> None:
    client = await routing.client(municipality=VOORSCHOTEN)

    refused = await routing.post(f"/clients/{client}/exits", {"reason": "pension_age"})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/reason")
    assert await routing.said(ClientExited, client) == []


async def under_way(routing: Routing) -> UUID:
    """On a route, with a handover prepared and a partner asked."""
    await routing.staff("GM0451")
    client = await routing.client("40-70", municipality="GM0451", prospect_of_work=True)
    await routing.done(f"/clients/{client}/routes", {"route": "am_match"})
    await routing.hear(
        client, routing.categorised("0-40", "participation", indications=("sheltered_work_new",)), municipality="GM0451"
    )
    handover = (await routing.handover(client))["id"]
    await routing.done(f"/handovers/{handover}/preparations", {"note": "The file"})
    return client


async def test_an_exit_ends_all_that_is_open(routing: Routing) -> None:
    client = await under_way(routing)
    await routing.done(f"/clients/{client}/exits", {"reason": "education"})
    assert [each.data.outcome for each in await routing.said(RouteEnded, client)] == ["exit"]
    assert len(await routing.said(HandoverCancelled, client)) == 1
    assert [each.data.reason for each in await routing.said(ReferralWithdrawn, client)] == ["recategorised", "exit"]
    assert await routing.deadline(client, "acceptance") is None
    journey = await routing.journey(client)
    assert journey["state"] == "exited"
    assert journey["openRoutes"] == []
    assert (await routing.post(f"/clients/{client}/routes", {"route": "am_match"})).status_code == 409
    assert (await routing.post(f"/clients/{client}/exits", {"reason": "work"})).status_code == 409


async def test_a_reverted_exit_restores_what_stood(routing: Routing) -> None:
    client = await under_way(routing)
    made = await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    await routing.move_to(date(2021, 9, 8))
    await routing.done(f"/exits/{made['id']}/reversals", {"reason": "Another client was meant"})
    assert len(await routing.said(ExitReverted, client)) == 1
    journey = await routing.journey(client)
    assert (journey["state"], journey["caseworkerId"]) == ("active", "manager-1")
    assert [(each["endedOn"], each["outcome"]) for each in journey["routes"]] == [(None, None)]
    again = await routing.handover(client)
    assert (again["state"], again["reason"], again["dueOn"]) == ("prepared", "categorised", "2021-09-01")
    first, *_, last = [each.data for each in await routing.said(HandoverDue, client)]
    assert first.handover_id == last.handover_id == last.corrects
    assert [each["state"] for each in journey["referrals"]] == ["withdrawn", "withdrawn", "requested"]
    assert (await routing.post(f"/exits/{made['id']}/reversals", {"reason": "Again"})).status_code == 409


async def test_after_a_reverted_exit_the_longest_stay_is_reckoned_as_if_nothing_had_happened(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    made = await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    assert await routing.deadline(client, "longest_stay") is None
    await routing.move_to(date(2021, 10, 1))
    await routing.done(f"/exits/{made['id']}/reversals", {"reason": "The job fell through before it began"})
    assert await routing.due_on(client, "longest_stay") == "2023-09-01"
    await routing.move_to(date(2023, 9, 1))
    assert len(await routing.said(HandoverDue, client)) == 1


async def test_death_and_departure_stop_everything_and_withdraw_for_their_own_reason(routing: Routing) -> None:
    died, left = await under_way(routing), await under_way(routing)
    by = "app:front-end"
    await routing.hear(died, ClientDeceased(occurred_on=routing.today, by=by), municipality="GM0451")
    await routing.hear(left, ClientMovedAway(occurred_on=routing.today, by=by), municipality="GM0451")
    for client, reason in ((died, "deceased"), (left, "moved_away")):
        assert [each.data.reason for each in await routing.said(ClientExited, client)] == [reason]
        assert [each.data.reason for each in await routing.said(ReferralWithdrawn, client)][-1] == reason
        assert await routing.said(AftercareStarted, client) == []
        assert [each for each in (await routing.journey(client))["deadlines"] if each["state"] == "open"] == []


async def test_who_dies_in_aftercare_has_exited_once(routing: Routing) -> None:
    routing.service.clock.restore(routing.service.clock.now().replace(year=2024, month=2, day=1))
    client = await routing.client(municipality=VOORSCHOTEN)
    await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    await routing.hear(client, ClientDeceased(occurred_on=routing.today, by="app:front-end"), municipality=VOORSCHOTEN)
    assert [each.data.reason for each in await routing.said(ClientExited, client)] == ["work"]
    assert len(await routing.said(AftercareEnded, client)) == 1
    assert await routing.deadline(client, "allowances_check") is None


async def test_who_is_refused_benefit_exits_and_who_is_granted_goes_on(routing: Routing) -> None:
    refused, granted = await routing.client(), await routing.client()
    for client, outcome in ((refused, "refused"), (granted, "granted")):
        decided = BenefitDecided.model_validate({"occurred_on": routing.today, "by": "staff:s-3", "outcome": outcome})
        await routing.hear(client, decided)
    exits = await routing.said(ClientExited)
    assert [(each.subject, each.data.reason, each.data.by) for each in exits] == [
        (refused, "benefit_refused", "staff:s-3")
    ]


async def test_a_registration_by_mistake_leaves_nothing(routing: Routing) -> None:
    client = await under_way(routing)
    undone = ClientRegistrationUndone(occurred_on=routing.today, by="staff:s-3")
    await routing.hear(client, undone, municipality="GM0451")
    assert await routing.said(ClientExited, client) == []
    assert [each.data.reason for each in await routing.said(ReferralWithdrawn, client)][-1] == "undone"
    assert [each.data.outcome for each in await routing.said(RouteEnded, client)] == ["stopped"]
    assert (await routing.get(f"/clients/{client}/journey")).status_code == 404


async def test_who_comes_back_waits_for_a_diagnosis_and_starts_anew(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    assert (await routing.post(f"/clients/{client}/returns")).status_code == 409
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    await routing.move_to(date(2022, 9, 1))
    back = await routing.done(f"/clients/{client}/returns")
    assert (back["state"], back["category"], back["track"], back["caseworkerId"]) == ("active", None, None, None)
    assert len(await routing.said(ClientReturned, client)) == 1
    await routing.hear(client, routing.categorised("3A", "participation"))
    assert await routing.said(HandoverDue, client) == []
    assert (await routing.said(CaseworkerAssigned, client))[-1].data.caseworker_id == "income-1"
    assert await routing.due_on(client, "first_conversation") == "2023-09-01"


async def test_nothing_is_entered_for_a_day_to_come(routing: Routing) -> None:
    client = await routing.client()
    refused = await routing.post(f"/clients/{client}/exits", {"reason": "work", "on": "2021-09-02"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "#/on"


async def test_erasure_forgets_what_was_written(routing: Routing) -> None:
    client = await under_way(routing)
    await routing.done(f"/clients/{client}/agreements", {"agreed": "Apply twice a week"})
    await routing.hear(client, ClientErased(occurred_on=routing.today, by="clock"), municipality="GM0451")
    journey = await routing.journey(client)
    assert [each["note"] for each in journey["handovers"]] == [None]
    assert [each["agreed"] for each in journey["agreements"]] == [None]


async def test_an_unknown_exit_is_not_found(routing: Routing) -> None:
    assert (await routing.post(f"/exits/{new_id()}/reversals", {"reason": "A mistake"})).status_code == 404
    assert (await routing.said(ReferralRequested)) == []


async def test_a_reverted_exit_finds_another_caseworker_when_the_former_has_left(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"], bert=["work_consultant"])
    client = await routing.client()
    made = await routing.done(f"/clients/{client}/exits", {"reason": "other"})
    leaves = {"id": "anna", "municipalities": ["GM1916"], "roles": ["work_consultant"], "active": False}
    await routing.done("/staff", leaves)
    assert len(await routing.said(CaseworkerAssigned, client)) == 1
    await routing.done(f"/exits/{made['id']}/reversals", {"reason": "A mistake"})
    assert (await routing.journey(client))["caseworkerId"] == "bert"
