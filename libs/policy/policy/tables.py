"""Tables over a client's situation, read from the top: the first row that holds decides."""

from collections.abc import Iterable, Mapping

from policy.conditions import When
from policy.receipt import Choice, Rejected, Subject
from policy.references import SituationWhen
from policy.section import Id, Section, Source


class TableRule(Section):
    """A row: in this situation. Without conditions it always holds."""

    id: Id
    when: SituationWhen = When()
    source: Source


def facts_of(rules: Iterable[TableRule]) -> frozenset[str]:
    """What the rows look at."""
    return frozenset().union(*(rule.when.facts for rule in rules))


def first_that_holds(decides: Subject, rules: Iterable[tuple[TableRule, str]], values: Mapping[str, object]) -> Choice:
    """The outcome of the first row that holds, with why the rows before it did not."""
    rejected: list[Rejected] = []
    for rule, outcome in rules:
        miss = rule.when.miss(values)
        if miss is None:
            return Choice(decides, outcome, rule.id, rule.source, tuple(rejected))
        rejected.append(Rejected(rule.id, miss))
    return Choice(decides, None, None, None, tuple(rejected))
