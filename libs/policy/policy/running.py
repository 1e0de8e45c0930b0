"""Which terms run for a client who stands so on the way: pure, for who sets them and for who tries another policy."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from policy.pack import Pack
from policy.routing import LongestOnTrack
from policy.terms import Suspension, Term

LONGEST_STAY: Final = "longest_stay"
FIRST_CONVERSATION = "first_conversation"
REVIEW = "review"
FIP = "fip"
ACCEPTANCE = "acceptance"
AFTERCARE = "aftercare"
ALLOWANCES_CHECK = "allowances_check"
KINDS = (LONGEST_STAY, FIRST_CONVERSATION, REVIEW, FIP, ACCEPTANCE, AFTERCARE, ALLOWANCES_CHECK)
"""The kinds of term that can run for a client."""

MONTHS_IN_YEAR = 12


@dataclass(frozen=True, slots=True)
class AwaitedHandover:
    """A handover that was prepared on a day."""

    id: UUID
    prepared_on: date


@dataclass(frozen=True, slots=True)
class AwaitedCheck:
    """Something that is due after an exit."""

    exit_id: UUID
    exited_on: date


@dataclass(frozen=True, slots=True)
class Spoken:
    """A conversation that was held, and whether face to face; one that an import tells of has no kind, and is any."""

    on: date
    kind: str | None
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the terms of a journey are reckoned from."""

    active: bool
    track: str | None = None
    track_since: date | None = None
    category: str | None = None
    conversations: tuple[Spoken, ...] = ()
    routes: tuple[tuple[str, date], ...] = ()
    """Track and first day of every route there was."""
    suspensions: tuple[Suspension, ...] = ()
    handover: AwaitedHandover | None = None
    aftercare: AwaitedCheck | None = None
    allowances_check: AwaitedCheck | None = None


@dataclass(frozen=True, slots=True)
class RunningTerm:
    """A term that should run now."""

    kind: str
    start: date
    term: Term
    rule: str
    ref: UUID | None = None
    suspensions: tuple[Suspension, ...] = ()
    missed: bool = False


PackOn = Callable[[date], Pack]
"""The pack of the client's municipality that is in force on a day."""


def running_terms(standing: Standing, pack: Pack, pack_on: PackOn) -> Iterator[RunningTerm]:
    """Every term that should run for a journey that stands so; `pack` is the one in force now."""
    if standing.active and standing.track is not None and standing.track_since is not None:
        stay = longest_stay(standing, pack_on)
        if stay is not None:
            yield stay
        yield from _conversations(standing, pack, standing.track_since)
    if standing.active and standing.handover is not None:
        rule = pack.routing.handover.acceptance
        handover = standing.handover
        yield RunningTerm(ACCEPTANCE, handover.prepared_on, rule.term, rule.id, ref=handover.id, missed=True)
    for kind, awaited, rule_after in (
        (AFTERCARE, standing.aftercare, pack.routing.aftercare),
        (ALLOWANCES_CHECK, standing.allowances_check, pack.routing.allowances_check),
    ):
        if awaited is not None and rule_after is not None:
            yield RunningTerm(kind, awaited.exited_on, rule_after.term, rule_after.id, ref=awaited.exit_id)


def longest_stay(standing: Standing, pack_on: PackOn) -> RunningTerm | None:
    """The longest stay on the track, from the first route since the client entered it, by the pack of that day."""
    start = stay_began(standing)
    if start is None or standing.track is None:
        return None
    rule: LongestOnTrack | None = pack_on(start).routing.longest_on_track
    if rule is None or not rule.applies_to(standing.track, standing.category):
        return None
    suspensions = () if rule.counts_suspended else tuple(sorted(_since(start, standing.suspensions), key=_by_time))
    return RunningTerm(LONGEST_STAY, start, rule.term, rule.id, suspensions=suspensions)


def stay_began(standing: Standing) -> date | None:
    """The first day of the first route on the present track since the client entered it."""
    entered = standing.track_since
    days = [day for track, day in standing.routes if track == standing.track and entered is not None and day >= entered]
    return min(days, default=None)


def _since(start: date, suspensions: Iterable[Suspension]) -> Iterator[Suspension]:
    return (each for each in suspensions if each.end is None or each.end > start)


def _by_time(suspension: Suspension) -> tuple[date, date]:
    return suspension.start, suspension.end or date.max


def _conversations(standing: Standing, pack: Pack, entered: date) -> Iterator[RunningTerm]:
    """The first conversation and then reviews in participation; four a year where the pack has them."""
    policy, kinds = pack.routing.participation, pack.routing.conversation_kinds
    since = [each for each in standing.conversations if each.on >= entered]
    if policy is not None and pack.aim_of(standing.track) == "participation":
        seen = [each for each in since if each.seen or not policy.face_to_face_per_year]
        reviews = _days(seen, kinds.review)
        first = min((*_days(seen, kinds.first_conversation), *reviews), default=None)
        if first is None:
            yield RunningTerm(FIRST_CONVERSATION, entered, policy.first_conversation.term, policy.first_conversation.id)
        else:
            yield RunningTerm(REVIEW, max((first, *reviews)), policy.review.term, policy.review.id)
    fip = pack.routing.fip
    if fip is not None and standing.category in fip.categories:
        last = max((entered, *_days(since, kinds.fip)))
        yield RunningTerm(FIP, last, Term(months=MONTHS_IN_YEAR // fip.per_year), FIP)


def _days(held: Iterable[Spoken], kinds: Collection[str] | None) -> list[date]:
    """When there was a conversation of one of these kinds; None is every kind."""
    return [each.on for each in held if kinds is None or each.kind is None or each.kind in kinds]


def conversations_a_year(pack: Pack, category: str, track: str | None) -> int:
    """How many conversations a year the policy asks: by the frequent ones of a category, else by participation's."""
    policy, fip = pack.routing.participation, pack.routing.fip
    if fip is not None and category in fip.categories:
        return fip.per_year
    return policy.face_to_face_per_year if policy is not None and pack.aim_of(track) == "participation" else 0
