"""Leaving, aftercare, a mistaken exit, and coming back (ROU-13, ROU-19)."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal
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
from routing.actions import caseworkers, closing, conversations, duties, falling_due, journeys, suspending, terms
from routing.actions.caseworkers import Assignment
from routing.actions.closing import WithdrawalReason
from routing.actions.journeys import Act, pack_of
from routing.actions.referring import refer_by_category, refer_for_language_since, request_again, under_way
from routing.actions.saying import say
from routing.actions.terms import Anew
from routing.placing import Place
from routing.problems import NoCheckAwaited, NotExited, NotTheStandingExit, PersonNeeded, RegistrationEnded
from routing.rules import exit_reason
from routing.tables import Exit, Journey

EndedAs = Literal["deceased", "moved_away"]
"""How a registration ends at intake."""
PENSION = "pension"
"""The last age band."""
ON_A_GROUND: ExitReason = "enforcement"
"""The reason for which somebody is sent away: a named person decides it, on a ground."""
BY_ITSELF: ExitReason = "pension_age"
"""The exit that comes on its day, and that nobody needs to enter."""
NOT_YET = (
    "is pension_age, and by the birth date that is not reached yet: the journey ends by itself on the day;"
    " correct the birth date when it is wrong"
)
_WITHDRAWN_BECAUSE: dict[str, WithdrawalReason] = {"deceased": "deceased", "moved_away": "moved_away"}
_INSTRUMENTS_GO_ON = frozenset({"work", "self_employment", "education"})
"""Exits after which an instrument may support the client further, such as a job coach."""


async def leave(work: Work, leaving: Iterable[tuple[Journey, ExitReason, Act]]) -> None:
    """These clients exit; for who has left already only what still ran after the exit stops."""
    left = list(leaving)
    for journey, reason, act in left:
        if journey.active:
            await exit_from(work, journey, reason, act)
        else:
            _end_aftercare(work, journey, act)
            exited = journey.standing_exit
            await closing.stop_instruments(work, journey, act, exited.id if exited else None)
    await terms.restate(work, [journey for journey, _, _ in left])


async def end_registrations(work: Work, ended: Sequence[tuple[Journey, EndedAs, Act]]) -> None:
    """Intake tells of a death or a departure: the journey ends, also when the clock had ended it on a later day."""
    for journey, ended_as, act in ended:
        journey.registration_ended = ended_as
        left = journey.standing_exit
        if journey.state == "exited" and left is not None and left.entered_by == "clock" and left.on > act.on:
            await _take_back(work, journey, left, act)
    await leave(work, ended)


async def reopen_registrations(work: Work, restored: Sequence[tuple[Journey, EndedAs, Act]]) -> None:
    """Intake took a death or departure back: the journey goes on as it stood, or the aftercare that it stopped."""
    for journey, ended_as, act in restored:
        if journey.registration_ended == ended_as:
            journey.registration_ended = None
        left = journey.standing_exit
        if journey.state != "exited" or left is None:
            continue
        if left.reason == ended_as:
            await _take_back_all(work, journey, ended_as, act)
        else:
            _resume_aftercare(work, journey, left, act)
            if left.reason in _INSTRUMENTS_GO_ON:
                await closing.instruments_go_on(work, journey, left.id)
    await reach_pension(work, [(journey, act) for journey, _, act in restored if journey.age_band == PENSION])
    await terms.restate(work, [journey for journey, _, _ in restored])


async def reach_pension(work: Work, reached: Sequence[tuple[Journey, Act]]) -> None:
    """From pension age on there is no assistance by the municipality: the journey ends by the clock."""
    await leave(
        work,
        [(journey, "pension_age", Act(act.on, "clock")) for journey, act in reached if journey.active],
    )  # fmt: skip


async def not_yet_pensioned(work: Work, corrected: Sequence[tuple[Journey, Act]]) -> None:
    """A birth date was wrong: who exited because of it goes on."""
    for journey, act in corrected:
        left = journey.standing_exit
        if journey.state == "exited" and left is not None and left.reason == "pension_age":
            await _take_back(work, journey, left, act)
    await terms.restate(work, [journey for journey, _ in corrected])


async def enter(work: Work, journey: Journey, reason: ExitReason, act: Act, *, ground: str | None = None) -> Exit:
    """A caseworker enters an exit; one by enforcement is a named person's, on a ground."""
    if reason == ON_A_GROUND and not act.by.startswith("staff:"):
        raise PersonNeeded
    if (reason == ON_A_GROUND) != (ground is not None):
        detail = "is needed for an exit by enforcement" if ground is None else "is for an exit by enforcement only"
        raise Invalid.at("#/ground", detail)
    if reason == BY_ITSELF and journey.age_band not in {None, PENSION}:
        raise Invalid.at("#/reason", NOT_YET)
    made = await exit_from(work, journey, reason, act)
    made.ground = ground
    await terms.restate(work, [journey], Anew.of(work, act.on, "uitstroom"))
    return made


