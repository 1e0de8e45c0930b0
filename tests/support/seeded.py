"""All services together in one process on databases of their own, and for each operation a request that must succeed.

`VALID` names every operation of the five OpenAPI documents. A builder makes what its operation needs through the real
APIs and events, each time anew, and says with which request it then succeeds.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from stdnum.nl import bsn

from chassis.clock import morning_of
from chassis.ids import new_id
from chassis.local import LocalBus
from chassis.security import Role
from chassis.settings import ServiceSettings
from contracts.routing import ReferralRequested
from opstap.documents import openapi
from opstap.services import DEFINITIONS
from opstap.system import KEYS
from partners.settings import PartnersSettings
from partners.webhooks.sender import Sender
from tests.support.databases import MakeDatabase
from tests.support.service import POLICIES, ServiceUnderTest, migrated_database, running

VOORSCHOTEN = "GM0626"
LEIDSCHENDAM = "GM1916"
ELSEWHERE = "GM0451"
"""A municipality in which no builder makes anything."""

WELFARE = {LEIDSCHENDAM: "woej", VOORSCHOTEN: "voor-elkaar"}
"""Where clients are referred one to one, and where in groups."""

EVERYTHING = tuple(role.value for role in Role if role is not Role.PARTNER)
SECRETS: dict[str, Any] = {name: base64.b64encode(bytes([number]) * 32).decode() for number, name in enumerate(KEYS)}
SELDOM = 30.0
"""Seconds between two looks of the bus that nobody asked for; `settle` wakes it."""

NOBODY_LISTENS = "http://127.0.0.1:9/webhooks"


@dataclass(frozen=True)
class Operation:
    """An operation of a service's OpenAPI document."""

    service: str
    verb: str
    path: str
    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["operationId"])

    @property
    def roles(self) -> list[str]:
        """Whom it is for; nobody means everybody."""
        return [role for scheme in self.document["security"] for roles in scheme.values() for role in roles]

    def __str__(self) -> str:
        return f"{self.service}-{self.id}"


DOCUMENTS = {name: openapi(each, movable_clock=True) for name, each in DEFINITIONS.items()}
OPERATIONS = [
    Operation(service, verb, path, operation)
    for service, document in DOCUMENTS.items()
    for path, item in document["paths"].items()
    for verb, operation in item.items()
]


@dataclass(frozen=True)
class Ready:
    """A request that succeeds, once: what stands in its path and query, what it carries, and which partner sends it."""

    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    partner: str | None = None


