"""Whom a town has to guide its clients: entered, read and changed one by one (ROU-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Routing

pytestmark = pytest.mark.requirement("ROU-16")

HERE, THERE = "GM1916", "GM0626"


def anna(**more: Any) -> dict[str, Any]:
    return {"id": "anna", "municipalities": [HERE], "roles": ["work_consultant"], **more}


def faults(answer: Any) -> dict[str, str]:
    """What is wrong, by where it is."""
    assert answer.status_code == 400, answer.text
    return {each["pointer"]: each["detail"] for each in answer.json()["errors"]}


async def test_a_role_that_no_policy_of_the_town_knows_is_refused_with_those_that_it_knows(routing: Routing) -> None:
    refused = faults(await routing.post("/staff", anna(roles=["work_consultant", "acrobat", "clown"])))
    assert set(refused) == {"#/roles/1", "#/roles/2"}
    assert "work_consultant, income_consultant" in refused["#/roles/1"]
    assert HERE in refused["#/roles/1"]
    assert (await routing.get("/staff")).json()["items"] == []


async def test_a_role_of_a_policy_yet_to_come_may_be_entered_before_it_begins(routing: Routing) -> None:
    coming = ["participation_consultant", "job_coach"]
    assert (await routing.post("/staff", anna(municipalities=[THERE], roles=coming))).status_code == 201
    assert set(faults(await routing.post("/staff", anna(municipalities=[HERE, THERE], roles=coming)))) == {
        "#/roles/0", "#/roles/1"
    }  # fmt: skip


async def test_a_town_without_any_policy_has_no_staff(routing: Routing) -> None:
    token = routing.token("operator", municipalities=[HERE, "GM9999"])
    refused = faults(await routing.post("/staff", anna(municipalities=[HERE, "GM9999"]), headers=token))
    assert refused == {"#/municipalities/1": "GM9999 has no policy"}


async def test_who_still_guides_clients_is_not_made_inactive_but_hands_them_over_first(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"])
    client, _ = await routing.client(), await routing.client()
    await routing.staff(bert=["work_consultant"])

    refused = await routing.post("/staff", anna(active=False))

    assert refused.status_code == 409
    problem = refused.json()
    assert (problem["type"].rpartition("/")[2], problem["clients"]) == ("guides-clients", 2)
    assert "/v1/staff/anna/transfers" in problem["detail"]
    assert (await routing.journey(client))["caseworkerId"] == "anna"
    await routing.leaves("anna")
    assert (await routing.post("/staff", anna(active=False))).status_code == 201
    assert (await routing.journey(client))["transfers"][0]["note"] == "Warm overgedragen"


async def test_a_role_in_which_somebody_guides_clients_is_taken_away_once_they_are_handed_over(
    routing: Routing,
) -> None:
    both = ["work_consultant", "income_consultant"]
    await routing.done("/staff", anna(roles=both))
    at_work, other = await routing.client(), await routing.client()
    at_income = await routing.client("3A", "participation")
    await routing.staff(bert=["work_consultant"])

    by_post = await routing.post("/staff", anna(roles=["income_consultant"]))
    by_patch = await change(routing, '"1"', {"roles": ["income_consultant"]})

    for refused in (by_post, by_patch):
        assert refused.status_code == 409
        problem = refused.json()
        assert (problem["type"].rpartition("/")[2], problem["clients"]) == ("guides-clients", 2)
        assert "anna still guides 2 clients in GM1916 as work_consultant: hand over" in problem["detail"]
        assert "/v1/staff/anna/transfers with these roles" in problem["detail"]
    assert (await routing.get("/staff/anna")).json()["roles"] == sorted(both)

    body = {"municipality": HERE, "note": "Warm overgedragen", "roles": ["work_consultant"]}
    handed = await routing.done("/staff/anna/transfers", body)
    assert {each["clientId"]: each["toId"] for each in handed["transferred"]} == {
        str(at_work): "bert", str(other): "bert",
    }  # fmt: skip
    assert (await routing.journey(at_work))["transfers"][0]["note"] == "Warm overgedragen"
    assert (await routing.journey(at_income))["caseworkerId"] == "anna"
    left = (await routing.get("/staff/anna")).json()
    assert (left["roles"], left["active"]) == (["income_consultant"], True)
    assert (await routing.post("/staff", anna(roles=["income_consultant"]))).status_code == 201


async def test_the_roles_that_are_handed_over_are_known_and_leave_something_to_do(routing: Routing) -> None:
    await routing.done("/staff", anna())
    client = await routing.client()
    body = {"municipality": HERE, "note": "Warm overgedragen", "roles": ["acrobat", "work_consultant"]}
    assert set(faults(await routing.post("/staff/anna/transfers", body))) == {"#/roles/0", "#/roles"}
    assert (await routing.journey(client))["caseworkerId"] == "anna"


async def test_a_role_that_somebody_does_not_hold_is_not_handed_over_as_if_it_were(routing: Routing) -> None:
    await routing.done("/staff", anna())
    await routing.client()
    body = {"municipality": HERE, "note": "Warm overgedragen", "roles": ["income_consultant"]}
    refused = faults(await routing.post("/staff/anna/transfers", body))
    assert refused == {"#/roles/0": "is no role of anna, who guides nobody in it"}


async def test_who_guides_a_client_without_the_role_is_changed_without_a_word(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"], dora=["income_consultant"])
    client = await routing.client()
    await routing.done("/staff/anna/transfers", {"municipality": HERE, "note": "Warm", "to": ["dora"]})
    await routing.done("/staff", anna(id="dora", roles=["income_consultant"], hoursPerWeek=20))
    assert (await routing.journey(client))["caseworkerId"] == "dora"


async def test_hours_have_decimals_two_at_most_and_weigh_as_they_are(routing: Routing) -> None:
    await routing.done("/staff", anna(hoursPerWeek=28.5))
    await routing.done("/staff", anna(id="bert", hoursPerWeek=28.75))
    assert [each["hoursPerWeek"] for each in (await routing.get("/staff")).json()["items"]] == [28.5, 28.75]
    first = await routing.client()
    assert (await routing.journey(first))["caseworkerId"] == "anna"
    await routing.client()
    third = await routing.client()
    assert (await routing.journey(third))["caseworkerId"] == "bert", "by a quarter of an hour"

    for hours, words in ((28.555, "has more than 2 decimals"), (0.5, "greater than"), (60.25, "less than")):
        assert words in faults(await routing.post("/staff", anna(hoursPerWeek=hours)))["#/hoursPerWeek"]


async def change(routing: Routing, version: str | None, body: dict[str, Any], **more: Any) -> Any:
    """A change of anna on the staff, by who knows this version."""
    headers = {**(more.pop("token", None) or routing.token()), **({"If-Match": version} if version else {})}
    path = "/v1/staff/" + more.pop("who", "anna")
    return await routing.service.http.patch(path, json=body, headers=headers, params=more)


async def test_one_member_of_staff_is_read_and_changed_in_what_is_named_and_nothing_else(routing: Routing) -> None:
    await routing.done("/staff", anna(team="west", manages=["west"], hoursPerWeek=24))
    await routing.client()

    desk = routing.token("front_end", sub=None)
    read = await routing.get("/staff/anna", headers=desk)
    assert (read.status_code, read.headers["etag"], read.json()["clients"]) == (200, '"1"', 1)
    changed = await change(routing, '"1"', {"hoursPerWeek": 28.5}, token=desk)

    assert changed.json() == {**read.json(), "hoursPerWeek": 28.5}
    assert changed.headers["etag"] == '"2"'
    assert (await routing.get("/staff/anna")).headers["etag"] == '"2"'
    assert (await change(routing, '"2"', {"team": None, "manages": []})).json()["team"] is None
    same = await change(routing, '"3"', {"hoursPerWeek": 28.5})
    assert same.headers["etag"] == '"3"', "nothing changed"


async def test_who_changes_what_somebody_else_changed_meanwhile_hears_who_and_what(routing: Routing) -> None:
    await routing.done("/staff", anna())
    await routing.done("/staff", anna(hoursPerWeek=24), headers=routing.token("operator", sub="ole"))

    late = await change(routing, '"1"', {"team": "west"})

    assert late.status_code == 412
    assert (late.json()["changedBy"], late.json()["changes"][0]["fields"]) == ("staff:ole", ["hoursPerWeek"])
    assert (await change(routing, None, {"team": "west"})).status_code == 428
    await routing.leaves("anna")
    assert (await change(routing, '"2"', {"team": "west"})).json()["changes"][-1]["fields"] == ["active"]


async def test_what_cannot_be_of_somebody_is_not_changed_into(routing: Routing) -> None:
    await routing.done("/staff", anna())
    await routing.client()
    assert set(faults(await change(routing, '"1"', {"roles": ["acrobat"], "hoursPerWeek": 99}))) == {"#/hoursPerWeek"}
    assert set(faults(await change(routing, '"1"', {"roles": ["work_consultant", "acrobat"]}))) == {"#/roles/1"}
    assert set(faults(await change(routing, '"1"', {"roles": []}))) == {"#/roles"}
    assert set(faults(await change(routing, '"1"', {"roles": None}))) == {"#/roles"}
    guides = await change(routing, '"1"', {"active": False})
    assert (guides.status_code, guides.json()["clients"]) == (409, 1)
    boss = routing.token("team_manager", sub="boss")
    await routing.done("/staff", anna(id="boss", team="west", manages=["west"]))
    assert (await change(routing, '"1"', {"team": "east"}, token=boss)).status_code == 403
    assert (await change(routing, '"1"', {"team": "west"}, who="nobody")).status_code == 404


async def test_who_works_for_two_towns_is_changed_in_the_one_that_is_named(routing: Routing) -> None:
    await routing.done("/staff", anna(municipalities=[HERE, THERE]))

    assert faults(await routing.get("/staff/anna")) == {
        "#query/municipality": f"is needed: anna works for {THERE}, {HERE}"
    }
    assert (await change(routing, '"1"', {"hoursPerWeek": 12}, municipality=THERE)).json()["municipality"] == THERE

    assert (await routing.get("/staff/anna", municipality=HERE)).json()["hoursPerWeek"] == 36
    only_here = routing.token("team_manager", municipalities=[HERE])
    assert (await routing.get("/staff/anna", headers=only_here)).json()["municipality"] == HERE
    assert (await routing.get("/staff/anna", headers=only_here, municipality=THERE)).status_code == 403


async def test_a_municipality_is_asked_for_in_words(routing: Routing) -> None:
    words = "is a CBS code: GM and four digits"
    assert faults(await routing.post("/staff", anna(municipalities=["Uithoorn"]))) == {"#/municipalities/0": words}
    assert faults(await routing.get("/staff", municipality="gm1916")) == {"#query/municipality": words}
