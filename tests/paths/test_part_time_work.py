"""Part-time work while on benefit: recorded, corrected, ended and reported."""

import pytest

from contracts.routing import PartTimeWorkEnded, PartTimeWorkRecorded
from tests.support.paths import SHARED, UITHOORN, Traveller, path
from tests.support.standings import towards_work


@pytest.mark.requirement("ROU-11", "ROU-19", "REP-4")
@path(*SHARED, UITHOORN)
async def test_part_time_work_is_recorded_with_hours_and_income_corrected_ended_and_reported(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    path = f"/clients/{client.id}/part-time-work"
    job = await client.post("routing", path, {"hoursPerWeek": 28, "incomePerMonth": 1900})
    began = client.today
    await client.days(20)
    body = {"hoursPerWeek": 12, "incomePerMonth": 640.5, "reason": "Zo staat het op de loonstrook."}
    right = await client.post("routing", f"/part-time-work/{job['id']}/corrections", body)
    assert (right["monthFrom"], right["correctsId"]) == (began.isoformat(), job["id"])
    await client.days(40)
    ended = await client.post("routing", f"/part-time-work/{right['id']}/ends")
    refused = await client.tries("routing", f"/part-time-work/{job['id']}/ends")
    assert refused["type"].endswith("/already-ended")
    await client.settles()

    said = await client.heard(PartTimeWorkRecorded)
    assert [(each.hours_band, each.income_band) for each in said] == [("25-31", "1001+"), ("9-16", "501-750")]
    assert [each.occurred_on.isoformat() for each in await client.heard(PartTimeWorkEnded)] == [ended["endedOn"]]
    figures = await client.get("reporting", f"/figures?municipality={client.town.code}&from={began}&on={client.today}")
    assert (figures["partTimeHours"]["9-16"], figures["partTimeIncome"]["501-750"]) == (1, 1)
    assert "25-31" not in figures["partTimeHours"], "what was entered wrongly does not count"
    assert "1001+" not in figures["partTimeIncome"]
    lines = (await client.get("reporting", f"/clients/{client.id}/timeline"))["items"]
    [wrong] = [each for each in lines if each["details"].get("workId") == job["id"]]
    assert wrong["correctedBy"]
