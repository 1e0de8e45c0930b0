"""What would change a proposal, for whoever is to decide on it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from policy import Facts

if TYPE_CHECKING:
    from tests.conftest import Diagnosis

ON = date(2024, 2, 1)
"""Today, where nobody moved the clock."""


async def alternatives(diagnosis: Diagnosis, facts: dict[str, Any], *roles: str) -> dict[str, Any]:
    proposal = await diagnosis.assess(await diagnosis.client(), facts)
    headers = diagnosis.token(*roles) if roles else diagnosis.token()
    answer = await diagnosis.get(f"/proposals/{proposal['id']}/alternatives", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["receiptId"] == proposal["receipt"]["receiptId"]
    return found


async def test_a_proposal_tells_how_near_every_other_category_is(diagnosis: Diagnosis) -> None:
    found = await alternatives(diagnosis, {"distance_months": 8})

    assert (found["packId"], found["status"], found["category"]) == ("voorschoten-2024", "decided", "1B")
    assert [(each["category"], each["nearest"]) for each in found["items"]] == [
        ("2B", True), ("3B", True), ("1A", False), ("1C", False), ("2A", False), ("3A", False),
    ]  # fmt: skip
    to_1a = found["items"][2]
    assert to_1a["ways"] == [
        {
            "changes": [
                {
                    "fact": "distance_months", "before": 8, "after": 3, "steps": 5,
                    "inWords": "afstand tot werk: van 8 maanden naar 3 maanden (0 tot en met 3)",
                }
            ]
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    "facts",
    [
        {"distance_months": 30},
        {"can_volunteer": True},
        {"distance_months": 60, "indications": ["job_agreement"], "in_doubt": True},
        {"distance_months": 60, "exemption": {"reason": "ziekte", "until": "2024-03-01"}},
        {"distance_months": 60, "exemption": {"reason": "ziekte"}},
    ],
)
async def test_each_way_leads_where_it_says_when_it_is_assessed_so(diagnosis: Diagnosis, facts: dict[str, Any]) -> None:
    found = await alternatives(diagnosis, facts)

    pack = diagnosis.service.office.policies.in_force("GM0626", ON)
    for alternative in found["items"]:
        for way in alternative["ways"]:
            then = {**facts, **{change["fact"]: change["after"] for change in way["changes"]}}
            if then.get("exemption") and "reason" not in then["exemption"]:
                then["exemption"]["reason"] = "ziekte"
            assert pack.decide(Facts.model_validate(then), ON).category == alternative["category"]


async def test_nobody_reads_there_why_somebody_is_exempted(diagnosis: Diagnosis) -> None:
    facts = {"distance_months": 8, "exemption": {"reason": "chronic_illness", "until": "2024-03-01"}}

    for role in ("caseworker", "team_manager", "policy_officer"):
        found = await alternatives(diagnosis, facts, role)
        [back] = [each for each in found["items"] if each["category"] == "1B"]
        [[change]] = [way["changes"] for way in back["ways"]]
        assert (change["before"], change["after"]) == ({"until": "2024-03-01"}, {"until": "2024-01-31"})
        assert "chronic_illness" not in str(found)


async def test_they_are_for_who_may_read_the_receipt(diagnosis: Diagnosis) -> None:
    proposal = await diagnosis.assess(await diagnosis.client("GM1916"), {"distance_months": 8})
    path = f"/proposals/{proposal['id']}/alternatives"

    assert (await diagnosis.get(path, headers=diagnosis.token("front_end"))).status_code == 403
    elsewhere = diagnosis.token("caseworker", municipalities=["GM0626"])
    assert (await diagnosis.get(path, headers=elsewhere)).status_code == 404


async def test_looking_at_them_does_not_count_as_opening_the_proposal(diagnosis: Diagnosis) -> None:
    proposal = await diagnosis.assessed_by_another(await diagnosis.client(), {"distance_months": 8})
    await diagnosis.get(f"/proposals/{proposal['id']}/alternatives")

    refused = await diagnosis.post("/proposal-confirmations", {"proposalIds": [proposal["id"]]})

    assert refused.status_code == 409


async def test_a_late_entry_is_explained_by_the_policy_of_its_day(diagnosis: Diagnosis) -> None:
    facts = {"distance_months": 30, "indications": ["job_agreement"]}
    proposal = await diagnosis.assess(await diagnosis.client(), facts, occurredOn="2023-11-30")

    found = (await diagnosis.get(f"/proposals/{proposal['id']}/alternatives")).json()

    assert found["packId"] == "voorschoten-2019"
    assert found["digest"] == proposal["receipt"]["digest"]
