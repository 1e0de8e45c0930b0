"""Young people up to 27: the search period, the learn-work broker, and education first."""

from datetime import timedelta

import pytest

from contracts.intake import ApplicationFiled
from contracts.routing import RouteStarted
from tests.support.paths import PIJNACKER, SHARED, UITHOORN, VOORSCHOTEN, Traveller, path


async def waits_four_weeks(client: Traveller) -> None:
    notified = client.today
    await client.notifies()
    refused = await client.tries("intake", f"/clients/{client.id}/applications")
    assert refused["type"].endswith("/search-period-runs")
    await client.until(notified + timedelta(days=27))
    assert (await client.tries("intake", f"/clients/{client.id}/applications"))["type"] == refused["type"]
    await client.days(1)
    await client.applies()
    assert [each.occurred_on for each in await client.heard(ApplicationFiled)] == [notified + timedelta(weeks=4)]


@pytest.mark.requirement("INT-6")
@path(*SHARED, UITHOORN, PIJNACKER)
async def test_the_application_of_a_young_person_waits_four_weeks_where_the_pack_keeps_that(client: Traveller) -> None:
    client.is_aged(20)
    await client.registers(startingQualification=False)
    await waits_four_weeks(client)


@pytest.mark.requirement("INT-6")
@path(VOORSCHOTEN)
async def test_the_four_weeks_are_dropped_for_who_has_no_starting_qualification(client: Traveller) -> None:
    client.is_aged(20)
    await client.registers(startingQualification=False)
    await client.notifies()
    await client.applies()
    assert [each.occurred_on for each in await client.heard(ApplicationFiled)] == [client.today]


@pytest.mark.requirement("INT-6")
@path(VOORSCHOTEN)
async def test_the_four_weeks_are_kept_for_who_has_a_starting_qualification(client: Traveller) -> None:
    client.is_aged(20)
    await client.registers(startingQualification=True)
    await waits_four_weeks(client)


@pytest.mark.requirement("INT-6")
@path(*SHARED, VOORSCHOTEN, UITHOORN, PIJNACKER)
async def test_who_is_27_applies_at_once(client: Traveller) -> None:
    client.is_aged(27)
    await client.registers(startingQualification=True)
    await client.notifies()
    await client.applies()
    assert await client.heard(ApplicationFiled)


@pytest.mark.requirement("ROU-1")
@path(VOORSCHOTEN)
async def test_the_learn_work_broker_guides_up_to_and_including_27_without_a_starting_qualification(
    client: Traveller,
) -> None:
    for age, qualified, role in (
        (20, False, "learn_work_broker"),
        (27, False, "learn_work_broker"),
        (27, True, "work_consultant"),
        (29, False, "work_consultant"),
    ):
        client.is_aged(age)
        await client.enters(traits={"startingQualification": qualified}, distance_months=8)
        assert (await client.journey())["caseworkerRole"] == role, (age, qualified)
        used = {"instrument": "learn_work_broker", "goal": "education"}
        if age <= 27:
            await client.post("routing", f"/clients/{client.id}/instruments", used)
        else:
            refused = await client.tries("routing", f"/clients/{client.id}/instruments", used)
            assert refused["rule"] == "learn-work-broker-age"
        client = client.somebody_else()


@pytest.mark.requirement("ROU-3")
@path(*SHARED, VOORSCHOTEN)
async def test_young_people_without_a_starting_qualification_go_to_education_first(client: Traveller) -> None:
    client.is_aged(21)
    await client.registers(startingQualification=False)
    await client.is_categorised(distance_months=8)
    await client.settles()
    assert await client.open_routes() == ["education"]
    refused = await client.tries("routing", f"/clients/{client.id}/routes", {"route": "development_route"})
    assert refused["type"].endswith("/route-not-open")
    school = await client.starts("education")
    await client.days(60)
    await client.ends(school)
    await client.starts("development_route")
    assert [each.route for each in await client.heard(RouteStarted)] == ["education", "development_route"]


@pytest.mark.requirement("ROU-3", "ROU-13")
@path(*SHARED, VOORSCHOTEN)
async def test_education_is_an_exit(client: Traveller) -> None:
    client.is_aged(21)
    await client.registers(startingQualification=False)
    await client.is_categorised(distance_months=8)
    await client.settles()
    await client.starts("education")
    left = await client.exits("education")
    assert (await client.journey())["state"] == "exited"
    assert left["reason"] == "education"


@pytest.mark.requirement("ROU-3")
@path(*SHARED, VOORSCHOTEN)
async def test_who_has_a_starting_qualification_or_is_older_need_not_go_to_education_first(client: Traveller) -> None:
    for age, qualified in ((21, True), (40, False)):
        client.is_aged(age)
        await client.registers(startingQualification=qualified)
        await client.is_categorised(distance_months=8)
        await client.settles()
        found = await client.open_routes()
        assert "education" not in found
        assert "development_route" in found
        client = client.somebody_else()
