"""Reports: made once, kept as they are, and read as JSON or as a web page."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select
from starlette.responses import HTMLResponse

from chassis.models import AnswerModel, ApiModel, Day, Items, Text
from chassis.pages import HEADERS
from chassis.pagination import Page
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, Role, Token, allow, in_scope
from chassis.work import Work
from contracts.model import Municipality
from reporting.actions.reading import span_of
from reporting.actions.reports import Wanted, make
from reporting.api.asked import not_future
from reporting.api.figures import STEERING, PeriodAnswer, TargetAnswer
from reporting.rules.sheets import Level, Unit
from reporting.tables import Report

router = APIRouter(route_class=ServiceRoute, tags=["reports"])

READERS = (*STEERING, Role.COUNCIL_READER)


class NewReport(ApiModel):
    """A report to be made."""

    municipality: Municipality
    level: Level
    since: Day = Field(alias="from", description="First day of the period")
    until: Day = Field(alias="to", description="Last day of the period")
    remarks: Text | None = Field(default=None, description="Words beside the numbers; a blank line parts paragraphs")


class ReportInShort(PeriodAnswer):
    """A report in a list."""

    id: UUID
    municipality: str
    level: Level
    since: Day = Field(alias="from", validation_alias="period_from")
    until: Day = Field(alias="to", validation_alias="period_to")
    made_on: Day
    made_by: str


class PackAnswer(AnswerModel):
    """The policy under which it was made."""

    id: str
    version: str
    digest: str


class CellAnswer(AnswerModel):
    """A number; null where there is none, or where it is hidden."""

    value: float | None
    hidden: bool


class RowAnswer(AnswerModel):
    """A row of a table."""

    id: str
    label: str
    cells: list[CellAnswer]


class ColumnAnswer(AnswerModel):
    """A column of a table."""

    id: str
    label: str
    unit: Unit


class TableAnswer(AnswerModel):
    """A table of a report."""

    id: str
    title: str
    row_heading: str
    note: str
    columns: list[ColumnAnswer]
    rows: list[RowAnswer]


class ReportedTarget(TargetAnswer):
    """A target in a report; hidden where it tells of too small a group."""

    hidden: bool


class ReportAnswer(ReportInShort):
    """A report as it was made."""

    remarks: str | None
    pack: PackAnswer
    smallest_group: int
    tables: list[TableAnswer]
    targets: list[ReportedTarget]

    @classmethod
    def of(cls, report: Report) -> "ReportAnswer":
        """The report as it is shown."""
        head: dict[str, Any] = {
            name: getattr(report, name)
            for name in ("id", "municipality", "level", "period_from", "period_to", "made_on", "made_by", "remarks")
        }
        return cls.model_validate(head | report.content)


@router.post("/reports", status_code=201, dependencies=[allow(*STEERING)], summary="Make a report")
async def make_report(new: NewReport, work: WorkInHand, caller: Caller, response: Response) -> ReportAnswer:
    """Reckon a report on what is known now and keep it; one for the council is suppressed and published."""
    in_scope(caller, new.municipality)
    span = span_of(new.since, not_future(work, new.until, "#/to"))
    report = await make(work, Wanted(new.municipality, new.level, span, new.remarks))
    response.headers["Location"] = f"/v1/reports/{report.id}"
    return ReportAnswer.of(report)


@router.get("/reports", dependencies=[allow(*READERS)], summary="Reports that were made")
async def list_reports(
    work: WorkInHand,
    caller: Caller,
    page: Page,
    municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
    level: Annotated[Literal["council", "management", "policy"] | None, Query()] = None,
) -> Items[ReportInShort]:
    """Reports, newest first; council readers see the council's."""
    chosen = select(Report).where(Report.level.in_(_levels(caller)))
    if municipality is not None:
        in_scope(caller, municipality)
        chosen = chosen.where(Report.municipality == municipality)
    if level is not None:
        chosen = chosen.where(Report.level == level)
    rows = await page.scalars(work.session, chosen, Report.made_on, Report.id, descending=True)
    return Items(items=[ReportInShort.model_validate(row) for row in rows])


@router.get("/reports/{report_id}", dependencies=[allow(*READERS)], summary="A report")
async def read_report(report_id: UUID, work: WorkInHand, caller: Caller) -> ReportAnswer:
    """The report as it was made."""
    return ReportAnswer.of(await _find(work, caller, report_id))


@router.get(
    "/reports/{report_id}/page", dependencies=[allow(*READERS)], summary="A report as a web page",
    response_class=HTMLResponse,
)  # fmt: skip
async def read_report_page(report_id: UUID, work: WorkInHand, caller: Caller) -> HTMLResponse:
    """The report as a web page in Dutch, with charts; one file, which loads nothing from elsewhere."""
    report = await _find(work, caller, report_id)
    return HTMLResponse(report.page, headers=HEADERS)


def _levels(caller: Token) -> tuple[Level, ...]:
    return ("council", "management", "policy") if caller.has(*STEERING) else ("council",)


async def _find(work: Work, caller: Token, report_id: UUID) -> Report:
    report = await work.session.get(Report, report_id)
    if report is None or report.level not in _levels(caller):
        raise NotFound("There is no such report.")
    return report
