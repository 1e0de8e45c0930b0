"""`opstap verify` is green on a system at rest, and turns red for whatever is taken away or changed behind its back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from opstap.cli import app
from opstap.demo import mistakes, stories
from opstap.demo.api import Api
from opstap.demo.caseload import Group
from opstap.demo.cast import LV, VOORSCHOTEN, Part
from opstap.demo.drive import drive, over_http
from opstap.demo.partners import PartnerDesk
from opstap.system import System
from opstap.verify import Difference, Ledgers, examine, hearers_of_the_system, verify
from opstap.verify.evidence import gathered
from tests.support.one_machine import system_on

FIRST, DAYS = date(2021, 9, 1), 17
CAST = (Part(stories.sheltered_dzb, VOORSCHOTEN, 1), Part(mistakes.merged, LV, 1), Part(stories.benefit_refused, LV, 1))
CASELOAD = {LV: (Group(2, "1C", "development_route"), Group(1, "3A"))}
OVERDUE = {LV: (Group(40, "3B", exempted=True), Group(40, "3A"))}
SETTINGS = {"webhook_timeout": 0.5, "webhook_allowed_networks": ["127.0.0.0/8"]}


@dataclass
class AtRest:
    """A system on which some clients lived for a while, and which has nothing in hand now."""

    system: System
    ledgers: Ledgers
    referred: UUID
    """A client who was referred to a partner, which was told by webhook."""

    async def differences(self, ledgers: Ledgers | None = None) -> list[Difference]:
        urls = {name: service.urls for name, service in self.system.services.items()}
        return await verify(urls, ledgers=ledgers)

    async def ask(self, service: str, query: str) -> object:
        """What a query of the superuser answers."""
        async with self._superuser(service) as connection:
            return await connection.fetchval(query)

    @asynccontextmanager
    async def without(self, service: str, table: str, where: str) -> AsyncIterator[None]:
        """Delete rows behind the system's back; they come back afterwards."""
        async with self._superuser(service) as connection:
            await connection.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table} WHERE {where}")
            deleted = await connection.execute(f"DELETE FROM {table} WHERE {where}")
            assert deleted != "DELETE 0"
            try:
                yield
            finally:
                await connection.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept")

    @asynccontextmanager
    async def changed(self, service: str, table: str, to: str, where: str) -> AsyncIterator[None]:
        """Change rows behind the system's back; they are as they were afterwards."""
        async with self._superuser(service) as connection:
            await connection.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table} WHERE {where}")
            touched = await connection.execute(f"UPDATE {table} SET {to} WHERE {where}")
            assert touched != "UPDATE 0"
            try:
                yield
            finally:
                key = {"journeys": "client_id", "guided": "client_id", "colleagues": "staff_id"}.get(table, "id")
                await connection.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM kept)")
                await connection.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept")

    @asynccontextmanager
    async def _superuser(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        url = self.system.postgres.admin_url.removesuffix("/postgres") + f"/opstap_{service}"
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("SET session_replication_role = replica")  # foreign keys look away
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def present(system: System) -> AsyncIterator[tuple[Api, PartnerDesk]]:
    """The users of a system, and its partners."""
    api, desk = Api(system.url), PartnerDesk()
    await desk.start()
    try:
        yield api, desk
    finally:
        await desk.stop()
        await api.close()


async def no_more_sweeps_of_itself(system: System) -> None:
    """From here on deadlines fire only when the system settles."""
    for service in system.services.values():
        await service.sweeper.stop()


@pytest.fixture(scope="module")
async def at_rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AtRest]:
    folder = tmp_path_factory.mktemp("verify")
    async with system_on(folder, civil_date=FIRST, settings=SETTINGS) as system:
        async with present(system) as (api, desk):
            move = await over_http(api, ["intake"])
            await drive(api, desk, FIRST, FIRST + timedelta(days=DAYS), move, seed=3, cast=CAST, baseline=CASELOAD)
            await system.settle()
            await no_more_sweeps_of_itself(system)  # or it would mend what a test spoils
        rest = AtRest(system, {name: dict(each.received) for name, each in desk.ledgers.items()}, UUID(int=0))
        found = await rest.ask("partners", "SELECT client_id FROM referrals WHERE sent_event IS NOT NULL LIMIT 1")
        assert isinstance(found, UUID)
        rest.referred = found
        yield rest


