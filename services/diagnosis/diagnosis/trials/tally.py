"""What a trial finds: what changes for one client, and the sums over all of them. Pure, and of a size of its own."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from diagnosis.trials.cases import Case, Outcome
from diagnosis.trials.result import (
    BudgetLine,
    Flow,
    InstrumentLost,
    Otherwise,
    PackOf,
    ReferralFlow,
    Result,
    RouteLost,
    TermFlow,
    TrackCosts,
    Workload,
)
from policy import Pack, ReferralRule

Kind = Literal["category", "deadline", "referral", "caseworker", "recorded_otherwise", "route"]


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that changes for one client."""

    client_id: UUID
    kind: Kind
    what: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class Tally:
    """The sums of a trial. `year` is that of the day of the trial: of it costs are counted and budgets read."""

    year: int
    clients: int = 0
    undecided: int = 0
    """Nobody decided on a category yet, so there is nothing to compare."""
    not_assessed: int = 0
    moved: int = 0
    flows: Counter[tuple[str | None, str | None, str, str]] = field(default_factory=Counter)
    terms: Counter[tuple[str, str]] = field(default_factory=Counter)
    referrals: Counter[tuple[str, str | None, str | None]] = field(default_factory=Counter)
    roles: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    otherwise: Counter[tuple[str, str | None, str]] = field(default_factory=Counter)
    tracks: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    costs: dict[tuple[str, str | None], Decimal] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    routes_lost: Counter[str] = field(default_factory=Counter)

    def add(self, case: Case, before: Outcome, after: Outcome, draft: Pack) -> list[Move]:
        """Count a client; what changes for them."""
        self.clients += 1
        if case.recorded is None and case.assessed is None:
            self.undecided += 1
            return []
        self.not_assessed += case.assessed is None
        self.flows[before.category, after.category, before.status, after.status] += 1
        self._count("before", before)
        self._count("after", after)
        self._cost(case, before, after, draft)
        moves = [
            *self._category(case, before, after),
            *self._terms(case, before, after),
            *self._referrals(case, before, after, draft),
            *self._routes(case, draft),
        ]
        if before.role != after.role:
            moves.append(Move(case.client_id, "caseworker", "assigned", before.role, after.role))
        return moves

    def _count(self, when: str, outcome: Outcome) -> None:
        self.tracks[when, outcome.track] += 1
        for role in (outcome.role, *outcome.besides):
            if role is not None:
                self.roles[role, when, "clients"] += 1
        if outcome.role is not None:
            self.roles[outcome.role, when, "conversations"] += outcome.conversations

    def _category(self, case: Case, before: Outcome, after: Outcome) -> Iterator[Move]:
        recorded = case.recorded
        if recorded is not None and case.assessed is not None and recorded.category != before.category:
            self.otherwise[recorded.category, before.category, recorded.basis] += 1
            yield Move(case.client_id, "recorded_otherwise", recorded.basis, recorded.category, before.category)
        if before.category != after.category:
            self.moved += 1
            yield Move(case.client_id, "category", after.status, before.category, after.category)

    def _terms(self, case: Case, before: Outcome, after: Outcome) -> Iterator[Move]:
        for kind in before.terms.keys() | after.terms.keys():
            old, new = _end(before, kind), _end(after, kind)
            if old != new:
                self.terms[kind, _how(old, new)] += 1
                yield Move(case.client_id, "deadline", kind, old, new)

    def _referrals(self, case: Case, before: Outcome, after: Outcome, draft: Pack) -> Iterator[Move]:
        found = [
            ("on_categorisation", _named(before.referral), _named(after.referral)),
            ("after_conversation", _named(before.after_conversation), _named(after.after_conversation)),
        ]
        found += [
            ("under_way", f"{each.partner}/{each.purpose}", None)
            for each in case.course.open_referrals
            if each.partner is not None and each.partner not in draft.partners
        ]
        for what, old, new in found:
            if old != new:
                self.referrals[what, old, new] += 1
                yield Move(case.client_id, "referral", what, old, new)

    def _routes(self, case: Case, draft: Pack) -> Iterator[Move]:
        for each in case.course.open_routes:
            if each.route not in draft.routing.routes:
                self.routes_lost[each.route] += 1
                yield Move(case.client_id, "route", "under_way", each.route, None)

    def _cost(self, case: Case, before: Outcome, after: Outcome, draft: Pack) -> None:
        uses = case.course.uses
        for id in case.course.running_uses:
            if uses[id].instrument not in draft.instruments:
                self.lost[uses[id].instrument] += 1
        spent = sum((each.cost for each in uses.values() if each.started_on.year == self.year), Decimal(0))
        if spent:
            for key in (("before", before.track), ("after", after.track)):
                self.costs[key] = self.costs.get(key, Decimal(0)) + spent

    def result(self, present: Pack, draft: Pack) -> Result:
        """The sums, with the words of the packs."""
        return Result(
            year=self.year,
            present=PackOf.of(present),
            draft=PackOf.of(draft),
            clients=self.clients,
            without_decision=self.undecided,
            not_assessed=self.not_assessed,
            moved=self.moved,
            matrix=[
                Flow(before=old, after=new, status_before=was, status_after=becomes, clients=number)
                for (old, new, was, becomes), number in _sorted(self.flows)
            ],
            deadlines=[
                TermFlow(
                    term=term,
                    **{how: self.terms[term, how] for how in ("earlier", "later", "begins", "ends", "stands_still")},
                )
                for term in sorted({term for term, _ in self.terms})
            ],
            referrals=[
                ReferralFlow(what=what, before=old, after=new, clients=number)
                for (what, old, new), number in _sorted(self.referrals)
            ],
            workload=self._workload(present, draft),
            costs=self._tracks(present, draft),
            budgets=_budgets(present, draft, self.year),
            instruments_lost=[InstrumentLost(instrument=id, uses=number) for id, number in _sorted(self.lost)],
            routes_lost=[RouteLost(route=id, clients=number) for id, number in _sorted(self.routes_lost)],
            recorded_otherwise=[
                Otherwise(recorded=old, redecided=new, basis=basis, clients=number)
                for (old, new, basis), number in _sorted(self.otherwise)
            ],
        )

    def _workload(self, present: Pack, draft: Pack) -> list[Workload]:
        roles = {id: each.label for pack in (present, draft) for id, each in pack.roles.items()}
        found = {role for role, _, _ in self.roles}
        return [
            Workload(
                role=role,
                label=label,
                clients_before=self.roles[role, "before", "clients"],
                clients_after=self.roles[role, "after", "clients"],
                conversations_before=self.roles[role, "before", "conversations"],
                conversations_after=self.roles[role, "after", "conversations"],
            )
            for role, label in roles.items()
            if role in found
        ]

    def _tracks(self, present: Pack, draft: Pack) -> list[TrackCosts]:
        labels: dict[str | None, str | None] = {id: track.label for id, track in present.tracks.items()}
        labels |= {id: track.label for id, track in draft.tracks.items()}
        if any(track is None for _, track in self.tracks):
            labels[None] = None
        return [
            TrackCosts(
                track=track,
                label=label,
                clients_before=self.tracks["before", track],
                clients_after=self.tracks["after", track],
                costs_before=float(self.costs.get(("before", track), 0)),
                costs_after=float(self.costs.get(("after", track), 0)),
            )
            for track, label in labels.items()
        ]


