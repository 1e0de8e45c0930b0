"""Publishing again from the outbox, which keeps everything: for a client, a type, a period, or all of it.

Whoever handled an event before drops it. The order within a client is that of the outbox.
"""

from dataclasses import replace

from chassis.consumer import Consumer
from chassis.outbox import EVERYTHING, OutboxLog, Selection, as_record
from chassis.relay import Sender


async def replay_to(
    consumer: Consumer,
    producer: str,
    outbox: OutboxLog,
    selection: Selection = EVERYTHING,
    *,
    up_to: int | None = None,
    organisation: str = "0" * 20,
) -> int:
    """Hand events of a producer straight to one consumer (on one machine); how many were handed over.

    `up_to` is where the consumer's own bus has come: what lies beyond will still come by itself, and in order.
    """
    count = 0
    async for rows in outbox.select(selection):
        reached = [row for row in rows if up_to is None or row.position <= up_to]
        await consumer.handle([as_record(row, producer, organisation) for row in reached])
        count += len(reached)
    return count


async def republish(
    sender: Sender,
    producer: str,
    outbox: OutboxLog,
    selection: Selection = EVERYTHING,
    *,
    only_for: str | None = None,
    organisation: str = "0" * 20,
) -> int:
    """Put events on their topic again, for every service or for one; how many were sent."""
    count = 0
    async for rows in outbox.select(selection):
        records = [as_record(row, producer, organisation) for row in rows]
        if only_for is not None:
            records = [replace(record, headers={**record.headers, "for": only_for}) for record in records]
        await sender.send(records)
        count += len(rows)
    return count
