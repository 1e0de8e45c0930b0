"""A client who comes in mid-journey: what stands is taken over, and nothing old is told again (INT-15)."""

from collections.abc import Sequence

from chassis.work import Work
from contracts.intake import CaseImported
from routing.actions import caseworkers, placing, terms
from routing.actions.caseworkers import Assignment
from routing.actions.exits import exit_from, go_on_after_import
from routing.actions.journeys import Act, pack_of
from routing.actions.referring import take_over_referrals
from routing.actions.suspending import stand_still
from routing.actions.travelling import begin, open_to
from routing.placing import Decided
from routing.rules import exit_reason
from routing.tables import Journey


async def bring_in(work: Work, heard: Sequence[tuple[Journey, CaseImported]]) -> None:
    """Take over the cases; who has exited exits on that day, without aftercare, unless a later journey runs."""
    assignments: list[Assignment] = []
    for journey, case in heard:
        act = Act.heard(case)
        if case.exited_on is None:
            await go_on_after_import(work, journey, act)
            await _take_over(work, journey, case, act)
            _stand_still(work, journey, case, act)
            _begin_route(work, journey, case, act)
            take_over_referrals(work, journey, case)
            if journey.active and journey.category is not None and journey.caseworker_id is None:
                assignments.append(Assignment(journey, "import", act, case.caseworker_id))
        elif journey.active and not case.runs_here:
            reason = exit_reason(case.exit_reason)
            await exit_from(work, journey, reason, Act(case.exited_on, act.by), aftercare=False)
    await caseworkers.assign(work, assignments)
    await terms.restate(work, [journey for journey, _ in heard])


async def _take_over(work: Work, journey: Journey, case: CaseImported, act: Act) -> None:
    """Category and track, unless a diagnosis came first; the client entered the track with the first route in it."""
    known = await placing.told_by_import(work, journey, case.categorised_on or act.on)
    if known is not None:
        days = (known.track_since, case.categorised_on, case.route_started_on)
        known.track_since = min((day for day in days if day is not None), default=act.on)
        await placing.place_anew(work, journey)
    else:
        _begin_with(work, journey, case, act)
    journey.spoken_before_on = case.last_conversation_on or journey.spoken_before_on
    journey.spoken_on = max(
        (day for day in (journey.spoken_on, case.last_conversation_on) if day is not None), default=None
    )


def _begin_with(work: Work, journey: Journey, case: CaseImported, act: Act) -> None:
    if journey.category is None and case.category is not None:
        journey.category, journey.category_since = case.category, case.categorised_on or act.on
        journey.indications = sorted(case.indications)
        journey.exempted_until, journey.exempted_permanently = case.exempted_until, case.exempted_permanently
        journey.prospect_of_work = case.prospect_of_work
    track = case.track or (pack_of(work, journey).track_of(case.category) if case.category else None)
    journey.track = journey.track or track
    if journey.track is not None and journey.track == track:
        known = (journey.track_since, case.categorised_on, case.route_started_on)
        journey.track_since = min((day for day in known if day is not None), default=act.on)
        _keep(work, journey, act)


def _keep(work: Work, journey: Journey, act: Act) -> None:
    """What an import tells is the first that is known of where the client stands."""
    place = journey.place
    assert place.track is not None
    on = place.category_since or place.track_since or act.on
    known = Decided(on, act.by, place.track, place.category, place.track_since)
    placing.decide(work, journey, known, act, ref=None)


def _stand_still(work: Work, journey: Journey, case: CaseImported, act: Act) -> None:
    """Suspensions as they were; one that runs is the exemption's, when there is an exemption."""
    for imported in case.suspensions:
        running = imported.end is None
        known = next((each for each in journey.running_suspensions if each.reason == "exemption"), None)
        if running and known is not None:
            known.start = min(known.start, imported.start)
            continue
        by_exemption = running and case.exempted_until is not None
        standstill = stand_still(work, journey, "exemption" if by_exemption else "other", imported.start, act)
        standstill.end = imported.end


def _begin_route(work: Work, journey: Journey, case: CaseImported, act: Act) -> None:
    """The route that the client is on; a start without a name is of the first route that policy opens."""
    if case.route_started_on is None or journey.track is None:
        return
    opened = [route.id for route in open_to(work, journey)]
    route = case.route or pack_of(work, journey).routing.first_route or next(iter(opened), None)
    if route is not None:
        begin(work, journey, route, journey.track, Act(case.route_started_on, act.by))
