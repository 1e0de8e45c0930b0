"""`opstap`: the whole system on one machine, its demonstration, and the tools of operators and policy officers."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from opstap import import_command, policy_commands, staff_command, term_command, try_command, verify_command
from opstap.operators import commands
from opstap.policy_commands import policies_folder
from opstap.told import remedies_told, wide_console

app = typer.Typer(
    help="Guide residents on social assistance to work or to taking part in society.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
policy_commands.app.command(name="try")(try_command.try_policy)
app.add_typer(policy_commands.app, name="policy")
app.command(name="term")(term_command.term)
app.command(name="import")(import_command.import_caseload)
app.add_typer(staff_command.app, name="staff")
app.command(name="verify")(verify_command.verify)
app.add_typer(commands.events, name="events")
app.add_typer(commands.parked, name="parked")

console = wide_console()

DATA = Path("out/opstap")
Data = Annotated[Path, typer.Option("--data", help="Folder with the data of the system.")]
Day = Annotated[
    datetime | None,
    typer.Option("--civil-date", formats=["%Y-%m-%d"], help="Make the civil clock movable, from this day on."),
]


@app.command()
def up(
    data: Data = DATA,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8000,
    civil_date: Day = None,
    policies: Annotated[Path | None, typer.Option(help="Folder with the policy packs.")] = None,
) -> None:
    """Run the whole system on this machine until Ctrl-C; the next start on the same folder goes on."""
    from opstap.up import run_until_stopped  # noqa: PLC0415 - the services need a second to load

    with remedies_told():
        uvloop.run(run_until_stopped(data, port, _day(civil_date), policies or policies_folder(), show=_show_urls))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the data, the reports and summary.json.")] = Path("out/demo"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and the same summary.")] = 2021,
) -> None:
    """Let a made-up caseload of four municipalities live through thirty months, and verify that nothing was lost."""
    from opstap.demo.run import demonstrate  # noqa: PLC0415 - the services need a second to load

    with remedies_told():
        verified = uvloop.run(demonstrate(out, console, seed))
    if not verified:
        raise typer.Exit(1)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _show_urls(url: str, names: tuple[str, ...]) -> None:
    for name in names:
        console.print(f"{name:12} {url}/{name}/v1   described at {url}/{name}/v1/openapi.json", soft_wrap=True)
    console.print(f"{'tokens':12} {url}/issuer/token   in development: POST roles and municipalities", soft_wrap=True)
    console.print("Opstap runs. Ctrl-C stops it; nothing is lost.")
