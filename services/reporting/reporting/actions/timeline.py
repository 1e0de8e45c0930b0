"""The time line of a client: every event that was heard about them, and about whoever turned out to be them."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, cast, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.problems import NotFound
from chassis.sight import sees
from contracts import EVENTS, Event
from contracts.intake import MergerUndone
from reporting.rules.timeline import REPLACES, Line, Links, links
from reporting.tables import Happening

KINDS = {event.__name__: event for event in EVENTS.values() if event.about == "client"}
"""The kinds of lines."""

ORDER = (Happening.occurred_on, Happening.recorded_at, Happening.event_id)

_FAMILY = text("""
    WITH RECURSIVE
        up AS (
            SELECT id, merged_into FROM clients WHERE id = :id
            UNION SELECT c.id, c.merged_into FROM clients c JOIN up ON c.id = up.merged_into
        ),
        family AS (
            SELECT id FROM up WHERE merged_into IS NULL
            UNION SELECT c.id FROM clients c JOIN family ON c.merged_into = family.id
        )
    SELECT id FROM family
""")

_CORRECTING = tuple({*REPLACES, *(kind for kinds in REPLACES.values() for kind in kinds)})


async def family_of(session: AsyncSession, client_id: UUID) -> Collection[UUID]:
    """The ids under which a client was ever registered, whichever of them is asked.

    NotFound, in the same words, when nobody has it and when the caller does not see whoever has.
    """
    family = (await session.scalars(_FAMILY, {"id": client_id})).all()
    if not family or not all([await sees(session, each) for each in family]):
        raise NotFound("No client of this id is known in your municipalities.")
    return family


def lines_of(family: Collection[UUID], since: date | None, kinds: Collection[str]) -> Select[Happening]:
    """The events about these ids from a day on, of these kinds or of all."""
    chosen = select(Happening).where(Happening.client_id.in_(family))
    if since is not None:
        chosen = chosen.where(Happening.occurred_on >= since)
    return chosen.where(Happening.kind.in_(kinds)) if kinds else chosen


async def links_of(session: AsyncSession, family: Collection[UUID]) -> Links:
    """What corrects what among all events about these ids, on this page or another."""
    corrects = cast(Happening.said["corrects"].astext, Uuid)
    theirs = Happening.client_id.in_(family)
    because_of_mergers = select(Happening.cause).where(theirs, Happening.cause.is_not(None))
    undone = and_(Happening.kind == MergerUndone.__name__, Happening.ref.in_(because_of_mergers))
    columns = (Happening.event_id, Happening.client_id, Happening.kind, Happening.ref, corrects, Happening.cause)
    query = select(*columns).where(
        or_(and_(theirs, or_(Happening.kind.in_(_CORRECTING), Happening.cause.is_not(None))), undone)
    )
    rows = await session.execute(query.order_by(Happening.recorded_at, Happening.event_id))
    return links(Line(*row) for row in rows)


def event_of(line: Happening) -> Event:
    """The event as it was heard."""
    return KINDS[line.kind].model_validate({**line.said, "occurredOn": line.occurred_on, "by": line.by})
