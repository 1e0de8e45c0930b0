"""Sends what is due until it arrives: no transaction is open while a receiver thinks, and no receiver slows another.

A delivery is leased before it is sent, so that of several instances one sends it, and another does when the first
died. What a dead instance sent without writing it down is sent again: same id, same bytes.
"""

import asyncio
import collections
import random
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import select

from chassis.background import Repeated
from chassis.bus import Pump
from chassis.outbox import source_of
from chassis.work import Office
from contracts.partners import GroupChanged, GroupFilled
from partners import signing
from partners.actions.endpoints import consent
from partners.settings import PartnersSettings
from partners.tables import Endpoint
from partners.vault import Vault
from partners.webhooks.addresses import Guard
from partners.webhooks.body import make_body
from partners.webhooks.ledger import Claimed, Ledger, Outcome
from partners.webhooks.post import CONTENT_TYPE, Postman
from partners.webhooks.schedule import Random

log = structlog.get_logger("webhooks")

LEASE_MARGIN = timedelta(seconds=15)
OTHERS_LEASE_POLL = 0.05
MEASURE_SECONDS = 15.0
MINUTE = timedelta(minutes=1)
OF_GROUPS = frozenset({GroupFilled.type(), GroupChanged.type()})

ATTEMPTS = Counter("opstap_webhook_attempts", "Attempts to deliver a webhook, by how they ended", ["outcome"])
UNDER_WAY = Gauge("opstap_webhooks_under_way", "Webhooks that are being sent")


