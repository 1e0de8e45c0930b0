"""What happens when a deadline fires: each function is given deadlines of one kind, in the sweeper's transaction."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import Deadline, Fired
from chassis.work import Work
from contracts.routing import AftercareEnded, ConversationDue, HandoverEscalated, InstrumentDue, ReviewDue
from policy.instruments import INSTRUMENT_TERMS
from policy.running import ACCEPTANCE, AFTERCARE, ALLOWANCES_CHECK, FIP, FIRST_CONVERSATION, LONGEST_STAY, REVIEW
from routing.actions import absences, falling_due, journeys, worklist
from routing.actions.journeys import Act
from routing.actions.saying import say
from routing.rules import AGREEMENT
from routing.tables import InstrumentUse, Journey


async def _journeys(work: Work, deadlines: Sequence[Deadline]) -> dict[UUID, Journey]:
    return await journeys.load(work.session, {deadline.subject for deadline in deadlines})


def _fired_on(deadline: Deadline) -> date:
    """The day on which it was to fire: a late entry, or a sweeper that was away, does not move what happened."""
    assert deadline.fires_on is not None, "what stands still does not fire"
    return deadline.fires_on


async def longest_stay_over(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The longest stay on a track is over: a handover is due, unless one is under way."""
    for journey in (await _journeys(work, deadlines)).values():
        worklist.changed(work, journey.client_id)
        await falling_due.follow(work, journey, Act.of_clock(work))


async def conversation_due(work: Work, deadlines: Sequence[Deadline]) -> None:
    """A conversation is due today."""
    found = await _journeys(work, deadlines)
    for deadline in deadlines:
        due_on = deadline.due_on or work.today
        say(
            work, found[deadline.subject],
            ConversationDue(occurred_on=_fired_on(deadline), by="clock", kind=deadline.kind, due_on=due_on),
        )  # fmt: skip


async def review_due(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The yearly review is due today."""
    found = await _journeys(work, deadlines)
    for deadline in deadlines:
        due_on = deadline.due_on or work.today
        say(work, found[deadline.subject], ReviewDue(occurred_on=_fired_on(deadline), by="clock", due_on=due_on))


async def acceptance_missed(work: Work, deadlines: Sequence[Deadline]) -> None:
    """Nobody accepted the handover in time: the team manager is asked. It can still be accepted."""
    found = await _journeys(work, deadlines)
    for deadline in deadlines:
        journey = found[deadline.subject]
        handover = journey.open_handover
        if handover is not None and handover.id == deadline.ref:
            handover.escalated_on = _fired_on(deadline)
            say(
                work, journey,
                HandoverEscalated(occurred_on=handover.escalated_on, by="clock", handover_id=handover.id),
            )  # fmt: skip


async def aftercare_over(work: Work, deadlines: Sequence[Deadline]) -> None:
    """Aftercare has lasted its term."""
    found = await _journeys(work, deadlines)
    for deadline in deadlines:
        journey = found[deadline.subject]
        for left in journey.exits:
            if left.id == deadline.ref:
                left.aftercare = "ended"
                say(work, journey, AftercareEnded(occurred_on=_fired_on(deadline), by="clock", exit_id=left.id))


async def allowances_check_due(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The allowances check was to be done by today: it stands on the journey as overdue until it is."""
    found = await _journeys(work, deadlines)
    for deadline in deadlines:
        for left in found[deadline.subject].exits:
            if left.id == deadline.ref:
                left.allowances_check = "overdue"


async def absence_over(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The last day away has passed."""
    await absences.over(work, [deadline.subject for deadline in deadlines])


async def instrument_due(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The time that policy gives an instrument is over, and it is still used."""
    refs, found = [deadline.ref for deadline in deadlines], await _journeys(work, deadlines)
    uses = {use.id: use for use in await work.session.scalars(select(InstrumentUse).where(InstrumentUse.id.in_(refs)))}
    for deadline in deadlines:
        assert deadline.ref is not None, "it is about the use of an instrument"
        use, due_on = uses[deadline.ref], deadline.due_on or work.today
        event = InstrumentDue.model_validate(
            {
                "occurred_on": _fired_on(deadline), "by": "clock", "instrument_use_id": use.id,
                "instrument": use.instrument,
                "kind": deadline.kind, "due_on": due_on,
            }
        )  # fmt: skip
        say(work, found[deadline.subject], event)


async def agreement_passed(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The day of an agreement has passed: whether it was kept is asked on the work list."""
    worklist.changed(work, *(deadline.subject for deadline in deadlines))


DEADLINES: Mapping[str, Fired] = {
    LONGEST_STAY: longest_stay_over,
    FIRST_CONVERSATION: conversation_due,
    FIP: conversation_due,
    REVIEW: review_due,
    ACCEPTANCE: acceptance_missed,
    AFTERCARE: aftercare_over,
    ALLOWANCES_CHECK: allowances_check_due,
    **dict.fromkeys(INSTRUMENT_TERMS, instrument_due),
    AGREEMENT: agreement_passed,
    absences.OVER: absence_over,
}
