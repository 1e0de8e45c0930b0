"""Pure decisions: who guides, where a handover may go, what a conversation leads to; terms are `policy.running`."""

from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args
from uuid import UUID

from contracts.routing import ExitReason
from policy import Pack, Suspension, Term, reckon

OPEN_HANDOVER = ("due", "prepared", "returned")
OPEN_REFERRAL = ("requested", "waiting", "scheduled", "sent", "acknowledged", "accepted", "started", "held")

AGREEMENT = "agreement"
"""The kind of the deadline of an agreement: when its day passed, somebody asks whether it was kept."""

FULL_TIME = Decimal(36)
"""Hours a week of whom nobody said otherwise."""

HoursBand = Literal["0-8", "9-16", "17-24", "25-31", "32+"]
IncomeBand = Literal["0-250", "251-500", "501-750", "751-1000", "1001+"]
Rung = Literal["talk", "influence", "measure"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may guide the client, with the hours a week they work."""

    id: str
    hours: Decimal


def least_loaded(candidates: Iterable[Candidate], caseload: Mapping[str, int]) -> Candidate | None:
    """Who has the least clients for the hours they work; of equals the first by id."""
    return min(candidates, key=lambda each: (caseload.get(each.id, 0) / Fraction(each.hours), each.id), default=None)


def handover_reason(pack: Pack, to_track: str) -> Literal["categorised", "readiness"]:
    """Why a diagnosis hands over: towards work it is readiness."""
    return "readiness" if pack.aim_of(to_track) == "work" else "categorised"


def hands_over(journey_track: str, diagnosed_track: str, *, suspended_by_exemption: bool) -> bool:
    """Whether a diagnosis leads to a handover: never while an exemption only suspends."""
    return journey_track != diagnosed_track and not suspended_by_exemption


def rung(ladder: Collection[str], taken: Collection[str]) -> Rung:
    """The rung that follows an agreement that was not kept: the first not yet taken, or the last once more."""
    steps = [step for step in get_args(Rung) if step in ladder] or ["talk"]
    found: Rung = next((step for step in steps if step not in taken), steps[-1])
    return found


def hours_band(hours: int) -> HoursBand:
    """The band of a number of hours a week."""
    bands: tuple[tuple[int, HoursBand], ...] = ((8, "0-8"), (16, "9-16"), (24, "17-24"), (31, "25-31"))
    return next((band for most, band in bands if hours <= most), "32+")


def income_band(income: Decimal) -> IncomeBand:
    """The band of an income a month, in whole euros and rounded up."""
    bands: tuple[tuple[int, IncomeBand], ...] = (
        (250, "0-250"), (500, "251-500"), (750, "501-750"), (1000, "751-1000"),
    )  # fmt: skip
    return next((band for most, band in bands if income <= most), "1001+")


def months_used(start: date, until: date, suspensions: Iterable[Suspension]) -> int:
    """The whole months of a stay from a day up to another, without the days that stood still."""
    months = 0
    while (due := reckon(start, Term(months=months + 1), tuple(suspensions)).due_on) is not None and due <= until:
        months += 1
    return months


def last_of_month(day: date) -> date:
    """The last day of the month that a day lies in."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def exit_reason(written: str | None) -> ExitReason:
    """The reason of an exit that an import brings along; one that we do not know is another one."""
    reasons: tuple[ExitReason, ...] = get_args(ExitReason)
    return next((reason for reason in reasons if reason == written), "other")


def is_back(left_on: date, left: UUID, registration: UUID, decided: Iterable[date]) -> bool:
    """Whether who left under one id is on a new journey under another: registered, or decided on, after the exit.

    Ids sort by the moment at which they were made. A registration that was there already is of the same journey.
    """
    return registration > left or any(on > left_on for on in decided)
