"""What can be entered of a client, how it is corrected and taken back, and what tells that it cannot be now."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from opstap.demo.people import Person
from opstap.demo.world import Client, Town, World

REFUSALS = (400, 403, 404, 409, 412, 422)
REASON = {"reason": "Er was een ander bedoeld."}


class NotNow(Exception):
    """This cannot be entered now; the message says why."""


class Twin(Client):
    """A client of whom things are entered; by the number of the entry, the id of what it made."""

    def __init__(self, world: World, town: Town, person: Person) -> None:
        super().__init__(world, town, person)
        self.made: dict[int, str] = {}
        self.agreed: dict[int, str] = {}
        """Agreements, by the entry in which they were made."""
        self.proposals: dict[int, str] = {}
        self.others: list[str] = []
        """Whoever was registered by mistake: the same person once more, or somebody else."""

    async def records(self, service: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Enter something; NotNow when it is refused."""
        return await self._asked("POST", service, path, self.town.token, {} if body is None else body)

    async def says(self, partner: str, referral: str, step: str, body: Mapping[str, Any]) -> None:
        """A partner answers."""
        token = await self.world.api.token(["partner"], [self.town.code], partner=partner)
        await self._asked("POST", "partners", f"/referrals/{referral}/{step}", token, body)

    async def signals(self, partner: str, body: Mapping[str, Any]) -> None:
        """A partner sees something."""
        token = await self.world.api.token(["partner"], [self.town.code], partner=partner)
        await self._asked("POST", "partners", "/signals", token, body)

    async def referrals(self) -> list[dict[str, Any]]:
        """The open referrals, as partners has them."""
        found = await self.get("partners", f"/referrals?clientId={self.id}&open=true")
        return sorted(found["items"], key=lambda each: (each["partner"] or "", each["purpose"]))

    async def _asked(self, method: str, service: str, path: str, token: str, body: Any) -> dict[str, Any]:
        answer = await self.world.api.call(method, service, path, token, body, may_be=REFUSALS)
        if answer["status_code"] >= 400:
            said = answer.get("detail"), answer.get("errors")
            raise NotNow(f"{method} {service}{path} {body}: {answer['status_code']} {answer.get('title')} {said}")
        return answer


@dataclass(frozen=True)
class Told:
    """An entry in hand: what is told, what it concerns, and the day on which it happened."""

    number: int
    told: Any
    concerns: Any
    on: date

    @property
    def day(self) -> str:
        return self.on.isoformat()


class Verb(ABC):
    """A way of entering something."""

    async def concerns(self, truth: Twin, told: Any) -> Any:  # noqa: ARG002 - others look at both
        """What it concerns, as it truly stands; NotNow when there is nothing."""
        return None

    @abstractmethod
    async def enter(self, twin: Twin, entry: Told) -> None:
        """Enter it, with its day."""


class Corrigible(Verb):
    """Something that can be entered wrongly, and corrected."""

    def mistaken(self, told: Any, wrongly: Any) -> Any:  # noqa: ARG002 - others look at both
        """What is told by mistake instead of what is true."""
        return wrongly

    @abstractmethod
    async def correct(self, twin: Twin, entry: Told) -> None:
        """Say what it should have been."""


class Revocable(Verb):
    """Something that can be entered though it never happened, and taken back."""

    @abstractmethod
    async def take_back(self, twin: Twin, entry: Told) -> None:
        """Say that it never happened."""


def _known(made: Mapping[int, str], number: int) -> str:
    if number not in made:
        raise NotNow(f"entry {number} is not there yet")
    return made[number]


def _one_of(found: list[Any], which: int, what: str) -> Any:
    if not found:
        raise NotNow(f"there is no {what}")
    return found[which % len(found)]


def _numbers(made: Mapping[int, str], ids: list[str]) -> list[int]:
    return sorted(number for number, id in made.items() if id in ids)


class Notify(Verb):
    async def enter(self, twin: Twin, entry: Told) -> None:
        await twin.records("intake", f"/clients/{twin.id}/notifications", {"on": entry.day})


class Apply(Verb):
    async def enter(self, twin: Twin, entry: Told) -> None:
        twin.application = (await twin.records("intake", f"/clients/{twin.id}/applications", {"filedOn": entry.day}))[
            "id"
        ]


