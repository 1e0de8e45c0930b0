"""Counting events: a row for each, and the histories of the clients they are about made anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import AMSTERDAM, Clock
from chassis.work import Work
from contracts import Envelope, Event
from reporting import tables
from reporting.actions.reading import facts_of
from reporting.rules.history import ONE_DAY, STANDING, Book, History, book, survivor

Counted = tuple[Envelope[Any], Mapping[str, Any]]
"""An event, and its words for the columns of its happening."""

_COLUMNS: dict[str, Any] = dict.fromkeys(
    ("category", "track", "what", "partner", "instrument", "goal", "amount", "ref", "corrects")
) | {"told": {}}


async def count(work: Work, heard: Sequence[Counted]) -> None:
    """Write the events down; where they change where clients stand, make these clients' histories anew."""
    about_clients = [envelope for envelope, _ in heard if envelope.data.about == "client"]
    changing = [each for each in about_clients if type(each.data).__name__ in STANDING]
    family = await _lock_family(work.session, about_clients, changing)
    await work.session.execute(
        insert(tables.Happening).on_conflict_do_nothing(), [_happening(work.clock, *each) for each in heard]
    )
    if changing:
        await _rewrite(work.session, family | {each.data.into for each in changing if hasattr(each.data, "into")})


def _happening(clock: Clock, envelope: Envelope[Any], words: Mapping[str, Any]) -> dict[str, Any]:
    return _COLUMNS | {
        "event_id": envelope.id,
        "municipality": envelope.municipality,
        "client_id": envelope.subject,
        "kind": type(envelope.data).__name__,
        "occurred_on": envelope.data.occurred_on,
        "recorded_at": envelope.recorded_at,
        "known_on": known_on(clock, envelope.recorded_at),
        "by": envelope.data.by,
        "said": said(envelope.data),
        "cause": envelope.cause,
        **words,
    }


def said(event: Event) -> dict[str, Any]:
    """What an event says besides who and when, as JSON."""
    return event.model_dump(mode="json", by_alias=True, exclude={"occurred_on", "by"})


def known_on(clock: Clock, recorded_at: datetime) -> date:
    """The civil day on which an event was recorded: its wall-clock moment, on the civil clock."""
    ahead = clock.now() - clock.wall()
    settled = ahead if abs(ahead) >= ONE_DAY / 1440 else ONE_DAY * 0  # under a minute, the two are one clock
    return (recorded_at + settled).astimezone(AMSTERDAM).date()


async def _lock_family(
    session: AsyncSession, envelopes: Sequence[Envelope[Any]], changing: Sequence[Envelope[Any]]
) -> set[UUID]:
    """Give every client a row, and lock those whose histories change, with all that were merged with them."""
    known = {each.subject: each.municipality for each in envelopes}
    known |= {each.data.into: each.municipality for each in changing if hasattr(each.data, "into")}
    if known:
        rows = [{"id": id, "municipality": known[id]} for id in sorted(known)]
        await session.execute(insert(tables.Client).on_conflict_do_nothing(), rows)
    family: set[UUID] = set()
    found = {each.subject for each in changing} | {each.data.into for each in changing if hasattr(each.data, "into")}
    while found - family:
        await session.execute(
            select(tables.Client.id)
            .where(tables.Client.id.in_(found - family))
            .order_by(tables.Client.id)
            .with_for_update()
        )
        family |= found
        found = family | await _relatives(session, family)
    return family


async def _relatives(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    client = tables.Client
    merged = await session.execute(
        select(client.id, client.merged_into).where(
            client.merged_into.is_not(None), or_(client.id.in_(ids), client.merged_into.in_(ids))
        )
    )
    return {id for pair in merged for id in pair}


async def _rewrite(session: AsyncSession, family: Collection[UUID]) -> None:
    """Replace what the tables say of these clients by what all their facts say."""
    municipalities, facts = await facts_of(session, family)
    known = book(facts)
    for period in (tables.Spell, tables.Placement, tables.Exempt):
        await session.execute(delete(period).where(period.client_id.in_(family)))
    rows = [_client(id, municipalities[id], known) for id in sorted(family) if id in municipalities]
    upsert = insert(tables.Client)
    taken = {name: upsert.excluded[name] for name in rows[0] if name not in ("id", "municipality")} if rows else {}
    if rows:
        await session.execute(upsert.on_conflict_do_update(index_elements=["id"], set_=taken), rows)
    await _insert_periods(session, municipalities, known.histories.values())


async def _insert_periods(
    session: AsyncSession, municipalities: Mapping[UUID, str], histories: Collection[History]
) -> None:
    for table, name in ((tables.Spell, "spells"), (tables.Placement, "placements"), (tables.Exempt, "exemptions")):
        rows = [
            {"municipality": municipalities[history.client_id], "client_id": history.client_id, **_values(period)}
            for history in histories
            for period in getattr(history, name)
        ]
        if rows:
            await session.execute(insert(table), rows)


def _values(value: Any) -> dict[str, Any]:
    """The fields of a period or of traits, by name."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _client(id: UUID, municipality: str, known: Book) -> dict[str, Any]:
    """The row of a client: of one merged into another or registered by mistake, nothing but that."""
    own = known.histories.get(id, History(id))
    placed = own.placements[-1] if own.placements and own.placements[-1].until is None else None
    journeys, benefit = list(own.of("client")), list(own.of("benefit"))
    ended = journeys[-1] if journeys and journeys[-1].until is not None else None
    exemption = own.exemptions[-1] if own.exemptions else None
    return {
        "id": id,
        "municipality": municipality,
        "registered_on": own.registered_on,
        **_values(own.traits),
        "category": placed.category if placed else None,
        "track": placed.track if placed else None,
        "advised_track": placed.advised_track if placed else None,
        "status": placed.status if placed else "undecided",
        "basis": placed.basis if placed else None,
        "exempted_until": exemption.until - ONE_DAY if exemption and exemption.until else None,
        "exempted_permanently": bool(exemption and exemption.permanent and exemption.until is None),
        "benefit": own.benefit,
        "on_benefit_since": benefit[-1].since if benefit else None,
        "on_benefit_until": benefit[-1].until if benefit else None,
        "exited_reason": ended.reason if ended else None,
        "exited_on": ended.until if ended else None,
        "deceased_on": own.deceased_on,
        "merged_into": known.into.get(id) if survivor(id, known.into) != id else None,
        "undone": id in known.undone,
    }
