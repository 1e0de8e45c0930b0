"""Whose clients somebody sees on a work list: their own and those of whom they stand in for, their team's, or all."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast, exists, false, func, or_, select, tuple_
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
class Managed:
    """What waits for a manager, besides the manager's own clients."""

    day: date
    towns: frozenset[str]
    """Where the clients are seen for whom nobody of the right role is available (ROU-16)."""
    members: frozenset[Place]
    """Who is in the teams: a handover by one of them that is not accepted in time is seen (ROU-5)."""
    roles: frozenset[Place]
    """The roles of the teams: so is one for one of them."""
    one_team: frozenset[str] = frozenset()
    """The municipalities without teams: so is every one there."""

    def shows(self) -> ColumnElement[bool]:
        """Which items wait for the manager."""
        left = and_(_in(self.towns), WorkItem.caseworker_id.is_(None), WorkItem.role.is_not(None))
        theirs = or_(_guided_by(self.members), _of_role(self.roles), _in(self.one_team))
        return or_(left, and_(WorkItem.what == ACCEPTANCE, WorkItem.due_on < self.day, theirs))

    def tells(self, of: Listed) -> bool:
        """Whether a change may be of what waits for the manager."""
        return (
            (of.municipality in self.towns and not of.caseworkers)
            or (of.municipality in self.one_team and bool(of.roles))
            or _any(of, of.caseworkers, self.members)
            or _any(of, of.roles, self.roles)
        )


@dataclass(frozen=True)
class Sight:
    """The municipalities, and in them whose clients; None means everybody's.

    A handover that waits for acceptance is not on the list of who gives the client, but of who receives.
    """

    municipalities: Collection[str]
    caseworkers: frozenset[Place] | None = None
    receives: frozenset[Place] = field(default_factory=frozenset)
    """Municipality and role for which handovers that wait for acceptance are seen too."""
    me: str | None = None
    """Who looks: what they give they do not receive."""
    one_team: frozenset[str] = frozenset()
    """The municipalities without teams: everybody's clients are the team's."""
    unassigned: bool = True
    """Whether clients without caseworker are seen: nobody is unassigned unseen."""
    managed: Managed | None = None

    def shows(self) -> ColumnElement[bool]:
        """Which items are seen."""
        here = _in(self.municipalities)
        if self.caseworkers is None:
            return here
        parts = [and_(or_(_guided_by(self.caseworkers), _in(self.one_team)), WorkItem.what != ACCEPTANCE)]
        received = or_(_of_role(self.receives), _in(self.one_team))
        parts.append(and_(WorkItem.what == ACCEPTANCE, received, WorkItem.caseworker_id.is_distinct_from(self.me)))
        if self.unassigned:
            parts.append(and_(here, WorkItem.caseworker_id.is_(None)))
        if self.managed is not None:
            parts.append(self.managed.shows())
        return and_(here, or_(*parts))

    def tells(self, of: Listed) -> bool:
        """Whether a change is seen: who is or was on the list."""
        if of.municipality not in self.municipalities:
            return False
        return (
            self.caseworkers is None
            or of.municipality in self.one_team
            or _any(of, of.caseworkers, self.caseworkers)
            or _any(of, of.roles, self.receives)
            or (self.unassigned and not of.caseworkers)
            or (self.managed is not None and self.managed.tells(of))
        )


def _in(municipalities: Collection[str]) -> ColumnElement[bool]:
    return WorkItem.municipality.in_(sorted(municipalities)) if municipalities else false()


def _guided_by(people: Collection[Place]) -> ColumnElement[bool]:
    return _among(WorkItem.caseworker_id, people)


def _of_role(roles: Collection[Place]) -> ColumnElement[bool]:
    return _among(WorkItem.role, roles)


def _among(column: InstrumentedAttribute[str | None], places: Collection[Place]) -> ColumnElement[bool]:
    return tuple_(WorkItem.municipality, column).in_(sorted(places)) if places else false()


def _any(of: Listed, names: Collection[str], places: Collection[Place]) -> bool:
    return any((of.municipality, each) in places for each in names)


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
    one_team = await _without_teams(work, here)
    people, nobodys = await _near(work, here, one_team, caller)
    if scope == "me":
        managed = _managed(work, people, nobodys, here, one_team, caller)
        mine = {*_seen_to(people, here, caller.subject), *_left_alone(people, managed, caller.subject)}
        roles = frozenset(_roles(people, {(each, caller.subject) for each in here}))
        return Sight(here, frozenset(mine), roles, caller.subject, unassigned=False, managed=managed)
    team = nobodys.union(_team(people, here, caller))
    return Sight(here, team, frozenset(_roles(people, team)), caller.subject, one_team)