class Attend(Corrigible):
    """Is or is not at an information session."""

    async def enter(self, twin: Twin, entry: Told) -> None:
        body = {"heldOn": entry.day, "place": "Havenkantoor", "capacity": 1}
        twin.made[entry.number] = (await twin.records("intake", "/information-sessions", body))["id"]
        await self.correct(twin, entry)

    async def correct(self, twin: Twin, entry: Told) -> None:
        came = {"attended" if entry.told else "absent": [twin.id]}
        await twin.records("intake", f"/information-sessions/{twin.made[entry.number]}/attendances", came)


class Intake(Verb):
    async def enter(self, twin: Twin, entry: Told) -> None:
        body = {"signals": [], "languageProof": entry.told, "heldOn": entry.day}
        await twin.records("intake", f"/clients/{twin.id}/intakes", body)


class Grant(Verb):
    async def enter(self, twin: Twin, entry: Told) -> None:
        if not twin.application:
            raise NotNow("nothing was applied for")
        body = {"outcome": entry.told, "on": entry.day}
        await twin.records("intake", f"/applications/{twin.application}/decisions", body)


class TestLanguage(Verb):
    __test__ = False

    async def enter(self, twin: Twin, entry: Told) -> None:
        body = {"passed": entry.told, "takenOn": entry.day}
        await twin.records("intake", f"/clients/{twin.id}/language-tests", body)


def _facts(name: str, on: date) -> dict[str, Any]:
    until = (on + timedelta(days=9)).isoformat()
    known: dict[str, dict[str, Any]] = {
        "near": {"distance_months": 6},
        "under_way": {"distance_months": 18},
        "far": {"distance_months": 30},
        "farther": {"distance_months": 60},
        "indicated": {"distance_months": 30, "indications": ["sheltered_work_new"]},
        "exempted": {"distance_months": 6, "exemption": {"reason": "zorg", "until": until}},
        "exempted_for_good": {"distance_months": 60, "exemption": {"reason": "ziekte"}},
        "in_doubt": {"distance_months": 30, "in_doubt": True},
    }
    return known[name]


class Assess(Corrigible):
    async def enter(self, twin: Twin, entry: Told) -> None:
        facts = _facts(entry.told["facts"], entry.on)
        body = {"questionnaire": "diagnose", "facts": facts, "occurredOn": entry.day}
        self._keep(twin, entry, await twin.records("diagnosis", f"/clients/{twin.id}/assessments", body))

    async def correct(self, twin: Twin, entry: Told) -> None:
        body = {"facts": _facts(entry.told["facts"], entry.on), "occurredOn": entry.day, **REASON}
        path = f"/assessments/{twin.made[entry.number]}/corrections"
        self._keep(twin, entry, await twin.records("diagnosis", path, body))

    def _keep(self, twin: Twin, entry: Told, proposal: Mapping[str, Any]) -> None:
        twin.made[entry.number], twin.proposals[entry.number] = proposal["assessmentId"], proposal["id"]


class Decide(Verb):
    """A professional confirms what is proposed, or decides otherwise."""

    async def concerns(self, truth: Twin, told: Any) -> Any:  # noqa: ARG002 - as of others
        found = await truth.get("diagnosis", f"/proposals?clientId={truth.id}&state=open")
        open_now = [each["assessmentId"] for each in found["items"] if each["status"] == "decided"]
        return _one_of(_numbers(truth.made, open_now), 0, "open proposal")

    async def enter(self, twin: Twin, entry: Told) -> None:
        proposal = await twin.get("diagnosis", f"/proposals/{_known(twin.proposals, entry.concerns)}")
        path, body = f"/proposals/{proposal['id']}", {"on": entry.day}
        if entry.told in (None, proposal["category"]):
            await twin.records("diagnosis", f"{path}/confirmations", body)
        else:
            await twin.records("diagnosis", f"{path}/overrides", {"category": entry.told, **REASON, **body})


