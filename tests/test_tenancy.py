"""Nobody sees what is another municipality's: by the database, whatever the code does, and over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from opstap.databases import DatabaseUrls
from opstap.services import NAMES
from tests.support.databases import MakeDatabase
from tests.support.rows import put, something
from tests.support.seeded import ELSEWHERE, LEIDSCHENDAM, OPERATIONS, VOORSCHOTEN, House, Operation, house_of
from tests.support.service import migrated_database

WITHOUT_MUNICIPALITY = {
    "alembic_version": "which migrations have run",
    "relay_cursor": "how far the outbox was sent",
    "bus_cursors": "how far the outboxes of others were read",
    "inbox": "ids of handled events, seen by the background role only",
    "parked": "events that could not be handled, seen by the background role only",
    "idempotency_keys": "sealed with a key made from the client's own Idempotency-Key",
    "civil_clock": "what day it is",
    "feed_floors": "how far a change feed was pruned, seen by the background role only",
}
"""Every table that is not fenced, and why it needs no fence."""

READABLE_BY_REQUESTS = {"idempotency_keys", "civil_clock"}
"""Which of those a request may read."""

each_service = pytest.mark.parametrize("service", NAMES)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        yield connection
    finally:
        await connection.close()


async def tables_of(owner: asyncpg.Connection) -> dict[str, dict[str, Any]]:
    rows = await owner.fetch("""
        SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
               c.relowner::regrole::text AS owner,
               EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'municipality'
                       AND NOT a.attisdropped) AS fenced
        FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relnamespace = 'public'::regnamespace
    """)
    return {row["name"]: dict(row) for row in rows}


@pytest.fixture(scope="module")
async def house(make_database: MakeDatabase) -> AsyncIterator[House]:
    async with house_of(make_database) as made:
        yield made


@pytest.fixture
async def urls(make_database: MakeDatabase, service: str) -> DatabaseUrls:
    return await migrated_database(make_database, service)


@each_service
async def test_every_table_of_a_municipality_is_fenced_also_for_its_owner(urls: DatabaseUrls, service: str) -> None:
    async with connected(urls.owner) as owner:
        tables = await tables_of(owner)
    unfenced = {name for name, each in tables.items() if each["fenced"] and not (each["enabled"] and each["forced"])}
    assert unfenced == set()
    assert {each["owner"] for each in tables.values()} == {f"{service}_owner"}


@each_service
async def test_every_other_table_is_on_the_list_with_its_reason(urls: DatabaseUrls, service: str) -> None:
    async with connected(urls.owner) as owner:
        others = {name for name, each in (await tables_of(owner)).items() if not each["fenced"]}
        readable = {
            name for name in others if await owner.fetchval(
                "SELECT has_any_column_privilege($1, $2::regclass, 'SELECT')", f"{service}_app", name
            )
        }  # fmt: skip
    assert others <= WITHOUT_MUNICIPALITY.keys()
    assert readable <= READABLE_BY_REQUESTS


@each_service
async def test_the_roles_of_a_running_service_own_nothing_and_pass_no_fence(urls: DatabaseUrls, service: str) -> None:
    for url in (urls.app, urls.background):
        async with connected(url) as connection:
            role = await connection.fetchrow("""
                SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS mighty,
                       (SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid) AS owned,
                       (SELECT count(*) FROM pg_proc WHERE proowner = pg_roles.oid) AS functions,
                       (SELECT count(*) FROM pg_auth_members WHERE member = pg_roles.oid) AS memberships,
                       has_schema_privilege(oid, 'public', 'CREATE') AS creates,
                       has_database_privilege(oid, current_database(), 'CREATE') AS creates_schemas
                FROM pg_roles WHERE rolname = current_user
            """)
        assert dict(role) == {
            "mighty": False, "owned": 0, "functions": 0, "memberships": 0, "creates": False, "creates_schemas": False,
        }  # fmt: skip


@each_service
async def test_each_policy_is_for_one_role_and_that_of_requests_reads_the_token(
    urls: DatabaseUrls, service: str
) -> None:
    async with connected(urls.owner) as owner:
        policies = await owner.fetch("SELECT * FROM pg_policies WHERE schemaname = 'public'")
        fenced = {name for name, each in (await tables_of(owner)).items() if each["fenced"]}
    for_requests = [each for each in policies if set(each["roles"]) & {f"{service}_app", "public"}]
    of_sight = [each for each in for_requests if each["permissive"] == "RESTRICTIVE"]
    assert all("opstap.sees" in each["qual"] and each["cmd"] == "SELECT" for each in of_sight)
    for_requests = [each for each in for_requests if each not in of_sight]
    assert {each["tablename"] for each in for_requests} == fenced
    assert all("opstap.municipalities" in each["qual"] and each["with_check"] == each["qual"] for each in for_requests)
    others = {tuple(each["roles"]) for each in policies if each not in [*for_requests, *of_sight]}
    assert others == {(f"{service}_background",)}


@each_service
async def test_a_request_sees_and_writes_its_own_municipality_only(urls: DatabaseUrls, service: str) -> None:
    """On a row of each table, made as the owner would with the fence down."""
    async with connected(urls.owner) as owner:
        fenced = sorted(name for name, each in (await tables_of(owner)).items() if each["fenced"])
        for table in fenced:
            await _put_one_row(owner, table, VOORSCHOTEN)
    async with connected(urls.app) as app:
        for table in fenced:
            readable = await app.fetchval("SELECT has_table_privilege($1::regclass, 'SELECT')", table)
            seen = [await _rows_seen(app, table, them) for them in ("", ELSEWHERE, VOORSCHOTEN)] if readable else []
            assert seen == ([0, 0, 1] if readable else []), table
            await _refused_to_write(app, table)


async def _put_one_row(owner: asyncpg.Connection, table: str, municipality: str) -> None:
    """A row that holds something in every column that must: checks and references are set aside, the fence is not."""
    checks = await owner.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype IN ('c', 'f')", table
    )
    for check in checks:
        await owner.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{check["conname"]}"')
    await owner.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    await put(owner, table, await something(owner, table, municipality))
    await owner.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


async def _rows_seen(app: asyncpg.Connection, table: str, municipalities: str) -> int:
    async with app.transaction():
        if municipalities:
            await app.execute("SELECT set_config('opstap.municipalities', $1, true)", municipalities)
        seen: int = await app.fetchval(f'SELECT count(*) FROM "{table}"')
        return seen


async def _refused_to_write(app: asyncpg.Connection, table: str) -> None:
    """A row of Voorschoten, in the name of another municipality: not inserted, not changed, not removed."""
    names = await app.fetchval(
        "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = ''",
        table,
    )
    values = names.replace("municipality", f"'{VOORSCHOTEN}'")
    fakes = ", ".join("NULL" if each.strip() != f"'{VOORSCHOTEN}'" else each for each in values.split(","))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _as_elsewhere(app, f'INSERT INTO "{table}" ({names}) VALUES ({fakes})')
    for statement, privilege in (
        (f'UPDATE "{table}" SET municipality = \'{ELSEWHERE}\'', "UPDATE"), (f'DELETE FROM "{table}"', "DELETE")
    ):  # fmt: skip
        if await app.fetchval("SELECT has_table_privilege($1::regclass, $2)", table, privilege):
            assert (await _as_elsewhere(app, statement)).split()[-1] == "0", table


async def _as_elsewhere(app: asyncpg.Connection, statement: str) -> str:
    async with app.transaction():
        await app.execute("SELECT set_config('opstap.municipalities', $1, true)", ELSEWHERE)
        tag: str = await app.execute(statement)
        return tag


NAMES_ITS_TOWN = {"readPartner", "registerEndpoint", "transferClients", "takeEmergencyAccess"}
FENCED_BY_ID = [each for each in OPERATIONS if "{" in each.path and each.id not in NAMES_ITS_TOWN]
NAMED = [each for each in OPERATIONS if each.id in {
    *NAMES_ITS_TOWN, "registerClient", "planSession", "askForReassessments", "enterStaff",
    "enterAbsence", "registerPartner", "makeReport",
}]  # fmt: skip
LISTS = [each for each in OPERATIONS if "{" not in each.path and each.verb == "get" and each.roles]


@pytest.mark.parametrize("operation", FENCED_BY_ID, ids=str)
async def test_a_token_of_another_municipality_finds_no_resource(house: House, operation: Operation) -> None:
    ready = await house.ready(operation)
    outsider = house.headers(operation.service, ready.partner, municipalities=[ELSEWHERE])
    answer = await house.send(operation, ready, token=outsider)
    assert answer.status_code == 404, f"{answer.status_code} {answer.text}"
    assert (await house.send(operation, ready)).is_success, "it was the municipality that kept them out"


@pytest.mark.parametrize("operation", LISTS, ids=str)
async def test_a_list_holds_nothing_of_another_municipality(house: House, operation: Operation) -> None:
    ready = await house.ready(operation)
    outsider = house.headers(operation.service, ready.partner, municipalities=[ELSEWHERE])
    answer = await house.send(operation, ready, token=outsider)
    if "municipality" in ready.query:
        assert answer.status_code == 403, answer.text
    else:
        assert answer.status_code == 200, answer.text
        assert not [code for code in (VOORSCHOTEN, LEIDSCHENDAM) if code in answer.text]


@pytest.mark.parametrize("operation", NAMED, ids=str)
async def test_a_municipality_that_a_request_names_is_one_of_the_tokens(house: House, operation: Operation) -> None:
    ready = await house.ready(operation)
    outsider = house.headers(operation.service, ready.partner, municipalities=[ELSEWHERE])
    answer = await house.send(operation, ready, token=outsider)
    assert answer.status_code in {400, 403}, f"{answer.status_code} {answer.text}"
