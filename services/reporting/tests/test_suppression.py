"""Nothing that is hidden can be reckoned from what is shown: tried by every other solution there could be."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reporting.rules.sheets import TOTAL, Cell, Column, Key, Row, Sheet, publish
from reporting.rules.suppression import OUTSIDE, Number, hidden, reckonable

SMALLEST = 5
LARGEST_TRIED = 24
counts = st.integers(0, 9)


def crossed(values: Sequence[Sequence[int]]) -> Sheet:
    """A table with totals both ways."""
    columns = [f"c{number}" for number in range(len(values[0]))]
    rows = [Row(f"r{number}", "", tuple(map(Cell, [*row, sum(row)]))) for number, row in enumerate(values)]
    sums = [sum(column) for column in zip(*values, strict=True)]
    rows.append(Row(TOTAL, "", tuple(map(Cell, [*sums, sum(sums)]))))
    return Sheet("t", "", "", tuple(Column(each, "") for each in (*columns, TOTAL)), tuple(rows), "cross")


def hidden_in(sheet: Sheet) -> set[Key]:
    return {key for key, _, cell in sheet.keyed() if cell.hidden}


def solutions(shape: tuple[int, int], shown: Mapping[Key, int]) -> Iterator[dict[Key, int]]:
    """Every table of at least one where something is hidden that agrees with what is shown, small enough to try."""
    height, width = shape
    cells = [(row, column) for row in range(height) for column in range(width)]
    choices = [
        [shown[key]] if (key := ("t", f"r{row}", f"c{column}")) in shown else range(1, LARGEST_TRIED)
        for row, column in cells
    ]
    for values in itertools.product(*choices):
        table = [values[row * width : (row + 1) * width] for row in range(height)]
        found = {key: int(cell.value or 0) for key, _, cell in crossed(table).keyed()}
        if all(found[key] == value for key, value in shown.items()):
            yield found


@given(
    st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(counts, min_size=width, max_size=width), min_size=1, max_size=2)
    )
)
def test_no_hidden_cell_of_a_table_can_be_solved(values: list[list[int]]) -> None:
    sheet = crossed(values)
    published = publish([sheet], SMALLEST)[0]
    covered = hidden_in(published)
    everything = {key: int(cell.value or 0) for key, _, cell in sheet.keyed()}
    assert {key for key, value in everything.items() if 0 < value < SMALLEST} <= covered
    assert all(everything[key] for key in covered)  # a nought is shown
    shown = {key: value for key, value in everything.items() if key not in covered}
    free = sum(key[1] != TOTAL and key[2] != TOTAL for key in covered)
    if free > 4:
        return  # too many to try them all; the next test says the same of any size
    open_ = set(covered)
    for other in solutions((len(values), len(values[0])), shown):
        open_ -= {key for key in open_ if other[key] != everything[key]}
        if not open_:
            break
    assert not open_, f"{open_} can be solved from {shown}"


@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(st.lists(counts, min_size=width, max_size=width), min_size=1, max_size=8)
    )
)
def test_nor_of_a_large_one(values: list[list[int]]) -> None:
    sheet = crossed(values)
    numbers = list(sheet.numbers(SMALLEST))
    assert not reckonable(numbers, hidden(numbers))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.data())
def test_reckonable_is_exactly_what_can_be_reckoned(values: list[int], data: st.DataObject) -> None:
    """One sum: its parts and their total, any of which are hidden."""
    numbers = [Number(str(place), value, "sum", OUTSIDE, small=False) for place, value in enumerate(values)]
    numbers.append(Number(TOTAL, sum(values), OUTSIDE, "sum", small=False, total=True))
    hide = {each.key for each in numbers if each.value and data.draw(st.booleans())}
    reached: dict[str, set[int]] = {key: set() for key in hide}
    tried = [range(1, 12) if str(place) in hide else [value] for place, value in enumerate(values)]
    for parts in itertools.product(*tried):
        if TOTAL in hide or sum(parts) == sum(values):
            for place, part in enumerate(parts):
                reached.get(str(place), set()).add(part)
            reached.get(TOTAL, set()).add(sum(parts))
    assert reckonable(numbers, hide) == {key for key, found in reached.items() if len(found) == 1}


@given(
    st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(counts, min_size=width, max_size=width), min_size=1, max_size=2)
    )
)
def test_nor_a_small_total_or_cell_where_only_totals_are_shown(values: list[list[int]]) -> None:
    """Every table with the totals that are shown is tried, for each small number, hidden or never shown."""
    sheet = replace(crossed(values), totals_only=True)
    everything = {key: int(cell.value or 0) for key, _, cell in sheet.keyed()}
    covered = hidden(list(sheet.numbers(SMALLEST)))
    shown = {key: value for key, value in everything.items() if key not in covered}
    assert not any(0 < value < SMALLEST for value in shown.values())
    secret = {key for key, value in everything.items() if 0 < value < SMALLEST}
    height, width = len(values), len(values[0])
    if height * width > 4:
        return  # too many to try
    most = max(map(max, values)) + 2
    for cells in itertools.product(range(most + 1), repeat=height * width):
        table = [cells[row * width : (row + 1) * width] for row in range(height)]
        found = {key: int(cell.value or 0) for key, _, cell in crossed(table).keyed()}
        told = all(found[key] == value for key, value in shown.items())
        if told and all(found[key] for key in covered if TOTAL in key):  # a nought among the totals would be shown
            secret -= {key for key in secret if found[key] != everything[key]}
        if not secret:
            break
    assert not secret, f"{secret} can be solved from {shown}"


def test_two_ones_beside_a_total_of_two_more_are_hidden_with_a_third() -> None:
    """Both are at least one, so their sum of two would tell them."""
    sheet = crossed([[1, 1, 20, 7]])
    assert hidden_in(publish([sheet], SMALLEST)[0]) >= {("t", "r0", "c0"), ("t", "r0", "c1"), ("t", "r0", "c3")}


def test_a_number_that_stands_in_two_tables_is_hidden_in_both() -> None:
    sheet = crossed([[3, 9], [8, 20]])
    same = {("s", "a", TOTAL): ("t", "r0", "c1")}
    columns = (Column("x", ""), Column("y", ""), Column(TOTAL, ""))
    other = Sheet("s", "", "", columns, (Row("a", "", (Cell(3), Cell(6), Cell(9))),), "rows", same)
    first, second = publish([sheet, other], SMALLEST)
    assert (("t", "r0", "c1") in hidden_in(first)) == (("s", "a", TOTAL) in hidden_in(second))
    assert ("s", "a", "x") in hidden_in(second)


def test_a_lone_small_number_hides_nothing_else() -> None:
    sheet = Sheet("t", "", "", (Column("n", ""),), (Row("a", "", (Cell(3),)), Row("b", "", (Cell(30),))))
    assert hidden_in(publish([sheet], SMALLEST)[0]) == {("t", "a", "n")}


def test_a_share_is_hidden_with_what_it_was_reckoned_from() -> None:
    parts: tuple[Key, ...] = (("t", "a", "n"), ("t", "b", "n"))
    rows = (Row("a", "", (Cell(3), Cell(10, parts=parts))), Row("b", "", (Cell(30), Cell(None))))
    sheet = Sheet("t", "", "", (Column("n", ""), Column("share", "", "percent")), rows)
    assert hidden_in(publish([sheet], SMALLEST)[0]) == {("t", "a", "n"), ("t", "a", "share")}


def test_what_nobody_needs_to_be_hidden_for_is_shown() -> None:
    sheet = crossed([[10, 20, 30], [12, 22, 32]])
    assert hidden_in(publish([sheet], SMALLEST)[0]) == set()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=5), st.integers(0, 30))
def test_the_chain_of_years_tells_nothing_small(flows: list[tuple[int, int]], start: int) -> None:
    rows, same, stock = [], {}, start
    for year, (inflow, outflow) in enumerate(flows):
        outflow = min(outflow, stock + inflow)  # noqa: PLW2901
        end = stock + inflow - outflow
        rows.append(Row(str(year), "", tuple(map(Cell, (stock, inflow, outflow, end)))))
        if year:
            same["t", str(year), "start"] = ("t", str(year - 1), "end")
        stock = end
    columns = tuple(Column(each, "") for each in ("start", "inflow", "outflow", "end"))
    sheet = Sheet("t", "", "", columns, tuple(rows), "chain", same)
    published = publish([sheet], SMALLEST)[0]
    for before, after in itertools.pairwise(published.rows):
        assert before.cells[3].hidden == after.cells[0].hidden
    for row in published.rows:
        values = [cell.value for cell in row.cells]
        assert values.count(None) != 1, "one number missing can be reckoned from the other three"
        assert not any(isinstance(value, int) and 0 < value < SMALLEST for value in values)
