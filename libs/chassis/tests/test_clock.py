"""Two clocks: the civil one tells days in Amsterdam and moves by a day at most; the wall clock is nobody's to move."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.clock import AMSTERDAM, MachineClock, MovableClock, MovedTooFar, morning_of

moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis
days = st.dates(date(2000, 1, 1), date(2090, 1, 1))


@pytest.mark.requirement("CAL-1")
@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2024-01-31T22:59:59+00:00", date(2024, 1, 31)),
        ("2024-01-31T23:00:00+00:00", date(2024, 2, 1)),
        ("2024-06-30T21:59:59+00:00", date(2024, 6, 30)),
        ("2024-06-30T22:00:00+00:00", date(2024, 7, 1)),
        ("2024-03-31T00:59:59+00:00", date(2024, 3, 31)),
        ("2024-10-27T22:59:59+00:00", date(2024, 10, 27)),
    ],
)
def test_a_day_begins_at_midnight_in_amsterdam_in_winter_and_in_summer(moment: str, day: date) -> None:
    assert MovableClock(datetime.fromisoformat(moment)).today() == day


@pytest.mark.requirement("CAL-4")
@given(moments, st.timedeltas(timedelta(days=-3), timedelta(days=3)))
def test_the_civil_clock_moves_forward_to_the_next_day_at_most_and_else_stays(now: datetime, by: timedelta) -> None:
    clock = MovableClock(now)
    allowed = by >= timedelta() and (now + by).astimezone(AMSTERDAM).date() - clock.today() <= timedelta(days=1)
    if allowed:
        clock.move_to(now + by)
    else:
        with pytest.raises(MovedTooFar):
            clock.move_to(now + by)

    assert clock.now() == (now + by if allowed else now)


@pytest.mark.requirement("CAL-4")
@given(days)
def test_from_one_morning_to_the_next_is_a_day_also_when_the_clocks_change(day: date) -> None:
    clock = MovableClock.at(day)

    clock.move_to(morning_of(day + timedelta(days=1)))

    assert clock.today() == day + timedelta(days=1)
    assert clock.now().astimezone(AMSTERDAM).time() == time(9)


@pytest.mark.requirement("CAL-4")
def test_the_wall_clock_is_the_machine_s_wherever_the_civil_clock_stands() -> None:
    clock = MovableClock.at(date(2019, 1, 1))
    before = datetime.now(UTC)

    assert before <= clock.wall() <= MachineClock().wall()
