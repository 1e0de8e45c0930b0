"""How tables give an answer. Pure: rules and values in, a choice with its reasons out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from policy.receipt import Receipt, Rejected
from policy.scheme import Rule, Scheme, Step

Status = Literal["decided", "in_doubt", "undecided"]
IN_DOUBT_NOTE = "in_doubt: de uitkomst is in twijfel; eerst onderzoek, dan een categorie"


class Outcome(NamedTuple):
    """What is decided, without the reasons."""

    status: Status
    category: str | None = None
    track: str | None = None
    caseworker_role: str | None = None
    referral_partner: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The proposal that a pack leads to; a professional confirms it (DIA-12)."""

    status: Status
    category: str | None
    track: str | None
    caseworker_role: str | None
    referral_partner: str | None
    receipt: Receipt

    @property
    def outcome(self) -> Outcome:
        """The same, without the receipt."""
        return Outcome(self.status, self.category, self.track, self.caseworker_role, self.referral_partner)


class Categorised(NamedTuple):
    """The rule that decides, why every other rule does not, and what the rule wants remarked."""

    rule: Rule | None
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


def categorise(scheme: Scheme, values: Mapping[str, object]) -> Categorised:
    """Ask the steps in turn; the first that has a rule that holds decides."""
    winner: Rule | None = None
    rank: Step | None = None
    rejected: list[Rejected] = []
    for step in scheme.steps:
        for rule in step.rules:
            miss = rule.when.miss(values)
            if miss is not None:
                rejected.append(Rejected(rule.id, miss))
            elif rank is None:
                winner, rank = rule, step
            else:
                rejected.append(Rejected(rule.id, f"'{rank.label}' gaat voor"))
    return Categorised(winner, tuple(rejected), _notes(winner, values))


def _notes(rule: Rule | None, values: Mapping[str, object]) -> tuple[str, ...]:
    note = None if rule is None else rule.note
    if note is None or (note.unless.conditions and note.unless.holds(values)):
        return ()
    return (f"{note.id}: {note.text}",)