class EndExemption(Verb):
    async def concerns(self, truth: Twin, told: Any) -> Any:  # noqa: ARG002 - as of others
        return _one_of(await self._running(truth), 0, "running exemption")["until"]

    async def enter(self, twin: Twin, entry: Told) -> None:
        found = [each for each in await self._running(twin) if each["until"] == entry.concerns]
        running = _one_of(found, 0, "such exemption")
        await twin.records("diagnosis", f"/exemptions/{running['id']}/ends", {"on": entry.day})

    async def _running(self, twin: Twin) -> list[dict[str, Any]]:
        found = await twin.get("diagnosis", f"/clients/{twin.id}/exemptions")
        return [each for each in found["items"] if each["endedOn"] is None]


async def _open(truth: Twin, what: str, which: int, ends: str = "endedOn") -> int:
    """The number of the entry that made one of the things of a kind that have not ended."""
    ids = [each["id"] for each in (await truth.journey())[what] if each[ends] is None]
    found: int = _one_of(_numbers(truth.made, ids), which, f"open one among {what}")
    return found


class StartRoute(Verb):
    async def concerns(self, truth: Twin, told: Any) -> Any:
        journey = await truth.journey()
        under_way = {each["route"] for each in journey["routes"] if each["endedOn"] is None}
        return _one_of([each["id"] for each in journey["openRoutes"] if each["id"] not in under_way], told, "route")

    async def enter(self, twin: Twin, entry: Told) -> None:
        body = {"route": entry.concerns, "startedOn": entry.day}
        twin.made[entry.number] = (await twin.records("routing", f"/clients/{twin.id}/routes", body))["id"]


class EndRoute(Verb):
    async def concerns(self, truth: Twin, told: Any) -> Any:
        return await _open(truth, "routes", told)

    async def enter(self, twin: Twin, entry: Told) -> None:
        await twin.records("routing", f"/routes/{_known(twin.made, entry.concerns)}/ends", {"on": entry.day})


class Suspend(Verb):
    """Stands still, so many days long when the end is known already."""

    async def enter(self, twin: Twin, entry: Told) -> None:
        body = {"reason": "illness", "start": entry.day}
        if entry.told is not None:
            body = {**body, "start": (entry.on - timedelta(days=entry.told)).isoformat(), "end": entry.day}
        twin.made[entry.number] = (await twin.records("routing", f"/clients/{twin.id}/suspensions", body))["id"]


class EndSuspension(Verb):
    async def concerns(self, truth: Twin, told: Any) -> Any:
        return await _open(truth, "suspensions", told, "end")

    async def enter(self, twin: Twin, entry: Told) -> None:
        await twin.records("routing", f"/suspensions/{_known(twin.made, entry.concerns)}/ends", {"on": entry.day})


class Use(Verb):
    async def enter(self, twin: Twin, entry: Told) -> None:
        body = {"instrument": entry.told, "goal": "work", "cost": 120, "startedOn": entry.day}
        twin.made[entry.number] = (await twin.records("routing", f"/clients/{twin.id}/instruments", body))["id"]


class EndUse(Verb):
    async def concerns(self, truth: Twin, told: Any) -> Any:
        return await _open(truth, "instruments", told)

    async def enter(self, twin: Twin, entry: Told) -> None:
        await twin.records("routing", f"/instruments/{_known(twin.made, entry.concerns)}/ends", {"on": entry.day})


AREAS = {"work": "Besproken.", "health": "Besproken."}


