"""Deadlines follow from where a journey stands: what should run is compared with what does."""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from policy import Reckoned, Suspension, Term, reckon
from policy.instruments import INSTRUMENT_TERMS, USUAL_USE
from policy.running import FIP, FIRST_CONVERSATION, KINDS, REVIEW, RunningTerm, Spoken, longest_stay, running_terms
from routing.actions import falling_due, journeys, placing
from routing.actions.journeys import Act, pack_of, say
from routing.problems import DeadlineNotRunning
from routing.rules import AGREEMENT
from routing.spoken import Agreement, Conversation
from routing.tables import InstrumentUse, Journey

_Key = tuple[UUID, str, UUID | None]
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
    journeys.changed(work, *by_id)
    for journey in by_id.values():
        await falling_due.follow(work, journey, Act(work.today, work.actor))
    wanted = await _wanted(work, by_id)
    there = await _there(work, by_id)
    good = [each for each in there if _as_wanted(each, wanted.get(_key_of(each)))]
    replaced = {}
    for deadline in sorted((each for each in there if each not in good), key=lambda each: each.id):
        replaced[_key_of(deadline)] = deadline.due_on
        if deadline.state in CURRENT:
            deadline.state = "cancelled"
        elif anew is not None and deadline.kind in _CONVERSATIONS:
            await _take_back_if_needless(work, by_id[deadline.subject], deadline)
    stands = {_key_of(each) for each in good}
    for deadline in await set_deadlines(work, [each for key, each in wanted.items() if key not in stands]):
        if anew is not None and _key_of(deadline) in replaced:
            deadline.because = [*deadline.because, anew.told(work.today, replaced[_key_of(deadline)])]


async def outstanding(work: Work, found: Iterable[Journey]) -> dict[UUID, list[Deadline]]:
    """The deadlines that run or fired and of which the reason still holds, by client."""
    by_id = {journey.client_id: journey for journey in found}
    wanted = await _wanted(work, by_id)
    standing: dict[UUID, dict[_Key, Deadline]] = {}
    for deadline in sorted(await _there(work, by_id), key=lambda each: each.id):
        key = _key_of(deadline)
        if _as_wanted(deadline, wanted.get(key)):
            standing.setdefault(deadline.subject, {})[key] = deadline
    return {client_id: list(of_client.values()) for client_id, of_client in standing.items()}


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
    journeys.changed(work, found.subject)
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
    journeys.changed(work, use.client_id)


async def forget_reasons(work: Work, client_ids: Collection[UUID]) -> None:
    """Leave out of the deadlines of erased clients why somebody moved them."""
    found = await work.session.scalars(
        select(Deadline).where(Deadline.subject.in_(client_ids), Deadline.moved_because.is_not(None))
    )
    for deadline in found:
        reason = deadline.moved_because or ""
        deadline.because = [line.removesuffix(reason) for line in deadline.because]
        deadline.moved_because = ""


async def _wanted(work: Work, by_id: Mapping[UUID, Journey]) -> dict[_Key, NewDeadline]:
    """Every deadline that should run for these journeys."""
    found = await _of_instruments(work, by_id) + await _of_agreements(work, by_id)
    spoken = await _spoken(work, by_id)
    for journey in by_id.values():
        standing = journey.standing(conversations=spoken.get(journey.client_id, ()))
        terms = running_terms(standing, pack_of(work, journey), partial(pack_of, work, journey))
        found += [_as_deadline(journey, term) for term in terms]
    return {_key(each.subject, each): each for each in found}


async def _spoken(work: Work, client_ids: Collection[UUID], until: date | None = None) -> dict[UUID, list[Spoken]]:
    """The conversations with clients that stand, all or those held by a day."""
    query = select(Conversation).where(Conversation.client_id.in_(client_ids), Conversation.corrected_on.is_(None))
    if until is not None:
        query = query.where(Conversation.held_on <= until)
    found: dict[UUID, list[Spoken]] = {}
    for each in await work.session.scalars(query):
        found.setdefault(each.client_id, []).append(each.as_spoken())
    return found


async def _of_instruments(work: Work, by_id: Mapping[UUID, Journey]) -> list[NewDeadline]:
    """How long each instrument in use may be used, by the pack of the day on which that began."""
    await work.session.flush()
    active = [client for client, journey in by_id.items() if journey.active]
    uses = await work.session.scalars(
        select(InstrumentUse).where(InstrumentUse.client_id.in_(active), InstrumentUse.ended_on.is_(None))
    )
    found = []
    for use in uses:
        instrument = pack_of(work, by_id[use.client_id], use.started_on).instruments.get(use.instrument)
        for kind, term in instrument.terms() if instrument else ():
            found.append(
                NewDeadline(
                    use.municipality,
                    use.client_id,
                    kind,
                    use.started_on,
                    term,
                    f"instruments.{use.instrument}",
                    ref=use.id,
                )
            )
    return found


async def _of_agreements(work: Work, by_id: Mapping[UUID, Journey]) -> list[NewDeadline]:
    """The day by which each open agreement is to be kept: when it passed, somebody asks whether it was."""
    active = [client for client, journey in by_id.items() if journey.active]
    promised = await work.session.scalars(
        select(Agreement).where(
            Agreement.client_id.in_(active), Agreement.due_on.is_not(None), Agreement.in_state("open")
        )
    )
    return [
        NewDeadline(each.municipality, each.client_id, AGREEMENT, each.due_on, Term(), AGREEMENT, each.id, missed=True)
        for each in promised
        if each.due_on is not None
    ]


def _as_deadline(journey: Journey, term: RunningTerm) -> NewDeadline:
    return NewDeadline(
        municipality=journey.municipality,
        subject=journey.client_id,
        kind=term.kind,
        start=term.start,
        term=term.term,
        rule=term.rule,
        ref=term.ref,
        suspensions=term.suspensions,
        missed=term.missed,
    )


async def _there(work: Work, client_ids: Collection[UUID]) -> Sequence[Deadline]:
    """What runs, and what fired: a deadline that fired is not set again for the same reason."""
    await work.session.flush()
    found = await work.session.scalars(
        select(Deadline).where(
            Deadline.subject.in_(client_ids),
            Deadline.kind.in_((*KINDS, *INSTRUMENT_TERMS, AGREEMENT)),
            Deadline.state != "cancelled",
        )
    )
    return found.all()


def _key(subject: UUID, new: NewDeadline) -> _Key:
    return subject, new.kind, new.ref


def _key_of(deadline: Deadline) -> _Key:
    return deadline.subject, deadline.kind, deadline.ref


def _as_wanted(deadline: Deadline, new: NewDeadline | None) -> bool:
    """Whether it was reckoned from the same day and the same suspensions; a new pack changes no running term."""
    return (
        new is not None
        and deadline.reckoned_from == new.start
        and deadline.suspensions == [_written(each) for each in new.suspensions]
    )


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
    spoken = (await _spoken(work, [journey.client_id], until=on)).get(journey.client_id, ())
    stood = replace(journey.standing(await placing.place_on(work, journey, on), spoken), active=not away)
    return list(running_terms(stood, pack_of(work, journey, on), partial(pack_of, work, journey)))


def _written(suspension: Suspension) -> list[str | None]:
    return [suspension.start.isoformat(), suspension.end.isoformat() if suspension.end else None]
