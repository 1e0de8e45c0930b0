"""The tables as they were migrated, and what each role may do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.migrations import CHASSIS_TABLES
from reporting.tables import Base

if TYPE_CHECKING:
    from tests.conftest import Reporting


async def test_the_migrations_make_the_tables_that_are_mapped(reporting: Reporting) -> None:
    def differences(connection: Connection) -> list[str]:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: (
                    kind != "table" or name not in CHASSIS_TABLES | {"alembic_version"}
                )
            },
        )
        return [str(each) for each in compare_metadata(context, Base.metadata)]

    engine = create_async_engine(reporting.service.urls.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_what_was_counted_and_reported_is_never_changed(reporting: Reporting) -> None:
    database = reporting.service.office.database
    for table in ("happenings", "reports"):
        for session_of in (database.in_background(), database.for_municipalities(["GM0626"])):
            async with session_of as session:
                for may in ("UPDATE", "DELETE"):
                    asked = text("SELECT has_table_privilege(:table, :may)")
                    assert not await session.scalar(asked, {"table": table, "may": may})


async def test_no_column_could_hold_identity_data(reporting: Reporting) -> None:
    columns = {column.name for table in Base.metadata.tables.values() for column in table.columns}
    assert not columns & {"name", "bsn", "birth_date", "address", "email", "phone"}
