"""A merger is undone: both journeys stand as if there had been none, and others hear of what goes on."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.diagnosis import ExemptionGranted
from contracts.intake import BenefitDecided, ClientErased, ClientsMerged, MergerUndone, TermSet
from contracts.partners import PartnerSignalled, ReferralAccepted, ReferralClosed, ReferralSent
from contracts.routing import (
    CaseworkerAssigned,
    CaseworkerReleased,
    ClientExited,
    ExitReverted,
    HandoverDue,
    HandoverPrepared,
    ReferralRequested,
    RouteEnded,
    RouteStarted,
)
from tests.support.as_if import Standing, differences, standing

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

STAFF = "staff:s-3"
UITHOORN = "GM0451"

pytestmark = pytest.mark.requirement("INT-13")


async def merge(routing: Routing, gone: UUID, into: UUID, municipality: str = "GM1916") -> UUID:
    """Merge two clients; the merger."""
    event = ClientsMerged(occurred_on=routing.today, by=STAFF, into=into)
    [merger] = await routing.service.hear(gone, event, municipality=municipality)
    return merger


async def undo(routing: Routing, merger: UUID, gone: UUID, into: UUID, municipality: str = "GM1916") -> None:
    undone = MergerUndone(occurred_on=routing.today, by=STAFF, into=into, merger_id=merger)
    await routing.hear(gone, undone, municipality=municipality)


async def stands(routing: Routing) -> Standing:
    return await standing(routing.service, apart_from={"client_changes"})


async def test_what_intake_waits_for_of_both_it_waits_for_once_until_they_are_two_again(routing: Routing) -> None:
    gone, stays = new_id(), new_id()
    for client, day in ((gone, 8), (stays, 10)):
        last = date(2021, 9, day)
        term = TermSet(occurred_on=routing.today, by=STAFF, kind="information_session", due_on=last)
        await routing.hear(client, routing.registered(), term)

    async def waits() -> list[tuple[str, str]]:
        items = (await routing.get("/worklist?scope=municipality")).json()["items"]
        return [(each["clientId"], each["dueOn"]) for each in items]

    merger = await merge(routing, gone, stays)
    assert await waits() == [(str(stays), "2021-09-10")]

    await undo(routing, merger, gone, stays)
    assert await waits() == [(str(gone), "2021-09-08"), (str(stays), "2021-09-10")]


async def test_a_client_who_took_over_a_standing_has_none_again(routing: Routing) -> None:
    await routing.staff()
    gone, stays = await routing.client(), new_id()
    await routing.hear(stays, routing.registered())
    route = await routing.done(f"/clients/{gone}/routes", {"route": "focus_op_werk"})
    await routing.done(f"/clients/{gone}/conversations", {"kind": "telephone"})
    before = await stands(routing)
    merger = await merge(routing, gone, stays)

    await undo(routing, merger, gone, stays)

    assert differences(before, await stands(routing)) == {}
    assert [each["id"] for each in (await routing.journey(gone))["routes"]] == [route["id"]]
    assert (await routing.journey(stays))["category"] is None
    assert [each.cause for each in await routing.said(CaseworkerAssigned, stays)] == [merger]
    assert len(await routing.said(CaseworkerReleased, stays)) == 1
    assert await routing.said(ClientExited) == []


async def test_what_a_merger_ended_goes_on_under_its_own_id(routing: Routing) -> None:
    await routing.staff()
    gone, stays = await routing.client(), await routing.client("1A")
    for client in (gone, stays):
        await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    before = await stands(routing)
    merger = await merge(routing, gone, stays)
    [ended] = await routing.said(RouteEnded)
    assert ended.cause == merger

    await undo(routing, merger, gone, stays)

    assert differences(before, await stands(routing)) == {}
    again = [each for each in await routing.said(RouteStarted, gone) if each.cause is not None]
    assert [each.data.route_id for each in again] == [ended.data.route_id]


async def test_a_handover_that_was_called_off_is_due_or_prepared_as_it_was(routing: Routing) -> None:
    await routing.staff()
    gone, stays = await routing.client(), await routing.client()
    for client in (gone, stays):
        await routing.hear(client, routing.categorised("2A", "participation"))
    handover = (await routing.handover(gone))["id"]
    await routing.done(f"/handovers/{handover}/preparations", {"note": "The file"})
    before = await stands(routing)
    merger = await merge(routing, gone, stays)
    assert (await routing.handover(gone))["id"] != handover

    await undo(routing, merger, gone, stays)

    assert differences(before, await stands(routing)) == {}
    assert [str(each.data.handover_id) for each in await routing.said(HandoverDue, gone)] == [handover] * 2
    assert [str(each.data.handover_id) for each in await routing.said(HandoverPrepared, gone)] == [handover] * 2
    assert await routing.due_on(gone, "acceptance") == "2021-09-15"


async def test_a_handover_accepted_meanwhile_was_the_survivors_and_falls_due_anew_for_who_had_gone(
    routing: Routing,
) -> None:
    await routing.staff()
    gone, stays = await routing.client(), await routing.client()
    await routing.hear(gone, routing.categorised("2A", "participation"))
    merger = await merge(routing, gone, stays)
    accepted = await routing.hand_over(stays)

    await undo(routing, merger, gone, stays)

    assert (await routing.journey(stays))["track"] == "participation"
    assert [each["id"] for each in (await routing.journey(stays))["handovers"]] == [accepted["id"]]
    anew = await routing.handover(gone)
    assert (anew["state"], anew["toTrack"]) == ("due", "participation")
    assert (await routing.journey(gone))["track"] == "reintegration"


async def test_a_referral_that_was_closed_as_a_double_is_asked_for_once_more(routing: Routing) -> None:
    await routing.staff(UITHOORN)
    traits: dict[str, Any] = {"municipality": UITHOORN, "prospect_of_work": True}
    gone, stays = await routing.client("40-70", **traits), await routing.client("40-70", **traits)
    [asked] = await routing.said(ReferralRequested, gone)
    before = await stands(routing)
    merger = await merge(routing, gone, stays, UITHOORN)
    told: dict[str, Any] = {"occurred_on": routing.today, "by": STAFF, "partner": "am-match"}
    double = ReferralClosed(referral_id=asked.data.referral_id, **told)
    await routing.service.hear(stays, double, municipality=UITHOORN, cause=merger)

    await undo(routing, merger, gone, stays, UITHOORN)

    assert differences(before, await stands(routing)) == {}
    again = (await routing.said(ReferralRequested, gone))[-1]
    assert again.data.referral_id == asked.data.referral_id
    assert again.cause is not None


async def test_a_referral_goes_back_as_it_stands(routing: Routing) -> None:
    await routing.staff(UITHOORN)
    gone, stays = await routing.client("40-70", municipality=UITHOORN, prospect_of_work=True), new_id()
    await routing.hear(stays, routing.registered(), municipality=UITHOORN)
    referral = (await routing.said(ReferralRequested, gone))[0].data.referral_id
    merger = await merge(routing, gone, stays, UITHOORN)
    told: dict[str, Any] = {"occurred_on": routing.today, "referral_id": referral, "partner": "am-match"}
    await routing.hear(
        stays, ReferralSent(by="clock", **told), ReferralAccepted(by="partner:am", **told), municipality=UITHOORN
    )

    await undo(routing, merger, gone, stays, UITHOORN)

    assert [(each["id"], each["state"]) for each in (await routing.journey(gone))["referrals"]] == [
        (str(referral), "accepted")
    ]
    assert (await routing.journey(stays))["referrals"] == []
    assert len(await routing.said(ReferralRequested, gone)) == 1


async def test_partners_opens_again_what_partners_had_closed_as_a_double(routing: Routing) -> None:
    await routing.staff(UITHOORN)
    client = await routing.client("40-70", municipality=UITHOORN, prospect_of_work=True)
    referral = (await routing.said(ReferralRequested, client))[0].data.referral_id
    told: dict[str, Any] = {"occurred_on": routing.today, "by": STAFF, "referral_id": referral, "partner": "am-match"}
    await routing.service.hear(client, ReferralClosed(**told), municipality=UITHOORN, cause=new_id())
    await routing.service.hear(client, ReferralSent(**told), municipality=UITHOORN)
    assert [each["state"] for each in (await routing.journey(client))["referrals"]] == ["withdrawn"]

    await routing.service.hear(client, ReferralSent(**told), municipality=UITHOORN, cause=new_id())

    assert [each["state"] for each in (await routing.journey(client))["referrals"]] == ["sent"]


async def test_what_ended_with_the_survivors_exit_goes_on_for_who_had_gone(routing: Routing) -> None:
    await routing.staff()
    gone, stays = await routing.client(), new_id()
    await routing.hear(stays, routing.registered())
    route = await routing.done(f"/clients/{gone}/routes", {"route": "focus_op_werk"})
    merger = await merge(routing, gone, stays)
    await routing.done(f"/clients/{stays}/exits", {"reason": "work"})

    await undo(routing, merger, gone, stays)

    theirs = await routing.journey(gone)
    assert (theirs["state"], theirs["exits"]) == ("active", [])
    assert [(each["id"], each["endedOn"]) for each in theirs["routes"]] == [(route["id"], None)]
    assert (await routing.journey(stays))["state"] == "exited"
    assert (await routing.due_on(gone, "longest_stay")) == "2023-09-01"


async def test_what_was_recorded_of_the_survivor_stays_and_what_corrects_goes_along(routing: Routing) -> None:
    await routing.staff()
    gone, stays = await routing.client(), await routing.client("1A")
    talk = await routing.done(f"/clients/{gone}/conversations", {"kind": "telephone"})
    merger = await merge(routing, gone, stays)
    corrected = await routing.done(
        f"/conversations/{talk['id']}/corrections",
        {"kind": "telephone", "heldOn": "2021-09-01", "homeVisit": True, "reason": "Was thuis"},
    )
    await routing.done(f"/clients/{stays}/routes", {"route": "focus_op_werk"})

    await undo(routing, merger, gone, stays)

    assert {each["id"] for each in (await routing.journey(gone))["conversations"]} == {talk["id"], corrected["id"]}
    assert (await routing.journey(stays))["conversations"] == []
    assert len((await routing.journey(stays))["routes"]) == 1


async def test_whose_caseworker_left_meanwhile_gets_another(routing: Routing) -> None:
    await routing.staff()
    gone, stays = await routing.client(), await routing.client()
    merger = await merge(routing, gone, stays)
    await routing.done("/staff", {"id": "work-2", "municipalities": ["GM1916"], "roles": ["work_consultant"]})
    await routing.leaves("work-1")

    await undo(routing, merger, gone, stays)

    assert [(await routing.journey(each))["caseworkerId"] for each in (gone, stays)] == ["work-2"] * 2


async def test_terms_that_passed_meanwhile_are_told_of_who_had_gone(routing: Routing) -> None:
    await routing.staff()
    gone, stays = await routing.client("2A", "participation"), await routing.client("2A", "participation")
    due_on = await routing.due_on(gone, "first_conversation")
    assert due_on is not None
    await routing.move_to(date.fromisoformat(due_on) - timedelta(days=9))
    merger = await merge(routing, gone, stays)
    await routing.move_to(date.fromisoformat(due_on) + timedelta(days=5))
    assert "conversation-due" not in await routing.types(gone)

    await undo(routing, merger, gone, stays)
    await routing.move_to(routing.today + timedelta(days=1))

    assert (await routing.types(gone)).count("conversation-due") == 1


async def test_an_event_that_came_late_is_of_whom_it_was_about(routing: Routing) -> None:
    await routing.staff()
    gone, stays = await routing.client(), await routing.client("1A")
    route = await routing.done(f"/clients/{stays}/routes", {"route": "focus_op_werk"})
    merger = await merge(routing, gone, stays)
    refused = BenefitDecided(occurred_on=routing.today, by=STAFF, outcome="refused")
    await routing.hear(gone, refused)
    assert (await routing.journey(stays))["state"] == "exited"

    await undo(routing, merger, gone, stays)

    assert [(await routing.journey(each))["state"] for each in (gone, stays)] == ["exited", "active"]
    assert [(each["id"], each["endedOn"]) for each in (await routing.journey(stays))["routes"]] == [(route["id"], None)]
    left = await routing.said(ClientExited)
    assert [(each.subject, each.cause) for each in left] == [(stays, merger), (gone, None)]
    assert [each.subject for each in await routing.said(ExitReverted)] == [stays]


async def test_mergers_heard_in_another_order_are_undone_all_the_same(routing: Routing) -> None:
    """What intake says of one client is in order; of several it is not."""
    await routing.staff()
    first, second, third = [await routing.client() for _ in range(3)]
    before = await stands(routing)
    later = await merge(routing, second, third)
    earlier = await merge(routing, first, second)
    await undo(routing, later, second, third)
    assert (await routing.journey(first))["clientId"] == str(second)
    await undo(routing, earlier, first, second)
    assert differences(before, await stands(routing)) == {}


async def test_what_was_merged_is_forgotten_with_the_client(routing: Routing) -> None:
    gone, stays = await routing.client(), await routing.client()
    await merge(routing, gone, stays)
    await routing.hear(stays, ClientErased(occurred_on=routing.today, by="clock"))
    async with routing.service.office.database.in_background() as session:
        assert await session.scalar(text("SELECT count(*) FROM remembered_mergers")) == 0


class Course:
    """Random steps in the lives of some clients."""

    def __init__(self, routing: Routing, seed: int) -> None:
        self.routing, self.random = routing, Random(seed)

    async def step(self, client: UUID) -> None:
        steps = (
            self.categorise, self.start, self.talk, self.prepare, self.accept, self.leave, self.agree, self.suspend,
            self.exempt, self.signal, self.day, self.come_back,
        )  # fmt: skip
        await self.random.choice(steps)(client)

    async def _post(self, path: str, body: Any = None) -> None:
        answer = await self.routing.post(path, body)
        assert answer.status_code in {200, 201, 400, 404, 409}, answer.text

    async def categorise(self, client: UUID) -> None:
        category = self.random.choice([("1A", "reintegration"), ("1B", "reintegration"), ("2A", "participation")])
        await self.routing.hear(client, self.routing.categorised(*category))

    async def start(self, client: UUID) -> None:
        await self._post(f"/clients/{client}/routes", {"route": "focus_op_werk"})

    async def talk(self, client: UUID) -> None:
        await self._post(f"/clients/{client}/conversations", {"kind": "telephone"})

    async def prepare(self, client: UUID) -> None:
        await self._handover(client, "preparations", {"note": "Dossier"})

    async def accept(self, client: UUID) -> None:
        await self._handover(client, "acceptances", {})

    async def _handover(self, client: UUID, step: str, body: Any) -> None:
        found = (await self.routing.journey(client))["handovers"]
        if found:
            await self._post(f"/handovers/{found[-1]['id']}/{step}", body)

    async def leave(self, client: UUID) -> None:
        if self.random.random() < 0.3:
            await self._post(f"/clients/{client}/exits", {"reason": self.random.choice(["work", "other"])})

    async def come_back(self, client: UUID) -> None:
        await self._post(f"/clients/{client}/returns", {})

    async def agree(self, client: UUID) -> None:
        await self._post(f"/clients/{client}/agreements", {"agreed": "Komt dinsdag"})

    async def suspend(self, client: UUID) -> None:
        await self._post(f"/clients/{client}/suspensions", {"reason": "illness"})

    async def exempt(self, client: UUID) -> None:
        until = self.routing.today + timedelta(days=self.random.randint(1, 90))
        granted: dict[str, Any] = {"exemption_id": new_id(), "until": until, "effect": "suspend"}
        await self.routing.hear(client, ExemptionGranted(occurred_on=self.routing.today, by=STAFF, **granted))

    async def signal(self, client: UUID) -> None:
        signalled: dict[str, Any] = {"partner": "woej", "signal": "needs_attention"}
        await self.routing.hear(
            client, PartnerSignalled(occurred_on=self.routing.today, by="partner:woej", **signalled)
        )

    async def day(self, _: UUID) -> None:
        await self.routing.service.move_to(self.routing.today + timedelta(days=self.random.randint(1, 20)))


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happened_before_an_undone_merger_changed_nothing(routing: Routing, seed: int) -> None:
    await routing.staff()
    gone, stays = new_id(), new_id()
    course = Course(routing, seed)
    for client in (gone, stays):
        await routing.hear(client, routing.registered())
    for _ in range(24):
        await course.step(course.random.choice([gone, stays]))
    before = await stands(routing)
    merger = await merge(routing, gone, stays)
    await undo(routing, merger, gone, stays)
    assert differences(before, await stands(routing)) == {}
