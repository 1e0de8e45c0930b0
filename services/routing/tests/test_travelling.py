"""Routes, instruments, agreements, measures and part-time work."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from chassis.ids import new_id
from contracts.intake import AgeBandChanged
from contracts.routing import (
    AgreementMissed,
    InstrumentEnded,
    InstrumentStarted,
    MeasureImposed,
    PartTimeWorkRecorded,
    RouteEnded,
)

if TYPE_CHECKING:
    from tests.conftest import Routing


@pytest.mark.requirement("ROU-2", "ROU-3")
async def test_only_routes_that_policy_opens_are_begun(routing: Routing) -> None:
    client = await routing.client("1B")
    refused = await routing.post(f"/clients/{client}/routes", {"route": "academy"})
    assert refused.status_code == 409
    assert refused.json()["open"] == ["focus_op_werk", "development_route"]
    unknown = await routing.post(f"/clients/{client}/routes", {"route": "moon"})
    assert unknown.json()["errors"][0]["pointer"] == "#/route"
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    assert (await routing.post(f"/clients/{client}/routes", {"route": "focus_op_werk"})).status_code == 409
    early = {"route": "development_route", "startedOn": "2021-08-31"}
    assert (await routing.post(f"/clients/{client}/routes", early)).status_code == 400


async def test_a_diagnosis_comes_before_a_route(routing: Routing) -> None:
    client = new_id()
    await routing.hear(client, routing.registered())
    refused = await routing.post(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    assert (refused.status_code, refused.json()["title"]) == (409, "A diagnosis must give a category first")


async def test_a_route_ends_once_and_the_longest_stay_goes_on(routing: Routing) -> None:
    client = await routing.client("1A")
    route = await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    await routing.move_to(date(2021, 9, 2))
    await routing.done(f"/routes/{route['id']}/ends", {"outcome": "completed"})
    assert [each.data.outcome for each in await routing.said(RouteEnded, client)] == ["completed"]
    assert (await routing.post(f"/routes/{route['id']}/ends")).status_code == 409
    assert await routing.due_on(client, "longest_stay") == "2023-09-01"


@pytest.mark.requirement("ROU-10")
async def test_an_instrument_that_does_not_fit_is_refused_with_the_rule(routing: Routing) -> None:
    routing.service.clock.restore(routing.service.clock.now().replace(year=2024, month=2, day=1))
    client = await routing.client("1B", municipality="GM0626")
    asked = {"instrument": "wage_cost_benefit", "goal": "work", "cost": 100}
    refused = await routing.post(f"/clients/{client}/instruments", asked)
    assert (refused.status_code, refused.json()["rule"]) == (409, "wage-cost-benefit-50")
    assert refused.json()["source"]["document"] == "V"
    await routing.hear(
        client,
        AgeBandChanged(occurred_on=routing.today, by="clock", age_band="50-54", previous="45-49"),
        municipality="GM0626",
    )
    used = await routing.done(f"/clients/{client}/instruments", asked)
    started = (await routing.said(InstrumentStarted, client))[0].data
    assert (started.instrument, started.cost, started.goal) == ("wage_cost_benefit", Decimal(100), "work")
    await routing.done(f"/instruments/{used['id']}/ends", {"outcome": "stopped"})
    assert [each.data.outcome for each in await routing.said(InstrumentEnded, client)] == ["stopped"]
    assert (await routing.post(f"/instruments/{used['id']}/ends")).status_code == 409


async def test_an_instrument_that_asks_for_a_fact_is_given_when_the_fact_is_told(routing: Routing) -> None:
    routing.service.clock.restore(routing.service.clock.now().replace(year=2024, month=2, day=1))
    client = await routing.client("1B", municipality="GM0626")
    asked = {"instrument": "ips", "goal": "work"}
    assert (await routing.post(f"/clients/{client}/instruments", asked)).status_code == 409
    told = {**asked, "facts": {"mental_health_problems": True}}
    assert (await routing.done(f"/clients/{client}/instruments", told))["endsBy"] == "2027-02-01"
    unknown = await routing.post(f"/clients/{client}/instruments", {**asked, "facts": {"shoe_size": 43}})
    assert unknown.json()["errors"][0]["pointer"] == "#/facts/shoe_size"
    none = await routing.post(f"/clients/{client}/instruments", {"instrument": "magic", "goal": "work"})
    assert none.status_code == 400


@pytest.mark.requirement("ROU-12", "DIA-12")
async def test_a_measure_comes_after_the_ladder_and_from_a_person(routing: Routing) -> None:
    client = await routing.client()
    measure = {"ground": "Twice not there", "percentage": 20, "startsOn": "2021-10-01", "endsOn": "2021-10-31"}
    for expected in ("talk", "measure"):
        assert (await routing.post(f"/clients/{client}/measures", measure)).status_code == 409
        agreement = await routing.done(f"/clients/{client}/agreements", {"agreed": "Come on Tuesday"})
        missed = await routing.done(f"/agreements/{agreement['id']}/misses")
        assert missed["step"] == expected
        assert (await routing.post(f"/agreements/{agreement['id']}/misses")).status_code == 409
        if expected != "measure":
            await routing.done(f"/agreements/{agreement['id']}/steps", {"step": expected})
    machine = routing.token("caseworker", sub=None)
    assert (await routing.post(f"/clients/{client}/measures", measure, headers=machine)).status_code == 409
    await routing.done(f"/clients/{client}/measures", measure)
    assert [each.data.step for each in await routing.said(AgreementMissed, client)] == ["talk", "measure"]
    assert len(await routing.said(MeasureImposed, client)) == 1
    backwards = {**measure, "endsOn": "2021-09-30"}
    assert (await routing.post(f"/clients/{client}/measures", backwards)).status_code == 400


@pytest.mark.requirement("ROU-11")
async def test_part_time_work_leaves_in_bands(routing: Routing) -> None:
    client = await routing.client()
    await routing.done(f"/clients/{client}/part-time-work", {"hoursPerWeek": 12, "incomePerMonth": 480.5})
    told = (await routing.said(PartTimeWorkRecorded, client))[0].data
    assert (told.hours_band, told.income_band) == ("9-16", "251-500")


async def test_a_client_of_another_municipality_is_not_there(routing: Routing) -> None:
    client = await routing.client()
    elsewhere = routing.token(municipalities=["GM0451"])
    assert (await routing.get(f"/clients/{client}/journey", headers=elsewhere)).status_code == 404
    assert (await routing.post(f"/clients/{client}/exits", {"reason": "work"}, headers=elsewhere)).status_code == 404
    partner = routing.token("partner", partner="woej")
    assert (await routing.get(f"/clients/{client}/journey", headers=partner)).status_code == 403


async def test_what_is_not_there_is_not_found(routing: Routing) -> None:
    nobody = new_id()
    for path, body in (
        (f"/clients/{nobody}/routes", {"route": "focus_op_werk"}),
        (f"/routes/{nobody}/ends", {}),
        (f"/instruments/{nobody}/ends", {}),
        (f"/suspensions/{nobody}/ends", {}),
        (f"/handovers/{nobody}/acceptances", {}),
        (f"/agreements/{nobody}/misses", {}),
        (f"/exits/{nobody}/allowances-checks", {}),
        (f"/deadlines/{nobody}/moves", {"to": "2021-10-01", "reason": "Later"}),
    ):
        assert (await routing.post(path, body)).status_code == 404, path
