"""Where stories happen: the system's API, the calendar, the towns and the partners' desk."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from opstap.demo.api import Api
from opstap.demo.calendar import Calendar
from opstap.demo.partners import PartnerDesk
from opstap.demo.people import People, Person

STAFF = ("front_end", "caseworker", "team_manager")
DAYS_BETWEEN_SESSIONS = 4


@dataclass
class Town:
    """One municipality as the demonstration knows it."""

    code: str
    name: str
    roles: Sequence[str]
    """The caseworkers' roles that its policy names."""
    partners: Sequence[str]
    token: str = ""
    waiting_for_session: list[str] = field(default_factory=list)
    in_stories: set[str] = field(default_factory=set)
    """Clients whose handovers a story sees to; the town's own routine sees to the others."""


class World:
    """Everything that stories share."""

    def __init__(self, api: Api, calendar: Calendar, desk: PartnerDesk, towns: Sequence[Town], seed: int) -> None:
        self.api = api
        self.calendar = calendar
        self.desk = desk
        self.towns = {town.code: town for town in towns}
        self.people = People(seed)
        self.chance = random.Random(seed)
        self.walked: Counter[str] = Counter()
        """How many clients went all the way along each path."""

    @property
    def today(self) -> date:
        """The civil day."""
        return self.calendar.today

    def days(self, number: int) -> date:
        """The day a number of days from now."""
        return self.today + timedelta(days=number)

    def client(self, code: str, person: Person | None = None) -> "Client":
        """Somebody new in a town."""
        town = self.towns[code]
        return Client(self, town, person or self.people.person(town.name, self.today))

    async def open_town(self, town: Town) -> None:
        """Enter the staff, and let the partners listen."""
        worker = f"worker-{town.code.lower()}"
        town.token = await self.api.token(STAFF, [town.code], sub=worker)
        for role in town.roles:
            for number in (1, 2):
                body = {"id": f"{role}-{town.code.lower()}-{number}", "municipalities": [town.code], "roles": [role]}
                await self.api.call("POST", "routing", "/staff", town.token, body)
        operator = await self.api.token(["operator"], [town.code], sub="operator")
        for partner in town.partners:
            await self._open_desk(town, partner, operator)

    async def _open_desk(self, town: Town, partner: str, operator: str) -> None:
        endpoint = f"{partner}-{town.code.lower()}"
        body = {"municipality": town.code, "url": f"{self.desk.url}/{endpoint}"}
        made = await self.api.call("POST", "partners", f"/partners/{partner}/endpoints", operator, body)
        self.desk.open(endpoint, made["secret"])
        await self.api.call("POST", "partners", f"/endpoints/{made['id']}/approvals", operator, {})

    async def hold_sessions(self, town: Town) -> None:
        """The town's routine: an information session every few days, for whoever waits for one."""
        while True:
            await self.calendar.after(DAYS_BETWEEN_SESSIONS)
            coming, town.waiting_for_session = town.waiting_for_session, []
            if coming:
                body = {"heldOn": self.today.isoformat(), "place": "Servicecentrum", "capacity": len(coming)}
                session = await self.api.call("POST", "intake", "/information-sessions", town.token, body)
                path = f"/information-sessions/{session['id']}/attendances"
                await self.api.call("POST", "intake", path, town.token, {"attended": coming, "absent": []})

    async def hand_over(self, town: Town) -> None:
        """The town's routine for those who are in no story: prepare what is due, accept it some days later."""
        note = {"note": "Dossier besproken met het team dat de klant overneemt."}
        while True:
            await self.calendar.after(12)
            await self._take(town, "due", "preparations", note)
            await self.calendar.after(6)
            await self._take(town, "prepared", "acceptances", {})

    async def _take(self, town: Town, state: str, step: str, body: dict[str, Any]) -> None:
        for handover in await self.handovers(town, state):
            if handover["clientId"] not in town.in_stories:
                await self.api.call("POST", "routing", f"/handovers/{handover['id']}/{step}", town.token, body)

    async def handovers(self, town: Town, state: str) -> list[dict[str, Any]]:
        """The handovers of a town in a state, a page at most."""
        found = await self.api.call("GET", "routing", f"/handovers?state={state}&limit=200", town.token)
        items: list[dict[str, Any]] = found["items"]
        return items


