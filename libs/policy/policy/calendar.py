"""Days off and working days, as the Algemene termijnenwet (BWBR0002448) counts them.

Art. 3 names the holidays and lets royal decrees equate more days with them; those decrees are data, in
``royal_decree_days.yaml`` beside this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files

import holidays
from ruamel.yaml import YAML

SATURDAY = 5
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Decrees:
    """The royal decrees on record: the days they equate with holidays, and the years they speak of."""

    days: Mapping[date, str]
    years: frozenset[int]


@lru_cache(maxsize=1)
def decrees() -> Decrees:
    """The decrees that ship with this package."""
    text = files("policy").joinpath("royal_decree_days.yaml").read_text(encoding="utf-8")
    listed = YAML(typ="safe").load(text)["decrees"]
    return Decrees(
        days={day: decree["source"] for decree in listed for day in decree["days"]},
        years=frozenset(year for decree in listed for year in range(decree["first_year"], decree["last_year"] + 1)),
    )


def years_without_decree(on: date) -> tuple[int, ...]:
    """Those of this year and the next for which no decree is on record: a reason to alarm somebody."""
    return tuple(year for year in (on.year, on.year + 1) if year not in decrees().years)


@lru_cache(maxsize=256)
def holidays_of(year: int) -> Mapping[date, str]:
    """The recognised holidays of a year: art. 3 (1) and (2), 5 May every year, and the decrees' days (art. 3 (3))."""
    of_the_law = holidays.country_holidays(
        "NL", years=year, categories=("public", "optional"), language="nl", observed=True
    )
    of_decrees = {day: f"gelijkgesteld, {source}" for day, source in decrees().days.items() if day.year == year}
    return of_decrees | dict(of_the_law)


def day_off(day: date) -> str | None:
    """Why this is a day off ("zaterdag", "Goede Vrijdag"), or None for a working day."""
    holiday = holidays_of(day.year).get(day)
    if holiday is not None:
        return holiday
    if day.weekday() < SATURDAY:
        return None
    return "zaterdag" if day.weekday() == SATURDAY else "zondag"


def is_working_day(day: date) -> bool:
    """No Saturday, Sunday or recognised holiday."""
    return day_off(day) is None


def next_working_day(day: date) -> date:
    """The day itself when it is a working day, else the first one after it."""
    while not is_working_day(day):
        day += ONE_DAY
    return day
