"""The gate: from the first contact to the decision on benefit."""

from datetime import timedelta

import pytest

from contracts.diagnosis import DiagnosisInvited
from contracts.intake import (
    ApplicationDiverted,
    ApplicationFiled,
    ApplicationWithdrawn,
    BenefitDecided,
    InformationSessionDue,
    InformationSessionHeld,
    IntakeDue,
)
from contracts.routing import CaseworkerAssigned, ClientExited
from tests.support.paths import EVERYWHERE, SHARED, VOORSCHOTEN, Traveller, path


@pytest.mark.requirement("INT-2")
@path(*EVERYWHERE)
async def test_who_is_helped_to_a_vacancy_at_the_gate_never_applies(client: Traveller) -> None:
    await client.registers()
    notification = await client.notifies()
    await client.days(3)
    await client.post("intake", f"/notifications/{notification}/diversions", {"divertedTo": "vacancy"})
    assert [each.diverted_to for each in await client.heard(ApplicationDiverted)] == ["vacancy"]
    refused = await client.tries("intake", f"/clients/{client.id}/applications")
    assert refused["type"].endswith("/notification-first")
    assert not await client.heard(ApplicationFiled)


@pytest.mark.requirement("INT-2")
@path(*EVERYWHERE)
async def test_who_withdraws_the_application_is_waited_for_by_nobody(client: Traveller) -> None:
    await client.registers()
    await client.notifies()
    await client.applies()
    await client.is_informed()
    await client.settles()
    await client.post("intake", f"/applications/{client.application}/withdrawals")
    await client.days(60)
    assert await client.heard(ApplicationWithdrawn)
    assert not await client.heard(BenefitDecided)
    invitations = await client.get("diagnosis", f"/invitations?municipality={client.town.code}&limit=200")
    assert client.id not in [each["clientId"] for each in invitations["items"]]


@pytest.mark.requirement("INT-2", "DIA-12")
@path(*EVERYWHERE)
async def test_who_is_refused_benefit_leaves(client: Traveller) -> None:
    await client.registers()
    await client.notifies()
    await client.applies()
    await client.days(10)
    await client.is_decided("refused", reason="Te veel vermogen.")
    await client.settles()
    [decided] = await client.heard(BenefitDecided)
    assert (decided.outcome, decided.by[:6]) == ("refused", "staff:")
    [left] = await client.heard(ClientExited)
    assert left.reason == "benefit_refused"


@pytest.mark.requirement("INT-3")
@path(*SHARED, VOORSCHOTEN)
async def test_an_information_session_is_held_in_the_first_week_after_the_application(client: Traveller) -> None:
    await client.registers()
    await client.notifies()
    applied = client.today
    await client.applies()
    await client.days(2)
    await client.stays_away()
    await client.until(applied + timedelta(days=6))
    assert not await client.heard(InformationSessionDue)
    await client.days(1)
    [due] = await client.heard(InformationSessionDue)
    assert due.due_on == applied + timedelta(days=7)
    await client.is_informed()
    assert [each.attended for each in await client.heard(InformationSessionHeld)] == [False, True]
    await client.settles()
    assert [each.reason for each in await client.heard(DiagnosisInvited)] == ["information_session"]


@pytest.mark.requirement("INT-4")
@path(*SHARED, VOORSCHOTEN)
async def test_the_intake_follows_the_diagnosis_within_a_week_and_is_never_before_it(client: Traveller) -> None:
    await client.registers()
    await client.notifies()
    await client.applies()
    await client.is_informed()
    await client.settles()
    refused = await client.tries("intake", f"/clients/{client.id}/intakes", {"signals": []})
    assert refused["type"].endswith("/diagnosis-first")
    refused = await client.tries("intake", f"/applications/{client.application}/decisions", {"outcome": "granted"})
    assert refused["type"].endswith("/intake-first")
    diagnosed = client.today
    await client.is_categorised(distance_months=8)
    await client.days(6)
    assert not await client.heard(IntakeDue)
    await client.days(1)
    assert [each.due_on for each in await client.heard(IntakeDue)] == [diagnosed + timedelta(days=7)]
    await client.post("intake", f"/clients/{client.id}/intakes", {"signals": []})
    await client.is_decided()
    assert [each.outcome for each in await client.heard(BenefitDecided)] == ["granted"]
    assert await client.heard(CaseworkerAssigned)
