"""`opstap import`: a caseload file to intake, with a report of what was refused and why."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from opstap.operators.told import WRONG, wide_console

if TYPE_CHECKING:
    from opstap.importing import Report


def import_caseload(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV in UTF-8.")],
    municipality: Annotated[
        list[str], typer.Option("--municipality", help="CBS code, such as GM0626; may be repeated.")
    ],
    url: Annotated[str, typer.Option(help="Where Opstap runs.")] = "http://127.0.0.1:8000",
    token: Annotated[str | None, typer.Option(envvar="OPSTAP_TOKEN", help="An access token; role operator.")] = None,
    data: Annotated[
        Path, typer.Option("--data", help="Without a token: the data folder whose development issuer makes one.")
    ] = Path("out/opstap"),
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Take a caseload in: clients in mid-journey, and ended spells of benefit. The same file again changes nothing.

    Prints what came of it, and ends with 1 when lines were refused; the others are taken in all the same.
    """
    from opstap.importing import NotTaken, development_token, send  # noqa: PLC0415 - sending needs a second to load

    try:
        access = token or development_token(data, url, municipality)
        report = asyncio.run(send(file, file.stat().st_size, url.rstrip("/"), access))
    except NotTaken as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(WRONG) from reason
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        _show(report, wide_console())
    if report.refused_lines:
        raise typer.Exit(1)


def _show(report: "Report", console: Console) -> None:
    table = Table("registered", "spells of benefit", "known already", "lines refused")
    counts = (report.registered, report.cases, report.known, report.refused_lines)
    table.add_row(*map(str, counts))
    console.print(table)
    if report.refused:
        refused = Table("line", "column", "why it was refused")
        for each in report.refused:
            refused.add_row(str(each["line"]), each["column"], each["detail"])
        console.print(refused)
