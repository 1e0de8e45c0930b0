"""Rows that are made up: they hold something in every column that must."""

import re
from collections.abc import Mapping
from typing import Any

import asyncpg

EVERYWHERE = "00000000-0000-7000-8000-000000000001"
"""One id for everything, so that whatever refers to something refers to what is there."""
_VALUES = {
    "uuid": f"'{EVERYWHERE}'", "text": "'something'", "date": "DATE '2026-01-05'", "bytea": r"'\x00'", "jsonb": "'{}'",
    "timestamp with time zone": "TIMESTAMPTZ '2026-01-05 12:00+00'", "integer": "1", "bigint": "1", "numeric": "1",
    "boolean": "false",
}  # fmt: skip

Columns = Mapping[str, str]
"""Columns of a table, and what stands in them, as SQL."""


async def fill(admin: asyncpg.Connection, municipality: str, particular: Mapping[str, Columns]) -> None:
    """Put a row into every table, as who may do all, with these values in particular tables."""
    await admin.execute("SET session_replication_role = replica")  # so the order of the tables does not matter
    for table in await tables(admin):
        await put(admin, table, {**await something(admin, table, municipality), **particular.get(table, {})})


async def put(connection: asyncpg.Connection, table: str, row: Columns) -> None:
    """Insert a row."""
    await connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})")


async def counted(admin: asyncpg.Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {table: await admin.fetchval(f"SELECT count(*) FROM {table}") for table in await tables(admin)}


async def tables(connection: asyncpg.Connection) -> list[str]:
    """The tables of a service, with those of the chassis."""
    found = await connection.fetch(
        "SELECT quote_ident(relname) AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind = 'r' AND relname <> 'alembic_version' ORDER BY relname"
    )
    return [row["name"] for row in found]


async def something(connection: asyncpg.Connection, table: str, municipality: str) -> dict[str, str]:
    """Something for each column that must have something and gets nothing by itself; one value for each is allowed."""
    columns: list[Mapping[str, Any]] = await connection.fetch(
        "SELECT quote_ident(attname) AS name, format_type(atttypid, NULL) AS type FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        " AND (attnotnull AND NOT atthasdef AND attidentity = '' OR attname = 'municipality')",
        table,
    )
    allowed = {**await _allowed(connection, table), "municipality": f"'{municipality}'"}
    return {
        each["name"]: allowed.get(each["name"], "'{}'" if each["type"].endswith("[]") else _VALUES[each["type"]])
        for each in columns
    }


async def _allowed(connection: asyncpg.Connection, table: str) -> dict[str, str]:
    """The first value of those that a column may have."""
    checks = await connection.fetch(
        "SELECT pg_get_constraintdef(oid) AS rule FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'",
        table,
    )
    found = (re.search(r"\((\w+) = ANY \(ARRAY\[('\w+')", check["rule"]) for check in checks)
    return {match[1]: match[2] for match in found if match}
