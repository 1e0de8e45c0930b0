"""Targets of the policy: figure, norm, sample and a traffic light (REP-6).

A target is of clients: those who stood in its category (or on its track) on their last day as clients in the period,
so that who exited counts as well. What events cannot tell is said, never guessed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal
from uuid import UUID

from contracts.intake import ApplicationDiverted, NotificationReceived
from contracts.partners import ReferralEnded, ReferralSent
from contracts.routing import (
    InstrumentStarted,
    ParticipationRecorded,
    PartTimeWorkRecorded,
    ReferralRequested,
    RouteStarted,
)
from policy import Pack, Target
from reporting.rules.figures import category_of, share, track_of
from reporting.rules.history import ONE_DAY, Book, Fact, History
from reporting.rules.told import ENDS_OF, Span, Told

Light = Literal["green", "amber", "red", "none"]
AMBER_PCT = 10
"""Within this part of the norm a figure that misses it is amber."""
YEARS_BEFORE = 3
"""The multi-year average is of the year and these before it (REP-4)."""

WORK = frozenset({"work", "self_employment"})
SCHOOL = frozenset({"education"})
TOWARDS_WORK = frozenset({"work", "education", "language"})
"""Goals of instruments that guide to work or school."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of a target."""

    id: str
    label: str
    figure: str
    of: str | None
    category: str | None
    track: str | None
    partner: str | None
    norm: Decimal
    unit: str
    direction: str
    value: Decimal | None
    part: int | None
    """How many reached it."""
    sample: int | None
    """Of how many it was reckoned."""
    light: Light
    unanswered: str | None
    """Why there is no figure."""
    document: str
    section: str


class Unanswerable(Exception):
    """The events do not tell this figure."""


@dataclass(frozen=True, slots=True)
class _Figure:
    value: Decimal | None
    part: int | None = None
    sample: int | None = None


def reached(pack: Pack, known: Book, told: Told) -> list[Reached]:
    """All targets of the pack over a period."""
    reckoning = _Reckoning(pack, known, told)
    return [_reached(target, reckoning) for target in pack.targets]


def _reached(target: Target, reckoning: "_Reckoning") -> Reached:
    found, unanswered = _Figure(None), None
    try:
        found = reckoning.figure(target)
    except Unanswerable as reason:
        unanswered = str(reason)
    years = not target.years or reckoning.span.until.year in target.years
    return Reached(
        id=target.id, label=target.label, figure=target.figure, of=target.of, category=target.category,
        track=target.track, partner=target.partner, norm=target.norm, unit=target.unit, direction=target.direction,
        value=found.value, part=found.part, sample=found.sample,
        light=light(found.value, target.norm, target.direction) if years else "none",
        unanswered=unanswered, document=target.source.document, section=target.source.section,
    )  # fmt: skip


def light(value: Decimal | None, norm: Decimal, direction: str) -> Light:
    """Green when the norm is met, amber when it is missed by a tenth of it at most, red otherwise."""
    if value is None:
        return "none"
    missed = norm - value if direction == "at_least" else value - norm
    if missed <= 0:
        return "green"
    return "amber" if missed * 100 <= norm * AMBER_PCT else "red"


