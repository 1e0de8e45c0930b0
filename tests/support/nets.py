"""Both buses under one face, for the tests that each must pass."""

import asyncio
import gc
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from chassis.bus import BackOff, Bus
from chassis.consumer import Consumer
from chassis.kafka import KafkaAdmin, KafkaBus, KafkaSender, KafkaSettings
from chassis.local import LocalBus
from chassis.outbox import EVERYTHING, OutboxLog, Selection
from chassis.replay import replay_to, republish
from chassis.topics import TopicSettings, ensure_topics
from tests.support.messaging import Service

QUICK = BackOff(0.02, 0.1)


@dataclass
class LocalNet:
    """All services in one process on the local bus."""

    services: Sequence[Service]
    consumers: Sequence[Consumer]
    batch: int = 500
    bus: LocalBus = field(init=False)

    async def start(self) -> None:
        self.bus = LocalBus(
            {service.name: service.database for service in self.services},
            {consumer.service: consumer for consumer in self.consumers},
            batch=self.batch,
            back_off=QUICK,
        )
        for service in self.services:
            service.wake = lambda name=service.name: self.bus.wake(name)  # type: ignore[misc]
        await self.bus.start()

    async def stop(self) -> None:
        await self.bus.stop()

    async def crash(self) -> None:
        """End as a killed process does: in the midst of whatever it does."""
        await asyncio.gather(*(pump.stop(within=0.0) for pump in self.bus._pumps))

    def alive(self) -> bool:
        return self.bus.alive()

    async def replay(self, producer: Service, consumer: Consumer, selection: Selection = EVERYTHING) -> int:
        return await replay_to(consumer, producer.name, OutboxLog(producer.database), selection)


@dataclass
class KafkaNet:
    """Each service on Kafka, as if in a process of its own."""

    services: Sequence[Service]
    consumers: Sequence[Consumer]
    bootstrap: str
    partitions: int = 3
    options: dict[str, Any] = field(default_factory=dict)
    prefix: str = field(default_factory=lambda: f"test-{uuid4().hex[:12]}")
    buses: dict[str, KafkaBus] = field(default_factory=dict)

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(self.bootstrap, self.prefix, session_timeout_ms=6_000, **self.options)

    async def start(self) -> None:
        topics = TopicSettings(self.prefix, partitions=self.partitions)
        await ensure_topics(KafkaAdmin(self.settings), topics)
        consumers = {consumer.service: consumer for consumer in self.consumers}
        for service in self.services:
            bus = self.bus_of(service, consumers.get(service.name))
            self.buses[service.name] = bus
            service.wake = bus.wake
            await bus.start()

    def bus_of(self, service: Service, consumer: Consumer | None) -> KafkaBus:
        return KafkaBus(service.name, service.database, consumer, self.settings, back_off=QUICK)

    async def stop(self) -> None:
        await asyncio.gather(*(bus.stop() for bus in self.buses.values()))

    async def crash(self) -> None:
        """End in the midst of whatever it does; the connections are closed, so that the next one need not wait.

        What was cut off while it connected is closed by the garbage collector, as the operating system closes the
        sockets of a killed process; aiokafka warns of each, and here that says nothing.
        """
        pumps = [pump for bus in self.buses.values() for pump in bus._pumps]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Unclosed AIOKafkaConnection", ResourceWarning)
            await asyncio.gather(*(pump.stop(within=0.0) for pump in pumps))
            await self.stop()
            self.buses.clear()
            gc.collect()

    def alive(self) -> bool:
        return all(bus.alive() for bus in self.buses.values())

    async def replay(self, producer: Service, consumer: Consumer, selection: Selection = EVERYTHING) -> int:
        sender = KafkaSender(self.settings)
        try:
            outbox = OutboxLog(producer.database)
            return await republish(sender, producer.name, outbox, selection, only_for=consumer.service)
        finally:
            await sender.close()


Net = LocalNet | KafkaNet
BOTH: tuple[type[Bus], type[Bus]] = (LocalBus, KafkaBus)
"""mypy checks here that both are a Bus."""