async def _near(
    work: Work, here: Collection[str], one_team: Collection[str], caller: Token
) -> tuple[Roster, frozenset[Place]]:
    """The part of the staff that matters to somebody: the same few people in a town and in a city.

    Of it, those whom nobody manages and who are a manager's for that.
    """
    of_here = select(Staff).where(Staff.municipality.in_(here))
    stood_in_for = (await work.session.scalars(of_here.where(roster.deputised_by(work, caller.subject)))).all()
    mine = (await work.session.scalars(of_here.where(Staff.id == caller.subject))).all()
    teams = {team for each in mine for team in (each.team, *each.manages) if team is not None}
    teams |= {team for each in stood_in_for for team in each.manages}
    if not mine and caller.team is not None:
        teams = {caller.team}
    near = await work.session.scalars(of_here.where(or_(Staff.team.in_(teams), Staff.manages.overlap(sorted(teams)))))
    nobodys = await _nobodys(work, (*mine, *stood_in_for), frozenset(here).difference(one_team), caller)
    people = {(each.municipality, each.id): each for each in (*mine, *stood_in_for, *near, *nobodys)}
    names = {name for _, name in people}
    away = await work.session.scalars(
        select(Absence)
        .where(Absence.municipality.in_(here), roster.is_away(work))
        .where(or_(Absence.staff_id.in_(names), Absence.deputy_id == caller.subject, Absence.deputy_id.is_(None)))
    )
    absences = {(each.municipality, each.staff_id): each for each in away}
    return Roster(people, absences), frozenset((each.municipality, each.id) for each in nobodys)


async def _nobodys(work: Work, managing: Iterable[Staff], here: frozenset[str], caller: Token) -> Sequence[Staff]:
    """Whom nobody manages, where one of these manages a team; or by the token, where nobody on the staff does."""
    led = {each.municipality for each in managing if each.active and each.manages} & here
    if caller.has(Role.TEAM_MANAGER) and led != here:
        manage = select(Staff.municipality).where(
            Staff.municipality.in_(here - led), Staff.active, func.cardinality(Staff.manages) > 0
        )
        led |= here - led - set(await work.session.scalars(manage.distinct()))
    if not led:
        return ()
    return (await work.session.scalars(select(Staff).where(Staff.municipality.in_(led), roster.is_nobodys()))).all()


async def _without_teams(work: Work, here: Collection[str]) -> frozenset[str]:
    """The municipalities that keep no teams: each is one team."""
    each = func.unnest(cast(sorted(here), ARRAY(Text))).column_valued("here")
    kept = exists().where(Staff.municipality == each, Staff.active, Staff.team.is_not(None))
    return frozenset(await work.session.scalars(select(each).where(~kept)))


def _managed(
    work: Work, people: Roster, nobodys: frozenset[Place], here: Collection[str], one_team: Collection[str],
    caller: Token,
) -> Managed | None:  # fmt: skip
    """What waits for the caller as a manager; None for who manages nobody."""
    mine = {where: each for (where, name), each in people.people.items() if name == caller.subject and each.active}
    manages = {where: people.manages(where, each.id) for where, each in mine.items()}
    towns = {each for each in here if caller.has(Role.TEAM_MANAGER) or manages.get(each)}
    members = nobodys.union(
        place
        for place, each in people.people.items()
        if each.team is not None and each.team in manages.get(place[0], ())
    )
    if not towns:
        return None
    return Managed(
        work.today, frozenset(towns), members, frozenset(_roles(people, members)),
        frozenset(one_team) if caller.has(Role.TEAM_MANAGER) else frozenset(),
    )  # fmt: skip


def _left_alone(people: Roster, managed: Managed | None, me: str) -> Iterator[Place]:
    """Who is away while nobody stands in: a manager's people, and colleagues of whom no manager is there either."""
    for place, absence in people.away.items():
        theirs = managed is not None and (place in managed.members or place[0] in managed.one_team)
        if absence.deputy_id is None and (theirs or _without_manager_beside(people, place, me)):
            yield place


def _without_manager_beside(people: Roster, place: Place, me: str) -> bool:
    """Whether somebody is in one team with the caller, and no manager of it is there."""
    colleague, mine = people.people.get(place), people.people.get((place[0], me))
    if colleague is None or mine is None or mine.team is None or mine.team != colleague.team:
        return False
    return mine.active and not any(people.there(place[0], people.managers(*place)))


def _seen_to(people: Roster, here: Collection[str], me: str) -> Iterator[Place]:
    """Somebody's own, and those of whom they stand in for."""
    for municipality in here:
        yield municipality, me
        for name in people.stood_in_for(municipality, me):
            yield municipality, name


def _team(people: Roster, here: Collection[str], caller: Token) -> Iterator[Place]:
    """The colleagues of a person, and the teams that the person manages; a token may name the team of who is new."""
    assert caller.subject is not None
    for municipality in here:
        person = people.people.get((municipality, caller.subject))
        teams = {person.team, *people.manages(municipality, person.id)} if person else {caller.team}
        yield municipality, caller.subject
        for (where, name), each in people.people.items():
            if where == municipality and each.team is not None and each.team in teams:
                yield where, name


def _roles(people: Roster, places: Collection[Place]) -> Iterator[Place]:
    for place in places:
        person = people.people.get(place)
        for role in person.roles if person else ():
            yield place[0], role
