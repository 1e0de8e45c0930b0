"""What only Kafka can do to us: rebalances, partitions, commits that fail, brokers that die. On Apache Kafka itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError

from chassis.bus import Record
from chassis.consumer import Consumer
from chassis.kafka import KafkaAdmin, KafkaBus, KafkaSender, KafkaSettings, NotAcknowledged
from chassis.parking import Parking
from chassis.topics import TopicsDisagree, TopicSettings, ensure_topics
from chassis.work import Work
from contracts import PRODUCERS, Envelope
from contracts.intake import ClientMovedAway
from opstap.postgres import free_port
from tests.support.kafka import KafkaBroker
from tests.support.messaging import Service, client, moved, nothing_more
from tests.support.nets import QUICK, KafkaNet
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

WORDS = [str(number) for number in range(40)]


@asynccontextmanager
async def running(net: KafkaNet) -> AsyncIterator[KafkaNet]:
    await net.start()
    try:
        yield net
    finally:
        await net.stop()


async def all_seen(service: Service, clients: Sequence[UUID], words: Sequence[str]) -> None:
    async def check() -> bool:
        return all([await service.seen(someone) == list(words) for someone in clients])

    await eventually(check, within=60)


async def test_a_record_that_is_no_event_stops_no_partition(
    kafka_bootstrap: str, intake: Service, routing: Service
) -> None:
    anna = client()
    consumer = routing.consumer(ClientMovedAway)
    async with running(KafkaNet([intake, routing], [consumer], kafka_bootstrap, partitions=1)) as net:
        sender = KafkaSender(net.settings)
        await sender.send([Record("intake", "some\0body", b"\xff", 1), Record("intake", "", b"{}", 2)])
        await sender.close()
        await intake.say(anna, moved("1"))
        await all_seen(routing, [anna], ["1"])
        parked = await Parking(consumer).find()
        assert [(record.key, record.value) for record in parked] == [("some\ufffdbody", b"\xff"), ("", b"{}")]


async def test_a_partition_that_fails_holds_up_no_other_and_loses_nothing(
    kafka_bootstrap: str, intake: Service, routing: Service
) -> None:
    clients = [client() for _ in range(12)]
    unlucky = clients[0]

    async def fail_for_one(_work: Work, batch: Sequence[Envelope[Any]]) -> None:
        if any(envelope.subject == unlucky for envelope in batch):
            raise ConnectionError("away")

    routing.then = fail_for_one
    consumer = routing.consumer(ClientMovedAway)
    await asyncio.gather(*(intake.say(someone, moved("1"), moved("2")) for someone in clients))
    async with running(KafkaNet([intake, routing], [consumer], kafka_bootstrap, partitions=2)):

        async def others_went_on() -> bool:
            return bool(await routing.seen())

        await eventually(others_went_on, within=60)
        assert await routing.seen(unlucky) == []
        routing.then = nothing_more
        await all_seen(routing, clients, ["1", "2"])
        assert await Parking(consumer).find() == []


class NeverCommits(AIOKafkaConsumer):  # type: ignore[misc]
    async def commit(self, _offsets: Any = None) -> None:
        raise CommitFailedError("the group has already rebalanced")


async def test_commits_that_fail_repeat_records_and_double_nothing(
    kafka_bootstrap: str, intake: Service, routing: Service
) -> None:
    anna = client()
    net = KafkaNet([intake, routing], [routing.consumer(ClientMovedAway)], kafka_bootstrap)
    net.options = {"consumer": NeverCommits}
    for start in (0, 20):
        async with running(net):
            for word in WORDS[start : start + 20]:
                await intake.say(anna, moved(word))
            await all_seen(routing, [anna], WORDS[: start + 20])
    net.options = {}
    async with running(net):
        await intake.say(anna, moved("last"))
        await all_seen(routing, [anna], [*WORDS, "last"])


class SilentAtFirst(AIOKafkaConsumer):  # type: ignore[misc]
    """As in aiokafka #1037: the first one joins, lives, and gets nothing."""

    made = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        type(self).made += 1
        self._silent = self.made == 1

    async def getmany(self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        if self._silent:
            await asyncio.sleep(0.02)
            return {}
        return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)


