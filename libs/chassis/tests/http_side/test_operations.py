"""For those who run it: health, the civil clock, the feed of events, the document."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from chassis.app import create_app
from chassis.background import Repeated
from chassis.clock import MachineClock, load_civil_moment, morning_of
from chassis.models import AnswerModel, ApiModel, OptionalDay
from chassis.work import Office
from contracts import decode
from opstap.databases import DatabaseUrls
from tests.support.answers import assert_problem, valid
from tests.support.notes import Notes, new_municipality, router, running


class Task:
    """A background task that a test can stop."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.well = True

    async def start(self) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        self.calls.append("stop")

    def alive(self) -> bool:
        return self.well


async def test_a_background_task_lives_as_long_as_the_app_and_its_death_shows(
    notes_database: DatabaseUrls, folder: Path
) -> None:
    task = Task()
    async with running(notes_database, folder, background=[task]) as notes:
        assert task.calls == ["start"]
        assert (await notes.http.get("/health/live")).json() == {"status": "alive"}
        task.well = False
        dead = await notes.http.get("/health/live")
        assert (dead.status_code, dead.json()) == (503, {"status": "stuck"})
    assert task.calls == ["start", "stop"]


async def test_readiness_names_what_is_missing(notes_database: DatabaseUrls, folder: Path) -> None:
    there = {"keys": True}

    async def keys() -> bool:
        return there["keys"]

    async def broken() -> bool:
        raise RuntimeError("secret words")

    async with running(notes_database, folder, ready={"keys": keys}) as notes:
        ready = await notes.http.get("/health/ready")
        assert ready.json()["checks"] == {
            "background": True, "database": True, "background database": True, "keys": True,
        }  # fmt: skip
        there["keys"] = False
        unready = await notes.http.get("/health/ready")
        assert (unready.status_code, unready.json()["checks"]["keys"]) == (503, False)
    async with running(notes_database, folder, ready={"broken": broken}) as notes:
        unready = await notes.http.get("/health/ready")
        assert unready.json()["checks"]["broken"] is False
        assert "secret" not in unready.text


async def test_a_chore_is_repeated_after_a_failure() -> None:
    turns = 0
    done = asyncio.Event()

    async def chore() -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            raise RuntimeError("the first time")
        done.set()

    repeated = Repeated("a chore", 0, chore)
    assert not repeated.alive()
    await repeated.start()
    async with asyncio.timeout(10):
        await done.wait()
    assert repeated.alive()
    await repeated.stop()
    assert not repeated.alive()


async def test_the_civil_clock_moves_by_a_day_is_kept_and_what_is_due_is_done_before_and_after(
    notes_database: DatabaseUrls, folder: Path
) -> None:
    async with running(notes_database, folder) as notes:
        operator = notes.bearer("operator")
        before = (await notes.http.get("/v1/civil-clock", headers=operator)).json()
        assert before == {"moment": "2026-01-05T08:00:00Z", "today": "2026-01-05"}
        today = notes.clock.now()
        tomorrow = today + timedelta(days=1)
        body = {"moment": tomorrow.isoformat()}
        moved = await notes.http.put("/v1/civil-clock", json=body, headers=operator)
        assert (moved.status_code, moved.json()["today"]) == (200, "2026-01-06")
        assert notes.clock.now() == tomorrow
        assert notes.settled == [today, tomorrow]
        assert await load_civil_moment(notes.office.database.app) == tomorrow
        for refused in (tomorrow - timedelta(seconds=1), tomorrow + timedelta(days=2)):
            answer = await notes.http.put("/v1/civil-clock", json={"moment": refused.isoformat()}, headers=operator)
            assert_problem(answer, 409)
        for invalid in ({}, {"moment": "tomorrow"}, {"moment": "2026-01-07T09:00:00"}, {"moment": 1767772800}):
            assert_problem(await notes.http.put("/v1/civil-clock", json=invalid, headers=operator), 400)
        assert notes.clock.now() == tomorrow
        assert len(notes.settled) == 2