def clients_in(differences: list[Difference], check: str) -> set[UUID | None]:
    return {each.client for each in differences if each.check == check}


async def test_a_system_at_rest_balances_and_the_partners_agree(at_rest: AtRest) -> None:
    urls = {name: service.urls for name, service in at_rest.system.services.items()}
    findings = await examine(urls, ledgers=at_rest.ledgers)

    assert findings.differences == []
    assert findings.balanced
    assert findings.listed == []
    assert findings.counts["published"]["routing"] > 0
    assert findings.counts["deliveries"] == {"delivered": sum(map(len, at_rest.ledgers.values()))}


async def test_what_is_due_today_is_done_today_however_soon_the_next_day_begins(tmp_path: Path) -> None:
    overdue = text("SELECT DISTINCT fired_on FROM deadlines WHERE fires_on < set_on")
    async with system_on(tmp_path, civil_date=FIRST, settings=SETTINGS) as system, present(system) as (api, desk):
        await no_more_sweeps_of_itself(system)
        move = await over_http(api, ["intake"])
        await drive(api, desk, FIRST, FIRST + timedelta(days=1), move, seed=3, cast=(), baseline=OVERDUE)
        async with system.services["routing"].database.background.connect() as connection:
            fired = list(await connection.scalars(overdue))

    assert fired == [FIRST]


@pytest.mark.parametrize("service", ["intake", "diagnosis", "routing", "partners", "reporting"])
async def test_an_event_that_a_hearer_never_handled_is_missed(at_rest: AtRest, service: str) -> None:
    categorised = "type = 'nl.klantreizen.client-categorised'"
    registered = "type = 'nl.klantreizen.client-registered'"
    which = f"{registered if service == 'diagnosis' else categorised} AND subject = '{at_rest.referred}'"

    async with at_rest.without(service, "inbox", which):
        differences = await at_rest.differences()

    assert clients_in(differences, "handled_once") == {at_rest.referred}
    [missed] = [each for each in differences if each.check == "handled_once"]
    assert missed.service == service
    assert missed.remedy == f"opstap events replay --to {service} --client {at_rest.referred}"


@pytest.mark.parametrize(
    ("service", "event"),
    [("intake", "client-registered"), ("diagnosis", "client-categorised"), ("routing", "caseworker-assigned")],
)
async def test_an_event_that_went_missing_from_its_outbox_leaves_ghosts(
    at_rest: AtRest, service: str, event: str
) -> None:
    which = f"type = 'nl.klantreizen.{event}' AND subject = '{at_rest.referred}'"

    async with at_rest.without(service, "outbox", which):
        differences = await at_rest.differences()

    assert clients_in(differences, "no_ghosts") == {at_rest.referred}
    assert all(service in each.remedy for each in differences if each.check == "no_ghosts")


async def test_the_last_event_of_an_outbox_is_missed_by_the_cursors_that_passed_it(at_rest: AtRest) -> None:
    async with at_rest.without("routing", "outbox", "position = (SELECT max(position) FROM outbox)"):
        differences = await at_rest.differences()

    assert {each.found.partition(", ")[2] for each in differences if each.check == "at_the_head"} == {
        "beyond the last event"
    }


async def test_a_cursor_that_lags_tells_that_events_are_on_their_way_and_not_that_they_are_lost(
    at_rest: AtRest,
) -> None:
    async with (
        at_rest.without("reporting", "bus_cursors", "producer = 'routing'"),
        at_rest.without("reporting", "inbox", "producer = 'routing'"),
    ):
        await at_rest.ask("reporting", "INSERT INTO bus_cursors VALUES ('routing', 0) RETURNING position")
        differences = await at_rest.differences()
        await at_rest.ask("reporting", "DELETE FROM bus_cursors WHERE producer = 'routing' RETURNING position")

    assert clients_in(differences, "handled_once") == set()
    assert [each.service for each in differences if each.check == "at_the_head"] == ["reporting"]


async def test_a_delivery_that_went_missing_is_missed_by_its_event_its_attempts_and_the_partner(
    at_rest: AtRest,
) -> None:
    sent = f"(SELECT sent_event FROM referrals WHERE client_id = '{at_rest.referred}')"

    async with at_rest.without("partners", "deliveries", f"event_id = {sent}"):
        differences = await at_rest.differences(at_rest.ledgers)

    assert clients_in(differences, "each_has_its_deliveries") == {at_rest.referred}
    assert clients_in(differences, "by_their_own_account") == {at_rest.referred}
    assert clients_in(differences, "deliveries_stand") == {None}


