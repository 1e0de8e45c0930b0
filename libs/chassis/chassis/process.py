"""What a service consists of, and how it becomes a process of its own: settings, database, clock, bus, sweeper, app."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from fastapi import FastAPI

from chassis.background import Background
from chassis.clock import (
    Clock,
    MachineClock,
    MovableClock,
    Settle,
    load_civil_moment,
    morning_of,
    nothing_is_due,
    save_civil_moment,
)
from chassis.consumer import Consumer, Handlers
from chassis.database import Database
from chassis.deadlines import Fired, Sweeper
from chassis.kafka import KafkaBus, KafkaSettings
from chassis.logs import configure
from chassis.security import TokenVerifier
from chassis.settings import ServiceSettings
from chassis.work import Office
from policy import Library

S = TypeVar("S", bound=ServiceSettings)
S_contra = TypeVar("S_contra", bound=ServiceSettings, contravariant=True)


class Create(Protocol[S_contra]):
    """Makes a service's app.

    `background` lives as long as it; `settle` is called before and after the civil clock moves.
    """

    def __call__(
        self,
        settings: S_contra,
        office: Office,
        verifier: TokenVerifier,
        *,
        background: Sequence[Background] = (),
        settle: Settle = nothing_is_due,
    ) -> FastAPI:
        """The app."""
        ...


def _nothing(_settings: ServiceSettings, _office: Office) -> Sequence[Background]:
    return ()


@dataclass(frozen=True)
class Definition(Generic[S]):
    """A service, whole: what the one-machine system and a process of its own both start from."""

    name: str
    settings: type[S]
    create: Create[S]
    handlers: Handlers
    deadlines: Mapping[str, Fired]
    background: Callable[[S, Office], Sequence[Background]] = _nothing
    """What runs beside bus and sweeper, such as the sender of webhooks."""


class Bell:
    """Rung after a commit that wrote events; the bus, made later than the office, comes to listen."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def wakes(self, listener: Callable[[], None]) -> None:
        """Let somebody listen."""
        self._listeners.append(listener)

    def __call__(self) -> None:
        """Ring."""
        for listener in self._listeners:
            listener()


class SavedClock:
    """Puts the movable civil clock where this database last had it, when the service starts."""

    def __init__(self, clock: MovableClock, database: Database) -> None:
        self._clock, self._database, self._started = clock, database, False

    async def start(self) -> None:
        """Take the saved moment over, or save the first."""
        saved = await load_civil_moment(self._database.app)
        if saved is None:
            await save_civil_moment(self._database.app, self._clock.now())
        else:
            self._clock.restore(saved)
        self._started = True

    async def stop(self) -> None:
        """Nothing runs."""

    def alive(self) -> bool:
        """Whether the moment was taken over."""
        return self._started


def clock_of(settings: ServiceSettings) -> Clock:
    """The machine's clock, or in development one that can be moved."""
    if not settings.movable_clock:
        return MachineClock()
    return MovableClock(morning_of(settings.civil_date) if settings.civil_date else datetime.now(UTC))


def kafka_of(settings: ServiceSettings) -> KafkaSettings:
    """Where Kafka is, by the common settings."""
    return KafkaSettings(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        prefix=settings.topic_prefix,
        organisation=settings.organisation,
        member=settings.kafka_member,
        session_timeout_ms=settings.kafka_session_timeout_ms,
    )


def from_environment(definition: Definition[S]) -> FastAPI:
    """The app of one service on Kafka, by the settings in the environment; a wrong policy pack refuses the start."""
    settings = definition.settings()
    configure(settings.log_level, definition.name)
    database = Database(
        settings.database_url.get_secret_value(),
        settings.background_database_url.get_secret_value(),
        pool_size=settings.pool_size,
    )
    clock = clock_of(settings)
    bell = Bell()
    office = Office(database, clock, Library.load(settings.policies), on_published=bell)
    consumer = Consumer(definition.name, office, definition.handlers)
    bus = KafkaBus(definition.name, database, consumer, kafka_of(settings))
    bell.wakes(bus.wake)
    sweeper = Sweeper(office, definition.deadlines)

    saved = [SavedClock(clock, database)] if isinstance(clock, MovableClock) else []
    return definition.create(
        settings,
        office,
        TokenVerifier.from_settings(settings),
        background=[*saved, bus, sweeper, *definition.background(settings, office)],
        settle=sweeper.sweep,
    )
