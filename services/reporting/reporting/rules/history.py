"""From what happened to a client, in whatever order it became known, to where the client stood on any day.

Periods are half open: `until` is the first day on which they no longer hold.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from contracts.diagnosis import (
    AssessmentCompleted,
    AssessmentInDoubt,
    ClientCategorised,
    ExemptionEnded,
    ExemptionGranted,
)
from contracts.intake import (
    AgeBandChanged,
    ApplicationDiverted,
    ApplicationFiled,
    ApplicationWithdrawn,
    BenefitDecided,
    CaseImported,
    ClientDeceased,
    ClientMovedAway,
    ClientRegistered,
    ClientRegistrationUndone,
    ClientsMerged,
    HouseholdChanged,
    MergerUndone,
    NotificationReceived,
    RegistrationRestored,
)
from contracts.routing import ClientExited, ClientReturned, ExitReverted, HandoverAccepted

STANDING = frozenset(
    event.__name__
    for event in (
        ClientRegistered, AgeBandChanged, ClientsMerged, MergerUndone, ClientRegistrationUndone, ClientDeceased,
        ClientMovedAway,
        NotificationReceived, ApplicationFiled, ApplicationWithdrawn, ApplicationDiverted, BenefitDecided,
        CaseImported, AssessmentCompleted, AssessmentInDoubt, ClientCategorised, ExemptionGranted, ExemptionEnded,
        HandoverAccepted, ClientExited, ExitReverted, ClientReturned, RegistrationRestored, HouseholdChanged,
    )
)  # fmt: skip
"""The kinds of events that a history is made of; all others are only counted."""

ONE_DAY = timedelta(days=1)

SpellKind = Literal["client", "benefit"]
BenefitState = Literal["none", "applied", "granted", "refused", "ended"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One event that is counted, as it was heard."""

    event_id: UUID
    client_id: UUID
    """The event's subject: the client that it was about when it was said."""
    kind: str
    occurred_on: date
    recorded_at: datetime
    known_on: date
    category: str | None = None
    track: str | None = None
    what: str | None = None
    """The one word that tells events of a kind apart: a reason, an outcome, a form, a step."""
    partner: str | None = None
    instrument: str | None = None
    goal: str | None = None
    amount: Any = None
    ref: UUID | None = None
    """The exit, handover, referral, exemption, route or use of an instrument that it is a step of."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What a history needs besides: days and traits, in the words of the event."""
    corrects: UUID | None = None
    """The `ref` of earlier facts that do not count any more because of this one."""
    cause: UUID | None = None
    """The merger, or the undoing of one, because of which it was said."""

    @property
    def order(self) -> tuple[date, datetime, UUID]:
        """What happened first comes first; on one day, what was recorded first."""
        return self.occurred_on, self.recorded_at, self.event_id

    def day(self, name: str) -> date | None:
        """A day that the event told."""
        value = self.told.get(name)
        return date.fromisoformat(value) if value else None


@dataclass(frozen=True, slots=True)
class Period:
    """From a day up to and not including another, or without an end."""

    since: date
    until: date | None

    def holds(self, on: date) -> bool:
        """Whether the day lies in it."""
        return self.since <= on and (self.until is None or on < self.until)


@dataclass(frozen=True, slots=True)
class Spell(Period):
    """A time as a client, or a time on benefit."""

    kind: SpellKind
    began_by: UUID
    """The event that began it."""
    reason: str | None = None
    """Why it ended."""
    ended_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class Placement(Period):
    """A time in one category and on one track."""

    category: str | None
    track: str | None
    """Where the client was guided; it follows the category by a handover."""
    advised_track: str | None
    """The track that the category belongs to."""
    status: Literal["decided", "in_doubt", "undecided"]
    basis: str | None
    event_id: UUID


@dataclass(frozen=True, slots=True)
class Exempt(Period):
    """A time of exemption from the duty to look for work."""

    permanent: bool
    exemption_id: UUID | None
    """Absent where an import brought the exemption along."""
    event_id: UUID