async def test_a_webhook_that_a_partner_never_received_was_not_delivered(at_rest: AtRest) -> None:
    forgotten = {endpoint: dict.fromkeys(list(received)[1:], 1) for endpoint, received in at_rest.ledgers.items()}

    differences = await at_rest.differences(forgotten)

    assert clients_in(differences, "by_their_own_account") == {at_rest.referred}
    assert all("not in the ledger" in each.found for each in differences)


async def test_a_webhook_under_way_is_listed_and_is_no_difference(at_rest: AtRest) -> None:
    urls = {name: service.urls for name, service in at_rest.system.services.items()}

    async with at_rest.changed("partners", "deliveries", "state = 'exhausted', delivered_at = NULL", "true"):
        findings = await examine(urls)

    assert findings.balanced
    assert {each.client for each in findings.listed} == {at_rest.referred}
    assert all("exhausted" in each.found and "/replays" in each.remedy for each in findings.listed)


@pytest.mark.parametrize(("table", "key"), [("clients", "id"), ("placements", "client_id"), ("spells", "client_id")])
async def test_a_projected_row_that_went_missing_is_named_by_its_client(at_rest: AtRest, table: str, key: str) -> None:
    async with at_rest.without("reporting", table, f"{key} = '{at_rest.referred}'"):
        differences = await at_rest.differences()

    assert clients_in(differences, "projected") == {at_rest.referred}


async def test_a_figure_that_does_not_add_up_is_told_by_municipality(at_rest: AtRest) -> None:
    async with at_rest.without("reporting", "clients", f"id = '{at_rest.referred}'"):
        differences = await at_rest.differences()

    [figure] = [each for each in differences if each.check == "figures"]
    assert figure.what.startswith(f"clients of {VOORSCHOTEN} ")
    assert int(figure.expected) == int(figure.found) + 1


async def test_an_event_that_was_not_counted_is_missed(at_rest: AtRest) -> None:
    async with at_rest.without(
        "reporting", "happenings", f"kind = 'ReferralSent' AND client_id = '{at_rest.referred}'"
    ):
        differences = await at_rest.differences()

    assert clients_in(differences, "counted") == {at_rest.referred}


async def test_a_part_of_a_clients_way_that_diagnosis_no_longer_keeps_is_missed(at_rest: AtRest) -> None:
    async with at_rest.without("diagnosis", "travels", f"client_id = '{at_rest.referred}' AND type LIKE '%referral-%'"):
        differences = await at_rest.differences()

    assert clients_in(differences, "kept") == {at_rest.referred}


@pytest.mark.parametrize(
    ("service", "table", "to", "key", "check"),
    [
        ("intake", "clients", "state = 'deceased'", "id", "registrations"),
        ("intake", "letters", "track = 'elsewhere'", "client_id", "letters_tell"),
        ("diagnosis", "categories", "category = '1A'", "client_id", "categories"),
        ("routing", "journeys", "category = '1A'", "client_id", "journeys"),
        ("routing", "journeys", "caseworker_id = 'somebody'", "client_id", "journeys"),
        ("routing", "journeys", "state = 'exited'", "client_id", "journeys"),
        ("routing", "referrals", "state = 'declined'", "client_id", "referrals_at_routing"),
        ("partners", "referrals", "state = 'declined'", "client_id", "referrals_at_partners"),
        ("partners", "clients", "category = '1A'", "id", "partners_know"),
        ("reporting", "clients", "category = '1A'", "id", "projected"),
    ],
)
async def test_a_state_that_no_event_leads_to_is_named(
    at_rest: AtRest, service: str, table: str, to: str, key: str, check: str
) -> None:
    async with at_rest.changed(service, table, to, f"{key} = '{at_rest.referred}'"):
        differences = await at_rest.differences()

    assert clients_in(differences, check) == {at_rest.referred}


@pytest.mark.requirement("INT-14")
async def test_what_is_open_for_who_has_ended_is_named_in_each_service(at_rest: AtRest) -> None:
    whose = f"id = '{at_rest.referred}'"
    async with at_rest.changed("intake", "clients", "state = 'deceased', ended_on = registered_on", whose):
        differences = await at_rest.differences()
    found = [each for each in differences if each.check == "nothing_open"]
    assert {each.client for each in found} == {at_rest.referred}
    assert {"intake", "routing", "partners"} <= {each.service for each in found}
    assert {"journey", "referral"} <= {each.what.partition(" ")[0] for each in found}


