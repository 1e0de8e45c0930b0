"""What would change it: the smallest changes of facts that lead to another category.

Small is: as few facts as can be, and among those as few steps as can be. The steps of several facts are added up; a
step is the least by which a fact can change:

* a number: one unit (a month of distance, a percentage point of work capacity, a year of age);
* yes or no: the one step there is;
* one of a list (``work_fit``, or a choice of the policy's own): one place further in the order of the list;
* indications: one indication more or one less;
* an exemption: one day by which its last day moves. To grant one (in force up to the day itself) is one step, and so
  is to give a permanent one an end. One that was granted is not undone: it ends on the day before;
* ``in_doubt``: to take the doubt away. Whoever is in doubt has no category, so every way begins with it;
* what is not known: to get known is one step, whatever it turns out to be. What is known is never made unknown:
  a category to which only that leads is out of reach.

Found from the boundaries in the scheme itself: its facts are cut into the stretches on which no rule changes, of each
stretch the value nearest to what holds now is taken, and each combination belongs to one category. No value is tried
at random, and none that could be smaller is left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from policy.analysis import Region, regions
from policy.conditions import AnyOf, Cell, Choice, Condition, Cuts, Domain
from policy.decide import Decision
from policy.facts import Exemption, Facts
from policy.pack import Pack
from policy.scheme import Rule, values_of
from policy.words import FACT_NAMES, UNITS, value_in_words

REASON_TO_COME = "reden nog te noemen"
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that changes: from what, to what, in how many steps, and what else would do as well."""

    fact: str
    name: str
    """In Dutch."""
    before: Any
    after: Any
    steps: int
    stretch: str | None = None
    """All numbers that lead there too, in words."""
    own: bool = False
    """Whether only this policy knows the fact."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON knows it; of an exemption the last day alone, for its reason is nobody's business here."""
        return {
            "fact": self.fact,
            "before": _plain(self.before),
            "after": _plain(self.after),
            "steps": self.steps,
            "in_words": str(self),
        }

    def __str__(self) -> str:
        return f"{self.name}: {self._what_happens()}"

    def _what_happens(self) -> str:
        if isinstance(self.after, Exemption):
            return _exemption_in_words(self.before, self.after)
        if isinstance(self.before, frozenset):
            more, less = self.after - self.before, self.before - self.after
            added = [f"erbij komt {value_in_words(self.fact, more)}"] if more else []
            return " en ".join([*added, *([f"weg valt {value_in_words(self.fact, less)}"] if less else [])])
        after = value_in_words(self.fact, self.after)
        if self.before is None:
            unit = f" {UNITS[self.fact].many}" if self.fact in UNITS else ""
            return f"wordt bekend: {f'{self.stretch}{unit}' if self.stretch else after}"
        also = f" ({self.stretch})" if self.stretch and self.stretch != str(self.after) else ""
        return f"van {value_in_words(self.fact, self.before)} naar {after}{also}"


@dataclass(frozen=True, slots=True)
class Way:
    """Facts that change together, in the order of the assessment."""

    changes: tuple[Change, ...]

    @property
    def size(self) -> tuple[int, int]:
        """How many facts change, and in how many steps: the less the smaller."""
        return len(self.changes), sum(change.steps for change in self.changes)

    def applied(self, facts: Facts) -> Facts:
        """The facts as they would then be."""
        own = {change.fact: change.after for change in self.changes if change.own}
        update = {change.fact: change.after for change in self.changes if not change.own}
        return facts.model_copy(update={**update, "own": {**facts.own, **own}})


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another category, with all the smallest ways that lead to it; without any it is out of reach."""

    category: str
    label: str
    track: str
    ways: tuple[Way, ...]

    @property
    def size(self) -> tuple[int, int] | None:
        """That of its ways, which are equally small; None when it is out of reach."""
        return self.ways[0].size if self.ways else None

    def as_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        facts, steps = self.size or (None, None)
        return {
            "category": self.category,
            "label": self.label,
            "track": self.track,
            "reachable": bool(self.ways),
            "facts": facts,
            "steps": steps,
            "ways": [[change.as_dict() for change in way.changes] for way in self.ways],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is decided now, and what leads elsewhere: the nearest category first, those out of reach last."""

    decision: Decision
    alternatives: tuple[Alternative, ...]

    @property
    def nearest(self) -> tuple[str, ...]:
        """The categories to which the smallest changes of all lead."""
        sizes = [alternative.size for alternative in self.alternatives if alternative.size]
        return tuple(each.category for each in self.alternatives if sizes and each.size == min(sizes))

    def as_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        pack = self.decision.receipt.pack
        return {
            "pack_id": pack.id,
            "version": pack.version,
            "digest": pack.digest,
            "status": self.decision.status,
            "category": self.decision.category,
            "nearest": list(self.nearest),
            "alternatives": [alternative.as_dict() for alternative in self.alternatives],
        }