@dataclass(frozen=True, slots=True)
class Traits:
    """What registration and later events told of a client, as it is now."""

    household_id: UUID | None = None
    household_kind: str | None = None
    age_band: str | None = None
    permit_holder: bool | None = None
    without_benefit: bool | None = None
    indications: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """A client through time, as it is known."""

    client_id: UUID
    traits: Traits = Traits()
    spells: tuple[Spell, ...] = ()
    placements: tuple[Placement, ...] = ()
    exemptions: tuple[Exempt, ...] = ()
    benefit: BenefitState = "none"
    deceased_on: date | None = None
    registered_on: date | None = None

    def is_client(self, on: date) -> bool:
        """Whether the journey was open on this day."""
        return any(spell.kind == "client" and spell.holds(on) for spell in self.spells)

    def on_benefit(self, on: date) -> bool:
        """Whether the client belonged to the caseload on this day."""
        return any(spell.kind == "benefit" and spell.holds(on) for spell in self.spells)

    def placement(self, on: date) -> Placement | None:
        """Category and track on this day."""
        return next((each for each in reversed(self.placements) if each.holds(on)), None)

    def exemption(self, on: date) -> Exempt | None:
        """The exemption in force on this day, a permanent one before a temporary."""
        held = [each for each in self.exemptions if each.holds(on)]
        return max(held, key=lambda each: each.permanent, default=None)

    def of(self, kind: SpellKind) -> Iterator[Spell]:
        """The spells of a kind, in order of time."""
        return (spell for spell in self.spells if spell.kind == kind)


@dataclass(frozen=True)
class Book:
    """All clients of a municipality, as they are known."""

    histories: Mapping[UUID, History]
    into: Mapping[UUID, UUID]
    """As whom a client goes on who was registered twice."""
    undone: frozenset[UUID]
    """Registered by mistake: they never counted."""

    def who(self, client_id: UUID) -> UUID | None:
        """The client that an event about this id counts for; None when it was registered by mistake."""
        now = survivor(client_id, self.into)
        return None if now in self.undone else now

    def history(self, client_id: UUID) -> History | None:
        """The history of whom an event is about."""
        now = self.who(client_id)
        return self.histories.get(now) if now else None


def survivor(client_id: UUID, into: Mapping[UUID, UUID]) -> UUID:
    """Follow mergers to their end; a circle, which only contradicting events make, ends where it began."""
    seen = {client_id}
    while (following := into.get(client_id)) is not None and following not in seen:
        seen.add(following)
        client_id = following
    return client_id


def book(facts: Iterable[Fact]) -> Book:
    """The histories of all clients that these facts are about."""
    by_subject: defaultdict[UUID, list[Fact]] = defaultdict(list)
    for fact in without_undone_mergers(facts):
        by_subject[fact.client_id].append(fact)
    into, undone = _mergers(by_subject), _undone(by_subject)
    families: defaultdict[UUID, list[Fact]] = defaultdict(list)
    for subject, told in by_subject.items():
        root = survivor(subject, into)
        families[root] += [] if subject in undone else told
    histories = {root: history(root, told) for root, told in families.items() if root not in undone}
    return Book(histories, into, undone)


def without_undone_mergers(facts: Iterable[Fact]) -> list[Fact]:
    """The facts as if what was undone had never been merged.

    What was said because of such a merger does not count, nor what was said once more because it was undone.
    """
    told = list(facts)
    undoing = [fact for fact in told if fact.kind == MergerUndone.__name__]
    fallen = {fact.ref for fact in undoing} | {fact.event_id for fact in undoing}
    return [fact for fact in told if fact.event_id not in fallen and fact.cause not in fallen]


def _mergers(by_subject: Mapping[UUID, Sequence[Fact]]) -> dict[UUID, UUID]:
    merged = (
        (fact.order, fact) for told in by_subject.values() for fact in told if fact.kind == ClientsMerged.__name__
    )
    return {
        fact.client_id: fact.ref for _, fact in sorted(merged) if fact.ref is not None and fact.ref != fact.client_id
    }


def _undone(by_subject: Mapping[UUID, Sequence[Fact]]) -> frozenset[UUID]:
    wrong = ClientRegistrationUndone.__name__
    return frozenset(subject for subject, told in by_subject.items() if any(fact.kind == wrong for fact in told))


