"""The receipt of a decision: which rule decided, which did not and why, on which facts, under which pack (POL-3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from policy.conditions import Miss
from policy.section import Source

Subject = Literal["category", "caseworker_role", "referral_partner"]


@dataclass(frozen=True, slots=True)
class PackReference:
    """The pack that decided, as it was: its digest tells any other text apart."""

    id: str
    version: str
    digest: str
    municipality: str
    titles: Mapping[str, str]

    def cite(self, source: Source | None) -> dict[str, str] | None:
        """A source with the title of its document."""
        if source is None:
            return None
        return {"document": source.document, "title": self.titles[source.document], "section": source.section}


class Rejected(NamedTuple):
    """A rule that did not decide: it missed on a fact, or another went before it."""

    rule: str
    why: Miss | str

    def as_dict(self) -> dict[str, str]:
        """The rule and the reason in words."""
        return {"rule": self.rule, "reason": str(self.why)}


class Choice(NamedTuple):
    """What one table gave."""

    decides: Subject
    outcome: str | None
    rule: str | None
    source: Source | None
    rejected: tuple[Rejected, ...]

    def as_dict(self, pack: PackReference) -> dict[str, Any]:
        """The choice as JSON knows it."""
        return {
            "decides": self.decides,
            "outcome": self.outcome,
            "rule": self.rule,
            "source": pack.cite(self.source),
            "rejected": [rejected.as_dict() for rejected in self.rejected],
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was decided and why. The first choice is the decision itself; the others follow from it."""

    pack: PackReference
    on: date | None
    status: str
    facts: Mapping[str, Any]
    choices: tuple[Choice, ...]
    notes: tuple[str, ...] = ()

    @property
    def rule(self) -> str | None:
        """The rule that decided."""
        return self.choices[0].rule

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """The rules that did not decide, with the reason of each."""
        return self.choices[0].rejected

    @property
    def source(self) -> dict[str, str] | None:
        """What the pack cites for the rule that decided."""
        return self.pack.cite(self.choices[0].source)

    def as_dict(self) -> dict[str, Any]:
        """The receipt as JSON knows it, to store and to show."""
        return {
            "pack_id": self.pack.id,
            "version": self.pack.version,
            "digest": self.pack.digest,
            "municipality": self.pack.municipality,
            "on": None if self.on is None else self.on.isoformat(),
            "status": self.status,
            "facts": dict(self.facts),
            "notes": list(self.notes),
            **self.choices[0].as_dict(self.pack),
            "follows": [choice.as_dict(self.pack) for choice in self.choices[1:]],
        }
