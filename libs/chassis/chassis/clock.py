"""Two clocks. The civil clock tells dates, terms and retries; the wall clock signs and stamps, and never moves."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LONGEST_STEP = timedelta(days=1)

Settle = Callable[[], Awaitable[object]]
"""Does what is due at this civil moment, and returns when it is done."""


class Clock(Protocol):
    """What a service asks about time."""

    def now(self) -> datetime:
        """The civil moment, UTC."""
        ...

    def today(self) -> date:
        """The civil day in Europe/Amsterdam."""
        ...

    def wall(self) -> datetime:
        """The machine's own moment, UTC."""
        ...


class MachineClock:
    """Civil time is the machine's time: the clock of production."""

    def now(self) -> datetime:
        """The civil moment, UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """The civil day in Europe/Amsterdam."""
        return self.now().astimezone(AMSTERDAM).date()

    def wall(self) -> datetime:
        """The machine's own moment, UTC."""
        return datetime.now(UTC)


class MovedTooFar(ValueError):
    """The civil clock moves forward by a day at most."""


class MovableClock:
    """Civil time stands still until it is moved, by a day at most; kept in the database, so that a restart keeps it."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    @classmethod
    def at(cls, day: date) -> "MovableClock":
        """A clock at nine in the morning of a day."""
        return cls(morning_of(day))

    def now(self) -> datetime:
        """The civil moment, UTC."""
        return self._moment

    def today(self) -> date:
        """The civil day in Europe/Amsterdam."""
        return self._moment.astimezone(AMSTERDAM).date()

    def wall(self) -> datetime:
        """The machine's own moment, UTC."""
        return datetime.now(UTC)

    def restore(self, moment: datetime) -> None:
        """Stand where it stood before a restart."""
        self._moment = moment.astimezone(UTC)

    def move_to(self, moment: datetime) -> None:
        """Move the civil clock; MovedTooFar backwards or by more than a civil day."""
        moved_to = moment.astimezone(AMSTERDAM)
        if moment < self._moment:
            raise MovedTooFar(f"the civil clock stands at {self._moment.isoformat()} and never goes back")
        if moved_to.date() - self.today() > LONGEST_STEP:
            raise MovedTooFar(
                f"the civil clock stands on {self.today()} and moves by a day at most, not to {moved_to.date()}"
            )
        self._moment = moment.astimezone(UTC)


async def nothing_is_due() -> None:
    """How a service settles that has no deadlines."""


def morning_of(day: date) -> datetime:
    """Nine in the morning of a civil day, as a moment in UTC."""
    return datetime.combine(day, time(9), AMSTERDAM).astimezone(UTC)


async def load_civil_moment(engine: AsyncEngine) -> datetime | None:
    """Where the movable clock of this database stood when it was last saved."""
    async with engine.connect() as connection:
        moment: datetime | None = await connection.scalar(text("SELECT moment FROM civil_clock"))
        return moment


async def save_civil_moment(engine: AsyncEngine, moment: datetime) -> None:
    """Keep where the movable clock stands."""
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(
            text(
                "INSERT INTO civil_clock (moment) VALUES (:moment)"
                " ON CONFLICT (single) DO UPDATE SET moment = EXCLUDED.moment"
            ),
            {"moment": moment},
        )
