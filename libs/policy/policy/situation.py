"""Where a client stands after a decision: what caseworker, referral, route and instrument tables look at."""

from bisect import bisect_right
from dataclasses import dataclass

# Shared with the events (`ClientRegistered`, `AgeBandChanged`): the first age of each band.
_FIRST_AGES = (18, 21, 27, 28, 45, 50, 55, 67)
AGE_BANDS = ("18-20", "21-26", "27", "28-44", "45-49", "50-54", "55-pension", "pension")


def age_band(age: int) -> str:
    """The band an age falls in; who is younger than the first band counts with it."""
    return AGE_BANDS[max(0, bisect_right(_FIRST_AGES, age) - 1)]


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
