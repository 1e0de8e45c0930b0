"""Taking in a caseload file: read as it comes, a batch of lines in a transaction, so that any size of file fits."""

import base64
import binascii
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from chassis.csvfiles import CSV, CsvRoute, LineAnswer, Told, records, written_as_csv
from chassis.models import AnswerModel
from chassis.problems import Invalid, NotFound
from chassis.routes import ServiceRoute, WorkInHand, service_of
from chassis.security import Caller, Role, allow
from intake import caseload
from intake.actions.caseload import MOST_SHOWN, refused, report
from intake.actions.dry_run import DryRun
from intake.actions.sendings import Sending
from intake.api.common import VaultInHand
from intake.caseload import CASELOAD
from intake.remembered import remembered
from intake.tables import RefusedLine

IMPORTED_BY = (Role.OPERATOR, Role.TEAM_MANAGER, Role.FRONT_END)
LARGEST_FILE = 256 * 1024 * 1024
REFUSED_COLUMNS = ("line", "column", "reason")

router = APIRouter(route_class=ServiceRoute, tags=["caseload"])
streamed = APIRouter(route_class=CsvRoute, tags=["caseload"])


class ReportAnswer(AnswerModel):
    """What came of an import: people newly registered, spells of benefit taken in, lines that brought nothing new."""

    id: UUID
    rows: int
    """Lines read so far, without the first; of those that stand for nobody here only the refused count."""
    registered: int
    cases: int
    known: int
    refused_lines: int
    refused: list[LineAnswer]
    finished: bool
    resumed_after: int | None = None
    """The line up to which an earlier sending of the same file had been taken in; told to who sends it."""


class GuidanceAnswer(AnswerModel):
    """The clients who come to caseworkers of a role: to whom the file names, to another, or to nobody yet."""

    named: int
    assigned: int
    waiting: int


class DryRunAnswer(AnswerModel):
    """What would come of a file, if it were sent now."""

    rows: int
    registered: int
    cases: int
    ended: int
    """Spells that ended, among the cases."""
    known: int
    known_lines: list[int]
    refused_lines: int
    refused: list[LineAnswer]
    remarked_lines: int
    remarks: list[LineAnswer]
    """What is good to know of lines that are taken in all the same."""
    categories: dict[str, int]
    routes: dict[str, int]
    guidance: dict[str, GuidanceAnswer]
    """By role: who would guide the clients."""
    overdue: dict[str, int]
    """By kind: terms that would stand on work lists as overdue at once."""
    open_referrals: int


IN_CSV: dict[str, Any] = {CSV: {"schema": {"type": "string"}}}


@streamed.post(
    "/caseload-imports",
    status_code=201,
    dependencies=[allow(*IMPORTED_BY)],
    response_model=ReportAnswer | DryRunAnswer,
    responses={200: {"model": DryRunAnswer, "content": IN_CSV, "description": "What a dry run found"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": f"Columns: {', '.join(caseload.COLUMNS)}. Needed: {', '.join(caseload.NEEDED)}.",
            "content": {CSV: {"schema": {"type": "string"}}},
        }
    },
)
async def import_caseload(
    request: Request,
    response: Response,
    caller: Caller,
    vault: VaultInHand,
    dry_run: Annotated[bool, Query(alias="dryRun", description="Only tell what would come of it")] = False,
) -> Response | ReportAnswer | DryRunAnswer:
    """Take in a caseload: current clients in mid-journey, and spells of benefit that ended. No letters follow.

    A line that is wrong is reported, and the others are taken in; the same file again changes nothing. With a
    `Content-Digest` (RFC 9530, sha-256), a file of which the sending was cut off goes on where it was. A dry run
    writes nothing; as text/csv it tells every line that would be refused, with column and reason.
    """
    with remembered() as memory:
        sending = Sending(service_of(request).office, vault, caller, memory, _announced(request))
        rows = records(request.stream(), sending.read)
        header = await CASELOAD.header(rows)
        if dry_run:
            found = DryRun(most_shown=None if _wants_csv(request) else MOST_SHOWN)
            await sending.try_out(header, rows, found)
            response.status_code = 200
            return _as_csv(found.refused) if _wants_csv(request) else DryRunAnswer.model_validate(found)
        made, resumed_after = await sending.take_in(header, rows)
    response.headers["Location"] = request.url_for("read_import", import_id=made.id).path
    return ReportAnswer.model_validate(made).model_copy(update={"resumed_after": resumed_after or None})


@router.get(
    "/caseload-imports/{import_id}",
    dependencies=[allow(*IMPORTED_BY)],
    response_model=ReportAnswer,
    responses={200: {"content": IN_CSV}},
)
async def read_import(import_id: UUID, request: Request, work: WorkInHand) -> Response | ReportAnswer:
    """What came of an import, or how far it is, in the municipalities of the access token.

    As text/csv it tells every line that was refused, with column and reason.
    """
    made = await report(work, import_id)
    if made is None:
        raise NotFound("There is no import of this id.")
    return _as_csv(await refused(work, import_id)) if _wants_csv(request) else ReportAnswer.model_validate(made)


_DIGEST = re.compile(r"(?:^|[,\s])sha-256=:([A-Za-z0-9+/=]+):")


def _announced(request: Request) -> bytes:
    """The digest that the sender announces; empty without one."""
    written = request.headers.get("content-digest")
    if written is None:
        return b""
    found = _DIGEST.search(written)
    try:
        digest = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        digest = b""
    if len(digest) != sha256().digest_size:
        raise Invalid.at("#header/Content-Digest", "holds no sha-256, as sha-256=:base64:")
    return digest


def _wants_csv(request: Request) -> bool:
    return request.headers.get("accept", "").partition(";")[0].strip().lower() == CSV


def _as_csv(lines: Iterable[Told | RefusedLine]) -> Response:
    return Response(
        written_as_csv(REFUSED_COLUMNS, ((each.line, each.column, each.detail) for each in lines)),
        media_type=f"{CSV}; charset=utf-8",
    )
