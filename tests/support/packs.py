"""The shipped packs by municipality, for tests of what they say."""

from datetime import date

from policy import Deadline, Library, Pack, Situation, Term

SHARED_PLAN = ("GM1916", "GM0629", "GM0626")
"""The municipalities that made one plan."""
IN_2020, IN_2024 = date(2020, 6, 1), date(2024, 6, 1)
"""Days on which the older and the newer policy of that plan are in force."""


def pack_of(library: Library, municipality: str, on: date = IN_2024) -> Pack:
    """The policy of a municipality on a day."""
    return library.in_force(municipality, on)


def within(deadline: Deadline | None, **length: int) -> None:
    """The deadline is so long, on whatever ground."""
    assert deadline is not None
    assert deadline.term == Term(**length, ground=deadline.ground)


def routes(pack: Pack, **situation: object) -> set[str]:
    """The routes that are open in a situation."""
    category = str(situation["category"])
    here = Situation(track=pack.track_of(category), **situation)  # type: ignore[arg-type] # names of traits
    return {route.id for route in pack.routing.routes_for(here)}
