"""Making a report: reckoned once, stored as it is, and published when it is the council's."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from chassis.work import Work
from contracts.reporting import ReportPublished
from policy import Pack
from reporting.actions.reading import pack_of, read_book, read_told
from reporting.page import render
from reporting.rules.figures import figures
from reporting.rules.report import sheets_of
from reporting.rules.sheets import Level, Sheet, publish, publish_target
from reporting.rules.targets import Reached, reached
from reporting.rules.told import Span
from reporting.tables import Report


@dataclass(frozen=True, slots=True)
class Wanted:
    """What report is asked for."""

    municipality: str
    level: Level
    span: Span
    remarks: str | None = None


async def make(work: Work, wanted: Wanted) -> Report:
    """Reckon a report on what is known now; later events do not change it."""
    pack = pack_of(work, wanted.municipality, wanted.span.until)
    known = await read_book(work.session, wanted.municipality)
    told = await read_told(work.session, wanted.municipality, wanted.span)
    sheets = sheets_of(figures(wanted.municipality, known, told), pack, wanted.level)
    targets = [(target, False) for target in reached(pack, known, told)]
    if wanted.level == "council":
        smallest = pack.reporting.smallest_group
        sheets = publish(sheets, smallest)
        targets = [publish_target(target, smallest) for target, _ in targets]
    report = Report(
        id=work.ids(), municipality=wanted.municipality, level=wanted.level, period_from=wanted.span.since,
        period_to=wanted.span.until, made_on=work.today, made_by=work.actor, remarks=wanted.remarks,
        content=_content(pack, sheets, targets), page="",
    )  # fmt: skip
    report.page = render(report, pack, sheets, targets)
    work.session.add(report)
    if wanted.level == "council":
        _say(work, report, wanted)
    return report


def _say(work: Work, report: Report, wanted: Wanted) -> None:
    event = ReportPublished(
        occurred_on=work.today, by=work.actor, report_id=report.id, level=wanted.level,
        period_from=wanted.span.since, period_to=wanted.span.until,
    )  # fmt: skip
    work.publish(report.id, report.municipality, event)


def _content(pack: Pack, sheets: Sequence[Sheet], targets: Sequence[tuple[Reached, bool]]) -> dict[str, Any]:
    return {
        "pack": {"id": pack.id, "version": pack.version, "digest": pack.digest},
        "smallestGroup": pack.reporting.smallest_group,
        "tables": [_table(sheet) for sheet in sheets],
        "targets": [_plain(asdict(target)) | {"hidden": hidden} for target, hidden in targets],
    }


def _table(sheet: Sheet) -> dict[str, Any]:
    return {
        "id": sheet.id,
        "title": sheet.title,
        "rowHeading": sheet.head,
        "note": sheet.note,
        "columns": [asdict(column) for column in sheet.columns],
        "rows": [
            {
                "id": row.id,
                "label": row.label,
                "cells": [{"value": _number(cell.value), "hidden": cell.hidden} for cell in row.cells],
            }
            for row in sheet.rows
        ],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
