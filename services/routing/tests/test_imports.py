"""Clients who come in mid-journey (INT-15)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts import Event
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from contracts.intake import CaseImported, ImportedReferral, ImportedSuspension
from contracts.partners import ReferralEnded, ReferralEvent, ReferralOverdue, ReferralProgressed
from contracts.routing import (
    CaseworkerAssigned,
    ClientExited,
    ConversationDue,
    HandoverDue,
    ReferralRequested,
    ReferralWithdrawn,
    ReviewDue,
    RouteResumed,
    RouteSuspended,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

ON_ROUTE: dict[str, Any] = {
    "category": "1B",
    "track": "reintegration",
    "categorised_on": date(2020, 6, 20),
    "route": "development_route",
    "route_started_on": date(2020, 7, 1),
}


async def bring_in(routing: Routing, *, diagnosis_first: bool = False, **case: Any) -> UUID:
    client = new_id()
    imported = CaseImported(occurred_on=routing.today, by="import", **case)
    events: list[Event] = [routing.registered(), imported]
    if case.get("category"):
        told = routing.categorised(
            case["category"], case["track"], on=case.get("categorised_on"), basis="import",
            exempted_until=case.get("exempted_until"),
        )  # fmt: skip
        events.insert(0 if diagnosis_first else 2, told)
    await routing.hear(client, *events)
    return client


@pytest.mark.parametrize("diagnosis_first", [False, True])
async def test_who_has_been_on_a_route_for_fourteen_months_has_ten_left(
    routing: Routing, *, diagnosis_first: bool
) -> None:
    await routing.staff()
    client = await bring_in(routing, diagnosis_first=diagnosis_first, caseworker_id="income-1", **ON_ROUTE)
    assert await routing.due_on(client, "longest_stay") == "2022-07-01"
    journey = await routing.journey(client)
    assert (journey["caseworkerId"], journey["caseworkerRole"]) == ("income-1", "work_consultant")
    assigned = await routing.said(CaseworkerAssigned, client)
    assert [(each.data.occasion, each.data.by) for each in assigned] == [("import", "import")]
    assert await routing.types(client) == ["route-started", "caseworker-assigned"]


async def test_who_stayed_too_long_already_is_handed_over_once(routing: Routing) -> None:
    await routing.staff()
    started = {**ON_ROUTE, "categorised_on": date(2019, 3, 1), "route_started_on": date(2019, 3, 1)}
    client = await bring_in(routing, **started)
    await routing.move_to(date(2021, 9, 4))
    due = await routing.said(HandoverDue, client)
    assert [(each.data.due_on, each.data.occurred_on) for each in due] == [(date(2021, 3, 1), date(2021, 3, 1))]


async def test_an_unknown_caseworker_is_replaced_by_role(routing: Routing) -> None:
    await routing.staff()
    client = await bring_in(routing, caseworker_id="left-long-ago", **ON_ROUTE)
    assert (await routing.journey(client))["caseworkerId"] == "work-1"


async def test_suspensions_from_before_count_and_one_that_runs_goes_on_running(routing: Routing) -> None:
    await routing.staff()
    past = ImportedSuspension(start=date(2021, 1, 1), end=date(2021, 1, 31))
    client = await bring_in(routing, suspensions=(past,), **ON_ROUTE)
    assert await routing.due_on(client, "longest_stay") == "2022-07-31"
    running = ImportedSuspension(start=date(2021, 8, 1))
    stands = await bring_in(routing, suspensions=(past, running), **ON_ROUTE)
    assert await routing.due_on(stands, "longest_stay") is None
    assert len(await routing.said(RouteSuspended, stands)) == 1
    assert await routing.said(RouteSuspended, client) == []


@pytest.mark.parametrize("granted_first", [False, True])
async def test_an_imported_exemption_is_one_suspension_whichever_is_heard_first(
    routing: Routing, *, granted_first: bool
) -> None:
    await routing.staff()
    client, exemption = new_id(), new_id()
    until = date(2021, 9, 30)
    case = CaseImported(
        occurred_on=routing.today, by="import", exempted_until=until,
        suspensions=(ImportedSuspension(start=date(2021, 8, 2)),), **ON_ROUTE,
    )  # fmt: skip
    granted = ExemptionGranted(
        occurred_on=routing.today, by="import", exemption_id=exemption, until=until, effect="suspend"
    )
    await routing.hear(client, *([granted, case] if granted_first else [case, granted]))
    assert len((await routing.journey(client))["suspensions"]) == 1
    await routing.move_to(date(2021, 10, 1))
    await routing.hear(client, ExemptionEnded(occurred_on=routing.today, by="clock", exemption_id=exemption))
    assert [each.data.due_on for each in await routing.said(RouteResumed, client)] == [date(2022, 8, 30)]


async def test_an_overdue_review_is_overdue_once(routing: Routing) -> None:
    await routing.staff()
    spoken = {"category": "3A", "track": "participation", "categorised_on": date(2019, 5, 1)}
    client = await bring_in(routing, diagnosis_first=True, last_conversation_on=date(2020, 3, 1), **spoken)
    await routing.move_to(date(2021, 9, 8))
    assert [each.data.due_on for each in await routing.said(ReviewDue, client)] == [date(2021, 3, 1)]
    assert await routing.said(ConversationDue, client) == []


async def test_a_case_that_ended_exits_on_its_day_without_aftercare(routing: Routing) -> None:
    client = await bring_in(routing, exited_on=date(2020, 12, 1), exit_reason="work", **ON_ROUTE)
    exits = await routing.said(ClientExited, client)
    assert [(each.data.occurred_on, each.data.reason, each.data.by) for each in exits] == [
        (date(2020, 12, 1), "work", "import")
    ]
    journey = await routing.journey(client)
    assert (journey["state"], journey["exits"][0]["aftercare"], journey["caseworkerId"]) == ("exited", None, None)
    assert [each for each in journey["deadlines"] if each["state"] == "open"] == []


async def test_a_permanent_exemption_that_an_import_brings_along_hands_nobody_over(routing: Routing) -> None:
    await routing.staff()
    client = await bring_in(routing, exempted_permanently=True, **ON_ROUTE)
    granted = ExemptionGranted(
        occurred_on=routing.today, by="import", exemption_id=new_id(), until=None, effect="handover"
    )
    await routing.hear(client, granted)
    assert await routing.said(HandoverDue, client) == []


async def test_a_track_that_the_import_does_not_name_follows_from_the_category(routing: Routing) -> None:
    await routing.staff()
    client = new_id()
    await routing.hear(client, CaseImported(occurred_on=routing.today, by="import", category="3A"))
    journey = await routing.journey(client)
    assert (journey["track"], journey["caseworkerId"]) == ("participation", "income-1")


UITHOORN = "GM0451"


def under_way(routing: Routing, referral: UUID) -> CaseImported:
    told = ImportedReferral(
        referral_id=referral, purpose="guidance_to_work", partner="am-match", state="accepted", since=date(2021, 8, 2)
    )
    return CaseImported(
        occurred_on=routing.today, by="import", category="40-70", track="reintegration", open_referrals=(told,),
        categorised_on=date(2021, 7, 1),
    )  # fmt: skip


async def test_a_referral_under_way_is_followed_and_not_asked_for_again(routing: Routing) -> None:
    await routing.staff(UITHOORN)
    client, referral = new_id(), new_id()
    told = routing.categorised("40-70", "reintegration", on=date(2021, 7, 1), basis="import", prospect_of_work=True)
    await routing.hear(client, routing.registered(), under_way(routing, referral), told, municipality=UITHOORN)
    again = routing.categorised("40-70", "reintegration", prospect_of_work=True, confirmed="reconfirmed")
    await routing.hear(client, again, municipality=UITHOORN)

    [found] = (await routing.journey(client))["referrals"]
    assert (found["id"], found["state"], found["origin"]) == (str(referral), "accepted", "import")
    assert (found["purpose"], found["requestedOn"]) == ("guidance_to_work", "2021-08-02")
    assert await routing.said(ReferralRequested, client) == []


@pytest.mark.parametrize("import_first", [False, True])
@pytest.mark.parametrize(
    ("event", "more", "state", "overdue"),
    [
        (ReferralEnded, {"outcome": "placed"}, "ended", None),
        (ReferralProgressed, {}, "started", None),
        (ReferralOverdue, {"step": "start", "due_on": date(2021, 8, 30)}, "accepted", "start"),
    ],
)
async def test_what_the_partner_says_counts_whether_the_import_is_heard_before_or_after(
    routing: Routing, event: type[ReferralEvent], more: dict[str, Any], state: str, overdue: str | None, *,
    import_first: bool,
) -> None:  # fmt: skip
    await routing.staff(UITHOORN)
    client, referral = new_id(), new_id()
    said = event(occurred_on=routing.today, by="partner:am-match", referral_id=referral, partner="am-match", **more)
    imported = under_way(routing, referral)
    await routing.hear(client, *([imported, said] if import_first else [said, imported]), municipality=UITHOORN)

    [found] = (await routing.journey(client))["referrals"]
    assert (found["state"], found["overdueStep"], found["purpose"]) == (state, overdue, "guidance_to_work")


async def test_an_exit_takes_back_a_referral_that_an_import_brought(routing: Routing) -> None:
    await routing.staff(UITHOORN)
    client, referral = new_id(), new_id()
    await routing.hear(client, under_way(routing, referral), municipality=UITHOORN)
    await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    assert [each.data.referral_id for each in await routing.said(ReferralWithdrawn, client)] == [referral]


async def test_who_came_back_after_an_ended_spell_is_on_the_journey(routing: Routing) -> None:
    await routing.staff()
    client = new_id()
    ended = CaseImported(
        occurred_on=routing.today, by="import", benefit_from=date(2018, 1, 1), exited_on=date(2019, 1, 1),
        exit_reason="work",
    )  # fmt: skip
    runs = CaseImported(occurred_on=routing.today, by="import", benefit_from=date(2020, 6, 1), **ON_ROUTE)
    await routing.hear(client, routing.registered(), ended, runs)
    journey = await routing.journey(client)
    assert (journey["state"], journey["caseworkerId"]) == ("active", "work-1")


@pytest.mark.parametrize("runs_first", [False, True])
async def test_a_spell_of_before_ends_no_journey_that_runs_here(routing: Routing, *, runs_first: bool) -> None:
    await routing.staff()
    client = new_id()
    before = CaseImported(
        occurred_on=routing.today, by="import", benefit_from=date(2018, 1, 1), exited_on=date(2019, 1, 1),
        exit_reason="work", category="3A", track="participation", runs_here=True,
    )  # fmt: skip
    runs = CaseImported(occurred_on=routing.today, by="import", benefit_from=date(2020, 6, 1), **ON_ROUTE)
    events = [runs, before] if runs_first else [before, runs]
    await routing.hear(client, routing.registered(), *events)
    journey = await routing.journey(client)
    assert (journey["state"], journey["category"], journey["caseworkerId"]) == ("active", "1B", "work-1")
    assert await routing.said(ClientExited, client) == []
