"""Whoever comes, leaves, is away or stands in: each client has the caseworker that the rule promises, or is seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.intake import ClientDeceased
from contracts.routing import CaseworkerAssigned, CaseworkerMissing
from policy import Situation

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from tests.conftest import Routing

    from contracts import Envelope, Event

pytestmark = pytest.mark.requirement("ROU-16")

HERE = "GM1916"
ROLES = ("work_consultant", "income_consultant", "consultant_2b")
PLACES = (("1B", "reintegration"), ("3A", "participation"), ("2B", "participation"))
TEAMS = ("west", "east")
STEPS = 45


@dataclass
class Member:
    roles: list[str]
    hours: int
    team: str | None
    active: bool = True
    manages: list[str] = field(default_factory=list)


@dataclass
class Away:
    who: str
    first: date
    last: date | None
    deputy: str | None

    def on(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


class Town:
    """Random steps, and a ledger that is kept from what routing said alone."""

    def __init__(self, routing: Routing, seed: int) -> None:
        self.routing, self.random = routing, Random(seed)
        self.staff: dict[str, Member] = {}
        self.away: list[Away] = []
        self.role_of: dict[UUID, str] = {}
        self.guide_of: dict[UUID, str | None] = {}
        self.heard = 0

    @property
    def load(self) -> Counter[str]:
        return Counter(guide for guide in self.guide_of.values() if guide)

    def free(self, role: str) -> list[str]:
        """Who may be given a client of a role today."""
        today = self.routing.today
        away = {each.who for each in self.away if each.on(today)}
        return [name for name, each in self.staff.items() if each.active and role in each.roles and name not in away]

    def weight(self, name: str) -> tuple[Fraction, str]:
        return Fraction(self.load[name], self.staff[name].hours), name

    async def step(self) -> None:
        steps = [self.comes, self.comes, self.come, self.goes, self.enters, self.leaves, self.hands_over, self.is_away]
        await self.random.choice([*steps, self.is_back, self.days_pass, self.by_file])()
        await self.keep_up()
        await self.everybody_is_seen()

    async def enters(self) -> None:
        """Somebody new, or somebody with other roles, hours or another team."""
        name = self.random.choice(["a", "b", "c", "d", "e", "f"])
        before, told = self.staff.get(name), Member(
            self.random.sample(ROLES, self.random.choice([1, 1, 2])), self.random.choice([9, 18, 36]),
            self.random.choice([*TEAMS, None]),
        )  # fmt: skip
        self.staff[name] = told
        lost = [each for each in before.roles if each not in told.roles] if before else []
        if any(guide == name and self.role_of[client] in lost for client, guide in self.guide_of.items()):
            await self.loses(name, lost)
        await self.enter(name)

    async def loses(self, name: str, lost: list[str]) -> None:
        """Somebody hands over the clients guided in some roles, to whoever has these, with a note for each."""
        told = self.staff[name]
        assert (await self.routing.post("/staff", self.body_of(name))).status_code == 409
        self.staff[name] = replace(told, roles=[*told.roles, *lost])
        await self.enter(name)
        await self.keep_up()
        self.staff[name] = told
        body = {"municipality": HERE, "note": "Warm overgedragen", "roles": lost}
        await self.routing.done(f"/staff/{name}/transfers", body, headers=self.routing.token("operator"))
        await self.keep_up()

    async def enter(self, name: str) -> None:
        await self.routing.done("/staff", self.body_of(name))

    def body_of(self, name: str) -> dict[str, Any]:
        of = self.staff[name]
        return {
            "id": name, "municipalities": [HERE], "roles": of.roles, "hoursPerWeek": of.hours, "team": of.team,
            "active": of.active, "manages": of.manages,
        }  # fmt: skip

    async def leaves(self) -> None:
        """Somebody without clients."""
        present = [name for name, each in self.staff.items() if each.active and not each.manages]
        if idle := [name for name in present if not self.load[name]]:
            name = self.random.choice(idle)
            self.staff[name].active = False
            await self.enter(name)

    async def hands_over(self) -> None:
        """Somebody leaves with a note for each client."""
        if present := [name for name, each in self.staff.items() if each.active and not each.manages]:
            name = self.random.choice(present)
            self.staff[name].active = False
            body = {"municipality": HERE, "note": "Warm overgedragen"}
            await self.routing.done(f"/staff/{name}/transfers", body, headers=self.routing.token("operator"))

    async def by_file(self) -> None:
        """The whole staff once more by file: nothing changes, but whoever is told otherwise."""
        lines = ["id,municipalities,roles,team,hours,active"]
        for name, of in self.staff.items():
            if not of.manages:  # and who is missing from a file stays
                of.hours = self.random.choice([of.hours, 9, 18, 36])
                cells = (name, HERE, " ".join(of.roles), of.team or "", str(of.hours), "yes" if of.active else "no")
                lines.append(",".join(cells))
        headers = {**self.routing.token("operator"), "Content-Type": "text/csv"}
        content = "\n".join(lines).encode()
        answer = await self.routing.service.http.post("/v1/staff-imports", content=content, headers=headers)
        assert answer.status_code == 201, answer.text

    async def is_away(self) -> None:
        if not self.staff:
            return
        who, first = self.random.choice(list(self.staff)), self.routing.today
        last = self.random.choice([None, first + timedelta(days=self.random.randint(0, 4))])
        deputy = self.random.choice([None, *self.staff])
        answer = await self.routing.post(
            "/absences",
            {
                "municipality": HERE, "staffId": who, "firstDay": str(first), "lastDay": str(last) if last else None,
                "deputyId": deputy,
            },
        )  # fmt: skip
        if answer.status_code == 201 and not any(each.who == who and each.first == first for each in self.away):
            self.away.append(Away(who, first, last, deputy))

    async def is_back(self) -> None:
        """An absence without an end gets one: today."""
        running = [each for each in self.away if each.last is None]
        if running:
            each = self.random.choice(running)
            found = (await self.routing.get("/absences")).json()["items"]
            [id] = [one["id"] for one in found if one["staffId"] == each.who and one["firstDay"] == str(each.first)]
            await self.routing.done(f"/absences/{id}/endings", {"lastDay": str(self.routing.today)})
            each.last = self.routing.today

    async def days_pass(self) -> None:
        await self.nobody_is_on_no_list()
        await self.routing.move_to(self.routing.today + timedelta(days=self.random.randint(1, 3)))

    async def comes(self) -> None:
        await self.arrive(1)

    async def come(self) -> None:
        """Many at once, in one batch."""
        await self.arrive(self.random.randint(2, 8))

    async def arrive(self, number: int) -> None:
        service, records = self.routing.service, []
        pack = service.office.policies.in_force(HERE, self.routing.today)
        for _ in range(number):
            client, (category, track) = new_id(), self.random.choice(PLACES)
            self.role_of[client] = pack.caseworker_role(Situation(category=category, track=track, age_band="28-44"))
            events = (self.routing.registered(), self.routing.categorised(category, track))
            records += [service.record(new_id(), client, event, HERE) for event in events]
        await service.consumer.handle(records)

    async def goes(self) -> None:
        if self.guide_of:
            client = self.random.choice(list(self.guide_of))
            await self.routing.hear(client, ClientDeceased(occurred_on=self.routing.today, by="staff:x"))
            del self.guide_of[client], self.role_of[client]

    async def keep_up(self) -> None:
        """Every assignment since the last step was to who had the least, by hours, of those who were there."""
        said: list[Envelope[Event]] = await self.routing.said()
        for each in said[self.heard :]:
            match each.data:
                case CaseworkerAssigned(caseworker_id=chosen, role=role):
                    assert role == self.role_of[each.subject]
                    free = self.free(role)
                    assert chosen == min(free, key=self.weight), (free, self.load)
                    self.guide_of[each.subject] = chosen
                case CaseworkerMissing(role=role):
                    assert role == self.role_of[each.subject]
                    assert self.free(role) == []
                    self.guide_of[each.subject] = None
        self.heard = len(said)

    async def everybody_is_seen(self) -> None:
        """Nobody is with somebody who left; who is with nobody stands on the list, and only while nobody is free."""
        assert self.guide_of.keys() == self.role_of.keys()
        waiting = {client for client, guide in self.guide_of.items() if guide is None}
        for client, guide in self.guide_of.items():
            assert guide is None or self.staff[guide].active
            assert guide is None or self.role_of[client] in self.staff[guide].roles
        assert {self.role_of[client] for client in waiting if self.free(self.role_of[client])} == set()
        listed = await self.worklist("boss", "team_manager", scope="municipality", kind="without_caseworker")
        assert {each["clientId"] for each in listed} == {str(client) for client in waiting}

    async def work_is_with_who_is_there(self) -> None:
        """What is due for a client shows with the caseworker, and with the deputy of one who is away."""
        async with self.routing.service.office.database.in_background() as session:
            rows = await session.execute(text("SELECT client_id FROM work_items WHERE kind = 'due'"))
            due = {row.client_id for row in rows}
        for name in self.staff:
            seen = {each["clientId"] for each in await self.worklist(name, "caseworker", scope="me", kind="due")}
            absent = [each.who for each in self.away if each.on(self.routing.today) and each.deputy == name]
            mine = {str(client) for client in due if self.guide_of.get(client) in {name, *absent}}
            assert mine <= seen, (name, absent)

    async def nobody_is_on_no_list(self) -> None:
        """Whoever is away, each client with work to do stands on the own list of who is there, or a manager."""
        async with self.routing.service.office.database.in_background() as session:
            due = {str(each) for each in await session.scalars(text("SELECT client_id FROM work_items"))}
        absent = {each.who for each in self.away if each.on(self.routing.today)}
        for name in self.staff.keys() - absent | {"boss"}:
            role = "team_manager" if self.staff[name].manages else "caseworker"
            due -= {each["clientId"] for each in await self.worklist(name, role, scope="me")}
        assert not due

    async def worklist(self, sub: str, role: str, **query: Any) -> list[dict[str, Any]]:
        headers = self.routing.token(role, sub=sub)
        answer = await self.routing.get("/worklist", headers=headers, **query, limit=200)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found


@pytest.mark.parametrize("seed", range(6))
async def test_whoever_comes_leaves_or_is_away(routing: Routing, seed: int) -> None:
    town = Town(routing, seed)
    town.staff["boss"] = Member([], 36, "west", manages=list(TEAMS))
    await town.enter("boss")

    for _ in range(STEPS):
        await town.step()

    await town.work_is_with_who_is_there()
    await town.nobody_is_on_no_list()
    assert town.heard > STEPS / 2


async def test_loads_of_who_is_there_differ_by_one_client_at_most(routing: Routing) -> None:
    town = Town(routing, 1)
    for name, hours in (("a", 9), ("b", 18), ("c", 36), ("d", 36)):
        town.staff[name] = Member(["work_consultant", "income_consultant", "consultant_2b"], hours, None)
        await town.enter(name)

    for _ in range(8):
        await town.come()
        await town.keep_up()
        for one in town.staff:
            others = min(Fraction(town.load[each], town.staff[each].hours) for each in town.staff)
            assert Fraction(town.load[one] - 1, town.staff[one].hours) <= others
