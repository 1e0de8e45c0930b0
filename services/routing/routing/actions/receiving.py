"""Who accepts or returns a handover: who has the role that receives, and their manager; never who gives (ROU-5)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, column, false, func, select, true, tuple_

from chassis.problems import Forbidden
from chassis.security import Role, Token
from chassis.work import Work
from routing.actions import caseworkers, roster
from routing.actions.journeys import pack_of
from routing.actions.roster import Place
from routing.tables import Handover, Journey, Staff, WorkItem
from routing.work_items import ACCEPTANCE


@dataclass(frozen=True, slots=True)
class Given:
    """A handover as it concerns who receives it: where, for which role, and who gives the client."""

    municipality: str
    role: str | None
    caseworker_id: str | None
    prepared_by: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Those who have a role in a municipality and are alike to the caller; of many, the first and the last by id."""

    municipality: str
    role: str
    mine: bool
    """In a team that the caller manages today."""
    led: bool
    """In a team that somebody manages."""
    me: bool
    """The caller."""
    first: str
    last: str

    def has_others_than(self, giver: str | None) -> bool:
        """Whether there is anybody but who gives the client."""
        return {self.first, self.last} != {giver}


async def check(work: Work, caller: Token, journey: Journey, handover: Handover) -> None:
    """Forbidden for who gives the client, and for who is neither of the receiving role nor manages somebody who is."""
    role = caseworkers.role_for(work, journey, handover.to_track)
    given = Given(journey.municipality, role, journey.caseworker_id, handover.prepared_by)
    if receives(caller, given, await _able(work, caller, [(journey.municipality, role)])):
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
    able = await _able(work, caller, {(each.municipality, each.role) for each in waiting.values() if each.role})
    return {
        ref
        for ref, each in waiting.items()
        if receives(caller, Given(each.municipality, each.role, each.caseworker_id, prepared_by.get(ref)), able)
    }


def receives(caller: Token, given: Given, able: Iterable[Group]) -> bool:
    """Whether it is the caller's to accept; applications enter what others decided.

    Who stands in for a manager today sees to it as the manager does. Where nobody of the receiving role is in a team
    that somebody manages, every manager of the municipality does.
    """
    if caller.has(Role.FRONT_END):
        return True
    if caller.subject is None or caller.subject == given.caseworker_id:
        return False
    there = [
        each for each in able
        if (each.municipality, each.role) == (given.municipality, given.role)
        and each.has_others_than(given.caseworker_id)
    ]  # fmt: skip
    nobodys = not any(each.led for each in there)
    if any(each.mine for each in there) or (nobodys and caller.has(Role.TEAM_MANAGER)):
        return True
    return caller.actor != given.prepared_by and any(each.me for each in there)


async def _able(work: Work, caller: Token, roles: Collection[Place]) -> Sequence[Group]:
    """Who receives clients in these roles, each in its municipality: as few rows for a city as for a town."""
    roles_of = func.unnest(Staff.roles).table_valued(column("role", Text), name="role_of").render_derived()
    role = roles_of.c.role
    led_by_me = await roster.led_by(work, {municipality for municipality, _ in roles}, caller.subject)
    mine = tuple_(Staff.municipality, Staff.team).in_(led_by_me) if led_by_me else false()
    alike = (Staff.municipality, role, func.coalesce(mine, false()), ~roster.is_nobodys(), Staff.id == caller.subject)
    found = await work.session.execute(
        select(*alike, func.min(Staff.id), func.max(Staff.id))
        .join_from(Staff, roles_of, true())
        .where(Staff.active, tuple_(Staff.municipality, role).in_(roles))
        .group_by(*alike)
    )
    return [Group(*row) for row in found]


def _gives(caller: Token, given: Given) -> bool:
    return caller.subject == given.caseworker_id or caller.actor == given.prepared_by
