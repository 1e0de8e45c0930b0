"""What stands in a service's tables, to compare: a merger that was undone is as if there had been none."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import TextClause, text

from chassis.deadlines import CURRENT
from chassis.mergers import KIND
from chassis.migrations import CHASSIS_TABLES
from tests.support.service import ServiceUnderTest

Standing = Mapping[str, list[dict[str, Any]]]

_OWN = frozenset({"version", "position"})
_TERM = ("subject", "kind", "ref", "reckoned_from", "due_on", "state", "suspensions", "rule")
_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (:apart)")


async def standing(service: ServiceUnderTest, *, apart_from: Collection[str] = ()) -> Standing:
    """All rows of the service, without what only counts changes; and the deadlines that run."""
    apart = [*CHASSIS_TABLES, *apart_from, "alembic_version"]
    async with service.office.database.in_background() as session:
        names = await session.scalars(_TABLES, {"apart": apart})
        found = {
            name: sorted((_plain(json.loads(row)) for row in await session.scalars(_rows(name))), key=json.dumps)
            for name in names.all()
        }
        running = [json.loads(row) for row in await session.scalars(_rows("deadlines"))]
    terms = [
        {name: each[name] for name in _TERM} for each in running if each["state"] in CURRENT and each["kind"] != KIND
    ]
    return {**found, "deadlines": sorted(terms, key=json.dumps)}


def differences(one: Standing, other: Standing) -> dict[str, Any]:
    """By table, the rows that only one of them has."""
    return {
        table: {
            "only before": [row for row in one[table] if row not in other[table]],
            "only after": [row for row in other[table] if row not in one[table]],
        }
        for table in one
        if one[table] != other[table]
    }


def _rows(table: str) -> TextClause:
    return text(f'SELECT to_jsonb(t)::text FROM "{table}" t')


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OWN}