class _Reckoning:
    """The clients and facts that targets are reckoned of."""

    def __init__(self, pack: Pack, known: Book, told: Told) -> None:
        self.pack, self.known, self.told, self.span = pack, known, told, told.span

    def figure(self, target: Target) -> _Figure:
        """The figure of a target; Unanswerable when the events do not tell it."""
        if target.of == "multi_year_average":
            return self._more_than_average(target)
        if target.figure in _COUNTED:
            return _COUNTED[target.figure](self, target)
        holds = _HELD.get(target.figure)
        if holds is None:
            raise Unanswerable(f"no event tells {target.figure.replace('_', ' ')}")
        group = [each for each in self._cohort(target) if self._belongs(each, target)]
        part = sum(holds(self, each) for each in group)
        return _Figure(share(part, len(group)), part, len(group))

    def _cohort(self, target: Target) -> Iterator[History]:
        for history in self.known.histories.values():
            last = self._last_day(history, self.span)
            if last is None:
                continue
            if target.category is not None and category_of(history, last) != target.category:
                continue
            if target.track is not None and track_of(history, last) != target.track:
                continue
            yield history

    def _belongs(self, history: History, target: Target) -> bool:
        """Whether a client is one of those that the target speaks of."""
        referred = history.client_id in self._referred_to(target.partner)
        match target.of:
            case None:
                return target.partner is None or referred
            case "referred":
                return referred
            case "not_referred":
                return not referred and history.is_client(self.span.until)
            case "remaining":
                return history.is_client(self.span.until)
        raise Unanswerable(f"no event tells who are meant by {target.of.replace('_', ' ')}")

    def _last_day(self, history: History, span: Span) -> date | None:
        """The last day of a period on which somebody was a client."""
        last = None
        for spell in history.of("client"):
            ended = span.until if spell.until is None else min(span.until, max(spell.since, spell.until - ONE_DAY))
            if spell.since <= span.until and ended >= span.since:
                last = ended
        return last

    def _referred_to(self, partner: str | None) -> set[UUID]:
        """Who was at a partner in the period: of `not referred` without a partner, at any of those policy names."""
        named = {partner} if partner else {each.partner for each in self.pack.targets if each.partner}
        return {
            now for fact in self._all(ReferralSent) if fact.partner in named and (now := self.known.who(fact.client_id))
        }

    def _all(self, kind: type) -> Iterator[Fact]:
        """Facts of a kind in the period and those from before it that still run."""
        return (fact for fact in self.told.before + self.told.within if fact.kind == kind.__name__)

    def exited(self, history: History, reasons: frozenset[str], span: Span | None = None) -> bool:
        """Whether a journey ended for one of these reasons in the period."""
        return any(spell.reason in reasons and (span or self.span).has(spell.until) for spell in history.of("client"))

    @cached_property
    def in_guidance(self) -> frozenset[UUID]:
        """Who is on the way to work or school at the end: on a route, with an instrument, or at a partner."""
        return (
            self._running(RouteStarted) | self._running(InstrumentStarted, TOWARDS_WORK) | self._running(ReferralSent)
        )

    @cached_property
    def active(self) -> frozenset[UUID]:
        """Who takes part in anything at the end: on a route, with an instrument, at a partner, or as a volunteer."""
        forms = {self.known.who(fact.client_id): fact.what for fact in self._all(ParticipationRecorded)}
        taking_part = {client for client, form in forms.items() if client and form not in (None, "none")}
        return (
            self._running(RouteStarted) | self._running(InstrumentStarted) | self._running(ReferralSent) | taking_part
        )

    def _running(self, kind: type, goals: frozenset[str] | None = None) -> frozenset[UUID]:
        ended = {fact.ref for fact in self.told.within + self.told.before if fact.kind in ENDS_OF[kind.__name__]}
        running = (fact for fact in self._all(kind) if fact.ref not in ended and (goals is None or fact.goal in goals))
        return frozenset(now for fact in running if (now := self.known.who(fact.client_id)))

    def diverted(self, _: Target) -> _Figure:
        """Notifications that ended without an application, of all notifications."""
        counted = {
            kind: sum(self.known.who(fact.client_id) is not None for fact in self.told.by_kind[kind.__name__])
            for kind in (NotificationReceived, ApplicationDiverted)
        }
        part, sample = counted[ApplicationDiverted], counted[NotificationReceived]
        return _Figure(share(part, sample), part, sample)

    def placements(self, target: Target) -> _Figure:
        """Referrals for the target's purpose that ended in a placement."""
        for_it = {fact.ref for fact in self._all(ReferralRequested) if target.purpose in (None, fact.what)}
        placed = [
            fact for fact in self.told.by_kind[ReferralEnded.__name__]
            if fact.ref in for_it and fact.what == "placed" and target.partner in (None, fact.partner)
            if (history := self.known.history(fact.client_id))
            if target.category in (None, category_of(history, fact.occurred_on))
        ]  # fmt: skip
        return _Figure(Decimal(len(placed)), len(placed))

    def referrals(self, target: Target) -> _Figure:
        """Referrals to partners of the target's kinds, or to any."""
        kinds = target.partner_kinds
        partners = {each.id for each in self.pack.partners.values() if not kinds or each.kind in kinds}
        sent = [
            fact for fact in self.told.by_kind[ReferralSent.__name__]
            if fact.partner in partners and self.known.who(fact.client_id)
        ]  # fmt: skip
        return _Figure(Decimal(len(sent)), len(sent))

    def _more_than_average(self, target: Target) -> _Figure:
        """By how many percent this year is above the average of this year and the three before it."""
        year = self.span.until.year
        years = [self._in_year(target, each) for each in range(year - YEARS_BEFORE, year + 1)]
        average = Decimal(sum(years)) / len(years)
        value = ((years[-1] - average) * 100 / average).quantize(Decimal("0.1")) if average else None
        return _Figure(value, years[-1], sum(years))

    def _in_year(self, target: Target, year: int) -> int:
        span = Span(date(year, 1, 1), min(date(year, 12, 31), self.span.until))
        if target.figure == "exit_to_work":
            return sum(self.exited(history, WORK, span) for history in self.known.histories.values())
        if target.figure == "part_time_work":
            worked = (fact for fact in self._all(PartTimeWorkRecorded) if span.has(fact.occurred_on))
            return len({now for fact in worked if (now := self.known.who(fact.client_id))})
        raise Unanswerable(f"no event tells {target.figure.replace('_', ' ')} over several years")


_COUNTED: Mapping[str, Callable[[_Reckoning, Target], _Figure]] = {
    "diverted": _Reckoning.diverted,
    "placements": _Reckoning.placements,
    "referrals": _Reckoning.referrals,
}
"""Figures that count events."""

_HELD: Mapping[str, Callable[[_Reckoning, History], bool]] = {
    "exit_to_work": lambda self, history: self.exited(history, WORK),
    "exit_to_work_or_school": lambda self, history: self.exited(history, WORK | SCHOOL),
    "exit_by_enforcement": lambda self, history: self.exited(history, frozenset({"enforcement"})),
    "in_guidance": lambda self, history: history.client_id in self.in_guidance,
    "active": lambda self, history: history.client_id in self.active,
}
"""Figures that hold of a client or not."""

FIGURES = frozenset(_COUNTED) | frozenset(_HELD)
"""The figures that can be reckoned."""