class Speak(Corrigible, Revocable):
    """A conversation; one of kind `fip` answers what is open: it was kept."""

    async def concerns(self, truth: Twin, told: Any) -> Any:
        if told["kind"] != "fip":
            return ()
        open_now = [each["id"] for each in (await truth.journey())["agreements"] if each["state"] == "open"]
        return tuple(_numbers(truth.agreed, open_now))

    def mistaken(self, told: Any, wrongly: Any) -> Any:
        """The option, the form and the kind are wrong; what is agreed is corrected by itself, so it is the same."""
        kind = "fip" if told["kind"] == "fip" else wrongly["kind"] if wrongly["kind"] != "fip" else "review"
        return {**wrongly, "kind": kind, "agreements": told["agreements"]}

    async def enter(self, twin: Twin, entry: Told) -> None:
        answers: list[dict[str, Any]] = []
        if entry.told["kind"] == "fip":
            journey = await twin.journey()
            open_now = [
                each["id"] for each in journey["agreements"]
                if each["state"] == "open" and each["agreedOn"] <= entry.day
            ]  # fmt: skip
            for number in entry.concerns or ():
                if _known(twin.agreed, number) not in open_now:
                    raise NotNow(f"the agreement of entry {number} was answered otherwise")
            answers = [{"agreementId": each, "outcome": "kept"} for each in open_now]
        body = {**self._said(entry), "answers": answers}
        body["agreements"] = [{"agreed": "Iets doen", "dueOn": (entry.on + timedelta(days=7)).isoformat()}][
            : entry.told["agreements"]
        ]
        made = (await twin.records("routing", f"/clients/{twin.id}/conversations", body))["id"]
        twin.made[entry.number] = made
        for each in (await twin.journey())["agreements"]:
            if each["conversationId"] == made and each["continuesId"] is None:
                twin.agreed[entry.number] = each["id"]

    async def correct(self, twin: Twin, entry: Told) -> None:
        path = f"/conversations/{twin.made[entry.number]}/corrections"
        twin.made[entry.number] = (await twin.records("routing", path, {**self._said(entry), **REASON}))["id"]

    async def take_back(self, twin: Twin, entry: Told) -> None:
        await twin.records("routing", f"/conversations/{twin.made[entry.number]}/cancellations", REASON)

    def _said(self, entry: Told) -> dict[str, Any]:
        return {
            "kind": entry.told["kind"], "option": entry.told["option"], "faceToFace": entry.told["face_to_face"],
            "heldOn": entry.day, "areas": AREAS if entry.told["kind"] == "fip" else {},
        }  # fmt: skip


class Agree(Corrigible):
    async def enter(self, twin: Twin, entry: Told) -> None:
        made = await twin.records("routing", f"/clients/{twin.id}/agreements", {**self._body(entry)})
        twin.agreed[entry.number] = made["id"]

    async def correct(self, twin: Twin, entry: Told) -> None:
        path = f"/agreements/{twin.agreed[entry.number]}/corrections"
        made = await twin.records("routing", path, {**self._body(entry), **REASON})
        twin.agreed[entry.number] = made["id"]

    def _body(self, entry: Told) -> dict[str, Any]:
        due_on = entry.on + timedelta(days=entry.told["due_in"])
        return {"agreed": "Iets doen", "agreedOn": entry.day, "dueOn": due_on.isoformat()}


class Answer(Revocable):
    """What became of an agreement."""

    paths: Mapping[str, str] = {"kept": "fulfilments", "missed": "misses", "goes_on": "extensions"}

    async def concerns(self, truth: Twin, told: Any) -> Any:
        ids = [each["id"] for each in (await truth.journey())["agreements"] if each["state"] == "open"]
        return _one_of(_numbers(truth.agreed, ids), told["which"], "open agreement")

    async def enter(self, twin: Twin, entry: Told) -> None:
        agreement = _known(twin.agreed, entry.concerns)
        path = self.paths[entry.told["outcome"]]
        body: dict[str, Any] = {"on": entry.day}
        if path == "extensions":
            body["dueOn"] = (entry.on + timedelta(days=5)).isoformat()
        await twin.records("routing", f"/agreements/{agreement}/{path}", body)
        for each in (await twin.journey())["agreements"]:
            if each["continuesId"] == agreement and each["state"] != "corrected":
                twin.agreed[entry.number] = each["id"]

    async def take_back(self, twin: Twin, entry: Told) -> None:
        await twin.records("routing", f"/agreements/{_known(twin.agreed, entry.concerns)}/reversals", REASON)


class Climb(Verb):
    """Take the rung that follows an agreement that was not kept."""

    async def concerns(self, truth: Twin, told: Any) -> Any:  # noqa: ARG002 - as of others
        waiting = [each for each in (await truth.journey())["agreements"] if _step_waits(each)]
        steps = {each["id"]: each["step"] for each in waiting}
        number = _one_of(_numbers(truth.agreed, list(steps)), 0, "agreement that was not kept")
        return number, steps[truth.agreed[number]]

    async def enter(self, twin: Twin, entry: Told) -> None:
        number, step = entry.concerns
        if step != "measure":
            path = f"/agreements/{_known(twin.agreed, number)}/steps"
            await twin.records("routing", path, {"step": step, "on": entry.day})
            return
        ends_on = (entry.on + timedelta(days=30)).isoformat()
        body = {"ground": "Afspraak niet nagekomen", "percentage": 10, "startsOn": entry.day, "endsOn": ends_on}
        await twin.records("routing", f"/clients/{twin.id}/measures", body)


