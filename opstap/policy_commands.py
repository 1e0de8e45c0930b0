"""For policy officers: check the packs, and ask one what it decides."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from opstap.explained import table
from opstap.told import wide_console
from policy import (
    Decision,
    Facts,
    Library,
    NoPolicyInForce,
    Pack,
    PolicyErrors,
    Track,
    UnknownMunicipality,
    explain,
    load_draft,
)
from policy.calendar import years_without_decree
from policy.dutch import day
from policy.letters import Filled, Letter
from policy.readability import Reading

app = typer.Typer(help="Check policy packs and ask them what they decide.", no_args_is_help=True)

WRONG_PACKS, WRONG_INPUT = 1, 2


def policies_folder() -> Path:
    """Where the packs are: OPSTAP_POLICIES, else beside the source of the program, else in the working directory."""
    named = os.environ.get("OPSTAP_POLICIES")
    if named:
        return Path(named)
    beside = Path(__file__).resolve().parent.parent / "policies"
    return beside if beside.is_dir() else Path("policies")


Municipality = Annotated[str, typer.Option(help="CBS code, for instance GM0626.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Day of the decision.")]
GivenFacts = Annotated[str, typer.Argument(help="JSON file with the facts, or - for standard input.")]
Policies = Annotated[Path | None, typer.Option("--policies", help="Folder with the packs of all municipalities.")]


@app.command()
def decide(
    municipality: Municipality,
    on: Day,
    facts: GivenFacts,
    policies: Policies = None,
) -> None:
    """Decide on the facts of an assessment, and say why."""
    pack, found = _asked(municipality, on.date(), facts, policies)
    typer.echo(json.dumps(as_json(pack.decide(found, on.date())), ensure_ascii=False, indent=2))


@app.command(name="explain")
def explain_decision(
    municipality: Municipality,
    on: Day,
    facts: GivenFacts,
    policies: Policies = None,
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Name the smallest changes of facts that lead to another category."""
    pack, found = _asked(municipality, on.date(), facts, policies)
    explanation = explain(pack, found, on.date())
    if as_data:
        typer.echo(json.dumps(explanation.as_dict(), ensure_ascii=False, indent=2))
    else:
        wide_console().print(table(explanation))


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(help="Folder with the packs of all municipalities.")] = None,
) -> None:
    """Check all packs whole, and name every fault with its file and line."""
    try:
        library = Library.load(folder or policies_folder())
    except PolicyErrors as errors:
        for fault in errors.faults:
            typer.echo(str(fault))
        raise typer.Exit(WRONG_PACKS) from errors
    typer.echo(f"{len(list(library))} packs in order")
    for year in years_without_decree(date.today()):  # noqa: DTZ011 - an operator's own day, not a decision
        typer.echo(
            f"warning: no royal decree on holidays is on record for {year} (Algemene termijnenwet, art. 3)", err=True
        )


@app.command()
def letters(
    file: Annotated[Path, typer.Argument(help="A pack, adopted or a draft.")],
    policies: Policies = None,
) -> None:
    """Show every letter of a pack as a client on each track would read it, and what keeps it from plain language."""
    try:
        pack = load_draft(file, policies or policies_folder())
    except PolicyErrors as errors:
        for fault in errors.faults:
            typer.echo(str(fault))
        raise typer.Exit(WRONG_PACKS) from errors
    except OSError as fault:
        _refuse(str(fault))
    complaints = 0
    for kind, letter in pack.letters.items():
        for text, reading, tracks in _readings(pack, letter):
            complaints += len(reading.complaints)
            typer.echo(f"== {kind}, versie {letter.version}, {tracks} (leesgemak {reading.ease:.0f})")
            typer.echo("\n".join([*text, *(f"! {each}" for each in reading.complaints)]))
    raise typer.Exit(WRONG_PACKS if complaints else 0)


def _readings(pack: Pack, letter: Letter) -> Iterator[tuple[Filled, Reading, str]]:
    """Each text that a letter comes down to, how it reads, and on which tracks clients read it."""
    texts: dict[Filled, list[Track]] = {}
    for track in pack.tracks.values():
        texts.setdefault(letter.filled(_example(pack, track)), []).append(track)
    for text, tracks in texts.items():
        yield text, Reading.of_letter(letter, tracks[0].meaning), ", ".join(track.label for track in tracks)


def _example(pack: Pack, track: Track) -> dict[str, str]:
    role = next(iter(pack.roles.values()))
    values = {
        "name": "mevrouw Jansen", "track_label": track.label, "track_meaning": track.meaning,
        "caseworker_name": role.label, "municipality_name": pack.name,
    }  # fmt: skip
    wrong = pack.letters["exit"].filled(values).subject
    return {**values, "letter_date": day(pack.valid_from), "letter_subject": wrong}


def as_json(decision: Decision) -> dict[str, Any]:
    """A decision as the command prints it."""
    return {
        "status": decision.status,
        "category": decision.category,
        "track": decision.track,
        "caseworker_role": decision.caseworker_role,
        "referral_partner": decision.referral_partner,
        "receipt": decision.receipt.as_dict(),
    }


def _asked(municipality: str, on: date, facts: str, policies: Path | None) -> tuple[Pack, Facts]:
    """The pack in force and the facts; what is wrong with them ends the program."""
    try:
        return Library.load(policies or policies_folder()).in_force(municipality, on), _read_facts(facts)
    except (UnknownMunicipality, NoPolicyInForce, PolicyErrors, OSError, UnicodeDecodeError) as fault:
        _refuse(str(fault))
    except ValidationError as fault:
        _refuse(_in_words(fault))


def _read_facts(source: str) -> Facts:
    text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    return Facts.model_validate_json(text)


def _in_words(fault: ValidationError) -> str:
    return "\n".join(
        f"{'.'.join(str(part) for part in error['loc']) or 'facts'}: {error['msg']}"
        for error in fault.errors(include_url=False)
    )


def _refuse(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(WRONG_INPUT)
