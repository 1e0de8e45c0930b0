from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from chassis.ids import new_id
from contracts.diagnosis import AssessmentCompleted
from contracts.intake import (
    ApplicationDiverted,
    ApplicationFiled,
    BenefitDecided,
    InformationSessionDue,
    InformationSessionHeld,
    IntakeDue,
    IntakeHeld,
    LanguageTestDue,
    TermSet,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Intake

L = "GM1916"


def assessed(on: date = date(2024, 2, 1)) -> AssessmentCompleted:
    return AssessmentCompleted(occurred_on=on, by="staff:w-1", assessment_id=new_id())


async def session_on(intake: Intake, day: str, **told: object) -> str:
    body = {"municipality": "GM0626", "heldOn": day, "place": "Raadhuis", "capacity": 2, **told}
    return str((await intake.done("/information-sessions", body))["id"])


@pytest.mark.requirement("INT-2")
async def test_somebody_is_diverted_at_the_gate(intake: Intake) -> None:
    client = await intake.client()
    notification = await intake.done(f"/clients/{client}/notifications", {"on": "2024-01-30"})

    diverted = await intake.done(
        f"/notifications/{notification['id']}/diversions", {"divertedTo": "vacancy", "on": "2024-01-31"}
    )

    assert diverted["state"] == "diverted"
    [said] = await intake.said(ApplicationDiverted, client)
    assert (said.data.diverted_to, said.data.occurred_on) == ("vacancy", date(2024, 1, 31))
    again = await intake.refused(f"/notifications/{notification['id']}/diversions", {"divertedTo": "other"})
    assert again["title"] == "This has come to its end already"
    assert (await intake.refused(f"/clients/{client}/applications", {}))["title"] == "A notification comes first"


@pytest.mark.requirement("INT-2")
async def test_an_application_follows_a_notification_and_one_is_open_at_a_time(intake: Intake) -> None:
    client = await intake.client()
    first = await intake.refused(f"/clients/{client}/applications", {})
    assert first["type"].endswith("/notification-first")

    application = await intake.apply(client)

    await intake.done(f"/clients/{client}/notifications")
    assert (await intake.refused(f"/clients/{client}/applications", {}))["type"].endswith("/application-open")
    withdrawn = await intake.done(f"/applications/{application}/withdrawals")
    assert withdrawn["state"] == "withdrawn"
    await intake.refused(f"/applications/{application}/withdrawals", {})
    await intake.done(f"/clients/{client}/applications")
    assert (await intake.types(client))[1:] == [
        "notification-received", "application-filed", "term-set", "notification-received", "application-withdrawn",
        "application-filed", "term-set",
    ]  # fmt: skip


async def test_who_clicks_twice_applies_once(intake: Intake) -> None:
    client = await intake.client()
    for _ in range(3):
        await intake.done(f"/clients/{client}/notifications")

    answers = await asyncio.gather(*(intake.post(f"/clients/{client}/applications") for _ in range(3)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert len(await intake.said(ApplicationFiled)) == 1


async def test_nothing_happens_tomorrow_and_no_application_before_its_notification(intake: Intake) -> None:
    client = await intake.client()
    notifications, applications = f"/clients/{client}/notifications", f"/clients/{client}/applications"
    tomorrow = await intake.refused(notifications, {"on": "2024-02-02"}, 400)
    assert tomorrow["errors"][0]["pointer"] == "#/on"
    await intake.done(notifications, {"on": "2024-01-20"})

    before = await intake.refused(applications, {"filedOn": "2024-01-19"}, 400)

    assert before["errors"][0]["pointer"] == "#/filedOn"


@pytest.mark.parametrize(
    ("municipality", "told", "waits"),
    [
        (L, {"birthDate": "2000-01-01"}, True),
        (L, {"birthDate": "1997-01-01"}, False),
        ("GM0626", {"birthDate": "2000-01-01", "startingQualification": True}, True),
        ("GM0626", {"birthDate": "2000-01-01", "startingQualification": False}, False),
    ],
)
@pytest.mark.requirement("INT-6")
async def test_young_people_look_for_work_first_where_the_pack_keeps_that(
    intake: Intake, municipality: str, told: dict[str, object], waits: bool
) -> None:
    client = await intake.client(municipality=municipality, **told)
    await intake.done(f"/clients/{client}/notifications", {"on": "2024-01-05"})

    answer = await intake.post(f"/clients/{client}/applications", {"filedOn": "2024-02-01"})

    if waits:
        assert answer.status_code == 409
        assert "2024-02-02" in answer.json()["detail"]
        await intake.move_to(date(2024, 2, 2))
        await intake.done(f"/clients/{client}/applications")
    else:
        assert answer.status_code == 201


@pytest.mark.requirement("INT-3")
async def test_the_week_of_the_information_session_ends_unless_somebody_came(intake: Intake) -> None:
    came, absent, never = [(await intake.applicant())[0] for _ in range(3)]
    session = await session_on(intake, "2024-02-05")
    early = await intake.refused(f"/information-sessions/{session}/attendances", {"attended": [str(came)]})
    assert early["title"] == "The session comes first"

    await intake.move_to(date(2024, 2, 6))
    told = {"attended": [str(came)], "absent": [str(absent)]}
    held = await intake.done(f"/information-sessions/{session}/attendances", told)
    await intake.done(f"/information-sessions/{session}/attendances", told)
    await intake.move_to(date(2024, 2, 9))

    assert (held["attended"], held["absent"]) == ([str(came)], [str(absent)])
    said = await intake.said(InformationSessionHeld)
    assert {(each.subject, each.data.attended, each.data.occurred_on) for each in said} == {
        (came, True, date(2024, 2, 5)), (absent, False, date(2024, 2, 5)),
    }  # fmt: skip
    assert len(said) == 2
    due = await intake.said(InformationSessionDue)
    assert {(each.subject, each.data.due_on) for each in due} == {(absent, date(2024, 2, 8)), (never, date(2024, 2, 8))}


@pytest.mark.requirement("INT-3", "INT-13")
async def test_the_week_runs_as_it_did_for_who_was_not_there_after_all(intake: Intake) -> None:
    never, once, late = [(await intake.applicant())[0] for _ in range(3)]
    first, second = await session_on(intake, "2024-02-05"), await session_on(intake, "2024-02-06")
    await intake.move_to(date(2024, 2, 6))
    await intake.done(f"/information-sessions/{first}/attendances", {"attended": [str(never), str(once)]})
    await intake.done(f"/information-sessions/{second}/attendances", {"attended": [str(once), str(late)]})

    await intake.done(f"/information-sessions/{first}/attendances", {"absent": [str(never), str(once)]})
    await intake.move_to(date(2024, 2, 12))
    await intake.done(f"/information-sessions/{second}/attendances", {"absent": [str(late)]})
    await intake.move_to(date(2024, 2, 13))

    due = await intake.said(InformationSessionDue)
    assert {(each.subject, each.data.due_on) for each in due} == {(never, date(2024, 2, 8)), (late, date(2024, 2, 8))}


async def test_a_session_holds_so_many_people_of_its_own_municipality(intake: Intake) -> None:
    clients = [str(await intake.client()) for _ in range(3)]
    session = await session_on(intake, "2024-01-31")
    elsewhere = str(await intake.client(municipality=L))

    full = await intake.refused(f"/information-sessions/{session}/attendances", {"attended": clients})
    stranger = await intake.refused(
        f"/information-sessions/{session}/attendances", {"attended": [elsewhere], "absent": [str(uuid4())]}, 400
    )
    both = await intake.refused(
        f"/information-sessions/{session}/attendances", {"attended": clients[:1], "absent": clients[:1]}, 400
    )

    assert full["title"] == "The session holds no more people"
    assert [each["pointer"] for each in stranger["errors"]] == ["#/attended/0", "#/absent/0"]
    assert both["errors"]
    assert await intake.said(InformationSessionHeld) == []
    listed = (await intake.get("/information-sessions")).json()["items"]
    assert [each["id"] for each in listed] == [session]


@pytest.mark.requirement("INT-4")
async def test_the_intake_follows_the_diagnosis_within_its_week(intake: Intake) -> None:
    client, _ = await intake.applicant(municipality=L)
    before = await intake.refused(f"/clients/{client}/intakes", {})
    assert before["title"] == "The diagnosis comes first"
    await intake.hear(client, assessed(), municipality=L)

    await intake.move_to(date(2024, 2, 10))

    [due] = await intake.said(IntakeDue, client)
    assert (due.data.due_on, due.data.occurred_on) == (date(2024, 2, 8), date(2024, 2, 8))
    early = await intake.refused(f"/clients/{client}/intakes", {"heldOn": "2024-01-31"})
    assert "2024-02-01" in early["detail"]
    held = await intake.done(f"/clients/{client}/intakes", {"heldOn": "2024-02-09", "signals": ["debts", "debts"]})
    assert held["signals"] == ["debts"]
    [said] = await intake.said(IntakeHeld, client)
    assert said.data.signals == ("debts",)


@pytest.mark.requirement("INT-4")
async def test_no_intake_is_due_when_it_was_held_or_does_not_apply(intake: Intake) -> None:
    held, _ = await intake.applicant()
    without = await intake.client(withoutBenefit=True)
    for client in (held, without):
        await intake.hear(client, assessed())
    await intake.done(f"/clients/{held}/intakes")
    refused = await intake.refused(f"/clients/{without}/intakes", {})
    await intake.move_to(date(2024, 2, 5))
    await intake.hear(held, assessed(date(2024, 2, 5)))

    await intake.move_to(date(2024, 2, 20))

    assert refused["title"] == "There is no intake for people without benefit"
    assert await intake.said(IntakeDue) == []


@pytest.mark.requirement("DIA-12", "INT-4")
async def test_a_person_decides_on_benefit_after_the_intake(intake: Intake) -> None:
    client, application = await intake.applicant()
    path, granted = f"/applications/{application}/decisions", {"outcome": "granted", "reason": "voldoet"}
    app = intake.token("caseworker", sub=None)

    assert (await intake.post(path, granted, headers=app)).status_code == 403
    assert (await intake.refused(path, granted))["title"] == "The intake comes first"
    await intake.hear(client, assessed())
    await intake.done(f"/clients/{client}/intakes")
    decided = await intake.done(path, granted)

    assert (decided["state"], decided["decidedBy"], decided["benefitFrom"]) == ("granted", "staff:s-1", "2024-02-01")
    assert "reason" not in decided
    [said] = await intake.said(BenefitDecided, client)
    assert said.data.model_dump() == {
        "occurred_on": date(2024, 2, 1), "by": "staff:s-1", "outcome": "granted", "application_id": application,
        "benefit_from": date(2024, 2, 1),
    }  # fmt: skip
    await intake.refused(path, granted)


@pytest.mark.requirement("INT-5")
async def test_a_permit_holder_has_benefit_at_once(intake: Intake) -> None:
    client, application = await intake.applicant(permitHolder=True, housedOn="2024-01-25")

    await intake.done(f"/applications/{application}/decisions", {"outcome": "granted", "benefitFrom": "2024-01-25"})

    assert (await intake.types(client))[-1] == "benefit-decided"


async def test_a_refusal_stops_what_the_application_brought_along(intake: Intake) -> None:
    client, application = await intake.applicant()
    both = {"outcome": "refused", "benefitFrom": "2024-02-01"}
    assert (await intake.refused(f"/applications/{application}/decisions", both, 400))["errors"]

    await intake.done(f"/applications/{application}/decisions", {"outcome": "refused"})
    await intake.move_to(date(2024, 2, 20))

    assert (await intake.types(client))[-1] == "benefit-decided"


async def test_a_language_test_is_due_where_the_pack_has_one(intake: Intake) -> None:
    due, taken, proved, elsewhere = [
        (await intake.applicant(municipality=municipality))[0] for municipality in ("GM0626", "GM0626", "GM0626", L)
    ]
    for client, proof in ((due, False), (taken, False), (proved, True), (elsewhere, False)):
        await intake.hear(client, assessed(), municipality=L if client == elsewhere else "GM0626")
        await intake.done(f"/clients/{client}/intakes", {"languageProof": proof})
    await intake.done(f"/clients/{taken}/language-tests", {"passed": True})

    await intake.move_to(date(2024, 3, 28))

    assert [(each.subject, each.data.due_on) for each in await intake.said(LanguageTestDue)] == [
        (due, date(2024, 3, 28))
    ]
    tests = (await intake.get(f"/clients/{taken}/language-tests")).json()["items"]
    assert [each["passed"] for each in tests] == [True]


@pytest.mark.requirement("INT-7")
async def test_a_short_application_is_for_who_comes_back(intake: Intake) -> None:
    client = await intake.client(municipality="GM1926")
    await intake.done(f"/clients/{client}/notifications")
    path, short = f"/clients/{client}/applications", {"shortForm": True}
    first = await intake.refused(path, short)
    assert first["type"].endswith("/short-form-unknown")
    application = (await intake.done(path))["id"]
    await intake.done(f"/applications/{application}/decisions", {"outcome": "granted"})
    await intake.done(f"/clients/{client}/notifications")

    again = await intake.done(path, short)

    assert again["shortForm"] is True
    listed = (await intake.get(path)).json()["items"]
    assert [each["shortForm"] for each in listed] == [True, False]


@pytest.mark.parametrize(
    "path",
    ["/clients/{}", "/clients/{}/letters", "/notifications/{}", "/applications/{}", "/information-sessions/{}",
     "/intakes/{}", "/language-tests/{}", "/letters/{}", "/caseload-imports/{}"],
)  # fmt: skip
async def test_what_is_not_there_is_not_found(intake: Intake, path: str) -> None:
    unknown: UUID = uuid4()

    assert (await intake.get(path.format(unknown))).status_code == 404


@pytest.mark.requirement("ROU-17", "INT-3", "INT-4", "INT-10")
async def test_what_is_waited_for_is_told_on_the_first_day_of_its_term_with_its_last(intake: Intake) -> None:
    client = await intake.client(municipality=L)
    await intake.done(f"/clients/{client}/notifications")
    await intake.done(f"/clients/{client}/applications")
    await intake.hear(client, assessed(), municipality=L)
    await intake.done(f"/clients/{client}/intakes", {"signals": [], "languageProof": False})

    async def told() -> list[tuple[str, date | None]]:
        return [(each.data.kind, each.data.due_on) for each in await intake.said(TermSet, client)]

    waits = [("information_session", date(2024, 2, 8)), ("intake", date(2024, 2, 8))]
    assert await told() == waits
    assert {each.data.occurred_on for each in await intake.said(TermSet, client)} == {date(2024, 2, 1)}
    await intake.hear(client, assessed(date(2024, 1, 30)), municipality=L)
    assert await told() == waits, "the intake was held, so that nothing begins anew"


@pytest.mark.requirement("ROU-17")
async def test_what_a_refusal_leaves_undone_is_not_waited_for_any_more(intake: Intake) -> None:
    client = await intake.client(municipality=L)
    await intake.done(f"/clients/{client}/notifications")
    application = await intake.done(f"/clients/{client}/applications")
    body = {"outcome": "refused", "reason": "Te veel vermogen"}
    await intake.done(f"/applications/{application['id']}/decisions", body)
    told = [(each.data.kind, each.data.due_on) for each in await intake.said(TermSet, client)]
    assert told == [("information_session", date(2024, 2, 8)), ("information_session", None)]
