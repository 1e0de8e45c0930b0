"""PostgreSQL, with two roles: the application's, which sees the token's municipalities, and the background's.

Neither owns a table, so row-level security binds both; the owner's role is used by migrations only.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Naming convention for the constraints of every service."""


class Database:
    """The two connection pools of a service, and the only places where a transaction begins and commits."""

    def __init__(self, app_url: str, background_url: str, *, pool_size: int = 5) -> None:
        self.app = _engine(app_url, pool_size)
        self.background = _engine(background_url, pool_size)
        self._still = self.app.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.glance = self.background.execution_options(isolation_level="AUTOCOMMIT")
        """The background's pool for single statements, each a transaction by itself: one round trip."""

    @asynccontextmanager
    async def for_municipalities(self, municipalities: Iterable[str]) -> AsyncIterator[AsyncSession]:
        """A transaction of the application's role that sees these municipalities only; commits unless it raises."""
        async with AsyncSession(self.app, expire_on_commit=False) as session, session.begin():
            await _see(session, municipalities)
            yield session

    @asynccontextmanager
    async def in_background(self) -> AsyncIterator[AsyncSession]:
        """A transaction of the background role, which works for all municipalities; never reached from HTTP."""
        async with AsyncSession(self.background, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def snapshot(self, municipalities: Iterable[str]) -> AsyncIterator[AsyncSession]:
        """A transaction of the application's role that sees these municipalities as of one moment, and cannot write."""
        async with AsyncSession(self._still, expire_on_commit=False) as session, session.begin():
            await _see(session, municipalities)
            yield session

    async def close(self) -> None:
        """Give the connections back."""
        await self.app.dispose()
        await self.background.dispose()


async def _see(session: AsyncSession, municipalities: Iterable[str]) -> None:
    await session.execute(
        text("SELECT set_config('opstap.municipalities', :them, true)"), {"them": ",".join(sorted(municipalities))}
    )


def _engine(url: str, pool_size: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=30,
        connect_args={"timeout": 10, "command_timeout": 60},
    )
