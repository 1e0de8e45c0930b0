"""Who accepts or returns a handover: who has the role that receives, and their manager; never who gives (ROU-5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Forbidden
from chassis.security import Role, Token
from chassis.work import Work
from routing.actions import caseworkers, roster
from routing.actions.journeys import pack_of
from routing.actions.roster import Roster
from routing.tables import Handover, Journey, WorkItem
from routing.work_items import ACCEPTANCE


@dataclass(frozen=True, slots=True)
class Given:
    """A handover as it concerns who receives it: where, for which role, and who gives the client."""

    municipality: str
    role: str | None
    caseworker_id: str | None
    prepared_by: str | None


async def check(work: Work, caller: Token, journey: Journey, handover: Handover) -> None:
    """Forbidden for who gives the client, and for who is neither of the receiving role nor manages somebody who is."""
    role = caseworkers.role_for(work, journey, handover.to_track)
    given = Given(journey.municipality, role, journey.caseworker_id, handover.prepared_by)
    if receives(caller, given, await roster.today(work, [journey.municipality])):
        return
    named = pack_of(work, journey).roles[role].label
    if _gives(caller, given):
        raise Forbidden(
            f"You give this client. A colleague who receives clients as {named} does this, or their manager."
        )
    raise Forbidden(f"In {journey.municipality} this is for who receives the client, {named}, or for their manager.")


async def offered(work: Work, caller: Token, items: Iterable[WorkItem]) -> set[UUID]:
    """The handovers among these items that the caller can accept or return."""
    waiting = {each.ref: each for each in items if each.what == ACCEPTANCE}
    if not waiting:
        return set()
    rows = await work.session.execute(select(Handover.id, Handover.prepared_by).where(Handover.id.in_(waiting)))
    prepared_by = {row.id: row.prepared_by for row in rows}
    people = await roster.today(work, {each.municipality for each in waiting.values()})
    return {
        ref
        for ref, each in waiting.items()
        if receives(caller, Given(each.municipality, each.role, each.caseworker_id, prepared_by.get(ref)), people)
    }


def receives(caller: Token, given: Given, people: Roster) -> bool:
    """Whether it is the caller's to accept; applications enter what others decided.

    Who stands in for a manager today sees to it as the manager does. Where nobody of the receiving role is in any team,
    every manager of the municipality does.
    """
    if caller.has(Role.FRONT_END):
        return True
    if caller.subject is None or caller.subject == given.caseworker_id:
        return False
    able = [
        each for (where, name), each in people.people.items()
        if where == given.municipality and each.active and given.role in each.roles and name != given.caseworker_id
    ]  # fmt: skip
    teams = {each.team for each in able if each.team is not None}
    if teams & people.manages(given.municipality, caller.subject) or (not teams and caller.has(Role.TEAM_MANAGER)):
        return True
    return caller.actor != given.prepared_by and any(each.id == caller.subject for each in able)


def _gives(caller: Token, given: Given) -> bool:
    return caller.subject == given.caseworker_id or caller.actor == given.prepared_by
