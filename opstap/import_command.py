"""`opstap import`: a caseload file to intake, with a report of what was refused and why; or a dry run of it."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from opstap.told import WRONG, wide_console

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV in UTF-8.")]
Municipality = Annotated[list[str], typer.Option("--municipality", help="CBS code, such as GM0626; may be repeated.")]
Url = Annotated[str, typer.Option(envvar="OPSTAP_URL", help="Where Opstap runs.")]
AccessToken = Annotated[
    str | None, typer.Option("--token", envvar="OPSTAP_TOKEN", help="An access token; role operator.")
]
Data = Annotated[
    Path,
    typer.Option(
        "--data", envvar="OPSTAP_DATA", help="Without a token: the folder whose development issuer makes one."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would come of it; nothing is written.")]
HERE = "http://127.0.0.1:8000"
SYSTEM = Path("out/opstap")


def import_caseload(
    file: File,
    municipality: Municipality,
    url: Url = HERE,
    token: AccessToken = None,
    data: Data = SYSTEM,
    as_json: AsJson = False,
    dry_run: DryRun = False,
    refused: Annotated[
        Path | None,
        typer.Option("--refused", help="Write every line that is refused here: CSV of line, column, reason."),
    ] = None,
) -> None:
    """Take a caseload in: clients in mid-journey, and ended spells of benefit. The same file again changes nothing.

    Prints what came of it, and ends with 1 when lines were refused; the others are taken in all the same. When the
    connection breaks or the service restarts it goes on where it was, and so does the same command afterwards.
    """
    from opstap.importing import NotTaken  # noqa: PLC0415 - sending needs a second to load

    try:
        report, lines = asyncio.run(
            _sent(file, municipality, url.rstrip("/"), token, data, dry_run=dry_run, lines=refused is not None)
        )
    except NotTaken as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(WRONG) from reason
    if refused is not None:
        refused.write_text(lines, encoding="utf-8", newline="")
    if as_json:
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        show = _show_dry_run if dry_run else _show
        show(report, wide_console())
    if report["refusedLines"]:
        raise typer.Exit(1)


async def _sent(
    file: Path, municipalities: list[str], url: str, token: str | None, data: Path, *, dry_run: bool, lines: bool
) -> tuple[dict[str, Any], str]:
    """The report, and if asked for every refused line as CSV."""
    from opstap.importing import CSV, Content, Destination, development_token, fetch, send  # noqa: PLC0415 - as above

    to = Destination(f"{url}/intake/v1/caseload-imports", token or development_token(data, url, municipalities))
    content, query = Content.of(file), {"dryRun": "true"} if dry_run else {}
    report: dict[str, Any] = await send(content, to, query)
    if not lines:
        return report, ""
    if dry_run:
        return report, await send(content, to, query, accept=CSV)
    return report, await fetch(Destination(f"{to.url}/{report['id']}", to.token), CSV)


def _show(report: Mapping[str, Any], console: Console) -> None:
    if report["resumedAfter"]:
        console.print(f"Up to line {report['resumedAfter']} it had been taken in before; this is of the whole file.")
    table = Table("rows", "registered", "spells of benefit", "known already", "lines refused")
    names = ("rows", "registered", "cases", "known", "refusedLines")
    table.add_row(*(str(report[name]) for name in names))
    console.print(table)
    show_lines(report["refused"], "why it was refused", report["refusedLines"], console)


def _show_dry_run(report: Mapping[str, Any], console: Console) -> None:
    console.print("A dry run: nothing was written. Sent now, this would come of it:")
    table = Table("rows", "registered", "spells of benefit", "of which ended", "known already", "lines refused")
    names = ("rows", "registered", "cases", "ended", "known", "refusedLines")
    table.add_row(*(str(report[name]) for name in names))
    console.print(table)
    for title, name in (("category", "categories"), ("route", "routes"), ("overdue at once", "overdue")):
        if report[name]:
            console.print(_counted(title, report[name]))
    if report["guidance"]:
        guided = Table("role", "with the caseworker named", "with another of the role", "on the team manager's list")
        for role, of in sorted(report["guidance"].items()):
            guided.add_row(role, str(of["named"]), str(of["assigned"]), str(of["waiting"]))
        console.print(guided)
    if report["openReferrals"]:
        console.print(f"Open referrals that are taken over, of which no partner is told: {report['openReferrals']}")
    show_lines(report["remarks"], "good to know; the line is taken in", report["remarkedLines"], console)
    show_lines(report["refused"], "why it would be refused", report["refusedLines"], console)


def _counted(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title, "clients")
    for name, number in sorted(counts.items()):
        table.add_row(name, str(number))
    return table


def show_lines(lines: list[dict[str, Any]], title: str, number: int, console: Console) -> None:
    """What was told of lines, and of how many it was told when these are the first."""
    if not lines:
        return
    table = Table("line", "column", title)
    for each in lines:
        table.add_row(str(each["line"]), each["column"], each["detail"])
    console.print(table)
    if number > len({each["line"] for each in lines}):
        console.print(f"These are the first of {number} lines.")
