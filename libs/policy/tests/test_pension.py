"""Pension age, to the day, as the SVB tells it by year of birth."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Facts
from policy.pension import pension_age, pension_ages, pension_day
from policy.situation import age_band_of


@pytest.mark.requirement("INT-14")
@pytest.mark.parametrize(
    ("born", "reached"),
    [
        ("1955-05-01", "2021-09-01"), ("1955-08-31", "2021-12-31"),  # 66 and 4 months
        ("1955-09-01", "2022-04-01"), ("1956-05-31", "2022-12-31"),  # 66 and 7 months
        ("1956-06-01", "2023-04-01"), ("1957-02-28", "2023-12-28"),  # 66 and 10 months
        ("1957-03-01", "2024-03-01"), ("1960-12-31", "2027-12-31"),  # 67
        ("1961-01-01", "2028-04-01"), ("1961-11-30", "2029-03-01"),  # 67 and 3 months
        ("1960-02-29", "2027-03-01"), ("1964-09-30", "2031-12-30"), ("1970-05-05", "2037-08-05"),
    ],
)  # fmt: skip
def test_pension_age_is_reached_on_the_day_that_the_law_says(born: str, reached: str) -> None:
    assert pension_day(date.fromisoformat(born)) == date.fromisoformat(reached)


@given(st.dates(date(1930, 1, 1), date(1990, 12, 31)), st.integers(0, 400))
def test_who_is_younger_reaches_it_no_earlier(born: date, days: int) -> None:
    younger = date.fromordinal(born.toordinal() + days)
    assert pension_day(born) <= pension_day(younger)
    assert pension_day(born).year - born.year in {66, 67, 68}


def test_the_ages_of_all_years_are_set_without_gaps() -> None:
    assert sorted(pension_ages()) == list(range(2018, 2032))
    assert (pension_age(2017), pension_age(2040)) == (66 * 12, 67 * 12 + 3)


def test_of_who_is_about_that_age_the_registration_knows_best() -> None:
    assert age_band_of(Facts(age=67, age_band="55-pension")) == "55-pension"
    assert age_band_of(Facts(age=66, age_band="pension")) == "pension"
    assert age_band_of(Facts(age=40, age_band="pension")) == "28-44"
    assert age_band_of(Facts(age=67)) == "pension"
