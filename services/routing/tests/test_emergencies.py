"""Access to a client of another team in an emergency, and who looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

LEIDSCHENDAM = "GM1916"
REASON = {"municipality": LEIDSCHENDAM, "reason": "Dreigt vannacht op straat te staan"}


async def _two_teams(routing: Routing) -> None:
    for name, team in (("west-1", "west"), ("east-1", "east")):
        person = {"id": name, "municipalities": [LEIDSCHENDAM], "roles": ["work_consultant"], "team": team}
        await routing.done("/staff", {**person, "active": team == "west"})


async def _take(routing: Routing, client: UUID) -> None:
    await routing.done(
        f"/clients/{client}/emergency-accesses", REASON, headers=routing.token("caseworker", sub="east-1")
    )


async def test_access_goes_on_when_a_client_who_had_nobody_gets_a_caseworker(routing: Routing) -> None:
    client = new_id()
    await routing.hear(client, routing.registered())
    await _two_teams(routing)
    await _take(routing, client)
    await routing.hear(client, routing.categorised("1B", "reintegration"))
    east = {"id": "east-1", "municipalities": [LEIDSCHENDAM], "roles": ["work_consultant"], "team": "east"}
    await routing.done("/staff", east)
    for who, status in (("west-1", 200), ("east-1", 200), ("east-2", 404)):
        answer = await routing.get(f"/clients/{client}/journey", headers=routing.token("caseworker", sub=who))
        assert answer.status_code == status


async def test_an_access_to_who_left_already_is_looked_at_as_any(routing: Routing) -> None:
    await _two_teams(routing)
    client, manager = await routing.client(), routing.token("team_manager", sub="west-1")
    await routing.done(f"/clients/{client}/exits", {"reason": "education"}, headers=manager)
    await _take(routing, client)

    async def to_see_to() -> list[str]:
        listed = (await routing.get("/worklist", headers=manager, scope="team", clientId=str(client))).json()
        return [each["reason"] for each in listed["items"]]

    assert await to_see_to() == ["emergency_access"]
    [access] = (await routing.get("/emergency-accesses", headers=manager)).json()["items"]
    await routing.done(f"/emergency-accesses/{access['id']}/reviews", {"justified": True}, headers=manager)
    assert await to_see_to() == []
