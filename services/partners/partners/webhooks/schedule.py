"""When a webhook is tried again, and when an endpoint is given up. Pure; all moments are civil."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

DELAYS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""From each failed attempt to the next; the first attempt is at once. Together 75.6 hours."""
JITTER = 0.1
"""The largest part of a delay that is added by chance, so that what failed together does not come back together."""
FAILING_AFTER = 4
"""Failed attempts in a row after which somebody is told."""
DISABLED_AFTER = timedelta(hours=120)
"""Unbroken failure after which an endpoint is switched off."""

Failure = Literal["500", "429", "timeout", "reset", "redirect", "gone", "forbidden_address", "other"]

Random = Callable[[], float]
"""A number from 0 up to 1."""


def next_attempt(attempts: int, now: datetime, random: Random, retry_after: timedelta | None = None) -> datetime | None:
    """When to try again after this many failed attempts; None when that was the last.

    What the receiver asks by Retry-After holds between once and twice the delay.
    """
    if attempts > len(DELAYS):
        return None
    delay = DELAYS[attempts - 1]
    asked = min(max(retry_after, delay), 2 * delay) if retry_after is not None else delay
    return now + min(asked + delay * JITTER * random(), 2 * delay)


def retry_after(header: str | None, wall: datetime) -> timedelta | None:
    """How long the receiver asks to wait, in seconds or until a moment; None when it cannot be read."""
    if not header:
        return None
    if header.strip().isdecimal():
        return timedelta(seconds=min(int(header[:9]), int(2 * DELAYS[-1].total_seconds())))
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(timedelta(0), (until if until.tzinfo else until.replace(tzinfo=UTC)) - wall)


def failure_of(status: int) -> Failure | None:
    """Why an answer with this status is a failure; None for success, which is 2xx and nothing else."""
    match status:
        case 410:
            return "gone"
        case 429:
            return "429"
        case _ if 200 <= status < 300:
            return None
        case _ if 300 <= status < 400:
            return "redirect"
        case _ if status >= 500:
            return "500"
        case _:
            return "other"


@dataclass(frozen=True)
class Health:
    """How an endpoint fares: failed attempts in a row, and since when."""

    failures: int = 0
    since: datetime | None = None

    def after(self, failure: Failure | None, at: datetime) -> "Health":
        """After one more attempt; a single success clears it."""
        return Health() if failure is None else Health(self.failures + 1, self.since or at)

    def verdict(self, failure: Failure | None, at: datetime) -> Literal["failing", "disabled"] | None:
        """What is to be done now, after an attempt that ended so."""
        if failure is None or self.since is None:
            return None
        if failure == "gone" or at - self.since >= DISABLED_AFTER:
            return "disabled"
        return "failing" if self.failures == FAILING_AFTER else None
