"""How a term is reckoned: calendar months, suspensions, and the Algemene termijnenwet for statutory terms.

The order is fixed (CAL-1 to CAL-3): the calendar first, then suspensions, then the rule on days off. Every result
says in Dutch how it came about, so that a caseworker can check it with a calendar in hand.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal, Self

from policy.calendar import ONE_DAY, day_off, is_working_day

Ground = Literal["statutory", "service_norm"]

MONTHS_IN_YEAR = 12
# Art. 4a: the law leaves alone what is longer than 90 days, 12 weeks or 3 months, and what is set in years.
LONGEST_DAYS, LONGEST_WEEKS, LONGEST_MONTHS = 90, 12, 3
# Art. 2: a term of three days or more holds at least two working days.
SHORTEST_PROTECTED, WORKING_DAYS_HELD = 3, 2

_PART = re.compile(r"(\d+) (year|month|week|day)s?")
_NAMES = {
    "years": ("jaar", "jaar"),
    "months": ("maand", "maanden"),
    "weeks": ("week", "weken"),
    "days": ("dag", "dagen"),
}


@dataclass(frozen=True, slots=True)
class Term:
    """A length of time as policy states it, with what it rests on."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0
    ground: Ground = "service_norm"

    def __post_init__(self) -> None:
        if min(self.years, self.months, self.weeks, self.days) < 0:
            raise ValueError("a term cannot be negative")

    @classmethod
    def parse(cls, text: str, ground: Ground = "service_norm") -> Self:
        """Read "24 months", "1 year 6 months", "10 days"."""
        words = text.strip()
        parts = _PART.findall(words)
        units = [unit for _, unit in parts]
        if not parts or _PART.sub("", words).strip() or len(set(units)) < len(units):
            raise ValueError(f'"{text}" is not a term; write for instance "24 months", "6 weeks" or "10 days"')
        return cls(**{f"{unit}s": int(number) for number, unit in parts}, ground=ground)

    @property
    def statutory(self) -> bool:
        """Set by an Act or an order in council, so that the Algemene termijnenwet speaks of it."""
        return self.ground == "statutory"

    @property
    def moves(self) -> bool:
        """Short enough for the Algemene termijnenwet (art. 4a). Parts of several units count together."""
        share = (
            Fraction(self.months, LONGEST_MONTHS)
            + Fraction(self.weeks, LONGEST_WEEKS)
            + Fraction(self.days, LONGEST_DAYS)
        )
        return not self.years and 0 < share <= 1

    @property
    def holds_working_days(self) -> bool:
        """Long enough for art. 2."""
        return bool(self.years or self.months or self.weeks) or self.days >= SHORTEST_PROTECTED

    def after(self, start: date) -> date:
        """The day on which this term ends; months follow the calendar, with the last day of the month as the limit."""
        months = start.year * MONTHS_IN_YEAR + start.month - 1 + self.years * MONTHS_IN_YEAR + self.months
        year, month = divmod(months, MONTHS_IN_YEAR)
        try:
            moved = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
            return moved + timedelta(weeks=self.weeks, days=self.days)
        except (ValueError, OverflowError) as fault:
            raise ValueError(f"{self} from {start} leaves the calendar") from fault

    def before(self, end: date) -> date:
        """The day so long before another, such as a first of the month."""
        months = end.year * MONTHS_IN_YEAR + end.month - 1 - self.years * MONTHS_IN_YEAR - self.months
        year, month = divmod(months, MONTHS_IN_YEAR)
        moved = date(year, month + 1, min(end.day, monthrange(year, month + 1)[1]))
        return moved - timedelta(weeks=self.weeks, days=self.days)

    def __str__(self) -> str:
        parts = [(getattr(self, unit), names) for unit, names in _NAMES.items()]
        return " en ".join(f"{n} {names[n != 1]}" for n, names in parts if n) or "0 dagen"


