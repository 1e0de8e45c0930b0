"""What a table of a report is, how its numbers add up, and what of it the council may see."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from reporting.rules.suppression import OUTSIDE, Number, hidden, is_small
from reporting.rules.targets import Reached

Key = tuple[str, str, str]
"""Sheet, row and column of a number."""
Unit = Literal["number", "euros", "percent"]
Level = Literal["council", "management", "policy"]
Sums = Literal["none", "columns", "rows", "cross", "chain"]
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what its numbers are."""

    id: str
    label: str
    unit: Unit = "number"


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in a table, or the place of one that is hidden."""

    value: int | Decimal | None
    people: int | None = None
    """Of how many it tells, where that is not the number itself."""
    parts: tuple[Key, ...] = ()
    """The numbers that a percentage was reckoned from; it is hidden with each of them."""
    hidden: bool = False

    @property
    def group(self) -> int:
        """The size of the group it tells of."""
        return int(self.value or 0) if self.people is None else self.people


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    id: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Sheet:
    """A table of a report."""

    id: str
    title: str
    head: str
    """What the rows are."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    sums: Sums = "none"
    """How its numbers add up: `columns` to a last row, `rows` to a last column, `cross` to both, `chain` from each
    row's start over inflow and outflow to its end, which is the next row's start."""
    same: Mapping[Key, Key] = field(default_factory=dict)
    """Numbers that stand in another table as well."""
    totals_only: bool = False
    """Whether of a cross only the totals are published: then less needs to be hidden."""
    chart: str | None = None
    """The column that is drawn."""
    note: str = ""
    total_label: str = "Totaal"
    """What the totals are, where they stand alone."""

    def keyed(self) -> Iterator[tuple[Key, Column, Cell]]:
        """Every number with its place."""
        for row in self.rows:
            for column, cell in zip(self.columns, row.cells, strict=True):
                yield (self.id, row.id, column.id), column, cell

    def numbers(self, smallest: int) -> Iterator[Number[Key]]:
        """Its numbers as a network of sums; percentages follow from the others."""
        for key, column, cell in self.keyed():
            if column.unit == "percent" or cell.value is None:
                continue
            tail, head = _ends(self, key)
            small = is_small(cell.group, smallest)
            cents = int(cell.value * 100) if column.unit == "euros" else int(cell.value)
            total = TOTAL in key[1:]
            yield Number(self.name_of(key), cents, tail, head, small, total, total or not self.totals_only)

    def name_of(self, key: Key) -> Key:
        """The one name of a number that stands in two places."""
        return self.same.get(key, key)


def _ends(sheet: Sheet, key: Key) -> tuple[object, object]:
    """Between which sums of its table a number runs."""
    _, row, column = key
    match sheet.sums:
        case "columns":
            return (OUTSIDE, (column,)) if row == TOTAL else ((column,), OUTSIDE)
        case "rows":
            return (OUTSIDE, (row,)) if column == TOTAL else ((row,), OUTSIDE)
        case "cross":
            return _cross(row, column)
        case "chain":
            return _chain(sheet, row, column)
    return OUTSIDE, OUTSIDE


def _cross(row: str, column: str) -> tuple[object, object]:
    """A cell runs from its row to its column, a row's total into the row, a column's total out of the column."""
    rows, columns = ("all rows",), ("all columns",)
    if row == TOTAL:
        return (columns, rows) if column == TOTAL else (("column", column), columns)
    return (rows, ("row", row)) if column == TOTAL else (("row", row), ("column", column))


def _chain(sheet: Sheet, row: str, column: str) -> tuple[object, object]:
    rows = [each.id for each in sheet.rows]
    following = rows.index(row) + 1
    match column:
        case "start" | "inflow":
            return OUTSIDE, (row,)
        case "outflow":
            return (row,), OUTSIDE
        case "end":
            return (row,), (rows[following],) if following < len(rows) else OUTSIDE
    return OUTSIDE, OUTSIDE


def publish(sheets: Sequence[Sheet], smallest: int) -> list[Sheet]:
    """The tables as the council may see them."""
    hide: frozenset[Key] = frozenset()
    while True:
        found = frozenset().union(hide, *(hidden(_once(sheet.numbers(smallest)), hide) for sheet in sheets))
        if found == hide:
            return [_totals(_without(sheet, hide)) for sheet in sheets]
        hide = found


def _once(numbers: Iterable[Number[Key]]) -> list[Number[Key]]:
    """A number that stands twice in one table runs between the sums of its first place."""
    return list({number.key: number for number in reversed(list(numbers))}.values())


def _without(sheet: Sheet, hide: frozenset[Key]) -> Sheet:
    rows = []
    for row in sheet.rows:
        keys = [(sheet.id, row.id, column.id) for column in sheet.columns]
        cells = [
            Cell(None, hidden=True)
            if sheet.name_of(key) in hide or any(sheet.name_of(part) in hide for part in cell.parts)
            else replace(cell, people=None, parts=())
            for key, cell in zip(keys, row.cells, strict=True)
        ]
        rows.append(replace(row, cells=tuple(cells)))
    return replace(sheet, rows=tuple(rows))


def _totals(sheet: Sheet) -> Sheet:
    """Without the columns that are not published; the totals of columns have a table of their own."""
    if not sheet.totals_only:
        return sheet
    rows = tuple(replace(row, cells=row.cells[-1:]) for row in sheet.rows)
    return replace(sheet, columns=(replace(sheet.columns[-1], label=sheet.total_label),), rows=rows, sums="columns")


def publish_target(target: Reached, smallest: int) -> tuple[Reached, bool]:
    """A target as the council may see it, and whether it is hidden: it may tell of no small group, nor of the rest."""
    rest = None if target.sample is None or target.part is None else target.sample - target.part
    if any(is_small(group, smallest) for group in (target.part, target.sample, rest) if group is not None):
        return replace(target, value=None, part=None, sample=None, light="none"), True
    return target, False