def _step_waits(agreement: Mapping[str, Any]) -> bool:
    return agreement["state"] == "missed" and agreement["step"] is not None and agreement["stepTakenOn"] is None


class WorkPartTime(Corrigible):
    async def enter(self, twin: Twin, entry: Told) -> None:
        made = await twin.records("routing", f"/clients/{twin.id}/part-time-work", self._body(entry))
        twin.made[entry.number] = made["id"]

    async def correct(self, twin: Twin, entry: Told) -> None:
        path = f"/part-time-work/{twin.made[entry.number]}/corrections"
        twin.made[entry.number] = (await twin.records("routing", path, {**self._body(entry), **REASON}))["id"]

    def _body(self, entry: Told) -> dict[str, Any]:
        told = entry.told
        return {"hoursPerWeek": told["hours"], "incomePerMonth": told["income"], "monthFrom": entry.day}


class EndPartTime(Verb):
    async def concerns(self, truth: Twin, told: Any) -> Any:
        return await _open(truth, "partTimeWork", told)

    async def enter(self, twin: Twin, entry: Told) -> None:
        await twin.records("routing", f"/part-time-work/{_known(twin.made, entry.concerns)}/ends", {"on": entry.day})


class HandOver(Verb):
    """A step of the handover under way."""

    steps: Mapping[str, tuple[str, frozenset[str]]] = {
        "prepare": ("preparations", frozenset({"due", "returned"})),
        "accept": ("acceptances", frozenset({"prepared"})),
        "return": ("returns", frozenset({"prepared"})),
    }

    async def concerns(self, truth: Twin, told: Any) -> Any:
        handover = await self._under_way(truth, told)
        return handover["toTrack"], handover["reason"]

    async def enter(self, twin: Twin, entry: Told) -> None:
        handover = await self._under_way(twin, entry.told)
        if (handover["toTrack"], handover["reason"]) != entry.concerns:
            raise NotNow("another handover is under way")
        body = {"prepare": {"note": "Besproken."}, "return": {"reason": "Onvolledig."}}.get(entry.told, {})
        path = f"/handovers/{handover['id']}/{self.steps[entry.told][0]}"
        await twin.records("routing", path, {**body, "on": entry.day})

    async def _under_way(self, twin: Twin, step: str) -> dict[str, Any]:
        found = [each for each in (await twin.journey())["handovers"] if each["state"] in self.steps[step][1]]
        handover: dict[str, Any] = _one_of(found, 0, "handover in that state")
        return handover


class Leave(Revocable):
    async def enter(self, twin: Twin, entry: Told) -> None:
        body = {"reason": entry.told, "on": entry.day}
        twin.made[entry.number] = (await twin.records("routing", f"/clients/{twin.id}/exits", body))["id"]

    async def take_back(self, twin: Twin, entry: Told) -> None:
        await twin.records("routing", f"/exits/{twin.made[entry.number]}/reversals", REASON)


class CheckAllowances(Verb):
    async def concerns(self, truth: Twin, told: Any) -> Any:  # noqa: ARG002 - as of others
        ids = [
            each["id"] for each in (await truth.journey())["exits"]
            if each["allowancesCheck"] in {"awaited", "overdue"}
        ]  # fmt: skip
        return _one_of(_numbers(truth.made, ids), 0, "check that is awaited")

    async def enter(self, twin: Twin, entry: Told) -> None:
        path = f"/exits/{_known(twin.made, entry.concerns)}/allowances-checks"
        await twin.records("routing", path, {"on": entry.day})


class ComeBack(Verb):
    async def enter(self, twin: Twin, entry: Told) -> None:
        await twin.records("routing", f"/clients/{twin.id}/returns", {"on": entry.day})


NEXT = {"sent": "acknowledgements", "acknowledged": "acceptances", "accepted": "starts", "started": "ends"}
BECOMES = {"acknowledgements": "acknowledged", "acceptances": "accepted", "starts": "started", "ends": "ended"}


