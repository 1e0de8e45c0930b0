"""What intake waits for until a day: it is told when the term begins, and when nobody waits for it any more."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from uuid import UUID

from chassis import deadlines
from chassis.deadlines import Deadline, NewDeadline
from chassis.work import Work
from contracts.intake import TermSet

TOLD = ("information_session", "intake", "integration_plan", "language_test")
"""The kinds of deadline of which others hear while they run."""


async def begin(work: Work, new: Sequence[NewDeadline]) -> None:
    """These terms run from now on; those of which others hear are told with their last day."""
    for each in await deadlines.set_deadlines(work, new):
        if each.kind in TOLD:
            _tell(work, each, min(each.reckoned_from, work.today), each.due_on)


async def done(work: Work, client_ids: Collection[UUID], kinds: Collection[str]) -> None:
    """What these were for is done: they end for good, also where they stand still with a journey that ended."""
    await deadlines.cancel(work, client_ids, kinds)
    await deadlines.give_up(work, client_ids, kinds)


async def call_off(work: Work, client_id: UUID, kinds: Collection[str]) -> None:
    """Nobody waits for these any more, though nothing of it was done."""
    running = await deadlines.current(work.session, {client_id}, kinds)
    await deadlines.cancel(work, {client_id}, kinds)
    tell_none_waits(work, running)
    await give_up(work, {client_id}, kinds)


async def give_up(work: Work, client_ids: Collection[UUID], kinds: Collection[str] | None = None) -> None:
    """What stood still with a journey or a registration stays stopped for good: all of it, or of these kinds."""
    tell_none_waits(work, await deadlines.give_up(work, client_ids, kinds))


def tell_none_waits(work: Work, stopped: Iterable[Deadline]) -> None:
    """These terms ended without what they were for."""
    for each in stopped:
        if each.kind in TOLD:
            _tell(work, each, work.today, None)


def _tell(work: Work, term: Deadline, on: date, due_on: date | None) -> None:
    event = TermSet.model_validate({"occurred_on": on, "by": work.actor, "kind": term.kind, "due_on": due_on})
    work.publish(term.subject, term.municipality, event)