@dataclass(frozen=True, slots=True, order=True)
class Suspension:
    """Time that does not count: from ``start`` up to, not including, ``end``. Without an end it still runs."""

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"a suspension that ends on {self.end} cannot start on {self.start}")

    @property
    def days(self) -> int:
        """How many days it takes away; only for one that has ended."""
        if self.end is None:
            raise ValueError(f"the suspension from {self.start} still runs")
        return (self.end - self.start).days

    def covers(self, day: date) -> bool:
        """Whether this day is suspended."""
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The end of a term, the end it would have had without suspensions and days off, and how it came about.

    ``due_on`` is None while a suspension runs: the term stands still and nobody knows its end.
    """

    due_on: date | None
    original_due_on: date
    because: tuple[str, ...]

    @property
    def stands_still(self) -> bool:
        """A suspension runs, so there is no end yet."""
        return self.due_on is None


def reckon(
    start: date, term: Term, suspensions: Sequence[Suspension] = (), *, statutory: bool | None = None
) -> Reckoned:
    """Reckon when a term ends (CAL-1 to CAL-3); ``statutory`` overrules the ground the term carries."""
    original = term.after(start)
    because = [f"{term} vanaf {start:%d-%m-%Y} is {original:%d-%m-%Y}."]
    counted = list(_that_count(start, original, suspensions))
    due = original
    for suspension in counted:
        if suspension.end is None:
            because.append(f"Opgeschort vanaf {suspension.start:%d-%m-%Y}, nog zonder einde: de termijn staat stil.")
            return Reckoned(None, original, tuple(because))
        due += timedelta(days=suspension.days)
        because.append(
            f"Opgeschort van {suspension.start:%d-%m-%Y} tot {suspension.end:%d-%m-%Y}"
            f" ({_days(suspension.days)}): wordt {due:%d-%m-%Y}."
        )
    if term.statutory if statutory is None else statutory:
        due = _past_days_off(start, due, term, counted, because)
    else:
        because.append("Geen wettelijke termijn: de Algemene termijnenwet geldt niet, een vrije dag schuift niet.")
    return Reckoned(due, original, tuple(because))


def start_of(used: Term, until: date, suspensions: Sequence[Suspension] = ()) -> date:
    """Since when a term has run of which so much was used until a day: the last day from which `used` had ended then.

    The suspensions are over; the time that they took is not among what was used.
    """
    length = timedelta(weeks=used.weeks, days=used.days + 366 * used.years + 31 * used.months)
    lost = sum((each.days for each in suspensions), 0)
    early, late = until - length - timedelta(days=lost), until
    while early < late:
        middle = late - (late - early) // 2
        ends = reckon(middle, used, suspensions, statutory=False).due_on
        if ends is not None and ends <= until:
            early = middle
        else:
            late = middle - ONE_DAY
    return early


def _days(number: int) -> str:
    return f"{number} {_NAMES['days'][number != 1]}"


def _merged(suspensions: Iterable[Suspension]) -> Iterator[Suspension]:
    """In order of time, with those that overlap or touch made one, so that shared days count once."""
    current: Suspension | None = None
    for suspension in sorted(suspensions, key=lambda s: (s.start, s.end or date.max)):
        if current is None:
            current = suspension
        elif current.end is None:
            break
        elif suspension.start <= current.end:
            end = None if suspension.end is None else max(current.end, suspension.end)
            current = replace(current, end=end)
        else:
            yield current
            current = suspension
    if current is not None:
        yield current


def _that_count(start: date, end: date, suspensions: Iterable[Suspension]) -> Iterator[Suspension]:
    """The suspensions that hit the term: cut off at its start, and none that begins after the end as it then stands."""
    for suspension in _merged(suspensions):
        if suspension.start > end:
            return
        if suspension.end is None:
            yield replace(suspension, start=max(suspension.start, start))
            return
        if suspension.end > max(suspension.start, start):
            counted = replace(suspension, start=max(suspension.start, start))
            end += timedelta(days=counted.days)
            yield counted


def _past_days_off(start: date, due: date, term: Term, suspended: Sequence[Suspension], because: list[str]) -> date:
    """Apply the Algemene termijnenwet: art. 1 (no end on a day off) and art. 2 (at least two working days)."""
    if not term.moves:
        because.append("Langer dan 90 dagen, 12 weken of 3 maanden: de Algemene termijnenwet schuift de termijn niet.")
        return due
    moved = due
    if term.holds_working_days:
        moved = _holding_working_days(start, moved, suspended)
        if moved > due:
            because.append(
                f"Een termijn van drie dagen of meer telt ten minste twee werkdagen (art. 2): wordt {moved:%d-%m-%Y}."
            )
    while (reason := day_off(moved)) is not None:
        because.append(f"{moved:%d-%m-%Y} is een vrije dag ({reason}): schuift een dag op (art. 1).")
        moved += ONE_DAY
    if moved > due:
        because.append(f"De termijn eindigt op {moved:%d-%m-%Y}.")
    return moved


def _holding_working_days(start: date, due: date, suspended: Sequence[Suspension]) -> date:
    held, day, last = 0, start, due
    while held < WORKING_DAYS_HELD:
        day += ONE_DAY
        if any(suspension.covers(day) for suspension in suspended):
            continue
        held += is_working_day(day)
        last = max(last, day)
    return last
