"""Whoever is away, and whoever manages them or nobody does: their clients stand on somebody's list (ROU-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

pytestmark = [pytest.mark.requirement("ROU-16")]

HERE = "GM1916"


async def on_the_staff(routing: Routing, who: str, *roles: str, team: str | None = None, **more: Any) -> None:
    body = {"id": who, "municipalities": [HERE], "roles": list(roles), "team": team, **more}
    await routing.done("/staff", body, headers=routing.token("operator"))


async def away(routing: Routing, who: str, deputy: str | None = None) -> dict[str, Any]:
    body = {"municipality": HERE, "staffId": who, "firstDay": routing.today.isoformat(), "deputyId": deputy}
    return await routing.done("/absences", body, headers=routing.token("operator"))


async def with_something_due(routing: Routing) -> UUID:
    """A client on the way to work, with a route that ends."""
    client = await routing.client()
    app = routing.token("front_end", sub=None)
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"}, headers=app)
    return client


async def has(routing: Routing, who: str, client: UUID, role: str = "team_manager", scope: str = "me") -> bool:
    """Whether a client stands on somebody's list, and they can open the client."""
    token = routing.token(role, sub=who)
    listed = await routing.get("/worklist", headers=token, scope=scope, clientId=str(client))
    opened = await routing.get(f"/clients/{client}/journey", headers=token)
    assert not listed.json()["items"] or opened.is_success, "what stands on a list can be opened"
    return bool(listed.json()["items"])


@pytest.mark.parametrize("team", [None, "unled"])
async def test_whom_nobody_manages_is_every_managers_while_away(routing: Routing, team: str | None) -> None:
    await on_the_staff(routing, "loner", "work_consultant", team=team)
    await on_the_staff(routing, "west-1", "income_consultant", team="west")
    for boss, led in (("west-boss", "west"), ("east-boss", "east")):
        await on_the_staff(routing, boss, team=led, manages=[led])
    client = await with_something_due(routing)
    assert not await has(routing, "west-boss", client), "the loner is there"

    absence = await away(routing, "loner")

    for boss in ("west-boss", "east-boss"):
        assert await has(routing, boss, client), boss
        assert await has(routing, boss, client, scope="team"), boss
    assert not await has(routing, "west-1", client, "caseworker")
    assert not await has(routing, "west-1", client, "team_manager"), "who manages stands on the staff list"
    owners = (await routing.get(f"/clients/{client}/deadlines", headers=routing.token("front_end", sub=None))).json()
    assert {each["owner"] for each in owners["items"]} == {"east-boss"}
    west = routing.token("team_manager", sub="west-boss")
    await routing.done(f"/absences/{absence['id']}/deputies", {"deputyId": "west-1"}, headers=west)
    assert await has(routing, "west-1", client, "caseworker")
    assert not await has(routing, "west-boss", client)


async def test_who_stands_in_for_a_manager_sees_to_whom_nobody_manages(routing: Routing) -> None:
    await on_the_staff(routing, "loner", "work_consultant")
    await on_the_staff(routing, "west-1", "income_consultant", team="west")
    await on_the_staff(routing, "west-boss", team="west", manages=["west"])
    client = await with_something_due(routing)
    await away(routing, "loner")
    await away(routing, "west-boss", deputy="west-1")
    assert await has(routing, "west-1", client, "caseworker")


async def test_where_all_managers_of_a_team_are_away_its_members_see_to_each_other(routing: Routing) -> None:
    await on_the_staff(routing, "west-1", "work_consultant", team="west")
    await on_the_staff(routing, "west-2", "income_consultant", team="west")
    for boss, led in (("west-boss", "west"), ("east-boss", "east")):
        await on_the_staff(routing, boss, team=led, manages=[led])
    client = await with_something_due(routing)
    await away(routing, "west-1")
    assert await has(routing, "west-boss", client)
    assert not await has(routing, "west-2", client, "caseworker")

    await away(routing, "west-boss")

    assert await has(routing, "west-2", client, "caseworker")
    assert not await has(routing, "east-boss", client)


async def test_where_nobody_on_the_staff_manages_it_is_who_signs_in_as_a_manager(routing: Routing) -> None:
    await on_the_staff(routing, "loner", "work_consultant")
    await on_the_staff(routing, "west-1", "income_consultant", team="west")
    client = await with_something_due(routing)
    nobody_guides = await routing.client("2B", "reintegration", indications=("job_agreement",))
    await away(routing, "loner")
    assert await has(routing, "anybody", client)
    assert await has(routing, "anybody", nobody_guides)
    assert await has(routing, "west-1", nobody_guides, "caseworker", scope="team")
    assert not await has(routing, "west-1", client, "caseworker")


async def test_every_manager_may_accept_for_a_role_that_only_somebody_without_manager_has(routing: Routing) -> None:
    await on_the_staff(routing, "west-1", "work_consultant", team="west")
    await on_the_staff(routing, "loner", "income_consultant")
    for boss, led in (("west-boss", "west"), ("east-boss", "east")):
        await on_the_staff(routing, boss, team=led, manages=[led])
    client = await routing.client()
    await routing.hear(client, routing.categorised("3A", "participation"))
    gives = routing.token("caseworker", sub="west-1")
    due = (await routing.get(f"/clients/{client}/journey", headers=gives)).json()["handovers"][-1]
    await routing.done(f"/handovers/{due['id']}/preparations", {"note": "Warm"}, headers=gives)
    east = routing.token("team_manager", sub="east-boss")
    listed = await routing.get("/worklist", headers=east, scope="team", kind="handed_over")
    assert {link["rel"] for link in listed.json()["items"][0]["links"]} == {"journey", "accept", "return"}
    accepted = await routing.post(f"/handovers/{due['id']}/acceptances", {}, headers=east)
    assert accepted.status_code == 201, accepted.text


async def test_a_manager_keeps_whom_nobody_manages_and_takes_nobody_from_another_team(routing: Routing) -> None:
    await on_the_staff(routing, "loner", "work_consultant")
    await on_the_staff(routing, "east-1", "income_consultant", team="east")
    for boss, led in (("west-boss", "west"), ("east-boss", "east")):
        await on_the_staff(routing, boss, team=led, manages=[led])
    token = routing.token("team_manager", sub="west-boss")

    async def placed(who: str, team: str | None) -> int:
        body = {"id": who, "municipalities": [HERE], "roles": ["work_consultant"], "team": team}
        return (await routing.post("/staff", body, headers=token)).status_code

    assert await placed("loner", "east") == 403
    assert await placed("east-1", "west") == 403
    assert await placed("stranger", None) == 403
    assert await placed("loner", None) == 201
    assert await placed("loner", "west") == 201
