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


async def test_a_municipality_is_asked_for_in_words(routing: Routing) -> None:
    words = "is a CBS code: GM and four digits"
    assert faults(await routing.post("/staff", anna(municipalities=["Uithoorn"]))) == {"#/municipalities/0": words}
    assert faults(await routing.get("/staff", municipality="gm1916")) == {"#query/municipality": words}
