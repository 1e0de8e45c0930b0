import asyncio
import base64
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Self
from uuid import UUID

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from chassis.ids import new_id
from contracts import Envelope, Event
from contracts.routing import ReferralRequested
from partners.app import SERVICE, create
from partners.settings import PartnersSettings
from partners.webhooks.schedule import DELAYS
from partners.webhooks.sender import Sender
from tests.support.databases import MakeDatabase
from tests.support.service import ServiceUnderTest, migrated_database, running

KEY = base64.b64encode(bytes(range(32))).decode()
WELFARE: dict[str, Any] = {"purpose": "participation", "partner_kind": "welfare"}
ONE_TO_ONE: dict[str, Any] = {"municipality": "GM1916", "partner": "woej", **WELFARE}
IN_GROUPS: dict[str, Any] = {"municipality": "GM0629", "partner": "vrijwilligerscentrale", **WELFARE}


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    body: bytes
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Behaviour = Callable[[web.Request], Any]


@dataclass
class Receiver:
    """Answers 204 unless told otherwise; what it is told holds for one request each."""

    received: list[Received] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    consent: dict[str, str] = field(default_factory=dict)
    behaviours: deque[Behaviour] = field(default_factory=deque)
    always: Behaviour | None = None
    port: int = 0
    most_at_once: int = 0
    _now: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        app.router.add_options("/hook", self._agree)
        self._runner = web.AppRunner(
            app, handle_signals=False, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def verify(self, secret: str) -> list[Any]:
        """What was received, each verified."""
        return [Webhook(secret).verify(each.body.decode(), each.headers) for each in self.received]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.received.append(Received(await request.read(), headers))
            behave = self.behaviours.popleft() if self.behaviours else self.always
            if behave is None:
                return web.Response(status=204)
            response: web.StreamResponse = await behave(request)
            return response
        finally:
            self._now -= 1

    async def _agree(self, request: web.Request) -> web.Response:
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(status=200, headers=self.consent)


def status(code: int, text: str = "", **headers: str) -> Behaviour:
    async def behave(_: web.Request) -> web.Response:
        return web.Response(status=code, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return behave


async def silence(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def late(_: web.Request) -> web.Response:
    await asyncio.sleep(0.1)
    return web.Response(status=202)


async def huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=200)
    await response.prepare(request)
    try:
        for _ in range(10_000):
            await response.write(b"x" * 10_000)
    except ConnectionError:
        pass
    return response


class PeopleOfIntake:
    """The identity port, answered by the test."""

    def __init__(self) -> None:
        self.people: dict[UUID, dict[str, Any]] = {}
        self.away = False
        self.asked: list[tuple[str, UUID, frozenset[str], str]] = []

    async def identity(
        self, municipality: str, client_id: UUID, fields: Collection[str], purpose: str
    ) -> Mapping[str, Any] | None:
        self.asked.append((municipality, client_id, frozenset(fields), purpose))
        return None if self.away else self.people.get(client_id)


class Partners:
    """The service under test, with what its tests say often."""

    def __init__(self, service: ServiceUnderTest, settings: PartnersSettings, people: PeopleOfIntake) -> None:
        self.service, self.settings, self.people = service, settings, people
        self.clock = service.clock
        self.get, self.post, self.done = service.get, service.post, service.done
        self.hear, self.said, self.token = service.hear, service.said, service.token
        self.senders: list[Sender] = []
        self.sender = self.another_sender()

    def another_sender(self, **settings: Any) -> Sender:
        """One more instance of the sender on the same database."""
        made = self.settings.model_copy(update=settings)
        sender = Sender(made, self.service.office, random=lambda: 0.0)
        self.senders.append(sender)
        return sender

    def as_partner(self, partner: str, municipality: str) -> dict[str, str]:
        return self.token("partner", partner=partner, sub=None, azp=partner, municipalities=(municipality,))

    @property
    def as_operator(self) -> dict[str, str]:
        return self.token("operator")

    async def refer(self, client: UUID | None = None, *, on: date | None = None, **asked: Any) -> UUID:
        """Routing asks for a referral; its id."""
        [(_, referral_id)] = await self.refer_all([client or new_id()], on=on, **asked)
        return referral_id

    async def refer_all(
        self, clients: Sequence[UUID], *, on: date | None = None, **asked: Any
    ) -> list[tuple[UUID, UUID]]:
        """Routing asks for many at once; each client with its referral."""
        told = {**ONE_TO_ONE, **asked}
        municipality = told.pop("municipality")
        asked_for = [(client, new_id()) for client in clients]
        day = on or self.clock.today()
        records = [
            self.service.record(
                new_id(),
                client,
                ReferralRequested(occurred_on=day, by="staff:s-1", referral_id=referral_id, **told),
                municipality,
            )
            for client, referral_id in asked_for
        ]
        await self.service.consumer.handle(records)
        return asked_for

    async def referral(self, id: UUID, **headers: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get(f"/referrals/{id}", **headers)).json()
        return found

    async def endpoint(
        self, receiver: Receiver, partner: str = "woej", municipality: str = "GM1916", **more: Any
    ) -> dict[str, Any]:
        """An approved endpoint; with its secret."""
        made = await self.pending_endpoint(receiver, partner, municipality, **more)
        await self.done(f"/endpoints/{made['id']}/approvals", headers=self.as_operator)
        return made

    async def pending_endpoint(
        self, receiver: Receiver, partner: str = "woej", municipality: str = "GM1916", **more: Any
    ) -> dict[str, Any]:
        body = {"municipality": municipality, "url": receiver.url, **more}
        return await self.done(f"/partners/{partner}/endpoints", body, headers=self.as_operator)

    async def deliveries(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.get("/deliveries", headers=self.as_operator, **query)
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def log(self, delivery: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            await self.get(f"/deliveries/{delivery['id']}", headers=self.as_operator)
        ).json()["log"]
        return found

    def wait(self, seconds: float) -> None:
        """Let civil time pass, without a sweep."""
        left = timedelta(seconds=seconds)
        while left:
            step = min(left, timedelta(hours=12))
            self.clock.move_to(self.clock.now() + step)
            left -= step

    async def attempts(self, number: int) -> None:
        """So many more attempts to deliver, each when it is due."""
        for delay in DELAYS[:number]:
            self.wait(delay.total_seconds())
            await self.sender.settle()

    async def types(self, client: UUID) -> list[str]:
        said: list[Envelope[Event]] = await self.said(subject=client)
        return [each.data.type().removeprefix("nl.klantreizen.") for each in said]


@pytest.fixture
async def partners(make_database: MakeDatabase) -> AsyncIterator[Partners]:
    urls = await migrated_database(make_database, "partners")
    people = PeopleOfIntake()
    made: list[PartnersSettings] = []

    def create_with_people(settings: PartnersSettings, office: Any, verifier: Any) -> Any:
        made.append(settings)
        return create(settings, office, verifier, identities=people)

    async with running(
        SERVICE.name, urls=urls, settings=SERVICE.settings, create=create_with_people,
        handlers=SERVICE.handlers, deadlines=SERVICE.deadlines, partners_key=KEY,
        webhook_allowed_networks=("127.0.0.0/8",), webhook_timeout=0.4,
    ) as service:  # fmt: skip
        partners = Partners(service, made[0], people)
        yield partners
        for sender in partners.senders:
            await sender.stop()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running_receiver:
        yield running_receiver
