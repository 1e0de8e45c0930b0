"""What operators do from the command line: beside a system at work, and on the folder of one that does not run."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from opstap.cli import app
from opstap.demo.caseload import Group, caseload_file
from opstap.demo.people import People
from opstap.operators.folder import databases_of
from opstap.system import System
from opstap.told import logs_on_standard_error
from tests.support.one_machine import system_on

TODAY = date(2021, 9, 1)
TOWN = "GM1916"
PEOPLE = 12


async def opstap(*command: str | Path) -> Result:
    """A command of `opstap`, beside whatever runs here."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, [str(each) for each in command]))


def told(result: Result) -> Any:
    """What a command told machines."""
    return json.loads(result.stdout)


@dataclass
class Town:
    """A system that runs, with the caseload of a town."""

    system: System
    file: Path
    first_import: Result

    @property
    def data(self) -> Path:
        return self.system.folder

    async def ask(self, service: str, query: str, *values: object) -> Any:
        """What a query of the superuser answers."""
        connection = await asyncpg.connect(
            self.system.postgres.admin_url.removesuffix("postgres") + f"opstap_{service}"
        )
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()

    async def client(self, number: int = 0) -> UUID:
        """One of the clients."""
        found: UUID = await self.ask("intake", f"SELECT id FROM clients ORDER BY id OFFSET {number} LIMIT 1")
        return found

    async def says_nonsense(self, client: UUID) -> None:
        """Intake says something about a client that no service can read, and then something that all can."""
        columns = "event_id, municipality, subject, type, data, recorded_at"
        row = f"INSERT INTO outbox ({columns}) VALUES ($1, $2, $3, 'nl.klantreizen.age-band-changed', $4, now())"
        sense = {"occurredOn": "2021-09-01", "by": "clock", "ageBand": "28-44", "previous": "27"}
        for data in ({}, sense):
            await self.ask("intake", row, uuid4(), TOWN, client, json.dumps(data))
        await self.system.bus.settle()


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("operators")
    body = caseload_file(TOWN, "Leidschendam-Voorburg", (Group(PEOPLE, "3A"),), 0, People(5), Random(5), TODAY)
    file = folder / "caseload.csv"
    lines = body.splitlines(keepends=True)
    file.write_bytes(b"".join(lines) + lines[1].replace(TOWN.encode(), b"GM0626"))
    with logs_on_standard_error():  # the system logs in this very process
        async with system_on(folder / "data", civil_date=TODAY) as system:
            place = ("--url", system.url, "--data", system.folder)
            first = await opstap("import", file, "--municipality", TOWN, *place, "--json")
            await system.settle()
            yield Town(system, file, first)


async def test_an_import_tells_what_came_in_and_which_line_was_refused_and_why(town: Town) -> None:
    report = told(town.first_import)

    assert (report["registered"], report["cases"], report["known"]) == (PEOPLE, PEOPLE, 0)
    assert report["refusedLines"] == 1
    assert report["refused"] == [
        {"line": PEOPLE + 2, "column": "municipality", "detail": "is none of the access token's"}
    ]
    assert town.first_import.exit_code == 1


async def test_the_same_file_again_changes_nothing(town: Town) -> None:
    said = await town.ask("intake", "SELECT count(*) FROM outbox")

    again = await opstap("import", town.file, "--municipality", TOWN, "--url", town.system.url, "--data", town.data)

    assert again.exit_code == 1
    assert "is none of the access token's" in again.stdout
    assert await town.ask("intake", "SELECT count(*) FROM outbox") == said


async def test_an_import_with_a_token_that_nobody_trusts_says_what_to_do(town: Town) -> None:
    refused = await opstap("import", town.file, "--municipality", TOWN, "--url", town.system.url, "--token", "nonsense")

    assert refused.exit_code == 2
    assert "401 A valid access token is needed" in refused.stderr
    assert "ask for a new one" in refused.stderr


