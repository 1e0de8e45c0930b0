"""After an exit to work: half a year of aftercare, and a check of allowances."""

from datetime import date, timedelta

import pytest

from contracts.routing import AftercareEnded, AftercareStarted, AllowancesCheckDone, ClientExited
from policy import Term
from tests.support.paths import SHARED, UITHOORN, VOORSCHOTEN, Traveller, path
from tests.support.standings import towards_work

HALF_A_YEAR, TO_CHECK = Term(months=6), Term(months=1)


@pytest.mark.requirement("ROU-13")
@path(VOORSCHOTEN)
async def test_an_exit_to_work_starts_half_a_year_of_aftercare_and_an_allowances_check(client: Traveller) -> None:
    await client.enters(distance_months=2)
    left = await client.exits("work")
    until = HALF_A_YEAR.after(client.today)
    assert (left["aftercare"], left["aftercareUntil"]) == ("running", until.isoformat())
    assert [each.until for each in await client.heard(AftercareStarted)] == [until]
    due = date.fromisoformat((await client.deadline("allowances_check"))["dueOn"])
    assert due == TO_CHECK.after(client.today)
    await client.until(due + timedelta(days=1))
    assert (await client.journey())["exits"][0]["allowancesCheck"] == "overdue"
    await client.post("routing", f"/exits/{left['id']}/allowances-checks")
    assert len(await client.heard(AllowancesCheckDone)) == 1
    refused = await client.tries("routing", f"/exits/{left['id']}/allowances-checks")
    assert refused["type"].endswith("/no-check-awaited")
    await client.until(until - timedelta(days=1))
    assert not await client.heard(AftercareEnded)
    await client.until(until)
    await client.settles()
    assert len(await client.heard(AftercareEnded)) == 1
    assert (await client.journey())["exits"][0]["aftercare"] == "ended"


@pytest.mark.requirement("ROU-13")
@path(VOORSCHOTEN)
async def test_who_comes_back_during_aftercare_has_none_any_more(client: Traveller) -> None:
    await client.enters(distance_months=2)
    await client.exits("work")
    await client.days(60)
    await client.post("routing", f"/clients/{client.id}/returns")
    await client.days(200)
    assert len(await client.heard(AftercareEnded)) == 1
    assert not [each for each in (await client.journey())["deadlines"] if each["state"] == "open"]


@pytest.mark.requirement("ROU-13")
@path(VOORSCHOTEN, *SHARED, UITHOORN)
async def test_an_exit_to_education_has_no_aftercare(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    left = await client.exits("education")
    assert (left["aftercare"], left["allowancesCheck"]) == (None, None)
    assert [each.reason for each in await client.heard(ClientExited)] == ["education"]
    assert not await client.heard(AftercareStarted)
