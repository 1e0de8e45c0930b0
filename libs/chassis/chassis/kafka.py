"""Apache Kafka. The only module that touches aiokafka, with an answer to each of its known troubles.

Everything that can wait for ever (`send`, `commit`, `start`, `stop`) runs under a timeout. Offsets are committed after
the database, partition by partition; a commit that fails is harmless, because the inbox drops what comes again.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import IllegalStateError, KafkaError, TopicAlreadyExistsError, for_code

from chassis.bus import LAG, BackOff, Pump, Record
from chassis.consumer import Consumer, parking_pump
from chassis.database import Database
from chassis.relay import Relay
from chassis.topics import TopicSettings, group_of, topic_of

log = structlog.get_logger(__name__)

LARGEST_BATCH = 500
POLL_MS = 500
SECONDS_TO_ACKNOWLEDGE = 30.0
SECONDS_TO_CONNECT = 30.0
SECONDS_TO_COMMIT = 10.0
SECONDS_TO_STOP = 10.0
SECONDS_TO_HAND_OVER = 25.0
"""How long a rebalance waits for the batch in hand; below the 30 seconds after which the group goes on without us."""


class NotAcknowledged(TimeoutError):
    """The broker did not acknowledge in time; the records stay under way and are waited for again."""


class Silent(RuntimeError):
    """The broker has records that this consumer does not get: it joins anew."""


@dataclass(frozen=True)
class KafkaSettings:
    """Where Kafka is and how to speak to it."""

    bootstrap_servers: str
    prefix: str = "opstap"
    organisation: str = "0" * 20
    options: Mapping[str, Any] = field(default_factory=dict)
    """For every client: `security_protocol`, `ssl_context`, `sasl_mechanism`, ..."""
    member: str | None = None
    """A name of this process that outlives a restart: a rolling restart then moves no partitions."""
    session_timeout_ms: int = 30_000
    seconds_between_checks: float = 30.0
    """How often the lag is measured, and whether records that are there do come."""
    consumer: Callable[..., Any] = AIOKafkaConsumer

    def client(self) -> dict[str, Any]:
        """What every client is given."""
        return {"bootstrap_servers": self.bootstrap_servers, **self.options}


class KafkaBus:
    """One service on Kafka: its relay, and its listener when it handles anything."""

    def __init__(
        self,
        service: str,
        database: Database,
        consumer: Consumer | None,
        kafka: KafkaSettings,
        *,
        poll: float = 0.4,
        back_off: BackOff | None = None,
    ) -> None:
        self.sender = KafkaSender(kafka)
        self.relay = Relay(service, database, self.sender, organisation=kafka.organisation)
        self.listener = Listener(consumer, kafka) if consumer and consumer.producers else None
        self._relaying = Pump(f"{service} relay", self.relay.turn, poll=poll, back_off=back_off)
        self._pumps = [self._relaying]
        if consumer and self.listener:
            self._pumps.append(Pump(f"{service} listener", self.listener.turn, poll=0.0, back_off=back_off))
            self._pumps.append(parking_pump(consumer))

    async def start(self) -> None:
        """Begin to carry; Kafka need not be there yet."""
        for pump in self._pumps:
            pump.start()

    async def stop(self) -> None:
        """Finish the batches in hand, leave the group, give up the lead."""
        await asyncio.gather(*(pump.stop() for pump in self._pumps))
        if self.listener:
            await self.listener.leave()
        await self.relay.resign()
        await self.sender.close()

    def wake(self, producer: str | None = None) -> None:  # noqa: ARG002 - there is one producer here
        """The service committed events."""
        self._relaying.wake()

    def alive(self) -> bool:
        """Whether relay and listener still turn."""
        return all(pump.alive() for pump in self._pumps)


class KafkaSender:
    """Sends records and waits for their acknowledgement; what is under way is waited for, never sent beside itself."""

    def __init__(self, kafka: KafkaSettings, *, patience: float = SECONDS_TO_ACKNOWLEDGE) -> None:
        self._kafka = kafka
        self._patience = patience
        self._producer: Any = None
        self._under_way: dict[int, asyncio.Future[Any]] = {}
        self._late = 0

    async def send(self, records: Sequence[Record]) -> None:
        """Returns when every record is acknowledged by all in-sync replicas."""
        try:
            async with asyncio.timeout(self._patience):
                producer = self._producer or await self._open()
                for record in records:
                    if record.position not in self._under_way:
                        self._under_way[record.position] = await producer.send(**_as_message(self._kafka, record))
                await asyncio.wait(self._under_way.values())
        except TimeoutError as error:
            await self._count_late()
            raise NotAcknowledged(f"not acknowledged within {self._patience} s") from error
        self._late = 0
        under_way, self._under_way = self._under_way, {}
        failures = [failure for future in under_way.values() if (failure := future.exception())]
        if failures:
            await self.close()
            raise failures[0]

    async def close(self) -> None:
        """Stop the producer; cut it off when that takes too long."""
        producer, self._producer, self._under_way = self._producer, None, {}
        if producer is None:
            return
        if not await _in_time("producer", producer.stop(), SECONDS_TO_STOP):
            producer._message_accumulator.fail_all(ConnectionError("cut off"))  # noqa: SLF001 - stop() has no other end
            await _in_time("sender", producer._sender.close(), SECONDS_TO_STOP)  # noqa: SLF001
            await _in_time("client", producer.client.close(), SECONDS_TO_STOP)

    async def _open(self) -> Any:
        producer = AIOKafkaProducer(
            **self._kafka.client(),
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=256 * 1024,
            metadata_max_age_ms=60_000,
        )
        try:
            await producer.start()
        except BaseException:
            await _in_time("producer", producer.stop(), SECONDS_TO_STOP)
            raise
        self._producer = producer
        return producer

    async def _count_late(self) -> None:
        """A producer that stays silent is replaced in the end: it may be the one that hangs."""
        self._late += 1
        if self._late >= 3:
            self._late = 0
            await self.close()


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads the topics of a consumer's producers, as a member of the service's group."""

    def __init__(self, consumer: Consumer, kafka: KafkaSettings) -> None:
        self._consumer = consumer
        self._kafka = kafka
        self._producers = {topic_of(kafka.prefix, producer): producer for producer in consumer.producers}
        self._client: Any = None
        self._in_hand = asyncio.Lock()
        self._assignments = 0
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._checked = time.monotonic()

    async def turn(self) -> bool:
        """Poll once and handle what came, a batch per partition; one partition that fails holds up no other."""
        try:
            client = self._client or await self._join()
            fetched = await client.getmany(timeout_ms=POLL_MS, max_records=LARGEST_BATCH)
        except (KafkaError, TimeoutError):
            await self.leave()
            raise
        assignment, failures = self._assignments, []
        for partition, messages in fetched.items():
            try:
                await self._take(assignment, partition, messages)
            except Exception as error:  # noqa: BLE001 - the other partitions go on
                failures.append(error)
        if failures:
            raise failures[0]
        await self._check()
        return True

    async def leave(self) -> None:
        """Leave the group."""
        client, self._client = self._client, None
        self._ends = {}
        if client is not None:
            await _in_time("consumer", client.stop(), SECONDS_TO_STOP)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let the batch in hand end before another member goes on; what else was fetched is left to that member."""
        self._assignments += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_HAND_OVER), self._in_hand:
                log.info("partitions revoked", service=self._consumer.service, partitions=len(revoked))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Read from what the group committed."""
        self._ends = {}
        log.info("partitions assigned", service=self._consumer.service, partitions=len(assigned))

    async def _take(self, assignment: int, partition: TopicPartition, messages: Sequence[Any]) -> None:
        async with self._in_hand:
            if assignment != self._assignments:
                return
            producer = self._producers[partition.topic]
            try:
                await self._consumer.handle([_as_record(producer, message) for message in messages])
            except BaseException:
                with suppress(IllegalStateError):  # no longer ours: whoever has it reads it again
                    self._client.seek(partition, messages[0].offset)
                raise
            await self._commit(partition, messages[-1].offset + 1)

    async def _commit(self, partition: TopicPartition, offset: int) -> None:
        try:
            async with asyncio.timeout(SECONDS_TO_COMMIT):
                await self._client.commit({partition: offset})
        except (KafkaError, TimeoutError) as error:
            log.warning("an offset is not committed; repeats are dropped", partition=partition, error=repr(error))

    async def _join(self) -> Any:
        client = self._kafka.consumer(
            **self._kafka.client(),
            group_id=group_of(self._kafka.prefix, self._consumer.service),
            group_instance_id=self._kafka.member,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=self._kafka.session_timeout_ms,
            rebalance_timeout_ms=max(30_000, self._kafka.session_timeout_ms),
            max_poll_interval_ms=300_000,
            metadata_max_age_ms=30_000,
        )
        client.subscribe(list(self._producers), listener=self)
        try:
            async with asyncio.timeout(SECONDS_TO_CONNECT):
                await client.start()
        except BaseException:
            await _in_time("consumer", client.stop(), SECONDS_TO_STOP)
            raise
        self._client = client
        return client

    async def _check(self) -> None:
        """Measure the lag now and then; Silent when records have been there since the last time and do not come."""
        if time.monotonic() - self._checked < self._kafka.seconds_between_checks:
            return
        self._checked = time.monotonic()
        async with asyncio.timeout(SECONDS_TO_COMMIT):
            ends: dict[TopicPartition, int] = await self._client.end_offsets(self._client.assignment())
            positions = {partition: int(await self._client.position(partition)) for partition in ends}
        waited = [partition for partition, end in self._ends.items() if positions.get(partition, end) < end]
        stands_still = positions == self._positions
        self._positions, self._ends = positions, ends
        self._show({partition: end - positions[partition] for partition, end in ends.items()})
        if waited and stands_still:
            await self.leave()
            raise Silent(f"records wait in {waited} and do not come")

    def _show(self, lag: Mapping[TopicPartition, int]) -> None:
        for topic, producer in self._producers.items():
            events = sum(count for partition, count in lag.items() if partition.topic == topic)
            LAG.labels(self._consumer.service, producer).set(events)


