"""`opstap staff import`: a staff file to routing, or a dry run of it."""

import asyncio
import json
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from opstap.import_command import (
    HERE,
    SYSTEM,
    AccessToken,
    AsJson,
    Data,
    DryRun,
    File,
    Municipality,
    Url,
    show_lines,
)
from opstap.told import WRONG, wide_console

app = typer.Typer(help="Who guides clients.", no_args_is_help=True)


@app.callback()
def staff() -> None:
    """Who guides clients."""


@app.command(name="import")
def import_staff(
    file: File,
    municipality: Municipality,
    url: Url = HERE,
    token: AccessToken = None,
    data: Data = SYSTEM,
    as_json: AsJson = False,
    dry_run: DryRun = False,
    leavers: Annotated[
        Literal["keep", "list", "inactive"],
        typer.Option(help="Who is on the staff and not in the file: keep them, list them too, or make them inactive."),
    ] = "keep",
) -> None:
    """Enter or change staff, teams and absences by a file. The same file again changes nothing.

    Where a line is wrong nothing is taken in: every fault is told, and the exit code is 1 or, of a real run, 2.
    """
    from opstap.importing import Content, Destination, NotTaken, development_token, send  # noqa: PLC0415 - as for import

    try:
        there = url.rstrip("/")
        to = Destination(f"{there}/routing/v1/staff-imports", token or development_token(data, there, municipality))
        query = {"leavers": leavers} | ({"dryRun": "true"} if dry_run else {})
        report: dict[str, Any] = asyncio.run(send(Content.of(file), to, query))
    except NotTaken as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(WRONG) from reason
    if as_json:
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _show(report, wide_console(), dry_run=dry_run)
    if report["refusedLines"]:
        raise typer.Exit(1)


def _show(report: dict[str, Any], console: Console, *, dry_run: bool) -> None:
    if dry_run:
        console.print("A dry run: nothing was written. Sent now, this would come of it:")
    table = Table("lines", "people entered", "changed", "as they were", "new absences", "lines refused")
    names = ("rows", "entered", "changed", "unchanged", "absences", "refusedLines")
    table.add_row(*(str(report[name]) for name in names))
    console.print(table)
    if report["leavers"]:
        console.print(f"On the staff and not in the file: {', '.join(report['leavers'])}")
    show_lines(report["refused"], "why it would be refused", report["refusedLines"], console)
