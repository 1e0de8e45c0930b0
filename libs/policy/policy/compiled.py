"""The decisions and receipts of a policy for very many facts, looked up instead of asked of each rule anew.

The conditions of the tables cut each fact into stretches. For all facts in the same stretches the same rules hold and
the same miss, so what they have in common is reckoned once, by the rules themselves, and kept: the outcome, and the
text of the receipt. That text differs in numbers alone, which are left open in it and filled in for each client.
"""

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from operator import getitem, itemgetter
from typing import Any, NamedTuple

from policy.conditions import Between
from policy.decide import IN_DOUBT_NOTE, Outcome, categorise
from policy.facts import Exemption, Facts
from policy.receipt import Choice, PackReference, Rejected
from policy.scheme import Scheme
from policy.situation import FIRST_AGES

KEPT = 16_384
"""Combinations of stretches, and values of one fact, that are kept at most."""

Values = Mapping[str, Any]
_OPEN = re.compile(r"\\u0000(\w+)\\u0000")


@dataclass(frozen=True, slots=True)
class Tables:
    """The parts of a pack that decide on facts."""

    reference: PackReference
    scheme: Scheme
    shown: tuple[str, ...]
    """The facts that stand in a receipt, in that order."""
    own: frozenset[str]
    """Of the facts that the scheme asks for, those of the policy's own."""
    asked_later: frozenset[str]
    """What the tables after the category look at in a client's situation."""
    track_of: Callable[[str], str]
    follows: Callable[[Facts, date, str], tuple[Choice, Choice]]
    """Caseworker and referral, once the category is known."""


class _Stretches(dict[int | None, int | None]):
    """Of each number, how many cuts lie at or below it: the stretch it is in. Not known is a stretch of its own."""

    def __init__(self, cuts: Iterable[int]) -> None:
        super().__init__({None: None})
        self._cuts = sorted(cuts)

    def __missing__(self, number: int | None) -> int | None:
        assert number is not None
        stretch = bisect_right(self._cuts, number)
        if len(self) < KEPT:
            self[number] = stretch
        return stretch


class _Fragments(dict[Any, str]):
    """Of each value of a fact, how a receipt writes it; nothing for what is not known."""

    def __init__(self, fact: str) -> None:
        super().__init__()
        self._fact = fact

    def __missing__(self, value: Any) -> str:
        text = "" if value is None else f'"{self._fact}": {json.dumps(_plain(value))}'
        if len(self) < KEPT:
            self[value] = text
        return text


def _each_by(stand_ins: Mapping[str, Mapping[Any, Any]]) -> Callable[[Values], Iterable[Any]]:
    """A function that gives the values of some facts, each by what stands for it."""
    if not stand_ins:
        return lambda _: ()
    one_more = itemgetter(*stand_ins, next(iter(stand_ins)))  # gives a tuple for a single fact too
    by_fact = tuple(stand_ins.values())
    return lambda values: map(getitem, by_fact, one_more(values))


class _Category(NamedTuple):
    """What all facts that lead to a category by the same rules have in common."""

    category: str | None
    form: str
    """The end of the receipt, from its notes on, with ``%(fact)s`` for each number."""


class _Rest(NamedTuple):
    """What follows from a category in a situation."""

    outcome: Outcome
    text: str


