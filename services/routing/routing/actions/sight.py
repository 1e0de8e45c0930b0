"""Whose clients somebody sees on a work list: their own and those of whom they stand in for, their team's, or all."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sqlalchemy import ColumnElement, and_, false, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from chassis.problems import Forbidden
from chassis.security import Role, Token, in_scope
from chassis.work import Work
from routing.actions import roster
from routing.actions.roster import Place, Roster
from routing.tables import Absence, Staff, WorkItem
from routing.work_items import ACCEPTANCE

Scope = Literal["me", "team", "municipality"]


class Listed(Protocol):
    """Somebody on a list, or who was: whose client, and which roles a handover waits for."""

    @property
    def municipality(self) -> str:
        """Where."""
        ...

    @property
    def caseworkers(self) -> Collection[str]:
        """Who guides or guided the client."""
        ...

    @property
    def roles(self) -> Collection[str]:
        """Who is to accept."""
        ...


@dataclass(frozen=True)
class Sight:
    """The municipalities, and in them whose clients; None means everybody's."""

    municipalities: Collection[str]
    caseworkers: frozenset[Place] | None = None
    receives: frozenset[Place] = field(default_factory=frozenset)
    """Municipality and role for which handovers that wait for acceptance are seen too."""
    unassigned: bool = True
    """Whether clients without caseworker are seen: nobody is unassigned unseen."""

    def shows(self) -> ColumnElement[bool]:
        """Which items are seen."""
        here = WorkItem.municipality.in_(sorted(self.municipalities))
        if self.caseworkers is None:
            return here
        parts = [_among(WorkItem.caseworker_id, self.caseworkers)]
        if self.receives:
            parts.append(and_(WorkItem.what == ACCEPTANCE, _among(WorkItem.role, self.receives)))
        if self.unassigned:
            parts.append(and_(here, WorkItem.caseworker_id.is_(None)))
        return and_(here, or_(*parts))

    def tells(self, of: Listed) -> bool:
        """Whether a change is seen: who is or was on the list."""
        if of.municipality not in self.municipalities:
            return False
        return (
            self.caseworkers is None
            or any((of.municipality, each) in self.caseworkers for each in of.caseworkers)
            or any((of.municipality, each) in self.receives for each in of.roles)
            or (self.unassigned and not of.caseworkers)
        )


def _among(column: InstrumentedAttribute[str | None], places: Collection[Place]) -> ColumnElement[bool]:
    return tuple_(WorkItem.municipality, column).in_(sorted(places)) if places else false()


async def sight_of(work: Work, caller: Token, scope: Scope, municipality: str | None) -> Sight:
    """What the caller sees in a scope. Forbidden outside the token, or where the scope asks for a person or a role."""
    if municipality is not None:
        in_scope(caller, municipality)
    here = {municipality} if municipality is not None else caller.municipalities
    if scope == "municipality":
        if not caller.has(Role.TEAM_MANAGER, Role.FRONT_END):
            raise Forbidden("A whole municipality is for a team manager or a front-end; ask for scope me or team.")
        return Sight(here)
    if caller.subject is None:
        raise Forbidden(f"Scope {scope} is of a person, and this token is an application's; ask for a municipality.")
    people = await _near(work, here, caller)
    if scope == "me":
        mine = frozenset(_seen_to(people, here, caller.subject))
        return Sight(here, mine, frozenset(_roles(people, {(each, caller.subject) for each in here})), unassigned=False)
    team = frozenset(_team(people, here, caller))
    return Sight(here, team, frozenset(_roles(people, team)))


async def _near(work: Work, here: Collection[str], caller: Token) -> Roster:
    """The part of the staff that matters to somebody: the same few people in a town and in a city."""
    of_here = select(Staff).where(Staff.municipality.in_(here))
    mine = (await work.session.scalars(of_here.where(Staff.id == caller.subject))).all()
    teams = {team for each in mine for team in (each.team, *each.manages) if team is not None}
    if not mine and caller.team is not None:
        teams = {caller.team}
    near = await work.session.scalars(of_here.where(or_(Staff.team.in_(teams), Staff.manages.overlap(sorted(teams)))))
    people = {(each.municipality, each.id): each for each in (*mine, *near)}
    names = {name for _, name in people}
    away = await work.session.scalars(
        select(Absence)
        .where(Absence.municipality.in_(here), roster.is_away(work))
        .where(or_(Absence.staff_id.in_(names), Absence.deputy_id == caller.subject))
    )
    return Roster(people, {(each.municipality, each.staff_id): each for each in away})


def _seen_to(people: Roster, here: Collection[str], me: str) -> Iterator[Place]:
    """Somebody's own, and those of who is away and has nobody else who sees to their work."""
    for municipality in here:
        yield municipality, me
        for name in people.stood_in_for(municipality, me):
            yield municipality, name
    for municipality, name in people.people:
        if municipality in here and people.owner(municipality, name) == me:
            yield municipality, name


def _team(people: Roster, here: Collection[str], caller: Token) -> Iterator[Place]:
    """The colleagues of a person, and the teams that the person manages; a token may name the team of who is new."""
    assert caller.subject is not None
    for municipality in here:
        person = people.people.get((municipality, caller.subject))
        teams = {person.team, *person.manages} if person else {caller.team}
        yield municipality, caller.subject
        for (where, name), each in people.people.items():
            if where == municipality and each.team is not None and each.team in teams:
                yield where, name


def _roles(people: Roster, places: Collection[Place]) -> Iterator[Place]:
    for place in places:
        person = people.people.get(place)
        for role in person.roles if person else ():
            yield place[0], role