class House:
    """The five services and the bus between them."""

    def __init__(self, services: Mapping[str, ServiceUnderTest], bus: LocalBus, sender: Sender) -> None:
        self.services = services
        self.bus = bus
        self.sender = sender
        self.newcomers = 0
        self._bsns = (str(n) for n in range(999_900_000, 1_000_000_000) if bsn.is_valid(str(n)))

    @property
    def today(self) -> str:
        return self.services["intake"].clock.today().isoformat()

    def day(self, days: int) -> str:
        return (self.services["intake"].clock.today() + timedelta(days=days)).isoformat()

    async def settle(self) -> None:
        """Wait until every service has handled what the others said."""
        await self.bus.settle()

    def headers(self, service: str, partner: str | None = None, **token: Any) -> dict[str, str]:
        """A token with all rights that a person can have, or that of a partner."""
        if partner is not None:
            token = {"sub": None, "azp": partner, "partner": partner, **token}
        return self.services[service].token(*(("partner",) if partner else EVERYTHING), **token)

    async def send(
        self, to: Operation, ready: Ready, *, token: Mapping[str, str] | None = None, verb: str | None = None
    ) -> httpx.Response:
        """The request to its operation; by another verb, such as HEAD, when asked."""
        content = {"content": ready.body} if isinstance(ready.body, str) else {"json": ready.body}
        return await self.services[to.service].http.request(
            verb or to.verb, f"/v1{to.path.format_map(ready.path)}", params=dict(ready.query),
            headers={**(token or self.headers(to.service, ready.partner)), **ready.headers},
            **(content if ready.body is not None else {}),
        )  # fmt: skip

    async def ready(self, operation: Operation) -> Ready:
        """What makes a request to an operation succeed, made anew."""
        return await VALID[operation.service, operation.id](self)

    async def done(self, service: str, path: str, body: Any = None, partner: str | None = None) -> dict[str, Any]:
        """A POST that must succeed; its answer, when the other services know of it too."""
        return await self.services[service].done(path, body, headers=self.headers(service, partner))

    async def get(self, service: str, path: str) -> dict[str, Any]:
        """What stands at a path."""
        answer = await self.services[service].get(path, headers=self.headers(service))
        assert answer.is_success, f"GET {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    async def parked(self) -> list[tuple[str, str, str]]:
        """The records that could not be handled, by service."""
        found = []
        for name, service in self.services.items():
            async with service.office.database.in_background() as session:
                rows = await session.execute(text("SELECT type, error FROM parked WHERE state = 'failed'"))
                found += [(name, row.type, row.error) for row in rows]
        return found

    # What builders say often.

    def person(self, municipality: str = VOORSCHOTEN, **told: Any) -> dict[str, Any]:
        """Somebody to register."""
        name = {"given": "Noor", "prefix": "van der", "family": "Ven"}
        return {
            "municipality": municipality, "bsn": next(self._bsns), "name": name, "birthDate": "1985-05-17", **told,
        }  # fmt: skip

    async def client(self, municipality: str = VOORSCHOTEN, **told: Any) -> str:
        """A client whom all services know."""
        made = await self.done("intake", "/clients", self.person(municipality, **told))
        await self.settle()
        return str(made["id"])

    async def notification(self) -> tuple[str, str]:
        """A client at the gate, and the notification."""
        client = await self.client()
        return client, (await self.done("intake", f"/clients/{client}/notifications"))["id"]

    async def application(self) -> tuple[str, str]:
        """A client who applied, and the application."""
        client, _ = await self.notification()
        return client, (await self.done("intake", f"/clients/{client}/applications"))["id"]

    async def proposal(self, client: str, **facts: Any) -> dict[str, Any]:
        """A client who was assessed, and what policy proposes."""
        body = {"questionnaire": "diagnose", "facts": facts or {"distance_months": 8}}
        made = await self.done("diagnosis", f"/clients/{client}/assessments", body)
        await self.settle()
        return made

    async def categorised(self, municipality: str = VOORSCHOTEN, **facts: Any) -> str:
        """A client with a category, and a journey."""
        client = await self.client(municipality)
        proposal = await self.proposal(client, **facts)
        await self.done("diagnosis", f"/proposals/{proposal['id']}/confirmations")
        await self.settle()
        return client

    async def handover(self, *steps: str) -> str:
        """A handover that is due, or as far as these steps bring it."""
        client = await self.categorised(distance_months=8)
        proposal = await self.proposal(client, distance_months=30)
        await self.done("diagnosis", f"/proposals/{proposal['id']}/confirmations")
        await self.settle()
        handover = (await self.get("routing", f"/clients/{client}/journey"))["handovers"][-1]["id"]
        for step in steps:
            await self.done("routing", f"/handovers/{handover}/{step}", {"note": "Dossier besproken"})
        return str(handover)

    async def exit(self, reason: str = "work") -> tuple[str, str]:
        """A client who left, and the exit."""
        client = await self.categorised()
        return client, (await self.done("routing", f"/clients/{client}/exits", {"reason": reason}))["id"]

    async def referrals(self, number: int, municipality: str, **asked: Any) -> list[str]:
        """Routing asks for so many referrals, each of another client."""
        told = {"purpose": "participation", "partner_kind": "welfare", "partner": WELFARE[municipality], **asked}
        clients, made = [await self.client(municipality) for _ in range(number)], [new_id() for _ in range(number)]
        partners = self.services["partners"]
        today = partners.clock.today()
        await partners.consumer.handle([
            partners.record(
                new_id(), UUID(client),
                ReferralRequested(occurred_on=today, by="staff:s-1", referral_id=id, **told), municipality,
            )
            for client, id in zip(clients, made, strict=True)
        ])  # fmt: skip
        await self.settle()
        return [str(id) for id in made]

    async def referral(self, *steps: str) -> str:
        """A referral that was sent one to one, and answered as far as these steps."""
        [referral] = await self.referrals(1, LEIDSCHENDAM)
        for step in steps:
            await self.done("partners", f"/referrals/{referral}/{step}", partner="woej")
        return referral

    async def group(self) -> dict[str, Any]:
        """A group that was formed, with its members."""
        [*_, last] = await self.referrals(12, VOORSCHOTEN)
        group = (await self.get("partners", f"/referrals/{last}"))["groupId"]
        return await self.get("partners", f"/groups/{group}")

    async def endpoint(self, *, active: bool = False) -> str:
        """An endpoint of the welfare organisation, pending or approved."""
        body = {"municipality": LEIDSCHENDAM, "url": NOBODY_LISTENS}
        made: str = (await self.done("partners", "/partners/woej/endpoints", body))["id"]
        if active:
            await self.done("partners", f"/endpoints/{made}/approvals")
        return made

    async def delivery(self) -> str:
        """A webhook that waits to be sent again, after an attempt that nobody answered."""
        endpoint = await self.endpoint(active=True)
        await self.referral()
        await self.sender.settle()
        answer = await self.get("partners", f"/deliveries?endpointId={endpoint}")
        return str(answer["items"][0]["id"])

    async def report(self) -> str:
        """A report of the council."""
        body = {"municipality": VOORSCHOTEN, "level": "council", "from": self.day(-31), "to": self.today}
        return str((await self.done("reporting", "/reports", body))["id"])


