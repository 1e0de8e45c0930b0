"""A file on its way to a service that takes it in: sent as a stream, and again from the start when the line breaks.

The service knows the file by its digest and passes over what it has, so nothing is remembered here that could be wrong.
"""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from opstap.issuer import Issuer

CSV = "text/csv"
CHUNK = 64 * 1024
"""Bytes read and handed to the connection at a time; it holds back few more, so that the bar tells how far it is."""
PAUSES = (1, 2, 4, 8, 15, 30)
"""Seconds to wait for a service that went away, before each further try."""
SECONDS_FOR_THE_ANSWER = 300
TRY_AGAIN = {502, 503, 504}


class NotTaken(RuntimeError):
    """The service did not take the file; the message says why, and what to do."""


class _GoneAway(RuntimeError):
    """The connection broke, or the service cannot work now: worth another try."""


@dataclass(frozen=True)
class Content:
    """What is in a file: how much, and its digest."""

    file: Path
    size: int
    rows: int
    """Lines after the first, where no cell runs over several."""
    digest: bytes

    @classmethod
    def of(cls, file: Path) -> "Content":
        """Read the file once."""
        digest, size, lines, end = sha256(), 0, 0, b"\n"
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                lines += chunk.count(b"\n")
                end = chunk[-1:]
        return cls(file, size, max(lines - (end == b"\n"), 0), digest.digest())

    @property
    def header(self) -> str:
        """As RFC 9530 writes the digest."""
        return f"sha-256=:{base64.b64encode(self.digest).decode()}:"


@dataclass(frozen=True)
class Destination:
    """Where files go, and on whose behalf."""

    url: str
    token: str


def development_token(data: Path, url: str, municipalities: list[str]) -> str:
    """A token of the issuer that runs with the system on this folder; NotTaken when there is none."""
    folder = data / "issuer"
    if not (folder / "issuer-key.json").exists():
        raise NotTaken(
            f"{data} holds no development issuer: give --token, or name the folder of `opstap up` with --data"
        )
    issuer = Issuer(folder, url=f"{url.rstrip('/')}/issuer")
    return issuer.issue(None, ["operator"], municipalities, azp="opstap-import")


async def send(content: Content, to: Destination, query: Mapping[str, str], *, accept: str = "application/json") -> Any:
    """Send a file and give what was answered; NotTaken when it was not taken."""
    with _progress() as progress:
        task = progress.add_task(content.file.name, total=content.rows)
        async with _session(to) as session:
            for number, pause in enumerate((*PAUSES, None)):
                try:
                    return await _post(session, content, to.url, query, accept, _moves(progress, task, content))
                except (_GoneAway, aiohttp.ClientConnectorError) as error:
                    never_there = isinstance(error, aiohttp.ClientConnectorError) and number == 0
                    if never_there or pause is None:
                        raise _unheard(to.url, error) from error
                    progress.console.print(f"{error}: the file is sent again in {pause} s, and goes on where it was")
                    await asyncio.sleep(pause)
    raise AssertionError("the last try answers or raises")


async def fetch(to: Destination, accept: str) -> str:
    """What stands at an address, as text."""
    async with _session(to) as session, session.get(to.url, headers={"Accept": accept}) as answer:
        return await answer.text()


def _session(to: Destination) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {to.token}"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=SECONDS_FOR_THE_ANSWER),
        connector=aiohttp.TCPConnector(socket_factory=_narrow),
    )


def _narrow(address: tuple[Any, ...]) -> socket.socket:
    """A connection that takes no more than a little of the file ahead of the service."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
    return made


def _moves(progress: Progress, task: TaskID, content: Content) -> Callable[[int], None]:
    def moved(sent: int) -> None:
        progress.update(task, completed=content.rows * sent // max(content.size, 1))

    return moved


async def _read(file: Path, moved: Callable[[int], None]) -> AsyncIterator[bytes]:
    sent = 0
    with file.open("rb") as content:
        while chunk := await asyncio.to_thread(content.read, CHUNK):
            yield chunk
            sent += len(chunk)
            moved(sent)


async def _post(
    session: aiohttp.ClientSession, content: Content, url: str, query: Mapping[str, str], accept: str,
    moved: Callable[[int], None],
) -> Any:  # fmt: skip
    headers = {"Content-Type": CSV, "Content-Digest": content.header, "Accept": accept}
    body = _read(content.file, moved)
    try:
        async with session.post(url, params=query, data=body, headers=headers, expect100=True) as answer:
            told = await answer.text() if answer.ok and accept == CSV else await answer.json(content_type=None)
            if answer.ok:
                return told
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
        raise _GoneAway(f"The connection broke ({error!r})") from error
    problem: dict[str, Any] = told if isinstance(told, dict) else {}
    if answer.status in TRY_AGAIN or str(problem.get("type")).endswith("file-being-taken-in"):
        raise _GoneAway(f"{answer.status} {problem.get('title', '')}")
    raise NotTaken(_why(answer.status, problem))


def _unheard(url: str, error: Exception) -> NotTaken:
    again = "start it with `opstap up`, or say where it runs with --url; then send the file again, nothing doubles"
    return NotTaken(f"{url} does not answer as Opstap does ({error}): {again}")


def _why(status: int, problem: Mapping[str, Any]) -> str:
    """A problem document in words."""
    errors = "".join(f"\n  {each.get('pointer', '')} {each.get('detail', '')}" for each in problem.get("errors", ()))
    errors += "".join(
        f"\n  line {each['line']}, {each['column']}: {each['detail']}" for each in problem.get("refused", ())
    )
    remedies = {
        400: "mend these lines of the file, and send it again",
        401: "the token is not one of this issuer's, or has run out: ask for a new one",
        403: "ask for a token with the role operator, team_manager or front_end",
        409: "send the file again, as it is now",
    }
    remedy = remedies.get(status, "send the file again: what was taken in already does not double")
    return f"{status} {problem.get('title', '')}: {problem.get('detail', '')}{errors}\n{remedy}"


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"))
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
