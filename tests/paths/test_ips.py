"""Individual placement and support (IPS), for clients with mental-health problems."""

import pytest

from contracts.routing import InstrumentDue, InstrumentStarted
from policy import Term
from tests.support.paths import VOORSCHOTEN, Traveller, path


@pytest.mark.requirement("ROU-10")
@path(VOORSCHOTEN)
async def test_ips_lasts_two_years_as_a_rule_and_three_at_the_longest(client: Traveller) -> None:
    await client.enters(distance_months=20)
    body = {"instrument": "ips", "goal": "work", "facts": {"mental_health_problems": True}}
    use = await client.post("routing", f"/clients/{client.id}/instruments", body)
    two, three = (Term(years=years).after(client.today) for years in (2, 3))
    assert use["endsBy"] == three.isoformat()
    await client.until(two)
    assert [(each.kind, each.due_on) for each in await client.heard(InstrumentDue)] == [("usual_use", two)]
    assert (await client.deadline("longest_use"))["dueOn"] == three.isoformat(), "it may go on"
    assert {"usual_use", "longest_use"} <= {*await client.stands()}


@pytest.mark.requirement("ROU-10")
@path(VOORSCHOTEN)
async def test_ips_is_refused_to_others_with_the_rule_that_says_so(client: Traveller) -> None:
    await client.enters(distance_months=20)
    for facts in ({}, {"mental_health_problems": False}):
        body = {"instrument": "ips", "goal": "work", "facts": facts}
        refused = await client.tries("routing", f"/clients/{client.id}/instruments", body)
        assert (refused["rule"], refused["source"]["document"]) == ("ips-mental-health", "V")
    assert not await client.heard(InstrumentStarted)
