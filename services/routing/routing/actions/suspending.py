"""Standing still: an exemption, illness or a stay abroad stops the terms of a route, and they go on later (CAL-3)."""

from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from contracts.routing import RouteResumed, RouteSuspended
from routing.actions import falling_due, journeys, placing, terms
from routing.actions.journeys import Act, pack_of
from routing.actions.saying import say
from routing.actions.terms import Anew
from routing.placing import Decided
from routing.problems import AlreadyEnded
from routing.tables import Decision, Journey, Route, Standstill

IMPORT = "import"
"""Who enters what an import brings along: a client comes in as they stood, and nobody is handed over because of it."""
Reason = Literal["exemption", "illness", "stay_abroad", "other"]


async def exempt(work: Work, heard: Sequence[tuple[Journey, ExemptionGranted]]) -> None:
    """An exemption stands the route still, or hands the client over: what the pack attaches to it."""
    for journey, granted in heard:
        act = Act.heard(granted)
        if granted.effect == "suspend":
            _exempt_for_a_time(work, journey, granted, act)
        elif act.by != IMPORT and (to_track := _track_after_work(work, journey)) is not None:
            asked = Decided(act.on, act.by, to_track, reason="permanent_exemption")
            late = placing.is_late(journey, act.on)
            placing.decide(work, journey, asked, act, ref=granted.exemption_id)
            if late:
                await placing.place_anew(work, journey)
            await falling_due.follow(work, journey, act)
    for journey, granted in heard:
        await terms.restate(work, [journey], Anew.of(work, granted.occurred_on, "een ontheffing"))


async def end_exemption(work: Work, heard: Sequence[tuple[Journey, ExemptionEnded]]) -> None:
    """The exemption is over: what stood still goes on."""
    for journey, ended in heard:
        for standstill in list(journey.suspensions):
            if standstill.exemption_id == ended.exemption_id:
                await _end(work, journey, standstill, ended)
        await _never_asked(work, journey, ended)
    for journey, ended in heard:
        stand(work, journey, Act.heard(ended))
        await terms.restate(work, [journey], Anew.of(work, ended.occurred_on, "het einde van een ontheffing"))


async def suspend(work: Work, journey: Journey, reason: Reason, start: date, end: date | None, act: Act) -> Standstill:
    """Terms stand still from a day; with an end already known they have gone on since."""
    standstill = stand_still(work, journey, reason, start, act)
    if end is not None:
        standstill.end = end
        stand(work, journey, Act(end, act.by))
    await terms.restate(work, [journey], Anew.of(work, start, "een opschorting"))
    return standstill


async def end_suspension(work: Work, suspension_id: UUID, act: Act) -> Standstill:
    """What stood still goes on from a day."""
    client_id = await work.session.scalar(select(Standstill.client_id).where(Standstill.id == suspension_id))
    if client_id is None:
        raise NotFound
    journey = (await journeys.load(work.session, [client_id]))[client_id]
    standstill = next(each for each in journey.suspensions if each.id == suspension_id)
    if standstill.end is not None:
        raise AlreadyEnded
    if act.on < standstill.start:
        raise Invalid.at("#/on", f"lies before the suspension began, on {standstill.start}")
    standstill.end = act.on
    stand(work, journey, act)
    await terms.restate(work, [journey], Anew.of(work, act.on, "het einde van een opschorting"))
    return standstill


def stand_still(
    work: Work, journey: Journey, reason: Reason, start: date, act: Act, exemption_id: UUID | None = None
) -> Standstill:
    """Note that terms stand still from a day; routes under way are suspended."""
    standstill = Standstill(
        id=work.ids(), municipality=journey.municipality, entered_by=act.by, reason=reason, start=start, end=None,
        exemption_id=exemption_id,
    )  # fmt: skip
    journey.suspensions.append(standstill)
    if journey.active:
        stand(work, journey, act)
    return standstill


def suspend_route(work: Work, journey: Journey, route: Route, act: Act) -> None:
    """A route under way stands still with its terms: since the first of the suspensions that follow on each other."""
    first = _still_since(journey.suspensions)
    since = max(first.start, route.started_on) if first else None
    if first is not None and since is not None and route.suspended_on != since:
        route.suspended_on = since
        say(
            work, journey,
            RouteSuspended.model_validate(
                {"occurred_on": since, "by": act.by, "route_id": route.id, "reason": first.reason}
            ),
        )  # fmt: skip


def _still_since(suspensions: Sequence[Standstill]) -> Standstill | None:
    """The suspension with which the standstill began that lasts until now; None when nothing stands still."""
    first, until = None, date.min
    for each in sorted(suspensions, key=lambda each: (each.start, each.id)):
        if first is None or each.start > until:
            first, until = each, each.end or date.max
        else:
            until = max(until, each.end or date.max)
    return first if until == date.max else None


def _track_after_work(work: Work, journey: Journey) -> str | None:
    """Where a client goes who need not look for work any more; None for who stays where they are."""
    pack = pack_of(work, journey)
    stays = not journey.active or pack.aim_of(journey.track) != "work"
    return None if stays else pack.track_towards("participation")


def _exempt_for_a_time(work: Work, journey: Journey, granted: ExemptionGranted, act: Act) -> None:
    """An import may have told of the same exemption before: then that standstill is the exemption's.

    One that is told of once more runs again: its end was a mistake, or a merger that had ended it was undone.
    """
    known = next((each for each in journey.suspensions if each.exemption_id == granted.exemption_id), None)
    imported = next(
        (each for each in journey.running_suspensions if each.reason == "exemption" and each.exemption_id is None), None
    )
    if known is not None:  # granted again, for its end was a mistake
        known.end = None
        stand(work, journey, act)
    elif imported is not None:
        imported.exemption_id = granted.exemption_id
    else:
        stand_still(work, journey, "exemption", act.on, act, granted.exemption_id)


async def _end(work: Work, journey: Journey, standstill: Standstill, ended: ExemptionEnded) -> None:
    """Terms go on; an exemption that ended on its first day never stood anything still."""
    standstill.end = max(ended.occurred_on, standstill.start)
    if standstill.end == standstill.start:
        journey.suspensions.remove(standstill)
        await work.session.delete(standstill)


async def _never_asked(work: Work, journey: Journey, ended: ExemptionEnded) -> None:
    """An exemption for good that ended on its first day was a mistake: nobody is handed over because of it."""
    mistaken = select(Decision.id).where(
        Decision.client_id == journey.client_id, Decision.ref == ended.exemption_id, Decision.on >= ended.occurred_on
    )
    if await work.session.scalar(mistaken):
        await placing.void(work, journey, ended.exemption_id)
        await placing.place_anew(work, journey)


def stand(work: Work, journey: Journey, act: Act) -> None:
    """Routes under way stand still with their terms; when nothing holds them any more, they resume."""
    if journey.running_suspensions:
        for route in journey.open_routes:
            suspend_route(work, journey, route, act)
        return
    reckoned = terms.reckon_stay(work, journey)
    for route in journey.open_routes:
        if route.suspended_on is not None:
            route.suspended_on = None
            say(
                work, journey,
                RouteResumed(
                    occurred_on=act.on, by=act.by, route_id=route.id, due_on=reckoned.due_on if reckoned else None
                ),
            )  # fmt: skip
