"""Reading a CSV file as it comes in over the network: record by record, each with its line, in bounded memory."""

import csv
import io
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

LONGEST_RECORD = 64 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Record:
    """One record of the file, or what is wrong with it."""

    line: int
    """Where it begins, from 1."""
    cells: tuple[str, ...]
    fault: str | None = None


async def records(chunks: AsyncIterable[bytes]) -> AsyncIterator[Record]:
    """The records of a CSV file in UTF-8, separated by commas or semicolons as its first line is; none for blank lines.

    A quoted cell may run over several lines. What cannot be read is one faulty record, and the next line begins anew.
    """
    separator = ","
    pending, begins, number = b"", 1, 0
    async for line in _lines(chunks):
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
        return Record(line, (), "is not UTF-8")
    if "\0" in text:
        return Record(line, (), "holds a NUL character")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        return Record(line, (), f"is not CSV: {error}")
    if len(rows) != 1:
        return Record(line, (), "is not one record of CSV")
    return Record(line, tuple(cell.strip() for cell in rows[0]))
