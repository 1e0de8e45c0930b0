"""Gaps, overlaps and unreachable rows of a table, found by cutting its facts into cells, never by sampling."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from policy.conditions import Cell, Cuts, When


class Row(Protocol):
    """A row of a table."""

    @property
    def when(self) -> When:
        """Its conditions."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Region(Generic[R]):
    """A combination of cells, and the rows that hold on the whole of it."""

    cells: Mapping[str, Cell]
    rows: tuple[R, ...]

    def __str__(self) -> str:
        return ", ".join(f"{fact} {cell.shown}" for fact, cell in self.cells.items()) or "alles"


def regions(rows: Sequence[R], vocabulary: Mapping[str, Cuts]) -> Iterator[Region[R]]:
    """Cut all values of all facts into regions on which the same rows hold; together they are everything there is."""
    asked = sorted({fact for row in rows for fact in row.when.facts})
    return _cut(tuple(rows), asked, vocabulary, {})


def _cut(
    rows: tuple[R, ...], facts: Sequence[str], vocabulary: Mapping[str, Cuts], cells: Mapping[str, Cell]
) -> Iterator[Region[R]]:
    asked = [fact for fact in facts if any(fact in row.when.facts for row in rows)]
    if not asked:
        yield Region(cells, rows)
        return
    fact, *others = asked
    conditions = [condition for row in rows for name, condition in row.when.conditions if name == fact]
    for cell in vocabulary[fact].cells(conditions):
        kept = tuple(row for row in rows if _may_hold(row, fact, cell))
        yield from _cut(kept, others, vocabulary, {**cells, fact: cell})


def _may_hold(row: Row, fact: str, cell: Cell) -> bool:
    asked = [condition for name, condition in row.when.conditions if name == fact]
    return all(cell.value is not None and condition.holds(cell.value) for condition in asked)
