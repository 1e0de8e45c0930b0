import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from urllib.parse import urlsplit

import asyncpg
import pytest

from opstap.databases import DatabaseUrls, load_passwords, provision
from opstap.postgres import EmbeddedPostgres, FolderInUseError, PostgresError
from tests.support.databases import MakeDatabase
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[1]

# A process of ours that starts the server, says so, and then does nothing until it is killed.
PARENT = """
import signal, sys
from pathlib import Path
from urllib.parse import urlsplit
from opstap.postgres import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1]), binaries=Path(sys.argv[2]), durable=False).start()
print("started", flush=True)
signal.pause()
"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="opstap-tests-") as name:
        yield Path(name)


@pytest.fixture
def server(folder: Path, postgres_server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, of the version under test, not started."""
    own = EmbeddedPostgres(folder, binaries=postgres_server.binaries, durable=False)
    yield own
    own.stop()


async def remember(server: EmbeddedPostgres) -> None:
    async with connected(server.admin_url) as admin:
        await admin.execute("CREATE TABLE remembered AS SELECT 'yes' AS answer")


async def remembers(server: EmbeddedPostgres) -> bool:
    async with connected(server.admin_url) as admin:
        return bool(await admin.fetchval("SELECT answer FROM remembered") == "yes")


def pid_of(server: EmbeddedPostgres) -> int:
    postmaster = server.postmaster()
    assert postmaster is not None
    return postmaster.pid


@pytest.fixture
def parent(server: EmbeddedPostgres) -> Iterator[subprocess.Popen[str]]:
    """Another process that started the server, until a test kills it."""
    command = [sys.executable, "-c", PARENT, str(server.data_folder), str(server.binaries)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield process
        process.kill()


def kill_9(parent: subprocess.Popen[str]) -> None:
    parent.kill()
    parent.wait()


async def test_a_restart_finds_the_data_and_a_clean_stop_leaves_no_server(server: EmbeddedPostgres) -> None:
    server.start()
    await remember(server)
    server.stop()
    assert server.postmaster() is None
    server.start()
    assert await remembers(server)


async def test_the_next_start_adopts_the_server_after_kill_9_of_its_parent(
    server: EmbeddedPostgres, parent: subprocess.Popen[str]
) -> None:
    before = pid_of(server)
    kill_9(parent)
    server.start()
    assert pid_of(server) == before
    async with connected(server.admin_url) as admin:
        assert await admin.fetchval("SHOW data_directory") == str(server.cluster)


async def test_the_next_start_recovers_after_kill_9_of_parent_and_postmaster(
    server: EmbeddedPostgres, parent: subprocess.Popen[str]
) -> None:
    before = pid_of(server)
    kill_9(parent)
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: server.postmaster() is None)
    server.start()
    assert pid_of(server) != before
    await remember(server)


async def test_a_running_process_brings_a_killed_postmaster_back_on_the_same_port(server: EmbeddedPostgres) -> None:
    server.start()
    await remember(server)
    url, before = server.admin_url, pid_of(server)
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: server.postmaster() is None)
    server.ensure_running()
    assert server.admin_url == url
    assert pid_of(server) != before
    assert await remembers(server)


async def test_a_backend_still_at_work_when_its_postmaster_dies_is_waited_for(server: EmbeddedPostgres) -> None:
    """Two generations of PostgreSQL on one folder would ruin it."""
    server.start()
    async with connected(server.admin_url) as admin:
        busy = asyncio.ensure_future(admin.fetchval("SELECT count(*) FROM generate_series(1, 8000000)"))
        await eventually(lambda: _is_active(server))
        os.kill(pid_of(server), signal.SIGKILL)
        await eventually(lambda: server.postmaster() is None)
        await asyncio.to_thread(server.ensure_running)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await admin.fetchval("SELECT 1")
        await asyncio.gather(busy, return_exceptions=True)
    await remember(server)


async def _is_active(server: EmbeddedPostgres) -> bool:
    async with connected(server.admin_url) as admin:
        return bool(
            await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1%'")
        )


async def test_ensuring_that_a_healthy_server_runs_changes_nothing(server: EmbeddedPostgres) -> None:
    server.start()
    before = pid_of(server)
    server.ensure_running()
    assert pid_of(server) == before


async def test_a_pid_file_whose_number_is_another_programs_by_now_does_not_stop_a_start(
    server: EmbeddedPostgres,
) -> None:
    server.start()
    await remember(server)
    pid_file = server.cluster / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    os.kill(pid_of(server), signal.SIGKILL)
    await eventually(lambda: server.postmaster() is None)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.ensure_running()
    assert await remembers(server)


async def test_a_second_start_on_the_same_folder_is_refused_and_names_the_owner(
    server: EmbeddedPostgres, parent: subprocess.Popen[str]
) -> None:
    with pytest.raises(FolderInUseError, match=rf"another opstap runs on this folder \(pid {parent.pid}\)"):
        server.start()
    kill_9(parent)
    server.start()


async def test_whoever_does_not_own_the_folder_may_not_bring_the_server_back(server: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresError, match="does not own"):
        server.ensure_running()


async def test_a_half_made_cluster_is_made_anew(server: EmbeddedPostgres) -> None:
    half_made = server.data_folder / "cluster.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    server.start()
    await remember(server)


async def test_a_folder_too_deep_for_a_socket_gets_a_short_one_that_goes_at_the_stop(
    folder: Path, postgres_server: EmbeddedPostgres
) -> None:
    deep = folder.joinpath(*["a-folder-with-a-long-name"] * 5, "and a space")
    server = EmbeddedPostgres(deep, binaries=postgres_server.binaries, durable=False)
    with server:
        postmaster = server.postmaster()
        assert postmaster is not None
        assert (postmaster.socket_folder / f".s.PGSQL.{server.port}").is_socket()
        await remember(server)
    assert not postmaster.socket_folder.exists()


