"""A database per service and the three roles in it, the same on one machine as in production.

`<service>_owner` owns the database and its tables and runs migrations; `<service>_app` serves requests and
`<service>_background` works for all municipalities. The last two own nothing and may not bypass row-level security;
each migration grants them what its tables need.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg

SERVICES = ("intake", "diagnosis", "routing", "partners", "reporting")
KINDS = ("owner", "app", "background")

ONE_AT_A_TIME = 7_264_835_101  # the advisory lock of provisioning: roles belong to the whole server


@dataclass(frozen=True)
class DatabaseUrls:
    """One database as each of its three roles reaches it."""

    owner: str
    app: str
    background: str

    @property
    def name(self) -> str:
        """The name of the database."""
        return urlsplit(self.owner).path.removeprefix("/")


def load_passwords(file: Path) -> dict[str, str]:
    """The password of every role, made at first use and kept in a file only its owner can read."""
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    roles = [f"{service}_{kind}" for service in SERVICES for kind in KINDS]
    whole = kept | {role: secrets.token_urlsafe(24) for role in roles if role not in kept}
    if whole != kept:
        _write_privately(file, json.dumps(whole, indent=2))
    return whole


def _write_privately(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


async def provision(
    admin_url: str,
    service: str,
    passwords: Mapping[str, str],
    *,
    database: str | None = None,
    template: str = "template1",
) -> DatabaseUrls:
    """Make a service's roles and database where they are missing, and say how to reach them.

    `template` names a database to copy, with its tables and rows; nobody may be connected to it.
    """
    name = database or f"opstap_{service}"
    admin = await asyncpg.connect(_plain(admin_url))
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", ONE_AT_A_TIME)
        for kind in KINDS:
            await _ensure_role(admin, f"{service}_{kind}", passwords[f"{service}_{kind}"])
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await admin.execute(f'CREATE DATABASE "{name}" OWNER "{service}_owner" TEMPLATE "{template}"')
    finally:
        await admin.close()
    await _fence(_address(admin_url, database=name), service, name)
    return urls_of(admin_url, service, passwords, database=name)


def urls_of(admin_url: str, service: str, passwords: Mapping[str, str], *, database: str | None = None) -> DatabaseUrls:
    """How a service's database is reached by its roles, made or not."""
    name = database or f"opstap_{service}"
    urls = {kind: _url(admin_url, f"{service}_{kind}", passwords[f"{service}_{kind}"], name) for kind in KINDS}
    return DatabaseUrls(**urls)


async def _ensure_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    known = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    secret = await admin.fetchval("SELECT quote_literal($1::text)", password)
    verb = "ALTER" if known else "CREATE"
    rights = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT"
    await admin.execute(f'{verb} ROLE "{role}" {rights} PASSWORD {secret}')


async def _fence(url: str, service: str, name: str) -> None:
    """Close the database to everybody but its own roles."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"""
            REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;
            GRANT CONNECT ON DATABASE "{name}" TO "{service}_app", "{service}_background";
            ALTER SCHEMA public OWNER TO "{service}_owner";
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT USAGE ON SCHEMA public TO "{service}_app", "{service}_background";
        """)
    finally:
        await connection.close()


def _url(admin_url: str, user: str, password: str, database: str) -> str:
    parts = urlsplit(admin_url)
    return f"postgresql+asyncpg://{user}:{quote(password, safe='')}@{parts.hostname}:{parts.port or 5432}/{database}"


def _address(admin_url: str, database: str) -> str:
    return urlsplit(_plain(admin_url))._replace(path=f"/{database}").geturl()


def _plain(url: str) -> str:
    """An address as asyncpg itself reads it, without SQLAlchemy's mark of the driver."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)
