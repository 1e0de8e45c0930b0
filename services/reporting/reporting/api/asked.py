"""What the routes ask in common: of which municipality, over which days, as known on which day."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Depends, Query
from pydantic import PlainSerializer

from chassis.models import Day
from chassis.problems import Invalid
from chassis.routes import WorkInHand
from chassis.security import Caller, in_scope
from chassis.work import Work
from reporting.actions.reading import read_book, read_told, span_of
from reporting.rules.history import Book
from reporting.rules.told import Span, Told

Municipality = Annotated[
    str, Query(pattern=r"^GM\d{4}$", description="CBS code of the municipality", examples=["GM9999"])
]
Known = Annotated[Day | None, Query(alias="knownOn", description="Reckon with what was known on this day only")]

Amount = Annotated[float, PlainSerializer(lambda value: round(value, 2), return_type=float)]
"""A number with two decimals at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for."""

    municipality: str
    span: Span
    known_on: date | None

    async def read(self, work: Work) -> tuple[Book, Told]:
        """All that the figures are reckoned from."""
        known = await read_book(work.session, self.municipality, self.known_on)
        return known, await read_told(work.session, self.municipality, self.span, self.known_on)


def not_future(work: Work, on: date, pointer: str) -> date:
    """The day itself; Invalid when it has yet to come, for nothing is known of it."""
    if on > work.today:
        raise Invalid.at(pointer, f"lies in the future; today is {work.today}")
    return on


async def _on(
    work: WorkInHand,
    caller: Caller,
    municipality: Municipality,
    on: Annotated[Day | None, Query(description="The day of the figures, and the last of the period; today")] = None,
    since: Annotated[Day | None, Query(alias="from", description="First day of the period; 1 January")] = None,
    known_on: Known = None,
) -> Asked:
    in_scope(caller, municipality)
    until = not_future(work, on or work.today, "#query/on")
    return Asked(municipality, span_of(since or date(until.year, 1, 1), until), known_on)


async def _over(
    work: WorkInHand,
    caller: Caller,
    municipality: Municipality,
    since: Annotated[Day, Query(alias="from", description="First day of the period")],
    to: Annotated[Day, Query(description="Last day of the period")],
    known_on: Known = None,
) -> Asked:
    in_scope(caller, municipality)
    return Asked(municipality, span_of(since, not_future(work, to, "#query/to")), known_on)


AskedOn = Annotated[Asked, Depends(_on)]
"""On a day, and over the period that ends with it."""

AskedOver = Annotated[Asked, Depends(_over)]
"""Over a period."""
