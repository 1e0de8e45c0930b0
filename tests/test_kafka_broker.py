import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.kafka import KafkaBroker

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def producer_to(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def create_topic(bootstrap: str) -> str:
    topic = f"records-{uuid4()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return topic


async def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_what_was_acknowledged_is_read_back(kafka_bootstrap: str) -> None:
    topic = await create_topic(kafka_bootstrap)
    async with producer_to(kafka_bootstrap) as producer:
        await producer.send_and_wait(topic, b"hello")
    assert await read(kafka_bootstrap, topic, 1) == [b"hello"]


async def test_a_broker_killed_with_9_comes_back_with_every_acknowledged_record(kafka_broker: KafkaBroker) -> None:
    topic = await create_topic(kafka_broker.bootstrap)
    sent = [f"record {number}".encode() for number in range(200)]
    async with producer_to(kafka_broker.bootstrap) as producer:
        for value in sent[:100]:
            await producer.send_and_wait(topic, value)
        kafka_broker.kill()
        in_flight = [await producer.send(topic, value) for value in sent[100:]]
        await asyncio.to_thread(kafka_broker.start)
        await asyncio.gather(*in_flight)
    assert await read(kafka_broker.bootstrap, topic, len(sent)) == sent


async def test_a_broker_restarted_in_good_order_keeps_its_address(kafka_broker: KafkaBroker) -> None:
    bootstrap = kafka_broker.bootstrap
    topic = await create_topic(bootstrap)
    await asyncio.to_thread(kafka_broker.restart)
    async with producer_to(bootstrap) as producer:
        await producer.send_and_wait(topic, b"again")
    assert await read(bootstrap, topic, 1) == [b"again"]


async def test_a_broker_runs_by_hand_until_it_is_interrupted(kafka_bootstrap: str, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tests.support.kafka", "--data-dir", str(tmp_path))
    by_hand = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert by_hand.stdout
        bootstrap = (await by_hand.stdout.readline()).decode().strip()
        topic = await create_topic(bootstrap)
        by_hand.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await by_hand.wait() == 0
    finally:
        if by_hand.returncode is None:
            by_hand.kill()
    assert topic
    assert bootstrap != kafka_bootstrap
