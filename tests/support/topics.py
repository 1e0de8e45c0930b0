"""Reading what stands on the topics of Kafka."""

import asyncio

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord


async def records(bootstrap: str, topics: list[str]) -> list[ConsumerRecord]:
    """Everything there is now."""
    client = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await client.start()
    try:
        ends = await client.end_offsets(client.assignment())
        assert {partition.topic for partition in ends} == set(topics)
        found: list[ConsumerRecord] = []
        async with asyncio.timeout(60):
            while sum(ends.values()) > len(found):
                for batch in (await client.getmany(timeout_ms=500)).values():
                    found += batch
        return found
    finally:
        await client.stop()


def everything(record: ConsumerRecord) -> bytes:
    """Key, value and headers."""
    headers = b" ".join(name.encode() + b"=" + value for name, value in record.headers)
    return b" ".join((record.key or b"", record.value or b"", headers))