async def test_an_import_to_nobody_says_how_to_start_somebody(town: Town) -> None:
    unheard = await opstap(
        "import", town.file, "--municipality", TOWN, "--url", "http://127.0.0.1:1", "--data", town.data
    )

    assert unheard.exit_code == 2
    assert "opstap up" in unheard.stderr


async def test_a_dry_run_tells_what_would_come_and_writes_nothing(town: Town, tmp_path: Path) -> None:
    people, groups = People(5), (Group(3, "1B", "development_route"),)
    for _ in range(PEOPLE):
        people.person("Voorburg", TODAY)  # they are there already
    body = caseload_file(TOWN, "Voorburg", groups, 2, people, Random(6), TODAY)
    file, refused = tmp_path / "more.csv", tmp_path / "refused.csv"
    file.write_bytes(body + b"GM1916,1\n")
    said = await town.ask("intake", "SELECT count(*) FROM outbox")
    place = ("--municipality", TOWN, "--url", town.system.url, "--data", town.data)

    report = await opstap("import", file, *place, "--dry-run", "--json", "--refused", refused)
    shown = await opstap("import", file, *place, "--dry-run")

    counts = {name: told(report)[name] for name in ("rows", "registered", "cases", "ended", "known", "refusedLines")}
    assert counts == {"rows": 6, "registered": 5, "cases": 5, "ended": 2, "known": 0, "refusedLines": 1}
    assert "nothing was written" in shown.stdout
    assert "on the team manager's list" in shown.stdout
    assert refused.read_text() == 'line,column,reason\n7,,"has 2 cells, and the first line has 20"\n'
    assert (report.exit_code, shown.exit_code) == (1, 1)
    assert await town.ask("intake", "SELECT count(*) FROM outbox") == said


async def test_the_refused_lines_of_an_import_are_written_to_a_file(town: Town, tmp_path: Path) -> None:
    place = ("--municipality", TOWN, "--url", town.system.url, "--data", town.data)

    await opstap("import", town.file, *place, "--refused", tmp_path / "refused.csv")

    lines = (tmp_path / "refused.csv").read_text().splitlines()
    assert lines == ["line,column,reason", f"{PEOPLE + 2},municipality,is none of the access token's"]


async def test_the_events_of_a_client_are_shown_in_order(town: Town) -> None:
    client = await town.client()

    found = told(await opstap("events", "list", "--data", town.data, "--client", str(client), "--json"))
    shown = await opstap("events", "list", "--data", town.data, "--client", str(client))

    assert [each["type"] for each in found][:2] == ["nl.klantreizen.client-registered", "nl.klantreizen.case-imported"]
    assert {each["subject"] for each in found} == {str(client)}
    assert {each["producer"] for each in found} >= {"intake", "diagnosis"}
    assert found == sorted(found, key=lambda each: each["recordedAt"])
    assert shown.exit_code == 0


async def test_events_are_chosen_by_producer_type_day_and_number(town: Town) -> None:
    listed = ("events", "list", "--data", town.data, "--json")

    registered = told(await opstap(*listed, "--type", "ClientRegistered", "--producer", "intake"))
    newest = told(await opstap(*listed, "--type", "client-registered", "--limit", "3"))
    later = told(await opstap(*listed, "--since", "2999-01-01"))

    assert len(registered) == PEOPLE
    assert newest == registered[-3:]
    assert later == []


async def test_an_event_or_service_that_there_is_not_is_told_with_those_there_are(town: Town) -> None:
    event = await opstap("events", "list", "--data", town.data, "--type", "ClientPromoted")
    service = await opstap("events", "replay", "--data", town.data, "--to", "billing")

    assert (event.exit_code, service.exit_code) == (2, 2)
    assert "docs/events.md" in event.stderr
    assert "intake, diagnosis, routing, partners, reporting" in service.stderr


async def test_a_folder_without_data_is_told(tmp_path: Path) -> None:
    nothing = await opstap("parked", "list", "--data", tmp_path)

    assert nothing.exit_code == 2
    assert "opstap up" in nothing.stderr


