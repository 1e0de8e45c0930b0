from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contracts.routing import CaseworkerAssigned, CaseworkerMissing, DeputyReleased

if TYPE_CHECKING:
    from datetime import date

    from tests.conftest import Routing

pytestmark = [pytest.mark.requirement("ROU-16")]


def away(who: str, first: date, last: date | None, deputy: str | None = None) -> dict[str, Any]:
    return {
        "municipality": "GM1916", "staffId": who, "firstDay": first.isoformat(),
        "lastDay": last.isoformat() if last else None, "deputyId": deputy,
    }  # fmt: skip


async def test_nobody_new_comes_to_who_is_away_and_it_ends_by_itself(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"], bert=["work_consultant"])
    last = routing.today + timedelta(days=4)
    await routing.done("/absences", away("anna", routing.today, last, "bert"))
    for _ in range(2):
        await routing.client()
    assert {each.data.caseworker_id for each in await routing.said(CaseworkerAssigned)} == {"bert"}
    await routing.move_to(last + timedelta(days=1))
    await routing.client()
    assert (await routing.said(CaseworkerAssigned))[-1].data.caseworker_id == "anna"


async def test_who_waited_while_all_were_away_is_assigned_on_the_day_after(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"])
    last = routing.today + timedelta(days=2)
    await routing.done("/absences", away("anna", routing.today, last))
    client = await routing.client()
    assert len(await routing.said(CaseworkerMissing, client)) == 1
    await routing.move_to(last)
    assert (await routing.journey(client))["caseworkerId"] is None
    await routing.move_to(last + timedelta(days=1))
    assert (await routing.journey(client))["caseworkerId"] == "anna"


async def test_due_work_shows_with_the_deputy_and_without_one_with_the_teams_manager(routing: Routing) -> None:
    for body in (
        {"id": "anna", "roles": ["work_consultant"], "team": "west"},
        {"id": "bert", "roles": ["income_consultant"], "team": "west"},
        {"id": "mia", "roles": [], "manages": ["west"]},
        {"id": "s-1", "roles": [], "manages": ["west"]},
    ):
        await routing.done("/staff", {"municipalities": ["GM1916"], **body})
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})

    async def owners() -> set[str]:
        return {each["owner"] for each in (await routing.get(f"/clients/{client}/deadlines")).json()["items"]}

    assert await owners() == {"anna"}
    tomorrow = routing.today + timedelta(days=1)
    made = await routing.done("/absences", away("anna", tomorrow, None, "bert"))
    assert await owners() == {"anna"}
    await routing.move_to(tomorrow)
    assert await owners() == {"bert"}
    await routing.done(f"/absences/{made['id']}/endings", {"lastDay": tomorrow.isoformat()})
    await routing.move_to(tomorrow + timedelta(days=1))
    assert await owners() == {"anna"}
    await routing.done("/absences", away("anna", routing.today, None))
    assert await owners() == {"mia"}


async def test_what_cannot_be_is_refused_with_all_faults_at_once(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"], bert=["work_consultant"], carl=["work_consultant"])
    today, week = routing.today, routing.today + timedelta(days=7)

    async def faults(body: dict[str, Any]) -> set[str]:
        refused = await routing.post("/absences", body)
        assert refused.status_code == 400, refused.text
        return {each["pointer"] for each in refused.json()["errors"]}

    assert await faults(away("nobody", week, today, "nobody")) == {"#/staffId", "#/lastDay", "#/deputyId"}
    first = await routing.done("/absences", away("anna", today, week, "bert"))
    assert (await routing.done("/absences", away("anna", today, week, "bert")))["id"] == first["id"]
    assert await faults(away("anna", week, None)) == {"#/firstDay"}
    assert await faults(away("bert", week, None, "carl")) == {"#/staffId"}
    assert await faults(away("carl", today, today, "anna")) == {"#/deputyId"}
    later = week + timedelta(days=1)
    await routing.done("/absences", away("bert", later, None, "carl"))
    listed = (await routing.get("/absences", municipality="GM1916")).json()["items"]
    assert [each["staffId"] for each in listed] == ["anna", "bert"]
    longer = await routing.post(f"/absences/{first['id']}/endings", {"lastDay": later.isoformat()})
    assert longer.status_code == 400


async def on_the_list(routing: Routing, who: str, role: str = "caseworker") -> list[str]:
    """Whose work stands on somebody's own list."""
    items = (await routing.get("/worklist", headers=routing.token(role, sub=who))).json()["items"]
    return sorted({each["caseworkerId"] for each in items})


async def team_of_anna(routing: Routing) -> None:
    """Anna, with a client for whom something is due, and colleagues."""
    for body in (
        {"id": "anna", "roles": ["work_consultant"], "team": "west"},
        {"id": "bert", "roles": ["income_consultant"], "team": "west"},
        {"id": "carl", "roles": ["income_consultant"], "team": "west"},
        {"id": "mia", "roles": [], "manages": ["west"]},
        {"id": "s-1", "roles": [], "manages": ["west"]},
    ):
        await routing.done("/staff", {"municipalities": ["GM1916"], **body})
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})


