"""Reports: suppressed for the council, kept as they were made, and a page that anybody can read."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from chassis.pages import CONTENT_SECURITY_POLICY
from contracts import Event
from contracts.intake import NotificationReceived
from contracts.partners import ReferralSent
from contracts.reporting import ReportPublished
from contracts.routing import ConversationHeld, InstrumentStarted
from contracts.words import word
from policy.dutch import day, euros, number
from reporting.rules.sheets import TOTAL
from reporting.words import percent
from tests.support.heard import STAFF, categorised, exited, granted, registered

if TYPE_CHECKING:
    from tests.conftest import Reporting

FEB, JUL = date(2023, 2, 1), date(2023, 7, 1)


@pytest.fixture
async def filled(reporting: Reporting) -> Reporting:
    """Some clients in every category, two of them in 2A."""
    number = 0
    told: list[tuple[UUID, Event]] = []
    for category, track, clients in (
        ("1A", "reintegration", 9),
        ("1B", "reintegration", 7),
        ("2A", "participation", 2),
        ("3A", "participation", 12),
    ):
        for _ in range(clients):
            number += 1
            on = FEB + timedelta(days=number)
            client = new_id()
            events: list[Event] = [
                registered(),
                NotificationReceived(occurred_on=on, by=STAFF),
                granted(on),
                categorised(on, category, track),
                ConversationHeld(occurred_on=JUL, by=STAFF, conversation_id=new_id(), kind="telephone"),
            ]
            if number % 4 == 0:
                events.append(exited(JUL, "work" if number % 8 else "other"))
            else:
                events.append(used("schooling" if number % 3 else "budget_course"))
                events.append(ReferralSent(occurred_on=JUL, by="clock", referral_id=new_id(), partner="voor-elkaar"))
            told += [(client, event) for event in events]
    await reporting.hear_all(told)
    return reporting


def used(instrument: str) -> InstrumentStarted:
    return InstrumentStarted(
        occurred_on=JUL, by=STAFF, instrument_use_id=new_id(), instrument=instrument, goal="work", cost=Decimal(900)
    )


async def test_the_council_sees_no_small_group(filled: Reporting) -> None:
    report = await filled.report()
    cells = list(cells_of(report))
    assert any(cell["hidden"] for _, cell in cells)
    assert all(cell["value"] is None for _, cell in cells if cell["hidden"])
    assert not [
        place
        for place, cell in cells
        if not place[0].startswith("costs") and not cell["hidden"] and 0 < (cell["value"] or 0) < 5
    ]
    whole = await filled.report("management")
    assert not any(cell["hidden"] for _, cell in cells_of(whole))
    own = {"tracks", "costs-goal"}  # in the whole report these stand in a cross
    assert {place for place, _ in cells if place[0] not in own} < {place for place, _ in cells_of(whole)}


async def test_two_in_a_category_cannot_be_reckoned_from_the_total(filled: Reporting) -> None:
    report = await filled.report()
    hidden = {row for row, cells in table(report, "places").items() if cells["total"]["hidden"]}
    assert hidden > {"2A"}
    assert TOTAL not in hidden


async def test_a_number_is_hidden_wherever_it_stands(filled: Reporting) -> None:
    report = await filled.report()
    tracks, contact = table(report, "tracks"), table(report, "contact")
    assert {each: tracks[each]["total"] for each in contact} == {each: contact[each]["total"] for each in contact}
    assert (
        table(report, "places")[TOTAL]["total"]
        == tracks[TOTAL]["total"]
        == table(report, "exemptions")[TOTAL]["clients"]
    )


def cells_of(report: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
    for sheet in report["tables"]:
        for row, cells in table(report, sheet["id"]).items():
            for column, cell in cells.items():
                if next(each["unit"] for each in sheet["columns"] if each["id"] == column) != "percent":
                    yield (sheet["id"], row, column), cell


def table(report: dict[str, Any], name: str) -> dict[str, dict[str, dict[str, Any]]]:
    found = next(each for each in report["tables"] if each["id"] == name)
    columns = [each["id"] for each in found["columns"]]
    return {row["id"]: dict(zip(columns, row["cells"], strict=True)) for row in found["rows"]}


async def test_it_is_published_for_the_council_only(reporting: Reporting) -> None:
    await reporting.report("management")
    await reporting.report("policy")
    assert await reporting.service.said(ReportPublished) == []
    report = await reporting.report()
    said = (await reporting.service.said(ReportPublished))[0]
    assert (str(said.subject), said.municipality, said.data.period_to) == (report["id"], "GM0626", date(2023, 12, 31))


async def test_a_later_correction_does_not_change_it(filled: Reporting) -> None:
    made = await filled.report("policy", remarks="Het was een goed jaar.")
    page = (await filled.get(f"/reports/{made['id']}/page")).text
    client = (await filled.rows("SELECT id FROM clients WHERE benefit = 'granted' LIMIT 1"))[0]["id"]
    await filled.hear(client, exited(JUL))
    assert await filled.answer(f"/reports/{made['id']}") == made
    assert (await filled.get(f"/reports/{made['id']}/page")).text == page
    again = await filled.report("policy")
    assert table(again, "caseload") != table(made, "caseload")


async def test_the_answer(reporting: Reporting) -> None:
    body = {"municipality": "GM0626", "level": "policy", "from": "2023-07-01", "to": "2023-12-31"}
    answer = await reporting.service.post("/reports", body, headers=reporting.steering)
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/reporting/v1/reports/{made['id']}")
    assert (made["from"], made["to"], made["madeOn"], made["madeBy"]) == (
        "2023-07-01",
        "2023-12-31",
        "2024-02-01",
        "staff:s-1",
    )
    assert (made["pack"]["id"].split("-")[0], made["smallestGroup"]) == ("voorschoten", 5)
    listed = (await reporting.answer("/reports", municipality="GM0626"))["items"]
    assert listed == [{name: made[name] for name in ("from", "to", "id", "municipality", "level", "madeOn", "madeBy")}]


async def test_the_council_reads_its_own_reports_only(reporting: Reporting) -> None:
    council, policy = await reporting.report(), await reporting.report("policy")
    for tail in ("", "/page"):
        assert (await reporting.get(f"/reports/{council['id']}{tail}", headers=reporting.council)).status_code == 200
        assert (await reporting.get(f"/reports/{policy['id']}{tail}", headers=reporting.council)).status_code == 404
    listed = (await reporting.get("/reports", headers=reporting.council)).json()["items"]
    assert [each["id"] for each in listed] == [council["id"]]
    refused = await reporting.service.post("/reports", {}, headers=reporting.council)
    assert refused.status_code == 403


async def test_another_municipality_knows_of_no_report(reporting: Reporting) -> None:
    report = await reporting.report()
    elsewhere = reporting.service.token("policy_officer", municipalities=["GM0451"])
    assert (await reporting.get(f"/reports/{report['id']}", headers=elsewhere)).status_code == 404
    body = {"municipality": "GM0626", "level": "council", "from": "2023-01-01", "to": "2023-12-31"}
    assert (await reporting.service.post("/reports", body, headers=elsewhere)).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "pointers"),
    [
        ({"level": "secret", "from": "2023-13-01"}, {"#/level", "#/from"}),
        ({"to": "2024-02-02"}, {"#/to"}),
        ({"from": "2024-01-01"}, {"#/to"}),
        ({"municipality": "Voorschoten", "extra": 1}, {"#/municipality", "#/extra"}),
    ],
)
async def test_what_is_asked_wrongly(reporting: Reporting, wrong: dict[str, Any], pointers: set[str]) -> None:
    body = {"municipality": "GM0626", "level": "council", "from": "2023-01-01", "to": "2023-12-31", **wrong}
    answer = await reporting.service.post("/reports", body, headers=reporting.steering)
    assert answer.status_code == 400
    assert {each["pointer"] for each in answer.json()["errors"]} == pointers


async def test_nobody_and_nothing_makes_a_report_too(reporting: Reporting) -> None:
    for level in ("council", "policy"):
        report = await reporting.report(level)
        assert (await reporting.get(f"/reports/{report['id']}/page")).status_code == 200


# The page


class Page(HTMLParser):
    """What a test asks of a page."""

    VOID = frozenset({"meta", "br", "rect", "line", "polyline", "circle", "link", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == [], f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if "style" not in self._open and data.strip():
            self.text.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


async def page_of(reporting: Reporting, **more: Any) -> tuple[Page, str]:
    report = await reporting.report(**more)
    answer = await reporting.get(f"/reports/{report['id']}/page", headers=reporting.council)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text), answer.text


async def test_the_page_is_accessible(filled: Reporting) -> None:
    page, html = await page_of(filled, remarks="Eerste alinea.\n\nTweede <b>alinea</b>.")
    assert html.startswith("<!doctype html>")
    assert page.all("html")[0]["lang"] == "nl"
    assert "<title>Rapportage aan de raad, gemeente Voorschoten, 1 januari 2023 t/m 31 december 2023</title>" in html
    assert page.all("a")[0] == {"class": "skip", "href": "#inhoud"}
    assert [tag for tag in ("header", "nav", "main", "footer") if len(page.all(tag)) != 1] == []
    assert len(page.all("h1")) == 1
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in page.all("a"):
        assert (attributes["href"] or "").removeprefix("#") in ids
    for drawing in page.all("svg"):
        assert drawing["role"] == "img"
        assert set((drawing["aria-labelledby"] or "").split()) <= set(ids)
    assert len(page.all("table")) >= len(page.all("svg")) > 3
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert "Tweede &lt;b&gt;alinea&lt;/b&gt;." in html
    assert "onderdrukt" in page.text


async def test_the_page_loads_nothing_and_runs_nothing(filled: Reporting) -> None:
    page, html = await page_of(filled)
    assert not {"script", "img", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert not any(name == "style" or name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert not re.search(r"https?://|url\(|@import", html)
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY


async def test_the_browser_is_told_so(reporting: Reporting) -> None:
    report = await reporting.report()
    answer = await reporting.get(f"/reports/{report['id']}/page")
    assert answer.headers.get_list("content-security-policy") == [CONTENT_SECURITY_POLICY]
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; ")
    refused = await reporting.get(
        f"/reports/{report['id']}/page", headers={**reporting.steering, "Accept": "application/json"}
    )
    assert refused.status_code == 406


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_every_colour_of_text_stands_out_on_every_ground(reporting: Reporting) -> None:
    _, html = await page_of(reporting)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", html))
    for ink in ("ink", "soft", "blue", "green", "amber", "red"):
        for ground in ("#ffffff", colours["band"]):
            lighter, darker = sorted((luminance(colours[ink]), luminance(ground)), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)


async def test_years_are_drawn_as_a_line(filled: Reporting) -> None:
    page, _ = await page_of(filled, **{"from": "2020-01-01"})
    assert len(page.all("polyline")) == 1
    assert {"2020", "2021", "2022", "2023"} <= set(page.text)


@pytest.mark.parametrize(
    ("code", "read"),
    [("work", "Werk"), ("0-250", "0 t/m 250"), ("1001+", "1001 of meer"), ("new_thing", "New thing")],
)
def test_codes_are_read_as_words(code: str, read: str) -> None:
    assert word(code) == read


def test_numbers_and_days_are_written_in_dutch() -> None:
    assert (number(1234567), number(Decimal("1234.5")), euros(Decimal("1234.50"))) == (
        "1.234.567",
        "1.234,5",
        "€ 1.234",
    )
    assert (percent(Decimal("33.3")), day(date(2024, 3, 1))) == ("33,3 %", "1 maart 2024")
