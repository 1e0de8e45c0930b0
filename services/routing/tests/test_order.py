"""Order holds within one producer only: any interleaving of what intake, diagnosis and partners say ends the same."""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from contracts.intake import AgeBandChanged, BenefitDecided, ClientDeceased
from contracts.partners import PartnerSignalled
from tests.support.parted import Lanes, in_any_order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from tests.conftest import Routing

    from contracts import Event

COMPARED = (
    "state",
    "track",
    "trackSince",
    "category",
    "categorySince",
    "householdId",
    "caseworkerRole",
    "caseworkerId",
)


def interleaved(topics: Sequence[Sequence[Event]], seed: int) -> list[Event]:
    """All events, each topic in its own order."""
    dice, left = random.Random(seed), [list(topic) for topic in topics]
    found = []
    while any(left):
        found.append(dice.choice([topic for topic in left if topic]).pop(0))
    return found


def topics(routing: Routing, last: Sequence[Event] = ()) -> list[list[Event]]:
    exemption, signal = new_id(), {"partner": "woej", "signal": "ready_for_next_step"}
    until = date(2021, 12, 31)
    granted: dict[str, Any] = {"exemption_id": exemption, "until": until, "effect": "suspend"}
    return [
        [
            routing.registered(age_band="21-26", household_kind="couple"),
            BenefitDecided(occurred_on=routing.today, by="staff:s-3", outcome="granted"),
            AgeBandChanged(occurred_on=routing.today, by="clock", age_band="27", previous="21-26"),
            *last,
        ],
        [
            routing.categorised("1B", "reintegration"),
            ExemptionGranted(occurred_on=routing.today, by="staff:s-2", **granted),
            routing.categorised("3B", "participation", exempted_until=until),
            ExemptionEnded(occurred_on=routing.today, by="clock", exemption_id=exemption),
            routing.categorised("1C", "reintegration"),
        ],
        [PartnerSignalled.model_validate({"occurred_on": routing.today, "by": "partner:woej", **signal})],
    ]


async def end(routing: Routing, events: Sequence[Event]) -> tuple[UUID, dict[str, Any]]:
    client = new_id()
    await routing.hear(client, *events)
    journey = await routing.journey(client)
    return client, {name: journey[name] for name in COMPARED}


@pytest.mark.parametrize("seed", range(3))
async def test_any_interleaving_ends_the_same(routing: Routing, seed: int) -> None:
    await routing.staff()
    said = topics(routing)
    first, expected = await end(routing, [event for topic in said for event in topic])
    assert expected["category"] == "1C"
    for number in range(5):
        other, found = await end(routing, interleaved(said, seed * 100 + number))
        assert found == expected, number
        assert sorted(await routing.types(other)) == sorted(await routing.types(first))


async def test_death_ends_the_journey_wherever_it_falls(routing: Routing) -> None:
    await routing.staff()
    said = topics(routing, [ClientDeceased(occurred_on=routing.today, by="app:front-end")])
    for number in range(8):
        client, found = await end(routing, interleaved(said, number))
        assert (found["state"], found["category"]) == ("exited", "1C")
        open_ones = [each for each in (await routing.journey(client))["deadlines"] if each["state"] != "fired"]
        assert open_ones == []


@pytest.mark.requirement("INT-13")
@pytest.mark.parametrize("seed", range(3))
async def test_a_merger_that_is_undone_ends_the_same_wherever_it_falls(routing: Routing, seed: int) -> None:
    await routing.staff()
    expected: list[dict[str, Any]] = []
    for number in range(4):
        gone, stays = new_id(), new_id()
        theirs = topics(routing)
        others: list[list[Event]] = [
            [routing.registered(age_band="45-49")],
            [routing.categorised("2A", "participation")],
        ]
        lanes: Lanes = {gone: theirs, stays: others}
        for record in in_any_order(
            routing.service, lanes, municipality="GM1916", on=routing.today, seed=seed * 100 + number
        ):
            await routing.service.consumer.handle([record])
        journeys = [await routing.journey(each) for each in (gone, stays)]
        found = [
            {name: journey[name] for name in (*COMPARED, "exits") if name != "householdId"} for journey in journeys
        ]
        expected = expected or found
        assert found == expected, number
        assert [each["category"] for each in found] == ["1C", "2A"]
        assert [each["state"] for each in found] == ["active", "active"]
    async with routing.service.office.database.in_background() as session:
        assert (await session.scalars(text("SELECT error FROM parked"))).all() == []
