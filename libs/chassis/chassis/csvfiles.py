"""CSV files that come in over the network: read record by record, in bounded memory, and checked column by column.

A fault tells the line, the column and what is wrong there, never what stood there.
"""

import csv
import hashlib
import io
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from chassis.models import AnswerModel
from chassis.problems import Invalid, TooLarge, UnsupportedMediaType, of_exception, said_by
from chassis.routes import ServiceRoute, permission_of, service_of

LONGEST_RECORD = 64 * 1024
MOST_LINES = 25
"""A quoted cell that runs over more has lost its last quotation mark."""
NOT_CLOSED = "begins a cell with a quotation mark that closes it nowhere: double it, or take it away"
CSV = "text/csv"
CUT_OFF = 499
"""The status in the log when the sender went away."""
YES, NO = frozenset({"yes", "true", "1", "ja"}), frozenset({"no", "false", "0", "nee"})
_BOM = b"\xef\xbb\xbf"

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Record:
    """One record of the file, or what is wrong with it."""

    line: int
    """Where it begins, from 1."""
    cells: tuple[str, ...]
    fault: str | None = None
    lines: int = 1
    """Over how many lines it runs."""


@dataclass
class Digest:
    """The SHA-256 of what was read so far: whenever a record is in hand, of all up to its end."""

    _so_far: Any = field(default_factory=hashlib.sha256)

    def add(self, content: bytes) -> None:
        """Go on with these bytes."""
        self._so_far.update(content)

    @property
    def value(self) -> bytes:
        """The digest of all there was."""
        found: bytes = self._so_far.digest()
        return found


async def records(chunks: AsyncIterable[bytes], digest: Digest | None = None) -> AsyncIterator[Record]:
    """The records of a CSV file in UTF-8 (RFC 4180), separated by commas or semicolons as its first line is.

    Blank lines are none. A quoted cell may run over several lines. What cannot be read spoils the line in which it
    begins, and the next line begins anew: a quotation mark too many swallows nobody.
    """
    digest = digest or Digest()
    lines, number, width = _Lines(chunks), 1, 0
    separator = await _separator_of(lines, digest)
    while taken := await lines.of_record(separator):
        record = _read(number, taken, separator)
        if len(taken) > 1 and (record.fault or width not in {0, len(record.cells)}):
            record = Record(number, (), NOT_CLOSED)
            lines.put_back(taken[1:])
            del taken[1:]
        for line in taken:
            digest.add(line)
        while len(taken[-1]) > LONGEST_RECORD and not taken[-1].endswith(b"\n") and (rest := await lines.next()):
            digest.add(rest)
            taken[-1] = rest if rest.endswith(b"\n") else taken[-1]
        number += len(taken)
        width = width or len(record.cells)
        if record.cells or record.fault:
            yield record


async def _separator_of(lines: "_Lines", digest: Digest) -> str:
    """How the cells are separated; the mark that says UTF-8 is read, for it is no part of the first line."""
    first = await lines.next()
    if first.startswith(_BOM):
        digest.add(_BOM)
        first = first.removeprefix(_BOM)
    if first:
        lines.put_back([first])
    return ";" if first.count(b";") > first.count(b",") else ","


