"""A client as a trial finds them, and what one policy makes of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Literal
from uuid import UUID

from diagnosis.rules import ONE_DAY, Known, complete
from diagnosis.trials.course import Course
from policy import Exemption, Facts, Pack, ReferralRule, Situation, Suspension, Term, reckon
from policy.running import conversations_a_year, running_terms

REMEMBERED = 65_536
"""Terms of which the end is kept: a caseload holds the same ones again and again."""
Status = Literal["decided", "in_doubt", "undecided", "not_assessed"]
NOBODY_KNOWS_WHY = "not_recorded"
"""The reason of an exemption that came in without an assessment."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The category in which a client stands, as it was decided or came in."""

    category: str
    track: str
    basis: str


@dataclass(frozen=True, slots=True)
class Assessed:
    """What was found on a day, and by which a professional decided last."""

    on: date
    facts: Facts


@dataclass(frozen=True, slots=True)
class Exempted:
    """An exemption that holds on the day of the trial."""

    until: date | None


@dataclass(slots=True)
class Case:
    """A client of the caseload on the day of the trial."""

    client_id: UUID
    known: Known
    recorded: Recorded | None = None
    assessed: Assessed | None = None
    exempted: Exempted | None = None
    indications: Mapping[str, bool] = field(default_factory=dict)
    """What UWV decided after the assessment."""
    track: str | None = None
    """Where the client is, which is not where the category asks while a handover is under way."""
    track_since: date | None = None
    course: Course = field(default_factory=Course)

    def facts(self) -> Facts:
        """The facts of the assessment with exemption and indications as they are on the day, as a proposal has them."""
        found = self.assessed.facts if self.assessed else Facts()
        kinds = set(found.indications) | {kind for kind, granted in self.indications.items() if granted}
        kinds -= {kind for kind, granted in self.indications.items() if not granted}
        exemption = None
        if self.exempted is not None:
            reason = found.exemption.reason if found.exemption else NOBODY_KNOWS_WHY
            exemption = Exemption(reason=reason, until=self.exempted.until)
        changed = {"exemption": exemption, "indications": frozenset(kinds)}
        return complete(found.model_copy(update=changed), self.known)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy makes of a client."""

    status: Status
    category: str | None
    track: str | None
    role: str | None = None
    besides: tuple[str, ...] = ()
    referral: ReferralRule | None = None
    after_conversation: ReferralRule | None = None
    conversations: int = 0
    """That the policy wants in a year."""
    terms: Mapping[str, date | None] = field(default_factory=dict)
    """The last day of each term that runs; None while it stands still."""


class Policy:
    """One pack on one day, asked about client after client."""

    def __init__(self, pack: Pack, on: date) -> None:
        self.pack, self.on = pack, on
        self._roles = lru_cache(REMEMBERED)(self._roles_in)
        self._referral = lru_cache(REMEMBERED)(pack.referral_on_categorisation)

    def outcome(self, case: Case, facts: Facts) -> Outcome:
        """Decide as a proposal does; without an assessment the category stays, if the policy still has it."""
        status, category = self._category(case, facts)
        track = self.pack.track_of(category) if category else None
        terms = self._terms(case, category, track)
        if category is None:
            return Outcome(status, None, None, terms=terms)
        situation = self.pack.situation(facts, self.on, category)
        situation = replace(situation, age_band=situation.age_band or case.known.age_band)
        role, besides = self._roles(situation)
        option = case.course.option
        return Outcome(
            status=status,
            category=category,
            track=track,
            role=role,
            besides=besides,
            referral=self._referral(situation),
            after_conversation=None if option is None else self.pack.referral_for_option(option, situation),
            conversations=conversations_a_year(self.pack, category, track),
            terms=terms,
        )

    def _category(self, case: Case, facts: Facts) -> tuple[Status, str | None]:
        if case.assessed is not None:
            decided = self.pack.compiled.outcome(facts, self.on)
            return decided.status, decided.category
        known = case.recorded.category if case.recorded else None
        return "not_assessed", known if known in self.pack.categories else None

    def _roles_in(self, situation: Situation) -> tuple[str, tuple[str, ...]]:
        return self.pack.caseworker_role(situation), self.pack.extra_caseworker_roles(situation)

    def _terms(self, case: Case, category: str | None, track: str | None) -> dict[str, date | None]:
        """Who would be on another track enters it on the day of the trial, and none of its routes has begun."""
        moves = track is not None and track != case.track
        on, since = (track, self.on) if moves else (case.track, case.track_since)
        standing = case.course.standing(category, on, since)
        if moves:
            standing = replace(standing, routes=(), handover=None)
        running = running_terms(standing, self.pack, lambda _: self.pack)
        return {each.kind: due_on(each.start, each.term, each.suspensions) for each in running}


@lru_cache(REMEMBERED)
def due_on(start: date, term: Term, suspensions: tuple[Suspension, ...]) -> date | None:
    """The last day of a term; None while it stands still."""
    return reckon(start, term, suspensions).due_on


def exemption_on(day: date, granted_on: date, until: date | None, ended_on: date | None) -> Exempted | None:
    """An exemption as it is on a day: not before it was granted, nor after its last day or its end."""
    first_free = min(filter(None, (ended_on, until and until + ONE_DAY)), default=date.max)
    return Exempted(until) if granted_on <= day < first_free else None
