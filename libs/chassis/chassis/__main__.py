"""What a container runs: `python -m chassis serve intake`, `.. migrate intake`, `.. topics`.

The service is named, not imported: whatever is installed beside this library can be run.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from chassis import app, process
from chassis.kafka import KafkaAdmin, KafkaSettings
from chassis.migrations import upgrade
from chassis.process import Definition
from chassis.settings import KafkaTopics, ServiceSettings
from chassis.topics import TopicsDisagree, TopicSettings, ensure_topics
from policy import PolicyErrors


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it ended well, 1 when the start is refused, with the reason on standard error."""
    asked = _parser().parse_args(arguments)
    try:
        match asked.command:
            case "serve":
                app.serve(process.from_environment(_definition(asked.service)), host=asked.host, port=asked.port)
            case "migrate":
                upgrade(_folder(asked.service), os.environ["OPSTAP_OWNER_DATABASE_URL"])
            case "topics":
                asyncio.run(_create_topics())
    except (PolicyErrors, TopicsDisagree) as wrong:
        print(wrong, file=sys.stderr)  # noqa: T201 - for the operator who reads the container's output
        return 1
    return 0


async def _create_topics() -> None:
    settings = KafkaTopics()
    admin = KafkaAdmin(KafkaSettings(settings.kafka_bootstrap_servers, prefix=settings.topic_prefix))
    wanted = TopicSettings(settings.topic_prefix, settings.kafka_partitions, settings.kafka_replication)
    for topic in await ensure_topics(admin, wanted):
        print(f"created {topic}")  # noqa: T201 - the command's answer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chassis", description="Run a service of Opstap, or prepare for it."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run a service until it is told to stop")
    serve.add_argument("service")
    serve.add_argument("--host", default="0.0.0.0")  # noqa: S104 - in a container, behind a gateway
    serve.add_argument("--port", type=int, default=8000)
    migrate = commands.add_parser("migrate", help="bring a service's database up to date, as its owner")
    migrate.add_argument("service")
    commands.add_parser("topics", help="create the topics of all services on Kafka")
    return parser


def _definition(service: str) -> Definition[ServiceSettings]:
    definition: Definition[ServiceSettings] = import_module(f"{service}.app").SERVICE
    return definition


def _folder(service: str) -> Path:
    return Path(import_module(service).__file__ or "").resolve().parents[1]


if __name__ == "__main__":
    sys.exit(main())
