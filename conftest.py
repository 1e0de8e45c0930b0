"""Fixtures for every test of the tree: a PostgreSQL server, databases on it, and Apache Kafka when asked for."""

import itertools
import os
import shlex
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from opstap.databases import DatabaseUrls, load_passwords, provision
from opstap.postgres import EmbeddedPostgres

sys.path.insert(0, str(Path(__file__).parent))  # tests.support
from tests.support.databases import MakeDatabase, close_all
from tests.support.kafka import KafkaBroker, KafkaUnavailableError
from tests.support.leash import Leash
from tests.support.shares import ByFile, longest_first
from tests.support.untested import untested

settings.register_profile("opstap", deadline=None, print_blob=True)
settings.load_profile("opstap")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    config.option.loadscopereorder = False  # the order of the workers' items says what goes first
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        longest_first(items)


STOP_AND_REMOVE = """
    pid=$(head -n 1 cluster/postmaster.pid 2>/dev/null) && kill -QUIT "$pid" &&
        for _ in $(seq 100); do kill -0 "$pid" || break; sleep 0.1; done
    rm -rf "$PWD"
"""


def _binaries() -> Path | None:
    """Another installation's PostgreSQL by version or by folder; by default the wheel's."""
    wanted = os.environ.get("OPSTAP_TEST_POSTGRES", "18")
    if wanted == "18":
        return None
    folder = Path(f"/usr/lib/postgresql/{wanted}/bin") if wanted.isdigit() else Path(wanted)
    if not (folder / "postgres").exists():
        pytest.fail(f"OPSTAP_TEST_POSTGRES={wanted}: there is no PostgreSQL in {folder}")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="opstap-tests-"))
    server = EmbeddedPostgres(folder, binaries=_binaries(), durable=False)
    leash = Leash(f"cd {shlex.quote(str(folder))} && {STOP_AND_REMOVE}")
    server.start()
    yield server
    server.stop()
    leash.let_go()


@pytest.fixture(scope="session")
async def make_database(postgres_server: EmbeddedPostgres) -> AsyncIterator[MakeDatabase]:
    passwords = load_passwords(postgres_server.data_folder / "passwords.json")
    numbers = itertools.count(1)

    async def make(service: str, suffix: str | None = None, *, copy_of: DatabaseUrls | None = None) -> DatabaseUrls:
        name = "_".join(filter(None, ("opstap", service, suffix, str(next(numbers)))))
        template = copy_of.name if copy_of else "template1"
        return await provision(postgres_server.admin_url, service, passwords, database=name, template=template)

    yield make
    await close_all()


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    """The session's broker; whoever kills it starts it again."""
    with tempfile.TemporaryDirectory(prefix="opstap-kafka-") as folder:
        leash = Leash(f"sleep 1; rm -rf {shlex.quote(folder)}")
        broker = KafkaBroker(Path(folder))
        try:
            broker.start()
        except KafkaUnavailableError as reason:
            leash.drop()
            untested(f"NOT TESTED ON KAFKA. {reason}")
        yield broker
        broker.stop()
        leash.drop()


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_broker: KafkaBroker) -> str:
    return kafka_broker.bootstrap
