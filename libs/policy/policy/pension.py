"""When somebody reaches pension age: the statutory age of each calendar year (AOW art. 7a), to the day.

From that day there is no right to social assistance from the municipality; the SVB then supplements an incomplete
pension (AIO, Participatiewet art. 47a). The ages are data, in ``pension_ages.yaml`` beside this module.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files

from ruamel.yaml import YAML

from policy.terms import MONTHS_IN_YEAR

ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=1)
def pension_ages() -> Mapping[int, int]:
    """The pension age in months, by calendar year, as far as it is set."""
    text = files("policy").joinpath("pension_ages.yaml").read_text(encoding="utf-8")
    return {
        year: each["age"]["years"] * MONTHS_IN_YEAR + each["age"].get("months", 0)
        for each in YAML(typ="safe").load(text)["ages"]
        for year in range(each["years"][0], each["years"][1] + 1)
    }


def pension_age(year: int) -> int:
    """The pension age in months in a year; before and after the years that are set, the nearest one that is."""
    ages = pension_ages()
    return ages[min(max(year, min(ages)), max(ages))]


def pension_day(born: date) -> date:
    """The first day on which somebody born on this day has reached pension age.

    In a year with a higher age nobody falls back below it: who reached the age of the year before has reached it. Who
    is born on a day that the month does not have reaches an age on the first of the next, as with 29 February.
    """
    year = born.year + pension_age(born.year) // MONTHS_IN_YEAR
    while (reached := months_after(born, pension_age(year))).year > year:
        year += 1
    return max(reached, date(year, 1, 1))


def months_after(born: date, months: int) -> date:
    """The day on which somebody is so many months old."""
    year, month = divmod(born.year * MONTHS_IN_YEAR + born.month - 1 + months, MONTHS_IN_YEAR)
    last = date(year, month + 1, monthrange(year, month + 1)[1])
    return last.replace(day=born.day) if born.day <= last.day else last + ONE_DAY
