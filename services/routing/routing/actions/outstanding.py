"""What stands open about clients and is somebody's to do: read here, for the work list, and changed elsewhere."""

from collections.abc import Collection, Iterable
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, select

from chassis.deadlines import Deadline
from chassis.work import Work
from routing.actions import reckoning
from routing.spoken import Agreement
from routing.tables import EmergencyAccess, IntakeDuty, Journey

R = TypeVar("R", IntakeDuty, Agreement, EmergencyAccess)


async def terms(work: Work, found: Iterable[Journey]) -> dict[UUID, list[Deadline]]:
    """The deadlines that run or fired and of which the reason still holds, by client."""
    by_id = {journey.client_id: journey for journey in found}
    wanted = await reckoning.wanted(work, by_id)
    standing: dict[UUID, dict[reckoning.Key, Deadline]] = {}
    for deadline in sorted(await reckoning.there(work, by_id), key=lambda each: each.id):
        key = reckoning.key_of(deadline)
        if reckoning.as_wanted(deadline, wanted.get(key)):
            standing.setdefault(deadline.subject, {})[key] = deadline
    return {client_id: list(of_client.values()) for client_id, of_client in standing.items()}


async def duties(work: Work, client_ids: Collection[UUID]) -> dict[UUID, list[IntakeDuty]]:
    """What intake waits for, by client."""
    return await _by_client(work, IntakeDuty, client_ids, IntakeDuty.closed_on.is_(None))


async def missed_agreements(work: Work, client_ids: Collection[UUID]) -> dict[UUID, list[Agreement]]:
    """The agreements that were not kept and after which the step of the ladder is still to be taken, by client."""
    return await _by_client(
        work, Agreement, client_ids, Agreement.in_state("missed"), Agreement.step_taken_on.is_(None)
    )


async def accesses(work: Work, client_ids: Collection[UUID]) -> dict[UUID, list[EmergencyAccess]]:
    """The accesses at which nobody looked yet, by client."""
    return await _by_client(work, EmergencyAccess, client_ids, EmergencyAccess.reviewed_on.is_(None))


async def _by_client(
    work: Work, table: type[R], client_ids: Collection[UUID], *conditions: ColumnElement[bool]
) -> dict[UUID, list[R]]:
    if not client_ids:
        return {}
    by_client: dict[UUID, list[R]] = {}
    for each in await work.session.scalars(select(table).where(table.client_id.in_(client_ids), *conditions)):
        by_client.setdefault(each.client_id, []).append(each)
    return by_client
