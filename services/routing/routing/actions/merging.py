"""A client registered twice: what is open moves to the id that stays, or stops; the history moves (INT-13)."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.consumer import Handlers
from chassis.deadlines import Deadline
from chassis.images import OfClients
from chassis.mergers import Merger, Mergers
from chassis.work import Work
from contracts.routing import CaseworkerAssigned
from routing.actions import caseworkers, closing, exits, journeys, outstanding, separating, terms
from routing.actions.journeys import Act
from routing.actions.saying import say
from routing.rules import is_back
from routing.spoken import Agreement, Conversation, Measure, PartTimeWork
from routing.tables import (
    Decision,
    EmergencyAccess,
    Exit,
    Handover,
    InstrumentUse,
    IntakeDuty,
    Journey,
    MergedClient,
    PartnerSignal,
    Referral,
    Route,
    Standstill,
    Transfer,
)

_HISTORY = (
    Decision, Conversation, InstrumentUse, IntakeDuty, Agreement, Measure, PartTimeWork, PartnerSignal, Transfer,
    EmergencyAccess,
)  # fmt: skip
_TRAITS = (
    "household_id", "household_kind", "age_band", "starting_qualification", "permit_holder", "without_benefit",
    "pension_by", "language_failed_on",
)  # fmt: skip
_STANDING = (
    "state", "track", "track_since", "category", "category_since", "asked_track", "asked_since", "asked_reason",
    "asked_by", "prospect_of_work", "indications",
    "exempted_until", "exempted_permanently", "caseworker_id", "caseworker_role", "waiting_since",
    "waiting_occasion", "handed_over_on",
)  # fmt: skip
_PLACE = _STANDING[: _STANDING.index("caseworker_id")]
_GUIDED_BY = _STANDING[_STANDING.index("caseworker_id") :]
_HEARD = (Decision, IntakeDuty, PartnerSignal)
"""What others told, and routing tells nobody."""
_HEARD_OF = ("deceased", "moved_away", "benefit_refused", "pension_age")
"""Exits that follow from what others told of that registration alone."""
_TABLES = (
    OfClients(Journey, together=(_PLACE, _GUIDED_BY)),
    OfClients(MergedClient, by=("client_id", "survivor_id")),
    OfClients(IntakeDuty, also=("closed_on",)),
    *(OfClients(each) for each in (Standstill, PartnerSignal, Decision)),
    OfClients(Deadline, by=("subject",)),
    OfClients(Route, also=("ended_on",), told=True),
    OfClients(Handover, also=("state",), told=True),
    OfClients(Referral, also=("state",), told=True),
    *(OfClients(each, told=True) for each in (Exit, *_HISTORY) if each not in _HEARD),
)


def mergers(heard: Handlers) -> Mergers:
    """How routing merges, given what else it hears."""
    return Mergers(heard, *_TABLES, now=_now, hold=_hold, merge=_merge, follow=separating.follow)


async def _now(work: Work, clients: Collection[UUID]) -> dict[UUID, UUID]:
    return await journeys.survivors(work.session, clients)


async def _hold(work: Work, clients: Mapping[UUID, str]) -> None:
    await journeys.begin(work, clients)


async def _merge(work: Work, merger: Merger) -> None:
    found = await journeys.load(work.session, merger.clients)
    goes, stays = found[merger.gone], found[merger.survivor]
    await _leave_together(work, goes, stays, Act(merger.on, merger.by))
    _take_in(work, goes, stays, Act(merger.on, merger.by))
    await _wait_once(work, goes.client_id, stays.client_id, merger.on)
    await _move_history(work, goes.client_id, stays)
    await _remember(work, goes, stays.client_id)
    await terms.restate(work, [goes, stays])


async def _leave_together(work: Work, goes: Journey, stays: Journey, act: Act) -> None:
    """An exit that somebody entered of the one counts for the person, unless the other is of a return after it."""
    for exited, active in ((goes, stays), (stays, goes)):
        left = exited.standing_exit
        apart = exited.state != "exited" or exited.registration_ended is not None or not active.active
        if apart or left is None or left.reason in _HEARD_OF:
            continue
        if not await _is_back(work, left, active):
            _one_goes_on_when_taken_back(work, goes, stays, left, act)
            await exits.leave_as_well(work, active, left)


async def _is_back(work: Work, left: Exit, active: Journey) -> bool:
    decided = select(Decision.on).where(Decision.client_id == active.client_id, ~Decision.void)
    return is_back(left.on, left.id, active.client_id, await work.session.scalars(decided))


def _one_goes_on_when_taken_back(work: Work, goes: Journey, stays: Journey, left: Exit, act: Act) -> None:
    """Of what both had until the exit, that of the survivor goes on when the exit turns out to be a mistake."""
    if all(each.open_routes or any(route.exit_id == left.id for route in each.routes) for each in (goes, stays)):
        closing.end_routes(work, goes, "stopped", act)
        for route in goes.routes:
            route.exit_id = None
    if all(each.open_handover or any(one.exit_id == left.id for one in each.handovers) for each in (goes, stays)):
        closing.call_off(work, goes, act)
        for handover in goes.handovers:
            handover.exit_id = None


def _take_in(work: Work, goes: Journey, stays: Journey, act: Act) -> None:
    """Where only one of the two is on a journey or has a category, that one's standing counts."""
    for name in _TRAITS:
        if getattr(stays, name) is None:
            setattr(stays, name, getattr(goes, name))
    nowhere = stays.category is None and goes.category is not None
    unsettled = not stays.active or nowhere
    takes_over = goes.active and unsettled and stays.registration_ended is None
    if stays.active or takes_over:
        for journey in (goes, stays):
            exits.is_here_after_all(work, journey, act)
    if takes_over:
        closing.end_routes(work, stays, "stopped", act)
        closing.call_off(work, stays, act)
    if takes_over or (nowhere and goes.state == stays.state):
        for name in _STANDING:
            setattr(stays, name, getattr(goes, name))
    for name in ("spoken_on", "spoken_before_on"):
        days = [day for day in (getattr(goes, name), getattr(stays, name)) if day is not None]
        setattr(stays, name, max(days, default=None))
    _move_open(work, goes, stays, act)
    goes.state, goes.waiting_since, goes.waiting_occasion = "merged", None, None
    if takes_over and stays.caseworker_id is not None and stays.caseworker_role is not None:
        say(
            work, stays,
            CaseworkerAssigned(
                occurred_on=act.on, by=act.by, caseworker_id=stays.caseworker_id, role=stays.caseworker_role,
                occasion="transfer", besides=caseworkers.besides_of(work, stays),
            ),
        )  # fmt: skip


