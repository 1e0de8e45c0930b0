"""Frequent, intensive, personal conversations (FIP): four a year, by area of life, each building on the one before."""

from datetime import date
from typing import Any

import pytest

from contracts.routing import (
    AgreementContinued,
    AgreementKept,
    AgreementMissed,
    ConversationCancelled,
    ConversationDue,
    ConversationHeld,
)
from policy import Term
from tests.support.paths import PIJNACKER, Traveller, path
from tests.support.standings import in_participation, towards_work

AREAS = dict.fromkeys(("work", "income", "housing", "health", "network", "learning"), "Besproken.")
QUARTER = Term(months=3)


async def speaks(client: Traveller, **said: Any) -> dict[str, Any]:
    """Has a FIP conversation today, or on the day it says."""
    return await client.post("routing", f"/clients/{client.id}/conversations", {"kind": "fip", "areas": AREAS, **said})


async def still_open(client: Traveller) -> list[dict[str, Any]]:
    """The agreements with which the next conversation begins."""
    found: list[dict[str, Any]] = (await client.get("routing", f"/clients/{client.id}/agreements?state=open"))["items"]
    return found


async def due_on(client: Traveller) -> date:
    """When the next conversation is due."""
    return date.fromisoformat((await client.deadline("fip"))["dueOn"])


@pytest.mark.requirement("ROU-8", "ROU-15")
@path(PIJNACKER)
async def test_who_is_not_yet_work_fit_is_spoken_four_times_a_year(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    entered = date.fromisoformat((await client.journey())["trackSince"])
    assert await due_on(client) == QUARTER.after(entered)
    for _ in range(4):
        due = await due_on(client)
        await client.until(due)
        await client.settles()
        await speaks(client)
        assert await due_on(client) == QUARTER.after(due)
    assert await due_on(client) <= Term(months=15).after(entered)
    assert [each.kind for each in await client.heard(ConversationDue)] == ["fip"] * 4
    assert len(await client.heard(ConversationHeld)) == 4


@pytest.mark.requirement("ROU-8")
@path(PIJNACKER)
async def test_who_takes_part_is_spoken_four_times_a_year_as_well(client: Traveller) -> None:
    await client.enters(**in_participation(client.place))
    due = await due_on(client)
    await client.until(due)
    assert [(each.kind, each.due_on) for each in await client.heard(ConversationDue)] == [("fip", due)]


@pytest.mark.requirement("ROU-8")
@path(PIJNACKER)
async def test_each_conversation_answers_the_agreements_of_the_one_before(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    due = client.world.days(80).isoformat()
    promised = [("income", "Belt schuldhulp."), ("learning", "Volgt taalles."), ("health", "Gaat naar de huisarts.")]
    await speaks(client, agreements=[{"area": area, "agreed": text, "dueOn": due} for area, text in promised])
    await client.days(85)
    debts, lessons, doctor = await still_open(client)
    assert [each["area"] for each in (debts, lessons, doctor)] == ["income", "learning", "health"]

    body = {
        "kind": "fip",
        "areas": {"work": "Besproken."},
        "answers": [{"agreementId": debts["id"], "outcome": "kept"}],
    }
    refused = await client.tries("routing", f"/clients/{client.id}/conversations", body)
    assert sorted(each["pointer"] for each in refused["errors"]) == ["#/answers"] * 2 + ["#/areas"] * 5

    later = client.world.days(90).isoformat()
    await speaks(client, answers=[
        {"agreementId": debts["id"], "outcome": "kept"},
        {"agreementId": lessons["id"], "outcome": "goes_on", "dueOn": later},
        {"agreementId": doctor["id"], "outcome": "missed"},
    ])  # fmt: skip
    [goes_on] = await still_open(client)
    assert (goes_on["continuesId"], goes_on["dueOn"]) == (lessons["id"], later)
    assert len(await client.heard(AgreementKept)) == len(await client.heard(AgreementContinued)) == 1
    assert [each.step for each in await client.heard(AgreementMissed)] == ["talk"]


@pytest.mark.requirement("ROU-8", "ROU-19", "INT-13")
@path(PIJNACKER)
async def test_a_conversation_is_entered_late_corrected_and_cancelled_and_the_term_follows(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    held_on = client.today
    at_first = await due_on(client)
    await client.days(20)
    late = await speaks(client, heldOn=held_on.isoformat(), agreements=[{"agreed": "Schrijft zich in."}])
    [said] = await client.heard(ConversationHeld)
    assert said.occurred_on == held_on
    assert await due_on(client) == QUARTER.after(held_on)

    body = {"kind": "fip", "areas": AREAS, "heldOn": client.today.isoformat(), "reason": "De dag was verkeerd."}
    right = await client.post("routing", f"/conversations/{late['id']}/corrections", body)
    assert await due_on(client) == QUARTER.after(client.today)
    assert [each["conversationId"] for each in await still_open(client)] == [right["id"]]
    refused = await client.tries("routing", f"/conversations/{late['id']}/corrections", body)
    assert refused["type"].endswith("/already-ended")

    reason = {"reason": "Hoorde bij een andere klant."}
    await client.post("routing", f"/conversations/{right['id']}/cancellations", reason)
    assert await due_on(client) == at_first
    assert await still_open(client) == []
    assert len(await client.heard(ConversationCancelled)) == 1
    shown = {each["id"]: each["correctedOn"] for each in (await client.journey())["conversations"]}
    assert shown.keys() == {late["id"], right["id"]}
    assert all(shown.values()), "both stay on record"
