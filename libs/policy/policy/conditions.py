"""What a cell of a decision table may hold, and when it holds.

A column of a table is a fact. Its domain says how a cell is written, and cuts the fact's values into *cells*: one
value stands for each stretch over which no condition changes, which is what makes an exact analysis possible.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, Protocol

_RANGE = re.compile(r"(?P<low>\d+)(?:\.\.(?P<high>\d+)?)?")


@dataclass(frozen=True, slots=True)
class Between:
    """A stretch of whole numbers, both ends included; without a high end it goes on for ever."""

    low: int
    high: int | None

    def holds(self, value: object) -> bool:
        """Whether the number lies in the stretch."""
        return isinstance(value, int) and self.low <= value and (self.high is None or value <= self.high)

    def nearest(self, number: int) -> int:
        """The number in the stretch that lies nearest to this one."""
        return max(self.low, number if self.high is None else min(number, self.high))

    def __str__(self) -> str:
        if self.high is None:
            return f"{self.low} of meer"
        return str(self.low) if self.low == self.high else f"{self.low} tot en met {self.high}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the values listed."""

    values: frozenset[object]

    def holds(self, value: object) -> bool:
        """Whether the value is listed."""
        return value in self.values

    def __str__(self) -> str:
        return " of ".join(sorted(_shown(value) for value in self.values))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the kinds listed is among those the client has."""

    kinds: frozenset[str]

    def holds(self, value: object) -> bool:
        """Whether the two sets share a kind."""
        return isinstance(value, frozenset) and not self.kinds.isdisjoint(value)

    def __str__(self) -> str:
        return " of ".join(sorted(self.kinds))


# One cell of a table: what it asks of a known value.
Condition = Between | OneOf | AnyOf


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of a fact's values on which all conditions agree, by one value that stands for it."""

    value: object
    shown: str
    numbers: Between | None = None
    """All values of the stretch, where they are numbers."""


class Cuts(Protocol):
    """The values a fact can take."""

    def cells(self, conditions: Sequence[Condition]) -> Iterable[Cell]:
        """Cut the values into stretches on which all these conditions agree."""


class Domain(Cuts, Protocol):
    """The values a fact can take, and how a table speaks of them."""

    def parse(self, written: object) -> Condition:
        """Read a cell of the table; ValueError says what may be written."""


@dataclass(frozen=True, slots=True)
class Number:
    """Whole numbers from nought: written ``4..12``, ``48..`` or ``12``."""

    def parse(self, written: object) -> Condition:
        """Read a stretch."""
        match = None if isinstance(written, bool) else _RANGE.fullmatch(str(written).strip())
        if match is None:
            raise ValueError('write a range of whole numbers: "4..12" (both included), "48.." or "12"')
        low, high = int(match["low"]), match["high"]
        if ".." not in str(written):
            return Between(low, low)
        if high is not None and int(high) < low:
            raise ValueError(f"the range ends at {high}, before it starts at {low}: no number lies in it")
        return Between(low, None if high is None else int(high))

    def cells(self, conditions: Sequence[Condition]) -> Iterable[Cell]:
        """Cut at every number where a condition starts or stops holding."""
        stretches = [condition for condition in conditions if isinstance(condition, Between)]
        starts = {0} | {s.low for s in stretches} | {s.high + 1 for s in stretches if s.high is not None}
        cuts = sorted(starts)
        for low, after in zip(cuts, [*cuts[1:], None], strict=True):
            stretch = Between(low, None if after is None else after - 1)
            yield Cell(low, str(stretch), stretch)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed list: a value, or a list of values of which one will do. ``unknown`` adds "not known"."""

    values: tuple[object, ...]
    unknown: bool = False

    def parse(self, written: object) -> Condition:
        """Read one value or a list of them."""
        listed = written if isinstance(written, list) else [written]
        by_text = {_shown(value): value for value in self.values}
        chosen = [by_text.get(_shown(value), _NOTHING) for value in listed]
        if not chosen or _NOTHING in chosen:
            raise ValueError(f"choose from {', '.join(by_text) or 'nothing: the pack lists none'}")
        return OneOf(frozenset(chosen))

    def cells(self, conditions: Sequence[Condition]) -> Iterable[Cell]:  # noqa: ARG002 - each value is a cell
        """Every value is a cell of its own."""
        for value in self.values:
            yield Cell(value, _shown(value))
        if self.unknown:
            yield Cell(None, "niet bekend")


@dataclass(frozen=True, slots=True)
class Kinds:
    """Any number of kinds from a closed list: a kind, or a list of kinds of which at least one must be there."""

    kinds: tuple[str, ...]

    def parse(self, written: object) -> Condition:
        """Read one kind or a list of them."""
        listed = written if isinstance(written, list) else [written]
        if not listed or any(kind not in self.kinds for kind in listed):
            raise ValueError(f"choose from {', '.join(self.kinds)}")
        return AnyOf(frozenset(str(kind) for kind in listed))

    def cells(self, conditions: Sequence[Condition]) -> Iterable[Cell]:
        """Every combination of the kinds that are asked for."""
        asked = sorted(set().union(*(c.kinds for c in conditions if isinstance(c, AnyOf))))
        for size in range(len(asked) + 1):
            for some in combinations(asked, size):
                yield Cell(frozenset(some), ", ".join(some) or "geen")


def yes_no(*, unknown: bool = False) -> Choice:
    """True or false."""
    return Choice((True, False), unknown)


Vocabulary = Mapping[str, Domain]
_NOTHING = object()


class Miss(NamedTuple):
    """Why a rule does not apply: the fact, what was found, what the rule asks."""

    fact: str
    found: object
    asked: Condition

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.fact} is niet bekend; de regel vraagt {self.asked}"
        return f"{self.fact} is {_shown(self.found)}; de regel vraagt {self.asked}"


@dataclass(frozen=True, slots=True)
class When:
    """The conditions of one row; an empty one always holds."""

    conditions: tuple[tuple[str, Condition], ...] = ()

    @classmethod
    def parse(cls, written: Mapping[str, object], vocabulary: Vocabulary) -> "When":
        """Read a row; raises WrongCell for the first cell that makes no sense."""
        conditions = []
        for fact, cell in written.items():
            domain = vocabulary.get(fact)
            if domain is None:
                raise WrongCell(fact, f"no fact of that name here; choose from {', '.join(sorted(vocabulary))}")
            try:
                conditions.append((fact, domain.parse(cell)))
            except ValueError as fault:
                raise WrongCell(fact, str(fault)) from fault
        return cls(tuple(conditions))

    def miss(self, values: Mapping[str, object]) -> Miss | None:
        """The first condition that does not hold, or None when all do."""
        for fact, condition in self.conditions:
            value = values.get(fact)
            if value is None or not condition.holds(value):
                return Miss(fact, value, condition)
        return None

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether every condition holds."""
        for fact, condition in self.conditions:
            value = values.get(fact)
            if value is None or not condition.holds(value):
                return False
        return True

    @property
    def facts(self) -> frozenset[str]:
        """The facts it looks at."""
        return frozenset(fact for fact, _ in self.conditions)


class WrongCell(ValueError):
    """A cell of a table that cannot be read."""

    def __init__(self, fact: str, remedy: str) -> None:
        super().__init__(f"{fact}: {remedy}")
        self.fact = fact
        self.remedy = remedy


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "geen"
    return str(value)
