"""All services together in one process on databases of their own."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from stdnum.nl import bsn

from chassis.asking import OtherService
from chassis.ids import new_id
from chassis.local import LocalBus
from chassis.security import Role
from chassis.settings import ServiceSettings
from contracts.routing import ReferralRequested
from intake.others import OverHttp
from opstap.services import DEFINITIONS
from opstap.system import KEYS
from partners.settings import PartnersSettings
from partners.webhooks.sender import Sender
from tests.support.databases import MakeDatabase
from tests.support.seeded.operations import Operation
from tests.support.service import ServiceUnderTest, migrated_database, running

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


def _neighbours(services: Mapping[str, ServiceUnderTest], stack: AsyncExitStack) -> Mapping[str, OtherService]:
    """Whom intake asks, within the process, with a token of its own."""
    token = Path(stack.enter_context(TemporaryDirectory())) / "token"
    token.write_text(services["intake"].token("service", sub=None, azp="intake")["Authorization"].partition(" ")[2])
    return {
        name: OtherService(
            name, "http://test", token, timeout=10.0, transport=httpx.ASGITransport(app=services[name].app)
        )
        for name in ("routing", "diagnosis")
    }


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
        services["intake"].app.state.others = OverHttp(_neighbours(services, stack))
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
