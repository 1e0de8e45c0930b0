"""Staff by file: all of it comes in, or nothing."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from chassis.csvfiles import CSV, CsvRoute, LineAnswer, records
from chassis.models import AnswerModel
from chassis.problems import Problem
from chassis.routes import service_of
from chassis.security import Caller, Role, allow
from routing.actions.staffing import Leavers, StaffReport, take_in
from routing.api.answers import located
from routing.staff_file import STAFF

MOST_LINES = 10_000

router = APIRouter(route_class=CsvRoute, tags=["staff"])


class LinesRefused(Problem):
    """A file comes in whole: where a line is wrong, nothing does. The members tell every line, column and reason."""

    status = 400
    slug = "lines-refused"
    title = "Lines of the file are wrong, and nothing was taken in"


class _OnlyTried(Exception):
    """Leaves the transaction without a commit."""


def _keep_only_if(kept: bool) -> None:
    if not kept:
        raise _OnlyTried


class StaffReportAnswer(AnswerModel):
    """What came of a staff file: people entered, changed and as they were, and absences that are new."""

    rows: int
    entered: int
    changed: int
    unchanged: int
    absences: int
    leavers: list[str]
    refused_lines: int
    refused: list[LineAnswer]


@router.post(
    "/staff-imports",
    status_code=201,
    dependencies=[allow(Role.FRONT_END, Role.TEAM_MANAGER, Role.OPERATOR)],
    responses={200: {"model": StaffReportAnswer, "description": "What a dry run found"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": f"Columns: {', '.join(STAFF.columns)}. Needed: {', '.join(STAFF.needed)}.",
            "content": {CSV: {"schema": {"type": "string"}}},
        }
    },
)
async def import_staff(
    request: Request,
    response: Response,
    caller: Caller,
    dry_run: Annotated[bool, Query(alias="dryRun", description="Only tell what would come of it")] = False,
    leavers: Annotated[
        Leavers, Query(description="Who is not in the file: keep them, list them too, or make them inactive")
    ] = "keep",
) -> StaffReportAnswer:
    """Enter or change staff and their absences by a file; the same file again changes nothing.

    Where a line is wrong nothing is taken in. Nobody who is missing from the file is removed, unless that is asked.
    It is wrong as well to make somebody inactive who still guides clients, or to take away a role in which they do.
    """
    rows = records(request.stream())
    header = await STAFF.header(rows)
    lines = [row async for row in rows]
    if len(lines) > MOST_LINES:
        raise LinesRefused(f"A staff file has {MOST_LINES} lines at most.")
    report = StaffReport()
    try:
        async with service_of(request).office.for_municipalities(caller.municipalities, caller.actor) as work:
            report = await take_in(work, caller, header, lines, leavers)
            _keep_only_if(not dry_run and not report.refused)
    except _OnlyTried:
        response.status_code = 200
    answer = StaffReportAnswer.model_validate(report)
    if report.refused and not dry_run:
        raise LinesRefused(
            f"{report.refused_lines} of {report.rows} lines are wrong.", refusedLines=report.refused_lines,
            refused=[each.model_dump() for each in answer.refused],
        )  # fmt: skip
    located(response, "/staff")
    return answer
