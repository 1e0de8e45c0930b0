"""What a dry run announces is what the real run then does; the dry run itself writes nothing (INT-15)."""

from __future__ import annotations

import base64
import csv
import io
from datetime import date, timedelta
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from contracts.intake import CaseImported
from contracts.routing import StaffChanged
from intake.caseload import COLUMNS
from intake.tables import Base

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from tests.conftest import Intake

HERE, THERE = "GM0626", "GM1916"
TODAY = date(2024, 2, 1)
SHARED = ("registered", "cases", "known", "refusedLines", "refused", "rows")
"""What both reports tell."""

Rows = list[dict[str, str]]

pytestmark = pytest.mark.requirement("INT-15")


def person(bsn: str, **cells: str) -> dict[str, str]:
    return {"municipality": HERE, "bsn": bsn, "family_name": "Ven", "birth_date": "1985-05-17", **cells}


def written(rows: Rows) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


async def send(
    intake: Intake, rows: Rows | bytes | AsyncIterator[bytes], *, dry: bool = False, announced: bytes = b"",
    **headers: str,
) -> httpx.Response:  # fmt: skip
    """Send rows, or bytes, with the digest of what is announced."""
    content = written(rows) if isinstance(rows, list) else rows
    told = {**intake.token("operator", municipalities=[HERE, THERE]), "Content-Type": "text/csv", **headers}
    if announced:
        told["Content-Digest"] = f"sha-256=:{base64.b64encode(sha256(announced).digest()).decode()}:"
    path = "/v1/caseload-imports" + ("?dryRun=true" if dry else "")
    return await intake.service.http.post(path, content=content, headers=told)


async def done(intake: Intake, rows: Rows | bytes, *, dry: bool = False, announced: bytes = b"") -> dict[str, Any]:
    answer = await send(intake, rows, dry=dry, announced=announced)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def dry(intake: Intake, *rows: dict[str, str]) -> dict[str, Any]:
    return await done(intake, list(rows), dry=True)


async def everything(intake: Intake) -> dict[str, Any]:
    """All rows of all tables, events and deadlines among them."""
    tables = [*Base.metadata.tables, "outbox", "deadlines", "changes", "idempotency_keys"]
    async with intake.service.office.database.in_background() as session:
        return {
            table: sorted(str(row) for row in await session.execute(text(f"SELECT * FROM {table}")))
            for table in tables
            if table != "audit_entries"
        } | {"audit": await session.scalar(text("SELECT count(*) FROM audit_entries"))}


class File:
    """A file that somebody made in a hurry: few people, many lines, each with a chance of something odd."""

    def __init__(self, intake: Intake, seed: int) -> None:
        self.random = Random(seed)
        self.bsns = [next(intake.bsns) for _ in range(9)]
        self.names = {bsn: self.random.choice(["Ven", "de Wit", "Ven"]) for bsn in self.bsns}

    def rows(self, number: int) -> Rows:
        return [self.row() for _ in range(number)]

    def row(self) -> dict[str, str]:
        chance, bsn = self.random.random, self.random.choice(self.bsns)
        row = person(bsn, family_name=self.names[bsn])
        if chance() < 0.3:
            row["partner_bsn"] = self.random.choice(self.bsns)
        if chance() < 0.1:
            row |= {"municipality": self.random.choice([THERE, "GM9999", ""])}
        if chance() < 0.1:
            row |= self.random.choice([{"phone": "0612345678"}, {"birth_date": "1985-05-18"}, {"given_names": "Noor"}])
        return row | self.spell() | (self.oddity() if chance() < 0.15 else {})

    def spell(self) -> dict[str, str]:
        began = date(2015, 1, 1) + timedelta(days=self.random.randrange(0, 3000, 250))
        row = {"benefit_from": str(began)}
        if self.random.random() < 0.5:
            left = began + timedelta(days=self.random.randrange(100, 600, 100))
            return row | {"exited_on": str(left), "exit_reason": self.random.choice(["work", "deceased", "other"])}
        if self.random.random() < 0.8:
            row |= {"category": self.random.choice(["1A", "1B", "3A", "3B"]), "categorised_on": str(began)}
        if row.get("category") in {"1A", "1B"}:
            row |= {"route": "development_route", "route_started_on": str(began)}
        return row

    def oddity(self) -> dict[str, str]:
        return self.random.choice(
            [
                {"bsn": "123456789"}, {"category": "9Z"}, {"route": "nowhere"}, {"exit_reason": "bored"},
                {"benefit_from": "2025-01-01"}, {"months_used": "14"}, {"open_referrals": "lessons"},
                {"suspensions": "2023-01-01"}, {"benefit_from": ""}, {"family_name": ""},
            ]
        )  # fmt: skip


def lines_of(refused: list[dict[str, Any]]) -> set[int]:
    return {each["line"] for each in refused}


