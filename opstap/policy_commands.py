"""For policy officers: check the packs, and ask one what it decides."""

import json
import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from policy import Decision, Facts, Library, NoPolicyInForce, PolicyErrors, UnknownMunicipality
from policy.calendar import years_without_decree

app = typer.Typer(help="Check policy packs and ask them what they decide.", no_args_is_help=True)

WRONG_PACKS, WRONG_INPUT = 1, 2


def policies_folder() -> Path:
    """Where the packs are: OPSTAP_POLICIES, else beside the source of the program, else in the working directory."""
    named = os.environ.get("OPSTAP_POLICIES")
    if named:
        return Path(named)
    beside = Path(__file__).resolve().parent.parent / "policies"
    return beside if beside.is_dir() else Path("policies")


Policies = Annotated[Path | None, typer.Option("--policies", help="Folder with the packs of all municipalities.")]


@app.command()
def decide(
    municipality: Annotated[str, typer.Option(help="CBS code, for instance GM0626.")],
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Day of the decision.")],
    facts: Annotated[str, typer.Argument(help="JSON file with the facts, or - for standard input.")],
    policies: Policies = None,
) -> None:
    """Decide on the facts of an assessment, and say why."""
    try:
        pack = Library.load(policies or policies_folder()).in_force(municipality, on.date())
        decision = pack.decide(_read_facts(facts), on.date())
    except (UnknownMunicipality, NoPolicyInForce, PolicyErrors, OSError, UnicodeDecodeError) as fault:
        _refuse(str(fault))
    except ValidationError as fault:
        _refuse(_in_words(fault))
    typer.echo(json.dumps(as_json(decision), ensure_ascii=False, indent=2))


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
