"""Telling trouble of the database from a fault of a record: the first is waited out, only the second is parked."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.work import Office, Work

_PASSING_CLASSES = frozenset({"08", "40", "53", "57", "58"})
"""SQLSTATE classes: connection, rolled back (serialisation, deadlock), resources, operator, system."""
_PASSING_STATES = frozenset({"25006", "25P03", "55P03"})
"""Read-only (a standby), idle too long in a transaction, lock not available."""


class DatabaseTrouble(Exception):
    """The database failed, not the record: come again later."""


@asynccontextmanager
async def unit_of_work(office: Office) -> AsyncIterator[Work]:
    """A transaction in the background; raises DatabaseTrouble for whatever goes wrong when that is the database's."""
    driver: Any = None
    try:
        async with office.in_background() as work:
            driver = await _driver(work.session)
            yield work
    except Exception as error:
        if driver is None or driver.is_closed() or is_passing(error):
            raise DatabaseTrouble(repr(error)) from error
        raise


@contextmanager
def own_statements() -> Iterator[None]:
    """Statements of the chassis: when one fails (a table missing, a right not granted), no record is to blame."""
    try:
        yield
    except DBAPIError as error:
        raise DatabaseTrouble(repr(error)) from error


def is_passing(error: BaseException) -> bool:
    """Whether an error, or one behind it, passes by itself."""
    return any(_passes(one) for one in _with_causes(error))


def _passes(error: BaseException) -> bool:
    if isinstance(error, OperationalError | PoolTimeoutError | DatabaseTrouble):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state[:2] in _PASSING_CLASSES or state in _PASSING_STATES
    return isinstance(error, OSError) and error.filename is None  # a missing file is no broken network


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    next_one: BaseException | None = error
    while next_one is not None and id(next_one) not in seen:
        seen.add(id(next_one))
        yield next_one
        next_one = next_one.__cause__ or next_one.__context__


async def _driver(session: AsyncSession) -> Any:
    """The connection of asyncpg itself, which knows whether it is dead."""
    return (await (await session.connection()).get_raw_connection()).driver_connection
