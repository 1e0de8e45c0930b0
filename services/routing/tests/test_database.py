"""The tables: as the mapped classes say, and closed to whom they do not concern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.migrations import CHASSIS_TABLES
from routing.tables import Base

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from tests.conftest import Routing


async def test_the_migrations_make_what_the_classes_describe(routing: Routing) -> None:
    def differences(connection: Connection) -> list[object]:
        ours = {"include_name": lambda name, kind, _: not (kind == "table" and name in CHASSIS_TABLES)}
        context = MigrationContext.configure(connection, opts=ours)
        return list(compare_metadata(context, Base.metadata))

    engine = create_async_engine(routing.service.urls.owner)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


async def test_a_token_sees_its_own_municipalities_and_none_sees_nothing(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.done(f"/clients/{client}/routes", {"route": "focus_op_werk"})
    await routing.hear(client, routing.categorised("2A", "participation"))
    database = routing.service.office.database
    tables = [table.name for table in Base.metadata.sorted_tables]
    for municipalities, sees in (((), 0), (("GM0451",), 0), (("GM1916",), 1)):
        async with database.for_municipalities(municipalities) as session:
            counted = {name: await session.scalar(text(f"SELECT count(*) FROM {name}")) for name in tables}
            deadlines = await session.scalar(text("SELECT count(*) FROM deadlines"))
        assert counted["journeys"] == counted["routes"] == counted["handovers"] == deadlines == sees
        if not sees:
            assert set(counted.values()) == {0}


async def test_free_text_stays_here(routing: Routing) -> None:
    await routing.staff()
    client, words = await routing.client(), "Has trouble with letters from the town hall"
    await routing.hear(client, routing.categorised("2A", "participation"))
    handover = (await routing.handover(client))["id"]
    await routing.done(f"/handovers/{handover}/preparations", {"note": words})
    await routing.done(f"/handovers/{handover}/returns", {"reason": words})
    await routing.done(f"/clients/{client}/agreements", {"agreed": words})
    made = await routing.done(f"/clients/{client}/exits", {"reason": "other"})
    await routing.done(f"/exits/{made['id']}/reversals", {"reason": words})
    async with routing.service.office.database.in_background() as session:
        assert await session.scalar(text("SELECT count(*) FROM outbox WHERE data LIKE '%letters%'")) == 0
