"""Emergency access: to a client of another team, now, for a short time, with a reason, and looked at afterwards.

Whoever asks for an id that nobody has gets the same answer, and stands on the same list: asking tells nothing.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from chassis import sight
from chassis.problems import Forbidden, NotFound
from chassis.work import Work
from contracts.routing import EmergencyAccessTaken
from routing.actions import journeys, worklist
from routing.problems import AlreadyReviewed
from routing.tables import EmergencyAccess, Journey


async def take(
    work: Work, staff_id: str, client_id: UUID, municipality: str, reason: str, hours: float
) -> EmergencyAccess:
    """The client is seen by this person from now on, for so many hours on the wall clock."""
    now = work.clock.wall()
    async with sight.whole(work.session):
        client = await _known(work, client_id, municipality)
        access = EmergencyAccess(
            id=work.ids(), municipality=municipality, client_id=client or client_id, staff_id=staff_id, reason=reason,
            taken_on=work.today, taken_at=now, until=now + timedelta(hours=hours), opened=client is not None,
        )  # fmt: skip
        work.session.add(access)
        if client is not None:
            event = EmergencyAccessTaken(
                occurred_on=work.today, by=work.actor, access_id=access.id, staff_id=staff_id, until=access.until
            )
            work.publish(client, municipality, event)
            await worklist.keep(work, {client})  # here and now: at the end it would be out of sight
    return access


async def review(work: Work, access_id: UUID, reviewer: str | None, *, justified: bool) -> EmergencyAccess:
    """Somebody else than who took it says whether it was right."""
    access = await work.session.get(EmergencyAccess, access_id, with_for_update=True)
    if access is None:
        raise NotFound
    if access.reviewed_on is not None:
        raise AlreadyReviewed
    if reviewer is None or reviewer == access.staff_id:
        raise Forbidden("Somebody else than who took the access looks at it.")
    access.reviewed_on, access.reviewed_by, access.justified = work.today, work.actor, justified
    worklist.changed(work, access.client_id)
    return access


async def _known(work: Work, client_id: UUID, municipality: str) -> UUID | None:
    """As whom the client goes on, where there is one in the municipality."""
    now = (await journeys.survivors(work.session, {client_id})).get(client_id, client_id)
    found: UUID | None = await work.session.scalar(
        select(Journey.client_id).where(
            Journey.client_id == now, Journey.municipality == municipality, Journey.state.in_(("active", "exited"))
        )
    )
    return found
