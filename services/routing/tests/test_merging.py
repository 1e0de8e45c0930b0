from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.intake import ClientDeceased, ClientsMerged, MergerUndone, RegistrationRestored
from contracts.partners import ReferralClosed, ReferralSent
from contracts.routing import (
    AftercareEnded,
    AftercareStarted,
    ClientExited,
    ExitReverted,
    ReferralRequested,
    ReferralWithdrawn,
    RouteEnded,
)
from tests.support.as_if import differences, standing

if TYPE_CHECKING:
    from tests.conftest import Routing


async def merge(routing: Routing, goes: UUID, into: UUID, municipality: str = "GM1916") -> None:
    await routing.hear(
        goes, ClientsMerged(occurred_on=routing.today, by="staff:s-3", into=into), municipality=municipality
    )


async def caseload(routing: Routing) -> dict[str, int]:
    items = (await routing.get("/staff")).json()["items"]
    return {each["id"]: each["clients"] for each in items}


async def test_what_the_survivor_has_none_of_moves(routing: Routing) -> None:
    await routing.staff()
    goes, stays = await routing.client(), new_id()
    await routing.hear(stays, routing.registered())
    await routing.done(f"/clients/{goes}/routes", {"route": "focus_op_werk"})
    await routing.done(f"/clients/{goes}/conversations", {"kind": "telephone"})
    await merge(routing, goes, stays)
    journey = await routing.journey(stays)
    assert (journey["category"], journey["track"], journey["caseworkerId"]) == ("1B", "reintegration", "work-1")
    assert [each["route"] for each in journey["routes"]] == ["focus_op_werk"]
    assert [each["kind"] for each in journey["conversations"]] == ["telephone"]
    assert await routing.due_on(stays, "longest_stay") == "2023-09-01"
    assert await routing.said(RouteEnded) == []
    assert await routing.said(ClientExited) == []
    assert (await caseload(routing))["work-1"] == 1


async def test_what_the_survivor_has_already_stops(routing: Routing) -> None:
    await routing.staff()
    goes, stays = await routing.client(), await routing.client("1A")
    for client in (goes, stays):
        await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    assert (await caseload(routing))["work-1"] == 2
    await merge(routing, goes, stays)
    assert [(each.subject, each.data.outcome) for each in await routing.said(RouteEnded)] == [(goes, "stopped")]
    journey = await routing.journey(stays)
    assert journey["category"] == "1A"
    assert sorted(str(each["endedOn"]) for each in journey["routes"]) == ["2021-09-01", "None"]
    assert (await caseload(routing))["work-1"] == 1


async def test_requests_and_events_on_the_old_id_reach_the_survivor(routing: Routing) -> None:
    await routing.staff()
    goes, stays, last = await routing.client(), await routing.client(), await routing.client()
    await merge(routing, goes, stays)
    assert (await routing.journey(goes))["clientId"] == str(stays)
    await routing.done(f"/clients/{goes}/routes", {"route": "focus_op_werk"})
    await routing.hear(goes, routing.categorised("1C", "reintegration"))
    assert (await routing.journey(stays))["category"] == "1C"
    await merge(routing, stays, last)
    assert (await routing.journey(goes))["clientId"] == str(last)


async def test_referrals_move_and_which_of_two_for_one_purpose_stays_partners_tells(routing: Routing) -> None:
    await routing.staff("GM0451")
    traits: dict[str, Any] = {"municipality": "GM0451", "prospect_of_work": True}
    goes, stays = await routing.client("40-70", **traits), await routing.client("40-70", **traits)
    alone = new_id()
    await routing.hear(alone, routing.registered(), municipality="GM0451")
    await merge(routing, goes, stays, "GM0451")
    await merge(routing, stays, alone, "GM0451")
    assert await routing.said(ReferralWithdrawn) == []
    theirs, others = [(await routing.said(ReferralRequested, each))[0].data.referral_id for each in (goes, stays)]
    told: dict[str, Any] = {"occurred_on": routing.today, "by": "clock", "partner": "am-match"}
    closed, sent = ReferralClosed(referral_id=others, **told), ReferralSent(referral_id=theirs, **told)
    await routing.hear(stays, closed, sent, municipality="GM0451")
    states = {each["id"]: each["state"] for each in (await routing.journey(alone))["referrals"]}
    assert states == {str(theirs): "sent", str(others): "withdrawn"}


async def test_a_handover_moves_with_its_term(routing: Routing) -> None:
    await routing.staff()
    goes, stays = await routing.client(), new_id()
    await routing.hear(goes, routing.categorised("2A", "participation"))
    handover = (await routing.handover(goes))["id"]
    await routing.done(f"/handovers/{handover}/preparations", {"note": "The file"})
    await routing.hear(stays, routing.registered())
    await merge(routing, goes, stays)
    assert await routing.due_on(stays, "acceptance") == "2021-09-15"
    await routing.move_to(date(2021, 9, 2))
    await routing.done(f"/handovers/{handover}/acceptances")
    assert (await routing.journey(stays))["track"] == "participation"


