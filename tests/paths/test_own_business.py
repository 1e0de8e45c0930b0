"""Towards a business of one's own: a preparation (Bbz) of at most a year."""

import pytest

from contracts.routing import ClientExited, InstrumentDue, InstrumentEnded
from policy import Term
from tests.support.paths import SHARED, VOORSCHOTEN, Traveller, path

ASKED = {"instrument": "bbz_guidance", "goal": "work", "facts": {"wants_own_business": True}}


@pytest.mark.requirement("ROU-10", "ROU-15")
@path(VOORSCHOTEN)
async def test_a_preparation_that_is_still_used_after_a_year_is_due_on_that_day(client: Traveller) -> None:
    await client.enters(distance_months=8)
    use = await client.post("routing", f"/clients/{client.id}/instruments", ASKED)
    last = Term(years=1).after(client.today)
    assert use["endsBy"] == last.isoformat()
    assert (await client.deadline("longest_use"))["dueOn"] == last.isoformat()
    await client.until(last)
    assert [(each.kind, each.due_on) for each in await client.heard(InstrumentDue)] == [("longest_use", last)]
    await client.post("routing", f"/instruments/{use['id']}/ends")
    await client.days(30)
    assert len(await client.heard(InstrumentDue)) == 1


@pytest.mark.requirement("ROU-10", "ROU-13")
@path(VOORSCHOTEN)
async def test_who_starts_a_business_within_the_year_is_waited_for_by_no_term(client: Traveller) -> None:
    await client.enters(distance_months=8)
    use = await client.post("routing", f"/clients/{client.id}/instruments", ASKED)
    await client.days(200)
    await client.post("routing", f"/instruments/{use['id']}/ends")
    await client.exits("self_employment")
    await client.days(200)
    assert [each.outcome for each in await client.heard(InstrumentEnded)] == ["completed"]
    assert [each.reason for each in await client.heard(ClientExited)] == ["self_employment"]
    assert not await client.heard(InstrumentDue)


@pytest.mark.requirement("ROU-10")
@path(*SHARED, VOORSCHOTEN)
async def test_a_preparation_is_refused_to_who_wants_no_business_with_the_rule_that_says_so(client: Traveller) -> None:
    await client.enters(distance_months=8)
    body = {**ASKED, "facts": {"wants_own_business": False}}
    refused = await client.tries("routing", f"/clients/{client.id}/instruments", body)
    assert (refused["type"].rsplit("/", 1)[-1], refused["rule"]) == ("instrument-refused", "bbz-own-business")
