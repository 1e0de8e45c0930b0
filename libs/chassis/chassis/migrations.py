"""Alembic for a service: its `migrations/env.py` calls `run`, its first version calls `create_chassis_tables`."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import MetaData, pool, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import async_engine_from_config

from chassis import sight

CHASSIS_TABLES = frozenset(
    {
        "outbox",
        "relay_cursor",
        "inbox",
        "bus_cursors",
        "parked",
        "deadlines",
        "idempotency_keys",
        "civil_clock",
        "changes",
        "remembered_mergers",
        "guided",
        "colleagues",
        "stand_ins",
        "feed_floors",
        "openings",
    }
)

_VISIBLE = "municipality = ANY (string_to_array(current_setting('opstap.municipalities', true), ','))"
"""True for the rows of the municipalities set for this transaction; with none set, for no row."""

_FENCED_BY = re.compile(r'guided\.client_id = (?:\w+\.)?("?\w+"?)')


def run(metadata: MetaData) -> None:
    """Run the migrations of a service as the owner of its database (`sqlalchemy.url`)."""

    def migrate(connection: Connection) -> None:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            transaction_per_migration=True,
            include_name=lambda name, kind, _: not (kind == "table" and name in CHASSIS_TABLES),
        )
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        connection.commit()
        with context.begin_transaction():
            context.run_migrations()

    async def connect() -> None:
        section = context.config.get_section(context.config.config_ini_section, {})
        engine = async_engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
        await engine.dispose()

    asyncio.run(connect())


def upgrade(service_folder: Path, owner_url: str, to: str = "head") -> None:
    """Bring a service's database to the newest version, or `to` an earlier one.

    Runs its own event loop: call it from a thread or a command.
    """
    config = Config()
    config.set_main_option("script_location", str(service_folder / "migrations"))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    command.upgrade(config, to)


def enable_tenancy(
    service: str, table: str, *, app: str = "SELECT, INSERT, UPDATE", background: str = "SELECT, INSERT, UPDATE, DELETE"
) -> None:
    """Row-level security by the `municipality` column, forced; and what the two roles may do with the table.

    An empty text grants nothing.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_token ON {table} TO {service}_app USING ({_VISIBLE}) WITH CHECK ({_VISIBLE})")
    op.execute(f"CREATE POLICY of_all ON {table} TO {service}_background USING (true) WITH CHECK (true)")
    for role, rights in (("app", app), ("background", background)):
        if rights:
            op.execute(f"GRANT {rights} ON {table} TO {service}_{role}")


def fence(service: str, table: str, column: str = "client_id") -> None:
    """Requests read of a table only rows of clients whom their caller sees, by the column that names the client."""
    seen = sight.predicate(f"{table}.{column}")
    op.execute(f"CREATE POLICY of_sight ON {table} AS RESTRICTIVE FOR SELECT TO {service}_app USING ({seen})")


def fence_anew() -> None:
    """Write the fences of a service as `fence` makes them today, each by the column that it names."""
    fences = op.get_bind().execute(text("SELECT tablename, qual FROM pg_policies WHERE policyname = 'of_sight'"))
    for table, qual in fences.all():
        column = _FENCED_BY.search(qual)
        assert column is not None, f"the fence of {table} names no client"
        op.execute(f"ALTER POLICY of_sight ON {table} USING ({sight.predicate(f'{table}.{column[1]}')})")


def index_teams() -> None:
    """Who is in a team is found without reading all the staff of a city (`chassis.sight`)."""
    op.create_index("ix_colleagues_team", "colleagues", ["municipality", "team"])


@contextmanager
def rows_of_all(*tables: str) -> Iterator[None]:
    """For a migration that changes rows: in here the owner sees them, whom row-level security keeps out as well.

    Without it an UPDATE finds no row, and says nothing.
    """
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def create_feed_floors(service: str) -> None:
    """The table in which `chassis.feed` keeps how far a log was pruned, for a service that has such a log."""
    op.execute("CREATE TABLE feed_floors (log text PRIMARY KEY, position bigint NOT NULL)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON feed_floors TO {service}_background")


def create_openings(service: str) -> None:
    """The table of who sees a client for a while because of an emergency (`chassis.sight`)."""
    op.execute("""
        CREATE TABLE openings (
            id uuid PRIMARY KEY,
            client_id uuid NOT NULL,
            municipality text NOT NULL,
            staff_id text NOT NULL,
            until timestamptz NOT NULL
        )
    """)
    op.execute("CREATE INDEX ix_openings_client ON openings (client_id)")
    op.execute("CREATE INDEX ix_openings_staff ON openings (staff_id, until)")
    enable_tenancy(service, "openings")


