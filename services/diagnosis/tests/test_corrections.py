"""A wrong assessment is corrected by another that names it; nothing is edited (DIA-13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts import Event
from contracts.diagnosis import AssessmentCompleted, ClientCategorised, ExemptionGranted

if TYPE_CHECKING:
    from tests.conftest import Diagnosis


@pytest.mark.requirement("DIA-13")
async def test_a_correction_leads_to_a_new_decision_that_names_what_it_corrects(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    wrong = await diagnosis.categorised(client, {"distance_months": 8}, occurredOn="2024-01-15")
    path = f"/assessments/{wrong['assessmentId']}/corrections"
    proposal = await diagnosis.done(path, {"facts": {"distance_months": 38}, "reason": "38 in plaats van 8"})
    assert (proposal["category"], proposal["assessedOn"], proposal["state"]) == ("2A", "2024-01-15", "open")
    assert (await diagnosis.get(f"/proposals/{wrong['id']}")).json()["state"] == "confirmed"
    await diagnosis.confirm(proposal)
    said = [each.data for each in await diagnosis.said(ClientCategorised, client)]
    assert (said[1].traits.basis, said[1].old_category, str(said[1].corrects)) == (
        "correction", "1B", wrong["assessmentId"],
    )  # fmt: skip
    completed = [each.data for each in await diagnosis.said(AssessmentCompleted, client)]
    assert str(completed[1].corrects) == wrong["assessmentId"]
    assert "38 in plaats" not in "".join(each.data.model_dump_json() for each in await diagnosis.said(Event))
    assert (await diagnosis.get(f"/proposals/{wrong['id']}")).json()["state"] == "corrected"
    history = (await diagnosis.standing(client))["history"]
    assert [(each["category"], each["basis"], each["corrected"]) for each in history] == [
        ("2A", "correction", False), ("1B", "assessment", True),
    ]  # fmt: skip


async def test_an_open_proposal_on_wrong_facts_is_corrected_at_once(diagnosis: Diagnosis) -> None:
    wrong = await diagnosis.assess(await diagnosis.client(), {"distance_months": 8})
    body = {"facts": {"distance_months": 18}, "reason": "Verkeerde regel"}
    await diagnosis.done(f"/assessments/{wrong['assessmentId']}/corrections", body)
    assert (await diagnosis.get(f"/proposals/{wrong['id']}")).json()["state"] == "corrected"
    assert (await diagnosis.post(f"/proposals/{wrong['id']}/confirmations")).status_code == 409


@pytest.mark.requirement("DIA-13")
async def test_only_the_latest_assessment_is_corrected_and_only_once(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    first = await diagnosis.categorised(client, {"distance_months": 8})
    body = {"facts": {"distance_months": 18}, "reason": "Verkeerde regel"}
    again = await diagnosis.done(f"/assessments/{first['assessmentId']}/corrections", body)
    twice = await diagnosis.post(f"/assessments/{first['assessmentId']}/corrections", body)
    assert (twice.status_code, twice.json()["type"].rpartition("/")[2]) == (409, "assessment-already-corrected")
    await diagnosis.confirm(again)
    await diagnosis.categorised(client, {"distance_months": 2})
    late = await diagnosis.post(f"/assessments/{again['assessmentId']}/corrections", body)
    assert (late.status_code, late.json()["type"].rpartition("/")[2]) == (409, "assessment-not-the-latest")


async def test_a_correction_says_why(diagnosis: Diagnosis) -> None:
    wrong = await diagnosis.assess(await diagnosis.client(), {"distance_months": 8})
    path = f"/assessments/{wrong['assessmentId']}/corrections"
    answer = await diagnosis.post(path, {"facts": {}, "reason": ""})
    assert answer.json()["errors"][0]["pointer"] == "#/reason"


@pytest.mark.requirement("DIA-9", "DIA-13")
async def test_a_corrected_decision_neither_granted_nor_ended_an_exemption(diagnosis: Diagnosis) -> None:
    client, until = await diagnosis.client(), "2024-03-01"
    await diagnosis.categorised(client, {"exemption": {"reason": "illness", "until": until}})
    wrong = await diagnosis.categorised(client, {"exemption": {"reason": "illness", "until": "2024-02-20"}})
    body = {"facts": {"exemption": {"reason": "illness", "until": until}}, "reason": "Verkeerde datum"}
    await diagnosis.confirm(await diagnosis.done(f"/assessments/{wrong['assessmentId']}/corrections", body))
    exemptions = (await diagnosis.get(f"/clients/{client}/exemptions")).json()["items"]
    held = [each for each in exemptions if each["endedOn"] != each["grantedOn"]]
    assert [(each["until"], each["endedOn"]) for each in held] == [(until, None)]
    granted = [each.data for each in await diagnosis.said(ExemptionGranted, client)]
    assert granted[0].exemption_id == granted[-1].exemption_id, "the first goes on, and is said again"
