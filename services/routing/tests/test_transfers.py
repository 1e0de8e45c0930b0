from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contracts.routing import CaseworkerAssigned, CaseworkerMissing

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

pytestmark = [pytest.mark.requirement("ROU-16")]

LEAVES = {"municipality": "GM1916", "note": "Warm overgedragen"}


async def leave(routing: Routing, **more: Any) -> dict[str, Any]:
    return await routing.done("/staff/anna/transfers", {**LEAVES, **more})


async def clients_of_anna(routing: Routing, number: int) -> list[UUID]:
    await routing.staff(anna=["work_consultant"])
    return [await routing.client() for _ in range(number)]


async def test_a_leavers_clients_go_to_the_least_loaded_each_with_a_note_and_twice_is_once(routing: Routing) -> None:
    clients = await clients_of_anna(routing, 4)
    await routing.staff(bert=["work_consultant"], carl=["work_consultant"], dora=["income_consultant"])
    own = {"clientId": str(clients[0]), "note": "Belt liever 's ochtends"}
    first = await leave(routing, notes=[own])
    assert sorted(each["toId"] for each in first["transferred"]) == ["bert", "bert", "carl", "carl"]
    assert {each["clientId"]: each["note"] for each in first["transferred"]} == {
        str(client): own["note"] if client == clients[0] else LEAVES["note"] for client in clients
    }
    said = [each.data for each in await routing.said(CaseworkerAssigned)]
    assert [(each.previous_id, each.occasion) for each in said[4:]] == [("anna", "transfer")] * 4
    assert await leave(routing, notes=[own]) == first
    assert [each["note"] for each in (await routing.journey(clients[0]))["transfers"]] == [own["note"]]
    assert len(await routing.said(CaseworkerAssigned)) == len(said)
    await routing.client()
    assert (await routing.said(CaseworkerAssigned))[-1].data.caseworker_id != "anna"


async def test_receivers_may_be_named_and_without_any_the_team_manager_sees_the_clients(routing: Routing) -> None:
    clients = await clients_of_anna(routing, 2)
    await routing.staff(dora=["income_consultant"])
    nobody = await leave(routing)
    assert {each["toId"] for each in nobody["transferred"]} == {None}
    assert len(await routing.said(CaseworkerMissing)) == 2
    listed = (await routing.get("/clients-without-caseworker")).json()["items"]
    assert {each["clientId"] for each in listed} == {str(client) for client in clients}

    await routing.staff(anna=["work_consultant"], bert=["work_consultant"])
    named = await leave(routing, to=["dora"])
    assert {each["toId"] for each in named["transferred"][2:]} == {"dora"}


async def test_one_clients_failure_stops_no_other_and_is_taken_up_again(routing: Routing) -> None:
    clients = await clients_of_anna(routing, 3)
    await routing.staff(bert=["work_consultant"])
    ids = routing.service.office.ids
    made = 0

    def fails_once() -> UUID:
        nonlocal made
        made += 1
        if made == 4:  # an event and a row for each client
            raise RuntimeError("no id to be had")
        return ids()

    object.__setattr__(routing.service.office, "ids", fails_once)
    first = await leave(routing)
    assert (len(first["transferred"]), len(first["failed"])) == (2, 1)
    assert (await routing.journey(clients[0]))["caseworkerId"] is not None
    again = await leave(routing)
    assert (len(again["transferred"]), again["failed"]) == (3, [])
    assert len([each for each in await routing.said(CaseworkerAssigned) if each.data.occasion == "transfer"]) == 3


async def test_what_cannot_be_is_refused_with_all_faults_at_once(routing: Routing) -> None:
    clients = await clients_of_anna(routing, 1)
    await routing.staff(bert=["work_consultant"])
    stranger = {"clientId": "00000000-0000-0000-0000-000000000001", "note": "?"}
    theirs = {"clientId": str(clients[0]), "note": "?"}
    refused = await routing.post(
        "/staff/anna/transfers", {**LEAVES, "to": ["nobody", "anna"], "notes": [theirs, stranger]}
    )
    assert {each["pointer"] for each in refused.json()["errors"]} == {"#/to/0", "#/to/1", "#/notes/1/clientId"}
    assert (await routing.post("/staff/nobody/transfers", LEAVES)).status_code == 404