async def test_a_server_for_people_is_durable_and_takes_many_connections(
    folder: Path, postgres_server: EmbeddedPostgres
) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "max_connections", "listen_addresses", "TimeZone")
    with EmbeddedPostgres(folder, binaries=postgres_server.binaries) as server:
        async with connected(server.admin_url) as admin:
            assert [await admin.fetchval(f"SHOW {name}") for name in names] == [
                *("on", "on", "on", "300", "127.0.0.1", "UTC"),
            ]


async def test_what_postgresql_says_when_it_cannot_start_is_told(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.cluster / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(PostgresError, match="no_such_setting"):
        server.start()


def test_a_program_that_speaks_libpq_gets_in_over_the_socket_with_the_password_only(server: EmbeddedPostgres) -> None:
    server.start()
    postmaster = server.postmaster()
    assert postmaster is not None
    address = f"postgresql://postgres@:{server.port}/postgres?host={postmaster.socket_folder}"
    psql = [str(server.binaries / "psql"), "--no-password", "-At", "-c", "SELECT 1", address]
    refused = subprocess.run(psql, capture_output=True, text=True, check=False)
    assert "no password supplied" in refused.stderr
    password = urlsplit(server.admin_url).password
    let_in = subprocess.run(psql, env={"PGPASSWORD": str(password)}, capture_output=True, text=True, check=True)
    assert let_in.stdout == "1\n"


async def test_passwords_are_made_once_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    first = load_passwords(file)
    assert load_passwords(file) == first
    assert len(set(first.values())) == len(first) == 15
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_role_that_came_later_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    file.write_text(json.dumps({"intake_app": "kept"}))
    passwords = load_passwords(file)
    assert passwords["intake_app"] == "kept"
    assert passwords["reporting_owner"]


@pytest.fixture
async def provisioned(make_database: MakeDatabase) -> DatabaseUrls:
    return await make_database("intake", "roles")


async def test_only_the_owner_makes_tables_and_the_others_see_what_they_are_granted(provisioned: DatabaseUrls) -> None:
    async with connected(provisioned.owner) as owner:
        await owner.execute("CREATE TABLE people (id int); CREATE TABLE secrets (id int)")
        await owner.execute("GRANT SELECT ON people TO intake_app")
    async with connected(provisioned.app) as app:
        assert await app.fetch("SELECT * FROM people") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.fetch("SELECT * FROM secrets")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE mine (id int)")
    async with connected(provisioned.background) as background:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await background.fetch("SELECT * FROM people")


async def test_the_roles_may_not_bypass_row_level_security_nor_become_each_other(provisioned: DatabaseUrls) -> None:
    async with connected(provisioned.owner) as owner:
        assert not await owner.fetchval(
            "SELECT bool_or(rolbypassrls OR rolsuper) FROM pg_roles WHERE rolname ~ '^intake'"
        )
    async with connected(provisioned.app) as app:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("SET ROLE intake_background")


async def test_one_services_roles_do_not_get_into_anothers_database(
    provisioned: DatabaseUrls, make_database: MakeDatabase
) -> None:
    other = await make_database("partners", "roles")
    for url in (other.owner, other.app, other.background):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(url.replace(f"/{other.name}", f"/{provisioned.name}").replace("+asyncpg", ""))


async def test_provisioning_again_and_at_the_same_time_changes_nothing(
    postgres_server: EmbeddedPostgres, provisioned: DatabaseUrls
) -> None:
    passwords = load_passwords(postgres_server.data_folder / "passwords.json")
    async with connected(provisioned.owner) as owner:
        await owner.execute("CREATE TABLE kept (id int)")
    url = postgres_server.admin_url
    again = await asyncio.gather(*(provision(url, "intake", passwords, database=provisioned.name) for _ in range(4)))
    assert again == [provisioned] * 4
    async with connected(provisioned.owner) as owner:
        assert await owner.fetch("SELECT * FROM kept") == []


async def test_a_wrong_password_does_not_get_in(provisioned: DatabaseUrls) -> None:
    head, _, tail = provisioned.app.partition("@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"{head}x@{tail}".replace("+asyncpg", ""))


async def test_a_copy_of_a_database_has_its_tables_and_goes_its_own_way(
    provisioned: DatabaseUrls, make_database: MakeDatabase
) -> None:
    async with connected(provisioned.owner) as owner:
        await owner.execute("CREATE TABLE notes (id int); GRANT SELECT, INSERT ON notes TO intake_app")
    copy = await make_database("intake", copy_of=provisioned)
    async with connected(copy.app) as app:
        await app.execute("INSERT INTO notes VALUES (1)")
    async with connected(provisioned.app) as app:
        assert await app.fetch("SELECT * FROM notes") == []


# A test session that leaves word of its own end.
SESSION = """
import signal, sys
from tests.support.leash import Leash
leash = Leash(f"touch {sys.argv[1]}")
print("on a leash", flush=True)
signal.pause()
"""


async def test_what_a_test_session_put_on_a_leash_ends_when_the_session_is_killed_with_9(folder: Path) -> None:
    ended = folder / "ended"
    session = await asyncio.create_subprocess_exec(sys.executable, "-c", SESSION, str(ended), stdout=PIPE, cwd=ROOT)
    assert session.stdout is not None
    assert await session.stdout.readline() == b"on a leash\n"
    assert not ended.exists()
    session.kill()
    await session.wait()
    await eventually(ended.exists)
