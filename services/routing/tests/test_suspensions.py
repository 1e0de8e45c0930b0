from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from chassis.ids import new_id
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from contracts.routing import HandoverCancelled, HandoverDue, RouteResumed, RouteSuspended

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing


async def on_route(routing: Routing) -> UUID:
    await routing.staff()
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    return client


@pytest.mark.requirement("DIA-9", "ROU-4")
async def test_an_exemption_stands_the_route_still_and_its_end_shifts_the_longest_stay(routing: Routing) -> None:
    client, exemption = await on_route(routing), new_id()
    await routing.move_to(date(2021, 10, 1))
    await routing.hear(
        client,
        ExemptionGranted(
            occurred_on=routing.today,
            by="staff:s-2",
            exemption_id=exemption,
            until=date(2021, 10, 30),
            effect="suspend",
        ),
        routing.categorised("3B", "participation", exempted_until=date(2021, 10, 30)),
    )
    assert [each.data.reason for each in await routing.said(RouteSuspended, client)] == ["exemption"]
    stands = await routing.deadline(client, "longest_stay")
    assert stands is not None
    assert (stands["state"], stands["dueOn"], stands["originalDueOn"]) == ("suspended", None, "2023-09-01")

    await routing.move_to(date(2021, 10, 31))
    await routing.hear(client, ExemptionEnded(occurred_on=routing.today, by="clock", exemption_id=exemption))
    resumed = (await routing.said(RouteResumed, client))[0].data
    assert (resumed.due_on, resumed.by) == (date(2023, 10, 1), "clock")
    goes_on = await routing.deadline(client, "longest_stay")
    assert goes_on is not None
    assert goes_on["dueOn"] == "2023-10-01"
    assert "30 dagen" in " ".join(goes_on["because"])
    await routing.hear(client, routing.categorised("1B", "reintegration"))
    assert await routing.said(HandoverDue, client) == []


async def test_illness_and_exemption_at_once_count_once_and_the_route_resumes_when_both_are_over(
    routing: Routing,
) -> None:
    client, exemption = await on_route(routing), new_id()
    ill = await routing.done(f"/clients/{client}/suspensions", {"reason": "illness"})
    await routing.move_to(date(2021, 9, 11))
    granted = ExemptionGranted(
        occurred_on=routing.today, by="staff:s-2", exemption_id=exemption, until=None, effect="suspend"
    )
    await routing.hear(client, granted)
    await routing.move_to(date(2021, 9, 21))
    await routing.done(f"/suspensions/{ill['id']}/ends")
    assert await routing.said(RouteResumed, client) == []
    await routing.move_to(date(2021, 10, 1))
    await routing.hear(client, ExemptionEnded(occurred_on=routing.today, by="clock", exemption_id=exemption))
    assert len(await routing.said(RouteSuspended, client)) == 1
    assert [each.data.due_on for each in await routing.said(RouteResumed, client)] == [date(2023, 10, 1)]


async def test_a_suspension_entered_late_calls_off_a_handover_that_came_too_early(routing: Routing) -> None:
    client = await on_route(routing)
    await routing.move_to(date(2023, 9, 4))
    handover = (await routing.handover(client))["id"]
    await routing.done(f"/handovers/{handover}/preparations", {"note": "Time is over"})
    late = {"reason": "stay_abroad", "start": "2023-01-01", "end": "2023-01-11"}
    await routing.done(f"/clients/{client}/suspensions", late)
    assert len(await routing.said(HandoverCancelled, client)) == 1
    assert await routing.due_on(client, "longest_stay") == "2023-09-11"
    assert await routing.deadline(client, "acceptance") is None
    await routing.move_to(date(2023, 9, 30))
    assert len(await routing.said(HandoverDue, client)) == 2
    assert (await routing.handover(client))["dueOn"] == "2023-09-11"


async def test_a_suspension_entered_late_may_leave_the_handover_due_since_another_day(routing: Routing) -> None:
    client = await on_route(routing)
    await routing.move_to(date(2023, 10, 20))
    late = {"reason": "stay_abroad", "start": "2023-01-01", "end": "2023-01-11"}
    await routing.done(f"/clients/{client}/suspensions", late)
    await routing.move_to(date(2023, 10, 22))
    first, again = [each.data for each in await routing.said(HandoverDue, client)]
    assert (again.handover_id, again.corrects) == (first.handover_id, first.handover_id)
    assert again.due_on - first.due_on == timedelta(days=10)
    assert await routing.said(HandoverCancelled, client) == []


async def test_a_route_entered_late_lets_the_longest_stay_begin_earlier(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("1A")
    await routing.move_to(date(2021, 10, 1))
    await routing.done(f"/clients/{client}/routes", {"route": "academy"})
    assert await routing.due_on(client, "longest_stay") == "2023-10-01"
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk", "startedOn": "2021-09-06"})
    assert await routing.due_on(client, "longest_stay") == "2023-09-06"


async def test_a_suspension_ends_once_and_not_before_it_began(routing: Routing) -> None:
    client = await on_route(routing)
    await routing.move_to(date(2021, 9, 11))
    ill = await routing.done(f"/clients/{client}/suspensions", {"reason": "illness", "start": "2021-09-10"})
    assert (await routing.post(f"/suspensions/{ill['id']}/ends", {"on": "2021-09-09"})).status_code == 400
    assert (await routing.post(f"/suspensions/{ill['id']}/ends", {"on": "2021-09-12"})).status_code == 400
    await routing.done(f"/suspensions/{ill['id']}/ends")
    assert (await routing.post(f"/suspensions/{ill['id']}/ends")).status_code == 409


@pytest.mark.requirement("ROU-15")
async def test_a_deadline_is_moved_with_a_reason_and_stays_moved(routing: Routing) -> None:
    client = await on_route(routing)
    stay = await routing.deadline(client, "longest_stay")
    assert stay is not None
    moved = await routing.done(f"/deadlines/{stay['id']}/moves", {"to": "2023-12-01", "reason": "Almost at work"})
    assert (moved["dueOn"], moved["originalDueOn"]) == ("2023-12-01", "2023-09-01")
    assert moved["because"][-1].endswith("Almost at work")
    await routing.done(f"/clients/{client}/conversations", {"kind": "telephone"})
    assert await routing.due_on(client, "longest_stay") == "2023-12-01"
    past = await routing.post(f"/deadlines/{stay['id']}/moves", {"to": "2021-08-01", "reason": "Back"})
    assert past.status_code == 400
