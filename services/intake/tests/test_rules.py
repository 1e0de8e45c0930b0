from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules import BirthDate, NotADate


@pytest.mark.parametrize(
    ("written", "last"),
    [
        ("1980-05-17", date(1980, 5, 17)),
        ("1980-02", date(1980, 2, 29)),
        ("1981-02", date(1981, 2, 28)),
        ("1980", date(1980, 12, 31)),
        ("1980-00-00", date(1980, 12, 31)),
        ("1980-05-00", date(1980, 5, 31)),
    ],
)
def test_a_partial_birth_date_counts_to_its_last_possible_day(written: str, last: date) -> None:
    born = BirthDate.parse(written)

    assert born is not None
    assert born.last_possible == last


@pytest.mark.parametrize("written", [None, "", "0000", "0000-00-00", "0000-05"])
def test_a_birth_date_without_a_year_is_unknown(written: str | None) -> None:
    assert BirthDate.parse(written) is None


@pytest.mark.parametrize("written", ["1980-13", "1980-02-30", "80-01-01", "1980-1-1", "1980-05-01x", "1980-00-32"])
def test_what_no_calendar_knows_is_no_birth_date(written: str) -> None:
    with pytest.raises(NotADate):
        BirthDate.parse(written)


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        ("2008-01-01", date(2026, 1, 1), 18),
        ("2008-01-02", date(2026, 1, 1), 17),
        ("2008-02-29", date(2026, 2, 28), 17),
        ("2008-02-29", date(2026, 3, 1), 18),
        ("2008-02-29", date(2028, 2, 29), 20),
    ],
)
def test_an_age_is_reached_on_the_birthday(born: str, on: date, age: int) -> None:
    found = BirthDate.parse(born)

    assert found is not None
    assert found.age(on) == age
    assert found.age(found.birthday(age)) == age
    assert found.age(found.birthday(age) - timedelta(days=1)) == age - 1


@given(st.dates(date(1900, 1, 1), date(2006, 1, 1)), st.dates(date(2024, 1, 1), date(2060, 1, 1)))
def test_a_band_holds_until_the_birthday_that_moves_it(day: date, on: date) -> None:
    born = BirthDate(day.year, day.month, day.day)
    changes = list(born.bands_after(on))

    assert [each for each, _ in changes] == sorted({each for each, _ in changes})
    before = born.band(on)
    for change, band in changes:
        assert change > on
        assert born.band(change - timedelta(days=1)) == before != band == born.band(change)
        before = band
    assert before == "pension"
