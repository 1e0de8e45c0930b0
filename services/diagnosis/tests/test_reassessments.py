"""New assessments after a change of policy (POL-4)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from chassis.ids import new_id
from contracts.diagnosis import ClientCategorised, ReassessmentDue
from contracts.routing import ClientExited

if TYPE_CHECKING:
    from tests.conftest import Diagnosis


async def test_a_changed_policy_asks_anew_and_changes_nothing_by_itself(diagnosis: Diagnosis) -> None:
    first, second, gone = [await diagnosis.client() for _ in range(3)]
    elsewhere = await diagnosis.client("GM1916")
    for client, months in ((first, 2), (second, 30), (gone, 2), (elsewhere, 2)):
        await diagnosis.categorised(client, {"distance_months": months})
    left = ClientExited(occurred_on=date(2024, 2, 1), by="staff:s-9", exit_id=new_id(), reason="work")
    await diagnosis.hear(gone, left)
    assert await diagnosis.done("/reassessments", {"municipality": "GM0626", "categories": ["1A"]}) == {"due": 1}
    [due] = await diagnosis.said(ReassessmentDue)
    assert (due.subject, due.data.reason) == (first, "policy_changed")
    assert await diagnosis.done("/reassessments", {"municipality": "GM0626"}) == {"due": 2}
    assert len(await diagnosis.said(ClientCategorised)) == 4


async def test_who_may_ask_and_for_what(diagnosis: Diagnosis) -> None:
    body = {"municipality": "GM0626", "categories": ["9Z"]}
    answer = await diagnosis.post("/reassessments", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/categories/0")
    for token in (
        diagnosis.token("caseworker"),
        diagnosis.token("team_manager", municipalities=["GM1916"]),
        diagnosis.token("policy_officer", sub=None),
    ):
        assert (await diagnosis.post("/reassessments", body, headers=token)).status_code == 403