@asynccontextmanager
async def house_of(make_database: MakeDatabase) -> AsyncIterator[House]:
    """The house, with staff in the municipalities that builders use."""
    async with AsyncExitStack() as stack:
        services = {}
        settings: list[ServiceSettings] = []
        for name, each in DEFINITIONS.items():

            def create(made: Any, *parts: Any, definition: Any = each) -> Any:
                settings.append(made)
                return definition.create(made, *parts)

            services[name] = await stack.enter_async_context(
                running(
                    name, urls=await migrated_database(make_database, name), settings=each.settings,
                    create=create, handlers=each.handlers, deadlines=each.deadlines,
                    webhook_allowed_networks=("127.0.0.0/8",), longest_stream=0.05, **SECRETS,
                )
            )  # fmt: skip
        databases = {name: service.office.database for name, service in services.items()}
        consumers = {name: service.consumer for name, service in services.items()}
        bus = LocalBus(databases, consumers, poll=SELDOM)
        stack.push_async_callback(bus.stop)
        await bus.start()
        [of_partners] = [each for each in settings if isinstance(each, PartnersSettings)]
        sender = Sender(of_partners, services["partners"].office)
        stack.push_async_callback(sender.stop)
        house = House(services, bus, sender)
        for code in (VOORSCHOTEN, LEIDSCHENDAM):
            roles = ["work_consultant", "income_consultant", "consultant_2b"]
            body = {"id": f"w-{code.lower()}", "municipalities": [code], "roles": roles}
            await house.done("routing", "/staff", body)
        yield house


Builder = Callable[[House], Awaitable[Ready]]
VALID: dict[tuple[str, str], Builder] = {}
"""By service and `operationId`: what makes ready for a request that succeeds."""


def _valid(service: str, *operations: str) -> Callable[[Builder], Builder]:
    def keep(builder: Builder) -> Builder:
        VALID.update({(service, operation): builder for operation in operations})
        return builder

    return keep


def _plain(service: str, *operations: str, **ready: Any) -> None:
    """Operations that need nothing to be there."""

    async def build(_: House) -> Ready:
        return Ready(**ready)

    _valid(service, *operations)(build)


def _of_client(service: str, operation: str, body: Any = None, *, categorised: bool = False) -> None:
    """An operation on any client, or on any who has a category."""

    async def build(house: House) -> Ready:
        client = await (house.categorised() if categorised else house.client())
        return Ready({"client_id": client}, body)

    _valid(service, operation)(build)


for _name in DEFINITIONS:
    _plain(_name, "readEvents", "readOpenapi", "readCivilClock")

    @_valid(_name, "moveCivilClock")
    async def _move_civil_clock(house: House) -> Ready:
        return Ready(body={"moment": morning_of(house.services["intake"].clock.today()).isoformat()})


# Intake


@_valid("intake", "registerClient")
async def _register_client(house: House) -> Ready:
    return Ready(body=house.person())


@_valid("intake", "searchClients")
async def _search_clients(house: House) -> Ready:
    person = house.person()
    await house.done("intake", "/clients", person)
    return Ready(body={"bsn": person["bsn"]})


