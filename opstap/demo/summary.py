"""What the demonstration came to, counted in the databases."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from opstap.databases import DatabaseUrls

UNDECIDED = "undecided"
FAILURES = ("500", "429", "timeout", "reset")

_CATEGORIES = """
    SELECT municipality, coalesce(category, :undecided) AS category, count(*) AS clients
    FROM clients WHERE merged_into IS NULL AND NOT undone GROUP BY 1, 2 ORDER BY 1, 2
"""
_HANDOVERS = """
    SELECT count(*) FILTER (WHERE type = 'nl.klantreizen.handover-due') AS due,
           count(*) FILTER (WHERE type = 'nl.klantreizen.handover-accepted') AS accepted,
           count(*) FILTER (WHERE type = 'nl.klantreizen.handover-returned') AS returned,
           count(*) FILTER (WHERE type = 'nl.klantreizen.handover-escalated') AS escalated FROM outbox
"""
_REFERRALS = """
    SELECT count(*) FILTER (WHERE type = 'nl.klantreizen.referral-sent') AS sent,
           count(*) FILTER (WHERE type = 'nl.klantreizen.referral-accepted') AS accepted,
           count(*) FILTER (WHERE type = 'nl.klantreizen.referral-declined') AS declined,
           count(*) FILTER (WHERE type = 'nl.klantreizen.referral-ended') AS ended FROM outbox
"""
_GROUPS = "SELECT municipality, formed_with AS size FROM partner_groups ORDER BY municipality, formed_on, id"
_WAITING = "SELECT count(*) FROM referrals WHERE state = 'waiting'"
_DELIVERIES = """
    SELECT count(*) FILTER (WHERE state = 'delivered') AS delivered,
           count(*) FILTER (WHERE state NOT IN ('delivered')) AS pending FROM deliveries
"""
_FAILED = "SELECT failure, count(*) AS attempts FROM attempts WHERE failure IS NOT NULL GROUP BY 1"
_DEADLINES = """
    SELECT count(*) AS fired, coalesce(max(fired_on - greatest(fires_on, set_on)), 0) AS latest
    FROM deadlines WHERE state = 'fired'
"""


async def count(urls: Mapping[str, DatabaseUrls]) -> dict[str, Any]:
    """The figures of the summary that the databases hold."""
    counts: dict[str, Any] = {
        "events": {"published": {}, "handled": {}, "parked": 0},
        "deadlines": {"fired": 0, "latest_days": 0},
    }
    for name, each in urls.items():
        engine = create_async_engine(each.background)
        async with engine.connect() as connection:
            await _messages(connection, name, counts)
            match name:
                case "reporting":
                    counts |= await _people(connection)
                case "routing":
                    [counts["handovers"]] = await _rows(connection, _HANDOVERS)
                case "partners":
                    counts |= await _loops(connection)
        await engine.dispose()
    return counts


async def _messages(connection: AsyncConnection, name: str, counts: dict[str, Any]) -> None:
    events, deadlines = counts["events"], counts["deadlines"]
    events["published"][name] = await connection.scalar(text("SELECT count(*) FROM outbox"))
    events["handled"][name] = await connection.scalar(text("SELECT count(*) FROM inbox"))
    events["parked"] += await connection.scalar(text("SELECT count(*) FROM parked WHERE state <> 'discarded'")) or 0
    [fired] = await _rows(connection, _DEADLINES)
    deadlines["fired"] += fired["fired"]
    deadlines["latest_days"] = max(deadlines["latest_days"], fired["latest"])


async def _people(connection: AsyncConnection) -> dict[str, Any]:
    towns: dict[str, dict[str, Any]] = {}
    for row in await _rows(connection, _CATEGORIES, undecided=UNDECIDED):
        town = towns.setdefault(row["municipality"], {"clients": 0, "by_category": {}})
        town["clients"] += row["clients"]
        town["by_category"][row["category"]] = row["clients"]
    for town in towns.values():
        town["by_category"].setdefault(UNDECIDED, 0)
    return {"clients": sum(town["clients"] for town in towns.values()), "municipalities": towns}


async def _loops(connection: AsyncConnection) -> dict[str, Any]:
    [referrals] = await _rows(connection, _REFERRALS)
    [deliveries] = await _rows(connection, _DELIVERIES)
    failed = {row["failure"]: row["attempts"] for row in await _rows(connection, _FAILED)}
    return {
        "referrals": referrals,
        "groups": await _rows(connection, _GROUPS),
        "waiting_for_group": await connection.scalar(text(_WAITING)),
        "webhooks": {
            "delivered": deliveries["delivered"],
            "failed_attempts": {kind: failed.get(kind, 0) for kind in FAILURES},
            "pending": deliveries["pending"],
        },
    }


async def _rows(connection: AsyncConnection, query: str, **values: Any) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in (await connection.execute(text(query), values)).mappings()]
