"""Taking in a caseload file: read as it comes, a batch of lines in a transaction, so that any size of file fits."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError

from chassis.models import AnswerModel
from chassis.problems import Invalid, NotFound, UnsupportedMediaType, of_exception
from chassis.routes import ServiceRoute, WorkInHand, permission_of, service_of
from chassis.security import Caller, Role, allow
from intake import caseload
from intake.actions.caseload import LARGEST_BATCH, Import, Report, report, take_in
from intake.api.common import VaultInHand
from intake.csvlines import Record, records

IMPORTED_BY = (Role.OPERATOR, Role.TEAM_MANAGER, Role.FRONT_END)
MOST_TRIES = 3
LARGEST_FILE = 256 * 1024 * 1024

router = APIRouter(route_class=ServiceRoute, tags=["caseload"])


class StreamedRoute(ServiceRoute):
    """Reads the body as it comes, in transactions of its own; the permission is checked first, as everywhere."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, after the checks."""
        handle = APIRoute.get_route_handler(self)

        async def answer(request: Request) -> Response:
            token = await permission_of(self).check(request, service_of(request).verifier)
            _check_is_csv(request)
            request.state.token = token
            try:
                return await handle(request)
            except Exception as error:
                problem = of_exception(error)
                if problem is None or problem is error:
                    raise
                raise problem from error

        return answer


def _check_is_csv(request: Request) -> None:
    kind, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charset = [each.partition("=")[2].strip('"') for each in parameters if each.startswith("charset")]
    compressed = request.headers.get("content-encoding", "identity").lower() != "identity"
    if kind != "text/csv" or compressed or any(each not in {"utf-8", "utf8"} for each in charset):
        raise UnsupportedMediaType("The body must be text/csv in UTF-8, not compressed.")


streamed = APIRouter(route_class=StreamedRoute, tags=["caseload"])


class RefusedAnswer(AnswerModel):
    """What is wrong in a line; never what the line said."""

    line: int
    column: str
    detail: str


class ReportAnswer(AnswerModel):
    """What came of an import: people newly registered, spells of benefit taken in, lines that brought nothing new."""

    id: UUID
    registered: int
    cases: int
    known: int
    refused_lines: int
    refused: list[RefusedAnswer]
    finished: bool


@streamed.post(
    "/caseload-imports",
    status_code=201,
    dependencies=[allow(*IMPORTED_BY)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": f"Columns: {', '.join(caseload.COLUMNS)}. Needed: {', '.join(caseload.NEEDED)}.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    },
)
async def import_caseload(request: Request, response: Response, caller: Caller, vault: VaultInHand) -> ReportAnswer:
    """Take in a caseload: current clients in mid-journey, and spells of benefit that ended. No letters follow.

    A line that is wrong is reported, and the others are taken in; the same file again changes nothing.
    """
    office = service_of(request).office
    rows = records(request.stream())
    under_way = Import(office.ids(), await _header(rows), caller.municipalities, caller.actor)
    batch: list[Record] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == LARGEST_BATCH:
            await _take_in(request, vault, under_way, batch)
            batch = []
    await _take_in(request, vault, under_way, batch, finished=True)
    async with office.for_municipalities(caller.municipalities, caller.actor) as work:
        made = await report(work, under_way.id)
    assert made is not None, "every import has a row"
    response.headers["Location"] = request.url_for("read_import", import_id=under_way.id).path
    return _answer(made)


@router.get("/caseload-imports/{import_id}", dependencies=[allow(*IMPORTED_BY)])
async def read_import(import_id: UUID, work: WorkInHand) -> ReportAnswer:
    """What came of an import, or how far it is, in the municipalities of the access token."""
    made = await report(work, import_id)
    if made is None:
        raise NotFound("There is no import of this id.")
    return _answer(made)


async def _header(rows: AsyncIterator[Record]) -> tuple[str, ...]:
    """The names of the columns, in the first line."""
    first = await anext(rows, None)
    if first is None or first.fault:
        raise Invalid.at("#", f"line 1 {first.fault}" if first else "is empty: line 1 names the columns")
    faults = caseload.header_faults(first.cells)
    if faults:
        raise Invalid(errors=[{"detail": f"column {each.field!r} {each.detail}", "pointer": "#"} for each in faults])
    return first.cells


async def _take_in(
    request: Request, vault: VaultInHand, under_way: Import, batch: list[Record], *, finished: bool = False
) -> None:
    """Take a batch in, as the import; who was registered by somebody else at that moment is known the next time."""
    office = service_of(request).office
    for attempt in range(1, MOST_TRIES + 1):
        try:
            async with office.for_municipalities(under_way.municipalities, "import") as work:
                await take_in(work, vault, under_way, batch, finished=finished)
        except IntegrityError:
            if attempt == MOST_TRIES:
                raise
        else:
            return


def _answer(made: Report) -> ReportAnswer:
    return ReportAnswer.model_validate(made)
