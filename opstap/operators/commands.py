"""The commands of operators: `opstap events`, `opstap parked`."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from rich.table import Table

from contracts import PRODUCERS
from opstap.policy_commands import policies_folder
from opstap.told import remedies_told, wide_console

T = TypeVar("T")

DATA = Path("out/opstap")
Data = Annotated[Path, typer.Option("--data", help="Folder with the data of the system.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Client = Annotated[UUID | None, typer.Option("--client", help="Only about this client (or group, endpoint, report).")]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only events of this name, such as ClientCategorised; may be repeated."),
]
Service = Annotated[str, typer.Argument(help=f"One of {', '.join(PRODUCERS)}.")]

events = typer.Typer(help="Look events up, or hand them to a service again.", no_args_is_help=True)
parked = typer.Typer(
    help="Events that a service could not handle, and those that wait behind them.", no_args_is_help=True
)
console = wide_console()


@events.command("list")
def list_events(
    data: Data = DATA,
    producer: Annotated[str | None, typer.Option(help="Only what this service said.")] = None,
    client: Client = None,
    type: Types = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Recorded on this day or later.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the newest events, in the order in which they were recorded."""
    with remedies_told():
        from opstap.operators import events as looked_up  # noqa: PLC0415 - the services need a second to load

        types = [looked_up.type_named(name) for name in type] if type else None
        selection = looked_up.Selection(client, types, looked_up.as_moment(since))
        producers = [looked_up.service_named(producer)] if producer else PRODUCERS
        found = _at_the_desk(data, lambda desk: looked_up.newest(desk, producers, selection, limit))
    if as_json:
        _print_json([each.as_json() for each in found])
        return
    table = _table("recorded (UTC)", "day", "event", "of", "about", "in", "by", "id")
    for each in found:
        row, told = each.row, each.data
        recorded, name = f"{row.recorded_at:%Y-%m-%d %H:%M:%S}", row.type.removeprefix("nl.klantreizen.")
        by = str(told.get("by", ""))
        table.add_row(
            recorded, told.get("occurredOn"), name, each.producer, str(row.subject), row.municipality, by,
            str(row.event_id),
        )  # fmt: skip
    console.print(table)


@events.command("replay")
def replay_events(
    to: Annotated[str, typer.Option("--to", help=f"The service: one of {', '.join(PRODUCERS)}.")],
    data: Data = DATA,
    client: Client = None,
    type: Types = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Recorded from this day on.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to-date", formats=["%Y-%m-%d"], help="Recorded before this day.")
    ] = None,
    policies: Annotated[Path | None, typer.Option(help="Folder with the policy packs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hand events to a service again; what it handled before it drops."""
    with remedies_told():
        from opstap.operators import events as again  # noqa: PLC0415 - the services need a second to load

        types = [again.type_named(name) for name in type] if type else None
        selection = again.Selection(client, types, again.as_moment(since), again.as_moment(until))
        service = again.service_named(to)
        replayed = _at_the_desk(data, lambda desk: again.replay(desk, service, selection), policies)
    if as_json:
        _print_json([vars(each) for each in replayed])
    else:
        table = _table("of", "handed over", "handled now", "still not handled")
        for each in replayed:
            table.add_row(each.producer, str(each.handed_over), str(each.handled), str(each.left))
        console.print(table)
    if any(each.left for each in replayed):
        typer.echo(f"what is not handled is parked: `opstap parked list {to}` tells why", err=True)
        raise typer.Exit(1)


@parked.command("list")
def list_parked(
    service: Annotated[str | None, typer.Argument(help=f"One of {', '.join(PRODUCERS)}; without it all.")] = None,
    data: Data = DATA,
    client: Client = None,
    as_json: AsJson = False,
) -> None:
    """Show what is parked, in the order in which it came."""
    with remedies_told():
        from opstap.operators import parking  # noqa: PLC0415 - the services need a second to load
        from opstap.operators.events import service_named  # noqa: PLC0415

        services = [service_named(service)] if service else PRODUCERS
        found = _at_the_desk(data, lambda desk: parking.find(desk, services, client))
    if as_json:
        _print_json([each.as_json() for each in found])
        return
    table = _table("id", "service", "state", "event", "of", "client", "tries", "why")
    for each in found:
        record = each.record
        name = (record.type or "unknown").removeprefix("nl.klantreizen.")
        why = record.discarded_because if record.state == "discarded" else record.error
        table.add_row(
            str(record.id), each.service, record.state, name, record.producer, record.key, str(record.attempts), why
        )
    console.print(table)


@parked.command("retry")
def retry_parked(
    service: Service,
    data: Data = DATA,
    client: Client = None,
    producer: Annotated[str | None, typer.Option(help="Only what this service said.")] = None,
    policies: Annotated[Path | None, typer.Option(help="Folder with the policy packs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Handle what is parked once more, each client's in order; one who fails again holds up no other."""
    with remedies_told():
        from opstap.operators import parking  # noqa: PLC0415 - the services need a second to load
        from opstap.operators.events import service_named  # noqa: PLC0415

        named = service_named(service)
        retried = _at_the_desk(data, lambda desk: parking.retry(desk, named, client, producer), policies)
    if as_json:
        _print_json([vars(each) for each in retried])
    else:
        table = _table("of", "client", "handled now", "stopped by")
        for each in retried:
            table.add_row(each.producer, each.key, str(each.handled), each.error)
        console.print(table)
    if any(each.error for each in retried):
        raise typer.Exit(1)


@parked.command("discard")
def discard_parked(
    service: Service,
    id: Annotated[int, typer.Argument(help="As `opstap parked list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why it is given up; kept with the record.")],
    by: Annotated[str, typer.Option(help="Who gives it up.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Give one record up, on the record; its client's later ones go on with `opstap parked retry`."""
    with remedies_told():
        from opstap.operators import parking  # noqa: PLC0415 - the services need a second to load
        from opstap.operators.events import service_named  # noqa: PLC0415

        named, who = service_named(service), by or getpass.getuser()
        given_up = _at_the_desk(data, lambda desk: parking.discard(desk, named, id, by=who, because=reason))
    if as_json:
        _print_json(given_up.as_json())
    else:
        record = given_up.record
        console.print(f"{record.id} of {record.key} is given up. The client's later ones wait for:")
        console.print(f"opstap parked retry {service} --producer {record.producer} --client {record.key}")


def _at_the_desk(data: Path, work: Callable[[Any], Awaitable[T]], policies: Path | None = None) -> T:
    """Do something at an operator's desk on the data folder."""
    from opstap.operators.folder import desk_on  # noqa: PLC0415 - the services need a second to load

    async def at_work() -> T:
        async with desk_on(data, policies or policies_folder()) as desk:
            return await work(desk)

    working: Coroutine[Any, Any, T] = at_work()
    return asyncio.run(working)


def _print_json(told: object) -> None:
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False, default=str))


def _table(*columns: str) -> Table:
    """Ids are shown whole, over more lines where the screen is narrow."""
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
