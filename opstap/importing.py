"""A caseload file on its way to intake: cut at the ends of records, sent piece by piece, its report put together."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from opstap.issuer import Issuer

PIECE = 256 * 1024
"""Bytes of a piece, or a little more: it ends with a whole record."""
SECONDS_FOR_A_PIECE = 300


class NotTaken(RuntimeError):
    """Intake took a piece not at all; the message says why, and what to do."""


@dataclass(frozen=True)
class Piece:
    """Whole records of the file, under the line that names the columns."""

    body: bytes
    first_line: int
    """The line of the file on which its first record begins."""
    header_lines: int
    size: int
    """Bytes of the file that it stands for."""

    def line_of(self, line: int) -> int:
        """A line of the piece as a line of the file."""
        return line if line <= self.header_lines else line - self.header_lines - 1 + self.first_line


@dataclass
class Report:
    """What came of all pieces so far."""

    registered: int = 0
    cases: int = 0
    known: int = 0
    refused_lines: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)

    def add(self, piece: Piece, answer: dict[str, Any]) -> None:
        """Count what intake answered to a piece."""
        self.registered += answer["registered"]
        self.cases += answer["cases"]
        self.known += answer["known"]
        self.refused_lines += answer["refusedLines"]
        self.refused += [{**each, "line": piece.line_of(each["line"])} for each in answer["refused"]]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "registered": self.registered,
            "cases": self.cases,
            "known": self.known,
            "refusedLines": self.refused_lines,
            "refused": self.refused,
        }


def pieces(file: Path, size: int = PIECE) -> Iterator[Piece]:
    """The file in pieces of whole records, each under the file's first; a quoted cell may run over several lines."""
    found = _records(file)
    header_line, header = next(found, (1, b""))
    body, first_line, header_lines, read = b"", 0, header.count(b"\n") or 1, len(header)
    for line, record in found:
        if body and len(body) + len(record) > size:
            yield Piece(header + body, first_line, header_lines, read)
            body, read = b"", 0
        first_line = first_line if body else line
        body, read = body + record, read + len(record)
    yield Piece(header + body, first_line or header_line, header_lines, read)


def _records(file: Path) -> Iterator[tuple[int, bytes]]:
    """Each record with the line on which it begins: lines until every quotation mark is closed."""
    record, begins = b"", 1
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            begins = begins if record else number
            record += line
            if record.count(b'"') % 2 == 0 or len(record) > PIECE:
                yield begins, record
                record = b""
    if record:
        yield begins, record


def development_token(data: Path, url: str, municipalities: list[str]) -> str:
    """A token of the issuer that runs with the system on this folder; NotTaken when there is none."""
    folder = data / "issuer"
    if not (folder / "issuer-key.json").exists():
        raise NotTaken(
            f"{data} holds no development issuer: give --token, or name the folder of `opstap up` with --data"
        )
    issuer = Issuer(folder, url=f"{url.rstrip('/')}/issuer")
    return issuer.issue(None, ["operator"], municipalities, azp="opstap-import")


async def send(file: Path, size: int, url: str, token: str) -> Report:
    """Send the file, piece by piece; NotTaken when intake takes one not at all."""
    report = Report()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    timeout = aiohttp.ClientTimeout(total=SECONDS_FOR_A_PIECE)
    with _progress() as progress:
        task = progress.add_task(file.name, total=size)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            for piece in pieces(file):
                report.add(piece, await _post(session, f"{url}/intake/v1/caseload-imports", piece))
                progress.advance(task, piece.size)
    return report


async def _post(session: aiohttp.ClientSession, url: str, piece: Piece) -> dict[str, Any]:
    try:
        async with session.post(url, data=piece.body) as answer:
            told = await answer.json(content_type=None)
            if not answer.ok:
                raise NotTaken(_why(answer.status, told))
            found: dict[str, Any] = told
            return found
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
        again = "start it with `opstap up`, or say where it runs with --url; then send the file again, nothing doubles"
        raise NotTaken(f"{url} does not answer as Opstap does ({error!r}): {again}") from error


def _why(status: int, problem: dict[str, Any]) -> str:
    """A problem document in words."""
    errors = "".join(f"\n  {each.get('pointer', '')} {each.get('detail', '')}" for each in problem.get("errors", ()))
    remedies = {
        400: "mend the first line of the file: it names the columns (docs: POST /v1/caseload-imports)",
        401: "the token is not one of this issuer's, or has run out: ask for a new one",
        403: "ask for a token with the role operator, team_manager or front_end",
    }
    remedy = remedies.get(status, "send the file again: what was taken in already does not double")
    return f"{status} {problem.get('title', '')}: {problem.get('detail', '')}{errors}\n{remedy}"


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))