@pytest.mark.parametrize("service", ["intake", "diagnosis", "routing", "partners", "reporting"])
async def test_who_sees_whom_is_in_every_service_as_routing_said(at_rest: AtRest, service: str) -> None:
    whose = f"client_id = '{at_rest.referred}'"
    for table, spoil in (
        ("guided", at_rest.changed(service, "guided", "caseworker = 'GM0626/somebody'", whose)),
        ("guided", at_rest.without(service, "guided", whose)),
        ("colleagues", at_rest.changed(service, "colleagues", "team = 'elsewhere'", "true")),
    ):
        async with spoil:
            differences = await at_rest.differences()

        assert {(each.check, each.service) for each in differences} == {("kept_alike", service)}
        assert all(each.what.startswith(table) for each in differences)
        assert clients_in(differences, "kept_alike") == {at_rest.referred if table == "guided" else None}


async def test_what_is_to_be_seen_to_stands_on_a_work_list_and_nothing_else_does(at_rest: AtRest) -> None:
    item = "id = (SELECT min(id::text)::uuid FROM work_items WHERE due_on IS NOT NULL)"
    client = await at_rest.ask("routing", f"SELECT client_id FROM work_items WHERE {item}")
    duty = f"('{client}', '{client}', '{LV}', 'clock', 'intake', '2021-09-01', '2021-09-03')"
    for spoil in (
        at_rest.without("routing", "work_items", item),
        at_rest.changed("routing", "work_items", "caseworker_id = 'somebody'", item),
        at_rest.changed("routing", "work_items", "due_on = due_on - 1", item),
    ):
        async with spoil:
            differences = await at_rest.differences()
        assert clients_in(differences, "work_lists") == {client}

    columns = "id, client_id, municipality, entered_by, kind, since, due_on"
    await at_rest.ask("routing", f"INSERT INTO intake_duties ({columns}) VALUES {duty} RETURNING id")
    differences = await at_rest.differences()
    await at_rest.ask("routing", "DELETE FROM intake_duties WHERE id = client_id RETURNING id")
    assert {each.check for each in differences} == {"work_lists", "waited_for_at_intake"}


async def test_a_deadline_whose_day_has_passed_is_not_left_open(at_rest: AtRest) -> None:
    async with at_rest.changed("intake", "deadlines", "fires_on = '2021-08-01'", "state = 'open'"):
        differences = await at_rest.differences()

    assert {each.check for each in differences} == {"on_their_day"}
    assert at_rest.referred in clients_in(differences, "on_their_day")


async def test_what_day_it_is_stands_in_the_databases_before_anybody_moves_the_clock(tmp_path: Path) -> None:
    async with system_on(tmp_path, civil_date=FIRST) as system:
        urls = {name: service.urls for name, service in system.services.items()}
        async with gathered(urls, hearers_of_the_system()) as evidence:
            assert evidence.civil_day == FIRST


async def test_who_turned_out_to_be_whom_is_known_to_every_service(at_rest: AtRest) -> None:
    survivor = await at_rest.ask("intake", "SELECT merged_into FROM clients WHERE state = 'merged'")

    async with at_rest.without("partners", "merged_clients", "true"):
        differences = await at_rest.differences()

    assert clients_in(differences, "aliases") == {survivor}


async def test_the_command_writes_what_it_found_and_ends_with_1_when_something_differs(
    at_rest: AtRest, tmp_path: Path
) -> None:
    file, ledgers = tmp_path / "found.json", tmp_path / "ledgers.json"
    ledgers.write_text(json.dumps(at_rest.ledgers))
    command = ["verify", "--data", str(at_rest.system.folder), "--json", str(file), "--ledgers", str(ledgers)]

    green = await asyncio.to_thread(CliRunner().invoke, app, command)
    balanced = json.loads(file.read_text())
    async with at_rest.without("reporting", "clients", f"id = '{at_rest.referred}'"):
        red = await asyncio.to_thread(CliRunner().invoke, app, command)

    assert green.exit_code == 0
    assert "Everything balances." in green.output
    assert balanced["balanced"] is True
    assert balanced["differences"] == []
    assert red.exit_code == 1
    assert str(at_rest.referred) in {each["client"] for each in json.loads(file.read_text())["differences"]}
