"""Instruments for those for whom they are meant: refused to others, with the rule that says so."""

from typing import Any

import pytest

from contracts.routing import InstrumentEnded, InstrumentStarted
from tests.support.paths import PIJNACKER, SHARED, UITHOORN, VOORSCHOTEN, Place, Traveller, path
from tests.support.standings import towards_work


async def uses(client: Traveller, instrument: str, **facts: bool | int) -> dict[str, Any]:
    """Gets an instrument."""
    body = {"instrument": instrument, "goal": "work", "cost": 900, "facts": facts}
    return await client.post("routing", f"/clients/{client.id}/instruments", body)


async def is_refused(client: Traveller, instrument: str, rule: str, **facts: bool | int) -> None:
    """Does not get an instrument, by this rule of the pack, which names its source."""
    body = {"instrument": instrument, "goal": "work", "facts": facts}
    refused = await client.tries("routing", f"/clients/{client.id}/instruments", body)
    assert refused["type"].endswith("/instrument-refused")
    assert refused["rule"] == rule
    assert refused["source"]["document"]


def of_the_target_group(place: Place) -> tuple[dict[str, Any], dict[str, bool | int]]:
    """Facts of an assessment, and those asked for the instrument, of who cannot earn the minimum wage alone."""
    if place == UITHOORN:
        return {"work_capacity_pct": 60}, {"limitation_established": True}
    return {**towards_work(place), "indications": ["job_agreement"]}, {}


@pytest.mark.requirement("ROU-10")
@path(*SHARED, VOORSCHOTEN, UITHOORN, PIJNACKER)
async def test_wage_cost_subsidy_is_for_its_target_group_and_below_the_minimum_wage(client: Traveller) -> None:
    assessed, asked = of_the_target_group(client.place)
    await client.enters(**assessed)
    await is_refused(client, "wage_cost_subsidy", "wage-cost-subsidy-value", wage_value_pct=100, **asked)
    await is_refused(client, "wage_cost_subsidy", "wage-cost-subsidy-value", **asked)
    assert not await client.heard(InstrumentStarted)
    used = await uses(client, "wage_cost_subsidy", wage_value_pct=99, **asked)
    await client.days(100)
    await client.post("routing", f"/instruments/{used['id']}/ends")
    [started] = await client.heard(InstrumentStarted)
    assert (started.instrument, int(started.cost)) == ("wage_cost_subsidy", 900)
    assert [each.outcome for each in await client.heard(InstrumentEnded)] == ["completed"]


@pytest.mark.requirement("ROU-10")
@path(*SHARED, VOORSCHOTEN, UITHOORN, PIJNACKER)
async def test_wage_cost_subsidy_is_refused_to_who_can_earn_the_minimum_wage_alone(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    await is_refused(client, "wage_cost_subsidy", "wage-cost-subsidy-group", wage_value_pct=50)


@pytest.mark.requirement("ROU-10")
@path(VOORSCHOTEN)
async def test_the_wage_cost_benefit_is_for_clients_of_fifty_and_older(client: Traveller) -> None:
    client.is_aged(49)
    await client.enters(distance_months=8)
    await is_refused(client, "wage_cost_benefit", "wage-cost-benefit-50")
    await client.days(200)
    await uses(client, "wage_cost_benefit")
    assert [each.instrument for each in await client.heard(InstrumentStarted)] == ["wage_cost_benefit"]


@pytest.mark.requirement("ROU-10")
@path(VOORSCHOTEN)
async def test_other_instruments_carry_conditions_of_their_own(client: Traveller) -> None:
    client.is_aged(35)
    await client.enters(distance_months=8)
    await is_refused(client, "start_class", "start-class-permit-holder")
    await is_refused(client, "learn_work_broker", "learn-work-broker-age")
    await is_refused(client, "medical_assessment", "medical-physical", physical_limitations=False)
    for instrument in ("job_coach", "trial_placement", "language_lessons", "budget_course"):
        await uses(client, instrument)
    await uses(client, "medical_assessment", physical_limitations=True)


@pytest.mark.requirement("ROU-10")
@path(VOORSCHOTEN)
async def test_the_learn_work_broker_guides_up_to_and_including_twenty_seven(client: Traveller) -> None:
    client.is_aged(27)
    await client.enters(distance_months=8)
    await uses(client, "learn_work_broker")
    await client.days(190)
    await is_refused(client, "learn_work_broker", "learn-work-broker-age")