def _move_open(work: Work, goes: Journey, stays: Journey, act: Act) -> None:
    """What the survivor has none of moves, with all that is closed; the rest stops.

    Which of two referrals for one purpose stays is for partners to say, which knows how far each is.
    """
    if not stays.active or (stays.open_routes and goes.open_routes):
        closing.end_routes(work, goes, "stopped", act)
    if not stays.active or stays.open_handover is not None or goes.track != stays.track:
        closing.call_off(work, goes, act)
    if goes.open_handover is not None:  # it moves, with what asks for it
        stays.place = replace(stays.place, asked=goes.place.asked)
    if not stays.active:
        for referral in goes.open_referrals:
            closing.withdraw(work, goes, referral, "merged", act)
    for name in ("routes", "suspensions", "handovers", "referrals", "exits"):
        moving = list(getattr(goes, name))
        getattr(goes, name).clear()
        getattr(stays, name).extend(moving)


async def _wait_once(work: Work, goes: UUID, stays: UUID, on: date) -> None:
    """What intake waits for of the one it does not wait for of the other as well."""
    waiting = await outstanding.duties(work, [goes, stays])
    there = {each.kind for each in waiting.get(stays, ())}
    for duty in waiting.get(goes, ()):
        if duty.kind in there:
            duty.closed_on = on


async def _move_history(work: Work, goes: UUID, stays: Journey) -> None:
    await work.session.flush()
    for table in _HISTORY:
        await work.session.execute(update(table).where(table.client_id == goes).values(client_id=stays.client_id))


async def _remember(work: Work, goes: Journey, stays: UUID) -> None:
    """The id that goes, and those that had gone on as it, are the survivor from now on."""
    await work.session.execute(
        update(MergedClient).where(MergedClient.survivor_id == goes.client_id).values(survivor_id=stays)
    )
    row = {"client_id": goes.client_id, "municipality": goes.municipality, "survivor_id": stays}
    await work.session.execute(insert(MergedClient).values(row).on_conflict_do_nothing())
