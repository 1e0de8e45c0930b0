"""What forms at the gate offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Intake

VOORSCHOTEN, PIJNACKER = "GM0626", "GM1926"


async def test_the_gate_offers_what_can_be_done_there_in_dutch(intake: Intake) -> None:
    answers = [
        await intake.get("/choices", municipality=town, on="2024-06-03") for town in (VOORSCHOTEN, PIJNACKER)
    ]  # fmt: skip
    here, there = [each.json() for each in answers]
    assert [each["label"] for each in here["diversions"]] == ["Een vacature", "Het werkgeversservicepunt", "Anders"]
    assert [each["label"] for each in here["decisions"]] == ["Toegekend", "Afgewezen"]
    assert (here["shortApplicationOnReturn"], there["shortApplicationOnReturn"]) == (False, True)


async def test_each_way_at_the_gate_is_taken(intake: Intake) -> None:
    found = (await intake.get("/choices", municipality=VOORSCHOTEN)).json()
    for each in found["diversions"]:
        client = await intake.client()
        made = await intake.done(f"/clients/{client}/notifications")
        await intake.done(f"/notifications/{made['id']}/diversions", {"divertedTo": each["id"]})