async def test_the_civil_clock_takes_any_offset(notes_database: DatabaseUrls, folder: Path) -> None:
    async with running(notes_database, folder) as notes:
        body = {"moment": "2026-01-05T12:00:00+02:00"}
        moved = await notes.http.put("/v1/civil-clock", json=body, headers=notes.bearer("operator"))
        assert moved.json()["moment"] == "2026-01-05T10:00:00Z"


@pytest.mark.requirement("CAL-4")
async def test_in_production_there_is_no_civil_clock_to_move(notes: Notes) -> None:
    state = notes.app.state.service
    app = create_app(
        service="toy",
        title="Toy",
        description="",
        routers=[router],
        office=Office(state.office.database, MachineClock(), state.office.policies),
        settings=notes.settings.model_copy(update={"movable_clock": False, "environment": "production"}),
        verifier=state.verifier,
    )
    assert "/civil-clock" not in app.openapi()["paths"]


async def test_events_can_be_read_from_any_position_of_ones_own_municipalities(notes: Notes, municipality: str) -> None:
    staff, operator = (notes.bearer(role, municipalities=[municipality]) for role in ("caseworker", "operator"))
    elsewhere = new_municipality()
    made = []
    for number in range(5):
        body = valid(municipality, title=f"{number}")
        made.append((await notes.http.post("/v1/notes", json=body, headers=staff)).json()["id"])
        other = valid(elsewhere, title=f"{number}")
        await notes.http.post("/v1/notes", json=other, headers=notes.bearer(municipalities=[elsewhere]))
    url: str | None = "/v1/events?limit=2"
    found: list[dict[str, Any]] = []
    while url:
        answer = await notes.http.get(url, headers=operator)
        found += answer.json()["items"]
        url = answer.links.get("next", {}).get("url")
    assert [event["subject"] for event in found] == made
    assert {event["municipality"] for event in found} == {municipality}
    assert found[0]["specversion"] == "1.0"
    assert found[0]["source"].endswith("opstap-partners")
    sequences = [int(event["sequence"]) for event in found]
    assert sequences == sorted(sequences)
    rest = await notes.http.get("/v1/events", params={"after": sequences[2]}, headers=operator)
    assert [event["subject"] for event in rest.json()["items"]] == made[3:]
    kinds = {"type": ["nl.klantreizen.referral-ended"]}
    assert (await notes.http.get("/v1/events", params=kinds, headers=operator)).json() == {"items": []}


async def test_the_feed_gives_what_the_bus_would_have_carried(notes: Notes, municipality: str) -> None:
    staff, operator = (notes.bearer(role, municipalities=[municipality]) for role in ("caseworker", "operator"))
    await notes.http.post("/v1/notes", json=valid(municipality), headers=staff)
    answer = await notes.http.get("/v1/events", headers=operator)
    envelope = decode(json.dumps(answer.json()["items"][0]).encode())
    assert envelope.data.type() == "nl.klantreizen.referral-sent"
    assert envelope.municipality == municipality


@pytest.mark.parametrize("query", ["after=-1", "after=9223372036854775808", "limit=0", "limit=1001", "type=%27x"])
async def test_the_feed_has_its_limits(notes: Notes, query: str) -> None:
    assert_problem(await notes.http.get(f"/v1/events?{query}", headers=notes.bearer("operator")), 400)


async def test_the_feed_skips_nothing_that_commits_late(notes: Notes, municipality: str) -> None:
    insert = text(
        "INSERT INTO outbox (event_id, municipality, subject, type, data, recorded_at) VALUES"
        " (gen_random_uuid(), :it, gen_random_uuid(), 'nl.klantreizen.x', '{}', now()) RETURNING position"
    )
    operator = notes.bearer("operator", municipalities=[municipality])
    async with notes.office.in_background() as slow:
        first = await slow.session.scalar(insert, {"it": municipality})
        async with notes.office.in_background() as quick:
            second = await quick.session.scalar(insert, {"it": municipality})
        assert first < second
        early = await notes.http.get("/v1/events", headers=operator)
        assert early.json() == {"items": []}
    late = await notes.http.get("/v1/events", headers=operator)
    assert [int(event["sequence"]) for event in late.json()["items"]] == [first, second]


