"""In doubt about the outcome of a diagnosis: a learn-work trial, a medical assessment if needed, then the category."""

import pytest

from contracts.diagnosis import AssessmentInDoubt, ClientCategorised
from contracts.routing import CaseworkerAssigned, InstrumentEnded, InstrumentStarted
from tests.support.paths import SHARED, UITHOORN, VOORSCHOTEN, Traveller, path


async def is_in_doubt(client: Traveller) -> None:
    """Is assessed, and nobody can confirm a category yet."""
    await client.registers()
    proposal = await client.is_assessed(in_doubt=True)
    await client.settles()
    assert await client.heard(AssessmentInDoubt)
    refused = await client.tries("diagnosis", f"/proposals/{proposal['id']}/confirmations")
    assert refused["type"].endswith("/outcome-in-doubt")
    standing = await client.get("diagnosis", f"/clients/{client.id}/category")
    assert (standing["status"], standing["category"]) == ("in_doubt", None)
    assert not await client.heard(CaseworkerAssigned)


async def is_tried(client: Traveller, instrument: str, days: int, **facts: bool) -> None:
    """Goes through what is ordered to end the doubt."""
    body = {"instrument": instrument, "goal": "diagnosis", "facts": facts}
    use = (await client.post("routing", f"/clients/{client.id}/instruments", body))["id"]
    await client.days(days)
    await client.post("routing", f"/instruments/{use}/ends")


@pytest.mark.requirement("DIA-7")
@path(*SHARED, VOORSCHOTEN)
async def test_in_doubt_a_learn_work_trial_and_a_medical_assessment_come_before_the_category(client: Traveller) -> None:
    await is_in_doubt(client)
    await is_tried(client, "learn_work_trial", 42)
    await client.is_assessed(in_doubt=True)
    limited = {"physical_limitations": True} if client.place == VOORSCHOTEN else {}
    await is_tried(client, "medical_assessment", 14, **limited)
    assert not await client.heard(ClientCategorised)
    await client.is_categorised(distance_months=30)
    await client.settles()
    tried = ["learn_work_trial", "medical_assessment"]
    assert [each.instrument for each in await client.heard(InstrumentStarted)] == tried
    assert [each.instrument for each in await client.heard(InstrumentEnded)] == tried
    assert [each.traits.category for each in await client.heard(ClientCategorised)] == ["2A"]
    assert (await client.get("diagnosis", f"/clients/{client.id}/category"))["status"] == "decided"
    assert await client.heard(CaseworkerAssigned)


@pytest.mark.requirement("DIA-7")
@path(UITHOORN)
async def test_in_doubt_an_assessment_of_the_capacity_comes_before_the_category(client: Traveller) -> None:
    await is_in_doubt(client)
    await is_tried(client, "capacity_assessment", 21)
    await client.is_categorised(work_capacity_pct=40, capacity_measured=True)
    assert [each.traits.category for each in await client.heard(ClientCategorised)] == ["40-70"]
