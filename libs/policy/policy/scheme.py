"""The category scheme: a table of rules in steps, of which the first step that knows an answer decides (POL-8)."""

from collections.abc import Mapping
from typing import Literal

from policy.conditions import When
from policy.facts import Facts
from policy.references import CategoryId, FactsWhen, TrackId
from policy.section import Id, Section, Source, Text


class Category(Section):
    """A class of clients, and the track it belongs to."""

    id: Id
    label: Text
    track: TrackId


Aim = Literal["work", "participation"]


class Track(Section):
    """What a municipality calls a way along which it guides clients, and whether that way leads to work."""

    id: Id
    label: Text
    aim: Aim
    meaning: Text
    """What it means for the client, in words for a letter."""


class Note(Section):
    """A remark that goes with an outcome, unless the facts make it needless."""

    id: Id
    text: Text
    unless: FactsWhen = When()


class Rule(Section):
    """A row of the scheme: on these facts, this category."""

    id: Id
    when: FactsWhen
    category: CategoryId
    note: Note | None = None
    source: Source


class Step(Section):
    """Rules of one rank. No two of them hold at once; where none holds, the next step is asked."""

    id: Id
    label: Text
    rules: tuple[Rule, ...]


class Scheme(Section):
    """How facts become a category. The last step leaves no gap."""

    id: Id
    label: Text
    steps: tuple[Step, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, in order of precedence."""
        return tuple(rule for step in self.steps for rule in step.rules)

    @property
    def facts(self) -> frozenset[str]:
        """The facts it looks at."""
        asked = (rule.when.facts | (rule.note.unless.facts if rule.note else frozenset()) for rule in self.rules)
        return frozenset().union(*asked)


def values_of(facts: Facts, exempted: bool) -> Mapping[str, object]:
    """Fact by name, with whether an exemption is in force on the day in place of the exemption itself."""
    return {**facts.__dict__, **facts.own, "exempted": exempted}