@_valid("intake", "correctClient")
async def _correct_client(house: House) -> Ready:
    return Ready({"client_id": await house.client()}, {"language": "fr"}, headers={"If-Match": "*"})


@_valid("intake", "mergeClient")
async def _merge_client(house: House) -> Ready:
    return Ready({"client_id": await house.client()}, {"into": await house.client()})


@_valid("intake", "readIdentity")
async def _read_identity(house: House) -> Ready:
    return Ready({"client_id": await house.client()}, query={"fields": "name,contact", "purpose": "participation"})


for _operation in (
    "readClient", "listNotifications", "listApplications", "listIntakes", "listLanguageTests", "listLetters",
):  # fmt: skip
    _of_client("intake", _operation)
for _operation in ("recordDeath", "recordDeparture", "addNotification"):
    _of_client("intake", _operation, {})
_of_client("intake", "cancelRegistration", {"reason": "De verkeerde persoon"})
_of_client("intake", "addLanguageTest", {"passed": True})


@_valid("intake", "readNotification")
async def _read_notification(house: House) -> Ready:
    return Ready({"notification_id": (await house.notification())[1]})


@_valid("intake", "divertNotification")
async def _divert_notification(house: House) -> Ready:
    return Ready({"notification_id": (await house.notification())[1]}, {"divertedTo": "vacancy"})


@_valid("intake", "fileApplication")
async def _file_application(house: House) -> Ready:
    return Ready({"client_id": (await house.notification())[0]}, {})


@_valid("intake", "readApplication")
async def _read_application(house: House) -> Ready:
    return Ready({"application_id": (await house.application())[1]})


@_valid("intake", "withdrawApplication")
async def _withdraw_application(house: House) -> Ready:
    return Ready({"application_id": (await house.application())[1]}, {})


@_valid("intake", "decideApplication")
async def _decide_application(house: House) -> Ready:
    return Ready({"application_id": (await house.application())[1]}, {"outcome": "refused", "reason": "Vermogen"})


_SESSION = {"municipality": VOORSCHOTEN, "heldOn": "2024-02-01", "place": "Gemeentehuis", "capacity": 20}
_plain("intake", "planSession", body=_SESSION)
_plain("intake", "listSessions")


@_valid("intake", "readSession")
async def _read_session(house: House) -> Ready:
    return Ready({"session_id": (await house.done("intake", "/information-sessions", _SESSION))["id"]})


@_valid("intake", "recordAttendances")
async def _record_attendances(house: House) -> Ready:
    session = (await house.done("intake", "/information-sessions", _SESSION))["id"]
    return Ready({"session_id": session}, {"attended": [await house.client()], "absent": [await house.client()]})


@_valid("intake", "addIntake")
async def _add_intake(house: House) -> Ready:
    client = await house.client()
    await house.proposal(client)
    return Ready({"client_id": client}, {"signals": ["debts"], "languageProof": False})


@_valid("intake", "readIntake")
async def _read_intake(house: House) -> Ready:
    client = await house.client()
    await house.proposal(client)
    return Ready({"intake_id": (await house.done("intake", f"/clients/{client}/intakes"))["id"]})


@_valid("intake", "addIntegrationPlan", "listIntegrationPlans")
async def _add_integration_plan(house: House) -> Ready:
    return Ready({"client_id": await house.client(permitHolder=True)}, {})


@_valid("intake", "readIntegrationPlan")
async def _read_integration_plan(house: House) -> Ready:
    plan = await house.done("intake", f"/clients/{await house.client(permitHolder=True)}/integration-plans")
    return Ready({"plan_id": plan["id"]})


@_valid("intake", "readLanguageTest")
async def _read_language_test(house: House) -> Ready:
    test = await house.done("intake", f"/clients/{await house.client()}/language-tests", {"passed": False})
    return Ready({"language_test_id": test["id"]})


@_valid("intake", "readLetter")
async def _read_letter(house: House) -> Ready:
    [letter, *_] = (await house.get("intake", f"/clients/{await house.categorised()}/letters"))["items"]
    return Ready({"letter_id": letter["id"]})


@_valid("intake", "previewLetter")
async def _preview_letter(house: House) -> Ready:
    return Ready({"client_id": await house.categorised()}, {"kind": "handover"})