async def test_replaying_to_a_service_that_handled_everything_changes_nothing(town: Town) -> None:
    said = await town.ask("routing", "SELECT count(*) FROM outbox")

    replayed = told(await opstap("events", "replay", "--data", town.data, "--to", "routing", "--json"))

    assert {each["handled"] for each in replayed} == {0}
    assert sum(each["handed_over"] for each in replayed) >= 3 * PEOPLE
    assert await town.ask("routing", "SELECT count(*) FROM outbox") == said


async def test_an_event_that_a_service_lost_is_handled_when_it_is_replayed_beside_the_system(town: Town) -> None:
    client = await town.client(1)
    event = "DELETE FROM inbox WHERE subject = $1 AND type = 'nl.klantreizen.client-registered' RETURNING event_id"
    lost = await town.ask("diagnosis", event, client)
    await town.ask("diagnosis", "UPDATE clients SET registered = false WHERE id = $1 RETURNING id", client)

    replayed = told(
        await opstap(
            "events", "replay", "--data", town.data, "--to", "diagnosis", "--client", str(client),
            "--type", "ClientRegistered", "--json",
        )
    )  # fmt: skip

    assert [each for each in replayed if each["handled"]] == [
        {"producer": "intake", "handed_over": 1, "handled": 1, "left": 0}
    ]
    assert await town.ask("diagnosis", "SELECT registered FROM clients WHERE id = $1", client)
    assert await town.ask("diagnosis", "SELECT true FROM inbox WHERE event_id = $1", lost)


async def test_what_is_parked_is_listed_tried_again_given_up_with_a_reason_and_the_rest_goes_on(town: Town) -> None:
    client = await town.client(2)
    await town.says_nonsense(client)

    parked = told(await opstap("parked", "list", "--data", town.data, "--json"))
    failed, waiting = [each for each in parked if each["service"] == "routing"]
    stuck = await opstap("parked", "retry", "routing", "--data", town.data)
    reasonless = await opstap("parked", "discard", "routing", str(failed["id"]), "--reason", " ", "--data", town.data)
    given_up = await opstap(
        "parked", "discard", "routing", str(failed["id"]), "--reason", "no event of ours", "--by", "s-1",
        "--data", town.data, "--json",
    )  # fmt: skip
    went_on = await opstap("parked", "retry", "routing", "--client", str(client), "--data", town.data, "--json")
    left = told(await opstap("parked", "list", "routing", "--data", town.data, "--json"))
    unknown = await opstap("parked", "discard", "routing", "999", "--reason", "gone", "--data", town.data)

    assert {each["client"] for each in parked} == {str(client)}
    assert (failed["state"], waiting["state"]) == ("failed", "waiting")
    assert stuck.exit_code == 1
    assert reasonless.exit_code == 2
    assert (told(given_up)["discardedBy"], told(given_up)["discardedBecause"]) == ("s-1", "no event of ours")
    assert [(each["handled"], each["error"]) for each in told(went_on)] == [(1, None)]
    assert [each["state"] for each in left] == ["discarded"]
    assert unknown.exit_code == 2
    assert "opstap parked list" in unknown.stderr
    assert await town.ask("routing", "SELECT age_band FROM journeys WHERE client_id = $1", client) == "28-44"


async def test_the_databases_of_a_system_that_runs_are_used_as_they_run(town: Town) -> None:
    running = town.system.postgres.postmaster()

    async with databases_of(town.data) as urls:
        assert running is not None
        assert all(f":{running.port}/" in url.background for url in urls.values())

    assert town.system.postgres.postmaster() == running


async def test_without_a_system_postgresql_runs_for_the_time_of_the_command(town: Town) -> None:
    """The last test on this system: it ends here."""
    await town.system.stop()

    found = await opstap("events", "list", "--data", town.data, "--type", "ClientRegistered", "--json")

    assert found.exit_code == 0, found.output
    assert len(told(found)) == PEOPLE
    assert town.system.postgres.postmaster() is None
