"""The databases of a data folder: of the system that runs on it, or of a PostgreSQL that runs for a command."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chassis.clock import Clock, MachineClock, MovableClock, load_civil_moment
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.outbox import OutboxLog
from chassis.work import Office
from contracts import PRODUCERS, Event
from opstap.databases import DatabaseUrls, load_passwords, urls_of
from opstap.postgres import HOST, EmbeddedPostgres
from opstap.services import DEFINITIONS
from policy import Library


class NoDataError(RuntimeError):
    """The folder holds no system."""


@asynccontextmanager
async def databases_of(folder: Path) -> AsyncIterator[Mapping[str, DatabaseUrls]]:
    """How the five databases are reached. A PostgreSQL that runs is left running; otherwise one is started meanwhile.

    FolderInUseError when a system is just starting there; NoDataError when there never was one.
    """
    passwords = folder / "passwords.json"
    if not passwords.exists():
        raise NoDataError(f"{folder} holds no data of Opstap: name the folder with --data, or begin with `opstap up`")
    postgres = EmbeddedPostgres(folder / "postgres")
    running = postgres.postmaster()
    if running is not None and running.ready:
        yield _urls(passwords, running.port)
        return
    await asyncio.to_thread(postgres.start)
    try:
        yield _urls(passwords, postgres.port)
    finally:
        await asyncio.to_thread(postgres.stop)


@dataclass(frozen=True)
class Desk:
    """What an operator works with: the databases of all services, the civil clock and the policies."""

    databases: Mapping[str, Database]
    clock: Clock
    policies: Library

    def outbox(self, producer: str) -> OutboxLog:
        """What a service said."""
        return OutboxLog(self.databases[producer])

    def consumer(self, service: str) -> Consumer:
        """A service's own way of handling events, in this process."""
        office = Office(self.databases[service], self.clock, self.policies)
        return Consumer(service, office, DEFINITIONS[service].handlers)

    def heard_by(self, service: str) -> Collection[type[Event]]:
        """The events that a service handles."""
        return DEFINITIONS[service].handlers.keys()


@asynccontextmanager
async def desk_on(folder: Path, policies: Path) -> AsyncIterator[Desk]:
    """An operator's desk on a data folder. The civil clock is read once: it stands still while the command works."""
    library = Library.load(policies)
    async with databases_of(folder) as urls, AsyncExitStack() as stack:
        databases = {name: Database(each.app, each.background, pool_size=2) for name, each in urls.items()}
        for database in databases.values():
            stack.push_async_callback(database.close)
        yield Desk(databases, await _clock(databases), library)


def _urls(passwords: Path, port: int) -> dict[str, DatabaseUrls]:
    known = load_passwords(passwords)
    return {name: urls_of(f"postgresql://{HOST}:{port}/postgres", name, known) for name in PRODUCERS}


async def _clock(databases: Mapping[str, Database]) -> Clock:
    """Where the movable clock of this folder stands; the machine's where there is none."""
    saved = [moment for each in databases.values() if (moment := await load_civil_moment(each.app))]
    return MovableClock(max(saved)) if saved else MachineClock()
