from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from partners.webhooks.schedule import (
    DELAYS,
    DISABLED_AFTER,
    FAILING_AFTER,
    Failure,
    Health,
    failure_of,
    next_attempt,
    retry_after,
)

NOW = datetime(2024, 2, 1, 8, tzinfo=UTC)
CHANCE = st.floats(0, 1, exclude_max=True)


def test_ten_attempts_over_more_than_three_days() -> None:
    at, moments = NOW, [NOW]
    for attempts in range(1, 20):
        again = next_attempt(attempts, at, lambda: 0.0)
        if again is None:
            break
        at = again
        moments.append(at)
    assert len(moments) == 10
    assert moments[-1] - NOW == timedelta(hours=75, minutes=35, seconds=5)
    assert moments[1] - NOW == timedelta(seconds=5)


@given(attempts=st.integers(1, len(DELAYS)), chance=CHANCE)
def test_jitter_only_adds_and_stays_within_a_tenth(attempts: int, chance: float) -> None:
    again = next_attempt(attempts, NOW, lambda: chance)
    delay = DELAYS[attempts - 1]
    assert again is not None
    assert delay <= again - NOW <= delay * 1.1


@given(attempts=st.integers(1, len(DELAYS)), chance=CHANCE, asked=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_retry_after_holds_between_once_and_twice_the_delay(attempts: int, chance: float, asked: timedelta) -> None:
    again = next_attempt(attempts, NOW, lambda: chance, asked)
    delay = DELAYS[attempts - 1]
    assert again is not None
    assert delay <= again - NOW <= 2 * delay
    if delay <= asked <= 2 * delay:
        assert again - NOW >= asked


@given(st.text(max_size=40))
def test_whatever_retry_after_says_it_is_read_or_left_aside(header: str) -> None:
    found = retry_after(header, NOW)
    assert found is None or found >= timedelta(0)


def test_retry_after_in_seconds_and_as_a_moment() -> None:
    assert retry_after("120", NOW) == timedelta(minutes=2)
    assert retry_after("Thu, 01 Feb 2024 08:05:00 GMT", NOW) == timedelta(minutes=5)
    assert retry_after("Thu, 01 Feb 2024 07:00:00 GMT", NOW) == timedelta(0)
    assert retry_after("soon", NOW) is None
    assert retry_after(None, NOW) is None


def test_success_is_2xx_and_nothing_else() -> None:
    kinds = {code: failure_of(code) for code in (200, 201, 202, 204, 299, 301, 308, 400, 404, 410, 415, 429, 500, 503)}
    assert kinds == {
        200: None, 201: None, 202: None, 204: None, 299: None, 301: "redirect", 308: "redirect", 400: "other",
        404: "other", 410: "gone", 415: "other", 429: "429", 500: "500", 503: "500",
    }  # fmt: skip


def test_somebody_is_told_once_and_a_success_clears_it() -> None:
    health, verdicts = Health(), []
    for number in range(6):
        health = health.after("500", NOW + timedelta(minutes=number))
        verdicts.append(health.verdict("500", NOW + timedelta(minutes=number)))
    assert verdicts == [None, None, None, "failing", None, None]
    assert verdicts.index("failing") == FAILING_AFTER - 1
    assert health.after(None, NOW) == Health()


def test_an_endpoint_is_switched_off_after_days_of_unbroken_failure_or_at_once_when_gone() -> None:
    failure: Failure = "timeout"
    health = Health().after(failure, NOW)
    just_before = NOW + DISABLED_AFTER - timedelta(seconds=1)
    assert health.after(failure, just_before).verdict(failure, just_before) is None
    assert health.after(failure, NOW + DISABLED_AFTER).verdict(failure, NOW + DISABLED_AFTER) == "disabled"
    assert Health().after("gone", NOW).verdict("gone", NOW) == "disabled"
