from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
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


async def away(routing: Routing, who: str, deputy: str | None = None, days: int | None = None) -> None:
    """Somebody is away from today on."""
    last = None if days is None else (routing.today + timedelta(days=days)).isoformat()
    body = {"municipality": "GM1916", "staffId": who, "firstDay": routing.today.isoformat(), "lastDay": last}
    await routing.done("/absences", {**body, "deputyId": deputy})


async def test_a_leavers_clients_go_to_nobody_who_is_not_there_and_who_stands_in_is_said(routing: Routing) -> None:
    await clients_of_anna(routing, 1)
    work = ["work_consultant"]
    await routing.staff(away=work, open=work, bert=work, gone=work)
    await away(routing, "away", "bert", days=7)
    await away(routing, "open")
    await routing.leaves("gone")

    refused = await routing.post("/staff/anna/transfers", {**LEAVES, "to": ["bert", "away", "open", "gone"]})

    assert {each["pointer"]: each["detail"] for each in refused.json()["errors"]} == {
        "#/to/1": "is away until 2021-09-08, and bert stands in; name somebody who is there",
        "#/to/2": "is away until a day not yet known; name somebody who is there",
        "#/to/3": "does not work for GM1916 any more",
    }
    assert (await routing.get("/staff/anna")).json()["active"] is True
    await leave(routing, to=["bert"])


async def test_one_client_is_given_by_hand_to_a_colleague_with_a_warm_note(routing: Routing) -> None:
    [client, other] = await clients_of_anna(routing, 2)
    await routing.staff(bert=["work_consultant"])

    given = await routing.done(f"/clients/{client}/transfers", {"toId": "bert", "note": "Kent de familie"})

    assert (given["fromId"], given["toId"], given["note"]) == ("anna", "bert", "Kent de familie")
    journey = await routing.journey(client)
    assert (journey["caseworkerId"], journey["transfers"]) == ("bert", [given])
    said = (await routing.said(CaseworkerAssigned, client))[-1].data
    assert (said.caseworker_id, said.previous_id, said.occasion, said.by) == ("bert", "anna", "transfer", "staff:s-1")
    [met] = (await routing.get("/worklist", headers=routing.token("caseworker", sub="bert"))).json()["items"]
    assert met["reason"] == "first_meeting"
    assert (await routing.journey(other))["caseworkerId"] == "anna"
    assert (await routing.get("/staff/anna")).json()["active"] is True


async def test_a_client_is_given_to_nobody_but_a_colleague_of_the_role_who_is_there(routing: Routing) -> None:
    [client] = await clients_of_anna(routing, 1)
    await routing.staff(bert=["work_consultant"], dora=["income_consultant"])
    await away(routing, "bert")

    async def fault(to: str) -> str:
        refused = await routing.post(f"/clients/{client}/transfers", {"toId": to, "note": "Warm"})
        [found] = refused.json()["errors"]
        assert (refused.status_code, found["pointer"]) == (400, "#/toId")
        detail: str = found["detail"]
        return detail

    assert await fault("nobody") == "is not on the staff of GM1916"
    assert await fault("anna") == "guides the client already"
    assert (await fault("bert")).startswith("is away until a day not yet known")
    assert await fault("dora") == "does not have the role that guides the client: work_consultant"
    without_note = await routing.post(f"/clients/{client}/transfers", {"toId": "bert", "note": " "})
    assert {each["pointer"] for each in without_note.json()["errors"]} == {"#/note"}


async def test_a_client_is_given_by_who_sees_them_and_who_has_no_diagnosis_is_given_to_nobody(routing: Routing) -> None:
    for who, team in (("anna", "west"), ("bert", "east")):
        body = {"id": who, "municipalities": ["GM1916"], "roles": ["work_consultant"], "team": team}
        await routing.done("/staff", body)
    client, body = await routing.client(), {"toId": "bert", "note": "Kent de familie"}
    path = f"/clients/{client}/transfers"
    assert (await routing.post(path, body, headers=routing.token("caseworker", sub="bert"))).status_code == 404
    assert (await routing.post(path, body, headers=routing.token("caseworker", sub="anna"))).status_code == 201

    new = new_id()
    await routing.hear(new, routing.registered())
    refused = await routing.post(f"/clients/{new}/transfers", body)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "not-categorised")
