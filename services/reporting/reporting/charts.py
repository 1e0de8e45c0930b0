"""Charts as drawings: shapes with places on paper, for the template to write as SVG. Each stands beside its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from policy.dutch import euros, number
from reporting.rules.sheets import TOTAL, Column, Sheet
from reporting.words import percent

WIDTH = 640
_ROW, _BAR, _TOP = 46, 16, 8
_RIGHT = 110
_HEIGHT, _LEFT, _BOTTOM = 260, 50, 44
FEWEST_POINTS = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, with its label above and its number behind it."""

    label: str
    text: str
    y: int
    width: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a line."""

    label: str
    text: str
    x: int
    y: int


@dataclass(frozen=True)
class Chart:
    """A drawing with its title and description in words."""

    id: str
    title: str
    description: str
    width: int
    height: int
    bars: tuple[Bar, ...] = ()
    lines: tuple[tuple[Point, ...], ...] = ()
    """Broken where a number is hidden."""


def written(value: int | Decimal, unit: str) -> str:
    """A number as it is read, with its unit."""
    return {"euros": euros, "percent": percent}.get(unit, number)(value)


def chart_of(sheet: Sheet) -> Chart | None:
    """The chart of a table: its trend where rows follow in time, else bars; None where there is nothing to compare."""
    if sheet.chart is None:
        return None
    place = next(index for index, column in enumerate(sheet.columns) if column.id == sheet.chart)
    if sheet.sums == "chain" and len(sheet.rows) >= FEWEST_POINTS:
        return _trend(sheet, place)
    if sheet.sums == "chain":
        row = sheet.rows[0]
        flows = [
            (column.label, cell.value, cell.hidden) for column, cell in zip(sheet.columns[:4], row.cells, strict=False)
        ]
        return _bars(sheet, sheet.columns[place], flows)
    drawn = [(row.label, row.cells[place].value, row.cells[place].hidden) for row in sheet.rows if row.id != TOTAL]
    return _bars(sheet, sheet.columns[place], drawn) if drawn else None


def _bars(sheet: Sheet, column: Column, drawn: Sequence[tuple[str, int | Decimal | None, bool]]) -> Chart:
    most = max((value or 0 for _, value, _ in drawn), default=0) or 1
    bars = tuple(
        Bar(
            label,
            "onderdrukt" if hidden else written(value or 0, column.unit),
            _TOP + index * _ROW,
            round((WIDTH - _RIGHT) * float((value or 0) / most)),
            hidden,
        )
        for index, (label, value, hidden) in enumerate(drawn)
    )
    told = "; ".join(f"{bar.label}: {bar.text}" for bar in bars)
    return Chart(sheet.id, sheet.title, f"Staafdiagram. {told}.", WIDTH, _TOP + len(bars) * _ROW, bars=bars)


def _trend(sheet: Sheet, place: int) -> Chart:
    values = [(row.label, row.cells[place].value) for row in sheet.rows]
    most = max((value or 0 for _, value in values), default=0) or 1
    step = (WIDTH - 2 * _LEFT) / max(1, len(values) - 1)
    lines: list[list[Point]] = [[]]
    for index, (label, value) in enumerate(values):
        if value is None:
            lines.append([])
            continue
        y = round(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - 30) * float(value / most))
        lines[-1].append(Point(label, written(value, sheet.columns[place].unit), round(_LEFT + index * step), y))
    told = "; ".join(f"{label}: {'onderdrukt' if value is None else number(value)}" for label, value in values)
    kept = tuple(tuple(line) for line in lines if line)
    return Chart(sheet.id, sheet.title, f"Lijndiagram. {told}.", WIDTH, _HEIGHT, lines=kept)
