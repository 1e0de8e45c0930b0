"""Loading journeys, locked against whoever else decides on the same client at the same time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts import Envelope, Event
from policy import Pack
from routing.problems import NotOnJourney
from routing.tables import Journey, MergedClient

WITH_ALL = (
    selectinload(Journey.routes),
    selectinload(Journey.suspensions),
    selectinload(Journey.handovers),
    selectinload(Journey.referrals),
    selectinload(Journey.exits),
)


@dataclass(frozen=True, slots=True)
class Act:
    """The civil day on which something happened, and who did or entered it."""

    on: date
    by: str

    @classmethod
    def heard(cls, event: Event) -> "Act":
        """What follows from a heard event happened on its day, by who caused it."""
        return cls(event.occurred_on, event.by)

    @classmethod
    def entered(cls, work: Work, on: date | None, pointer: str) -> "Act":
        """Entered by the caller, today or late; 400 for a day in the future."""
        if on is not None and on > work.today:
            raise Invalid.at(pointer, f"lies in the future; today is {work.today}")
        return cls(on or work.today, work.actor)

    @classmethod
    def of_clock(cls, work: Work) -> "Act":
        """What the passing of time does, today."""
        return cls(work.today, "clock")


def pack_of(work: Work, journey: Journey, on: date | None = None) -> Pack:
    """The pack in force in the client's municipality today, or on a day; before the first pack, today's."""
    return work.policies.of_then(journey.municipality, on or work.today, work.today)


async def of(work: Work, envelopes: Sequence[Envelope[Any]]) -> dict[UUID, Journey]:
    """The journeys that a batch of events is about, by the subject each event names; those not yet known begin."""
    into = await survivors(work.session, {envelope.subject for envelope in envelopes})
    municipalities = {into.get(each.subject, each.subject): each.municipality for each in envelopes}
    journeys = await begin(work, municipalities)
    return {envelope.subject: journeys[into.get(envelope.subject, envelope.subject)] for envelope in envelopes}


async def begun(work: Work, client_id: UUID, municipality: str) -> Journey:
    """The journey of a client, which begins here when it is not known."""
    return (await begin(work, {client_id: municipality}))[client_id]


async def find(work: Work, client_id: UUID, *, lock: bool = True) -> Journey:
    """The journey of a client that a request names; NotFound when there is none in sight. Who only reads locks not."""
    into = await survivors(work.session, {client_id})
    wanted = into.get(client_id, client_id)
    journey = (await load(work.session, [wanted], lock=lock)).get(wanted)
    if journey is None or journey.state in {"undone", "merged"}:
        raise NotFound("No client of this id is on a journey here.")
    return journey


async def find_active(work: Work, client_id: UUID) -> Journey:
    """As `find`; a conflict when the client has exited."""
    journey = await find(work, client_id)
    if not journey.active:
        raise NotOnJourney
    return journey


async def find_on(work: Work, client_id: UUID, on: date) -> Journey:
    """As `find`; a conflict when the client had exited by that day. What happened before can be entered late."""
    journey = await find(work, client_id)
    left = journey.standing_exit
    if not journey.active and (left is None or on > left.on):
        raise NotOnJourney
    return journey


async def load(session: AsyncSession, client_ids: Collection[UUID], *, lock: bool = True) -> dict[UUID, Journey]:
    """Journeys with all that belongs to them, locked in order of id."""
    await session.flush()
    query = select(Journey).where(Journey.client_id.in_(client_ids)).order_by(Journey.client_id).options(*WITH_ALL)
    if lock:
        query = query.with_for_update()
    found = await session.scalars(query.execution_options(populate_existing=True))
    return {journey.client_id: journey for journey in found}


async def survivors(session: AsyncSession, client_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """As whom the merged among these clients go on."""
    rows = await session.execute(
        select(MergedClient.client_id, MergedClient.survivor_id).where(MergedClient.client_id.in_(client_ids))
    )
    return {row.client_id: row.survivor_id for row in rows}


async def begin(work: Work, municipalities: Mapping[UUID, str]) -> dict[UUID, Journey]:
    """The journeys of these clients, by municipality; those that are not known begin here."""
    journeys = await load(work.session, municipalities.keys())
    missing = municipalities.keys() - journeys.keys()
    if missing:
        begin = insert(Journey).on_conflict_do_nothing()
        await work.session.execute(begin, [_first_row(each, municipalities[each]) for each in sorted(missing)])
        journeys |= await load(work.session, missing)
    return journeys


def _first_row(client_id: UUID, municipality: str) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "municipality": municipality,
        "state": "active",
        "indications": [],
        "exempted_permanently": False,
    }
