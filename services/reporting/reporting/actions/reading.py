"""Reading back what was counted: histories as they are known now or were known on a day, and the facts of a period."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.intake import MergerUndone
from policy import NoPolicyInForce, Pack, UnknownMunicipality
from reporting import tables
from reporting.rules.history import (
    STANDING,
    Book,
    Exempt,
    Fact,
    History,
    Placement,
    Spell,
    Traits,
    book,
)
from reporting.rules.timeline import REPLACES
from reporting.rules.told import ENDS_OF, REMEMBERED, Span, Told
from reporting.tables import Client, Happening

_FACT = (
    Happening.event_id, Happening.client_id, Happening.kind, Happening.occurred_on, Happening.recorded_at,
    Happening.known_on, Happening.category, Happening.track, Happening.what, Happening.partner, Happening.instrument,
    Happening.goal, Happening.amount, Happening.ref, Happening.told, Happening.corrects, Happening.cause,
)  # fmt: skip


def pack_of(work: Work, municipality: str, on: date) -> Pack:
    """The policy in force on a day, before the first pack the first; NotFound for who has none."""
    try:
        return work.policies.in_force(municipality, on)
    except UnknownMunicipality:
        raise NotFound("There is no policy of this municipality.") from None
    except NoPolicyInForce:
        return min(work.policies.packs[municipality], key=lambda pack: abs(pack.valid_from - on))


def span_of(since: date, until: date) -> Span:
    """A period, its last day inclusive; Invalid when it ends before it begins."""
    if until < since:
        raise Invalid.at("#/to", "lies before the first day of the period")
    return Span(since, until)


async def facts_of(session: AsyncSession, clients: Collection[UUID]) -> tuple[dict[UUID, str], list[Fact]]:
    """The municipality of each of these clients, and all facts that their histories are made of."""
    places = await session.execute(select(Client.id, Client.municipality).where(Client.id.in_(clients)))
    facts = select(*_FACT).where(
        Happening.client_id.in_(clients), Happening.kind.in_(STANDING), ~of_an_undone_merger(Happening)
    )
    return {row.id: row.municipality for row in places}, [Fact(*row) for row in await session.execute(facts)]


async def read_book(session: AsyncSession, municipality: str, known_on: date | None = None) -> Book:
    """All histories of a municipality: as they are known now, or made anew of what was known on a day."""
    if known_on is None:
        return await _stored_book(session, municipality)
    facts = select(*_FACT).where(
        Happening.municipality == municipality, Happening.kind.in_(STANDING), Happening.known_on <= known_on
    )
    return book(Fact(*row) for row in await session.execute(facts))


async def _stored_book(session: AsyncSession, municipality: str) -> Book:
    rows = (await session.execute(select(*Client.__table__.columns).where(Client.municipality == municipality))).all()
    spells = await _periods(
        session, municipality, tables.Spell, Spell, ("since", "until", "kind", "began_by", "reason", "ended_by")
    )
    placements = await _periods(
        session, municipality, tables.Placement, Placement,
        ("since", "until", "category", "track", "advised_track", "status", "basis", "event_id"),
    )  # fmt: skip
    exemptions = await _periods(
        session, municipality, tables.Exempt, Exempt, ("since", "until", "permanent", "exemption_id", "event_id")
    )
    histories = {
        row.id: History(
            client_id=row.id,
            traits=_traits(row),
            spells=tuple(spells[row.id]),
            placements=tuple(placements[row.id]),
            exemptions=tuple(exemptions[row.id]),
            benefit=row.benefit,
            deceased_on=row.deceased_on,
            registered_on=row.registered_on,
        )
        for row in rows
        if row.merged_into is None and not row.undone
    }
    into = {row.id: row.merged_into for row in rows if row.merged_into is not None}
    return Book(histories, into, frozenset(row.id for row in rows if row.undone))


def _traits(row: Row[Any]) -> Traits:
    return Traits(
        household_id=row.household_id,
        household_kind=row.household_kind,
        age_band=row.age_band,
        permit_holder=row.permit_holder,
        without_benefit=row.without_benefit,
        indications=tuple(row.indications),
    )


async def _periods(
    session: AsyncSession, municipality: str, table: type[tables.OfClient], made: type[Any], columns: Sequence[str]
) -> defaultdict[UUID, list[Any]]:
    chosen = select(table.client_id, *(getattr(table, name) for name in columns))
    rows = await session.execute(chosen.where(table.municipality == municipality).order_by(table.id))
    found: defaultdict[UUID, list[Any]] = defaultdict(list)
    for client_id, *values in rows:
        found[client_id].append(made(*values))
    return found


async def read_told(session: AsyncSession, municipality: str, span: Span, known_on: date | None = None) -> Told:
    """The facts of a period, and those from before it that still matter in it."""
    here = [Happening.municipality == municipality, ~_corrected(known_on), ~of_an_undone_merger(Happening, known_on)]
    if known_on is not None:
        here.append(Happening.known_on <= known_on)
    within = select(*_FACT).where(*here, Happening.occurred_on.between(span.since, span.until))
    before = select(*_FACT).where(
        *here, Happening.occurred_on < span.since, or_(Happening.kind.in_(REMEMBERED), *_still_open(span, known_on))
    )
    return Told(
        span,
        within=_facts(await session.execute(within)),
        before=_facts(await session.execute(before)),
    )


def _corrected(known_on: date | None) -> ColumnElement[bool]:
    """Whether a later event says that it was a mistake, as far as was known on a day."""
    later = aliased(Happening)
    says = [
        later.corrects == Happening.ref,
        later.recorded_at > Happening.recorded_at,
        or_(*(and_(later.kind == kind, Happening.kind.in_(replaced)) for kind, replaced in REPLACES.items())),
    ]
    if known_on is not None:
        says.append(later.known_on <= known_on)
    return exists().where(*says)


def of_an_undone_merger(happening: Any, known_on: date | None = None) -> ColumnElement[bool]:
    """Whether it was said because of a merger that was undone, or because of the undoing, as was known on a day."""
    undone = aliased(Happening)
    says = [undone.kind == MergerUndone.__name__, happening.cause.in_((undone.ref, undone.event_id))]
    if known_on is not None:
        says.append(undone.known_on <= known_on)
    return and_(happening.cause.is_not(None), exists().where(*says))


def _still_open(span: Span, known_on: date | None) -> Iterable[ColumnElement[bool]]:
    """Routes, instruments and referrals that began before the period and did not end before it."""
    end = aliased(Happening)
    for begins, ends in ENDS_OF.items():
        ended = [end.ref == Happening.ref, end.kind.in_(ends), end.occurred_on < span.since]
        ended.append(~of_an_undone_merger(end, known_on))
        if known_on is not None:
            ended.append(end.known_on <= known_on)
        yield and_(Happening.kind == begins, ~exists().where(*ended))


def _facts(rows: Iterable[Row[Any]]) -> tuple[Fact, ...]:
    return tuple(sorted((Fact(*tuple(row)) for row in rows), key=lambda fact: fact.order))
