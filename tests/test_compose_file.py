"""docker-compose.yml without Docker: read as Docker reads it, and each service started as it says."""

import asyncio
import base64
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chassis.settings import KafkaTopics
from opstap.databases import SERVICES
from opstap.issuer import Issuer
from opstap.postgres import EmbeddedPostgres, free_port
from tests.support import compose
from tests.support.compose import ROOT, Unset
from tests.support.gateway import Gateway
from tests.support.leash import Leash
from tests.support.processes import COMPILED, Process
from tests.support.waiting import eventually

SECONDS_TO_START = 90.0
OWN_PORT = "8000"
"""The port that each service has in its own container."""


def filled_in(**known: str) -> dict[str, str]:
    """Every variable that a user is asked for, with some value."""
    values = {name: secrets.token_urlsafe(12) for name in compose.example_variables()}
    keys = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in values if name.endswith("_KEY")}
    return values | keys | known


def settings_of(environment: Mapping[str, str]) -> set[str]:
    return {name.removeprefix("OPSTAP_").lower() for name in environment if name.startswith("OPSTAP_")}


def waits_for(service: Mapping[str, Any], condition: str) -> set[str]:
    return {name for name, how in service["depends_on"].items() if how["condition"] == condition}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return compose.read(filled_in())


def test_the_example_names_every_variable_that_has_no_default() -> None:
    compose.read(filled_in())
    for name in compose.example_variables():
        if name.endswith("PASSWORD") and name != "POSTGRES_PASSWORD":
            continue  # asked for where PostgreSQL starts
        with pytest.raises(Unset, match=name):
            compose.read(filled_in() | {name: ""})


