"""`opstap policy try`: what a draft of the policy would mean for the whole present caseload."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from opstap.told import WRONG, wide_console
from policy.dutch import euros, number

if TYPE_CHECKING:
    from diagnosis.trials.result import Result
    from opstap.trying import Trial

WRONG_DRAFT = 1
NAMED = 20
"""Clients whom the table names; `--json` writes all of them."""


def try_policy(
    draft: Annotated[Path, typer.Argument(help="Folder with the draft: like policies/, or of one municipality.")],
    municipality: Annotated[
        str | None, typer.Option(help="CBS code; needed where the draft holds packs of several.")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="As of which day; today when left out.")
    ] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the result, with all clients, here.")] = None,
    as_html: Annotated[Path | None, typer.Option("--html", help="Write the result as a web page here.")] = None,
    url: Annotated[str, typer.Option(envvar="OPSTAP_URL", help="Where Opstap runs.")] = "http://127.0.0.1:8000",
    token: Annotated[str | None, typer.Option(envvar="OPSTAP_TOKEN", help="A policy officer's access token.")] = None,
    data: Annotated[
        Path,
        typer.Option(
            "--data", envvar="OPSTAP_DATA", help="Without a token: the data folder whose development issuer makes one."
        ),
    ] = Path("out/opstap"),
) -> None:
    """Try a draft on the whole present caseload before it is adopted. Nothing changes by it.

    Ends with 1 when the draft is not in order, and names all its faults; with 2 when it could not be tried.
    """
    from opstap.trying import (  # noqa: PLC0415 - asking needs a second to load
        NotTried,
        Place,
        WrongDraftError,
        development_token,
        draft_in,
        try_draft,
    )

    try:
        found = draft_in(draft, municipality)
        where = url.rstrip("/")
        place = Place(where, token or development_token(data, where, found.municipality))
        with _progress() as progress:
            task = progress.add_task("klanten bekeken", total=None)
            trial = asyncio.run(
                try_draft(
                    place, found, on.date() if on else None,
                    lambda done, clients: progress.update(task, completed=done, total=clients),
                )
            )  # fmt: skip
    except WrongDraftError as wrong:
        for fault in wrong.faults:
            typer.echo(fault)
        raise typer.Exit(WRONG_DRAFT) from wrong
    except NotTried as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(WRONG) from reason
    _write(trial, as_json, as_html)
    _show(trial, wide_console())


def _write(trial: "Trial", as_json: Path | None, as_html: Path | None) -> None:
    if as_json is not None:
        as_json.write_text(json.dumps({**trial.told, "moves": trial.moves}, indent=2, ensure_ascii=False) + "\n")
    if as_html is not None:
        as_html.write_text(trial.page)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _show(trial: "Trial", console: Console) -> None:
    from diagnosis.trials.result import Result  # noqa: PLC0415 - the service needs a second to load

    result = Result.model_validate(trial.told["result"])
    on, draft, present = trial.told["on"], trial.told["draft"], trial.told["present"]
    console.print(f"Concept {draft['id']} tegen {present['id']}, gemeente {result.draft.name}, op {on}")
    console.print(
        f"{number(result.clients)} klanten, {number(result.moved)} krijgen een andere categorie;"
        f" {number(result.without_decision)} nog zonder besluit,"
        f" {number(result.not_assessed)} zonder diagnose in Opstap"
    )
    for table in _tables(result):
        console.print(table)
    moved = [each for each in trial.moves if each["kind"] == "category"]
    if moved:
        who = _table("Wie verandert van categorie", "klant", "nu", "in het concept")
        for each in moved[:NAMED]:
            who.add_row(each["clientId"], each["before"] or "geen", each["after"] or "geen")
        if len(moved) > NAMED:
            who.caption = f"en nog {number(len(moved) - NAMED)}: --json BESTAND noemt iedereen"
        console.print(who)
    console.print("Er is niets veranderd: dit was een proef.")


def _tables(result: "Result") -> Iterator[Table]:
    from diagnosis.trials.page import BASES, REFERRALS, TERMS, matrix, partner  # noqa: PLC0415 - the same

    found = matrix(result)
    flows = _table("Van categorie (rij) naar categorie (kolom)", "nu", *found.columns)
    for row in found.rows:
        flows.add_row(row, *(_clients(found.cell(row, column), moved=row != column) for column in found.columns))
    yield flows
    if result.deadlines:
        terms = _table("Termijnen die veranderen", "termijn", "eerder", "later", "begint", "vervalt", "stilgezet")
        for term in result.deadlines:
            numbers = (term.earlier, term.later, term.begins, term.ends, term.stands_still)
            terms.add_row(TERMS.get(term.term, term.term), *map(number, numbers))
        yield terms
    if result.referrals:
        referrals = _table("Verwijzingen die veranderen", "wanneer", "nu", "in het concept", "klanten")
        for each in result.referrals:
            partners = partner(each.before, result), partner(each.after, result)
            referrals.add_row(REFERRALS.get(each.what, each.what), *partners, number(each.clients))
        yield referrals
    work = _table("Werk per rol", "rol", "klanten nu", "in het concept", "gesprekken per jaar nu", "in het concept")
    for role in result.workload:
        clients = number(role.clients_before), number(role.clients_after)
        work.add_row(role.label, *clients, number(role.conversations_before), number(role.conversations_after))
    yield work
    yield from _money(result)
    if result.recorded_otherwise:
        apart = _table("Anders vastgelegd dan het beleid van nu beslist", "vastgelegd", "nu", "hoe het kwam", "klanten")
        for other in result.recorded_otherwise:
            how = BASES.get(other.basis, other.basis)
            apart.add_row(other.recorded, other.redecided or "geen", how, number(other.clients))
        yield apart


def _money(result: "Result") -> Iterator[Table]:
    money = _table(
        f"Geld per spoor in {result.year}", "spoor", "klanten nu", "in het concept", "uitgegeven nu", "in het concept"
    )
    for track in result.costs:
        clients = number(track.clients_before), number(track.clients_after)
        money.add_row(track.label or "zonder spoor", *clients, euros(track.costs_before), euros(track.costs_after))
    yield money
    changed = [each for each in result.budgets if each.before != each.after]
    if changed:
        budgets = _table(f"Budgetten die veranderen in {result.year}", "budget", "nu", "in het concept")
        for line in changed:
            budgets.add_row(line.label, *("geen" if it is None else euros(it) for it in (line.before, line.after)))
        yield budgets


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", min_width=len(title))
    table.add_column(first, no_wrap=True)
    for each in others:
        table.add_column(each, justify="right")
    return table


def _clients(clients: int, *, moved: bool) -> str:
    shown = number(clients) if clients else ""
    return f"[bold]{shown}[/]" if shown and moved else shown
