"""Partners as they are: they verify what they get, answer late, and now and then not at all."""

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

FAULTS = {4: "500", 9: "429", 13: "timeout", 17: "reset"}
"""Which of every twenty requests to a partner goes wrong, and how: at most one in a row, the same in every run."""
PERIOD = 20


@dataclass
class Ledger:
    """What one partner received, by its own account."""

    secret: str
    requests: Any = field(default_factory=lambda: itertools.count(1))
    received: Counter[str] = field(default_factory=Counter)
    """How often each `webhook-id` was taken in."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    """Requests whose signature did not hold, or whose body differed from an earlier one with the same id."""


class PartnerDesk:
    """The receiving end of all partners, one HTTP server with a path for each endpoint."""

    def __init__(self) -> None:
        self.ledgers: dict[str, Ledger] = {}
        self.told_of: set[str] = set()
        """Referrals and groups that a partner was told of."""
        app = web.Application()
        app.router.add_post("/{endpoint}", self._receive)
        self._runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close."""
        await self._runner.cleanup()

    def open(self, endpoint: str, secret: str) -> None:
        """Expect webhooks at this endpoint, signed with this secret."""
        self.ledgers[endpoint] = Ledger(secret)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        ledger = self.ledgers[request.match_info["endpoint"]]
        body = await request.read()
        fault = FAULTS.get(next(ledger.requests) % PERIOD)
        if fault:
            return await self._go_wrong(request, ledger, fault)
        try:
            event = Webhook(ledger.secret).verify(body, dict(request.headers))
        except (WebhookVerificationError, ValueError):
            ledger.refused += 1
            return web.Response(status=401)
        self._take_in(ledger, request.headers["webhook-id"], body, event)
        return web.Response(status=204)

    def _take_in(self, ledger: Ledger, message: str, body: bytes, event: dict[str, Any]) -> None:
        ledger.received[message] += 1
        if ledger.bodies.setdefault(message, body) != body:
            ledger.refused += 1
        self.told_of.add(event["subject"])

    async def _go_wrong(self, request: web.Request, ledger: Ledger, fault: str) -> web.StreamResponse:
        ledger.faults[fault] += 1
        if fault == "429":
            return web.Response(status=429, headers={"Retry-After": "60"})
        if fault == "timeout":
            await asyncio.sleep(30)
        if fault == "reset" and request.transport:
            request.transport.abort()
        return web.Response(status=500)
