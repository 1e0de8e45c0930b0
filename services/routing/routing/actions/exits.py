"""Leaving, aftercare, a mistaken exit, and coming back (ROU-13, ROU-19)."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.routing import (
    AftercareEnded,
    AftercareStarted,
    AllowancesCheckDone,
    ClientExited,
    ClientReturned,
    ExitReason,
    ExitReverted,
)
from policy import reckon
from routing.actions import caseworkers, closing, duties, handovers, journeys, terms
from routing.actions.caseworkers import Assignment
from routing.actions.closing import WithdrawalReason
from routing.actions.journeys import Act, pack_of, say
from routing.actions.referring import request_again
from routing.problems import NoCheckAwaited, NotExited, NotTheStandingExit
from routing.tables import Exit, Journey

_WITHDRAWN_BECAUSE: dict[str, WithdrawalReason] = {"deceased": "deceased", "moved_away": "moved_away"}


async def leave(work: Work, leaving: Iterable[tuple[Journey, ExitReason, Act]]) -> None:
    """These clients exit; for who has left already only what still ran after the exit stops."""
    left = list(leaving)
    for journey, reason, act in left:
        if journey.active:
            exit_from(work, journey, reason, act)
        else:
            _end_aftercare(work, journey, act)
    await terms.restate(work, [journey for journey, _, _ in left])


async def enter(work: Work, journey: Journey, reason: ExitReason, act: Act) -> Exit:
    """A caseworker enters an exit."""
    made = exit_from(work, journey, reason, act)
    await terms.restate(work, [journey])
    return made


def exit_from(work: Work, journey: Journey, reason: ExitReason, act: Act, *, aftercare: bool = True) -> Exit:
    """The journey ends, with all that is open on it; after an exit to work, aftercare begins."""
    made = Exit(
        id=work.ids(), municipality=journey.municipality, entered_by=act.by, reason=reason, on=act.on
    )  # fmt: skip
    journey.exits.append(made)
    closing.close_all(work, journey, act, "exit", _WITHDRAWN_BECAUSE.get(reason, "exit"), made.id)
    journey.state = "exited"
    journey.waiting_since = journey.waiting_occasion = None
    say(work, journey, ClientExited(occurred_on=act.on, by=act.by, exit_id=made.id, reason=reason))
    if reason == "work" and aftercare:
        _start_aftercare(work, journey, made, act)
    return made


async def undo(work: Work, undone: Sequence[tuple[Journey, Act]]) -> None:
    """The registration was a mistake: everything stops, and nobody exited."""
    for journey, act in undone:
        closing.close_all(work, journey, act, "stopped", "undone")
        _end_aftercare(work, journey, act)
        journey.state, journey.caseworker_id = "undone", None
        journey.waiting_since = journey.waiting_occasion = None
    await terms.restate(work, [journey for journey, _ in undone])


async def revert(work: Work, exit_id: UUID, reason: str) -> Exit:
    """The exit was a mistake: the journey goes on as it stood."""
    journey, made = await _find(work, exit_id)
    if journey.state != "exited" or journey.standing_exit is not made:
        raise NotTheStandingExit
    act = Act(work.today, work.actor)
    made.reverted_on, made.reverted_because = act.on, reason
    made.aftercare = made.allowances_check = None
    journey.state = "active"
    if journey.category is not None:  # the caseworker, when still there; else another, or the list
        await caseworkers.assign(work, [Assignment(journey, "transfer", act, journey.caseworker_id)])
    say(work, journey, ExitReverted(occurred_on=act.on, by=act.by, exit_id=made.id))  # the letter names the caseworker
    _restore(work, journey, made, act)
    await terms.restate(work, [journey])
    return made


async def check_allowances(work: Work, exit_id: UUID, act: Act) -> Exit:
    """The allowances check was done."""
    journey, made = await _find(work, exit_id)
    if not made.check_awaited:
        raise NoCheckAwaited
    _not_before(act.on, made.on)
    made.allowances_check = "done"
    say(work, journey, AllowancesCheckDone(occurred_on=act.on, by=act.by, exit_id=made.id))
    await terms.restate(work, [journey])
    return made


async def come_back(work: Work, journey: Journey, act: Act) -> None:
    """A client is on benefit again: a new diagnosis will say where they stand."""
    left = journey.standing_exit
    if journey.state != "exited" or left is None:
        raise NotExited
    _not_before(act.on, left.on)
    _end_aftercare(work, journey, act)
    left.returned_on = act.on
    for suspension in journey.running_suspensions:
        suspension.end = max(left.on, suspension.start)
    journey.state = "active"
    journey.track = journey.track_since = journey.category = journey.category_since = None
    journey.caseworker_id = journey.caseworker_role = journey.handed_over_on = journey.proposed_on = None
    await duties.close(work, journey.client_id, duties.AT_THE_GATE, act.on)
    say(work, journey, ClientReturned(occurred_on=act.on, by=act.by))
    await terms.restate(work, [journey])


def _not_before(on: date, exited_on: date) -> None:
    if on < exited_on:
        raise Invalid.at("#/on", f"lies before the exit, on {exited_on}")


async def _find(work: Work, exit_id: UUID) -> tuple[Journey, Exit]:
    client_id = await work.session.scalar(select(Exit.client_id).where(Exit.id == exit_id))
    if client_id is None:
        raise NotFound
    journey = (await journeys.load(work.session, [client_id]))[client_id]
    return journey, next(each for each in journey.exits if each.id == exit_id)


def _start_aftercare(work: Work, journey: Journey, made: Exit, act: Act) -> None:
    routing = pack_of(work, journey).routing
    if routing.aftercare is not None:
        until = reckon(act.on, routing.aftercare.term).due_on
        assert until is not None, "nothing suspends this term"
        made.aftercare, made.aftercare_until = "running", until
        say(work, journey, AftercareStarted(occurred_on=act.on, by=act.by, exit_id=made.id, until=until))
    if routing.allowances_check is not None:
        made.allowances_check = "awaited"


def _end_aftercare(work: Work, journey: Journey, act: Act) -> None:
    """Who dies, moves away or comes back has no aftercare any more."""
    left = journey.standing_exit
    if left is None:
        return
    if left.aftercare == "running":
        left.aftercare = "ended"
        say(work, journey, AftercareEnded(occurred_on=act.on, by=act.by, exit_id=left.id))
    if left.check_awaited:
        left.allowances_check = None


def _restore(work: Work, journey: Journey, made: Exit, act: Act) -> None:
    """Routes go on; a handover falls due again; partners are asked anew."""
    for route in journey.routes:
        if route.exit_id == made.id:
            route.ended_on = route.outcome = route.exit_id = None
    for handover in list(journey.handovers):
        if handover.exit_id == made.id:
            handover.exit_id = None
            handovers.restore(work, journey, handover, act)
    for referral in list(journey.referrals):
        if referral.exit_id == made.id:
            referral.exit_id = None
            request_again(work, journey, referral, act)
