"""Every call that a work list offers can be made by who is offered it, whatever the item."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.intake import InformationSessionDue, IntakeDue, IntakeEvent, IntegrationPlanDue, LanguageTestDue
from tests.support.databases import MakeDatabase
from tests.support.seeded import LEIDSCHENDAM, VOORSCHOTEN, House, house_of
from tests.support.seeded.routing import emergency, with_ips

PUBLIC = "https://opstap.example"
UNSTAFFED = "GM0451"

Make = Callable[[House], Awaitable[str]]


@pytest.fixture(scope="module")
async def house(make_database: MakeDatabase) -> AsyncIterator[House]:
    async with house_of(make_database) as made:
        yield made


async def _of_handover(house: House, *steps: str) -> str:
    handover = await house.get("routing", f"/handovers/{await house.handover(*steps)}")
    return str(handover["clientId"])


async def _on_a_route(house: House) -> str:
    client = await house.categorised(distance_months=8)
    [first, *_] = (await house.get("routing", f"/clients/{client}/journey"))["openRoutes"]
    await house.done("routing", f"/clients/{client}/routes", {"route": first["id"]})
    return client


async def _referred(house: House) -> str:
    client = await house.categorised(LEIDSCHENDAM, distance_months=60)
    await house.done("routing", f"/clients/{client}/conversations", {"kind": "face_to_face", "option": 1})
    await house.settle()
    return client


async def _proposed(house: House) -> str:
    client = await house.client()
    await house.proposal(client)
    return client


async def _transferred(house: House) -> str:
    client = await house.categorised(distance_months=60)
    journey = await house.get("routing", f"/clients/{client}/journey")
    one = {"municipalities": [VOORSCHOTEN], "roles": [journey["caseworkerRole"]]}
    await house.done("routing", "/staff", {"id": f"next-{client[-6:]}", **one})
    left = {"municipality": VOORSCHOTEN, "note": "Warm overgedragen"}
    await house.done("routing", f"/staff/{journey['caseworkerId']}/transfers", left)
    return client


async def _uses_ips(house: House) -> str:
    client, _ = await with_ips(house)
    return client


async def _agreed(house: House) -> str:
    """A client whose agreement was to be kept by yesterday, as entered today."""
    client = await house.categorised()
    body = {"agreed": "Komt dinsdag", "agreedOn": house.day(-7), "dueOn": house.day(-1)}
    await house.done("routing", f"/clients/{client}/agreements", body)
    await house.services["routing"].sweeper.sweep()
    return client


async def _missed(house: House, *taken: str) -> str:
    """A client who did not keep an agreement, once more after each of these steps of the ladder."""
    client = await house.categorised()
    for step in (*taken, None):
        made = await house.done("routing", f"/clients/{client}/agreements", {"agreed": "Komt dinsdag"})
        await house.done("routing", f"/agreements/{made['id']}/misses", {})
        if step is not None:
            await house.done("routing", f"/agreements/{made['id']}/steps", {"step": step})
    return client


async def _said_to_be_due(house: House, event: type[IntakeEvent], **told: Any) -> str:
    """A client of whom intake said that something was due some days ago."""
    client = await house.client(**told)
    await house.proposal(client)
    due_on = house.services["routing"].clock.today() - timedelta(days=2)
    said = event.model_validate({"occurred_on": due_on, "by": "clock", "due_on": due_on})
    await house.services["routing"].hear(UUID(client), said, municipality=VOORSCHOTEN)
    return client


MAKE: Mapping[str, Make] = {
    "emergency_access": lambda house: _first(emergency(house)),
    "usual_use": _uses_ips,
    "longest_use": _uses_ips,
    "agreement": _agreed,
    "ladder_step": _missed,
    "ladder_step, the last": lambda house: _missed(house, "talk"),
    "information_session": lambda house: _said_to_be_due(house, InformationSessionDue),
    "intake": lambda house: _said_to_be_due(house, IntakeDue),
    "language_test": lambda house: _said_to_be_due(house, LanguageTestDue),
    "integration_plan": lambda house: _said_to_be_due(house, IntegrationPlanDue, permitHolder=True),
    "first_conversation": lambda house: house.categorised(distance_months=60),
    "longest_stay": _on_a_route,
    "handover": _of_handover,
    "acceptance": lambda house: _of_handover(house, "preparations"),
    "referral": _referred,
    "proposal": _proposed,
    "caseworker": lambda house: house.categorised(UNSTAFFED, work_capacity_pct=55),
    "allowances_check": lambda house: _first(house.exit()),
    "first_meeting": _transferred,
}
"""What stands on a list, where it differs in which state, and a client of whom it does."""

BODIES: Mapping[str, Mapping[str, Any]] = {
    "conversation": {"kind": "face_to_face"},
    "exit": {"reason": "education"},
    "prepare": {"note": "Dossier besproken"},
    "return": {"reason": "Het dossier is niet volledig"},
    "accept": {},
    "check": {},
    "language_test": {"passed": True},
    "review": {"justified": True},
    "step": {"step": "talk"},
    "revert": {"reason": "De klant was er wel"},
    "measure": {"ground": "Kwam niet", "percentage": 20, "startsOn": "2024-07-01", "endsOn": "2024-07-31"},
}


async def _first(pair: Awaitable[tuple[str, str]]) -> str:
    return (await pair)[0]


async def _links(house: House, client: str, reason: str, token: Mapping[str, str]) -> list[dict[str, str]]:
    query = {"scope": "municipality", "clientId": client}
    answer = await house.services["routing"].get("/worklist", headers=token, **query)
    found = [each["links"] for each in answer.json()["items"] if each["reason"] == reason]
    assert len(found) == 1, (reason, answer.json())
    links: list[dict[str, str]] = found[0]
    return links


@pytest.mark.parametrize(
    ("reason", "roles"),
    [*((reason, ("team_manager",)) for reason in MAKE), ("referral", ("front_end",)), ("proposal", ("front_end",))],
)
async def test_every_call_that_is_offered_succeeds(house: House, reason: str, roles: tuple[str, ...]) -> None:
    token = house.services["routing"].token(*roles, sub="s-1" if "team_manager" in roles else None)
    made, reason = MAKE[reason], reason.partition(",")[0]
    followed, left = set[str](), {""}
    while left:
        client = await made(house)  # anew for each: what was done cannot be done again
        links = await _links(house, client, reason, token)
        left = {each["rel"] for each in links} - followed
        for link in [each for each in links if each["rel"] in left][:1]:
            service, _, path = link["href"].removeprefix(f"{PUBLIC}/").partition("/v1/")
            body = dict(BODIES.get(link["rel"], {}))
            if link["rel"] == "move":
                body = {"to": house.day(3), "reason": "x"}
            if link["rel"] == "extend" and reason == "usual_use":
                body = {"until": house.day(800), "reason": "Gaat goed"}
            answer = await house.services[service].http.request(
                link["method"], f"/v1/{path}", headers=token, json=body if link["method"] == "POST" else None
            )
            assert answer.is_success, f"{link} {answer.status_code} {answer.text}"
            if link["method"] == "GET" and "items" in answer.json() and reason == "proposal":
                assert answer.json()["items"], "what the list names is there"
            followed.add(link["rel"])
            left.discard(link["rel"])
    assert len(followed) >= 1
