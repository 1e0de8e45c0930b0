from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts.diagnosis import ExemptionGranted
from contracts.routing import (
    CaseworkerAssigned,
    HandoverCancelled,
    HandoverDue,
    HandoverEscalated,
    HandoverPrepared,
    HandoverReturned,
)

if TYPE_CHECKING:
    from tests.conftest import Routing

STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "prepare": ("preparations", {"note": "The file"}),
    "accept": ("acceptances", {}),
    "give back": ("returns", {"reason": "The work-ability test is missing"}),
}
LEADS_TO = {
    "due": {"prepare": "prepared"},
    "prepared": {"accept": "accepted", "give back": "returned"},
    "returned": {"prepare": "prepared"},
    "accepted": {},
    "cancelled": {},
}
PATHS = {"due": [], "prepared": ["prepare"], "returned": ["prepare", "give back"], "accepted": ["prepare", "accept"]}


async def handover_of(routing: Routing, state: str) -> tuple[str, Any]:
    await routing.staff()
    client = await routing.client()
    await routing.hear(client, routing.categorised("2A", "participation"))
    handover = (await routing.handover(client))["id"]
    if state == "cancelled":
        await routing.hear(client, routing.categorised("1B", "reintegration"))
    for step in PATHS.get(state, []):
        path, body = STEPS[step]
        await routing.done(f"/handovers/{handover}/{path}", body)
    return handover, client


@pytest.mark.parametrize("state", LEADS_TO)
@pytest.mark.requirement("ROU-5")
async def test_only_the_steps_that_the_state_allows_are_taken(routing: Routing, state: str) -> None:
    handover, _ = await handover_of(routing, state)
    for step, (path, body) in STEPS.items():
        if step in LEADS_TO[state]:
            continue
        before = len(await routing.said())
        refused = await routing.post(f"/handovers/{handover}/{path}", body)
        assert refused.status_code == 409, (state, step)
        assert "must be prepared" in refused.json()["title"] or "when it is due" in refused.json()["title"]
        assert len(await routing.said()) == before
        assert (await routing.get(f"/handovers/{handover}")).json()["state"] == state


@pytest.mark.parametrize(("state", "step"), [(state, step) for state in LEADS_TO for step in LEADS_TO[state]])
async def test_the_steps_that_the_state_allows_lead_on(routing: Routing, state: str, step: str) -> None:
    handover, _ = await handover_of(routing, state)
    path, body = STEPS[step]
    assert (await routing.done(f"/handovers/{handover}/{path}", body))["state"] == LEADS_TO[state][step]


async def test_who_is_returned_is_prepared_again_with_a_new_term(routing: Routing) -> None:
    handover, client = await handover_of(routing, "returned")
    assert await routing.deadline(client, "acceptance") is None
    assert len(await routing.said(HandoverReturned, client)) == 1
    await routing.move_to(date(2021, 9, 20))
    assert await routing.said(HandoverEscalated, client) == []
    again = await routing.done(f"/handovers/{handover}/preparations", {"note": "With the test"})
    assert again["acceptBy"] == "2021-10-04"
    assert len(await routing.said(HandoverPrepared, client)) == 2


