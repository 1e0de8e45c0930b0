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
from routing.actions import handovers, journeys, terms
from routing.actions.journeys import Act, pack_of, say
from routing.problems import AlreadyEnded
from routing.tables import Journey, Route, Standstill

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
            handovers.fall_due(work, journey, to_track, "permanent_exemption", act)
    await terms.restate(work, [journey for journey, _ in heard])


async def end_exemption(work: Work, heard: Sequence[tuple[Journey, ExemptionEnded]]) -> None:
    """The exemption is over: what stood still goes on."""
    for journey, ended in heard:
        for standstill in journey.running_suspensions:
            if standstill.exemption_id == ended.exemption_id:
                standstill.end = max(ended.occurred_on, standstill.start)
    for journey, ended in heard:
        _go_on(work, journey, Act.heard(ended))
    await terms.restate(work, [journey for journey, _ in heard])


async def suspend(work: Work, journey: Journey, reason: Reason, start: date, end: date | None, act: Act) -> Standstill:
    """Terms stand still from a day; with an end already known they have gone on since."""
    standstill = stand_still(work, journey, reason, start, act)
    if end is not None:
        standstill.end = end
        _go_on(work, journey, Act(end, act.by))
    await terms.restate(work, [journey])
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
    _go_on(work, journey, act)
    await terms.restate(work, [journey])
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
        for route in journey.open_routes:
            suspend_route(work, journey, route, reason, start, act)
    return standstill


def reason_of(standstill: Standstill) -> Reason:
    """Why terms stand still."""
    reasons: tuple[Reason, ...] = ("exemption", "illness", "stay_abroad", "other")
    return next(each for each in reasons if each == standstill.reason)


def suspend_route(work: Work, journey: Journey, route: Route, reason: Reason, start: date, act: Act) -> None:
    """A route under way stands still, if it does not yet."""
    if route.suspended_on is None:
        route.suspended_on = max(start, route.started_on)
        say(
            work, journey,
            RouteSuspended(occurred_on=route.suspended_on, by=act.by, route_id=route.id, reason=reason),
        )  # fmt: skip


def _track_after_work(work: Work, journey: Journey) -> str | None:
    """Where a client goes who need not look for work any more; None for who stays where they are."""
    pack = pack_of(work, journey)
    stays = not journey.active or pack.aim_of(journey.track) != "work" or journey.open_handover is not None
    return None if stays else pack.track_towards("participation")


def _exempt_for_a_time(work: Work, journey: Journey, granted: ExemptionGranted, act: Act) -> None:
    """An import may have told of the same exemption before: then that standstill is the exemption's.

    One that is told of once more runs again: a merger that had ended it was undone.
    """
    known = next((each for each in journey.suspensions if each.exemption_id == granted.exemption_id), None)
    if known is not None:
        known.end = None
        for route in journey.open_routes if journey.active else ():
            suspend_route(work, journey, route, "exemption", act.on, act)
        return
    imported = next(
        (each for each in journey.running_suspensions if each.reason == "exemption" and each.exemption_id is None), None
    )
    if imported is not None:
        imported.exemption_id = granted.exemption_id
    else:
        stand_still(work, journey, "exemption", act.on, act, granted.exemption_id)


def _go_on(work: Work, journey: Journey, act: Act) -> None:
    """When nothing holds them any more, suspended routes resume."""
    if journey.running_suspensions:
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