async def exit_from(work: Work, journey: Journey, reason: ExitReason, act: Act, *, aftercare: bool = True) -> Exit:
    """The journey ends, with all that is open on it; after an exit to work, aftercare begins."""
    made = Exit(
        id=work.ids(), municipality=journey.municipality, entered_by=act.by, reason=reason, on=act.on
    )  # fmt: skip
    journey.exits.append(made)
    await _end(work, journey, made, reason, act)
    if reason == "work" and aftercare:
        _start_aftercare(work, journey, made, act)
    return made


async def leave_as_well(work: Work, journey: Journey, left: Exit) -> None:
    """Of who is registered twice the exit of the one ends the journey of the other too."""
    await _end(work, journey, left, exit_reason(left.reason), Act(left.on, left.entered_by))


async def _end(work: Work, journey: Journey, left: Exit, reason: ExitReason, act: Act) -> None:
    """An exit ends the journey, with all that is open on it."""
    closing.close_all(work, journey, act, "exit", _WITHDRAWN_BECAUSE.get(reason, "exit"), left.id)
    await closing.end_part_time_work(work, journey, act, left.id)
    await _stop_instruments(work, journey, left, act)
    journey.state = "exited"
    journey.waiting_since = journey.waiting_occasion = None
    say(work, journey, ClientExited(occurred_on=act.on, by=act.by, exit_id=left.id, reason=reason))


async def stop_what_was_used(work: Work, journey: Journey, by: str) -> None:
    """The use of an instrument that is entered after the exit ended with it, where that ends such use."""
    left = journey.standing_exit
    if not journey.active and left is not None:
        await _stop_instruments(work, journey, left, Act(left.on, by))


async def _stop_instruments(work: Work, journey: Journey, left: Exit, act: Act) -> None:
    if left.reason not in _INSTRUMENTS_GO_ON:
        await closing.stop_instruments(work, journey, act, left.id)


async def undo(work: Work, undone: Sequence[tuple[Journey, Act]]) -> None:
    """The registration was a mistake: everything stops, and nobody exited."""
    for journey, act in undone:
        closing.close_all(work, journey, act, "stopped", "undone")
        await closing.end_part_time_work(work, journey, act)
        await closing.stop_instruments(work, journey, act)
        _end_aftercare(work, journey, act)
        journey.state, journey.caseworker_id = "undone", None
        journey.waiting_since = journey.waiting_occasion = None
    await terms.restate(work, [journey for journey, _ in undone])


async def revert(work: Work, exit_id: UUID, reason: str) -> Exit:
    """The exit was a mistake: the journey goes on as it stood. What intake ended, intake takes back."""
    journey, made = await _find(work, exit_id)
    if journey.state != "exited" or journey.standing_exit is not made:
        raise NotTheStandingExit
    _registration_open(journey)
    act = Act(work.today, work.actor)
    await _take_back(work, journey, made, act, reason)
    if journey.age_band == PENSION:
        await reach_pension(work, [(journey, act)])
    await terms.restate(work, [journey], Anew.of(work, made.on, "uitstroom", corrects=True))
    return made


async def go_on_after_import(work: Work, journey: Journey, act: Act) -> None:
    """An exit that an import brought along was of a spell before the one that runs: the journey goes on."""
    left = journey.standing_exit
    if journey.state == "exited" and left is not None and left.entered_by == act.by:
        await _take_back(work, journey, left, act)


