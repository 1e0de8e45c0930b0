"""Obligations: what is agreed and not kept leads to a talk, to influence where policy has it, and then a measure."""

from typing import Any

import pytest

from contracts.routing import AgreementKept, AgreementMade, AgreementMissed, LadderStepTaken, MeasureImposed
from tests.support.paths import PIJNACKER, SHARED, UITHOORN, Traveller, path
from tests.support.standings import towards_work

BEFORE_A_MEASURE = {UITHOORN: ["talk"], PIJNACKER: ["talk", "influence"]}


async def agrees(client: Traveller) -> str:
    """Agrees to do something within a month."""
    due = client.world.days(30).isoformat()
    path = f"/clients/{client.id}/agreements"
    made = await client.post("routing", path, {"agreed": "Solliciteert twee keer per week.", "dueOn": due})
    return str(made["id"])


async def breaks(client: Traveller) -> dict[str, Any]:
    """Agrees to something, and does not keep to it."""
    agreement = await agrees(client)
    await client.days(31)
    await client.settles()
    assert "agreement" in await client.stands()
    return await client.post("routing", f"/agreements/{agreement}/misses")


@pytest.mark.requirement("ROU-12", "DIA-12")
@path(UITHOORN, PIJNACKER)
async def test_a_measure_is_the_last_rung_with_its_ground_by_a_named_person(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    kept = await agrees(client)
    await client.days(20)
    await client.post("routing", f"/agreements/{kept}/fulfilments")
    days = {"startsOn": client.world.days(200).isoformat(), "endsOn": client.world.days(230).isoformat()}
    measure = {"ground": "Verscheen niet, ook niet na een gesprek.", "percentage": 20, **days}
    rungs = BEFORE_A_MEASURE[client.place]
    for step in rungs:
        refused = await client.tries("routing", f"/clients/{client.id}/measures", measure)
        assert refused["type"].endswith("/ladder-not-climbed")
        assert "First comes" in refused["detail"]
        broken = await breaks(client)
        assert broken["step"] == step
        for other in {"talk", "influence"} - {step}:
            refused = await client.tries("routing", f"/agreements/{broken['id']}/steps", {"step": other})
            assert (refused["type"].rsplit("/", 1)[-1], refused["next"]) == ("ladder-skipped", step)
        await client.days(7)
        await client.post("routing", f"/agreements/{broken['id']}/steps", {"step": step})
    refused = await client.tries("routing", f"/clients/{client.id}/measures", measure)
    assert "since the last step" in refused["detail"], "a measure answers something that went wrong after the talk"

    last = await breaks(client)
    assert last["step"] == "measure"
    machine = await client.world.api.token(["caseworker"], [client.town.code], sub=None)
    api = client.world.api
    answer = await api.call("POST", "routing", f"/clients/{client.id}/measures", machine, measure, may_be=(403, 409))
    assert answer["status_code"] in (403, 409), "an application decides no measure"
    imposed = await client.post("routing", f"/clients/{client.id}/measures", measure)
    assert (imposed["agreementId"], imposed["ground"]) == (last["id"], measure["ground"])
    await client.settles()

    assert len(await client.heard(AgreementMade)) == len(rungs) + 2
    assert len(await client.heard(AgreementKept)) == 1
    assert [each.step for each in await client.heard(AgreementMissed)] == [*rungs, "measure"]
    assert [each.step for each in await client.heard(LadderStepTaken)] == rungs
    [said] = await client.heard(MeasureImposed)
    assert said.by.startswith("staff:")
    figures = await client.get("reporting", f"/figures?municipality={client.town.code}&on={client.today}")
    assert figures["measures"] >= 1


@pytest.mark.requirement("ROU-12", "ROU-19")
@path(*SHARED, UITHOORN, PIJNACKER)
async def test_what_was_wrongly_recorded_as_not_kept_is_taken_back_with_what_would_follow(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    first = await breaks(client)
    await client.post("routing", f"/agreements/{first['id']}/steps", {"step": "talk"})
    second = await breaks(client)
    assert second["step"] != "talk"
    await client.post("routing", f"/agreements/{first['id']}/reversals", {"reason": "Had zich afgemeld."})
    agreements = {each["id"]: each for each in (await client.journey())["agreements"]}
    assert (agreements[first["id"]]["state"], agreements[second["id"]]["step"]) == ("open", "talk")
