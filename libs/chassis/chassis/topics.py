"""Topics: one per producer, keyed by client. The number of partitions is chosen once: changing it breaks the order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from contracts import PRODUCERS


class TopicsDisagree(RuntimeError):
    """A topic exists with another number of partitions than this system is set to; the message says what to do."""


@dataclass(frozen=True)
class TopicSettings:
    """How the topics of this system are made."""

    prefix: str = "opstap"
    partitions: int = 6
    replication: int = 1
    retention_days: int = 30
    """Kafka forgets after this; the outbox does not."""

    def config(self) -> Mapping[str, str]:
        """As Kafka takes it: no event is compacted away, and with three copies two must acknowledge."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_days * 24 * 3600 * 1000),
            "min.insync.replicas": "2" if self.replication >= 3 else "1",
        }


class Admin(Protocol):
    """What is asked of the broker."""

    async def partitions(self, topics: Collection[str]) -> Mapping[str, int]:
        """The number of partitions of the topics that exist."""
        ...

    async def create(self, topics: Collection[str], settings: TopicSettings) -> None:
        """Create topics; one that somebody else has just created is as good."""
        ...


def topic_of(prefix: str, producer: str) -> str:
    """The topic of a producer's events."""
    return f"{prefix}.{producer}"


def group_of(prefix: str, service: str) -> str:
    """The consumer group of a service."""
    return f"{prefix}.{service}"


async def ensure_topics(admin: Admin, settings: TopicSettings, producers: Collection[str] = PRODUCERS) -> list[str]:
    """Create the topics that are missing, and say which; TopicsDisagree where an existing one differs."""
    wanted = [topic_of(settings.prefix, producer) for producer in producers]
    missing = [topic for topic in wanted if topic not in await admin.partitions(wanted)]
    if missing:
        await admin.create(missing, settings)
    for topic, partitions in (await admin.partitions(wanted)).items():
        if partitions != settings.partitions:
            raise TopicsDisagree(
                f"{topic} has {partitions} partitions and OPSTAP_KAFKA_PARTITIONS says {settings.partitions}. "
                "A client's events would come out of order; set it to what the topic has."
            )
    return missing
