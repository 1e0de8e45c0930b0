"""Exemptions: granted before the category is said, watched to the end, ended by day, person or decision (DIA-9)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts.diagnosis import ClientCategorised, ExemptionEnded, ExemptionGranted, ReassessmentDue
from contracts.routing import ClientExited, ExitReverted

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Diagnosis


def exempted(until: str | None, reason: str = "illness") -> dict[str, Any]:
    exemption = {"reason": reason, "until": until} if until else {"reason": reason}
    return {"distance_months": 8, "exemption": exemption}


async def only_exemption(diagnosis: Diagnosis, client: UUID) -> dict[str, Any]:
    [found] = (await diagnosis.get(f"/clients/{client}/exemptions")).json()["items"]
    return dict(found)


async def test_an_exemption_is_granted_before_the_category_is_said(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, exempted("2024-06-30"))
    assert await diagnosis.types(client) == ["assessment-completed", "exemption-granted", "client-categorised"]
    [granted] = await diagnosis.said(ExemptionGranted, client)
    assert (granted.data.until, granted.data.effect) == (date(2024, 6, 30), "suspend")
    [categorised] = await diagnosis.said(ClientCategorised, client)
    assert (categorised.data.traits.category, categorised.data.traits.exempted_until) == ("3B", date(2024, 6, 30))
    assert "illness" not in granted.data.model_dump_json() + categorised.data.model_dump_json()


async def test_a_permanent_exemption_hands_the_client_over_and_never_ends_by_itself(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, exempted(None))
    [granted] = await diagnosis.said(ExemptionGranted, client)
    assert (granted.data.until, granted.data.effect) == (None, "handover")
    assert (await only_exemption(diagnosis, client))["permanent"] is True
    [categorised] = await diagnosis.said(ClientCategorised, client)
    assert categorised.data.traits.exempted_permanently


@pytest.mark.requirement("DIA-9")
async def test_the_day_after_its_last_day_it_ends_and_a_new_assessment_is_due(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, exempted("2024-02-05"))
    await diagnosis.move_to(date(2024, 2, 5))
    assert not await diagnosis.said(ExemptionEnded)
    await diagnosis.move_to(date(2024, 2, 6))
    assert (await diagnosis.types(client))[3:] == ["exemption-ended", "reassessment-due", "diagnosis-invited"]
    [ended] = await diagnosis.said(ExemptionEnded, client)
    [due] = await diagnosis.said(ReassessmentDue, client)
    assert (ended.data.occurred_on, ended.data.by, due.data.reason) == (date(2024, 2, 6), "clock", "exemption_ended")
    assert (await only_exemption(diagnosis, client))["endedOn"] == "2024-02-06"
    assert [each["reason"] for each in await diagnosis.invitations(client)] == ["reassessment"]
    await diagnosis.move_to(date(2024, 2, 8))
    assert len(await diagnosis.said(ExemptionEnded)) == 1


async def test_the_same_exemption_goes_on_and_another_one_replaces_it(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, exempted("2024-06-30"))
    await diagnosis.categorised(client, exempted("2024-06-30", reason="care"))
    assert len(await diagnosis.said(ExemptionGranted, client)) == 1
    await diagnosis.categorised(client, exempted("2024-03-31"))
    assert (await diagnosis.types(client))[-3:] == ["exemption-ended", "exemption-granted", "client-categorised"]
    first, second = [each.data for each in await diagnosis.said(ExemptionGranted, client)]
    [ended] = await diagnosis.said(ExemptionEnded, client)
    assert ended.data.exemption_id == first.exemption_id
    assert second.until == date(2024, 3, 31)


async def test_one_that_is_no_longer_in_the_facts_ends(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, exempted("2024-02-05"))
    await diagnosis.categorised(client, {"distance_months": 8})
    assert (await diagnosis.types(client))[-2:] == ["exemption-ended", "client-categorised"]
    await diagnosis.move_to(date(2024, 2, 8))
    assert len(await diagnosis.said(ExemptionEnded)) == 1
    assert not await diagnosis.said(ReassessmentDue)


async def test_a_person_ends_it_once(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, exempted(None))
    path = f"/exemptions/{(await only_exemption(diagnosis, client))['id']}/ends"
    assert (await diagnosis.post(path, {"on": "2024-02-02"})).status_code == 400
    assert (await diagnosis.post(path, {"on": "2024-01-31"})).status_code == 400
    await diagnosis.done(path, {"on": "2024-02-01"})
    assert (await diagnosis.types(client))[-3:] == ["exemption-ended", "reassessment-due", "diagnosis-invited"]
    assert (await diagnosis.post(path)).status_code == 409


@pytest.mark.requirement("DIA-9")
async def test_a_single_parent_is_exempted_until_the_day_before_the_childs_fifth_birthday(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    facts = {**exempted(None, reason="single_parent"), "single_parent": True, "youngest_child_born": "2020-03-15"}
    proposal = await diagnosis.assess(client, facts)
    await diagnosis.confirm(proposal)
    [granted] = await diagnosis.said(ExemptionGranted, client)
    assert granted.data.until == date(2025, 3, 14)
    [assessment] = (await diagnosis.get(f"/clients/{client}/assessments")).json()["items"]
    assert assessment["facts"]["youngest_child_born"] == "2020-03-15"
    receipt = (await diagnosis.get(f"/receipts/{proposal['receipt']['receiptId']}")).json()
    assert "2020-03-15" not in str(receipt)
    assert receipt["receipt"]["facts"]["exemption"]["until"] == "2025-03-14"


async def test_a_single_parents_exemption_needs_the_child_and_is_no_longer_than_it_is_young(
    diagnosis: Diagnosis,
) -> None:
    path = f"/clients/{await diagnosis.client()}/assessments"
    faulty: list[tuple[dict[str, Any], str]] = [
        ({}, "#/facts/single_parent"),
        ({"single_parent": True}, "#/facts/youngest_child_born"),
        ({"single_parent": True, "youngest_child_born": "2024-02-02"}, "#/facts/youngest_child_born"),
    ]
    for more, pointer in faulty:
        body = {"questionnaire": "diagnose", "facts": {**exempted(None, reason="single_parent"), **more}}
        answer = await diagnosis.post(path, body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    facts = {**exempted("2026-01-01", "single_parent"), "single_parent": True, "youngest_child_born": "2020-03-15"}
    answer = await diagnosis.post(path, {"questionnaire": "diagnose", "facts": facts})
    assert answer.json()["errors"][0]["pointer"] == "#/facts/exemption/until"


async def test_an_exit_stills_the_clock_and_its_reversal_starts_it_again(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, exempted("2024-02-05"))
    exit_id = client
    left = ClientExited(occurred_on=date(2024, 2, 2), by="staff:s-1", exit_id=exit_id, reason="work")
    await diagnosis.hear(client, left)
    await diagnosis.move_to(date(2024, 2, 10))
    assert not await diagnosis.said(ExemptionEnded)
    await diagnosis.hear(client, ExitReverted(occurred_on=date(2024, 2, 10), by="staff:s-1", exit_id=exit_id))
    await diagnosis.move_to(date(2024, 2, 10))
    [ended] = await diagnosis.said(ExemptionEnded)
    assert ended.data.occurred_on == date(2024, 2, 6)


async def test_a_decision_after_the_last_day_grants_what_ends_at_once(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, exempted("2024-01-20"), occurredOn="2024-01-10")
    assert proposal["category"] == "3B"
    await diagnosis.confirm(proposal)
    await diagnosis.move_to(date(2024, 2, 1))
    assert (await diagnosis.types(client))[1:] == [
        "exemption-granted", "client-categorised", "exemption-ended", "reassessment-due", "diagnosis-invited",
    ]  # fmt: skip


async def test_who_left_is_asked_for_no_assessment_until_the_exit_turns_out_to_be_a_mistake(
    diagnosis: Diagnosis,
) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, exempted(None))
    left = ClientExited(occurred_on=date(2024, 2, 1), by="staff:s-2", exit_id=new_id(), reason="other")
    await diagnosis.hear(client, left)
    await diagnosis.done(f"/exemptions/{(await only_exemption(diagnosis, client))['id']}/ends", {"on": "2024-02-01"})
    assert (await diagnosis.types(client))[-1] == "exemption-ended"
    assert await diagnosis.invitations(client) == []

    await diagnosis.hear(client, ExitReverted(occurred_on=date(2024, 2, 1), by="staff:s-2", exit_id=left.exit_id))

    assert [each["reason"] for each in await diagnosis.invitations(client)] == ["reassessment"]