def history(client_id: UUID, facts: Iterable[Fact]) -> History:
    """The history of one client, of all facts about it and about those merged into it."""
    ordered = sorted(facts, key=lambda fact: fact.order)
    spells = tuple(_spells(ordered))
    return History(
        client_id=client_id,
        traits=_traits(client_id, ordered),
        spells=spells,
        placements=tuple(_placements(ordered)),
        exemptions=tuple(_exemptions(ordered)),
        benefit=_benefit(ordered, spells),
        deceased_on=next(
            (fact.occurred_on for fact in _standing(ordered) if fact.kind == ClientDeceased.__name__), None
        ),
        registered_on=next((fact.occurred_on for fact in ordered if fact.kind == ClientRegistered.__name__), None),
    )


# Spells


@dataclass(frozen=True, slots=True)
class _Change:
    """A day on which spells begin or end."""

    on: date
    rank: tuple[datetime, UUID, int]
    event_id: UUID
    opens: tuple[SpellKind, ...] = ()
    reason: str | None = None
    """Why spells end; None where none does."""
    at_the_gate: bool = False
    """Ends a journey only where no benefit was granted yet."""
    final: bool = False
    """Nothing begins after it."""
    decided_on: date | None = None


_ENDS = {
    ClientDeceased.__name__: "deceased",
    ClientMovedAway.__name__: "moved_away",
    ApplicationDiverted.__name__: "diverted",
    ApplicationWithdrawn.__name__: "withdrawn",
}
_AT_THE_GATE = frozenset({ApplicationDiverted.__name__, ApplicationWithdrawn.__name__})


_RESTORED = {"deceased": ClientDeceased.__name__, "moved_away": ClientMovedAway.__name__}


def _standing(facts: Sequence[Fact]) -> Iterator[Fact]:
    """The facts without exits, deaths and departures that were a mistake."""
    reverted = {fact.ref for fact in facts if fact.kind == ExitReverted.__name__}
    mistaken = _taken_back(facts)
    for fact in facts:
        if fact.event_id not in mistaken and not (fact.kind == ClientExited.__name__ and fact.ref in reverted):
            yield fact


def _taken_back(facts: Sequence[Fact]) -> set[UUID]:
    """The deaths and departures that were recorded by mistake: of each that was taken back, the last one recorded."""
    standing: defaultdict[str, list[UUID]] = defaultdict(list)
    mistaken: set[UUID] = set()
    for fact in sorted(facts, key=lambda fact: (fact.recorded_at, fact.event_id)):
        if fact.kind in _RESTORED.values():
            standing[fact.kind].append(fact.event_id)
        elif fact.kind == RegistrationRestored.__name__ and standing[_RESTORED[fact.what or ""]]:
            mistaken.add(standing[_RESTORED[fact.what or ""]].pop())
    return mistaken


def _spells(facts: Sequence[Fact]) -> Iterator[Spell]:
    changes = sorted(
        (change for fact in _standing(facts) for change in _changes(fact)), key=lambda each: (each.on, each.rank)
    )
    ends = [(change.on, change.rank) for change in changes if change.reason is not None and not change.at_the_gate]
    running: dict[SpellKind, _Change] = {}
    for change in changes:
        if change.reason is None:
            if not _overtaken(change, ends):
                for kind in change.opens:
                    running.setdefault(kind, change)
            continue
        if change.at_the_gate and "benefit" in running:
            continue
        yield from (_spell(kind, begun, change) for kind, begun in running.items())
        running.clear()
        if change.final:
            return
    yield from (_spell(kind, begun, None) for kind, begun in running.items())


def _spell(kind: SpellKind, begun: _Change, ended: _Change | None) -> Spell:
    if ended is None:
        return Spell(begun.on, None, kind, begun.event_id)
    return Spell(begun.on, ended.on, kind, begun.event_id, ended.reason, ended.event_id)


def _overtaken(change: _Change, ends: Sequence[tuple[date, Any]]) -> bool:
    """Benefit was granted from a later day, and before that day the client had gone."""
    if change.decided_on is None:
        return False
    decided = (change.decided_on, change.rank)
    return any(decided < end and end[0] < change.on for end in ends)


