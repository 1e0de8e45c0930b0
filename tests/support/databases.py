"""Databases of tests: made for whoever asks, and kept open from test to test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import Database
from chassis.migrations import add_mergers, create_chassis_tables, create_openings
from opstap.databases import DatabaseUrls

_open: dict[str, Database] = {}

Statement = tuple[str, Any]
"""A statement and its values."""


class MakeDatabase(Protocol):
    """Provisions a database of its own for whoever asks; `copy_of` one that is already migrated is quickest."""

    async def __call__(
        self, service: str, suffix: str | None = None, *, copy_of: DatabaseUrls | None = None
    ) -> DatabaseUrls: ...


def opened(urls: DatabaseUrls) -> Database:
    """A database's pools, the same at every asking: connections and compiled statements go from test to test."""
    if urls.name not in _open:
        _open[urls.name] = Database(urls.app, urls.background)
    return _open[urls.name]


@contextmanager
def toy_tables(connection: Connection, service: str) -> Iterator[Operations]:
    """Make the tables that the chassis works with, as the migrations of every service do; and let others be added."""
    with Operations.context(MigrationContext.configure(connection)) as operations:
        create_chassis_tables(service)
        add_mergers(service)
        create_openings(service)
        yield operations


@contextmanager
def statements(pool: AsyncEngine) -> Iterator[list[Statement]]:
    """What is asked of the database meanwhile, by way of this pool."""
    asked: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(pool.sync_engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(pool.sync_engine, "before_cursor_execute", note)


async def close_all() -> None:
    """Close what was opened; at the end of the session."""
    for database in _open.values():
        await database.close()
    _open.clear()
