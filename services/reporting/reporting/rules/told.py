"""What a period's figures are counted from: its facts, and those from before it that still matter."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from contracts.partners import ReferralClosed, ReferralDeclined, ReferralEnded, ReferralSent, ReferralWaiting
from contracts.routing import (
    InstrumentEnded,
    InstrumentStarted,
    ParticipationRecorded,
    PartTimeWorkRecorded,
    ReferralRequested,
    ReferralWithdrawn,
    RouteEnded,
    RouteStarted,
)
from reporting.rules.history import ONE_DAY, Fact

REFERRAL_ENDS = (
    ReferralDeclined.__name__,
    ReferralEnded.__name__,
    ReferralClosed.__name__,
    ReferralWithdrawn.__name__,
)
"""The kinds that end a referral."""
ENDS_OF: Mapping[str, tuple[str, ...]] = {
    RouteStarted.__name__: (RouteEnded.__name__,),
    InstrumentStarted.__name__: (InstrumentEnded.__name__,),
    ReferralRequested.__name__: REFERRAL_ENDS,
    ReferralWaiting.__name__: REFERRAL_ENDS,
    ReferralSent.__name__: REFERRAL_ENDS,
}
"""By the kind that begins something, the kinds that end it."""

REMEMBERED = frozenset({ParticipationRecorded.__name__, PartTimeWorkRecorded.__name__})
"""Kinds that hold until the next of their kind."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period to report on, its last day inclusive."""

    since: date
    until: date

    def has(self, day: date | None) -> bool:
        """Whether a day lies in it."""
        return day is not None and self.since <= day <= self.until

    @property
    def eve(self) -> date:
        """The day before."""
        return self.since - ONE_DAY

    @property
    def years(self) -> Iterator["Span"]:
        """The calendar years in it, the first and last as far as they lie in it."""
        for year in range(self.since.year, self.until.year + 1):
            yield Span(max(self.since, date(year, 1, 1)), min(self.until, date(year, 12, 31)))


@dataclass(frozen=True)
class Told:
    """The facts of a period, and those from before it that still matter, in order."""

    span: Span
    within: tuple[Fact, ...] = ()
    before: tuple[Fact, ...] = ()

    @cached_property
    def by_kind(self) -> Mapping[str, list[Fact]]:
        """The facts of the period by their kind."""
        found: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in self.within:
            found[fact.kind].append(fact)
        return found
