"""Holidays against a table of our own (checklist TW-6, TW-7): no release of `holidays` moves one unseen."""

from datetime import date, timedelta

import pytest

from policy.calendar import day_off, decrees, holidays_of, is_working_day, next_working_day, years_without_decree

EASTER = {
    2024: date(2024, 3, 31), 2025: date(2025, 4, 20), 2026: date(2026, 4, 5), 2027: date(2027, 3, 28),
    2028: date(2028, 4, 16), 2029: date(2029, 4, 1), 2030: date(2030, 4, 21), 2031: date(2031, 4, 13),
    2032: date(2032, 3, 28), 2033: date(2033, 4, 17), 2034: date(2034, 4, 9), 2035: date(2035, 3, 25),
}  # fmt: skip
DECREES = {
    date(2023, 4, 28), date(2023, 5, 19), date(2024, 5, 10), date(2024, 12, 27), date(2025, 5, 30),
    date(2026, 1, 2), date(2026, 5, 15), date(2027, 5, 7), date(2028, 4, 28), date(2028, 5, 26),
}  # fmt: skip


def of_the_law(year: int) -> set[date]:
    easter = EASTER[year]
    kings_day = date(year, 4, 27)
    return {
        date(year, 1, 1), date(year, 5, 5), date(year, 12, 25), date(year, 12, 26),
        kings_day - timedelta(days=kings_day.weekday() == 6),
        *(easter + timedelta(days=n) for n in (-2, 0, 1, 39, 49, 50)),
    }  # fmt: skip


@pytest.mark.parametrize("year", EASTER)
def test_the_holidays_of_a_year_are_those_of_the_law_and_the_decrees(year: int) -> None:
    assert set(holidays_of(year)) == of_the_law(year) | {day for day in DECREES if day.year == year}


def test_the_decrees_on_record_are_those_published() -> None:
    assert set(decrees().days) == DECREES
    assert decrees().years == {2023, 2024, 2025, 2026, 2027, 2028}


def test_a_year_for_which_no_decree_is_on_record_is_named_a_year_ahead() -> None:
    assert years_without_decree(date(2027, 12, 31)) == ()
    assert years_without_decree(date(2028, 1, 1)) == (2029,)


def test_a_day_off_says_why() -> None:
    assert day_off(date(2026, 10, 10)) == "zaterdag"
    assert day_off(date(2026, 10, 11)) == "zondag"
    assert day_off(date(2026, 5, 5)) == "Bevrijdingsdag"
    assert "Stcrt. 2025, 24713" in str(day_off(date(2026, 5, 15)))
    assert day_off(date(2026, 10, 12)) is None


def test_the_next_working_day_is_the_day_itself_when_it_is_one() -> None:
    assert next_working_day(date(2026, 10, 12)) == date(2026, 10, 12)
    assert next_working_day(date(2026, 12, 24)) == date(2026, 12, 24)
    assert next_working_day(date(2026, 12, 25)) == date(2026, 12, 28)
    assert not is_working_day(date(2026, 12, 25))
