"""Deadlines follow from where a journey stands: what should run is compared with what does."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from uuid import UUID

from sqlalchemy import select

from chassis import deadlines
from chassis.deadlines import CURRENT, Deadline, NewDeadline, set_deadlines
from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.routing import ConversationDueCancelled
from policy import Reckoned, Term, reckon
from policy.instruments import USUAL_USE
from policy.running import FIP, FIRST_CONVERSATION, REVIEW, RunningTerm, longest_stay, running_terms
from routing.actions import falling_due, placing, reckoning, worklist
from routing.actions.journeys import Act, pack_of
from routing.actions.saying import say
from routing.problems import DeadlineNotRunning
from routing.rules import AGREEMENT
from routing.tables import InstrumentUse, Journey

_CONVERSATIONS = (FIRST_CONVERSATION, REVIEW, FIP)


@dataclass(frozen=True, slots=True)
class Anew:
    """Why terms are reckoned anew: something turned out a mistake, or was entered after its day."""

    why: str
    """In Dutch, to follow on "Opnieuw berekend"."""

    @classmethod
    def of(cls, work: Work, on: date, what: str, *, corrects: bool = False) -> "Anew | None":
        """Because of this, which happened on a day; None where it is neither a correction nor late."""
        if corrects:
            return cls(f"na correctie van {what} van {on:%d-%m-%Y}")
        return cls(f"na late invoer van {what} van {on:%d-%m-%Y}") if on < work.today else None

    def told(self, today: date, before: date | None) -> str:
        """How the day came about, with the day that it was before; None stood still."""
        was = f"daarvoor was het {before:%d-%m-%Y}" if before else "daarvoor stond de termijn stil"
        return f"Opnieuw berekend op {today:%d-%m-%Y} {self.why}; {was}."


async def restate(work: Work, changed: Iterable[Journey], anew: Anew | None = None) -> None:
    """Set, shift or stop the deadlines of journeys that changed; what stands as it should is left alone.

    A handover falls due or is called off with them. What was said to be due, and by `anew` was not, is taken back.
    """
    by_id = {journey.client_id: journey for journey in changed}
    if not by_id:
        return
    worklist.changed(work, *by_id)
    for journey in by_id.values():
        await falling_due.follow(work, journey, Act(work.today, work.actor))
    wanted = await reckoning.wanted(work, by_id)
    there = await reckoning.there(work, by_id)
    good = [each for each in there if reckoning.as_wanted(each, wanted.get(reckoning.key_of(each)))]
    replaced = {}
    for deadline in sorted((each for each in there if each not in good), key=lambda each: each.id):
        replaced[reckoning.key_of(deadline)] = deadline.due_on
        if deadline.state in CURRENT:
            deadline.state = "cancelled"
        elif anew is not None and deadline.kind in _CONVERSATIONS:
            await _take_back_if_needless(work, by_id[deadline.subject], deadline)
    stands = {reckoning.key_of(each) for each in good}
    for deadline in await set_deadlines(work, [each for key, each in wanted.items() if key not in stands]):
        if anew is not None and reckoning.key_of(deadline) in replaced:
            deadline.because = [*deadline.because, anew.told(work.today, replaced[reckoning.key_of(deadline)])]


def reckon_stay(work: Work, journey: Journey) -> Reckoned | None:
    """The end of the longest stay as it stands now; None where there is none."""
    stay = longest_stay(journey.standing(), partial(pack_of, work, journey))
    return reckon(stay.start, stay.term, stay.suspensions) if stay else None


async def all_of(work: Work, client_id: UUID) -> Sequence[Deadline]:
    """Every deadline of a client that runs, stands still or fired, the next first."""
    found = await work.session.scalars(
        select(Deadline)
        .where(Deadline.subject == client_id, Deadline.state != "cancelled")
        .order_by(Deadline.fires_on, Deadline.id)
    )
    return found.all()


async def move(work: Work, deadline_id: UUID, to: date, reason: str) -> Deadline:
    """Move a deadline by hand."""
    found = await work.session.scalar(select(Deadline).where(Deadline.id == deadline_id).with_for_update())
    if found is None:
        raise NotFound
    if found.state != "open" or found.kind == AGREEMENT:
        raise DeadlineNotRunning
    if to < work.today:
        raise Invalid.at("#/to", f"lies in the past; today is {work.today}")
    deadlines.move(found, to, reason)
    worklist.changed(work, found.subject)
    return found


async def look_again(work: Work, use: InstrumentUse, on: date, reason: str) -> None:
    """The usual time of an instrument goes on until a day; when it was over already, it is over once more then."""
    of_use = select(Deadline).where(Deadline.subject == use.client_id, Deadline.ref == use.id)
    usual = of_use.where(Deadline.kind == USUAL_USE, Deadline.state.in_(("open", "fired")))
    last = await work.session.scalar(usual.order_by(Deadline.id.desc()).limit(1).with_for_update())
    if last is None:
        raise DeadlineNotRunning("Policy gives this instrument no usual time.")
    if last.state == "fired":
        again = NewDeadline(
            last.municipality, last.subject, last.kind, last.reckoned_from, Term(**last.term), last.rule, last.ref
        )
        last = await deadlines.set_deadline(work, again)
    deadlines.move(last, on, reason)
    worklist.changed(work, use.client_id)


async def forget_reasons(work: Work, client_ids: Collection[UUID]) -> None:
    """Leave out of the deadlines of erased clients why somebody moved them."""
    found = await work.session.scalars(
        select(Deadline).where(Deadline.subject.in_(client_ids), Deadline.moved_because.is_not(None))
    )
    for deadline in found:
        reason = deadline.moved_because or ""
        deadline.because = [line.removesuffix(reason) for line in deadline.because]
        deadline.moved_because = ""


async def _take_back_if_needless(work: Work, journey: Journey, fired: Deadline) -> None:
    """A conversation that was said to be due was not, when no such term ran then by what is known now."""
    assert fired.due_on is not None
    if not any(
        (term.kind, term.start) == (fired.kind, fired.reckoned_from)
        for term in await _terms_on(work, journey, fired.due_on)
    ):
        fired.state = "cancelled"
        say(
            work, journey,
            ConversationDueCancelled(occurred_on=work.today, by=work.actor, kind=fired.kind, due_on=fired.due_on),
        )  # fmt: skip


async def _terms_on(work: Work, journey: Journey, on: date) -> list[RunningTerm]:
    """The terms that ran on a day, as far as is known now."""
    left = journey.standing_exit
    away = left is not None and left.on <= on and (left.returned_on is None or on < left.returned_on)
    spoken = (await reckoning.spoken(work, [journey.client_id], until=on)).get(journey.client_id, ())
    stood = replace(journey.standing(await placing.place_on(work, journey, on), spoken), active=not away)
    return list(running_terms(stood, pack_of(work, journey, on), partial(pack_of, work, journey)))
