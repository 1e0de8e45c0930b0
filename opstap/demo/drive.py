"""Lets the demonstration happen: the towns open, the caseload comes in, and the stories are told day by day."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date

from chassis.clock import morning_of
from opstap.demo.api import Api
from opstap.demo.calendar import Calendar
from opstap.demo.caseload import Group, caseload_file
from opstap.demo.cast import BASELINE, CAST, ENDED_BEFORE, Part, beginnings, towns
from opstap.demo.partners import PartnerDesk
from opstap.demo.stories import Story
from opstap.demo.world import STAFF, Client, Town, World

DAYS_TO_SETTLE = 4
"""Days at the end on which no story begins a step, so that the last webhooks arrive."""

Move = Callable[[date], Awaitable[None]]
"""Moves the civil clock of the whole system to a day, and answers when everything has settled."""


async def drive(
    api: Api,
    desk: PartnerDesk,
    first: date,
    last: date,
    move: Move,
    *,
    seed: int,
    cast: Sequence[Part] = CAST,
    baseline: Mapping[str, Sequence[Group]] = BASELINE,
    on_day: Callable[[date], None] = lambda _: None,
) -> World:
    """Live through the days from first to last; what was walked stands in the world that is returned."""
    calendar = Calendar(first, last)
    world = World(api, calendar, desk, towns(), seed)
    for town in world.towns.values():
        await world.open_town(town)
        await bring_in(world, town, baseline.get(town.code, ()))
        calendar.begin(world.hold_sessions(town))
        calendar.begin(world.hand_over(town))
    for day, part in beginnings(cast):
        calendar.begin(_tell(world, day, part.town, part.story))

    async def next_day(day: date) -> None:
        await move(day)
        on_day(day)

    await calendar.run(next_day)
    return world


async def bring_in(world: World, town: Town, groups: Sequence[Group]) -> None:
    """Import the caseload that a town has on the first day."""
    if not groups:
        return
    ended = ENDED_BEFORE[town.code]
    body = caseload_file(town.code, town.name, groups, ended, world.people, world.chance, world.today)
    importer = await world.api.token(STAFF, [town.code], sub="importer")
    report = await world.api.call("POST", "intake", "/caseload-imports", importer, body)
    expected = sum(group.number for group in groups) + ended
    if report["registered"] != expected:
        raise RuntimeError(f"{town.name}: {report['registered']} of {expected} came in: {report['refused'][:3]}")


async def over_http(api: Api, services: Sequence[str]) -> Move:
    """Moves the civil clock by a call to each service named; on one machine a single call moves them all."""
    operator = await api.token(["operator"], ["GM0626"], sub="operator")

    async def move(day: date) -> None:
        for service in services:
            await api.call("PUT", service, "/civil-clock", operator, {"moment": morning_of(day).isoformat()})

    return move


async def _tell(world: World, day: int, town: str, story: Story) -> None:
    await world.calendar.after(day)
    client: Client = world.client(town)
    await story(client)
