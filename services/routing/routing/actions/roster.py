"""Who is there today: teams, their managers, who is away and who stands in (ROU-16)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from chassis.work import Work
from routing.tables import Absence, Staff

Place = tuple[str, str]
"""A municipality, and somebody who works for it."""


@dataclass(frozen=True)
class Roster:
    """The staff of some municipalities as it is on one day."""

    people: Mapping[Place, Staff]
    away: Mapping[Place, Absence]

    def owner(self, municipality: str, caseworker: str | None) -> str | None:
        """Who sees to a caseworker's due work today: the caseworker, who stands in, or a manager.

        That is a manager of the team; of whom nobody manages, any of the municipality. None when nobody is there: then
        it stands with the team, or of a client without caseworker with all who see those.
        """
        if caseworker is None:
            return None
        responsible = self.managers(municipality, caseworker) or self.chiefs(municipality)
        return next(self.there(municipality, [caseworker]), next(self.there(municipality, responsible), None))

    def not_there(self, place: Place) -> str:
        """Why somebody takes on no clients today, in words; nothing of who does."""
        person, absence = self.people.get(place), self.away.get(place)
        if person is None:
            return f"is not on the staff of {place[0]}"
        if not person.active:
            return f"does not work for {place[0]} any more"
        if absence is None:
            return ""
        until = f"is away until {absence.last_day or 'a day not yet known'}"
        deputy = "" if absence.deputy_id is None else f", and {absence.deputy_id} stands in"
        return f"{until}{deputy}; name somebody who is there"

    def managers(self, municipality: str, member: str) -> list[str]:
        """Who manages the team of a member of staff, be they there or away, in order of their ids."""
        person = self.people.get((municipality, member))
        return [] if person is None else [name for name, leads in self._led(municipality) if person.team in leads]

    def chiefs(self, municipality: str) -> list[str]:
        """Who manages a team of a municipality: what is no team's concern is that of all of them."""
        return [name for name, leads in self._led(municipality) if leads]

    def _led(self, municipality: str) -> Iterator[tuple[str, Collection[str]]]:
        here = ((name, each) for (where, name), each in sorted(self.people.items()) if where == municipality)
        return ((name, each.manages) for name, each in here if each.active)

    def there(self, municipality: str, names: Iterable[str]) -> Iterator[str]:
        """Those of these people who are there today, and for the others who stands in."""
        for name in names:
            absence = self.away.get((municipality, name))
            who = name if absence is None else absence.deputy_id
            if who is not None:
                yield who

    def manages(self, municipality: str, who: str) -> frozenset[str]:
        """The teams that somebody manages today: their own, and those of the managers for whom they stand in."""
        names = (who, *self.stood_in_for(municipality, who))
        people = [self.people[municipality, name] for name in names if (municipality, name) in self.people]
        return frozenset(team for each in people if each.active for team in each.manages)

    def stood_in_for(self, municipality: str, deputy: str) -> frozenset[str]:
        """Those whose due work somebody sees to today, besides their own."""
        return frozenset(
            name
            for (where, name), absence in self.away.items()
            if where == municipality and absence.deputy_id == deputy
        )


def is_away(work: Work) -> ColumnElement[bool]:
    """Whether an absence holds today."""
    return and_(
        Absence.cancelled_on.is_(None),
        Absence.first_day <= work.today,
        or_(Absence.last_day.is_(None), Absence.last_day >= work.today),
    )


def deputised_by(work: Work, deputy: str | None) -> ColumnElement[bool]:
    """Whether somebody on the staff is away today while this person stands in."""
    return exists().where(
        Absence.municipality == Staff.municipality, Absence.staff_id == Staff.id, Absence.deputy_id == deputy,
        is_away(work),
    )  # fmt: skip


def is_nobodys() -> ColumnElement[bool]:
    """Whether somebody on the staff is in no team, or in one that nobody manages."""
    manager = aliased(Staff)
    led = select(manager.municipality, func.unnest(manager.manages)).where(manager.active)
    return or_(Staff.team.is_(None), tuple_(Staff.municipality, Staff.team).not_in(led))


async def led_by(work: Work, municipalities: Collection[str], who: str | None) -> set[Place]:
    """The teams, each in its municipality, that somebody manages today, or for whose manager they stand in."""
    manages = select(Staff.municipality, func.unnest(Staff.manages)).where(
        Staff.municipality.in_(municipalities), Staff.active, or_(Staff.id == who, deputised_by(work, who))
    )
    return {(municipality, team) for municipality, team in await work.session.execute(manages)}


async def today(work: Work, municipalities: Collection[str]) -> Roster:
    """The staff of these municipalities, as it is today."""
    people = await work.session.scalars(select(Staff).where(Staff.municipality.in_(municipalities)))
    away = await work.session.scalars(
        select(Absence).where(Absence.municipality.in_(municipalities), is_away(work)).order_by(Absence.first_day)
    )
    return Roster(
        {(each.municipality, each.id): each for each in people},
        {(each.municipality, each.staff_id): each for each in away},
    )
