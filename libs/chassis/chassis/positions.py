"""How far a log may be read whose positions are handed out before the commit, so that they appear out of order.

What lies above a transaction that may still fill a hole is not yet read; only writers of the log itself are waited for.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import Database


class Positions:
    """The `position` column of a table that only grows."""

    def __init__(self, database: Database | AsyncEngine, table: str, *, patience: float = 1.0) -> None:
        if isinstance(database, Database):
            self._engine = database.glance
        else:
            self._engine = database.execution_options(isolation_level="AUTOCOMMIT")
        self._patience = patience
        self._settled = 0
        self._head = text(f"SELECT coalesce(max(position), 0) FROM {table}")  # noqa: S608 - a name of ours
        self._writing = text(
            "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'"  # noqa: S608
            f" AND granted AND relation = '{table}'::regclass"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )

    async def head(self) -> int:
        """The highest position that is visible."""
        return int((await self._all(self._head))[0][0])

    async def settle(self) -> int:
        """Wait until nothing can appear any more up to what is the head now, and say where that is."""
        head = await self.head()
        await self._wait_for(await self._writers())
        self._settled = max(self._settled, head)
        return head

    async def settled(self) -> int:
        """How far a reader may go that cannot see holes: the head, or what was last known where a writer lingers."""
        try:
            async with asyncio.timeout(self._patience):
                return await self.settle()
        except TimeoutError:
            return self._settled

    async def _writers(self) -> set[str]:
        """The transactions that may still fill a hole."""
        return {row[0] for row in await self._all(self._writing)}

    async def _wait_for(self, writers: set[str]) -> None:
        pause = 0.002
        while writers:
            await asyncio.sleep(pause)
            writers &= await self._writers()
            pause = min(2 * pause, 0.05)

    async def _all(self, statement: TextClause, **parameters: Any) -> Sequence[Any]:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement, parameters)).all()
