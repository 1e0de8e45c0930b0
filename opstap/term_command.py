"""For anybody who wants to check a date: when does a term end, and why then."""

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

import typer

from policy import Suspension, Term, reckon


def term(
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="Day the term starts.")],
    months: Annotated[int, typer.Option(min=0)] = 0,
    days: Annotated[int, typer.Option(min=0)] = 0,
    weeks: Annotated[int, typer.Option(min=0)] = 0,
    years: Annotated[int, typer.Option(min=0)] = 0,
    statutory: Annotated[bool, typer.Option("--statutory", help="The Algemene termijnenwet holds.")] = False,
    suspend: Annotated[
        list[str] | None, typer.Option(metavar="FIRST_DAY/DAY_AFTER_LAST", help="A suspension; may be repeated.")
    ] = None,
) -> None:
    """Reckon when a term ends, after suspensions and days off."""
    try:
        length = Term(years=years, months=months, weeks=weeks, days=days)
        reckoned = reckon(start.date(), length, [_suspension(text) for text in suspend or ()], statutory=statutory)
    except ValueError as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from fault
    typer.echo(json.dumps(asdict(reckoned), default=str, ensure_ascii=False, indent=2))


def _suspension(text: str) -> Suspension:
    """Read 2024-05-01/2024-06-15; without a second date it still runs."""
    first, slash, second = text.partition("/")
    if not slash:
        raise ValueError(f'"{text}" is not a suspension; write its two dates as 2024-05-01/2024-06-15')
    try:
        return Suspension(date.fromisoformat(first), date.fromisoformat(second) if second else None)
    except ValueError as fault:
        raise ValueError(f"--suspend {text}: {fault}") from fault
