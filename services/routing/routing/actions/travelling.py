"""Routes and the instruments used on them (ROU-2, ROU-3, ROU-10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.routing import InstrumentEnded, InstrumentStarted, RouteStarted
from policy import Route as PolicyRoute
from routing.actions import closing, exits, journeys, placing, terms
from routing.actions.journeys import Act, pack_of
from routing.actions.saying import say
from routing.actions.suspending import suspend_route
from routing.actions.terms import Anew
from routing.placing import Place
from routing.problems import AlreadyEnded, AlreadyThere, InstrumentRefused, NotCategorised, NotOnJourney, RouteNotOpen
from routing.tables import InstrumentUse, Journey, Route

Goal = Literal["work", "education", "participation", "language", "diagnosis"]


@dataclass(frozen=True, slots=True)
class Use:
    """The use of an instrument as entered; `facts` are those that the pack asks for and no assessment records."""

    instrument: str
    goal: Goal
    cost: Decimal
    facts: Mapping[str, bool | int]


def open_to(work: Work, journey: Journey) -> list[PolicyRoute]:
    """The routes that policy opens to the client, on the track where the client is."""
    return _open_at(work, journey, journey.place, work.today) if journey.active else []


def _open_at(work: Work, journey: Journey, place: Place, on: date) -> list[PolicyRoute]:
    if place.category is None:
        return []
    been_on = {route.route for route in journey.routes if route.started_on <= on}
    found = pack_of(work, journey).routing.routes_for(journey.situation(on, place), been_on)
    return [route for route in found if route.track == place.track]


async def start_route(work: Work, journey: Journey, route: str, act: Act) -> Route:
    """The client begins on a route; the first one on the way to work begins the longest stay."""
    left = journey.standing_exit
    if not journey.active and (left is None or act.on >= left.on):
        raise NotOnJourney
    place = journey.place if act.on == work.today else await placing.place_on(work, journey, act.on)
    if place.category is None or place.track is None or place.track_since is None:
        if journey.track_since is not None and act.on < journey.track_since:
            raise Invalid.at("#/startedOn", f"lies before the client entered this track, on {journey.track_since}")
        raise NotCategorised
    if route not in pack_of(work, journey).routing.routes:
        known = ", ".join(pack_of(work, journey).routing.routes)
        raise Invalid.at("#/route", f"no route of that name; this municipality has {known}")
    opened = [each.id for each in _open_at(work, journey, place, act.on)]
    if route not in opened:
        raise RouteNotOpen(f"Open are: {', '.join(opened) or 'none'}.", open=opened)
    if any(each.route == route for each in journey.open_routes):
        raise AlreadyThere
    started = begin(work, journey, route, place.track, act)
    _end_with_the_track(work, journey, started)
    await terms.restate(work, [journey], Anew.of(work, act.on, "het begin van een route"))
    return started


def _end_with_the_track(work: Work, journey: Journey, late: Route) -> None:
    """A route entered late ended when the client was handed over or left since it began."""
    accepted = [
        each.closed_on for each in journey.handovers
        if each.state == "accepted" and each.closed_on is not None and each.closed_on >= late.started_on
        and each.from_track == late.track
    ]  # fmt: skip
    left = journey.standing_exit
    if accepted:
        closing.end_route(work, journey, late, "handover", Act(min(accepted), late.entered_by))
    elif left is not None and left.on >= late.started_on:
        closing.end_route(work, journey, late, "exit", Act(left.on, late.entered_by), left.id)


def begin(work: Work, journey: Journey, route: str, track: str, act: Act) -> Route:
    """A route starts; while terms stand still, so does it."""
    started = Route(
        id=work.ids(), municipality=journey.municipality, entered_by=act.by, route=route, track=track,
        started_on=act.on,
    )  # fmt: skip
    journey.routes.append(started)
    say(work, journey, RouteStarted(occurred_on=act.on, by=act.by, route_id=started.id, route=route, track=track))
    suspend_route(work, journey, started, act)
    return started


async def end_route(work: Work, route_id: UUID, outcome: Literal["completed", "stopped"], act: Act) -> Route:
    """A route comes to its end; the longest stay goes on."""
    client_id = await work.session.scalar(select(Route.client_id).where(Route.id == route_id))
    if client_id is None:
        raise NotFound
    journey = (await journeys.load(work.session, [client_id]))[client_id]
    route = next(each for each in journey.routes if each.id == route_id)
    if route.ended_on is not None:
        raise AlreadyEnded
    _not_before(act.on, route.started_on)
    closing.end_route(work, journey, route, outcome, act)
    return route


async def use(work: Work, journey: Journey, entered: Use, act: Act) -> InstrumentUse:
    """An instrument of the basket is used, when the pack's conditions hold; entered after an exit, it ended with it."""
    pack = pack_of(work, journey)
    instrument = pack.instruments.get(entered.instrument)
    if instrument is None:
        known = ", ".join(pack.instruments)
        raise Invalid.at("#/instrument", f"no instrument of that name; under contract are {known}")
    _check_facts(entered.facts, pack.instrument_facts)
    refused = instrument.check(journey.situation(work.today), entered.facts)
    if refused is not None:
        raise InstrumentRefused(
            f"{refused.refusal} ({refused.reason})", rule=refused.rule, source=refused.source.model_dump()
        )
    started = InstrumentUse(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
        instrument=entered.instrument, goal=entered.goal, cost=entered.cost, started_on=act.on,
        ends_by=instrument.max_duration.after(act.on) if instrument.max_duration else None,
    )  # fmt: skip
    work.session.add(started)
    say(
        work, journey,
        InstrumentStarted(
            occurred_on=act.on, by=act.by, instrument_use_id=started.id, instrument=entered.instrument,
            goal=entered.goal, cost=entered.cost,
        ),
    )  # fmt: skip
    await exits.stop_what_was_used(work, journey, act.by)
    await terms.restate(work, [journey], Anew.of(work, act.on, "het gebruik van een instrument"))
    return started