async def document(notes: Notes) -> dict[str, Any]:
    answer = await notes.http.get("/v1/openapi.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, verb, each) for path, item in document["paths"].items() for verb, each in item.items()]


async def test_the_document_keeps_to_the_design_rules(notes: Notes) -> None:
    found = await document(notes)
    assert found["openapi"].startswith("3.")
    assert set(found["info"]["contact"]) == {"name", "url", "email"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["info"]["version"])
    assert "English" in found["info"]["description"]
    assert all(re.match(r"https://.*/v1$", server["url"]) for server in found["servers"])
    ids = [each["operationId"] for _, _, each in operations(found)]
    assert len(ids) == len(set(ids))
    declared = {tag["name"] for tag in found["tags"]}
    for path, verb, each in operations(found):
        assert verb in {"get", "put", "post", "patch", "delete"}
        assert re.fullmatch(r"(/([a-z0-9-]+|\{[^}]+\}|openapi\.json))+", path)
        assert each["summary"]
        assert each["description"]
        assert set(each["tags"]) <= declared
        for parameter in each.get("parameters", []):
            if parameter["in"] == "query":
                assert re.fullmatch(r"\$?[a-z][a-z\d]*([A-Z][a-z\d]*)*", parameter["name"])
        for status, answer in each["responses"].items():
            assert answer["headers"]["API-Version"]
            if status >= "400":
                assert set(answer["content"]) == {"application/problem+json"}
        if path != "/openapi.json":
            assert "400" in each["responses"]
    assert {"status", "title", "detail"} <= set(found["components"]["schemas"]["Problem"]["properties"])
    assert "HTTPValidationError" not in str(found)
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) for name in found["components"]["schemas"])


async def test_422_is_declared_for_a_reused_key_and_nothing_else(notes: Notes) -> None:
    for _, verb, each in operations(await document(notes)):
        assert ("422" in each["responses"]) == (verb == "post")
        keyed = any(parameter["name"] == "Idempotency-Key" for parameter in each.get("parameters", []))
        assert keyed == (verb == "post")


async def test_the_document_says_who_may(notes: Notes) -> None:
    found = await document(notes)
    assert found["paths"]["/notes"]["get"]["security"] == [{"accessToken": ["caseworker", "team_manager"]}]
    assert "`team_manager`" in found["paths"]["/notes"]["get"]["description"]
    assert found["paths"]["/greetings"]["get"]["security"] == []
    assert found["components"]["securitySchemes"]["accessToken"]["scheme"] == "bearer"
    assert {"401", "403"} <= set(found["paths"]["/notes"]["get"]["responses"])
    assert not {"401", "403"} & set(found["paths"]["/greetings"]["get"]["responses"])


async def test_changes_declare_their_precondition(notes: Notes) -> None:
    put = (await document(notes))["paths"]["/notes/{note_id}"]["put"]
    assert {"412", "428"} <= set(put["responses"])
    assert any(parameter["name"] == "If-Match" and parameter["required"] for parameter in put["parameters"])


async def test_every_reference_of_the_document_is_there(notes: Notes) -> None:
    found = await document(notes)
    schemas = found["components"]["schemas"]
    references = set(re.findall(r"'#/components/schemas/([^']+)'", str(found)))
    assert references <= set(schemas)
    assert set(schemas) - references <= {"Problem"}


async def test_optional_values_are_described_as_the_linter_reads_them(notes: Notes) -> None:
    found = await document(notes)
    author = found["components"]["schemas"]["Author"]["properties"]["bornOn"]
    assert (author["type"], author["format"]) == (["string", "null"], "date")
    read_at = found["components"]["schemas"]["NewNote"]["properties"]["readAt"]
    assert (read_at["type"], read_at["format"]) == (["string", "null"], "date-time")


def test_values_are_strict_in_and_utc_out() -> None:
    class Seen(AnswerModel):
        seen_at: datetime
        born_on: OptionalDay = None

    class Asked(ApiModel):
        born_on: OptionalDay = None

    moment = morning_of(datetime(2026, 7, 1, tzinfo=UTC).date())
    assert Seen(seen_at=moment).model_dump_json() == '{"seenAt":"2026-07-01T07:00:00Z","bornOn":null}'
    assert Asked.model_validate({"bornOn": None}).born_on is None