async def test_a_diagnosis_for_the_track_where_the_client_is_makes_the_handover_needless(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.hear(client, routing.categorised("2A", "participation"))
    await routing.hear(client, routing.categorised("2A", "participation", confirmed="reconfirmed"))
    assert [each.data.reason for each in await routing.said(HandoverDue, client)] == ["categorised"]
    await routing.hear(client, routing.categorised("1C", "reintegration"))
    assert len(await routing.said(HandoverCancelled, client)) == 1
    assert (await routing.journey(client))["category"] == "1C"


@pytest.mark.requirement("ROU-4")
async def test_the_longest_stay_is_over_whatever_a_diagnosis_reconfirms(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.move_to(date(2021, 9, 2))
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk", "startedOn": "2021-09-01"})
    await routing.move_to(date(2023, 9, 1))
    await routing.hear(client, routing.categorised("1B", "reintegration", confirmed="reconfirmed"))
    assert await routing.said(HandoverCancelled, client) == []
    assert (await routing.handover(client))["state"] == "due"


async def test_another_category_on_the_same_track_may_ask_for_another_caseworker(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    await routing.hear(client, routing.categorised("2B", "reintegration", indications=("job_agreement",)))
    transferred = (await routing.said(CaseworkerAssigned, client))[-1].data
    assert (transferred.caseworker_id, transferred.previous_id, transferred.occasion) == (
        "two-b-1",
        "work-1",
        "categorised",
    )
    assert await routing.said(HandoverDue, client) == []
    assert await routing.deadline(client, "longest_stay") is None, "2B is excepted from the longest stay"
    await routing.hear(client, routing.categorised("1B", "reintegration"))
    assert await routing.due_on(client, "longest_stay") == "2023-09-01"


@pytest.mark.requirement("DIA-9")
async def test_a_permanent_exemption_hands_over_once_and_a_temporary_one_does_not(routing: Routing) -> None:
    await routing.staff()
    for_good, for_a_time = await routing.client(), await routing.client()
    granted = ExemptionGranted(
        occurred_on=routing.today, by="staff:s-2", exemption_id=new_id(), until=None, effect="handover"
    )
    await routing.hear(for_good, granted, routing.categorised("3B", "participation", exempted_permanently=True))
    assert [each.data.reason for each in await routing.said(HandoverDue, for_good)] == ["permanent_exemption"]
    until = date(2021, 12, 31)
    await routing.hear(for_a_time, routing.categorised("3B", "participation", exempted_until=until))
    assert await routing.said(HandoverDue, for_a_time) == []
    journey = await routing.journey(for_a_time)
    assert (journey["track"], journey["category"], journey["caseworkerId"]) == ("reintegration", "3B", "work-1")


async def test_where_the_role_does_not_change_the_caseworker_stays(routing: Routing) -> None:
    await routing.staff("GM0451", **{"manager-1": ["client_manager"], "manager-2": ["client_manager"]})
    client = await routing.client("70-100", municipality="GM0451")
    await routing.hear(client, routing.categorised("0-40", "participation"), municipality="GM0451")
    await routing.hand_over(client)
    assert [each.data.caseworker_id for each in await routing.said(CaseworkerAssigned, client)] == ["manager-1"] * 2


async def test_handovers_are_listed_by_state_page_by_page(routing: Routing) -> None:
    await routing.staff()
    for _ in range(3):
        client = await routing.client()
        await routing.hear(client, routing.categorised("2A", "participation"))
    first = await routing.get("/handovers", state="due", limit=2)
    assert len(first.json()["items"]) == 2
    following = first.headers["link"].split(";")[0].strip("<>")
    second = await routing.service.http.get(following, headers=routing.token())
    assert len(second.json()["items"]) == 1
    assert (await routing.get("/handovers", state="accepted")).json()["items"] == []


async def test_of_two_who_accept_at_the_same_time_one_does(routing: Routing) -> None:
    handover, client = await handover_of(routing, "prepared")
    answers = await asyncio.gather(*(routing.post(f"/handovers/{handover}/acceptances") for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409]
    assert (await routing.types(client)).count("handover-accepted") == 1


async def test_nobody_accepts_before_the_file_was_ready(routing: Routing) -> None:
    handover, _ = await handover_of(routing, "prepared")
    early = await routing.post(f"/handovers/{handover}/acceptances", {"on": "2021-08-31"})
    assert early.json()["errors"][0]["pointer"] == "#/on"


async def two_teams(routing: Routing) -> str:
    """A handover prepared by who guides the client in the team west, for the team east."""
    gives: dict[str, dict[str, Any]] = {"giver": {"roles": ["work_consultant", "income_consultant"], "team": "west"}}
    others: dict[str, dict[str, Any]] = {
        "colleague": {"roles": ["work_consultant"], "team": "west"},
        "west-boss": {"roles": [], "team": None, "manages": ["west"]},
        "receiver": {"roles": ["income_consultant"], "team": "east"},
        "east-boss": {"roles": [], "team": None, "manages": ["east"]},
    }
    await employ(routing, gives)
    client = await routing.client()
    await employ(routing, others)
    await routing.hear(client, routing.categorised("2A", "participation"))
    token = routing.token("caseworker", sub="giver")
    due = (await routing.get(f"/clients/{client}/journey", headers=token)).json()["handovers"][-1]
    await routing.done(f"/handovers/{due['id']}/preparations", {"note": "The file"}, headers=token)
    return str(due["id"])


async def employ(routing: Routing, people: dict[str, dict[str, Any]]) -> None:
    for name, told in people.items():
        await routing.done("/staff", {"id": name, "municipalities": ["GM1916"], **told})


async def state_of(routing: Routing, handover: str) -> str:
    read = await routing.get(f"/handovers/{handover}", headers=routing.token("front_end", sub=None))
    return str(read.json()["state"])


@pytest.mark.parametrize("step", ["accept", "give back"])
@pytest.mark.requirement("ROU-5")
async def test_who_gives_a_client_neither_accepts_nor_returns_the_handover(routing: Routing, step: str) -> None:
    handover = await two_teams(routing)
    path, body = STEPS[step]
    refused = await routing.post(
        f"/handovers/{handover}/{path}", body, headers=routing.token("caseworker", sub="giver")
    )
    assert refused.status_code == 403, refused.text
    assert "You give this client" in refused.json()["detail"], "also who has the receiving role"
    assert await state_of(routing, handover) == "prepared"


@pytest.mark.parametrize("step", ["accept", "give back"])
@pytest.mark.parametrize("who", ["colleague", "west-boss"])
@pytest.mark.requirement("ROU-5")
async def test_who_only_sees_the_client_neither_accepts_nor_returns_the_handover(
    routing: Routing, step: str, who: str
) -> None:
    handover = await two_teams(routing)
    path, body = STEPS[step]
    role = "team_manager" if who == "west-boss" else "caseworker"
    refused = await routing.post(f"/handovers/{handover}/{path}", body, headers=routing.token(role, sub=who))
    assert refused.status_code == 403, refused.text
    assert "Consulent Inkomen" in refused.json()["detail"], "it says whose it is"


@pytest.mark.parametrize("step", ["accept", "give back"])
@pytest.mark.parametrize(
    ("who", "role"), [("receiver", "caseworker"), ("east-boss", "team_manager"), ("portal", "front_end")]
)
@pytest.mark.requirement("ROU-5")
async def test_who_has_the_receiving_role_or_manages_them_accepts_and_returns(
    routing: Routing, step: str, who: str, role: str
) -> None:
    handover = await two_teams(routing)
    path, body = STEPS[step]
    done = await routing.post(f"/handovers/{handover}/{path}", body, headers=routing.token(role, sub=who))
    assert done.status_code == 201, done.text


@pytest.mark.requirement("ROU-5", "ROU-16")
async def test_who_stands_in_for_the_receiving_manager_accepts_as_long_as_the_manager_is_away(routing: Routing) -> None:
    handover = await two_teams(routing)
    stands_in = routing.token("team_manager", sub="west-boss")
    assert (await routing.post(f"/handovers/{handover}/acceptances", headers=stands_in)).status_code == 403
    away = {"municipality": "GM1916", "staffId": "east-boss", "deputyId": "west-boss"}
    await routing.done("/absences", {**away, "firstDay": routing.today.isoformat()})
    items = (await routing.get("/worklist", headers=stands_in, scope="team", kind="handed_over")).json()["items"]
    assert [each["rel"] for item in items for each in item["links"]] == ["journey", "accept", "return"]
    await routing.done(f"/handovers/{handover}/acceptances", headers=stands_in)


async def test_a_colleague_who_prepared_the_file_does_not_accept_it_and_another_one_does(routing: Routing) -> None:
    people = ("one", "other", "third")
    await employ(routing, {name: {"roles": ["work_consultant", "income_consultant"]} for name in people})
    client = await routing.client()
    await routing.hear(client, routing.categorised("2A", "participation"))
    handover = (await routing.handover(client))["id"]
    [helps, third] = sorted(set(people) - {(await routing.journey(client))["caseworkerId"]})
    token = routing.token("caseworker", sub=helps)
    await routing.done(f"/handovers/{handover}/preparations", {"note": "The file"}, headers=token)
    assert (await routing.post(f"/handovers/{handover}/acceptances", headers=token)).status_code == 403
    await routing.done(f"/handovers/{handover}/acceptances", headers=routing.token("caseworker", sub=third))


async def test_where_nobody_receives_a_manager_of_the_municipality_accepts(routing: Routing) -> None:
    people = {"giver": {"roles": ["work_consultant"]}, "boss": {"roles": [], "manages": ["west"]}}
    await employ(routing, {name: {"team": "west", **told} for name, told in people.items()})
    client = await routing.client()
    await routing.hear(client, routing.categorised("2A", "participation"))
    boss = routing.token("team_manager", sub="boss")
    due = (await routing.get(f"/clients/{client}/journey", headers=boss)).json()["handovers"][-1]
    await routing.done(f"/handovers/{due['id']}/preparations", {"note": "The file"}, headers=boss)
    await routing.done(f"/handovers/{due['id']}/acceptances", headers=boss)