def create_chassis_tables(service: str) -> None:
    """The tables that every service has: messages out and in, deadlines, answers to repeated requests, the clock."""
    for statement in _CHASSIS.split(";\n"):
        if statement.strip():
            op.execute(statement)
    enable_tenancy(service, "outbox", app="SELECT, INSERT", background="SELECT, INSERT")
    enable_tenancy(service, "deadlines")
    enable_tenancy(service, "changes", app="SELECT, INSERT", background="SELECT, INSERT")
    for table in ("guided", "colleagues", "stand_ins"):
        enable_tenancy(service, table)
    fence(service, "deadlines", "subject")
    app, background = f"{service}_app", f"{service}_background"
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON relay_cursor, bus_cursors TO {background}")
    op.execute(f"GRANT SELECT, INSERT ON inbox TO {background}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON parked TO {background}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO {app}, {background}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON civil_clock TO {app}, {background}")


def add_mergers(service: str, *, by_request: bool = False) -> None:
    """What mergers did (`chassis.mergers`), and of each event the merger because of which it was said.

    Only where a request merges (`by_request`) do requests come to it; elsewhere it is of the background.
    """
    op.execute("ALTER TABLE outbox ADD COLUMN cause uuid")
    for statement in _MERGERS.split(";\n"):
        if statement.strip():
            op.execute(statement)
    all_of_it = "SELECT, INSERT, DELETE"
    enable_tenancy(service, "remembered_mergers", app=all_of_it if by_request else "", background=all_of_it)
    fence(service, "remembered_mergers", "survivor")


_MERGERS = """
CREATE TABLE remembered_mergers (
    position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    merger_id uuid NOT NULL,
    municipality text NOT NULL,
    gone uuid NOT NULL,
    survivor uuid NOT NULL,
    said text NOT NULL,
    changes jsonb NOT NULL
);
CREATE INDEX ix_remembered_mergers_gone ON remembered_mergers (gone);
CREATE INDEX ix_remembered_mergers_survivor ON remembered_mergers (survivor);
CREATE INDEX ix_remembered_mergers_merger_id ON remembered_mergers (merger_id);
"""

_CHASSIS = """
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    municipality text NOT NULL,
    subject uuid NOT NULL,
    type text NOT NULL,
    data text NOT NULL,
    traceparent text,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX ix_outbox_subject ON outbox (subject, position);
CREATE TABLE relay_cursor (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL
);
CREATE TABLE bus_cursors (
    producer text PRIMARY KEY,
    position bigint NOT NULL
);
CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    producer text NOT NULL,
    type text NOT NULL,
    subject uuid NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    producer text NOT NULL,
    key text NOT NULL,
    event_id uuid,
    type text,
    value bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('failed', 'waiting', 'discarded')),
    error text,
    attempts integer NOT NULL DEFAULT 0,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    discarded_by text,
    discarded_because text
);
CREATE UNIQUE INDEX uq_parked_event ON parked (producer, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX ix_parked_key ON parked (producer, key, id) WHERE state <> 'discarded';
CREATE TABLE deadlines (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    subject uuid NOT NULL,
    kind text NOT NULL,
    ref uuid,
    reckoned_from date NOT NULL,
    term jsonb NOT NULL,
    suspensions jsonb NOT NULL DEFAULT '[]',
    due_on date,
    original_due_on date NOT NULL,
    because jsonb NOT NULL,
    rule text NOT NULL,
    owner text,
    fires_on date,
    set_on date NOT NULL,
    missed boolean NOT NULL DEFAULT false,
    state text NOT NULL CHECK (state IN ('open', 'suspended', 'fired', 'cancelled')),
    moved_because text,
    fired_on date,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX ix_deadlines_open ON deadlines (fires_on) WHERE state = 'open';
CREATE INDEX ix_deadlines_subject ON deadlines (subject, kind);
CREATE UNIQUE INDEX uq_deadlines_current ON deadlines (subject, kind, ref) NULLS NOT DISTINCT
    WHERE state IN ('open', 'suspended');
CREATE TABLE guided (
    client_id uuid PRIMARY KEY,
    municipality text NOT NULL,
    caseworker text,
    besides text[] NOT NULL DEFAULT '{}',
    receiving text
);
CREATE TABLE colleagues (
    municipality text NOT NULL,
    staff_id text NOT NULL,
    team text,
    manages text[] NOT NULL,
    roles text[] NOT NULL,
    active boolean NOT NULL,
    PRIMARY KEY (municipality, staff_id)
);
CREATE TABLE stand_ins (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    staff_id text NOT NULL,
    deputy_id text NOT NULL,
    first_day date NOT NULL,
    last_day date
);
CREATE TABLE changes (
    entity text NOT NULL,
    key text NOT NULL,
    version integer NOT NULL,
    municipality text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    fields text[] NOT NULL,
    PRIMARY KEY (entity, key, version)
);
CREATE TABLE idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope, key)
);
CREATE TABLE civil_clock (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    moment timestamptz NOT NULL
);
"""
