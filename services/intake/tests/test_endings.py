"""How registrations end, and how that is taken back; pension age; a household of which one is left (INT-14)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts.diagnosis import AssessmentCompleted
from contracts.intake import (
    AgeBandChanged,
    HouseholdChanged,
    InformationSessionDue,
    IntakeDue,
    LetterSent,
    PensionAgeNears,
    RegistrationRestored,
)
from contracts.routing import CaseworkerAssigned, ClientExited, ExitReverted
from tests.support.heard import categorised

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Intake

LEIDSCHENDAM = "GM1916"
BY: dict[str, Any] = {"by": "staff:s-9"}
REASON = {"reason": "De verkeerde Jansen"}


async def end(intake: Intake, client: UUID, how: str, on: str | None = None) -> None:
    await intake.done(f"/clients/{client}/{'deaths' if how == 'deceased' else 'departures'}", {"on": on} if on else {})


async def applied(intake: Intake) -> tuple[UUID, UUID]:
    """Somebody who waits for the information session and the intake, and for a letter."""
    client = await intake.client(municipality=LEIDSCHENDAM)
    application = await intake.apply(client)
    diagnosed = AssessmentCompleted(occurred_on=date(2024, 2, 1), **BY, assessment_id=new_id())
    await intake.hear(client, diagnosed, municipality=LEIDSCHENDAM)
    return client, application


@pytest.mark.requirement("INT-13", "INT-14")
@pytest.mark.parametrize("how", ["deceased", "moved_away"])
async def test_what_was_open_goes_on_when_the_end_was_a_mistake(intake: Intake, how: str) -> None:
    client, application = await applied(intake)
    other = await intake.client(municipality=LEIDSCHENDAM)
    notification = (await intake.done(f"/clients/{other}/notifications"))["id"]
    for each in (client, other):
        await end(intake, each, how)
    await intake.move_to(date(2024, 2, 20))
    assert await intake.said(InformationSessionDue) == []
    for each in (client, other):
        restored = await intake.done(f"/clients/{each}/restorations", REASON)
        assert (restored["state"], restored["endedOn"]) == ("registered", None)
        assert [event.data.ended_as for event in await intake.said(RegistrationRestored, each)] == [how]
    await intake.move_to(date(2024, 2, 21))
    assert len(await intake.said(InformationSessionDue, client)) == 1
    assert len(await intake.said(IntakeDue, client)) == 1
    assert (await intake.get(f"/applications/{application}")).json()["state"] == "filed"
    await intake.done(f"/notifications/{notification}/diversions", {"divertedTo": "vacancy"})
    refused = await intake.refused(f"/clients/{client}/restorations", REASON)
    assert refused["type"].endswith("/nothing-to-restore")


async def test_the_reason_is_sealed_and_the_look_is_recorded(intake: Intake) -> None:
    client = await intake.client()
    await end(intake, client, "deceased")
    assert (await intake.post(f"/clients/{client}/restorations", {"reason": ""})).status_code == 400
    await intake.done(f"/clients/{client}/restorations", REASON)
    [(kept,)] = await intake.rows("SELECT restored_because FROM clients")
    assert kept is not None
    assert b"Jansen" not in kept
    assert await intake.rows("SELECT action FROM audit_entries WHERE action = 'client.restore'")


async def test_who_comes_back_after_a_move_has_nothing_of_before(intake: Intake) -> None:
    client, application = await applied(intake)
    await end(intake, client, "moved_away")
    await intake.move_to(date(2024, 3, 20))
    await intake.done(f"/clients/{client}/notifications")
    await end(intake, client, "moved_away")
    await intake.done(f"/clients/{client}/restorations", REASON)
    await intake.move_to(date(2024, 3, 25))
    assert await intake.said(InformationSessionDue) == []
    assert (await intake.get(f"/applications/{application}")).json()["state"] == "closed"


@pytest.mark.requirement("ROU-14")
async def test_a_letter_that_awaited_the_caseworker_goes_out_when_nobody_died(intake: Intake) -> None:
    client = await intake.client()
    await intake.hear(client, categorised(date(2024, 2, 1), "1A", "reintegration"))
    await end(intake, client, "deceased")
    exit_id = new_id()
    assigned = CaseworkerAssigned(
        occurred_on=date(2024, 2, 1), **BY, caseworker_id="w-1", role="work_consultant", occasion="categorised"
    )
    died = ClientExited(occurred_on=date(2024, 2, 1), **BY, exit_id=exit_id, reason="deceased")
    await intake.hear(client, died, assigned)
    assert await intake.said(LetterSent, client) == []
    await intake.done(f"/clients/{client}/restorations", REASON)
    await intake.hear(client, ExitReverted(occurred_on=date(2024, 2, 1), **BY, exit_id=exit_id), assigned)
    assert [each.data.kind for each in await intake.said(LetterSent, client)] == ["categorised"]


@pytest.mark.requirement("INT-14")
@pytest.mark.parametrize("reason", ["work", "enforcement", "pension_age"])
async def test_what_goes_with_benefit_is_not_due_any_more_after_an_exit(intake: Intake, reason: Any) -> None:
    client, application = await applied(intake)
    exit_id, on = new_id(), date(2024, 2, 1)
    left = ClientExited(occurred_on=on, **BY, exit_id=exit_id, reason=reason)
    await intake.hear(client, left, municipality=LEIDSCHENDAM)
    await intake.move_to(date(2024, 2, 20))
    assert await intake.said(IntakeDue) + await intake.said(InformationSessionDue) == []
    state = (await intake.get(f"/applications/{application}")).json()["state"]
    assert state == ("closed" if reason == "pension_age" else "filed")
    reverted = ExitReverted(occurred_on=date(2024, 2, 20), **BY, exit_id=exit_id)
    await intake.hear(client, reverted, municipality=LEIDSCHENDAM)
    await intake.move_to(date(2024, 2, 21))
    assert len(await intake.said(IntakeDue)) == len(await intake.said(InformationSessionDue)) == 1
    assert (await intake.get(f"/applications/{application}")).json()["state"] == "filed"


@pytest.mark.requirement("INT-10", "INT-13")
async def test_a_language_test_taken_after_an_exit_is_not_due_when_the_exit_turns_out_to_be_a_mistake(
    intake: Intake,
) -> None:
    client = await intake.client()
    exit_id, on = new_id(), date(2024, 2, 1)
    assessed = AssessmentCompleted(occurred_on=on, **BY, assessment_id=new_id())
    await intake.hear(client, assessed, categorised(on, "1A", "reintegration"))
    await intake.done(f"/clients/{client}/intakes", {"signals": [], "languageProof": False})
    left = ClientExited(occurred_on=on, **BY, exit_id=exit_id, reason="other")
    await intake.hear(client, left)
    await intake.done(f"/clients/{client}/language-tests", {"passed": True})

    reverted = ExitReverted(occurred_on=on, **BY, exit_id=exit_id)
    await intake.hear(client, reverted)

    due = "SELECT state FROM deadlines WHERE subject = :client AND kind = 'language_test'"
    assert await intake.rows(due, client=client) == [("cancelled",)]


@pytest.mark.requirement("INT-14")
async def test_pension_age_is_told_some_months_before_and_reached_on_its_day(intake: Intake) -> None:
    client = await intake.client(birthDate="1957-05-12")
    assert (await intake.read(client))["pensionOn"] == "2024-05-12"
    [nears] = await intake.said(PensionAgeNears, client)  # it is three months before the month: today
    assert (nears.data.occurred_on, nears.data.reached_in) == (date(2024, 2, 1), date(2024, 5, 1))
    later = await intake.client(birthDate="1957-06-30")
    await intake.move_to(date(2024, 2, 29))
    assert await intake.said(PensionAgeNears, later) == []
    await intake.move_to(date(2024, 3, 1))
    [nears] = await intake.said(PensionAgeNears, later)
    assert (nears.data.occurred_on, nears.data.reached_in, nears.data.by) == (
        date(2024, 3, 1), date(2024, 6, 1), "clock",
    )  # fmt: skip
    intake.service.clock.restore(intake.service.clock.now().replace(month=5, day=10))
    await intake.move_to(date(2024, 5, 11))
    assert await intake.said(AgeBandChanged) == []
    await intake.move_to(date(2024, 5, 12))
    [changed] = await intake.said(AgeBandChanged, client)
    assert (changed.data.age_band, changed.data.occurred_on) == ("pension", date(2024, 5, 12))
    await intake.done(f"/clients/{client}/notifications")
    refused = await intake.refused(f"/clients/{client}/applications", {})
    assert refused["type"].endswith("/pension-age-reached")


@pytest.mark.requirement("INT-14")
async def test_a_partial_birth_date_is_pensioned_on_its_last_possible_day(intake: Intake) -> None:
    client = await intake.client(birthDate="1957-05")
    assert (await intake.read(client))["pensionOn"] == "2024-05-31"


async def test_a_corrected_birth_date_takes_the_notice_back(intake: Intake) -> None:
    client = await intake.client(birthDate="1957-04-12")
    await intake.move_to(date(2024, 2, 2))
    version = (await intake.get(f"/clients/{client}")).headers["ETag"]
    headers = {**intake.token(), "If-Match": version}
    answer = await intake.service.http.patch(f"/v1/clients/{client}", json={"birthDate": "1967-04-12"}, headers=headers)
    assert answer.is_success, answer.text
    assert [each.data.reached_in for each in await intake.said(PensionAgeNears, client)] == [date(2024, 4, 1), None]


@pytest.mark.requirement("INT-14")
@pytest.mark.parametrize(("together", "alone"), [("couple", "single"), ("couple_with_children", "single_parent")])
@pytest.mark.parametrize("how", ["deceased", "moved_away"])
async def test_who_is_left_is_a_household_of_one_until_that_was_a_mistake(
    intake: Intake, how: str, together: str, alone: str
) -> None:
    one = intake.person(householdKind=together)
    client = await intake.client(**one)
    partner = await intake.client(householdKind=together, partnerBsn=one["bsn"])
    await end(intake, client, how, "2024-01-30")
    assert (await intake.read(partner))["householdKind"] == alone
    await intake.done(f"/clients/{client}/restorations", REASON)
    assert (await intake.read(partner))["householdKind"] == together
    said = await intake.said(HouseholdChanged, partner)
    assert [(each.data.occurred_on.isoformat(), each.data.household_kind) for each in said] == [
        ("2024-01-30", alone), ("2024-02-01", together),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "told", "pointer"),
    [
        ("deaths", {"on": "1985-05-16"}, "#/on"),
        ("departures", {"on": "1985-05-16"}, "#/on"),
        ("departures", {"toMunicipality": "GM0626"}, "#/toMunicipality"),
    ],
)
async def test_nobody_ends_before_they_were_born_or_moves_to_where_they_live(
    intake: Intake, path: str, told: dict[str, str], pointer: str
) -> None:
    client = await intake.client(birthDate="1985-05-17")

    refused = await intake.post(f"/clients/{client}/{path}", told)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, pointer)
    assert (await intake.read(client))["state"] == "registered"


async def test_who_lived_alone_leaves_nobody_behind(intake: Intake) -> None:
    client = await intake.client()
    await end(intake, client, "deceased")
    assert await intake.said(HouseholdChanged) == []


@pytest.mark.requirement("INT-13", "INT-14")
@pytest.mark.parametrize("first_back", [0, 1])
async def test_of_two_who_died_each_is_left_alone_or_with_the_other_as_who_died_by_mistake_comes_back(
    intake: Intake, first_back: int
) -> None:
    one = intake.person(householdKind="couple")
    client = await intake.client(**one)
    both = client, await intake.client(householdKind="couple", partnerBsn=one["bsn"])
    for each in both:
        await intake.done(f"/clients/{each}/deaths")

    back, dead = both[first_back], both[1 - first_back]
    await intake.done(f"/clients/{back}/restorations", REASON)
    assert (await intake.read(back))["householdKind"] == "single"
    await intake.done(f"/clients/{dead}/restorations", REASON)

    assert [(await intake.read(each))["householdKind"] for each in both] == ["couple", "couple"]
    for each in both:
        last = (await intake.said(HouseholdChanged, each))[-1:]
        assert [told.data.household_kind for told in last] in ([], ["couple"])