async def test_a_consumer_that_went_silent_joins_anew(kafka_bootstrap: str, intake: Service, routing: Service) -> None:
    SilentAtFirst.made = 0
    anna = client()
    net = KafkaNet([intake, routing], [routing.consumer(ClientMovedAway)], kafka_bootstrap)
    net.options = {"consumer": SilentAtFirst, "seconds_between_checks": 0.2}
    await intake.say(anna, moved("1"))
    async with running(net):
        await all_seen(routing, [anna], ["1"])
    assert SilentAtFirst.made == 2


def second_member(net: KafkaNet, consumer: Consumer) -> KafkaBus:
    service = next(service for service in net.services if service.name == consumer.service)
    return net.bus_of(service, consumer)


async def test_a_rebalance_waits_for_the_batch_in_hand(kafka_bootstrap: str, intake: Service, routing: Service) -> None:
    clients = [client() for _ in range(6)]
    begun, released = asyncio.Event(), asyncio.Event()

    async def wait(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        begun.set()
        await released.wait()

    routing.then = wait
    consumer = routing.consumer(ClientMovedAway)
    async with running(KafkaNet([intake, routing], [consumer], kafka_bootstrap)) as net:
        await asyncio.gather(*(intake.say(someone, *map(moved, WORDS[:10])) for someone in clients))
        async with asyncio.timeout(30):
            await begun.wait()
        second = second_member(net, consumer)
        await second.start()
        assert second.listener
        first = net.buses["routing"].listener
        assert first
        await eventually(lambda: first._assignments > 1, within=30)
        assert first._in_hand.locked(), "the second has joined, and the batch is still in hand"
        released.set()
        for word in WORDS[10:20]:
            await asyncio.gather(*(intake.say(someone, moved(word)) for someone in clients))
        await all_seen(routing, clients, WORDS[:20])
        await second.stop()
        await asyncio.gather(*(intake.say(someone, *map(moved, WORDS[20:])) for someone in clients))
        await all_seen(routing, clients, WORDS)
        assert await Parking(consumer).find() == []


async def test_a_rebalance_during_back_off_loses_nothing(
    kafka_bootstrap: str, intake: Service, routing: Service
) -> None:
    clients = [client() for _ in range(6)]
    failing = asyncio.Event()

    async def no_database(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        failing.set()
        raise ConnectionError("away")

    routing.then = no_database
    consumer = routing.consumer(ClientMovedAway)
    async with running(KafkaNet([intake, routing], [consumer], kafka_bootstrap)) as net:
        await asyncio.gather(*(intake.say(someone, *map(moved, WORDS[:5])) for someone in clients))
        async with asyncio.timeout(30):
            await failing.wait()
        second = second_member(net, consumer)
        await second.start()
        first = net.buses["routing"].listener
        assert first
        await eventually(lambda: first._assignments > 1, within=30)
        routing.then = nothing_more
        await all_seen(routing, clients, WORDS[:5])
        await second.stop()


async def test_a_broker_killed_in_mid_stream_loses_nothing_and_publishing_goes_on(
    kafka_broker: KafkaBroker, intake: Service, routing: Service
) -> None:
    clients = [client() for _ in range(4)]
    consumer = routing.consumer(ClientMovedAway)
    async with running(KafkaNet([intake, routing], [consumer], kafka_broker.bootstrap)) as net:
        await asyncio.gather(*(intake.say(someone, *map(moved, WORDS[:10])) for someone in clients))
        kafka_broker.kill()
        for word in WORDS[10:]:
            await asyncio.gather(*(intake.say(someone, moved(word)) for someone in clients))
        assert net.alive(), "a broker that is away is no reason to restart us"
        await asyncio.to_thread(kafka_broker.start)
        await all_seen(routing, clients, WORDS)
        assert await Parking(consumer).find() == []


async def test_what_was_not_acknowledged_in_time_is_waited_for_and_not_sent_beside_itself(
    kafka_broker: KafkaBroker,
) -> None:
    net = KafkaNet([], [], kafka_broker.bootstrap, partitions=1)
    await net.start()
    sender = KafkaSender(net.settings, patience=1.0)
    await sender.send([Record("intake", "anna", b"0", 0)])
    kafka_broker.kill()
    records = [Record("intake", "anna", str(number).encode(), number) for number in range(1, 4)]
    with pytest.raises(NotAcknowledged):
        await sender.send(records)
    await asyncio.to_thread(kafka_broker.start)
    sender._patience = 60.0  # a sender that is late three times begins anew, and may repeat what got through
    await sender.send(records)
    await sender.close()
    assert await read(net.settings, "intake", 4) == [b"0", b"1", b"2", b"3"]


async def read(kafka: KafkaSettings, producer: str, count: int) -> list[bytes]:
    """Everything on a topic, and a moment more to see that there is no more."""
    consumer = AIOKafkaConsumer(
        f"{kafka.prefix}.{producer}", bootstrap_servers=kafka.bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        values: list[bytes] = []
        async with asyncio.timeout(30):
            while len(values) < count:
                values += _values(await consumer.getmany(timeout_ms=200))
        return values + _values(await consumer.getmany(timeout_ms=500))
    finally:
        await consumer.stop()


def _values(fetched: Any) -> list[bytes]:
    return [message.value for messages in fetched.values() for message in messages]


async def test_a_service_starts_lives_and_stops_without_a_broker(intake: Service, routing: Service) -> None:
    kafka = KafkaSettings(f"127.0.0.1:{free_port()}")
    bus = KafkaBus("routing", routing.database, routing.consumer(ClientMovedAway), kafka, back_off=QUICK)
    await bus.start()
    await intake.say(client(), moved("1"))
    await asyncio.sleep(0)
    assert bus.alive()
    async with asyncio.timeout(15):
        await bus.stop()


async def test_topics_are_made_once_and_keep_their_partitions(kafka_bootstrap: str) -> None:
    net = KafkaNet([], [], kafka_bootstrap)
    admin, settings = KafkaAdmin(net.settings), TopicSettings(net.prefix, partitions=2)
    assert await ensure_topics(admin, settings) == [f"{net.prefix}.{producer}" for producer in PRODUCERS]
    assert await ensure_topics(admin, settings) == []
    await asyncio.gather(ensure_topics(admin, settings), ensure_topics(admin, settings))
    with pytest.raises(TopicsDisagree, match="2 partitions"):
        await ensure_topics(admin, replace(settings, partitions=3))


async def test_two_who_make_topics_at_once_do_not_trip_over_each_other(kafka_bootstrap: str) -> None:
    net = KafkaNet([], [], kafka_bootstrap)
    admin, settings = KafkaAdmin(net.settings), TopicSettings(net.prefix)
    await asyncio.gather(*(admin.create([f"{net.prefix}.intake"], settings) for _ in range(3)))
    assert await admin.partitions([f"{net.prefix}.intake"]) == {f"{net.prefix}.intake": 6}


async def test_records_of_one_client_are_on_one_partition_with_their_headers(
    kafka_bootstrap: str, intake: Service
) -> None:
    anna = client()
    await intake.say(anna, moved("1"), moved("2"))
    async with running(KafkaNet([intake], [], kafka_bootstrap)) as net:
        consumer = AIOKafkaConsumer(
            f"{net.prefix}.intake", bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        async with asyncio.timeout(30):
            messages = [await consumer.getone() for _ in range(2)]
        await consumer.stop()
    assert {message.key for message in messages} == {str(anna).encode()}
    assert len({message.partition for message in messages}) == 1
    assert dict(messages[0].headers)["content-type"] == b"application/cloudevents+json; charset=UTF-8"
