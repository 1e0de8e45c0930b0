"""Which deadlines should run by where a journey stands, and which do; nothing is changed here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import Deadline, NewDeadline
from chassis.work import Work
from policy import Suspension, Term
from policy.instruments import INSTRUMENT_TERMS
from policy.running import KINDS, RunningTerm, Spoken, running_terms
from routing.actions.journeys import pack_of
from routing.rules import AGREEMENT
from routing.spoken import Agreement, Conversation
from routing.tables import InstrumentUse, Journey

Key = tuple[UUID, str, UUID | None]
"""Whose deadline, of which kind, about what."""


async def wanted(work: Work, by_id: Mapping[UUID, Journey]) -> dict[Key, NewDeadline]:
    """Every deadline that should run for these journeys."""
    found = await _of_instruments(work, by_id) + await _of_agreements(work, by_id)
    held = await spoken(work, by_id)
    for journey in by_id.values():
        standing = journey.standing(conversations=held.get(journey.client_id, ()))
        terms = running_terms(standing, pack_of(work, journey), partial(pack_of, work, journey))
        found += [_as_deadline(journey, term) for term in terms]
    return {(each.subject, each.kind, each.ref): each for each in found}


async def there(work: Work, client_ids: Collection[UUID]) -> Sequence[Deadline]:
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


def as_wanted(deadline: Deadline, new: NewDeadline | None) -> bool:
    """Whether it was reckoned from the same day and the same suspensions; a new pack changes no running term."""
    return (
        new is not None
        and deadline.reckoned_from == new.start
        and deadline.suspensions == [_written(each) for each in new.suspensions]
    )


def key_of(deadline: Deadline) -> Key:
    """What tells this deadline from the others that run."""
    return deadline.subject, deadline.kind, deadline.ref


async def spoken(work: Work, client_ids: Collection[UUID], until: date | None = None) -> dict[UUID, list[Spoken]]:
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


def _written(suspension: Suspension) -> list[str | None]:
    return [suspension.start.isoformat(), suspension.end.isoformat() if suspension.end else None]