async def test_when_a_deputy_leaves_the_work_stands_with_the_manager_until_another_is_chosen(routing: Routing) -> None:
    await team_of_anna(routing)
    made = await routing.done("/absences", away("anna", routing.today, None, "bert"))
    assert await on_the_list(routing, "bert") == ["anna"]

    await routing.leaves("bert")

    [released] = [each.data for each in await routing.said(DeputyReleased)]
    assert (released.staff_id, released.deputy_id) == ("anna", "bert")
    [listed] = (await routing.get("/absences")).json()["items"]
    assert (listed["deputyId"], listed["deputyReleasedOn"]) == (None, routing.today.isoformat())
    assert await on_the_list(routing, "mia", "team_manager") == ["anna"]
    chosen = await routing.done(f"/absences/{made['id']}/deputies", {"deputyId": "carl"})
    assert (chosen["deputyId"], chosen["deputyReleasedOn"]) == ("carl", None)
    assert await on_the_list(routing, "carl") == ["anna"]
    assert await on_the_list(routing, "mia", "team_manager") == []


async def test_a_deputy_who_goes_away_is_replaced_first_by_somebody_who_is_there(routing: Routing) -> None:
    await team_of_anna(routing)
    week = routing.today + timedelta(days=7)
    made = await routing.done("/absences", away("anna", routing.today, week, "bert"))
    path = f"/absences/{made['id']}/deputies"
    assert (await routing.post("/absences", away("bert", week, None))).status_code == 400
    for wrong in ("nobody", "anna"):
        refused = await routing.post(path, {"deputyId": wrong})
        assert [each["pointer"] for each in refused.json()["errors"]] == ["#/deputyId"]
    await routing.done(path, {"deputyId": None})
    await routing.done("/absences", away("bert", week, None))
    assert (await routing.post(path, {"deputyId": "bert"})).status_code == 400
    await routing.done(path, {"deputyId": "carl"})
    colleague = routing.token("caseworker", sub="carl")
    assert (await routing.post(path, {"deputyId": "carl"}, headers=colleague)).status_code == 403


async def test_an_absence_entered_by_mistake_is_cancelled_and_all_is_as_before(routing: Routing) -> None:
    await team_of_anna(routing)
    body = away("anna", routing.today, routing.today + timedelta(days=7), "bert")
    made = await routing.done("/absences", body)
    client = await routing.client()
    assert (await routing.journey(client))["caseworkerId"] is None

    path = f"/absences/{made['id']}/cancellations"
    cancelled = await routing.done(path, {"reason": "Bij de verkeerde collega"})

    assert cancelled["cancelledOn"] == routing.today.isoformat()
    desk = routing.token("front_end", sub=None)
    assert (await routing.get(f"/clients/{client}/journey", headers=desk)).json()["caseworkerId"] == "anna"
    assert (await routing.get("/absences")).json()["items"] == []
    assert await on_the_list(routing, "bert") == []
    assert len(await routing.said(DeputyReleased)) == 1
    for again in (path, f"/absences/{made['id']}/endings", f"/absences/{made['id']}/deputies"):
        sent = {"reason": "?"} if again == path else {"lastDay": body["lastDay"]}
        sent = {"deputyId": "carl"} if again.endswith("deputies") else sent
        assert (await routing.post(again, sent)).status_code == 409
    assert (await routing.done("/absences", body))["id"] != made["id"]
