from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Routing

pytestmark = [pytest.mark.requirement("ROU-16")]


async def town(routing: Routing) -> None:
    """Two teams, each with a manager and a caseworker."""
    for team in ("west", "east"):
        await routing.done("/staff", {**member(f"{team}-boss", team), "manages": [team]})
        await routing.done("/staff", member(f"{team}-1", team))


def member(id: str, team: str | None) -> dict[str, Any]:
    return {"id": id, "municipalities": ["GM1916"], "roles": ["work_consultant"], "team": team}


async def test_a_manager_keeps_the_own_team_and_widens_nobodys_sight(routing: Routing) -> None:
    await town(routing)
    boss = routing.token("team_manager", sub="west-boss")
    assert (await routing.post("/staff", member("new", "west"), headers=boss)).status_code == 201
    for body in (
        member("new", "east"),
        member("east-1", "west"),
        member("loner", None),
        {**member("west-boss", "west"), "manages": ["west", "east"]},
    ):
        assert (await routing.post("/staff", body, headers=boss)).status_code == 403, body
    loner = (await routing.post("/staff", member("loner", None), headers=boss)).json()
    assert loner["detail"] == "In GM1916 an operator enters who is in no team; name a team that you manage."
    leaver = {"municipality": "GM1916", "note": "Warm overgedragen"}
    assert (await routing.post("/staff/east-1/transfers", leaver, headers=boss)).status_code == 403
    assert (await routing.post("/staff/west-1/transfers", leaver, headers=boss)).status_code == 201


async def test_nobody_becomes_deputy_of_a_colleague_who_is_not_away(routing: Routing) -> None:
    await town(routing)
    day = routing.today.isoformat()
    body = {"municipality": "GM1916", "staffId": "east-1", "firstDay": day, "deputyId": "west-1"}
    for who, roles in (("west-1", ["caseworker"]), ("west-boss", ["caseworker", "team_manager"])):
        assert (await routing.post("/absences", body, headers=routing.token(*roles, sub=who))).status_code == 403, who
    made = await routing.post("/absences", body, headers=routing.token("caseworker", sub="east-1"))
    assert made.status_code == 201
    ends = {"lastDay": (routing.today + timedelta(days=1)).isoformat()}
    path = f"/absences/{made.json()['id']}/endings"
    assert (await routing.post(path, ends, headers=routing.token("caseworker", sub="west-1"))).status_code == 403
    assert (await routing.post(path, ends, headers=routing.token("team_manager", sub="east-boss"))).status_code == 201


async def test_a_deputy_sees_the_clients_while_the_colleague_is_away_and_not_after(routing: Routing) -> None:
    await routing.done("/staff", member("east-1", "east"))
    client = await routing.client()
    await routing.done("/staff", member("west-1", "west"))
    deputy = routing.token("caseworker", sub="west-1")

    async def sees() -> bool:
        return bool((await routing.get(f"/clients/{client}/journey", headers=deputy)).is_success)

    assert not await sees()
    first, last = routing.today + timedelta(days=1), routing.today + timedelta(days=2)
    body = {"municipality": "GM1916", "staffId": "east-1", "deputyId": "west-1"}
    await routing.done("/absences", {**body, "firstDay": first.isoformat(), "lastDay": last.isoformat()})
    assert not await sees()
    await routing.move_to(first)
    assert await sees()
    await routing.move_to(last + timedelta(days=1))
    assert not await sees()


async def test_who_is_to_receive_a_client_sees_them_from_the_preparation_on(routing: Routing) -> None:
    await routing.done("/staff", member("west-1", "west"))
    client = await routing.client()
    await routing.done("/staff", {**member("east-1", "east"), "roles": ["income_consultant", "consultant_2b"]})
    await routing.done("/staff", member("s-1", "west"))
    await routing.hear(client, routing.categorised("2A", "participation"))
    receives = routing.token("caseworker", sub="east-1")
    handover = (await routing.handover(client))["id"]
    assert (await routing.get(f"/handovers/{handover}", headers=receives)).status_code == 404
    await routing.done(f"/handovers/{handover}/preparations", {"note": "A warm handover"})
    assert (await routing.get(f"/handovers/{handover}", headers=receives)).status_code == 200
    accepted = await routing.post(f"/handovers/{handover}/acceptances", {}, headers=receives)
    assert accepted.status_code == 201, accepted.text
    gave = routing.token("caseworker", sub="s-1")
    assert (await routing.get(f"/clients/{client}/journey", headers=gave)).status_code == 404
    assert (await routing.get(f"/clients/{client}/journey", headers=receives)).json()["caseworkerId"] == "east-1"