def _changes(fact: Fact) -> Iterator[_Change]:
    """What a fact does to spells."""
    on, at, by = fact.occurred_on, fact.recorded_at, fact.event_id
    match fact.kind:
        case NotificationReceived.__name__ | ApplicationFiled.__name__:
            yield _Change(on, (at, by, 0), by, ("client",))
        case ClientRegistered.__name__ if fact.what == "front_end":
            yield _Change(on, (at, by, 0), by, ("client",))
        case ClientReturned.__name__:
            yield _Change(on, (at, by, 0), by, ("client", "benefit"))
        case BenefitDecided.__name__ if fact.what == "granted":
            yield _Change(fact.day("benefitFrom") or on, (at, by, 0), by, ("client", "benefit"), decided_on=on)
        case CaseImported.__name__:
            yield from _imported_spells(fact)
        case ClientExited.__name__:
            yield _Change(on, (at, by, 1), by, reason=fact.what)
        case kind if kind in _ENDS:
            gate, final = kind in _AT_THE_GATE, kind == ClientDeceased.__name__
            yield _Change(on, (at, by, 1), by, reason=_ENDS[kind], at_the_gate=gate, final=final)


def _imported_spells(fact: Fact) -> Iterator[_Change]:
    benefit_from, exited_on = fact.day("benefitFrom"), fact.day("exitedOn")
    at, by = fact.recorded_at, fact.event_id
    if benefit_from is not None and (exited_on is None or benefit_from <= exited_on):
        yield _Change(benefit_from, (at, by, 0), by, ("client", "benefit"))
    elif exited_on is None:
        yield _Change(fact.occurred_on, (at, by, 0), by, ("client",))
    if exited_on is not None:
        yield _Change(exited_on, (at, by, 1), by, reason=fact.told.get("exitReason") or "other")


def _benefit(facts: Sequence[Fact], spells: Sequence[Spell]) -> BenefitState:
    """How the question of benefit stands now."""
    benefit = [spell for spell in spells if spell.kind == "benefit"]
    if benefit and benefit[-1].until is None:
        return "granted"
    state: BenefitState = "ended" if benefit else "none"
    ended = benefit[-1].until if benefit else None
    for fact in _standing(facts):
        if fact.kind == ClientDeceased.__name__:
            break
        if ended is not None and fact.occurred_on < ended:
            continue
        if fact.kind == ApplicationFiled.__name__:
            state = "applied"
        elif fact.kind == BenefitDecided.__name__ and fact.what == "refused":
            state = "refused"
        elif fact.kind == ApplicationWithdrawn.__name__ and state == "applied":
            state = "ended" if benefit else "none"
    return state


# Placements


@dataclass(frozen=True, slots=True)
class _Stand:
    category: str | None = None
    track: str | None = None
    advised_track: str | None = None
    status: Literal["decided", "in_doubt", "undecided"] = "undecided"
    basis: str | None = None


def _placements(facts: Sequence[Fact]) -> Iterator[Placement]:
    stands: list[tuple[date, _Stand, UUID]] = []
    stand = _Stand()
    told = ((_effective(fact), fact) for fact in _uncorrected(facts))
    for on, fact in sorted(told, key=lambda each: (each[0], *each[1].order)):
        following = _next(stand, fact)
        if following != stand:
            stands.append((on, following, fact.event_id))
            stand = following
    ends = [*(on for on, _, _ in stands[1:]), None]
    for (since, held, event_id), until in zip(stands, ends, strict=False):
        if since != until and held != _Stand():
            yield Placement(
                since, until, held.category, held.track, held.advised_track, held.status, held.basis, event_id
            )


def _uncorrected(facts: Sequence[Fact]) -> Iterator[Fact]:
    """The facts without assessments, and decisions on them, in whose place others stand (DIA-13)."""
    completed, categorised = AssessmentCompleted.__name__, ClientCategorised.__name__
    replaced = {(fact.kind, fact.corrects) for fact in facts if fact.corrects is not None}
    by = {AssessmentInDoubt.__name__: completed, categorised: categorised}
    return (fact for fact in facts if fact.ref is None or (by.get(fact.kind), fact.ref) not in replaced)