class Client:
    """A client in a story: what is done for them over HTTP, in verbs."""

    def __init__(self, world: World, town: Town, person: Person) -> None:
        self.world, self.town, self.person = world, town, person
        self.id = ""
        self.assessment = ""
        self.application = ""

    async def post(self, service: str, path: str, body: Any = None) -> dict[str, Any]:
        """One step, entered by the town's worker."""
        return await self.world.api.call("POST", service, path, self.town.token, {} if body is None else body)

    async def patch(self, service: str, path: str, body: Any) -> dict[str, Any]:
        """One correction, whatever the version that stands."""
        return await self.world.api.call("PATCH", service, path, self.town.token, body)

    async def get(self, service: str, path: str) -> dict[str, Any]:
        """One look."""
        return await self.world.api.call("GET", service, path, self.town.token)

    async def days(self, number: int) -> None:
        """Let days pass."""
        await self.world.calendar.after(number)

    async def until(self, day: date) -> None:
        """Wait for a day."""
        await self.world.calendar.until(day)

    def walked(self, path: str) -> None:
        """Went all the way along a path."""
        self.world.walked[path] += 1

    async def registers(self, **traits: Any) -> None:
        """Becomes known."""
        person = self.person
        body = {
            "bsn": person.bsn,
            "name": {"given": person.given, "family": person.family},
            "birthDate": person.birth_date.isoformat(),
            "address": {
                "street": person.street,
                "houseNumber": person.house_number,
                "postcode": person.postcode,
                "city": person.city,
            },
            "language": "nl",
            **traits,
        }
        self.id = (await self.post("intake", "/clients", body))["id"]
        self.town.in_stories.add(self.id)

    async def notifies(self) -> str:
        """Comes to the gate."""
        notification: str = (await self.post("intake", f"/clients/{self.id}/notifications"))["id"]
        return notification

    async def applies(self) -> None:
        """Applies for social assistance, and waits for the information session, which is soon."""
        self.application = (await self.post("intake", f"/clients/{self.id}/applications"))["id"]
        self.town.waiting_for_session.append(self.id)
        while self.id in self.town.waiting_for_session:
            await self.days(1)

    async def is_assessed(self, **facts: Any) -> dict[str, Any]:
        """Answers the questionnaire; returns what policy proposes."""
        body = {"questionnaire": "diagnose", "facts": facts}
        proposal = await self.post("diagnosis", f"/clients/{self.id}/assessments", body)
        self.assessment = proposal["assessmentId"]
        return proposal

    async def is_categorised(self, **facts: Any) -> dict[str, Any]:
        """Is assessed, and a professional confirms."""
        proposal = await self.is_assessed(**facts)
        return await self.post("diagnosis", f"/proposals/{proposal['id']}/confirmations")

    async def has_intake(self, outcome: str = "granted") -> None:
        """Has the intake a few days after the diagnosis, and is granted or refused benefit."""
        await self.days(4)
        await self.post("intake", f"/clients/{self.id}/intakes", {"signals": []})
        await self.days(2)
        body = {"outcome": outcome} | ({"reason": "Te veel vermogen."} if outcome == "refused" else {})
        await self.post("intake", f"/applications/{self.application}/decisions", body)

    async def enters(self, outcome: str = "granted", **facts: Any) -> dict[str, Any]:
        """The way in: registered, at the gate, informed, diagnosed, at the intake, decided."""
        await self.registers()
        await self.notifies()
        await self.days(1)
        await self.applies()
        await self.days(1)
        decided = await self.is_categorised(**facts)
        await self.has_intake(outcome)
        await self.days(1)
        return decided

    async def starts(self, route: str) -> str:
        """Starts a route."""
        started: str = (await self.post("routing", f"/clients/{self.id}/routes", {"route": route}))["id"]
        return started

    async def ends(self, route: str) -> None:
        """Completes a route, by the id of its start."""
        await self.post("routing", f"/routes/{route}/ends")

    async def uses(self, instrument: str, goal: str, cost: int) -> None:
        """Uses an instrument of the basket for two months."""
        body = {"instrument": instrument, "goal": goal, "cost": cost}
        use = (await self.post("routing", f"/clients/{self.id}/instruments", body))["id"]
        await self.days(60)
        await self.post("routing", f"/instruments/{use}/ends")

    async def exits(self, reason: str) -> dict[str, Any]:
        """Leaves; what follows stands in the answer."""
        return await self.post("routing", f"/clients/{self.id}/exits", {"reason": reason})

    async def talks(self, option: int | None = None, kind: str = "face_to_face") -> None:
        """Has a conversation that ends in one of the options of the policy."""
        body = {"kind": kind, "option": option, "faceToFace": True}
        await self.post("routing", f"/clients/{self.id}/conversations", body)

    async def journey(self) -> dict[str, Any]:
        """Where routing says the client stands."""
        return await self.get("routing", f"/clients/{self.id}/journey")

    async def handover(self, state: str) -> dict[str, Any]:
        """Waits, day by day, until there is a handover in this state."""
        while True:
            found = [each for each in (await self.journey())["handovers"] if each["state"] == state]
            if found:
                handover: dict[str, Any] = found[-1]
                return handover
            await self.days(1)

    async def is_handed_over(self) -> None:
        """The handover that is due is prepared, and accepted within its term."""
        due = await self.handover("due")
        await self.prepared(due["id"])
        await self.days(4)
        await self.accepted(due["id"])
        await self.days(1)

    async def prepared(self, handover: str) -> None:
        """The file is ready."""
        note = {"note": "Afspraken en belemmeringen besproken; de klant weet ervan."}
        await self.post("routing", f"/handovers/{handover}/preparations", note)

    async def accepted(self, handover: str) -> None:
        """The receiving team takes over."""
        await self.post("routing", f"/handovers/{handover}/acceptances")

    async def referral(self, purpose: str | None = None) -> dict[str, Any]:
        """Waits, day by day, until a partner was asked; returns the latest referral."""
        while True:
            found = [each for each in (await self.journey())["referrals"] if purpose in (None, each["purpose"])]
            if found:
                latest: dict[str, Any] = found[-1]
                return latest
            await self.days(1)

    async def answers(self, referral: dict[str, Any], *steps: tuple[str, dict[str, Any]]) -> None:
        """The partner answers, step by step and some days apart, once its desk was told."""
        partner = referral["partner"]
        token = await self.world.api.token(["partner"], [self.town.code], partner=partner)
        while referral["id"] not in self.world.desk.told_of:
            await self.days(1)
        for step, body in steps:
            await self.days(2)
            await self.world.api.call("POST", "partners", f"/referrals/{referral['id']}/{step}", token, body)