def _caseload(house: House) -> str:
    person = house.person()
    columns = "municipality,bsn,family_name,birth_date\n"
    return f"{columns}{VOORSCHOTEN},{person['bsn']},Ven,1970-03-02\n"


@_valid("intake", "importCaseload")
async def _import_caseload(house: House) -> Ready:
    return Ready(body=_caseload(house), headers={"Content-Type": "text/csv"})


@_valid("intake", "readImport")
async def _read_import(house: House) -> Ready:
    [importing] = [each for each in OPERATIONS if each.id == "importCaseload"]
    of_voorschoten = house.headers("intake", municipalities=[VOORSCHOTEN])
    made = await house.send(importing, await house.ready(importing), token=of_voorschoten)
    assert made.is_success, made.text
    return Ready({"import_id": made.json()["id"]})


# Diagnosis

_plain("diagnosis", "listQuestionnaires", "listProposals", "listInvitations")
_plain("diagnosis", "askForReassessments", body={"municipality": VOORSCHOTEN, "categories": ["1A"]})
for _operation in ("listAssessments", "readCategory", "listExemptions", "listIndicationRequests"):
    _of_client("diagnosis", _operation, categorised=True)
_of_client("diagnosis", "makeAssessment", {"questionnaire": "diagnose", "facts": {"distance_months": 8}})
_of_client("diagnosis", "requestIndication", {"kind": "job_agreement"})


async def _proposed(house: House) -> dict[str, Any]:
    return await house.proposal(await house.client())


@_valid("diagnosis", "readAssessment")
async def _read_assessment(house: House) -> Ready:
    return Ready({"assessment_id": (await _proposed(house))["assessmentId"]})


@_valid("diagnosis", "correctAssessment")
async def _correct_assessment(house: House) -> Ready:
    body = {"facts": {"distance_months": 13}, "reason": "Drie en dertien verwisseld"}
    return Ready({"assessment_id": (await _proposed(house))["assessmentId"]}, body)


@_valid("diagnosis", "readProposal", "listAlternatives")
async def _read_proposal(house: House) -> Ready:
    return Ready({"proposal_id": (await _proposed(house))["id"]})


@_valid("diagnosis", "confirmProposal")
async def _confirm_proposal(house: House) -> Ready:
    return Ready({"proposal_id": (await _proposed(house))["id"]}, {})


@_valid("diagnosis", "overrideProposal")
async def _override_proposal(house: House) -> Ready:
    body = {"category": "1A", "reason": "Heeft een toezegging van een werkgever"}
    return Ready({"proposal_id": (await _proposed(house))["id"]}, body)


@_valid("diagnosis", "confirmProposals")
async def _confirm_proposals(house: House) -> Ready:
    proposal = (await _proposed(house))["id"]
    await house.get("diagnosis", f"/proposals/{proposal}")
    return Ready(body={"proposalIds": [proposal]})


@_valid("diagnosis", "readReceipt")
async def _read_receipt(house: House) -> Ready:
    return Ready({"receipt_id": (await _proposed(house))["receipt"]["receiptId"]})


async def _exemption(house: House) -> str:
    client = await house.categorised(distance_months=8, exemption={"reason": "ziekte", "until": house.day(90)})
    [exemption] = (await house.get("diagnosis", f"/clients/{client}/exemptions"))["items"]
    return str(exemption["id"])


@_valid("diagnosis", "readExemption")
async def _read_exemption(house: House) -> Ready:
    return Ready({"exemption_id": await _exemption(house)})


@_valid("diagnosis", "endExemption")
async def _end_exemption(house: House) -> Ready:
    return Ready({"exemption_id": await _exemption(house)}, {})


async def _indication_request(house: House) -> str:
    path = f"/clients/{await house.client()}/indication-requests"
    return str((await house.done("diagnosis", path, {"kind": "job_agreement"}))["id"])


@_valid("diagnosis", "readIndicationRequest")
async def _read_indication_request(house: House) -> Ready:
    return Ready({"request_id": await _indication_request(house)})


@_valid("diagnosis", "recordIndicationDecision")
async def _record_indication_decision(house: House) -> Ready:
    return Ready({"request_id": await _indication_request(house)}, {"granted": True})


_plain("diagnosis", "listPolicyTrials")


