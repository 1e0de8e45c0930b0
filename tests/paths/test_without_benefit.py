"""People without benefit (nuggers) who ask for help finding work."""

from typing import Any

import pytest

from contracts.intake import BenefitDecided, IntakeDue
from contracts.routing import CaseworkerAssigned, ClientExited
from tests.support.paths import SHARED, UITHOORN, VOORSCHOTEN, Traveller, path


async def is_guided(client: Traveller, role: str, route: str, **facts: Any) -> None:
    """Is diagnosed without an application, and guided to work."""
    await client.registers(withoutBenefit=True)
    await client.is_categorised(**facts)
    await client.days(20)
    assert not await client.heard(IntakeDue)
    assert [each.role for each in await client.heard(CaseworkerAssigned)] == [role]
    await client.starts(route)
    await client.days(60)
    await client.exits("work")
    assert [each.reason for each in await client.heard(ClientExited)] == ["work"]
    assert not await client.heard(BenefitDecided)


@pytest.mark.requirement("INT-4")
@path(*SHARED, VOORSCHOTEN)
async def test_people_without_benefit_have_no_intake_and_are_guided_to_work(client: Traveller) -> None:
    await is_guided(client, "work_consultant", "development_route", distance_months=8)
    client = client.somebody_else()
    await client.registers(withoutBenefit=True)
    await client.is_categorised(distance_months=8)
    refused = await client.tries("intake", f"/clients/{client.id}/intakes", {"signals": []})
    assert refused["type"].endswith("/no-intake")


@pytest.mark.requirement("INT-4")
@path(UITHOORN)
async def test_a_client_manager_guides_people_without_benefit_to_work(client: Traveller) -> None:
    await is_guided(client, "client_manager", "direct_mediation", work_capacity_pct=85)
