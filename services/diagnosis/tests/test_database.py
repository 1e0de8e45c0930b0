"""What the database itself holds to: tenancy, one decision at a time, and the tables that the code maps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.migrations import CHASSIS_TABLES
from diagnosis.tables import Base

if TYPE_CHECKING:
    from tests.conftest import Diagnosis

EXEMPTED = {"exemption": {"reason": "illness", "until": "2024-06-30"}}


async def test_without_a_municipality_there_are_no_rows(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, EXEMPTED)
    database = diagnosis.service.office.database
    for municipalities in ([], ["GM1916"]):
        async with database.for_municipalities(municipalities) as session:
            for table in Base.metadata.sorted_tables:
                assert (await session.execute(select(table))).all() == []


async def test_every_table_forces_row_level_security(diagnosis: Diagnosis) -> None:
    async with diagnosis.service.office.database.in_background() as session:
        free = await session.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                " AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
        )
        assert {table.name for table in Base.metadata.sorted_tables} & set(free) == set()


async def test_of_two_confirmations_at_the_same_time_one_holds(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, EXEMPTED)
    path = f"/proposals/{proposal['id']}/confirmations"
    answers = await asyncio.gather(*(diagnosis.post(path) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    assert (await diagnosis.types(client)).count("client-categorised") == 1


async def test_of_two_assessments_at_the_same_time_one_stays_open(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await asyncio.gather(*(diagnosis.assess(client, {"distance_months": n}) for n in (2, 8, 18)))
    proposals = (await diagnosis.get("/proposals", clientId=str(client))).json()["items"]
    assert sorted(each["state"] for each in proposals) == ["open", "superseded", "superseded"]


async def test_the_migrations_make_what_the_code_maps(diagnosis: Diagnosis) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"include_name": lambda name, kind, _: not (kind == "table" and name in CHASSIS_TABLES)}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))

    engine = create_async_engine(diagnosis.service.urls.owner)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert [each for each in found if "alembic_version" not in str(each)] == []
