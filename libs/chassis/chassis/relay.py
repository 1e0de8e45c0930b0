"""The relay: takes what a service committed to its outbox to the broker, in order, by one process at a time.

The lead is an advisory lock on a connection of its own. The cursor moves only on that connection, only from where it
stood, and only after the broker acknowledged: a process that lost its session without knowing can repeat events (the
inbox of the consumers drops those) but never skip one.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog
from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.bus import Record
from chassis.database import Database
from chassis.outbox import OutboxLog, as_record

log = structlog.get_logger(__name__)

DEPTH = Gauge("opstap_outbox_depth", "Events committed that the broker has yet to take", ["service"])
OLDEST = Gauge("opstap_outbox_oldest_seconds", "How long the oldest of them waits", ["service"])

LARGEST_BATCH = 1000
SECONDS_BETWEEN_METRICS = 5.0

_LEAD = text("SELECT pg_try_advisory_lock(hashtext('opstap'), hashtext('relay'))")
_BEGIN = text("INSERT INTO relay_cursor (position) VALUES (0) ON CONFLICT DO NOTHING")
_POSITION = text("SELECT position FROM relay_cursor")
_MOVE = text("UPDATE relay_cursor SET position = :to WHERE position = :from RETURNING position")


class LeadLost(RuntimeError):
    """Another relay moved the cursor: this one stops sending."""


class Sender(Protocol):
    """What takes records to a broker."""

    async def send(self, records: Sequence[Record]) -> None:
        """Returns when every record is acknowledged, in order per key; raises when that takes too long."""
        ...


class Relay:
    """One relay of a service; the others stand by."""

    def __init__(
        self,
        service: str,
        database: Database,
        sender: Sender,
        *,
        organisation: str = "0" * 20,
        batch: int = LARGEST_BATCH,
    ) -> None:
        self.service = service
        self._engine = database.background.execution_options(isolation_level="AUTOCOMMIT")
        self._log = OutboxLog(database)
        self._sender = sender
        self._organisation = organisation
        self._batch = batch
        self._lead: AsyncConnection | None = None
        self._measured = 0.0

    async def turn(self) -> bool:
        """Take the next batch along; False when there is none, or when another relay leads."""
        try:
            lead = self._lead or await self._take_lead()
            return lead is not None and await self._carry(lead)
        except BaseException:
            await self.resign()
            raise

    @property
    def leads(self) -> bool:
        """Whether this relay took the lead."""
        return self._lead is not None

    async def resign(self) -> None:
        """Give up the lead: the connection is closed for good, and the lock with it."""
        lead, self._lead = self._lead, None
        if lead is not None:
            await lead.invalidate()
            await lead.close()

    async def _carry(self, lead: AsyncConnection) -> bool:
        position = int(await lead.scalar(_POSITION) or 0)
        await self._measure(position)
        rows = await self._log.read(position, self._batch)
        if not rows:
            return False
        await self._sender.send([as_record(row, self.service, self._organisation) for row in rows])
        if await lead.scalar(_MOVE, {"from": position, "to": rows[-1].position}) is None:
            raise LeadLost(f"the cursor of {self.service} does not stand at {position} any more")
        return True

    async def _take_lead(self) -> AsyncConnection | None:
        connection = await self._engine.connect()
        if not await connection.scalar(_LEAD):
            await connection.close()
            return None
        self._lead = connection
        await connection.execute(_BEGIN)
        log.info("this relay leads", service=self.service)
        return connection

    async def _measure(self, position: int) -> None:
        """Tell now and then what stands in the outbox, and since when."""
        if time.monotonic() - self._measured < SECONDS_BETWEEN_METRICS:
            return
        self._measured = time.monotonic()
        depth = await self._log.depth(position)
        age = (datetime.now(UTC) - depth.oldest).total_seconds() if depth.oldest else 0.0
        DEPTH.labels(self.service).set(depth.events)
        OLDEST.labels(self.service).set(age)
