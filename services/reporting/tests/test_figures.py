"""Figures over HTTP: on any day, as known on any day, traced back to their events."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.diagnosis import AssessmentCompleted, ExemptionEnded, ExemptionGranted
from contracts.intake import ApplicationDiverted, CaseImported, InformationSessionHeld, NotificationReceived
from contracts.partners import ReferralAccepted, ReferralDeclined, ReferralEnded, ReferralSent, ReferralWaiting
from contracts.routing import (
    AgreementMissed,
    AgreementReopened,
    ConversationCancelled,
    ConversationHeld,
    ExitReverted,
    HandoverAccepted,
    HandoverCancelled,
    HandoverDue,
    InstrumentStarted,
    MeasureImposed,
    ParticipationRecorded,
    PartTimeWorkRecorded,
    ReferralRequested,
    ReviewHeld,
    RouteEnded,
    RouteStarted,
)
from tests.support.heard import STAFF, categorised, exited, granted, registered

if TYPE_CHECKING:
    from tests.conftest import Reporting

JAN, FEB, MAR, JUL = date(2023, 1, 2), date(2023, 2, 1), date(2023, 3, 1), date(2023, 7, 1)
END = date(2023, 12, 31)


async def test_the_caseload_by_year(reporting: Reporting) -> None:
    household = new_id()
    for _ in range(2):
        await reporting.client(granted(date(2022, 5, 1)), household=household)
    await reporting.client(granted(FEB), exited(JUL, "education"))
    await reporting.client(granted(FEB), NotificationReceived(occurred_on=JAN, by=STAFF))
    found = await reporting.caseload(date(2022, 1, 1), END)
    assert (found["start"], found["inflow"], found["outflow"], found["end"]) == (0, 4, 1, 3)
    assert found["outflowByReason"] == {"education": 1}
    year = found["byYear"][1]
    assert (year["from"], year["start"], year["inflow"], year["outflow"], year["end"]) == ("2023-01-01", 2, 2, 1, 3)
    assert (year["notifications"], year["householdsStart"], year["householdsEnd"]) == (1, 1, 2)


async def test_a_day_inside_a_spell_and_its_edges(reporting: Reporting) -> None:
    await reporting.client(granted(FEB), exited(MAR))
    on = {
        day: (await reporting.figures(day))["onBenefit"] for day in (FEB - timedelta(1), FEB, MAR - timedelta(1), MAR)
    }
    assert list(on.values()) == [0, 1, 1, 0]


async def test_categories_and_tracks_add_up_to_clients(reporting: Reporting) -> None:
    await reporting.client(categorised(FEB, "1A", "reintegration"), granted(FEB))
    await reporting.client(categorised(FEB, "3A", "participation"))
    await reporting.client(categorised(FEB, None, None))
    await reporting.client()
    found = await reporting.figures(END)
    assert found["clients"] == 4
    assert found["byCategory"] == {"1A": 1, "3A": 1, "in_doubt": 1, "undecided": 1}
    assert found["byTrack"] == {"participation": 1, "reintegration": 1, "undecided": 2}
    assert {"category": "1A", "track": "reintegration", "clients": 1, "onBenefit": 1} in found["places"]
    before = await reporting.figures(FEB - timedelta(1))
    assert before["byCategory"] == {"undecided": 4}


async def test_a_late_exit_changes_what_is_known_and_not_what_was_known(reporting: Reporting) -> None:
    client = new_id()
    await reporting.hear_of_old(client, granted(JAN), days_ago=2)
    await reporting.hear(client, exited(JUL))
    assert (await reporting.figures(END))["onBenefit"] == 0
    assert (await reporting.caseload(JAN, END, knownOn="2024-01-29"))["end"] == 0  # nothing was known yet
    then = await reporting.caseload(JAN, END, knownOn="2024-01-31")
    assert (then["inflow"], then["outflow"], then["end"]) == (1, 0, 1)
    now = await reporting.caseload(JAN, END, knownOn="2024-02-01")
    assert (now["inflow"], now["outflow"], now["end"]) == (1, 1, 0)


async def test_a_reverted_exit_is_no_exit(reporting: Reporting) -> None:
    exit_id = new_id()
    await reporting.client(
        granted(JAN), exited(FEB, exit_id=exit_id), ExitReverted(occurred_on=JUL, by=STAFF, exit_id=exit_id)
    )
    found = await reporting.figures(END)
    assert (found["exits"], found["onBenefit"]) == ({}, 1)


async def test_exemptions_and_their_share(reporting: Reporting) -> None:
    for until in (date(2023, 6, 30), date(2024, 6, 30), None):
        await reporting.client(
            ExemptionGranted(occurred_on=FEB, by=STAFF, exemption_id=new_id(), until=until, effect="suspend")
        )
    await reporting.client()
    assert (await reporting.figures(date(2023, 6, 30)))["exemptions"]["clients"] == 3  # the last day is inclusive
    found = (await reporting.figures(END))["exemptions"]
    assert found == {"clients": 2, "temporarily": 1, "permanently": 1, "sharePct": 50.0}


async def test_shifts_and_handovers(reporting: Reporting) -> None:
    for _ in range(2):
        handover = new_id()
        await reporting.client(
            categorised(FEB, "1C", "reintegration"),
            HandoverDue(
                occurred_on=MAR,
                by="clock",
                handover_id=handover,
                to_track="participation",
                reason="longest_stay",
                due_on=MAR,
            ),
            HandoverAccepted(occurred_on=JUL, by=STAFF, handover_id=handover, to_track="participation"),
        )
    found = await reporting.figures(END)
    assert found["shifts"] == [{"fromTrack": "reintegration", "toTrack": "participation", "shifts": 2}]
    assert (found["handovers"]["due"], found["handovers"]["accepted"]) == (2, 2)
    assert found["handoversDueTo"] == {"participation": 2}


async def test_who_was_spoken(reporting: Reporting) -> None:
    talk = ConversationHeld(occurred_on=JUL, by=STAFF, conversation_id=new_id(), kind="face_to_face", option=1)
    review = ReviewHeld(occurred_on=JUL, by=STAFF, conversation_id=new_id(), option=4, home_visit=True)
    for events in ((talk, ParticipationRecorded(occurred_on=JUL, by=STAFF, form="volunteer")), (review,), ()):
        await reporting.client(categorised(FEB, "3A", "participation"), *events)
    found = await reporting.figures(END)
    assert found["contact"] == [{"track": "participation", "clients": 3, "spoken": 2, "notSpoken": 1}]
    assert found["conversations"] == {"conversations": 1, "reviews": 1, "face_to_face": 2, "home_visits": 1}
    assert (found["conversationOptions"], found["participation"]) == ({"1": 1, "4": 1}, {"volunteer": 1})
    later = await reporting.figures(date(2024, 2, 1))
    assert (later["contact"][0]["spoken"], later["participation"]) == (0, {"volunteer": 1})  # the form holds on


async def test_referrals_by_partner_and_outcome(reporting: Reporting) -> None:
    def steps(*kinds: Any, **more: Any) -> list[Any]:
        referral = new_id()
        return [kind(occurred_on=JUL, by="partner:x", referral_id=referral, partner="dzb") for kind in kinds] + [
            ReferralEnded(occurred_on=JUL, by="partner:x", referral_id=referral, partner="dzb", outcome=outcome)
            for outcome in more.values()
        ]

    await reporting.client(*steps(ReferralSent, ReferralAccepted, outcome="placed"))
    await reporting.client(*steps(ReferralSent, ReferralDeclined))
    await reporting.client(*steps(ReferralWaiting))
    await reporting.client(*steps(ReferralWaiting, ReferralSent))
    found = (await reporting.figures(END))["referrals"][0]
    counted = {name: found[name] for name in ("partner", "sent", "accepted", "declined", "placed", "waiting")}
    assert counted == {"partner": "dzb", "sent": 3, "accepted": 1, "declined": 1, "placed": 1, "waiting": 1}
    assert (await reporting.figures(date(2024, 2, 1)))["referrals"][0]["waiting"] == 1  # still, a year later


async def test_part_time_work_and_what_came_of_it(reporting: Reporting) -> None:
    def worked(on: date, income: Any) -> PartTimeWorkRecorded:
        return PartTimeWorkRecorded(occurred_on=on, by=STAFF, hours_band="9-16", income_band=income)

    await reporting.client(granted(JAN), worked(FEB, "0-250"), worked(MAR, "251-500"), exited(JUL))
    await reporting.client(granted(JAN), exited(JUL))
    found = await reporting.figures(END)
    assert (found["partTime"], found["partTimeIncome"], found["partTimeHours"]) == (1, {"251-500": 1}, {"9-16": 1})
    assert (found["exits"], found["exitsFromPartTimeToWork"]) == ({"work": 2}, 1)


@pytest.mark.requirement("ROU-19", "REP-9")
async def test_what_was_entered_wrongly_counts_until_it_is_corrected(reporting: Reporting) -> None:
    wrong, right, agreement, job = new_id(), new_id(), new_id(), new_id()
    client = await reporting.client(
        categorised(FEB, "3A", "participation"),
        ConversationHeld(occurred_on=JUL, by=STAFF, conversation_id=wrong, kind="first", option=1),
        ParticipationRecorded(occurred_on=JUL, by=STAFF, form="volunteer", conversation_id=wrong),
        AgreementMissed(occurred_on=JUL, by=STAFF, agreement_id=agreement, step="talk"),
        PartTimeWorkRecorded(occurred_on=JUL, by=STAFF, hours_band="0-8", income_band="0-250", work_id=job),
    )
    before = await reporting.figures(END)
    assert (before["conversationOptions"], before["participation"]) == ({"1": 1}, {"volunteer": 1})
    assert (before["agreementsMissed"], before["partTimeHours"]) == ({"talk": 1}, {"0-8": 1})
    await reporting.hear(
        client,
        ReviewHeld(occurred_on=MAR, by=STAFF, conversation_id=right, option=4, corrects=wrong, corrected_option=1),
        ParticipationRecorded(occurred_on=MAR, by=STAFF, form="none", conversation_id=right),
        AgreementReopened(occurred_on=END, by=STAFF, agreement_id=agreement),
        PartTimeWorkRecorded(occurred_on=JUL, by=STAFF, hours_band="9-16", income_band="0-250", corrects=job),
    )
    after = await reporting.figures(END)
    assert (after["conversationOptions"], after["participation"]) == ({"4": 1}, {"none": 1})
    assert (after["conversations"]["conversations"], after["conversations"]["reviews"]) == (0, 1)
    assert (after["agreementsMissed"], after["partTimeHours"]) == ({}, {"9-16": 1})
    await reporting.hear(client, ConversationCancelled(occurred_on=END, by=STAFF, conversation_id=right, option=4))
    assert (await reporting.figures(END))["conversations"]["reviews"] == 0


@pytest.mark.requirement("DIA-13", "REP-9")
async def test_a_corrected_assessment_counts_once_and_was_believed_before(reporting: Reporting) -> None:
    wrong, right = new_id(), new_id()
    completed = AssessmentCompleted(occurred_on=FEB, by=STAFF, assessment_id=wrong)
    before = categorised(FEB, "3A", "participation").model_copy(update={"assessment_id": wrong})
    client = new_id()
    for event in (registered(on=JAN), completed, before):
        await reporting.hear_of_old(client, event, days_ago=2)
    after = categorised(FEB, "1B", "reintegration").model_copy(update={"assessment_id": right, "corrects": wrong})
    await reporting.hear(
        client, AssessmentCompleted(occurred_on=FEB, by=STAFF, assessment_id=right, corrects=wrong), after
    )
    now = await reporting.figures(END)
    assert (now["byCategory"], now["assessments"]["completed"], now["assessments"]["decided"]) == ({"1B": 1}, 1, 1)
    then = await reporting.figures(END, knownOn=str(date(2024, 1, 31)))
    assert (then["byCategory"], then["assessments"]["completed"], then["assessments"]["decided"]) == ({"3A": 1}, 1, 1)


@pytest.mark.requirement("ROU-19", "REP-9")
async def test_a_handover_that_was_never_due_is_not_counted_and_one_said_again_counts_once(
    reporting: Reporting,
) -> None:
    client, never, again = await reporting.client(categorised(FEB, "1B", "reintegration")), new_id(), new_id()
    due: dict[str, Any] = {"by": STAFF, "to_track": "participation", "reason": "longest_stay"}
    await reporting.hear(client, HandoverDue(occurred_on=MAR, handover_id=never, due_on=MAR, **due))
    assert (await reporting.figures(END))["handovers"]["due"] == 1
    await reporting.hear(
        client,
        HandoverCancelled(occurred_on=JUL, by=STAFF, handover_id=never, corrects=never),
        HandoverDue(occurred_on=MAR, handover_id=again, due_on=MAR, **due),
        HandoverCancelled(occurred_on=JUL, by=STAFF, handover_id=again),
        HandoverDue(occurred_on=JUL, handover_id=again, due_on=JUL, corrects=again, **due),
    )
    counted = (await reporting.figures(END))["handovers"]
    assert (counted["due"], counted["cancelled"]) == (1, 0)


async def test_who_was_at_a_session_counts_as_recorded_last(reporting: Reporting) -> None:
    session, client = new_id(), await reporting.client()
    for attended in (True, False):
        said = InformationSessionHeld(occurred_on=FEB, by=STAFF, session_id=session, attended=attended)
        await reporting.hear(client, said)
    assert (await reporting.figures(END))["informationSessions"] == {"attended": 0, "absent": 1}


@pytest.mark.requirement("DIA-9", "DIA-13")
async def test_an_exemption_that_ended_on_its_first_day_never_held_and_one_granted_again_goes_on(
    reporting: Reporting,
) -> None:
    never, again = new_id(), new_id()
    granted: dict[str, Any] = {"by": STAFF, "until": None, "effect": "suspend"}
    await reporting.client(
        ExemptionGranted(occurred_on=FEB, exemption_id=never, **granted),
        ExemptionEnded(occurred_on=FEB, by=STAFF, exemption_id=never),
        ExemptionGranted(occurred_on=MAR, exemption_id=again, **granted),
        ExemptionEnded(occurred_on=JUL, by=STAFF, exemption_id=again),
        ExemptionGranted(occurred_on=MAR, exemption_id=again, **granted),
    )
    assert (await reporting.figures(FEB))["exemptions"]["clients"] == 0
    assert (await reporting.figures(END))["exemptions"]["clients"] == 1


async def test_costs_and_measures(reporting: Reporting) -> None:
    def used(instrument: str, goal: Any, cost: str) -> InstrumentStarted:
        return InstrumentStarted(
            occurred_on=JUL, by=STAFF, instrument_use_id=new_id(), instrument=instrument, goal=goal, cost=Decimal(cost)
        )

    await reporting.client(
        categorised(FEB, "1A", "reintegration"),
        used("schooling", "education", "1200.50"),
        used("schooling", "education", "99.50"),
        AgreementMissed(occurred_on=JUL, by=STAFF, agreement_id=new_id(), step="talk"),
        MeasureImposed(occurred_on=JUL, by=STAFF, measure_id=new_id()),
    )
    await reporting.client(used("budget_course", "participation", "80"))
    found = await reporting.figures(END)
    assert found["costs"] == [
        {
            "instrument": "budget_course",
            "goal": "participation",
            "track": None,
            "category": "undecided",
            "uses": 1,
            "clients": 1,
            "amount": 80.0,
        },
        {
            "instrument": "schooling",
            "goal": "education",
            "track": "reintegration",
            "category": "1A",
            "uses": 2,
            "clients": 1,
            "amount": 1300.0,
        },
    ]
    assert (found["agreementsMissed"], found["measures"]) == ({"talk": 1}, 1)


async def test_a_figure_is_traced_back_to_its_events(reporting: Reporting) -> None:
    stays = await reporting.client(granted(JAN))
    client = new_id()
    ids = await reporting.hear(client, granted(JAN), categorised(FEB, "1A", "reintegration"), exited(MAR))
    answer = await reporting.answer(
        "/happenings", municipality="GM0626", **{"from": "2023-01-01", "to": "2023-12-31"}, kind="ClientExited"
    )
    assert [(each["eventId"], each["what"]) for each in answer["items"]] == [(str(ids[2]), "work")]
    there = await reporting.answer("/clients", municipality="GM0626", on="2023-02-10", category="1A", onBenefit=True)
    assert [each["clientId"] for each in there["items"]] == [str(client)]
    assert set(there["items"][0]["events"]) == {str(ids[0]), str(ids[1])}
    later = await reporting.answer("/clients", municipality="GM0626", on="2023-12-31")
    assert [each["clientId"] for each in later["items"]] == [str(stays)]


async def test_happenings_and_clients_come_in_pages(reporting: Reporting) -> None:
    for _ in range(5):
        await reporting.client(granted(JAN))
    asked: dict[str, dict[str, Any]] = {
        "/happenings": {"from": "2023-01-01", "to": "2023-12-31"},
        "/clients": {"on": "2023-12-31"},
    }
    for path, query in asked.items():
        seen, answer = 0, await reporting.get(path, municipality="GM0626", limit=2, **query)
        while True:
            seen += len(answer.json()["items"])
            if "link" not in answer.headers:
                break
            link = answer.headers["link"].split(">")[0].partition("/v1")[2]
            answer = await reporting.service.http.get(f"/v1{link}", headers=reporting.steering)
        assert seen == {"/happenings": 10, "/clients": 5}[path]


async def test_targets_of_uithoorn(reporting: Reporting) -> None:
    reporting.municipality = "GM0451"
    for number in range(10):
        events: list[Any] = [
            NotificationReceived(occurred_on=FEB, by=STAFF),
            categorised(FEB, "70-100", "reintegration"),
        ]
        route = new_id()
        events.append(
            RouteStarted(occurred_on=MAR, by=STAFF, route_id=route, route="direct_mediation", track="reintegration")
        )
        if number < 6:
            events += [
                RouteEnded(occurred_on=JUL, by=STAFF, route_id=route, route="direct_mediation", outcome="exit"),
                exited(JUL),
            ]
        await reporting.client(*events)
    await reporting.client(
        NotificationReceived(occurred_on=FEB, by=STAFF),
        ApplicationDiverted(occurred_on=MAR, by=STAFF, diverted_to="vacancy"),
    )
    found = {
        each["id"]: each
        for each in (await reporting.answer("/targets", municipality="GM0451", on="2023-12-31"))["items"]
    }
    assert reached(found["work-or-school-70-100"]) == (60.0, 6, 10, "green")
    assert reached(found["guidance-70-100"]) == (100.0, 4, 4, "green")
    assert reached(found["gate-diversion"]) == (9.1, 1, 11, "red")
    assert reached(found["enforcement-100"]) == (None, 0, 0, "none")
    assert found["sheltered-placements"]["value"] == 0
    assert all(each["unanswered"] is None for each in found.values())


async def test_the_target_of_am_match(reporting: Reporting) -> None:
    reporting.municipality = "GM0451"
    for number in range(5):
        referral = new_id()
        events: list[Any] = [
            categorised(FEB, "40-70", "reintegration"),
            ReferralRequested(
                occurred_on=FEB,
                by=STAFF,
                referral_id=referral,
                purpose="guidance_to_work",
                partner="am-match",
                partner_kind="sheltered_work",
            ),
            ReferralSent(occurred_on=FEB, by="clock", referral_id=referral, partner="am-match"),
        ]
        await reporting.client(*events, *([exited(JUL)] if number < 4 else []))
    await reporting.client(categorised(FEB, "40-70", "reintegration"))
    found = {
        each["id"]: each
        for each in (await reporting.answer("/targets", municipality="GM0451", on="2023-12-31"))["items"]
    }
    assert reached(found["am-match-exit"]) == (80.0, 4, 5, "green")
    assert reached(found["not-referred-guidance"]) == (0.0, 0, 1, "red")


async def test_more_than_the_multi_year_average(reporting: Reporting) -> None:
    reporting.municipality = "GM1926"
    for year, exits in ((2020, 1), (2021, 2), (2022, 1), (2023, 4)):
        for _ in range(exits):
            case = CaseImported(
                occurred_on=JAN,
                by="import",
                benefit_from=date(2019, 1, 1),
                exited_on=date(year, 5, 1),
                exit_reason="work",
            )
            await reporting.client(case, origin="import")
    found = {
        each["id"]: each
        for each in (await reporting.answer("/targets", municipality="GM1926", on="2023-12-31"))["items"]
    }
    assert reached(found["more-exits"]) == (100.0, 4, 8, "green")


def reached(target: dict[str, Any]) -> tuple[Any, ...]:
    return target["value"], target["part"], target["sample"], target["light"]


async def test_nobody_sees_figures_of_another_municipality(reporting: Reporting) -> None:
    await reporting.client(granted(JAN))
    elsewhere = reporting.service.token("policy_officer", municipalities=["GM0451"])
    assert (await reporting.get("/figures", headers=elsewhere, municipality="GM0626")).status_code == 403
    async with reporting.service.office.database.for_municipalities(["GM0451"]) as session:
        for table in ("happenings", "clients", "spells", "placements", "exemptions", "reports"):
            assert (await session.scalar(text(f"SELECT count(*) FROM {table}"))) == 0


@pytest.mark.parametrize("path", ["/figures", "/targets", "/clients"])
@pytest.mark.parametrize("role", ["council_reader", "caseworker", "front_end", "operator"])
async def test_figures_are_for_those_who_steer(reporting: Reporting, path: str, role: str) -> None:
    answer = await reporting.get(path, headers=reporting.service.token(role), municipality="GM0626")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        ("/figures", {"municipality": "Voorschoten"}, "#query/municipality"),
        ("/figures", {}, "#query/municipality"),
        ("/figures", {"municipality": "GM0626", "on": "2024-02-02"}, "#query/on"),
        ("/figures", {"municipality": "GM0626", "on": "2024-01-01", "from": "2024-01-02"}, "#/to"),
        ("/caseload", {"municipality": "GM0626", "from": "2023-01-01"}, "#query/to"),
        ("/clients", {"municipality": "GM0626", "cursor": "x"}, "#query/cursor"),
    ],
)
async def test_what_is_asked_wrongly(reporting: Reporting, path: str, query: dict[str, Any], pointer: str) -> None:
    answer = await reporting.get(path, **query)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
