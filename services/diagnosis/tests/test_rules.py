"""The pure decisions of diagnosis."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.rules import ExemptionChange, Known, birthday, complete, exemption_change
from policy import Exemption, Facts

ON = date(2024, 2, 1)
ILLNESS = Exemption(reason="illness", until=date(2024, 6, 30))
PERMANENT = Exemption(reason="illness")


@pytest.mark.parametrize(
    ("born", "turns_five"),
    [
        (date(2020, 3, 15), date(2025, 3, 15)),
        (date(2020, 2, 29), date(2025, 3, 1)),
        (date(2019, 2, 28), date(2024, 2, 28)),
    ],
)
def test_a_birthday(born: date, turns_five: date) -> None:
    assert birthday(born, 5) == turns_five


@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)), st.integers(0, 40))
def test_nobody_is_older_on_the_day_before(born: date, age: int) -> None:
    reached = birthday(born, age)
    assert reached.year == born.year + age
    assert (reached.month, reached.day) in {(born.month, born.day), (3, 1)}


@pytest.mark.parametrize(
    ("running", "exemption", "change"),
    [
        (None, None, ExemptionChange(ends=False, grants=None)),
        (None, ILLNESS, ExemptionChange(ends=False, grants=ILLNESS)),
        (date(2024, 6, 30), ILLNESS, ExemptionChange(ends=False, grants=None)),
        (date(2024, 6, 30), None, ExemptionChange(ends=True, grants=None)),
        (date(2024, 6, 30), PERMANENT, ExemptionChange(ends=True, grants=PERMANENT)),
        ("permanent", PERMANENT, ExemptionChange(ends=False, grants=None)),
        ("permanent", ILLNESS, ExemptionChange(ends=True, grants=ILLNESS)),
        (None, Exemption(reason="illness", until=date(2024, 1, 31)), ExemptionChange(ends=False, grants=None)),
    ],
)
def test_an_exemption_goes_on_ends_or_is_replaced(
    running: date | None, exemption: Exemption | None, change: ExemptionChange
) -> None:
    assert exemption_change(running, Facts(exemption=exemption), ON) == change


def test_an_assessment_goes_before_the_registration() -> None:
    known = Known(permit_holder=True, without_benefit=False)
    facts = complete(Facts(permit_holder=False), known)
    assert (facts.permit_holder, facts.without_benefit, facts.starting_qualification) == (False, False, None)
    assert facts.model_fields_set == {"permit_holder", "without_benefit"}