@pytest.mark.parametrize("seed", range(8))
async def test_what_a_dry_run_announces_is_what_the_real_run_does(
    intake: Intake, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.actions.sendings.LARGEST_BATCH", 7)
    file = File(intake, seed)
    for bsn in file.bsns[:2]:
        await intake.done("/clients", intake.person(bsn=bsn))
    await done(intake, file.rows(seed % 3 * 10))
    rows, before = file.rows(60), await everything(intake)

    announced = await done(intake, rows, dry=True)
    assert await everything(intake) == before
    came = await done(intake, rows)
    assert {name: announced[name] for name in SHARED} == {name: came[name] for name in SHARED}
    there = await everything(intake)
    assert len(there["outbox"]) == len(before["outbox"]) + came["registered"] + came["cases"]
    again, announced_again = await done(intake, rows), await done(intake, rows, dry=True)

    assert (again["registered"], again["cases"]) == (0, 0)
    assert lines_of(again["refused"]) == lines_of(came["refused"])
    assert again["known"] == came["rows"] - came["refusedLines"]
    assert {name: announced_again[name] for name in SHARED} == {name: again[name] for name in SHARED}
    unchanged = there.keys() - {"caseload_imports", "caseload_files", "refused_lines"}
    now = await everything(intake)
    assert {table: now[table] for table in unchanged} == {table: there[table] for table in unchanged}


async def told_of_staff(intake: Intake, **roles: list[str]) -> None:
    for name, of in roles.items():
        changed = StaffChanged(
            occurred_on=TODAY, by="app:x", staff_id=name, roles=tuple(of), team=None, manages=(), active=True
        )
        await intake.hear(intake.service.office.ids(), changed)


async def test_a_dry_run_tells_who_would_guide_and_what_would_be_overdue(intake: Intake) -> None:
    await told_of_staff(intake, els=["work_consultant"])
    on_route = {"category": "1B", "categorised_on": "2020-01-01", "route": "development_route"}
    report = await dry(
        intake,
        person(next(intake.bsns), **on_route, route_started_on="2021-01-01", caseworker_id="gone"),
        person(next(intake.bsns), **on_route, route_started_on="2023-01-01", caseworker_id="els"),
        person(next(intake.bsns), category="3A", categorised_on="2022-01-01", last_conversation_on="2022-06-01"),
        person(next(intake.bsns), benefit_from="2019-01-01", exited_on="2020-01-01", exit_reason="work"),
        person(next(intake.bsns)),
    )

    assert (report["registered"], report["cases"], report["ended"]) == (5, 5, 1)
    assert report["categories"] == {"1B": 2, "3A": 1}
    assert report["routes"] == {"development_route": 2}
    assert report["guidance"] == {
        "work_consultant": {"named": 1, "assigned": 1, "waiting": 0},
        "income_consultant": {"named": 0, "assigned": 0, "waiting": 1},
    }
    assert report["overdue"] == {"longest_stay": 1, "review": 1}
    assert [(each["line"], each["column"]) for each in report["remarks"]] == [
        (2, "caseworker_id"), (2, "route_started_on"), (4, "caseworker_id"), (4, "last_conversation_on"),
    ]  # fmt: skip
    assert report["remarkedLines"] == 2
    assert "another takes over in the role work_consultant" in report["remarks"][0]["detail"]
    assert "2023-01-01" in report["remarks"][1]["detail"]


async def refused(intake: Intake, *rows: dict[str, str]) -> list[tuple[int, str]]:
    return [(each["line"], each["column"]) for each in (await dry(intake, *rows))["refused"]]


async def test_lines_that_contradict_each_other_are_found_wherever_they_stand(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.actions.sendings.LARGEST_BATCH", 1)
    a, b, c = (next(intake.bsns) for _ in range(3))
    ended = {"benefit_from": "2019-01-01", "exited_on": "2020-01-01", "exit_reason": "work"}
    overlaps = {"benefit_from": "2019-06-01", "exited_on": "2020-06-01", "exit_reason": "work"}
    follows = {"benefit_from": "2020-01-01"}

    assert await refused(intake, person(a), person(a, birth_date="1985-05-18")) == [(3, "birth_date")]
    assert await refused(intake, person(a), person(a, phone="0612345678")) == [(3, "phone")]
    assert await refused(intake, person(a), person(a, **follows)) == [(3, "exited_on")]
    assert await refused(intake, person(a, **ended), person(a, **overlaps)) == [(3, "benefit_from")]
    assert await refused(intake, person(a, **ended), person(a, **{**ended, "exit_reason": "other"})) == [
        (3, "exit_reason")
    ]
    assert await refused(intake, person(a, **ended), person(a, **follows), person(a, **ended)) == []
    assert await refused(intake, person(a, partner_bsn=b), person(b, partner_bsn=c)) == [(3, "partner_bsn")]
    assert await refused(intake, person(a, partner_bsn=b), person(c, partner_bsn=b)) == [(3, "partner_bsn")]
    assert await refused(intake, person(b, partner_bsn=c), person(a, partner_bsn=b)) == [(3, "partner_bsn")]
    assert await refused(intake, person(a, partner_bsn=b), person(b, partner_bsn=a), person(c)) == []


async def test_a_spell_that_shares_days_with_one_taken_in_before_is_refused(intake: Intake) -> None:
    bsn = next(intake.bsns)
    await done(intake, [person(bsn, benefit_from="2019-01-01", exited_on="2020-01-01", exit_reason="work")])

    assert await refused(intake, person(bsn, benefit_from="2019-06-01")) == [(2, "benefit_from")]
    assert await refused(intake, person(bsn, benefit_from="2020-01-01")) == []


async def test_a_partner_who_has_another_partner_here_is_refused(intake: Intake) -> None:
    a, b, c = (next(intake.bsns) for _ in range(3))
    await done(intake, [person(a, partner_bsn=b), person(b)])

    assert await refused(intake, person(c, partner_bsn=b)) == [(2, "partner_bsn")]


async def test_the_refused_lines_can_be_had_as_a_sheet(intake: Intake) -> None:
    rows = [person("1"), person(next(intake.bsns)), person(next(intake.bsns), category="9Z")]

    announced = await send(intake, rows, dry=True, Accept="text/csv")
    came = await send(intake, rows)
    headers = {**intake.token("operator", municipalities=[HERE, THERE]), "Accept": "text/csv"}
    kept = await intake.service.http.get(came.headers["location"], headers=headers)

    assert announced.headers["content-type"] == "text/csv; charset=utf-8"
    assert announced.text == kept.text
    lines = list(csv.reader(io.StringIO(kept.text)))
    assert [each[:2] for each in lines] == [["line", "column"], ["2", "bsn"], ["4", "category"]]


async def cut_off(intake: Intake, content: bytes, after: int) -> None:
    """Send a file of which the connection breaks after so many bytes."""

    async def part() -> AsyncIterator[bytes]:
        yield content[:after]
        raise ConnectionResetError

    answer = await send(intake, part(), announced=content)
    assert answer.status_code == 503


async def test_a_sending_that_was_cut_off_goes_on_and_ends_with_one_report(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.actions.sendings.LARGEST_BATCH", 5)
    bsns = [next(intake.bsns) for _ in range(30)]
    rows = [person(each) for each in bsns] + [person("1"), person(bsns[0], birth_date="1985-05-18")]
    content = written(rows)

    await cut_off(intake, content, len(content) // 2)
    halfway = len(await intake.said(CaseImported))
    assert 0 < halfway < 30
    whole = await done(intake, content, announced=content)

    assert whole["resumedAfter"] == halfway + 1
    assert (whole["rows"], whole["registered"], whole["cases"], whole["known"]) == (32, 30, 30, 0)
    assert [(each["line"], each["column"]) for each in whole["refused"]] == [(32, "bsn"), (33, "birth_date")]
    assert whole["finished"] is True
    headers = intake.token("operator", municipalities=[HERE, THERE])
    kept = (await intake.get(f"/caseload-imports/{whole['id']}", headers=headers)).json()
    assert {**kept, "resumedAfter": whole["resumedAfter"]} == whole
    again = await done(intake, content, announced=content)
    assert (again["resumedAfter"], again["known"], again["id"] == whole["id"]) == (None, 30, False)


async def test_a_file_that_changes_under_way_is_noticed(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.actions.sendings.LARGEST_BATCH", 5)
    rows = [person(next(intake.bsns)) for _ in range(20)]
    content = written(rows)
    await cut_off(intake, content, len(content) // 2)
    changed_before = written([{**rows[0], "city": "Delft"}, *rows[1:]])
    changed_after = written([*rows[:-1], {**rows[-1], "city": "Delft"}])
    shorter = written(rows[:3])

    for other in (changed_before, shorter, changed_after):
        answer = await send(intake, other, announced=content)
        assert answer.status_code == 409, answer.text
        assert answer.json()["type"].endswith("file-changed")
        assert "send it anew" in answer.json()["detail"]
    told = await send(intake, changed_after, dry=True, announced=content)
    assert told.status_code == 409
    headers = {**intake.token("operator"), "Content-Type": "text/csv", "Content-Digest": "md5=:abc:"}
    no_digest = await intake.service.http.post("/v1/caseload-imports", content=content, headers=headers)
    assert no_digest.status_code == 400


async def test_a_spell_of_before_says_whether_a_journey_runs_here(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = {"benefit_from": "2018-01-01", "exited_on": "2019-01-01", "exit_reason": "moved_away"}
    by_hand, both, apart, past = (next(intake.bsns) for _ in range(4))
    await intake.done("/clients", intake.person(bsn=by_hand))

    await done(intake, [person(by_hand, **ended), person(both, **ended), person(both), person(past, **ended)])
    monkeypatch.setattr("intake.actions.sendings.LARGEST_BATCH", 1)
    await done(intake, [person(apart, **ended), person(apart, benefit_from="2020-01-01")])

    cases = [each.data for each in await intake.said(CaseImported)]
    assert [each.runs_here for each in cases] == [True, True, False, False, False, False]
    states = [
        (await intake.done("/client-searches", {"bsn": each}))["items"][0]["state"] for each in (both, apart, past)
    ]
    assert states == ["registered", "registered", "moved_away"]