async def test_a_caseload_counts_in_full_whoever_asks_for_an_assignment(routing: Routing) -> None:
    """A colleague of another team is not taken for idle because their clients are out of sight."""
    await routing.done("/staff", {**member("s-1", None), "roles": [], "manages": ["west", "east"]})
    await routing.done("/staff", member("east-1", "east"))
    for _ in range(3):
        await routing.client()
    await routing.done("/staff", {**member("west-1", "west"), "roles": ["income_consultant"]})
    client = await routing.client("2A", "participation")
    await routing.done("/staff", member("west-2", "west"))
    await routing.hear(client, routing.categorised("1B", "reintegration"))
    handover = (await routing.handover(client))["id"]
    await routing.done(f"/handovers/{handover}/preparations", {"note": "A warm handover"})
    accepts = routing.token("caseworker", sub="west-2")
    assert (await routing.post(f"/handovers/{handover}/acceptances", {}, headers=accepts)).status_code == 201
    assert (await routing.journey(client))["caseworkerId"] == "west-2"


async def test_who_leaves_keeps_no_client_even_when_the_caller_does_not_see_them(routing: Routing) -> None:
    await town(routing)
    client = await routing.client()
    outsider = routing.token("caseworker", "operator", sub="elsewhere-1")
    for team, who in (("east", "east-1"), ("west", "west-1"), ("west", "west-boss"), ("east", "east-boss")):
        left = await routing.post("/staff", {**member(who, team), "active": False}, headers=outsider)
        assert left.status_code == (409 if who == "east-1" else 201), "whoever's clients the caller sees"
    seen = await routing.get(f"/clients/{client}/journey", headers=routing.token("front_end", sub=None))
    assert seen.json()["caseworkerId"] == "east-1"
    leaver = {"municipality": "GM1916", "note": "Warm overgedragen"}
    await routing.done("/staff/east-1/transfers", leaver, headers=outsider)
    listed = await routing.get("/worklist", headers=routing.token("front_end", sub=None), scope="municipality")
    assert [each["kind"] for each in listed.json()["items"]] == ["without_caseworker"]


async def test_who_stands_in_for_a_manager_has_that_managers_view_and_keeps_those_teams_meanwhile(
    routing: Routing,
) -> None:
    await town(routing)
    await routing.done("/staff", {**member("north-1", "north"), "roles": ["income_consultant"]})
    await routing.done("/staff", {**member("south-1", "south"), "roles": ["income_consultant"]})
    client = await routing.client()
    assert (await routing.get(f"/clients/{client}/journey", headers=routing.token("front_end", sub=None))).json()[
        "caseworkerId"
    ] == "east-1"
    await routing.done(
        f"/clients/{client}/routes", {"route": "focus_op_werk"}, headers=routing.token("front_end", sub=None)
    )
    deputy = routing.token("team_manager", sub="north-1")

    async def view() -> tuple[bool, set[str], set[str], int]:
        opens = (await routing.get(f"/clients/{client}/journey", headers=deputy)).is_success
        team = (await routing.get("/worklist", headers=deputy, scope="team")).json()["items"]
        mine = (await routing.get("/worklist", headers=deputy)).json()["items"]
        kept = await routing.post("/staff", member("new", "east"), headers=deputy)
        whose = [{each["caseworkerId"] for each in items} for items in (team, mine)]
        return opens, whose[0], whose[1], kept.status_code

    nothing: tuple[bool, set[str], set[str], int] = (False, set(), set(), 403)
    assert await view() == nothing
    away = {"municipality": "GM1916", "firstDay": routing.today.isoformat(), "lastDay": routing.today.isoformat()}
    await routing.done(
        "/absences", {**away, "staffId": "east-boss", "deputyId": "north-1"}, headers=routing.token("operator")
    )
    assert await view() == (True, {"east-1"}, set(), 201)
    await routing.done("/absences", {**away, "staffId": "east-1"}, headers=routing.token("operator"))
    assert await view() == (True, {"east-1"}, {"east-1"}, 201)
    owners = (await routing.get(f"/clients/{client}/deadlines", headers=deputy)).json()["items"]
    assert {each["owner"] for each in owners} == {"north-1"}
    assert (
        await routing.get(f"/clients/{client}/journey", headers=routing.token("caseworker", sub="south-1"))
    ).is_error

    await routing.move_to(routing.today + timedelta(days=1))
    assert await view() == nothing