def _effective(fact: Fact) -> date:
    """The day from which a fact tells a category: of an import, the day the client was put in it."""
    if fact.kind != CaseImported.__name__:
        return fact.occurred_on
    return fact.day("categorisedOn") or fact.day("benefitFrom") or fact.occurred_on


def _next(stand: _Stand, fact: Fact) -> _Stand:
    match fact.kind:
        case ClientCategorised.__name__:
            status: Literal["decided", "in_doubt"] = "in_doubt" if fact.what == "in_doubt" else "decided"
            advised = fact.track or stand.advised_track
            return _Stand(fact.category, stand.track or fact.track, advised, status, fact.told.get("basis"))
        case CaseImported.__name__ if fact.category is not None or fact.track is not None:
            return _Stand(fact.category, fact.track, fact.track, "decided" if fact.category else "undecided", "import")
        case HandoverAccepted.__name__:
            return _Stand(stand.category, fact.track, stand.advised_track, stand.status, stand.basis)
        case AssessmentInDoubt.__name__ if stand.category is None:
            return _Stand(None, stand.track, stand.advised_track, "in_doubt", stand.basis)
        case ClientReturned.__name__:
            return _Stand()
    return stand


# Exemptions and traits


def _exemptions(facts: Sequence[Fact]) -> list[Exempt]:
    """One that was granted again goes on as if it had not ended; one that ended on its first day never held."""
    running: list[Exempt] = []
    granted = {
        fact.ref: fact.recorded_at
        for fact in sorted(facts, key=lambda fact: fact.recorded_at)
        if fact.kind == ExemptionGranted.__name__
    }
    for fact in facts:
        match fact.kind:
            case ExemptionGranted.__name__:
                running = [each for each in running if each.exemption_id != fact.ref]
                running.append(_exempt(fact, fact.occurred_on, fact.day("until"), fact.ref))
            case CaseImported.__name__ if fact.told.get("exemptedPermanently") or fact.told.get("exemptedUntil"):
                running.append(_exempt(fact, _effective(fact), fact.day("exemptedUntil"), None))
            case ExemptionEnded.__name__ if granted.get(fact.ref, fact.recorded_at) <= fact.recorded_at:
                running = [_ended(each, fact) if each.exemption_id in (fact.ref, None) else each for each in running]
    return [each for each in running if each.since != each.until]


def _exempt(fact: Fact, since: date, last_day: date | None, exemption_id: UUID | None) -> Exempt:
    until = max(since, last_day + ONE_DAY) if last_day else None
    return Exempt(since, until, last_day is None, exemption_id, fact.event_id)


def _ended(exempt: Exempt, fact: Fact) -> Exempt:
    on = max(exempt.since, fact.occurred_on)
    until = on if exempt.until is None else min(exempt.until, on)
    return Exempt(exempt.since, until, exempt.permanent, exempt.exemption_id, exempt.event_id)


def _traits(client_id: UUID, facts: Sequence[Fact]) -> Traits:
    """What was told last; of a client registered twice, what was told of the one that stays."""
    told: dict[str, Any] = {}
    told_last = sorted(
        _uncorrected(facts), key=lambda each: (each.client_id == client_id, each.recorded_at, each.event_id)
    )
    for fact in told_last:
        match fact.kind:
            case ClientRegistered.__name__:
                told |= {
                    "household_id": UUID(fact.told["householdId"]),
                    "household_kind": fact.told["householdKind"],
                    "permit_holder": fact.told["permitHolder"],
                    "without_benefit": fact.told["withoutBenefit"],
                    "age_band": fact.told["ageBand"],
                }
            case HouseholdChanged.__name__:
                told |= {
                    "household_id": UUID(fact.told["householdId"]),
                    "household_kind": fact.told["householdKind"],
                }
            case AgeBandChanged.__name__:
                told["age_band"] = fact.what
            case ClientCategorised.__name__ | CaseImported.__name__:
                told["indications"] = tuple(sorted(fact.told.get("indications", ())))
    return Traits(**told)