def _sorted(counted: Counter) -> list[tuple]:  # type: ignore[type-arg] # whatever the keys are
    return sorted(counted.items(), key=lambda each: str(each[0]))


def _end(outcome: Outcome, kind: str) -> str | None:
    """The last day of a term in words: a date, that it stands still, or None where it does not run."""
    if kind not in outcome.terms:
        return None
    day = outcome.terms[kind]
    return "stands_still" if day is None else day.isoformat()


def _how(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return "begins" if old is None else "ends"
    if "stands_still" in {old, new}:
        return "stands_still"
    return "earlier" if date.fromisoformat(new) < date.fromisoformat(old) else "later"


def _named(rule: ReferralRule | None) -> str | None:
    return None if rule is None else f"{rule.partner}/{rule.purpose}"


def _budgets(present: Pack, draft: Pack, year: int) -> list[BudgetLine]:
    """What both packs give in the year, line by line."""
    old = {each.id: each for each in present.budgets}
    new = {each.id: each for each in draft.budgets}
    return [
        BudgetLine(
            id=id,
            label=line.label,
            track=line.track,
            before=_amount(old.get(id), year),
            after=_amount(new.get(id), year),
        )
        for id, line in (old | new).items()
    ]


def _amount(line: object, year: int) -> float | None:
    amounts = getattr(line, "amounts", {})
    return float(amounts[year]) if year in amounts else None
