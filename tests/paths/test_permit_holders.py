"""Permit holders: benefit and guidance from the first day, a time of rest, and then as everybody."""

from datetime import timedelta

import pytest

from contracts.diagnosis import DiagnosisInvited
from contracts.intake import (
    BenefitDecided,
    InformationSessionDue,
    IntegrationPlanDue,
    IntegrationPlanMade,
    RestPeriodEnded,
    SocialGuidanceEnded,
    SocialGuidanceStarted,
)
from policy import Term
from tests.support.paths import PIJNACKER, SHARED, VOORSCHOTEN, Traveller, path


@pytest.mark.requirement("INT-5")
@path(*SHARED, VOORSCHOTEN)
async def test_a_permit_holder_has_benefit_at_once_and_rests_a_month_before_the_session(client: Traveller) -> None:
    housed = client.today
    await client.registers(permitHolder=True, housedOn=housed.isoformat())
    await client.notifies()
    await client.applies()
    await client.is_decided()
    assert [each.occurred_on for each in await client.heard(BenefitDecided)] == [housed]
    rested = Term(months=1).after(housed)
    await client.until(rested - timedelta(days=1))
    assert not await client.heard(RestPeriodEnded)
    assert not await client.heard(DiagnosisInvited)
    await client.days(1)
    assert [each.occurred_on for each in await client.heard(RestPeriodEnded)] == [rested]
    await client.days(7)
    assert [each.due_on for each in await client.heard(InformationSessionDue)] == [client.today]
    await client.is_informed()
    await client.settles()
    assert [each.reason for each in await client.heard(DiagnosisInvited)] == ["rest_period", "information_session"]
    await client.is_categorised(distance_months=10)
    await client.settles()
    assert (await client.journey())["caseworkerRole"] == "work_consultant"


@pytest.mark.requirement("INT-5")
@path(*SHARED, VOORSCHOTEN)
async def test_social_guidance_lasts_two_years_from_the_day_of_housing(client: Traveller) -> None:
    housed = client.today
    await client.registers(permitHolder=True, housedOn=housed.isoformat())
    [begun] = await client.heard(SocialGuidanceStarted)
    assert (begun.occurred_on, begun.until) == (housed, Term(years=2).after(housed))
    await client.until(begun.until - timedelta(days=1))
    assert not await client.heard(SocialGuidanceEnded)
    await client.days(1)
    assert [each.occurred_on for each in await client.heard(SocialGuidanceEnded)] == [begun.until]


@pytest.mark.requirement("ROU-1")
@path(VOORSCHOTEN)
async def test_a_matchmaker_helps_a_permit_holder_besides_the_caseworker(client: Traveller) -> None:
    await client.enters(traits={"permitHolder": True}, distance_months=10)
    journey = await client.journey()
    assert (journey["caseworkerRole"], journey["besides"]) == ("work_consultant", ["matchmaker"])


@pytest.mark.requirement("INT-5")
@path(PIJNACKER)
async def test_a_permit_holder_has_an_integration_plan_within_six_weeks_of_housing(client: Traveller) -> None:
    housed = client.today
    await client.registers(permitHolder=True, housedOn=housed.isoformat())
    await client.days(30)
    plan = await client.post("intake", f"/clients/{client.id}/integration-plans")
    assert [str(each.plan_id) for each in await client.heard(IntegrationPlanMade)] == [plan["id"]]
    await client.days(30)
    assert not await client.heard(IntegrationPlanDue)


@pytest.mark.requirement("INT-5")
@path(PIJNACKER)
async def test_an_integration_plan_that_is_not_there_after_six_weeks_is_due(client: Traveller) -> None:
    await client.registers(permitHolder=True, housedOn=client.today.isoformat())
    last = client.today + timedelta(weeks=6)
    await client.until(last - timedelta(days=1))
    assert not await client.heard(IntegrationPlanDue)
    await client.days(1)
    assert [each.due_on for each in await client.heard(IntegrationPlanDue)] == [last]


@pytest.mark.requirement("INT-5")
@path(PIJNACKER)
async def test_an_integration_plan_is_for_permit_holders_only(client: Traveller) -> None:
    await client.registers()
    refused = await client.tries("intake", f"/clients/{client.id}/integration-plans")
    assert refused["type"].endswith("/no-integration-plan")