class _Lines:
    """The lines of a file with their ends; what was read too far is put back. One far too long comes in pieces."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._coming, self._back = _split(chunks), deque[bytes]()

    async def next(self) -> bytes:
        """The next line; nothing at the end."""
        return self._back.popleft() if self._back else await anext(self._coming, b"")

    def put_back(self, lines: Sequence[bytes]) -> None:
        """These come again, before what is to come."""
        self._back.extendleft(reversed(lines))

    async def of_record(self, separator: str) -> list[bytes]:
        """The lines of the next record: several while a quoted cell goes on, but never more than a record may have."""
        taken: list[bytes] = []
        inside = False
        while not taken or (inside and len(taken) < MOST_LINES and sum(map(len, taken)) <= LONGEST_RECORD):
            line = await self.next()
            if not line:
                break
            taken.append(line)
            inside = _ends_inside(line, separator.encode(), inside=inside)
        return taken


async def _split(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        rest += chunk
        *lines, rest = rest.split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > LONGEST_RECORD:
            yield rest
            rest = b""
    if rest:
        yield rest


def _ends_inside(line: bytes, separator: bytes, *, inside: bool) -> bool:
    """Whether a line ends within a quoted cell; `inside`, whether it began within one."""
    at = 0
    if not inside and line.startswith(b'"'):
        at, inside = 1, True
    while True:
        if inside:
            at = line.find(b'"', at)
            if at < 0:
                return True
            doubled = line[at + 1 : at + 2] == b'"'
            at, inside = at + 1 + doubled, doubled
        else:
            at = line.find(separator + b'"', at)
            if at < 0:
                return False
            at, inside = at + 2, True


class _UnreadableError(Exception):
    """A line that is no CSV; the text says why."""


def _read(number: int, lines: Sequence[bytes], separator: str) -> Record:
    raw = b"".join(lines)
    try:
        cells = _cells(raw, separator) if raw.strip() else ()
    except _UnreadableError as error:
        return Record(number, (), str(error))
    return Record(number, cells, lines=len(lines))


def _cells(raw: bytes, separator: str) -> tuple[str, ...]:
    if len(raw) > LONGEST_RECORD:
        raise _UnreadableError(f"is longer than {LONGEST_RECORD} bytes")
    if _ends_inside(raw, separator.encode(), inside=False):
        raise _UnreadableError(NOT_CLOSED)
    try:
        text = raw.decode()
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except UnicodeDecodeError as error:
        raise _UnreadableError("is not UTF-8: save the file as CSV in UTF-8") from error
    except csv.Error as error:
        raise _UnreadableError(f"is not CSV: {error}") from error
    if "\0" in text:
        raise _UnreadableError("holds a NUL character")
    if len(rows) != 1:
        raise _UnreadableError("is not one record of CSV")
    return tuple(cell.strip() for cell in rows[0])


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line, and in which column; without a column it is about the line as a whole."""

    column: str
    detail: str


@dataclass(frozen=True, slots=True)
class Told:
    """Something about a line of a file."""

    line: int
    column: str
    detail: str


class LineAnswer(AnswerModel):
    """Something about a line; never what the line said."""

    line: int
    column: str
    detail: str


@dataclass(frozen=True)
class Faulty:
    """A line that is no good, with everything that is wrong with it."""

    faults: Sequence[Fault]


def flat(written: Mapping[str, str]) -> dict[str, Any]:
    """The cells as fields of a model without parts."""
    return {column: said(cell) for column, cell in written.items()}


def last_name(place: Sequence[Any]) -> str:
    """The column of a fault in a model without parts."""
    return next((snake(part) for part in place if isinstance(part, str)), "")


