"""A unit of work: one request, or one batch of events. It is one transaction, and its events are rows in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import changes, sight, trace
from chassis.clock import Clock
from chassis.database import Database
from chassis.ids import Ids, new_id
from contracts import Event
from policy import Library

LARGEST_EVENT = 64 * 1024
"""Bytes of data that one event may carry (NL GOV profile for CloudEvents); checked before the commit."""

_INSERT = text(
    "INSERT INTO outbox (event_id, municipality, subject, type, data, traceparent, recorded_at, cause)"
    " VALUES (:event_id, :municipality, :subject, :type, :data, :traceparent, :recorded_at, :cause)"
)


class EventTooLarge(ValueError):
    """An event is larger than what the bus carries."""


@dataclass
class Work:
    """What a use case has in hand: its transaction, the day, the policies, and where its events go."""

    session: AsyncSession
    clock: Clock
    policies: Library
    actor: str
    """Who acts, as `contracts.Actor`."""
    ids: Ids = new_id
    traces: Mapping[UUID, str] = field(default_factory=dict)
    """The `traceparent` to go on in, by subject, where a batch of events is handled."""
    _events: list[dict[str, Any]] = field(default_factory=list)
    _last: dict["LastStep", set[UUID]] = field(default_factory=dict)
    _facts: list[sight.Fact] = field(default_factory=list)
    _cause: tuple[UUID | None, Collection[UUID]] = (None, ())

    def __post_init__(self) -> None:
        self.session.info[changes.SIGNATURE] = lambda: (self.actor, self.clock.wall())

    @property
    def today(self) -> date:
        """The civil day."""
        return self.clock.today()

    def publish(self, subject: UUID, municipality: str, event: Event) -> UUID:
        """Say that something happened; it becomes a row of the outbox in this transaction. Returns the event's id."""
        data = event.model_dump_json(by_alias=True)
        if len(data) > LARGEST_EVENT:
            raise EventTooLarge(f"{event.type()} carries {len(data)} bytes; {LARGEST_EVENT} is the most")
        if isinstance(event, sight.FOLLOWED):
            self._facts.append((subject, municipality, event))
        event_id = self.ids()
        cause, concerned = self._cause
        self._events.append(
            {
                "event_id": event_id,
                "municipality": municipality,
                "subject": subject,
                "type": event.type(),
                "data": data,
                "traceparent": self.traces.get(subject) or trace.current(),
                "recorded_at": self.clock.wall(),
                "cause": cause if subject in concerned else None,
            }
        )
        return event_id

    @contextmanager
    def because_of(self, cause: UUID | None, clients: Collection[UUID]) -> Iterator[None]:
        """What is said in here about these clients is said because of a merger, or of its undoing."""
        outer, self._cause = self._cause, (cause, clients)
        try:
            yield
        finally:
            self._cause = outer

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part that may fail by itself: what it wrote and said goes, what went before it stays."""
        said, facts = len(self._events), len(self._facts)
        try:
            async with self.session.begin_nested():
                yield
        except BaseException:
            del self._events[said:], self._facts[facts:]
            raise

    def at_the_end(self, step: "LastStep", *subjects: UUID) -> None:
        """Have a step taken once for all these subjects, after the rest of the work and in its transaction."""
        self._last.setdefault(step, set()).update(subjects)

    async def finish(self) -> bool:
        """Take the last steps and write the events; True when there were any."""
        for step, subjects in self._last.items():
            await step(self, subjects)
        self._last.clear()
        return await self.write_events()

    async def write_events(self) -> bool:
        """Write what was published to the outbox; True when there was something."""
        if not self._events:
            return False
        await self.session.flush()
        await self.session.execute(_INSERT, self._events)
        await sight.follow(self.session, self._facts)
        self._events.clear()
        self._facts.clear()
        return True


LastStep = Callable[[Work, Collection[UUID]], Awaitable[None]]
"""What keeps something right that follows from all that the work changed, for the subjects that it changed."""


@dataclass(frozen=True)
class Office:
    """Where units of work are opened: the process-wide parts of a service."""

    database: Database
    clock: Clock
    policies: Library
    ids: Ids = new_id
    on_published: Callable[[], None] = lambda: None
    """Called after a commit that wrote events: wakes the relay in the same process."""

    @asynccontextmanager
    async def for_municipalities(self, municipalities: Iterable[str], actor: str) -> AsyncIterator[Work]:
        """Work on behalf of a token's holder."""
        async with self.database.for_municipalities(municipalities) as session:
            work = Work(session, self.clock, self.policies, actor, self.ids)
            yield work
            published = await work.finish()
        if published:
            self.on_published()

    @asynccontextmanager
    async def in_background(self, actor: str = "clock") -> AsyncIterator[Work]:
        """Work of the consumer, the sweeper and the sender, for all municipalities."""
        async with self.database.in_background() as session:
            work = Work(session, self.clock, self.policies, actor, self.ids)
            yield work
            published = await work.finish()
        if published:
            self.on_published()