class KafkaAdmin:
    """What `chassis.topics` asks of the broker."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    async def partitions(self, topics: Collection[str]) -> Mapping[str, int]:
        """The number of partitions of the topics that exist."""
        client = await self._open()
        try:
            described = await client.describe_topics(list(topics))
        finally:
            await client.close()
        return {each["topic"]: len(each["partitions"]) for each in described if not each["error_code"]}

    async def create(self, topics: Collection[str], settings: TopicSettings) -> None:
        """Create topics; one that exists already is as good."""
        new = [
            NewTopic(topic, settings.partitions, settings.replication, topic_configs=dict(settings.config()))
            for topic in topics
        ]
        client = await self._open()
        try:
            answer = await client.create_topics(new)
        finally:
            await client.close()
        for topic, code, *said in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"{topic}: {said}")

    async def _open(self) -> Any:
        client = AIOKafkaAdminClient(**self._kafka.client())
        async with asyncio.timeout(SECONDS_TO_CONNECT):
            await client.start()
        return client


def _as_message(kafka: KafkaSettings, record: Record) -> dict[str, Any]:
    return {
        "topic": topic_of(kafka.prefix, record.producer),
        "key": record.key.encode(),
        "value": record.value,
        "headers": [(name, value.encode()) for name, value in record.headers.items()],
    }


def _as_record(producer: str, message: Any) -> Record:
    key = (message.key or b"").decode(errors="replace").replace("\0", "\ufffd")  # PostgreSQL keeps no NUL in text
    headers = {name: (value or b"").decode(errors="replace") for name, value in message.headers}
    return Record(producer, key, message.value or b"", message.offset, headers)


async def _in_time(what: str, waiting: Any, seconds: float) -> bool:
    """Wait, but not for ever; whether it ended in time. Errors on the way out matter to nobody any more."""
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        log.warning("does not stop in time", what=what, seconds=seconds)
        return False
    except Exception as error:  # noqa: BLE001 - it is being closed
        log.warning("stopped with an error", what=what, error=repr(error))
    return True