async def test_who_left_under_one_id_and_is_on_a_journey_under_the_other_has_no_aftercare(routing: Routing) -> None:
    routing.service.clock.restore(routing.service.clock.now().replace(year=2024, month=2, day=1))
    await routing.staff("GM0626")
    left = [await routing.client(municipality="GM0626") for _ in range(2)]
    for client in left:
        await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    back = [await routing.client(municipality="GM0626") for _ in range(2)]
    pairs = [(left[0], back[0]), (back[1], left[1])]
    before = await standing(routing.service, apart_from={"client_changes"})
    mergers = []
    for goes, stays in pairs:
        merged = ClientsMerged(occurred_on=routing.today, by="staff:s-3", into=stays)
        mergers += await routing.service.hear(goes, merged, municipality="GM0626")
        journey = await routing.journey(stays)
        [exit] = journey["exits"]
        assert (journey["state"], exit["aftercare"], exit["allowancesCheck"]) == ("active", "ended", None)
        assert exit["returnedOn"] == "2024-02-01"
        assert [each["kind"] for each in journey["deadlines"] if each["kind"] == "aftercare"] == []
        refused = await routing.post(f"/exits/{exit['id']}/reversals", {"reason": "Vergissing"})
        assert refused.status_code == 409

    for merger, (goes, stays) in zip(mergers, pairs, strict=True):
        undone = MergerUndone(occurred_on=routing.today, by="staff:s-3", into=stays, merger_id=merger)
        await routing.hear(goes, undone, municipality="GM0626")

    assert differences(before, await standing(routing.service, apart_from={"client_changes"})) == {}
    assert len(await routing.said(AftercareStarted)) == len(await routing.said(AftercareEnded)) + 2 == 4


async def test_a_death_that_ended_both_is_taken_back_of_who_stays_with_all_that_it_ended(routing: Routing) -> None:
    await routing.staff()
    goes, stays = await routing.client(), await routing.client()
    await routing.done(f"/clients/{stays}/routes", {"route": "focus_op_werk"})
    for client in (stays, goes):
        await routing.hear(client, ClientDeceased(occurred_on=routing.today, by="staff:s-3"))
    await merge(routing, goes, stays)
    assert (await routing.journey(stays))["state"] == "exited"

    restored = RegistrationRestored(occurred_on=routing.today, by="staff:s-3", ended_as="deceased")
    await routing.hear(stays, restored)

    journey = await routing.journey(stays)
    assert journey["state"] == "active"
    assert [each["endedOn"] for each in journey["routes"]] == [None]
    assert all(each["revertedOn"] for each in journey["exits"])


@pytest.mark.requirement("INT-13", "ROU-13")
@pytest.mark.parametrize("leaves_as", ["goes", "stays"])
async def test_an_exit_of_who_was_registered_twice_counts_for_the_person(routing: Routing, leaves_as: str) -> None:
    await routing.staff()
    goes, stays = await routing.client(), await routing.client()
    left, other = (goes, stays) if leaves_as == "goes" else (stays, goes)
    await routing.done(f"/clients/{other}/routes", {"route": "focus_op_werk"})
    await routing.move_to(date(2021, 9, 6))
    exit = await routing.done(f"/clients/{left}/exits", {"reason": "work"})
    await routing.move_to(date(2021, 9, 7))
    before = await standing(routing.service, apart_from={"client_changes"})
    merged = ClientsMerged(occurred_on=routing.today, by="staff:s-3", into=stays)
    [merger] = await routing.service.hear(goes, merged, municipality="GM1916")

    journey = await routing.journey(stays)
    assert (journey["state"], [each["returnedOn"] for each in journey["exits"]]) == ("exited", [None])
    assert [each["endedOn"] for each in journey["routes"]] == ["2021-09-06"]
    assert {each.subject for each in await routing.said(ClientExited)} == {goes, stays}

    undone = MergerUndone(occurred_on=routing.today, by="staff:s-3", into=stays, merger_id=merger)
    await routing.hear(goes, undone)
    assert differences(before, await standing(routing.service, apart_from={"client_changes"})) == {}
    [reverted] = await routing.said(ExitReverted)
    assert (reverted.subject, reverted.data.exit_id) == (other, UUID(exit["id"]))


@pytest.mark.requirement("INT-13", "ROU-19")
async def test_an_exit_that_counted_for_both_is_taken_back_of_the_person(routing: Routing) -> None:
    await routing.staff()
    goes, stays = await routing.client(), await routing.client()
    for client in (goes, stays):
        await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    exit = await routing.done(f"/clients/{goes}/exits", {"reason": "other"})
    await merge(routing, goes, stays)

    await routing.done(f"/exits/{exit['id']}/reversals", {"reason": "Vergissing"})

    journey = await routing.journey(stays)
    assert (journey["state"], journey["category"], journey["caseworkerId"]) == ("active", "1B", "work-1")
    assert [each["endedOn"] is None for each in journey["routes"]].count(True) == 1


@pytest.mark.requirement("INT-13")
async def test_who_is_decided_on_after_an_exit_under_the_other_id_is_back(routing: Routing) -> None:
    await routing.staff()
    goes, stays = await routing.client(), await routing.client()
    await routing.done(f"/clients/{goes}/exits", {"reason": "work"})
    await routing.move_to(date(2021, 9, 6))
    await routing.hear(stays, routing.categorised("1A", "reintegration"))
    await merge(routing, goes, stays)
    journey = await routing.journey(stays)
    assert (journey["state"], [each["returnedOn"] for each in journey["exits"]]) == ("active", ["2021-09-06"])
