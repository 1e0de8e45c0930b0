"""Who may be a client, how old somebody is at most, and what comes after what at the gate."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol, Self

from stdnum.nl import bsn as bsn_numbers

from contracts.model import AgeBand
from policy import age_band
from policy.pension import pension_day

DivertedTo = Literal["vacancy", "employer_service_point", "other"]
"""Where somebody at the gate is helped who does not apply."""
DecidedAs = Literal["granted", "refused"]
"""What is decided on an application."""

ADULT = 18
LAST_BEFORE_PENSION = 65
"""An age at which nobody has reached pension age yet."""

_WRITTEN_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


@dataclass(frozen=True)
class Fault:
    """Why somebody or something is refused, and the field that it is about."""

    field: str
    """In the words of the API: `birthDate`."""
    detail: str


class NotADate(ValueError):
    """A birth date that no calendar knows."""


@dataclass(frozen=True)
class BirthDate:
    """A birth date of which the day, or the month and the day, may be unknown."""

    year: int
    month: int | None = None
    day: int | None = None

    @classmethod
    def parse(cls, written: str | None) -> Self | None:
        """Read `1980-05-01`, `1980-05`, `1980`; zeros are unknown. None when not even the year is known."""
        found = _WRITTEN_DATE.fullmatch(written or "0000")
        if found is None:
            raise NotADate("is written as 1980-05-01, or as far as it is known: 1980-05 or 1980")
        year, month, day = (int(part or 0) for part in found.groups())
        if year == 0:
            return None
        try:
            date(year, month or 1, day or 1)
        except ValueError:
            raise NotADate("is not a date of the calendar") from None
        return cls(year, month or None, (day or None) if month else None)

    @property
    def first_possible(self) -> date:
        """The first day on which it can have been."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def last_possible(self) -> date:
        """The last day on which it can have been."""
        month = self.month or 12
        return date(self.year, month, self.day or monthrange(self.year, month)[1])

    def age(self, on: date) -> int:
        """The age on a day, reckoned from the last possible day."""
        born = self.last_possible
        return on.year - born.year - ((on.month, on.day) < (born.month, born.day))

    def birthday(self, age: int) -> date:
        """The day on which this age is reached; who was born on 29 February has it on 1 March in other years."""
        born = self.last_possible
        try:
            return born.replace(year=born.year + age)
        except ValueError:
            return date(born.year + age, 3, 1)

    @property
    def pension_day(self) -> date:
        """The first day on which pension age is reached, reckoned from the last possible day."""
        return pension_day(self.last_possible)

    def may_have_pension(self, on: date) -> bool:
        """Whether pension age can have been reached on a day, reckoned from the first possible day."""
        return pension_day(self.first_possible) <= on

    def band(self, on: date) -> AgeBand:
        """The age band on a day; the last begins on the very day of pension."""
        if on >= self.pension_day:
            return "pension"
        return age_band(min(self.age(on), LAST_BEFORE_PENSION))

    def bands_after(self, on: date) -> Iterator[tuple[date, AgeBand]]:
        """The birthdays after a day that move the age band, each with the band that it moves to."""
        present = self.band(on)
        for age in range(self.age(on) + 1, LAST_BEFORE_PENSION):
            band = age_band(age)
            if band != present:
                present = band
                yield self.birthday(age), band
        if present != "pension":
            yield self.pension_day, "pension"


class Person(Protocol):
    """What the rules look at before somebody is registered."""

    bsn: str
    birth_date: str | None
    deceased_on: str | None
    partner_bsn: str | None
    housed_on: date | None


def refusals(person: Person, today: date) -> list[Fault]:
    """Every reason for which this person cannot be registered today; none when they can (INT-11)."""
    return list(_refusals(person, today))


def _refusals(person: Person, today: date) -> Iterator[Fault]:
    yield from bsn_faults("bsn", person.bsn)
    if person.partner_bsn is not None:
        yield from partner_faults("partnerBsn", person.partner_bsn, person.bsn)
    if person.deceased_on:
        yield Fault("deceasedOn", "is somebody who died, and is not registered as a client")
    yield from birth_date_faults(person.birth_date, today)
    if person.housed_on and person.housed_on > today:
        yield Fault("housedOn", f"lies after today, {today}")


def bsn_faults(field: str, number: str) -> Iterator[Fault]:
    """What is wrong with a BSN."""
    if not bsn_numbers.is_valid(number):
        yield Fault(field, "does not pass the eleven-test for a BSN")


def partner_faults(field: str, number: str, own: str) -> Iterator[Fault]:
    """What is wrong with the BSN of somebody's partner, for nobody is their own (INT-12)."""
    mistyped = list(bsn_faults(field, number))
    yield from mistyped
    if not mistyped and plain_bsn(number) == plain_bsn(own):
        yield Fault(field, "is the client's own BSN")


def birth_date_faults(written: str | None, today: date) -> Iterator[Fault]:
    """What is wrong with the birth date of a client."""
    try:
        born = BirthDate.parse(written)
    except NotADate as fault:
        yield Fault("birthDate", str(fault))
        return
    if born is None:
        yield Fault("birthDate", "is unknown, so that nobody can tell an age")
    elif born.age(today) < ADULT:
        yield Fault("birthDate", f"is of somebody younger than {ADULT} on {today}, by the last possible day")


def plain_bsn(number: str) -> str:
    """A BSN as nine digits."""
    return str(bsn_numbers.compact(number))
