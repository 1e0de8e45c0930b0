"""`opstap verify`: does everything balance?"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from opstap.told import remedies_told, wide_console

if TYPE_CHECKING:
    from opstap.verify import Difference, Findings

MOST_SHOWN = 200


def verify(
    data: Annotated[Path, typer.Option("--data", help="Folder with the data of the system.")] = Path("out/opstap"),
    file: Annotated[
        Path | None, typer.Option("--json", help="Write what was found to this file, - for standard output.")
    ] = None,
    ledgers: Annotated[
        Path | None, typer.Option(help="The partners' own ledgers: {endpoint: {webhook-id: times received}}.")
    ] = None,
) -> None:
    """Recompute from the databases what the events lead to, and say what differs. 0 when everything balances, else 1.

    Run it while the system has nothing in hand: events on their way are told as such.
    """
    with remedies_told():
        findings = _examined(data, ledgers)
    if file is not None:
        _write(findings, file)
    if file != Path("-"):
        _show(findings, wide_console())
    if not findings.balanced:
        raise typer.Exit(1)


def _examined(data: Path, ledgers: Path | None) -> "Findings":
    from opstap.operators.folder import databases_of  # noqa: PLC0415 - the services need a second to load
    from opstap.verify import CHECKS, examine  # noqa: PLC0415
    from opstap.verify.webhooks import read_ledgers  # noqa: PLC0415

    async def at_work() -> "Findings":
        received = read_ledgers(ledgers) if ledgers else None
        async with databases_of(data) as urls:
            with _progress() as progress:
                task = progress.add_task("reading", total=len(CHECKS))

                def on_check(name: str) -> None:
                    progress.update(task, advance=1, description=name.replace("_", " "))

                return await examine(urls, ledgers=received, on_check=on_check)

    return asyncio.run(at_work())


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _write(findings: "Findings", file: Path) -> None:
    told = {
        "balanced": findings.balanced,
        "counts": findings.counts,
        "differences": [asdict(each) for each in findings.differences],
        "listed": [asdict(each) for each in findings.listed],
    }
    text = json.dumps(told, indent=2, ensure_ascii=False, default=str)
    if file == Path("-"):
        typer.echo(text)
    else:
        file.write_text(text + "\n")


def _show(findings: "Findings", console: Console) -> None:
    if findings.listed:
        console.print(_table("Open, and known", findings.listed))
    if findings.differences:
        console.print(_table("What differs", findings.differences))
    counts = findings.counts
    published, handled = sum(counts["published"].values()), sum(counts["handled"].values())
    parked, deliveries = sum(counts["parked"].values()), sum(counts["deliveries"].values())
    console.print(f"{published} events published, handled {handled} times; {parked} parked; {deliveries} webhooks")
    verdict = "Everything balances." if findings.balanced else f"{len(findings.differences)} differences."
    console.print(f"[bold]{verdict}[/]")


def _table(title: str, found: "Sequence[Difference]") -> Table:
    """Client by client."""
    table = Table(title=title, title_justify="left", show_lines=True)
    for column in ("what", "expected", "found", "remedy"):
        table.add_column(column, overflow="fold")
    ordered = sorted(found, key=lambda one: (str(one.client or ""), one.service, one.check))
    for client, theirs in groupby(ordered[:MOST_SHOWN], key=lambda one: one.client):
        table.add_row(f"[bold]{f'client {client}' if client else 'of no client'}[/]")
        for each in theirs:
            where = f"[dim]{each.service}, {each.check}:[/] {escape(each.what)}"
            table.add_row(where, escape(each.expected), escape(each.found), escape(each.remedy))
    if len(found) > MOST_SHOWN:
        table.caption = f"and {len(found) - MOST_SHOWN} more: --json FILE writes all"
    return table