def explain(pack: Pack, facts: Facts, on: date) -> Explanation:
    """For each category that is not decided on these facts, the smallest changes that lead to it."""
    decision = pack.decide(facts, on)
    smallest = _smallest(pack, facts, on)
    others = [category for category in pack.categories.values() if category.id != decision.category]
    found = [Alternative(each.id, each.label, each.track, smallest.get(each.id, ())) for each in others]
    return Explanation(decision, tuple(sorted(found, key=lambda each: (each.size is None, each.size))))


def _smallest(pack: Pack, facts: Facts, on: date) -> Mapping[str, tuple[Way, ...]]:
    """By category, all ways to it of which none is smaller."""
    present = values_of(facts, facts.exempted(on))
    near: Mapping[str, Cuts] = {fact: _Near(domain, present.get(fact)) for fact, domain in pack.vocabulary.items()}
    found: dict[str, list[Way]] = defaultdict(list)
    for region in regions(pack.scheme.rules, near):
        if not region.rows:
            continue
        ways, way = found[region.rows[0].category], Way(tuple(_changes(region, pack, facts, on)))
        if ways and way.size < ways[0].size:
            ways.clear()
        if not ways or way.size == ways[0].size:
            ways.append(way)
    return {category: tuple(ways) for category, ways in found.items()}


@dataclass(frozen=True, slots=True)
class _Near:
    """A fact's values as they lie around the present one: each stretch by the value nearest to it."""

    domain: Domain
    present: object

    def cells(self, conditions: Sequence[Condition]) -> Iterable[Cell]:
        """The stretches of the domain; not knowing is one more, for who does not know now."""
        if self.present is None:
            yield Cell(None, value_in_words("", None))
        for cell in self.domain.cells(conditions):
            yield replace(cell, value=self._nearest(cell, conditions))

    def _nearest(self, cell: Cell, conditions: Sequence[Condition]) -> object:
        if isinstance(self.present, int) and cell.numbers is not None:
            return cell.numbers.nearest(self.present)
        if isinstance(self.present, frozenset) and isinstance(cell.value, frozenset):
            asked = frozenset().union(*(each.kinds for each in conditions if isinstance(each, AnyOf)))
            return (self.present - asked) | cell.value
        return cell.value


def _changes(region: Region[Rule], pack: Pack, facts: Facts, on: date) -> Iterator[Change]:
    """What must change to come into a region, in the order of the assessment and then of the pack's own facts."""
    found = [change for fact, cell in region.cells.items() if (change := _change(fact, cell, pack, facts, on))]
    if facts.in_doubt:
        found.append(Change("in_doubt", FACT_NAMES["in_doubt"], before=True, after=False, steps=1))
    order = [*Facts.model_fields, *pack.facts]
    yield from sorted(found, key=lambda change: order.index(change.fact))


def _change(fact: str, cell: Cell, pack: Pack, facts: Facts, on: date) -> Change | None:
    if fact == "exempted":
        return None if cell.value == facts.exempted(on) else _change_of_exemption(facts.exemption, on)
    own = pack.facts.get(fact)
    before, name = (getattr(facts, fact), FACT_NAMES[fact]) if own is None else (facts.own.get(fact), own.label)
    if cell.value == before:
        return None
    return Change(
        fact, name, before, cell.value, _steps(pack.vocabulary[fact], before, cell.value),
        stretch=None if cell.numbers is None else cell.shown, own=own is not None,
    )  # fmt: skip


def _change_of_exemption(exemption: Exemption | None, on: date) -> Change:
    """One in force ends on the day before; one that ended, or that never was, is in force on the day."""
    name = FACT_NAMES["exemption"]
    if exemption is None:
        return Change("exemption", name, None, Exemption(reason=REASON_TO_COME, until=on), 1)
    until = on - _ONE_DAY if exemption.in_force(on) else on
    steps = 1 if exemption.until is None else abs((exemption.until - until).days)
    return Change("exemption", name, exemption, Exemption(reason=exemption.reason, until=until), steps)


def _steps(domain: Domain, before: object, after: object) -> int:
    if before is None:
        return 1
    if isinstance(domain, Choice):
        return abs(domain.values.index(after) - domain.values.index(before))
    if isinstance(before, frozenset) and isinstance(after, frozenset):
        return len(before ^ after)
    assert isinstance(before, int)
    assert isinstance(after, int)
    return abs(after - before)


def _exemption_in_words(before: Exemption | None, after: Exemption) -> str:
    assert after.until is not None
    if before is None:
        return f"er komt er een, die op {after.until:%d-%m-%Y} geldt"
    if before.until is None:
        return f"krijgt een einde: de laatste dag is {after.until:%d-%m-%Y}"
    return f"de laatste dag gaat van {before.until:%d-%m-%Y} naar {after.until:%d-%m-%Y}"


def _plain(value: Any) -> Any:
    if isinstance(value, Exemption):
        return {"until": None if value.until is None else value.until.isoformat()}
    return sorted(value) if isinstance(value, frozenset) else value
