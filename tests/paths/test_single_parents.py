"""A single parent whose youngest child is under five."""

from datetime import timedelta

import pytest

from contracts.diagnosis import DiagnosisInvited, ExemptionEnded, ExemptionGranted, ReassessmentDue
from contracts.routing import HandoverDue, RouteResumed, RouteSuspended
from tests.support.paths import VOORSCHOTEN, Traveller, path


@pytest.mark.requirement("DIA-9", "CAL-3")
@path(VOORSCHOTEN)
async def test_the_exemption_ends_the_day_before_the_fifth_birthday_and_the_terms_shift_by_it(
    client: Traveller,
) -> None:
    await client.enters(distance_months=20)
    await client.starts("development_route")
    caseworker = (await client.journey())["caseworkerId"]
    was_due = (await client.deadline("longest_stay"))["dueOn"]
    await client.days(30)
    fifth_birthday = client.today + timedelta(days=100)
    born = fifth_birthday.replace(year=fifth_birthday.year - 5)
    exempted_on = client.today
    await client.is_categorised(
        distance_months=20,
        single_parent=True,
        youngest_child_born=born.isoformat(),
        exemption={"reason": "single_parent"},
    )
    await client.settles()
    [granted] = await client.heard(ExemptionGranted)
    assert (granted.until, granted.effect) == (fifth_birthday - timedelta(days=1), "suspend")
    assert len(await client.heard(RouteSuspended)) == 1
    journey = await client.journey()
    assert journey["caseworkerId"] == caseworker, "the caseworker stays"
    assert (await client.deadline("longest_stay", state="suspended"))["dueOn"] is None

    await client.until(fifth_birthday - timedelta(days=1))
    assert not await client.heard(ExemptionEnded)
    await client.days(1)
    assert [each.occurred_on for each in await client.heard(ExemptionEnded)] == [fifth_birthday]
    assert [each.reason for each in await client.heard(ReassessmentDue)] == ["exemption_ended"]
    assert (await client.heard(DiagnosisInvited))[-1].reason == "reassessment"
    assert len(await client.heard(RouteResumed)) == 1
    shifted = client.today.fromisoformat(was_due) + (fifth_birthday - exempted_on)
    assert (await client.deadline("longest_stay"))["dueOn"] == shifted.isoformat()
    assert not await client.heard(HandoverDue)


@pytest.mark.requirement("DIA-9")
@path(VOORSCHOTEN)
async def test_a_longer_exemption_than_to_the_fifth_birthday_is_refused(client: Traveller) -> None:
    await client.registers()
    facts = {
        "distance_months": 20, "single_parent": True,
        "youngest_child_born": (client.today - timedelta(days=365)).isoformat(),
        "exemption": {"reason": "single_parent", "until": (client.today + timedelta(days=5 * 365)).isoformat()},
    }  # fmt: skip
    body = {"questionnaire": "diagnose", "facts": facts}
    refused = await client.tries("diagnosis", f"/clients/{client.id}/assessments", body)
    assert [each["pointer"] for each in refused["errors"]] == ["#/facts/exemption/until"]