@dataclass(frozen=True)
class Sheet(Generic[M]):
    """What a kind of file consists of: its columns, and the model of a line."""

    name: str
    """As faults call it: `a caseload file`."""
    model: type[M]
    columns: Sequence[str]
    needed: Sequence[str]
    fields: Callable[[Mapping[str, str]], dict[str, Any]] = flat
    """The cells that hold something, where the model wants them."""
    column_of: Callable[[Sequence[Any]], str] = last_name
    """The column of a fault that the model found at a place."""

    def header_faults(self, header: Sequence[str]) -> list[Fault]:
        """What is wrong with the first line of a file."""
        unknown = [Fault(name, f"is no column of {self.name}") for name in header if name not in self.columns]
        double = [Fault(name, "stands twice") for name in dict.fromkeys(header) if header.count(name) > 1]
        return unknown + double + [Fault(name, "is missing") for name in self.needed if name not in header]

    async def header(self, rows: AsyncIterator[Record]) -> tuple[str, ...]:
        """The names of the columns, in the first line; Invalid with all that is wrong with them."""
        first = await anext(rows, None)
        if first is None or first.fault:
            raise Invalid.at("#", f"line 1 {first.fault}" if first else "is empty: line 1 names the columns")
        if not set(first.cells) & set(self.columns):
            needed = ", ".join(self.needed)
            raise Invalid.at("#", f"line 1 names no column of {self.name}: it needs {needed}, separated by , or ;")
        faults = self.header_faults(first.cells)
        if faults:
            raise Invalid(
                errors=[{"detail": f"column {each.column!r} {each.detail}", "pointer": "#"} for each in faults]
            )
        return first.cells

    def read(self, header: Sequence[str], record: Record) -> M | Faulty:
        """A line of the file, or what is wrong with it."""
        if record.fault:
            return Faulty([Fault("", record.fault)])
        if len(record.cells) != len(header):
            return Faulty([Fault("", f"has {len(record.cells)} cells, and the first line has {len(header)}")])
        try:
            return self.model.model_validate(self.fields(self.written(header, record)))
        except ValidationError as error:
            found = [Fault(self.column_of(each["loc"]), _detail(each)) for each in error.errors()]
            return Faulty([*found, *_run_over(record)])

    @staticmethod
    def written(header: Sequence[str], record: Record) -> dict[str, str]:
        """The cells that hold something, by column."""
        return {column: cell for column, cell in zip(header, record.cells, strict=True) if cell}


def _run_over(record: Record) -> Iterator[Fault]:
    """Says which lines went down with the one that is refused."""
    if record.lines > 1:
        yield Fault("", f"runs over {record.lines} lines, by a quotation mark that opens here and closes in the last")


def said(cell: str) -> str | bool:
    """A cell, or the yes or no that it says; `1` and `0` stay texts, which the models read as they need."""
    word = cell.casefold()
    if word in YES - {"1"}:
        return True
    return False if word in NO - {"0"} else cell


def snake(name: str) -> str:
    """The column of a field by its name over HTTP: `birthDate` stands in `birth_date`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def written_as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with a first line. What a spreadsheet would take for a formula begins with a quotation mark."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[_no_formula(each) for each in row] for row in rows])
    return out.getvalue()


def _no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _detail(error: Mapping[str, Any]) -> str:
    """What is wrong, in words that never repeat the cell."""
    if error["type"] == "missing" or (error["type"] == "string_type" and error["input"] is None):
        return "is needed"
    return said_by(error)


class CsvRoute(ServiceRoute):
    """Takes a CSV file: reads it as it comes, in transactions of its own. The permission comes first, as always."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, after the checks."""
        handle = APIRoute.get_route_handler(self)

        async def answer(request: Request) -> Response:
            token = await permission_of(self).check(request, service_of(request).verifier)
            _check_is_csv(request)
            request.state.token = token
            try:
                return await handle(request)
            except ClientDisconnect:
                return Response(status_code=CUT_OFF)
            except Exception as error:
                problem = of_exception(error)
                if problem is None:
                    raise
                await _hear_out(request)
                if problem is error:
                    raise
                raise problem from error

        return answer


async def _hear_out(request: Request) -> None:
    """Let a sender finish who is not listening yet: the answer would be lost with the rest of the file."""
    with suppress(ClientDisconnect, TooLarge, RuntimeError):  # the last is Starlette's, when all was read already
        async for _ in request.stream():
            pass


def _check_is_csv(request: Request) -> None:
    kind, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charset = [each.partition("=")[2].strip('"') for each in parameters if each.startswith("charset")]
    compressed = request.headers.get("content-encoding", "identity").lower() != "identity"
    if kind != CSV or compressed or any(each not in {"utf-8", "utf8"} for each in charset):
        raise UnsupportedMediaType("The body must be text/csv in UTF-8, not compressed.")