class PartnerAnswers(Verb):
    """The partner takes the next step; of who was told in between that a referral was taken back, all steps again."""

    async def concerns(self, truth: Twin, told: Any) -> Any:  # noqa: ARG002 - as of others
        asked = [each for each in await truth.referrals() if each["state"] in NEXT]
        referral = _one_of(asked, 0, "open referral")
        return referral["partner"], referral["purpose"], NEXT[referral["state"]]

    async def enter(self, twin: Twin, entry: Told) -> None:
        partner, purpose, last = entry.concerns
        while True:
            open_now = await twin.referrals()
            asked = [each for each in open_now if (each["partner"], each["purpose"]) == (partner, purpose)]
            referral = _one_of(asked, 0, "such referral")
            step = NEXT.get(referral["state"])
            if step is None:
                raise NotNow(f"the referral is {referral['state']}")
            sent_on = referral["sentOn"] or entry.day
            body = {"on": max(entry.day, sent_on)} | ({"outcome": entry.told} if step == "ends" else {})
            await twin.says(partner, referral["id"], step, body)
            if step == last:
                return


class PartnerSignals(Verb):
    async def concerns(self, truth: Twin, told: Any) -> Any:  # noqa: ARG002 - as of others
        asked = [each for each in await truth.referrals() if each["state"] in NEXT]
        referral = _one_of(asked, 0, "open referral")
        return referral["partner"], referral["purpose"]

    async def enter(self, twin: Twin, entry: Told) -> None:
        asked = [each for each in await twin.referrals() if (each["partner"], each["purpose"]) == entry.concerns]
        referral = _one_of(asked, 0, "such referral")
        body = {"referralId": referral["id"], "signal": "ready_for_next_step", "on": entry.day}
        await twin.signals(referral["partner"], body)


class Double(Revocable):
    """The same person is registered once more, and the two are merged. Of who has left it would be a return."""

    async def concerns(self, truth: Twin, told: Any) -> Any:  # noqa: ARG002 - as of others
        if (await truth.journey())["state"] != "active":
            raise NotNow("the client has left")

    async def enter(self, twin: Twin, entry: Told) -> None:
        double = Twin(twin.world, twin.town, somebody_like(twin))
        await double.registers()
        twin.others.append(double.id)
        twin.made[entry.number] = double.id

    async def take_back(self, twin: Twin, entry: Told) -> None:
        await twin.records("intake", f"/clients/{twin.made[entry.number]}/mergers", {"into": twin.id})


class Stranger(Revocable):
    """Somebody is registered and assessed who should not have been, and the registration is undone."""

    async def enter(self, twin: Twin, entry: Told) -> None:
        stranger = Twin(twin.world, twin.town, somebody_like(twin))
        await stranger.registers()
        await twin.world.calendar.later_today()
        twin.others.append(stranger.id)
        twin.made[entry.number] = stranger.id
        await Assess().enter(stranger, Told(0, {"facts": "near"}, None, entry.on))
        await Decide().enter(stranger, Told(1, None, 0, entry.on))

    async def take_back(self, twin: Twin, entry: Told) -> None:
        await twin.records("intake", f"/clients/{twin.made[entry.number]}/cancellations", REASON)


def somebody_like(twin: Twin) -> Person:
    other = twin.world.people.person(twin.town.name, twin.world.today)
    return Person(**{**vars(twin.person), "bsn": other.bsn})


VERBS: Mapping[str, Verb] = {
    "notify": Notify(),
    "apply": Apply(),
    "attend": Attend(),
    "assess": Assess(),
    "decide": Decide(),
    "end_exemption": EndExemption(),
    "intake": Intake(),
    "grant": Grant(),
    "test_language": TestLanguage(),
    "start_route": StartRoute(),
    "end_route": EndRoute(),
    "suspend": Suspend(),
    "end_suspension": EndSuspension(),
    "use": Use(),
    "end_use": EndUse(),
    "speak": Speak(),
    "agree": Agree(),
    "answer": Answer(),
    "climb": Climb(),
    "work_part_time": WorkPartTime(),
    "end_part_time": EndPartTime(),
    "hand_over": HandOver(),
    "leave": Leave(),
    "come_back": ComeBack(),
    "check_allowances": CheckAllowances(),
    "partner": PartnerAnswers(),
    "signal": PartnerSignals(),
    "double": Double(),
    "stranger": Stranger(),
}