class CompiledTables:
    """Outcome and receipt by look-up; the same, to the letter, as those of ``Pack.decide``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._own = dict.fromkeys(sorted(tables.own))
        cuts, (later, cuts_later) = _cuts_of(tables.scheme), _asked_of_facts(tables.asked_later)
        both = {fact: {*cuts.get(fact, ()), *cuts_later.get(fact, ())} for fact in [*cuts, *cuts_later]}
        self._category_key = _key(tables.scheme.facts, cuts)
        self._rest_key = _key(later, cuts_later)
        self._outcome_key = _key(tables.scheme.facts | set(later), both)
        self._outcomes: dict[tuple[Any, ...], Outcome] = {}
        self._shown = _each_by({fact: _Fragments(fact) for fact in tables.shown})
        self._categories: dict[tuple[Any, ...], _Category] = {}
        self._rests: dict[tuple[Any, ...], _Rest] = {}
        pack = tables.reference
        head = {"pack_id": pack.id, "version": pack.version, "digest": pack.digest, "municipality": pack.municipality}
        self._head = json.dumps(head)[:-1] + ', "on": "'
        nothing = Choice("category", None, None, None, ())
        self._in_doubt = self._form(nothing, (IN_DOUBT_NOTE,)) % {} + ', "follows": []}'

    def outcome(self, facts: Facts, on: date) -> Outcome:
        """What is decided, without the reasons."""
        values = self._values(facts)
        exemption = values["exemption"]
        exempted = exemption is not None and exemption.in_force(on)
        key = self._outcome_key(values, exempted)
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcome(facts, on, values, exempted)
            _keep(self._outcomes, key, found)
        return found

    def receipt(self, facts: Facts, on: date) -> bytes:
        """The whole receipt, as JSON."""
        values = self._values(facts)
        if values["in_doubt"]:
            return self._written(facts, on, values, "in_doubt", self._in_doubt)
        exempted = facts.exempted(on)
        category, form = self._category(values, exempted)
        if category is None:
            return self._written(facts, on, values, "undecided", form % values + ', "follows": []}')
        rest = self._rest(facts, on, values, exempted, category)
        return self._written(facts, on, values, "decided", f'{form % values}, "follows": [{rest.text}]}}')

    def _outcome(self, facts: Facts, on: date, values: Values, exempted: bool) -> Outcome:
        if values["in_doubt"]:
            return Outcome("in_doubt")
        category = self._category(values, exempted).category
        return Outcome("undecided") if category is None else self._rest(facts, on, values, exempted, category).outcome

    def _values(self, facts: Facts) -> Values:
        return {**self._own, **facts.__dict__, **facts.own} if self._own else facts.__dict__

    def _written(self, facts: Facts, on: date, values: Values, status: str, end: str) -> bytes:
        shown = ", ".join(filter(None, self._shown(values)))
        own = {name: value for name, value in facts.own.items() if name in self._own}
        if own:
            shown = f"{shown}, {json.dumps({'own': own})[1:-1]}"
        return f'{self._head}{on}", "status": "{status}", "facts": {{{shown}}}, {end}'.encode()

    def _category(self, values: Values, exempted: bool) -> _Category:
        key = self._category_key(values, exempted)
        found = self._categories.get(key)
        if found is None:
            found = self._categorised(values, exempted)
            _keep(self._categories, key, found)
        return found

    def _rest(self, facts: Facts, on: date, values: Values, exempted: bool, category: str) -> _Rest:
        key = category, self._rest_key(values, exempted)
        found = self._rests.get(key)
        if found is None:
            caseworker, referral = self._tables.follows(facts, on, category)
            track = self._tables.track_of(category)
            outcome = Outcome("decided", category, track, caseworker.outcome, referral.outcome)
            reference = self._tables.reference
            text = ", ".join(json.dumps(choice.as_dict(reference)) for choice in (caseworker, referral))
            found = _Rest(outcome, text)
            _keep(self._rests, key, found)
        return found

    def _categorised(self, values: Values, exempted: bool) -> _Category:
        rule, rejected, notes = categorise(self._tables.scheme, {**values, "exempted": exempted})
        opened = tuple(_opened(each) for each in rejected)
        if rule is None:
            return _Category(None, self._form(Choice("category", None, None, None, opened), notes))
        return _Category(
            rule.category, self._form(Choice("category", rule.category, rule.id, rule.source, opened), notes)
        )

    def _form(self, choice: Choice, notes: tuple[str, ...]) -> str:
        text = json.dumps({"notes": list(notes), **choice.as_dict(self._tables.reference)})[1:-1]
        return _OPEN.sub(r"%(\1)s", text.replace("%", "%%"))


def _opened(rejected: Rejected) -> Rejected:
    """With a mark where a number stood."""
    why = rejected.why
    if isinstance(why, str) or type(why.found) is not int:
        return rejected
    return rejected._replace(why=why._replace(found=f"\0{why.fact}\0"))


def _keep(kept: dict[tuple[Any, ...], Any], key: tuple[Any, ...], found: Any) -> None:
    if len(kept) < KEPT:
        kept[key] = found


def _key(asked: Iterable[str], cuts: Mapping[str, Iterable[int]]) -> Callable[[Values, bool], tuple[Any, ...]]:
    """A function that gives what facts have in common with all others of which these tables hold the same."""
    plain = itemgetter("in_doubt", *sorted(set(asked) - cuts.keys() - {"exempted"}))
    numbers = _each_by({fact: _Stretches(each) for fact, each in cuts.items()})
    return lambda values, exempted: (exempted, plain(values), *numbers(values))


def _cuts_of(scheme: Scheme) -> Mapping[str, Iterable[int]]:
    """Of each number that the scheme asks for, the first of every stretch but the first."""
    cuts: dict[str, set[int]] = defaultdict(set)
    whens = [rule.when for rule in scheme.rules] + [rule.note.unless for rule in scheme.rules if rule.note]
    for fact, condition in (each for when in whens for each in when.conditions):
        if isinstance(condition, Between):
            cuts[fact] |= {condition.low} if condition.high is None else {condition.low, condition.high + 1}
    return cuts


def _asked_of_facts(asked: frozenset[str]) -> tuple[Iterable[str], Mapping[str, Iterable[int]]]:
    """The facts behind what tables ask of a situation, and the cuts of those that are numbers."""
    return asked & Facts.model_fields.keys(), {"age": FIRST_AGES} if "age_band" in asked else {}


def _plain(value: Any) -> Any:
    if isinstance(value, Exemption):
        return value.model_dump(mode="json", exclude_none=True)
    return sorted(value) if isinstance(value, frozenset) else value