async def _take_back(work: Work, journey: Journey, made: Exit, act: Act, reason: str | None = None) -> None:
    """The exit never was: with the caseworker, when still there, else another, or on the list.

    What was decided meanwhile is asked of partners as well.
    """
    made.reverted_on, made.reverted_because = work.today, reason
    made.aftercare = made.aftercare_until = made.allowances_check = None
    journey.state = "active"
    if journey.category is not None:
        await caseworkers.assign(work, [Assignment(journey, "transfer", act, journey.caseworker_id)])
    say(work, journey, ExitReverted(occurred_on=work.today, by=act.by, exit_id=made.id))  # a letter names who guides
    await closing.take_up_again(work, journey, made.id)
    _restore(work, journey, made, act)
    await conversations.follow_up_since(work, journey, made, act)
    refer_for_language_since(work, journey, act)
    if journey.category is not None:
        refer_by_category(work, journey, act)


async def _take_back_all(work: Work, journey: Journey, ended_as: EndedAs, act: Act) -> None:
    """Of who was registered twice the same death or departure ended both."""
    for left in [each for each in journey.exits if each.reason == ended_as and not each.reverted_on]:
        if left.returned_on is None:
            await _take_back(work, journey, left, act)


def _registration_open(journey: Journey) -> None:
    if journey.registration_ended is not None:
        raise RegistrationEnded(f"The client is {journey.registration_ended.replace('_', ' ')}.")


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


def is_here_after_all(work: Work, journey: Journey, act: Act) -> None:
    """Who left under this id is on a journey under another: what ran after the exit ends."""
    left = journey.standing_exit
    if journey.state == "exited" and left is not None:
        _end_aftercare(work, journey, act)
        left.returned_on = max(act.on, left.on)


async def come_back(work: Work, journey: Journey, act: Act) -> None:
    """A client is on benefit again: a new diagnosis will say where they stand."""
    left = journey.standing_exit
    if journey.state != "exited" or left is None:
        raise NotExited
    _registration_open(journey)
    _not_before(act.on, left.on)
    _end_aftercare(work, journey, act)
    left.returned_on = act.on
    for suspension in journey.running_suspensions:
        suspension.end = max(left.on, suspension.start)
    journey.state = "active"
    journey.place = Place()
    journey.caseworker_id = journey.caseworker_role = journey.handed_over_on = journey.proposed_on = None
    journey.language_failed_on = None
    await duties.close(work, {journey.client_id: act.on}, duties.AT_THE_GATE)
    say(work, journey, ClientReturned(occurred_on=act.on, by=act.by))
    await terms.restate(work, [journey], Anew.of(work, act.on, "een terugkeer"))


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


def _resume_aftercare(work: Work, journey: Journey, left: Exit, act: Act) -> None:
    """Aftercare that ended before its day, because of a death or departure that was none, goes on."""
    if left.aftercare == "ended" and left.aftercare_until is not None and work.today < left.aftercare_until:
        left.aftercare = "running"
        say(
            work, journey,
            AftercareStarted(occurred_on=work.today, by=act.by, exit_id=left.id, until=left.aftercare_until),
        )  # fmt: skip
    check = pack_of(work, journey).routing.allowances_check
    if left.aftercare is not None and left.allowances_check is None and check is not None:
        due_on = reckon(left.on, check.term).due_on
        left.allowances_check = "overdue" if due_on is not None and due_on < work.today else "awaited"


def _restore(work: Work, journey: Journey, made: Exit, act: Act) -> None:
    """Routes go on; a handover falls due again; partners are asked anew."""
    for route in journey.routes:
        if route.exit_id == made.id:
            route.ended_on = route.outcome = route.exit_id = None
    suspending.stand(work, journey, act)
    for handover in list(journey.handovers):
        if handover.exit_id == made.id:
            handover.exit_id = None
            falling_due.restore(work, journey, handover, act)
    for referral in list(journey.referrals):
        if referral.exit_id == made.id:
            referral.exit_id = None
            if not under_way(journey, referral):
                request_again(work, journey, referral, act)
