"""Paths that clients walk side by side: one system, whose civil clock passes each day once for all of them.

A test of a path is a story about one client, told once in every place whose policy has the path:

    @pytest.mark.requirement("INT-3")
    @path(*SHARED, VOORSCHOTEN)
    async def test_who_applies_is_told_of_rights_and_duties_within_a_week(client: Traveller) -> None:
        await client.applies()
        await client.days(7)
        ...

The tests that are asked for are told together, when the first of them runs; each then says what came of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeVar, cast

import pytest
from sqlalchemy import text

from contracts import Event
from opstap.databases import DatabaseUrls
from opstap.demo.api import Api
from opstap.demo.calendar import Calendar
from opstap.demo.drive import over_http
from opstap.demo.partners import PartnerDesk
from opstap.demo.people import Person
from opstap.demo.world import Client, Town, World
from opstap.system import System
from policy import Library

E = TypeVar("E", bound=Event)

FIRST, LAST = date(2023, 10, 2), date(2026, 3, 31)
"""The days that can be lived through; the last is the one on which nobody waits any more."""


@dataclass(frozen=True)
class Place:
    """A municipality in a time in which one policy of it holds; its clients set out on the first day."""

    code: str
    sets_out: date = FIRST

    def __str__(self) -> str:
        return f"{self.code}-{self.sets_out.year}"


LEIDSCHENDAM = Place("GM1916")
WASSENAAR = Place("GM0629")
VOORSCHOTEN_2019 = Place("GM0626")
VOORSCHOTEN = Place("GM0626", date(2024, 1, 8))
UITHOORN = Place("GM0451")
PIJNACKER = Place("GM1926")

SHARED = (LEIDSCHENDAM, WASSENAAR, VOORSCHOTEN_2019)
"""The three that share one policy, the last until 2024."""
EVERYWHERE = (*SHARED, VOORSCHOTEN, UITHOORN, PIJNACKER)


class Traveller(Client):
    """A client whose path a test tells: the verbs of the demonstration, and what a test looks at."""

    def __init__(self, world: World, place: Place, system: System) -> None:
        town = world.towns[place.code]
        super().__init__(world, town, world.people.person(town.name, place.sets_out))
        self.place, self._system = place, system

    @property
    def today(self) -> date:
        """The civil day."""
        return self.world.today

    def is_aged(self, age: int) -> None:
        """Is of this age today, and for half a year more; to be said before anything else."""
        born = self.today - timedelta(days=age * 365.25 + 180)
        self.person = Person(**{**vars(self.person), "birth_date": born})

    def somebody_else(self) -> "Traveller":
        """Another client of the same place, who sets out today."""
        return Traveller(self.world, self.place, self._system)

    async def settles(self) -> None:
        """Lets everything that was done today come through."""
        await self.world.calendar.later_today()

    async def registers(self, **traits: Any) -> None:
        """Becomes known, to all services."""
        await super().registers(**traits)
        await self.settles()

    async def applies(self, **form: Any) -> None:
        """Applies for social assistance."""
        self.application = (await self.post("intake", f"/clients/{self.id}/applications", form))["id"]

    async def is_informed(self) -> None:
        """Is at an information session today."""
        await self._invited_today(attended=[self.id])

    async def stays_away(self) -> None:
        """Is invited to an information session today, and does not come."""
        await self._invited_today(absent=[self.id])

    async def is_decided(self, outcome: str = "granted", **decision: Any) -> dict[str, Any]:
        """Is granted or refused benefit."""
        body = {"outcome": outcome, **decision}
        return await self.post("intake", f"/applications/{self.application}/decisions", body)

    async def has_intake(self, outcome: str = "granted", **told: Any) -> None:
        """Has the intake, some days after the diagnosis, and is granted or refused benefit on that day."""
        await self.days(4)
        await self.post("intake", f"/clients/{self.id}/intakes", {"signals": [], **told})
        await self.is_decided(outcome)

    async def enters(self, outcome: str = "granted", *, traits: Mapping[str, Any] | None = None, **facts: Any) -> Any:
        """The way in: registered with traits, at the gate, informed, diagnosed, at the intake, decided."""
        await self.registers(**(traits or {}))
        await self.notifies()
        await self.applies()
        await self.is_informed()
        await self.settles()
        decided = await self.is_categorised(**facts)
        await self.settles()
        await self.has_intake(outcome)
        await self.settles()
        return decided

    async def tries(self, service: str, path: str, body: Any = None, method: str = "POST") -> dict[str, Any]:
        """A step that must be refused; the problem that tells why."""
        sent = {} if body is None and method == "POST" else body
        answer = await self.world.api.call(
            method, service, path, self.town.token, sent, may_be=(400, 403, 404, 409, 422)
        )
        assert answer["status_code"] >= 400, f"{method} {path} was not refused: {answer}"
        return answer

    async def number_said(self) -> int:
        """How much was published about the client so far, by all services."""
        number, query = 0, text("SELECT count(*) FROM outbox WHERE subject = :subject")
        for service in self._system.services.values():
            async with service.database.in_background() as session:
                number += await session.scalar(query, {"subject": self.id}) or 0
        return number

    async def heard(self, event: type[E]) -> list[E]:
        """What was published of this kind about the client so far, in order."""
        query = text("SELECT data FROM outbox WHERE subject = :subject AND type = :type ORDER BY position")
        async with self._system.services[event.producer].database.in_background() as session:
            found = await session.scalars(query, {"subject": self.id, "type": event.type()})
            return [event.model_validate_json(data) for data in found]

    async def deadline(self, kind: str, *, state: str = "open") -> dict[str, Any]:
        """The one deadline of this kind that routing shows in a state."""
        found = [each for each in (await self.journey())["deadlines"] if (each["kind"], each["state"]) == (kind, state)]
        assert len(found) == 1, found
        return cast("dict[str, Any]", found[0])

    async def stands(self) -> list[str]:
        """What stands about the client on the work list of the municipality, the most urgent first."""
        items = (await self.get("routing", f"/worklist?scope=municipality&clientId={self.id}"))["items"]
        return [each["reason"] for each in items]

    async def open_routes(self) -> list[str]:
        """The ids of the routes that policy opens to the client now."""
        return [each["id"] for each in (await self.journey())["openRoutes"]]

    async def answers(self, referral: Mapping[str, Any], *steps: tuple[str, dict[str, Any]]) -> None:
        """The partner answers, step by step, on one day."""
        token = await self.world.api.token(["partner"], [self.town.code], partner=referral["partner"])
        for step, body in steps:
            await self.world.api.call("POST", "partners", f"/referrals/{referral['id']}/{step}", token, body)
        await self.settles()

    async def _invited_today(self, **came: Any) -> None:
        body = {"heldOn": self.today.isoformat(), "place": "Servicecentrum", "capacity": 1}
        session = await self.post("intake", "/information-sessions", body)
        await self.post("intake", f"/information-sessions/{session['id']}/attendances", came)


Story = Callable[[Traveller], Awaitable[None]]
Told = Callable[["Lived", Place], Awaitable[None]]


def path(*places: Place) -> Callable[[Story], Told]:
    """Make a story a test in each of these places."""

    def told(story: Story) -> Told:
        async def test(lived: Lived, place: Place) -> None:
            lived.outcome(story, place)

        test.__name__, test.__qualname__ = story.__name__, story.__qualname__
        test.__doc__, test.__module__ = story.__doc__, story.__module__
        test.story = story  # type: ignore[attr-defined]
        return pytest.mark.parametrize("place", places, ids=str)(test)

    return told


@dataclass
class Lived:
    """What came of the stories, and the system as it stands after them."""

    system: System
    world: World
    outcomes: dict[tuple[Story, Place], BaseException | None] = field(default_factory=dict)

    def outcome(self, story: Story, place: Place) -> None:
        """Raise what went wrong in a story; nothing when it was told to its end."""
        assert (story, place) in self.outcomes, f"the story had not ended on {self.world.today}"
        trouble = self.outcomes[story, place]
        if trouble is not None:
            raise trouble

    @property
    def urls(self) -> Mapping[str, DatabaseUrls]:
        """The databases of the services."""
        return {name: service.urls for name, service in self.system.services.items()}


async def live(system: System, asked: Sequence[tuple[Story, Place]], policies: Library) -> Lived:
    """Tell these stories, all in one run of the days."""
    api, calendar = Api(system.url), Calendar(FIRST, LAST)
    world = World(api, calendar, PartnerDesk(), towns(policies), seed=4)
    lived = Lived(system, world)
    try:
        await asyncio.gather(*(world.open_town(town) for town in world.towns.values()))
        for story, place in asked:
            calendar.begin(_tell(lived, story, place))
        await calendar.run(await over_http(api, ["intake"]))
        await system.settle()
    finally:
        await api.close()
    return lived


def towns(policies: Library) -> list[Town]:
    """Every municipality that has a policy, with all roles that it names in any period; no partner listens."""
    return [
        Town(code, packs[0].name, sorted({role for pack in packs for role in pack.roles}), ())
        for code, packs in policies.packs.items()
    ]


async def _tell(lived: Lived, story: Story, place: Place) -> None:
    """Tell a story from the day on which its place lets clients set out; what goes wrong in it stops no other."""
    await lived.world.calendar.until(place.sets_out)
    trouble: BaseException | None = None
    try:
        await story(Traveller(lived.world, place, lived.system))
    except Exception as error:  # noqa: BLE001 - the test of the story raises it
        trouble = error
    lived.outcomes[story, place] = trouble
