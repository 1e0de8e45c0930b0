"""Indications asked of UWV (DIA-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts.diagnosis import IndicationDecided, IndicationRequested

if TYPE_CHECKING:
    from tests.conftest import Diagnosis


@pytest.mark.requirement("DIA-10")
async def test_uwvs_decision_makes_a_new_assessment_due(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    asked = await diagnosis.done(f"/clients/{client}/indication-requests", {"kind": "job_agreement"})
    [requested] = await diagnosis.said(IndicationRequested, client)
    assert (str(requested.data.request_id), requested.data.kind) == (asked["id"], "job_agreement")
    path = f"/indication-requests/{asked['id']}/decisions"
    assert (await diagnosis.post(path, {"granted": True, "on": "2024-01-31"})).status_code == 400
    decided = await diagnosis.done(path, {"granted": True})
    assert (decided["granted"], decided["decidedOn"]) == (True, "2024-02-01")
    assert (await diagnosis.types(client))[1:] == ["indication-decided", "reassessment-due", "diagnosis-invited"]
    [said] = await diagnosis.said(IndicationDecided, client)
    assert said.data.granted
    assert (await diagnosis.post(path, {"granted": False})).status_code == 409
    assert (await diagnosis.get(f"/indication-requests/{asked['id']}")).json() == decided


async def test_an_indication_is_asked_once_at_a_time(diagnosis: Diagnosis) -> None:
    path = f"/clients/{await diagnosis.client()}/indication-requests"
    first = await diagnosis.done(path, {"kind": "job_agreement"})
    assert (await diagnosis.post(path, {"kind": "job_agreement"})).status_code == 409
    await diagnosis.done(path, {"kind": "sheltered_work_new"})
    await diagnosis.done(f"/indication-requests/{first['id']}/decisions", {"granted": False})
    await diagnosis.done(path, {"kind": "job_agreement"})
    assert len((await diagnosis.get(path)).json()["items"]) == 3


async def test_a_kind_that_is_not_known_is_refused(diagnosis: Diagnosis) -> None:
    answer = await diagnosis.post(f"/clients/{await diagnosis.client()}/indication-requests", {"kind": "luck"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/kind")