class Sender:
    """The task that delivers webhooks; runs beside the app."""

    def __init__(self, settings: PartnersSettings, office: Office, *, random: Random = random.random) -> None:
        self._settings, self._office, self._random = settings, office, random
        self._vault = Vault.of(settings.partners_key.get_secret_value())
        self._origin = urlsplit(settings.public_url).hostname or "localhost"
        guard = Guard(settings.webhook_allowed_networks, development=settings.environment == "development")
        self._postman = Postman(guard, office.clock, timeout=settings.webhook_timeout)
        lease = timedelta(seconds=settings.webhook_timeout) + LEASE_MARGIN
        self._ledger = Ledger(office, self._body_of, lease=lease)
        self._pace = Pace(office.clock.wall)
        self._under_way: dict[asyncio.Task[None], Claimed] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []
        self._one_turn = asyncio.Lock()
        self._pump = Pump("webhooks", self._turn)
        self._gauge = Repeated("webhook figures", MEASURE_SECONDS, self._ledger.measure)

    async def start(self) -> None:
        """Send from now on."""
        self._pump.start()
        await self._gauge.start()

    async def stop(self) -> None:
        """Take no more, wait for the answers that are under way, and write them down."""
        await self._gauge.stop()
        await self._pump.stop()
        await asyncio.gather(*self._under_way, *self._handshakes, return_exceptions=True)
        if self._outcomes:
            await self._write_down()
        await self._postman.close()

    def alive(self) -> bool:
        """Whether it still sends."""
        return self._pump.alive()

    def wake(self) -> None:
        """There may be something due: a transaction committed, or the civil clock moved."""
        self._pump.wake()

    async def settle(self) -> bool:
        """Send until nothing is due now, and say whether anything was; what failed is due later."""
        busy = False
        while True:
            busy |= await self._turn()
            if self._under_way:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            elif self._handshakes:
                await asyncio.wait(self._handshakes)
            elif not self._outcomes:
                if not await self._ledger.anything_due():
                    return busy
                await asyncio.sleep(OTHERS_LEASE_POLL)

    async def _turn(self) -> bool:
        async with self._one_turn:
            wrote = bool(self._outcomes)
            if wrote:
                await self._write_down()
            await self._shake_hands()
            return await self._send_due() or wrote

    async def _send_due(self) -> bool:
        free = self._settings.webhook_slots - len(self._under_way)
        if free <= 0:
            return False
        slots = self._settings.webhook_slots_per_endpoint
        busy = collections.Counter(delivery.endpoint_id for delivery in self._under_way.values())
        claimed = await self._ledger.claim(busy | self._pace.taken(slots), slots=slots, free=free)
        for delivery in claimed:
            self._pace.sent(delivery.endpoint_id, delivery.rate)
            task = asyncio.create_task(self._send(delivery))
            self._under_way[task] = delivery
            task.add_done_callback(self._landed)
        UNDER_WAY.set(len(self._under_way))
        return bool(claimed)

    def _landed(self, task: "asyncio.Task[None]") -> None:
        del self._under_way[task]
        UNDER_WAY.set(len(self._under_way))
        if not task.cancelled() and task.exception() is not None:
            log.error("a webhook could not be sent", exc_info=task.exception())
        self.wake()

    async def _send(self, delivery: Claimed) -> None:
        at, sent_at = self._office.clock.now(), self._office.clock.wall()
        reply = await self._postman.post(delivery.url, delivery.body, self._headers(delivery, sent_at))
        ATTEMPTS.labels(reply.failure or "delivered").inc()
        self._outcomes.append(Outcome(delivery, reply, at, sent_at))

    async def _write_down(self) -> None:
        """Batches of outcomes; those that cannot be written wait for the next turn."""
        written, self._outcomes = self._outcomes, []
        try:
            await self._ledger.write_down(written, self._random)
        except BaseException:
            self._outcomes = written + self._outcomes
            raise

    async def _shake_hands(self) -> None:
        for endpoint_id, url in await self._ledger.to_be_asked():
            task = asyncio.create_task(self._ask(endpoint_id, url))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _ask(self, endpoint_id: UUID, url: str) -> None:
        answer = await self._postman.ask(url, {"WebHook-Request-Origin": self._origin}, self._origin)
        if not answer.given:
            return
        async with self._office.in_background() as work:
            endpoint = await work.session.scalar(select(Endpoint).where(Endpoint.id == endpoint_id).with_for_update())
            if endpoint is not None and endpoint.state == "pending":
                endpoint.rate = answer.rate
                await consent(work, endpoint, "handshake")
        self.wake()

    def _headers(self, delivery: Claimed, at: datetime) -> dict[str, str]:
        sealed = (delivery.secret, delivery.old_secret)
        keys = [self._vault.open(each, "secret", delivery.endpoint_id) for each in sealed if each is not None]
        headers = {"Content-Type": CONTENT_TYPE, "WebHook-Request-Origin": self._origin}
        headers |= signing.headers(delivery.event_id, at, delivery.body, keys)
        if delivery.access_token is not None:
            token = self._vault.open(delivery.access_token, "access_token", delivery.endpoint_id)
            headers["Authorization"] = f"Bearer {token}"
        if delivery.traceparent:
            headers["traceparent"] = delivery.traceparent
        return headers

    def _body_of(self, row: Any) -> bytes:
        collection = "groups" if row.event_type in OF_GROUPS else "referrals"
        base = f"{self._settings.public_url.rstrip('/')}/partners/v1"
        return make_body(
            event_id=row.event_id,
            source=source_of(self._settings.organisation, "partners"),
            type=row.event_type,
            subject=row.subject,
            municipality=row.municipality,
            sequence=row.sequence,
            recorded_at=row.recorded_at,
            data=row.data,
            dataref=f"{base}/{collection}/{row.subject}",
            traceparent=row.traceparent,
        )


class Pace:
    """Keeps each endpoint under the rate that its receiver allowed, in webhooks a minute of the wall clock."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._sent: dict[UUID, tuple[int, deque[datetime]]] = {}

    def sent(self, endpoint_id: UUID, rate: int | None) -> None:
        """One more went out."""
        if rate is None:
            self._sent.pop(endpoint_id, None)
            return
        _, moments = self._sent.get(endpoint_id, (rate, deque()))
        moments.append(self._wall())
        self._sent[endpoint_id] = rate, moments

    def taken(self, slots: int) -> collections.Counter[UUID]:
        """How many of its slots each endpoint must leave unused now, so that it gets no more than it allows."""
        since = self._wall() - MINUTE
        for _, moments in self._sent.values():
            while moments and moments[0] <= since:
                moments.popleft()
        return collections.Counter(
            {id: min(rate, slots) - (rate - len(moments)) for id, (rate, moments) in self._sent.items()}
        )
