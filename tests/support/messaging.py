"""Services for tests of the messaging: each has a database of its own and writes down what it handles."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, NullPool, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chassis.bus import Record
from chassis.clock import MachineClock
from chassis.consumer import Consumer, Handler
from chassis.database import Database
from chassis.outbox import OutboxLog, as_record
from chassis.parking import Parking
from chassis.work import Office, Work
from contracts import Envelope, Event
from contracts.intake import ClientMovedAway
from contracts.routing import CaseworkerMissing
from opstap.databases import DatabaseUrls
from policy import Library
from tests.support.databases import toy_tables

MUNICIPALITY = "GM0363"
TODAY = date(2026, 3, 2)


async def create_tables(service: str, urls: DatabaseUrls) -> None:
    """The chassis's tables and one in which a test service writes down what it handled, repeats included."""

    def create(connection: Connection) -> None:
        with toy_tables(connection, service) as operations:
            operations.execute(
                "CREATE TABLE seen (number bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, subject uuid, word text)"
            )
            operations.execute(f"GRANT ALL ON seen TO {service}_background")

    owner = create_async_engine(urls.owner, poolclass=NullPool)
    async with owner.begin() as connection:
        await connection.run_sync(create)
    await owner.dispose()


def moved(word: str) -> ClientMovedAway:
    """An event of intake that carries a word."""
    return ClientMovedAway(occurred_on=TODAY, by="clock", to_municipality=word)


def missing(word: str) -> CaseworkerMissing:
    """An event of routing that carries a word."""
    return CaseworkerMissing(occurred_on=TODAY, by="clock", role=word)


def word_of(event: Event) -> str:
    """The word that an event carries."""
    for name in ("to_municipality", "role"):
        if value := getattr(event, name, None):
            return str(value)
    return event.type()


class Poison(Exception):
    """What a handler raises for a record that a test has poisoned."""


async def nothing_more(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
    """A handler's end when it only writes down."""


@dataclass
class Service:
    """A service of a test."""

    name: str
    urls: DatabaseUrls
    database: Database
    office: Office
    poisoned: set[str] = field(default_factory=set)
    then: Handler = nothing_more
    """What the handler does after writing down; tests set it."""
    wake: Callable[[], None] = lambda: None
    batches: list[int] = field(default_factory=list)
    naps: list[float] = field(default_factory=list)

    @classmethod
    def on(cls, name: str, urls: DatabaseUrls) -> "Service":
        """A service on a database."""
        database = Database(urls.app, urls.background)
        service = cls(name, urls, database, Office(database, MachineClock(), Library({})))
        service.office = replace(service.office, on_published=lambda: service.wake())  # noqa: PLW0108 - set later
        return service

    def consumer(self, *events: type[Event], **options: Any) -> Consumer:
        """A consumer that writes down every event of these types, and fails on poisoned words."""
        return Consumer(
            self.name, self.office, dict.fromkeys(events, self.write_down), **({"sleep": self._nap} | options)
        )

    async def write_down(self, work: Work, batch: Sequence[Envelope[Event]]) -> None:
        """The handler."""
        self.batches.append(len(batch))
        for envelope in batch:
            word = word_of(envelope.data)
            await work.session.execute(
                text("INSERT INTO seen (event_id, subject, word) VALUES (:id, :subject, :word)"),
                {"id": envelope.id, "subject": envelope.subject, "word": word},
            )
            if word in self.poisoned:
                raise Poison(word)
        await self.then(work, batch)

    async def say(self, subject: UUID, *events: Event) -> list[UUID]:
        """Publish events about one client in one transaction."""
        async with self.office.in_background() as work:
            return [work.publish(subject, MUNICIPALITY, event) for event in events]

    async def records(self, after: int = 0, limit: int = 1000) -> list[Record]:
        """What it published, as a bus would hand it over."""
        rows = await OutboxLog(self.database).read(after, limit)
        return [as_record(row, self.name, "0" * 20) for row in rows]

    async def seen(self, subject: UUID | None = None) -> list[str]:
        """The words it handled, in order; of one client or of all."""
        rows = await self.query("SELECT subject, word FROM seen ORDER BY number")
        return [word for client, word in rows if subject in (None, client)]

    async def query(self, statement: str, **parameters: Any) -> Sequence[Any]:
        """Rows, as the background role sees them."""
        async with self.database.in_background() as session:
            return (await session.execute(text(statement), parameters)).all()

    async def as_owner(self, statement: str) -> None:
        """What only the owner may do."""
        owner = create_async_engine(self.urls.owner, poolclass=NullPool)
        async with owner.begin() as connection:
            await connection.execute(text(statement))
        await owner.dispose()

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return int((await self.query(f"SELECT count(*) FROM {table}"))[0][0])

    async def parked(self, consumer: Consumer) -> list[tuple[str | None, str]]:
        """What is parked: the type and the state, in order."""
        return [(item.type, item.state) for item in await Parking(consumer).find()]

    async def _nap(self, seconds: float) -> None:
        self.naps.append(seconds)


def client() -> UUID:
    """A new client."""
    return uuid4()


async def kill_connections(admin_url: str, database: str, *, like: str = "%") -> int:
    """End the backends of a database as a crash would; how many there were."""
    engine = admin(admin_url)
    async with engine.connect() as connection:
        killed = await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = :database AND query LIKE :like AND pid <> pg_backend_pid()"
            ),
            {"database": database, "like": like},
        )
        count = len(killed.all())
    await engine.dispose()
    return count


def admin(admin_url: str) -> AsyncEngine:
    """The superuser's engine."""
    url = admin_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")


MakeService = Callable[[str], Awaitable[Service]]
Services = Mapping[str, Service]
