"""What forms about a journey offer: by the policy of the municipality and the day, and nothing that is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contracts.words import WORDS

if TYPE_CHECKING:
    import httpx
    from tests.conftest import Routing

VOORSCHOTEN, PIJNACKER = "GM0626", "GM1926"
OURS = ("participationForms", "goals", "outcomes", "suspensionReasons", "exitReasons")
"""Lists that are the same everywhere."""


async def asked(routing: Routing, municipality: str | None = None, **query: Any) -> httpx.Response:
    headers = {**routing.token("caseworker"), **query.pop("headers", {})}
    return await routing.get(
        "/choices", headers=headers, **({"municipality": municipality} if municipality else {}), **query
    )


async def choices(routing: Routing, municipality: str, **query: Any) -> dict[str, Any]:
    answer = await asked(routing, municipality, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in found]


@pytest.mark.requirement("POL-1")
async def test_each_municipality_offers_what_its_policy_has_in_its_own_words(routing: Routing) -> None:
    here, there = await choices(routing, VOORSCHOTEN, on="2024-06-03"), await choices(routing, PIJNACKER)
    assert here["conversationOptions"][4] == {
        "option": 5, "label": "Door naar re-integratie", "form": None, "leadsTo": "diagnosis", "partnerKind": None
    }  # fmt: skip
    assert ids(here["conversationKinds"]) == ["face_to_face", "home_visit", "telephone", "review", "other"]
    assert (here["areasOfLife"], there["conversationOptions"]) == ([], [])
    assert there["conversationKinds"] == [
        {"id": "fip", "label": "FIP-gesprek"}, {"id": "other", "label": "Anders"},
    ]  # fmt: skip
    assert there["areasOfLife"][0] == {"id": "work", "label": "Werk en dagbesteding"}
    assert there["ladder"][0] == {"id": "talk", "label": "Gesprek over eigen keuzes"}
    ips = next(each for each in here["instruments"] if each["id"] == "ips")
    assert (ips["conditions"], ips["facts"]) == (
        ["IPS is er voor klanten met GGZ-problematiek."],
        ["mental_health_problems"],
    )
    assert (ips["duration"], ips["maxDuration"]) == ("2 jaar", "3 jaar")
    assert {each["id"]: each["needsGround"] for each in here["exitReasons"]}["enforcement"]


@pytest.mark.requirement("POL-4")
async def test_a_day_has_the_policy_of_that_day(routing: Routing) -> None:
    before, after = [await choices(routing, VOORSCHOTEN, on=day) for day in ("2023-12-31", "2024-01-01")]
    assert (before["policy"], after["policy"]) != (after["policy"], before["policy"])
    assert "matchmaker" in set(ids(after["roles"])) - set(ids(before["roles"]))
    assert (await choices(routing, VOORSCHOTEN))["on"] == routing.today.isoformat()


async def test_everything_has_a_dutch_word(routing: Routing) -> None:
    found = await choices(routing, VOORSCHOTEN)
    assert {id for name in OURS for id in ids(found[name])} <= WORDS.keys()
    assert found["hoursBands"][0] == {"id": "0-8", "label": "0 t/m 8"}
    assert found["incomeBands"][-1] == {"id": "1001+", "label": "1001 of meer"}


async def test_what_is_offered_is_taken(routing: Routing) -> None:
    await routing.staff(VOORSCHOTEN)
    found = await choices(routing, VOORSCHOTEN)

    async def take(path: str, bodies: list[dict[str, Any]]) -> None:
        for body in bodies:
            client = await routing.client("3A", "participation", municipality=VOORSCHOTEN)
            await routing.done(f"/clients/{client}/{path}", body)

    plain = next(each["id"] for each in found["instruments"] if not each["conditions"])
    await take("conversations", [{"kind": each} for each in ids(found["conversationKinds"])])
    options = [each["option"] for each in found["conversationOptions"]]
    await take("conversations", [{"kind": "face_to_face", "option": each} for each in options])
    await take("instruments", [{"instrument": plain, "goal": each} for each in ids(found["goals"])])
    await take("suspensions", [{"reason": each} for each in ids(found["suspensionReasons"])])
    await take(
        "exits",
        [
            {"reason": each["id"], **({"ground": "Fraude"} if each["needsGround"] else {})}
            for each in found["exitReasons"]
        ],
    )
    for outcome in ids(found["outcomes"]):
        client = await routing.client("3A", "participation", municipality=VOORSCHOTEN)
        opened = (await routing.journey(client))["openRoutes"]
        assert {each["id"] for each in opened} <= set(ids(found["routes"]))
        route = await routing.done(f"/clients/{client}/routes", {"route": opened[0]["id"]})
        await routing.done(f"/routes/{route['id']}/ends", {"outcome": outcome})


async def test_who_kept_the_answer_hears_whether_it_still_holds(routing: Routing) -> None:
    first = await asked(routing, VOORSCHOTEN, on="2023-12-31")
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = await asked(routing, VOORSCHOTEN, on="2023-12-31", headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    later = await asked(routing, VOORSCHOTEN, on="2024-01-01", headers={"If-None-Match": tag})
    assert later.status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"municipality": "GM0001"}, 403, "forbidden"),
        ({"municipality": VOORSCHOTEN, "on": "1999-01-01"}, 404, "no-policy-on-that-day"),
        ({"municipality": "Voorschoten"}, 400, "invalid-request"),
        ({"municipality": VOORSCHOTEN, "on": "vandaag"}, 400, "invalid-request"),
        ({}, 400, "invalid-request"),
    ],
)
async def test_what_cannot_be_told_is_said(routing: Routing, query: dict[str, str], status: int, slug: str) -> None:
    answer = await asked(routing, **query)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (status, slug), answer.text


async def test_a_municipality_without_a_policy_has_no_choices(routing: Routing) -> None:
    headers = routing.token("caseworker", municipalities=["GM0001"])
    answer = await routing.get("/choices", headers=headers)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (404, "no-policy-on-that-day")
