"""What goes wrong is told on standard error, with what to do about it; standard output is for what was asked."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import typer
from rich.console import Console

WRONG = 2
"""The exit code of a command that could not do its work."""

REMEDIES = {
    "NoDataError": "",
    "UnknownName": "",
    "ReasonMissing": "",
    "NotParked": "; `opstap parked list` shows what is",
    "FolderInUseError": "; it is starting or stopping: try again in a moment",
    "PostgresError": "",
    "PortTakenError": "; name another with --port",
    "PolicyErrors": "\nmend the packs; `opstap policy check` checks them",
    "DatabaseTrouble": "\nnothing was lost: try again",
    "InvalidCatalogNameError": "; the system never started whole on this folder: run `opstap up` once",
    "UndefinedTableError": "; the system never started whole on this folder: run `opstap up` once",
    "ProgrammingError": "; the databases are of another version: run `opstap up` once",
    "ConnectionRefusedError": "\nPostgreSQL went away: try again in a moment",
    "JSONDecodeError": "\nthe file is no JSON",
    "FileNotFoundError": "",
    "PermissionError": "\nonly the owner of the data folder may do this",
}
"""By the name of the error, so that naming it does not load what raises it."""


WIDE = 180
"""Characters in a line where no screen sets a width: in a file or a pipe."""


def wide_console() -> Console:
    """Standard output, as wide as the screen, and wide enough for a table where there is none."""
    return Console(width=None if sys.stdout.isatty() else WIDE)


@contextmanager
def remedies_told() -> Iterator[None]:
    """Tell an expected error in words, and end with exit code 2; any other passes as it is."""
    try:
        with logs_on_standard_error():
            yield
    except Exception as error:
        name = next((each.__name__ for each in type(error).__mro__ if each.__name__ in REMEDIES), None)
        if name is None:
            raise
        typer.echo(f"{error}{REMEDIES[name]}", err=True)
        raise typer.Exit(WRONG) from error


@contextmanager
def logs_on_standard_error() -> Iterator[None]:
    """Keep what is logged meanwhile out of standard output."""
    before = structlog.get_config()
    structlog.configure(logger_factory=lambda *_: structlog.WriteLogger(sys.stderr))
    try:
        yield
    finally:
        structlog.configure(**before)