def _draft() -> dict[str, Any]:
    """The policy in force, as a draft."""
    name = "voorschoten/2024-01-01.yaml"
    return {"municipality": VOORSCHOTEN, "on": "2024-02-01", "files": {name: (POLICIES / name).read_text()}}


@_valid("diagnosis", "askForPolicyTrial")
async def _ask_for_policy_trial(_: House) -> Ready:
    return Ready(body=_draft())


@_valid("diagnosis", "readPolicyTrial", "listPolicyTrialMoves")
async def _read_policy_trial(house: House) -> Ready:
    return Ready({"trial_id": (await house.done("diagnosis", "/policy-trials", _draft()))["id"]})


# Routing

_plain("routing", "listClientsWithoutCaseworker", "listStaff", "listHandovers")
_plain("routing", "enterStaff", body={"id": "s-9", "municipalities": [VOORSCHOTEN], "roles": ["work_consultant"]})
_plain("routing", "followWorklist", query={"scope": "municipality"})
_of_client("routing", "followClient")
_plain("routing", "readWorklist", "countWorklist", query={"scope": "municipality"})
_plain("routing", "listAbsences")


async def _newcomer(house: House, **more: Any) -> str:
    """Somebody new on the staff of Voorschoten, whose roles no client there needs."""
    house.newcomers += 1
    body = {"id": f"new-{house.newcomers}", "municipalities": [VOORSCHOTEN], "roles": ["youth_coach"], **more}
    await house.done("routing", "/staff", body)
    return str(body["id"])


async def _absence(house: House) -> dict[str, Any]:
    newcomer = await _newcomer(house)
    return {"municipality": VOORSCHOTEN, "staffId": newcomer, "firstDay": house.day(1), "lastDay": house.day(9)}


@_valid("routing", "enterAbsence")
async def _enter_absence(house: House) -> Ready:
    return Ready(body=await _absence(house))


@_valid("routing", "endAbsence")
async def _end_absence(house: House) -> Ready:
    absence = await house.done("routing", "/absences", await _absence(house))
    return Ready({"absence_id": absence["id"]}, {"lastDay": absence["firstDay"]})


@_valid("routing", "transferClients")
async def _transfer_clients(house: House) -> Ready:
    return Ready({"staff_id": await _newcomer(house)}, {"municipality": VOORSCHOTEN, "note": "Warm overgedragen"})


for _operation in ("readJourney", "listDeadlines", "listAgreements"):
    _of_client("routing", _operation, categorised=True)
for _operation, _body in {
    "startRoute": {"route": "focus_op_werk"},
    "useInstrument": {"instrument": "schooling", "goal": "work", "cost": 100},
    "suspend": {"reason": "illness"},
    "holdConversation": {"kind": "face_to_face"},
    "agree": {"agreed": "Komt dinsdag"},
    "workPartTime": {"hoursPerWeek": 12, "incomePerMonth": 480.5},
    "leave": {"reason": "work"},
}.items():
    _of_client("routing", _operation, _body, categorised=True)


@_valid("routing", "moveDeadline")
async def _move_deadline(house: House) -> Ready:
    client = await house.categorised()
    await house.done("routing", f"/clients/{client}/routes", {"route": "focus_op_werk"})
    open_now = [
        each
        for each in (await house.get("routing", f"/clients/{client}/deadlines"))["items"]
        if each["state"] == "open"
    ]
    return Ready({"deadline_id": open_now[0]["id"]}, {"to": house.day(30), "reason": "Op vakantie"})


@_valid("routing", "endRoute")
async def _end_route(house: House) -> Ready:
    path = f"/clients/{await house.categorised()}/routes"
    return Ready({"route_id": (await house.done("routing", path, {"route": "focus_op_werk"}))["id"]}, {})


@_valid("routing", "endInstrument")
async def _end_instrument(house: House) -> Ready:
    path = f"/clients/{await house.categorised()}/instruments"
    used = await house.done("routing", path, {"instrument": "schooling", "goal": "work"})
    return Ready({"use_id": used["id"]}, {})


@_valid("routing", "endSuspension")
async def _end_suspension(house: House) -> Ready:
    path = f"/clients/{await house.categorised()}/suspensions"
    return Ready({"suspension_id": (await house.done("routing", path, {"reason": "illness"}))["id"]}, {})


