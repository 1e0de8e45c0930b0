"""The analysis of a table against brute force: it finds a gap or an overlap exactly where one is."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from policy.analysis import regions
from policy.conditions import Choice, Kinds, Number, Vocabulary, When, yes_no

TOP = 12
KINDS = ("a", "b")
VOCABULARY: Vocabulary = {
    "months": Number(),
    "fit": Choice(("yes", "no")),
    "known": yes_no(unknown=True),
    "kinds": Kinds(KINDS),
}


@dataclass(frozen=True)
class Row:
    when: When


ranges = st.one_of(
    st.builds(lambda low, more: f"{low}..{low + more}", st.integers(0, TOP), st.integers(0, TOP)),
    st.integers(0, TOP).map(lambda low: f"{low}.."),
    st.integers(0, TOP).map(str),
)
written = st.fixed_dictionaries(
    {},
    optional={
        "months": ranges,
        "fit": st.sampled_from(["yes", "no", ["yes", "no"]]),
        "known": st.booleans(),
        "kinds": st.sampled_from(["a", "b", ["a", "b"]]),
    },
)
tables = st.lists(written.map(lambda cells: Row(When.parse(cells, VOCABULARY))), max_size=6)

EVERYTHING = [
    {"months": months, "fit": fit, "known": known, "kinds": frozenset(kinds)}
    for months in range(2 * TOP + 2)
    for fit in ("yes", "no")
    for known in (True, False, None)
    for kinds in ((), ("a",), ("b",), ("a", "b"))
]


@given(tables)
def test_the_regions_hold_exactly_the_sets_of_rows_that_hold_together_somewhere(rows: list[Row]) -> None:
    by_analysis = {tuple(map(id, region.rows)) for region in regions(rows, VOCABULARY)}
    by_brute_force = {tuple(id(row) for row in rows if row.when.holds(values)) for values in EVERYTHING}

    assert by_analysis == by_brute_force


@given(tables)
def test_a_region_stands_for_values_on_which_its_rows_hold_and_no_other(rows: list[Row]) -> None:
    for region in regions(rows, VOCABULARY):
        values = {fact: cell.value for fact, cell in region.cells.items()}
        assert {id(row) for row in region.rows} == {id(row) for row in rows if row.when.holds(values)} or not all(
            fact in values for row in rows for fact in row.when.facts
        )
