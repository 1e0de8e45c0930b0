"""Pages of documentation that walk somebody through commands: each is run, and says what the page says it says.

A page shows commands in blocks of `console`: a line that begins with `$ ` is a command, `> ` carries it on, and the
rest is what it prints. All commands of a page share one shell, so that what one sets the next can use.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from typer.testing import CliRunner

from opstap.cli import app

DOCS = Path(__file__).parents[2] / "docs"
PORT = 8000
"""The port that pages speak of; the system of a test has another."""
VOLATILE = {
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "(id)",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)": "(moment)",
    r"cursor=[\w-]+": "cursor=(cursor)",
    r"^id: \d+": "id: (position)",
}
"""What differs from run to run."""
LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[")
"""What the services log, since they run in this process."""
PATIENCE = 120.0


@dataclass(frozen=True)
class Step:
    """A command of a page, with what it says there."""

    command: str
    says: str


def steps(page: Path) -> Iterator[Step]:
    """The commands of a page, in order."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *rest = part.splitlines()
            more = [line[2:] for line in rest if line.startswith("> ")]
            said = [line for line in rest if not line.startswith("> ")]
            yield Step("\n".join([first, *more]), "\n".join(said))


def lines(said: str) -> list[str]:
    """What was said, line by line, without what differs from run to run."""
    found = []
    for line in said.splitlines():
        written = line.rstrip()
        for pattern, name in VOLATILE.items():
            written = re.sub(pattern, name, written)
        if written and not LOGGED.match(written):
            found.append(written)
    return found


async def walk(page: Path, folder: Path, port: int, then: Callable[[], Awaitable[None]]) -> Sequence[Step]:
    """Run every command of a page in a folder, against what answers at a port; `then` is done after each."""
    said = []
    async with Shell(folder) as shell:
        for each in steps(page):
            command = each.command.replace(f":{PORT}", f":{port}")
            printed = await (_opstap(command) if command.startswith("opstap ") else shell.run(command))
            said.append(Step(each.command, printed.replace(f":{port}", f":{PORT}")))
            await then()
    return said


def differences(said: Sequence[Step], page: Path) -> str:
    """Where what was said is not what the page says, as a page would show it; empty when there is none."""
    return "\n".join(
        f"$ {now.command}\n" + "\n".join(lines(now.says))
        for now, written in zip(said, steps(page), strict=True)
        if lines(now.says) != lines(written.says)
    )


async def _opstap(command: str) -> str:
    """What a command of our own prints; it runs in this process."""
    return (await asyncio.to_thread(CliRunner().invoke, app, command.split()[1:])).output


class Shell:
    """One bash for all commands of a page."""

    END = "-- said --"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> Self:
        self._bash = await asyncio.create_subprocess_exec(
            "bash", "--norc", cwd=self._folder, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, limit=1024 * 1024,
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._bash.stdin
        self._bash.stdin.close()
        await self._bash.wait()

    async def run(self, command: str) -> str:
        """What a command prints, with its complaints."""
        stdin, stdout = self._bash.stdin, self._bash.stdout
        assert stdin
        assert stdout
        stdin.write(f"{command}\necho '{self.END}'\n".encode())
        said = []
        async with asyncio.timeout(PATIENCE):
            while (line := (await stdout.readline()).decode()).rstrip() != self.END:
                assert line, f"the shell ended at: {command}"
                said.append(line)
        return "".join(said)