@_valid("routing", "readHandover")
async def _read_handover(house: House) -> Ready:
    return Ready({"handover_id": await house.handover()})


@_valid("routing", "prepareHandover")
async def _prepare_handover(house: House) -> Ready:
    return Ready({"handover_id": await house.handover()}, {"note": "Dossier besproken"})


@_valid("routing", "acceptHandover")
async def _accept_handover(house: House) -> Ready:
    return Ready({"handover_id": await house.handover("preparations")}, {})


@_valid("routing", "returnHandover")
async def _return_handover(house: House) -> Ready:
    return Ready({"handover_id": await house.handover("preparations")}, {"reason": "De afspraken ontbreken"})


async def _agreement(house: House, client: str) -> str:
    return str((await house.done("routing", f"/clients/{client}/agreements", {"agreed": "Komt dinsdag"}))["id"])


async def _broken(house: House, client: str) -> str:
    """An agreement that was not kept."""
    agreement = await _agreement(house, client)
    await house.done("routing", f"/agreements/{agreement}/misses")
    return agreement


@_valid("routing", "keepAgreement", "missAgreement", "extendAgreement")
async def _answer_agreement(house: House) -> Ready:
    return Ready({"agreement_id": await _agreement(house, await house.categorised())}, {})


@_valid("routing", "correctAgreement")
async def _correct_agreement(house: House) -> Ready:
    body = {"agreed": "Komt woensdag", "reason": "De verkeerde dag"}
    return Ready({"agreement_id": await _agreement(house, await house.categorised())}, body)


@_valid("routing", "revertAgreement")
async def _revert_agreement(house: House) -> Ready:
    broken = await _broken(house, await house.categorised())
    return Ready({"agreement_id": broken}, {"reason": "Was er wel"})


@_valid("routing", "takeStep")
async def _take_step(house: House) -> Ready:
    return Ready({"agreement_id": await _broken(house, await house.categorised())}, {"step": "talk"})


async def _conversation(house: House) -> str:
    path = f"/clients/{await house.categorised()}/conversations"
    return str((await house.done("routing", path, {"kind": "face_to_face"}))["id"])


@_valid("routing", "correctConversation")
async def _correct_conversation(house: House) -> Ready:
    body = {"kind": "telephone", "heldOn": house.today, "faceToFace": False, "reason": "Het was aan de telefoon"}
    return Ready({"conversation_id": await _conversation(house)}, body)


@_valid("routing", "cancelConversation")
async def _cancel_conversation(house: House) -> Ready:
    return Ready({"conversation_id": await _conversation(house)}, {"reason": "Bij een andere klant"})


async def _job(house: House) -> str:
    path = f"/clients/{await house.categorised()}/part-time-work"
    return str((await house.done("routing", path, {"hoursPerWeek": 12, "incomePerMonth": 600}))["id"])


@_valid("routing", "correctPartTimeWork")
async def _correct_part_time_work(house: House) -> Ready:
    body = {"hoursPerWeek": 16, "incomePerMonth": 800, "reason": "Loonstrook"}
    return Ready({"work_id": await _job(house)}, body)


@_valid("routing", "endPartTimeWork")
async def _end_part_time_work(house: House) -> Ready:
    return Ready({"work_id": await _job(house)}, {})


@_valid("routing", "imposeMeasure")
async def _impose_measure(house: House) -> Ready:
    client = await house.categorised()
    await house.done("routing", f"/agreements/{await _broken(house, client)}/steps", {"step": "talk"})
    await _broken(house, client)
    body = {"ground": "Kwam niet", "percentage": 20, "startsOn": house.day(1), "endsOn": house.day(30)}
    return Ready({"client_id": client}, body)


@_valid("routing", "revertExit")
async def _revert_exit(house: House) -> Ready:
    return Ready({"exit_id": (await house.exit())[1]}, {"reason": "De verkeerde klant"})


@_valid("routing", "checkAllowances")
async def _check_allowances(house: House) -> Ready:
    return Ready({"exit_id": (await house.exit())[1]}, {})


@_valid("routing", "comeBack")
async def _come_back(house: House) -> Ready:
    return Ready({"client_id": (await house.exit())[0]}, {})


# Partners