async def go_on(work: Work, use_id: UUID, until: date, reason: str) -> InstrumentUse:
    """The use of an instrument goes on after its usual time, no longer than policy allows."""
    used = await _running_use(work, use_id)
    if until <= work.today:
        raise Invalid.at("#/until", f"lies not after today, {work.today}")
    if used.ends_by is not None and until > used.ends_by:
        raise Invalid.at("#/until", f"lies after the last day that policy allows, {used.ends_by}")
    await terms.look_again(work, used, until, reason)
    return used


async def end_use(work: Work, use_id: UUID, outcome: Literal["completed", "stopped"], act: Act) -> InstrumentUse:
    """The use of an instrument ends."""
    used = await _running_use(work, use_id)
    _not_before(act.on, used.started_on)
    used.ended_on, used.outcome = act.on, outcome
    work.publish(
        used.client_id,
        used.municipality,
        InstrumentEnded(
            occurred_on=act.on, by=act.by, instrument_use_id=used.id, instrument=used.instrument, outcome=outcome
        ),
    )
    await terms.restate(work, (await journeys.load(work.session, [used.client_id])).values())
    return used


async def _running_use(work: Work, use_id: UUID) -> InstrumentUse:
    used = await work.session.get(InstrumentUse, use_id, with_for_update=True)
    if used is None:
        raise NotFound
    if used.ended_on is not None:
        raise AlreadyEnded
    return used


def _check_facts(facts: Mapping[str, bool | int], known: Mapping[str, object]) -> None:
    unknown = [
        {"detail": "is not asked for by any instrument", "pointer": f"#/facts/{name}"}
        for name in facts
        if name not in known
    ]
    if unknown:
        raise Invalid(errors=unknown)


def _not_before(on: date, started_on: date) -> None:
    if on < started_on:
        raise Invalid.at("#/on", f"lies before the start, on {started_on}")
