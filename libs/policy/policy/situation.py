"""Where a client stands after a decision: what caseworker, referral, route and instrument tables look at."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import get_args

from policy.facts import AgeBand, Facts

# Shared with the events (`ClientRegistered`, `AgeBandChanged`): the first age of each band. Pension age is a matter of
# months and of the calendar year: where the birth date is known, `policy.pension` tells its day.
FIRST_AGES = (18, 21, 27, 28, 45, 50, 55, 67)
AGE_BANDS: tuple[AgeBand, ...] = get_args(AgeBand)
AROUND_PENSION: tuple[AgeBand, ...] = ("55-pension", "pension")


def age_band(age: int) -> AgeBand:
    """The band an age falls in; who is younger than the first band counts with it."""
    return AGE_BANDS[max(0, bisect_right(FIRST_AGES, age) - 1)]


def age_band_of(facts: Facts) -> AgeBand | None:
    """The band of the age that the assessment found, else the registered one, which knows the day of pension."""
    if facts.age is None:
        return facts.age_band
    found = age_band(facts.age)
    knows_the_day = found in AROUND_PENSION and facts.age_band in AROUND_PENSION
    return facts.age_band if knows_the_day else found


@dataclass(frozen=True, slots=True)
class Situation:
    """A client's traits. None means: not known."""

    category: str | None = None
    track: str | None = None
    age_band: str | None = None
    starting_qualification: bool | None = None
    permit_holder: bool | None = None
    without_benefit: bool | None = None
    prospect_of_work: bool | None = None
    indications: frozenset[str] = frozenset()
    exempted: bool = False

    def values(self) -> dict[str, object]:
        """Trait by name, as the tables ask for them."""
        return {name: getattr(self, name) for name in TRAITS}


TRAITS = tuple(Situation.__dataclass_fields__)