def test_there_are_five_services_their_jobs_and_what_they_stand_on(services: dict[str, Any]) -> None:
    jobs = {"topics", *(f"migrate-{name}" for name in SERVICES)}
    assert services.keys() == {"postgres", "kafka", *jobs, *SERVICES}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_its_tables_and_the_topics(services: dict[str, Any], name: str) -> None:
    assert waits_for(services[name], "service_completed_successfully") == {"topics", f"migrate-{name}"}
    assert waits_for(services[f"migrate-{name}"], "service_healthy") == {"postgres"}
    assert waits_for(services["topics"], "service_healthy") == {"kafka"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_roles_of_its_own_and_only_the_migration_owns_tables(services: dict[str, Any], name: str) -> None:
    environment, migration = services[name]["environment"], services[f"migrate-{name}"]["environment"]
    assert f"//{name}_app:" in environment["OPSTAP_DATABASE_URL"]
    assert f"//{name}_background:" in environment["OPSTAP_BACKGROUND_DATABASE_URL"]
    assert f"//{name}_owner:" in migration["OPSTAP_OWNER_DATABASE_URL"]
    assert all(url.endswith(f"/opstap_{name}") for url in environment.values() if url.startswith("postgresql"))
    assert not any("_owner:" in value for value in environment.values())


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_of_a_service_is_a_setting_that_it_reads(services: dict[str, Any], name: str) -> None:
    settings = import_module(f"{name}.app").SERVICE.settings
    told = settings_of(services[name]["environment"])
    assert told <= settings.model_fields.keys()
    assert {field for field, about in settings.model_fields.items() if about.is_required()} <= told


def test_the_topics_are_made_by_the_settings_that_the_services_read(services: dict[str, Any]) -> None:
    topics = services["topics"]["environment"]
    for name in SERVICES:
        for variable in ("OPSTAP_KAFKA_BOOTSTRAP_SERVERS", "OPSTAP_KAFKA_PARTITIONS"):
            assert services[name]["environment"][variable] == topics[variable]
    assert {"kafka_bootstrap_servers", "kafka_partitions"} <= KafkaTopics.model_fields.keys()


def test_partners_can_ask_intake_who_a_client_is(services: dict[str, Any]) -> None:
    partners = services["partners"]
    token = Path(partners["environment"]["OPSTAP_INTAKE_TOKEN_FILE"])
    assert any(volume.split(":")[1] == str(token.parent) for volume in partners["volumes"])


def test_intake_can_ask_routing_and_diagnosis_for_who_moves_away(services: dict[str, Any]) -> None:
    intake = services["intake"]
    token = Path(intake["environment"]["OPSTAP_SERVICE_TOKEN_FILE"])
    assert any(volume.split(":")[1] == str(token.parent) for volume in intake["volumes"])


def test_each_service_is_built_by_the_dockerfile_from_what_it_needs(services: dict[str, Any]) -> None:
    for name in SERVICES:
        for each in (name, f"migrate-{name}"):
            assert services[each]["build"] == {
                "context": ".",
                "dockerfile": "deploy/Dockerfile",
                "args": {"SERVICE": name},
            }
    copied = [
        line.split()[1:-1] for line in (ROOT / "deploy" / "Dockerfile").read_text().splitlines() if "COPY" in line
    ]
    from_here = {path for paths in copied for path in paths if not path.startswith(("--from", "/opstap"))}
    assert all((ROOT / path).exists() for path in from_here)


def test_what_kafka_and_postgresql_keep_stands_on_volumes(services: dict[str, Any]) -> None:
    kafka, postgres = services["kafka"], services["postgres"]
    assert f"kafka:{kafka['environment']['KAFKA_LOG_DIRS']}" in kafka["volumes"]
    assert "postgres:/var/lib/postgresql" in postgres["volumes"]
    assert all((ROOT / volume.split(":")[0]).exists() for volume in postgres["volumes"] if volume.startswith("./"))


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    folder = tmp_path_factory.mktemp("compose")
    server = EmbeddedPostgres(folder, durable=False)
    leash = Leash(f"kill -QUIT $(head -n 1 {folder}/cluster/postmaster.pid)")
    with server:
        yield server
    leash.drop()


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    gateway = Gateway(lambda url: Issuer(tmp_path / "issuer", url=url))
    await gateway.start()
    yield gateway.issuer
    await gateway.stop()


def make_roles(postgres: EmbeddedPostgres, environment: Mapping[str, str]) -> None:
    """Run the script that the PostgreSQL image runs at its first start, with the environment that the file gives."""
    password = postgres.admin_url.split(":")[2].split("@")[0]
    done = subprocess.run(
        ["sh", ROOT / "deploy" / "postgres" / "roles.sh"],
        env={
            **environment,
            "POSTGRES_USER": "postgres",
            "PATH": f"{postgres.binaries}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(postgres.port),
            "PGPASSWORD": password,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def process(name: str, service: Mapping[str, Any], port: int, folder: Path) -> Process:
    """The container's program: its command, but this Python and a port that is free here."""
    program, *command = service["command"]
    assert program == "python"
    command = [str(port) if word == OWN_PORT else word for word in command]
    system = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    system["PYTHONPYCACHEPREFIX"] = str(COMPILED)
    return Process(name, [sys.executable, *command], system | service["environment"], folder / f"{name}.log")


async def is_ready(session: aiohttp.ClientSession, url: str, running: Process) -> bool:
    assert running.exit_code is None, running.last_words()
    try:
        async with session.get(f"{url}/health/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@pytest.mark.kafka
async def test_each_service_starts_as_the_file_says(
    own_postgres: EmbeddedPostgres, kafka_bootstrap: str, issuer: Issuer, tmp_path: Path
) -> None:
    services = compose.read(
        filled_in(
            POSTGRES=f"127.0.0.1:{own_postgres.port}",
            KAFKA=kafka_bootstrap,
            OPSTAP_ISSUER=issuer.url,
            OPSTAP_JWKS_URL=f"{issuer.url}/jwks.json",
            OPSTAP_POLICIES=str(ROOT / "policies"),
        )
    )
    make_roles(own_postgres, services["postgres"]["environment"])
    jobs = ["topics", *(f"migrate-{name}" for name in SERVICES)]
    await asyncio.gather(*(process(job, services[job], 0, tmp_path).run() for job in jobs))
    ports = {name: free_port() for name in SERVICES}
    running = {name: process(name, services[name], port, tmp_path) for name, port in ports.items()}
    try:
        for each in running.values():
            each.start()
        await all_answer(ports, running, issuer)
    finally:
        await asyncio.gather(*(each.stop() for each in running.values()))


async def all_answer(ports: Mapping[str, int], running: Mapping[str, Process], issuer: Issuer) -> None:
    """Every service is ready, takes a token of the issuer whose keys it fetches, and has no clock to move."""
    token = issuer.issue("operator", ["operator"], ["GM0626"])
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for name, port in ports.items():
            url = f"http://127.0.0.1:{port}"
            await eventually(
                lambda url=url, name=name: is_ready(session, url, running[name]),  # type: ignore[misc]
                within=SECONDS_TO_START,
                every=0.1,
            )
            async with session.get(f"{url}/v1/events") as answer:
                assert answer.status == 200, f"{name}: {await answer.text()}\n{running[name].last_words()}"
            async with session.get(f"{url}/v1/civil-clock") as answer:
                assert answer.status == 404, name
