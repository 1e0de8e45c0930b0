"""CSV files that come in over the network: read record by record, in bounded memory, and checked column by column.

A fault tells the line, the column and what is wrong there, never what stood there.
"""

import csv
import hashlib
import io
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
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
    """The records of a CSV file in UTF-8, separated by commas or semicolons as its first line is; none for blank lines.

    A quoted cell may run over several lines. What cannot be read is one faulty record, and the next line begins anew.
    """
    separator = ","
    pending, begins, number = b"", 1, 0
    async for line in _lines(chunks):
        if digest is not None:
            digest.add(line)
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)  # noqa: PLW2901 - the mark is no part of the line
            separator = ";" if line.count(b";") > line.count(b",") else ","
        begins = begins if pending else number
        pending += line
        if len(pending) > LONGEST_RECORD:
            yield Record(begins, (), f"is longer than {LONGEST_RECORD} bytes")
            pending = b""
        elif pending.count(b'"') % 2 == 0:
            if pending.strip():
                yield _read(begins, pending, separator)
            pending = b""
    if pending:
        yield Record(begins, (), "has a quotation mark that is never closed")


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The lines with their ends; one that is far too long comes in pieces."""
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


def _read(line: int, raw: bytes, separator: str) -> Record:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Record(line, (), "is not UTF-8: save the file as CSV in UTF-8")
    if "\0" in text:
        return Record(line, (), "holds a NUL character")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        return Record(line, (), f"is not CSV: {error}")
    if len(rows) != 1:
        return Record(line, (), "is not one record of CSV")
    return Record(line, tuple(cell.strip() for cell in rows[0]))


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
            return Faulty([Fault(self.column_of(each["loc"]), _detail(each)) for each in error.errors()])

    @staticmethod
    def written(header: Sequence[str], record: Record) -> dict[str, str]:
        """The cells that hold something, by column."""
        return {column: cell for column, cell in zip(header, record.cells, strict=True) if cell}


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
