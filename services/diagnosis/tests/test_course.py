"""A client's course is the same however its events were heard, and stands where they lead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from chassis.ids import new_id
from contracts.intake import CaseImported, ClientsMerged, ImportedSuspension
from contracts.partners import ReferralEnded, ReferralSent
from contracts.routing import (
    ClientExited,
    ExitReverted,
    HandoverAccepted,
    ReferralRequested,
    RouteEnded,
    RouteResumed,
    RouteStarted,
    RouteSuspended,
)
from diagnosis.trials.course import Course
from policy import Suspension

if TYPE_CHECKING:
    from tests.conftest import Diagnosis

    from contracts import Event

DAY = date(2024, 2, 1)
ROUTE, REFERRAL, EXIT = new_id(), new_id(), new_id()


def on(days: int) -> dict[str, Any]:
    return {"occurred_on": DAY + timedelta(days=days), "by": "staff:s-1"}


STARTED = RouteStarted(**on(0), route_id=ROUTE, route="development_route", track="reintegration")
ASKED = ReferralRequested(
    **on(1), referral_id=REFERRAL, purpose="language", partner=None, partner_kind="language_school"
)


@given(st.permutations([ASKED, ReferralSent(**on(2), referral_id=REFERRAL, partner="taalhuis"), STARTED]))
def test_a_referral_is_known_with_its_partner_in_whatever_order_it_is_heard(events: list[Event]) -> None:
    [referral] = Course.of(events).open_referrals
    assert (referral.purpose, referral.partner) == ("language", "taalhuis")


@given(st.permutations([ASKED, ReferralEnded(**on(3), referral_id=REFERRAL, partner="taalhuis", outcome="completed")]))
def test_a_referral_that_ended_is_over_even_when_its_end_is_heard_first(events: list[Event]) -> None:
    assert Course.of(events).open_referrals == []


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), max_size=4))
def test_each_time_that_a_route_stood_still_is_kept_with_its_days(times: list[tuple[int, int]]) -> None:
    events: list[Event] = [STARTED]
    expected, day = [], 0
    for before, still in times:
        events.append(RouteSuspended(**on(day + before), route_id=ROUTE, reason="other"))
        events.append(RouteResumed(**on(day + before + still), route_id=ROUTE))
        expected.append(Suspension(DAY + timedelta(days=day + before), DAY + timedelta(days=day + before + still)))
        day += before + still
    assert list(Course.of(events).standing("1B", "reintegration", DAY).suspensions) == expected


def test_what_an_import_brought_along_stands_still_until_the_route_resumes() -> None:
    case = CaseImported(occurred_on=DAY, by="import", suspensions=(ImportedSuspension(start=date(2023, 12, 1)),))
    running = Course.of([case, STARTED]).standing("1B", "reintegration", DAY).suspensions
    over = Course.of([case, STARTED, RouteResumed(**on(10), route_id=ROUTE)])
    assert running == (Suspension(date(2023, 12, 1)),)
    assert over.standing("1B", "reintegration", DAY).suspensions == (Suspension(date(2023, 12, 1), date(2024, 2, 11)),)


def test_an_exit_that_was_a_mistake_lets_its_routes_go_on_and_no_others() -> None:
    earlier = new_id()
    course = Course.of([
        RouteStarted(**on(0), route_id=earlier, route="academy", track="reintegration"),
        RouteEnded(**on(1), route_id=earlier, route="academy", outcome="completed"),
        STARTED,
        RouteEnded(**on(2), route_id=ROUTE, route="development_route", outcome="exit"),
        ClientExited(**on(2), exit_id=EXIT, reason="work"),
        ExitReverted(**on(3), exit_id=EXIT),
    ])  # fmt: skip
    assert [each.route for each in course.open_routes] == ["development_route"]


def test_a_handover_moves_the_client_to_the_other_track_on_its_day() -> None:
    course = Course.of([STARTED, HandoverAccepted(**on(9), handover_id=new_id(), to_track="participation")])
    assert course.moved == ("participation", DAY + timedelta(days=9))


async def test_what_is_told_of_a_client_under_a_former_id_is_kept_with_who_they_turned_out_to_be(
    diagnosis: Diagnosis,
) -> None:
    goes, stays = await diagnosis.client(), await diagnosis.client()
    [first] = await diagnosis.hear(goes, STARTED)
    await diagnosis.hear(goes, ClientsMerged(occurred_on=DAY, by="staff:s-1", into=stays))
    [late] = await diagnosis.hear(goes, ASKED)
    record = diagnosis.service.record(late, goes, ASKED)
    await diagnosis.service.consumer.handle([record])
    async with diagnosis.service.office.database.in_background() as session:
        rows = (await session.execute(text("SELECT event_id, client_id FROM travels"))).all()
    assert {tuple(row) for row in rows} == {(first, stays), (late, stays)}
    assert len(rows) == 2
