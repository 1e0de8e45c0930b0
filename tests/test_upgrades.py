"""A municipality that upgrades keeps its rows: each service's first database, filled, comes to the newest version."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from chassis.migrations import upgrade
from opstap.postgres import EmbeddedPostgres
from opstap.services import NAMES, SERVICE_FOLDERS
from tests.support.databases import MakeDatabase
from tests.support.rows import EVERYWHERE, Columns, counted, fill

FIRST = "0001"
MUNICIPALITY = "GM0001"
ALWAYS: Mapping[str, Mapping[str, Columns]] = {"partners": {"deliveries": {"state": "'exhausted'"}}}
"""Of each service, what must stand in a row that is made up."""


class Upgrade:
    """From the first version of a service to the newest, on a database of its own."""

    def __init__(self, server: EmbeddedPostgres, make_database: MakeDatabase) -> None:
        self._server, self._make = server, make_database

    @asynccontextmanager
    async def of(self, service: str, **particular: Columns) -> AsyncIterator[asyncpg.Connection]:
        """Upgrade a database with a row in every table; gives it to who may see all rows."""
        urls = await self._make(service, "earlier")
        await asyncio.to_thread(upgrade, SERVICE_FOLDERS[service], urls.owner, FIRST)
        admin = await asyncpg.connect(self._server.admin_url.rpartition("/")[0] + f"/{urls.name}")
        try:
            await fill(admin, MUNICIPALITY, {**ALWAYS.get(service, {}), **particular})
            before = await counted(admin)
            await asyncio.to_thread(upgrade, SERVICE_FOLDERS[service], urls.owner)
            after = await counted(admin)
            assert all(after[name] >= number for name, number in before.items()), (before, after)
            yield admin
        finally:
            await admin.close()


@pytest.fixture
def upgraded(postgres_server: EmbeddedPostgres, make_database: MakeDatabase) -> Upgrade:
    return Upgrade(postgres_server, make_database)


@pytest.mark.parametrize("service", NAMES)
async def test_the_newest_version_takes_the_rows_of_the_first(upgraded: Upgrade, service: str) -> None:
    async with upgraded.of(service) as admin:
        unforced = "SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
        assert await admin.fetch(unforced) == []


FORMER_FENCE = (
    "NOT EXISTS (SELECT FROM guided WHERE guided.client_id = {column} AND guided.caseworker IS NOT NULL"
    " AND NOT guided.besides && string_to_array(current_setting('opstap.sees', true), ','))"
)


@pytest.mark.parametrize(("service", "table", "column"), [
    ("intake", "clients", "id"), ("intake", "letters", "client_id"), ("diagnosis", "deadlines", "subject"),
    ("routing", "journeys", "client_id"), ("partners", "referrals", "client_id"), ("reporting", "deadlines", "subject"),
])  # fmt: skip
async def test_former_fences_become_those_of_today(
    postgres_server: EmbeddedPostgres, make_database: MakeDatabase, service: str, table: str, column: str
) -> None:
    urls = await make_database(service, "fenced")
    folder = SERVICE_FOLDERS[service]
    await asyncio.to_thread(upgrade, folder, urls.owner, FIRST)
    admin = await asyncpg.connect(postgres_server.admin_url.rpartition("/")[0] + f"/{urls.name}")
    asked = "SELECT tablename, qual FROM pg_policies WHERE policyname = 'of_sight'"
    try:
        today = dict(await admin.fetch(asked))[table]
        await admin.execute(
            f"ALTER POLICY of_sight ON {table} USING ({FORMER_FENCE.format(column=f'{table}.{column}')})"
        )
        assert dict(await admin.fetch(asked))[table] != today
        await asyncio.to_thread(upgrade, folder, urls.owner)
        assert dict(await admin.fetch(asked))[table] == today
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("ended", "registration", "exited"),
    [("exited", None, "2026-01-03"), ("undone", "undone", None), ("deceased", "deceased", "2026-01-03")],
)
async def test_who_ended_a_journey_at_diagnosis_is_known(
    upgraded: Upgrade, ended: str, registration: str | None, exited: str | None
) -> None:
    async with upgraded.of("diagnosis", clients={"ended": f"'{ended}'", "ended_on": "DATE '2026-01-03'"}) as admin:
        client = await admin.fetchrow("SELECT registration_ended, exited_on::text AS exited_on FROM clients")
        assert client is not None
        assert (client["registration_ended"], client["exited_on"]) == (registration, exited)


async def test_who_died_is_gone_at_partners_and_when_a_referral_was_asked_is_known(upgraded: Upgrade) -> None:
    async with upgraded.of(
        "partners", clients={"stopped_for_good": "true"}, referrals={"requested_on": "DATE '2026-01-04'"}
    ) as admin:
        assert await admin.fetchval("SELECT registration_ended FROM clients") == "deceased"
        assert await admin.fetchval("SELECT requested_at::date::text FROM referrals") == "2026-01-04"


async def test_where_a_client_stands_is_the_first_that_is_known_of_decisions(upgraded: Upgrade) -> None:
    async with upgraded.of(
        "routing",
        journeys={"category": "'2A'", "category_since": "DATE '2026-01-03'", "track": "'work'",
                  "track_since": "DATE '2026-01-02'"},
        handovers={"to_track": "'social'", "reason": "'categorised'", "state": "'due'", "due_on": "DATE '2026-01-03'"},
    ) as admin:  # fmt: skip
        decided = await admin.fetchrow(
            "SELECT decided_on::text AS decided_on, category, track, track_since FROM decisions"
        )
        assert decided is not None
        assert (decided["decided_on"], decided["category"], decided["track"]) == ("2026-01-03", "2A", "work")
        asked = await admin.fetchrow("SELECT asked_track, asked_since::text AS since, asked_reason FROM journeys")
        assert asked is not None
        assert tuple(asked) == ("social", "2026-01-03", "categorised")


async def test_what_a_decision_corrected_is_known_where_it_was_counted_before(upgraded: Upgrade) -> None:
    said = {"kind": "'ClientCategorised'", "said": f"""'{{"corrects": "{EVERYWHERE}"}}'"""}
    async with upgraded.of("reporting", happenings=said) as admin:
        assert str(await admin.fetchval("SELECT corrects FROM happenings")) == EVERYWHERE


@pytest.mark.parametrize(("taken", "stands"), [("NULL", 1), ("DATE '2026-01-04'", 0)])
async def test_the_step_that_was_to_be_taken_at_routing_stands_on_the_work_list(
    upgraded: Upgrade, taken: str, stands: int
) -> None:
    missed = {"missed_on": "DATE '2026-01-03'", "step": "'talk'", "step_taken_on": taken}
    async with upgraded.of(
        "routing", journeys={"state": "'active'", "caseworker_id": "'anna'"}, agreements=missed
    ) as admin:
        items = await admin.fetch(
            "SELECT ref, since::text, urgent_on::text, state, caseworker_id FROM work_items WHERE what = 'ladder_step'"
        )
        assert [tuple(each) for each in items] == [
            (UUID(EVERYWHERE), "2026-01-03", "2026-01-03", "talk", "anna")
        ] * stands