_plain("partners", "listPartners", "listReferrals", "listGroups", "listEndpoints", "listDeliveries")
_plain("partners", "readDeliveryFigures")
_plain("partners", "readPartner", path={"partner_id": "woej"}, query={"municipality": LEIDSCHENDAM})
_plain(
    "partners", "registerEndpoint", path={"partner_id": "woej"},
    body={"municipality": LEIDSCHENDAM, "url": NOBODY_LISTENS, "events": ["nl.klantreizen.referral-sent"]},
)  # fmt: skip


@_valid("partners", "registerPartner")
async def _register_partner(_: House) -> Ready:
    body = {
        "municipality": VOORSCHOTEN, "id": f"p-{new_id()}", "name": "Taalhuis", "kind": "language_school",
        "capacity": 20, "limits": {"acknowledge": "5 days", "accept": "2 weeks", "start": "6 weeks"},
        "purposes": {"language": {"label": "Taal", "fields": ["name", "language"]}},
    }  # fmt: skip
    return Ready(body=body)


@_valid("partners", "readReferral")
async def _read_referral(house: House) -> Ready:
    return Ready({"referral_id": await house.referral()})


@_valid("partners", "assignReferral")
async def _assign_referral(house: House) -> Ready:
    [referral] = await house.referrals(1, LEIDSCHENDAM, partner=None, partner_kind="nobody")
    return Ready({"referral_id": referral}, {"partner": "woej"})


_ACCEPTED = ("acknowledgements", "acceptances")
_STARTED = (*_ACCEPTED, "starts")


def _of_referral(operation: str, steps: Sequence[str], body: Any) -> None:
    """A partner's answer, after these."""

    async def build(house: House) -> Ready:
        return Ready({"referral_id": await house.referral(*steps)}, body, partner="woej")

    _valid("partners", operation)(build)


_of_referral("acknowledgeReferral", (), {})
_of_referral("acceptReferral", ("acknowledgements",), {})
_of_referral("declineReferral", ("acknowledgements",), {"reason": "Geen plaats"})
_of_referral("startReferral", _ACCEPTED, {})
_of_referral("reportProgress", _STARTED, {"note": "Het gaat goed"})
_of_referral("holdReferral", _STARTED, {"reason": "Ziek"})
_of_referral("endReferral", _STARTED, {"outcome": "completed"})


@_valid("partners", "sendSignal")
async def _send_signal(house: House) -> Ready:
    body = {"referralId": await house.referral(*_STARTED), "signal": "ready_for_next_step"}
    return Ready(body=body, partner="woej")


@_valid("partners", "readGroup")
async def _read_group(house: House) -> Ready:
    return Ready({"group_id": (await house.group())["id"]})


@_valid("partners", "recordSession")
async def _record_session(house: House) -> Ready:
    group = await house.group()
    return Ready({"group_id": group["id"]}, {"attendedReferralIds": group["referralIds"][:9]})


@_valid("partners", "readEndpoint", "removeEndpoint", "approveEndpoint", "askConsent", "rotateSecret")
async def _endpoint(house: House) -> Ready:
    return Ready({"endpoint_id": await house.endpoint()})


@_valid("partners", "replayEndpoint")
async def _replay_endpoint(house: House) -> Ready:
    body = {"since": f"{house.day(-1)}T00:00:00Z", "until": f"{house.day(1)}T00:00:00Z"}
    return Ready({"endpoint_id": await house.endpoint(active=True)}, body)


@_valid("partners", "readDelivery", "replayDelivery")
async def _delivery(house: House) -> Ready:
    return Ready({"delivery_id": await house.delivery()})


# Reporting

for _operation in ("readFigures", "readTargets", "listClients"):
    _plain("reporting", _operation, query={"municipality": VOORSCHOTEN, "on": "2024-01-31"})
for _operation in ("readCaseload", "listHappenings"):
    _plain("reporting", _operation, query={"municipality": VOORSCHOTEN, "from": "2023-08-01", "to": "2024-01-31"})
_plain("reporting", "listReports")
_of_client("reporting", "readTimeline")
_plain(
    "reporting", "makeReport",
    body={"municipality": VOORSCHOTEN, "level": "council", "from": "2023-08-01", "to": "2024-01-31"},
)  # fmt: skip


@_valid("reporting", "readReport", "readReportPage")
async def _read_report(house: House) -> Ready:
    return Ready({"report_id": await house.report()})
