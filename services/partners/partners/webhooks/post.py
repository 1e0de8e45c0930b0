"""One request to a receiver: what is sent, what comes back, and how to name what went wrong. Nothing is believed."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from yarl import URL

from chassis.clock import Clock
from partners.webhooks.addresses import ForbiddenAddress, Guard
from partners.webhooks.schedule import Failure, failure_of, retry_after

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
LARGEST_RESPONSE = 1000
"""Bytes of an answer that are read and kept."""


@dataclass(frozen=True)
class Reply:
    """How a request ended; `failure` is absent when the receiver took it."""

    status: int | None
    failure: Failure | None
    milliseconds: int
    retry_after: timedelta | None = None
    response: str | None = None


@dataclass(frozen=True)
class Consent:
    """What a receiver answered to the handshake."""

    given: bool
    rate: int | None = None


class Postman:
    """Carries requests over pooled connections that never lead into our own networks, and never further than asked."""

    def __init__(self, guard: Guard, clock: Clock, *, timeout: float) -> None:
        self._guard, self._clock, self._timeout = guard, clock, timeout
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send one webhook; never raises."""
        began = time.perf_counter()
        status: int | None = None
        try:
            self._allow(url)
            async with self._open().post(
                URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as answer:
                status, asked = answer.status, retry_after(answer.headers.get("Retry-After"), self._clock.wall())
                said = await _beginning(answer)
        except Exception as error:  # noqa: BLE001 - a receiver can go wrong in any way, and none may stop the sender
            return Reply(status, _failure(error), _since(began))
        return Reply(status, failure_of(status), _since(began), asked, said)

    async def ask(self, url: str, headers: Mapping[str, str], origin: str) -> Consent:
        """Ask a receiver by OPTIONS whether it wants our webhooks: only the header says so, whatever the status."""
        try:
            self._allow(url)
            async with self._open().options(URL(url, encoded=True), headers=headers, allow_redirects=False) as answer:
                allowed = answer.headers.get("WebHook-Allowed-Origin", "").strip().lower()
                return Consent(allowed in {"*", origin.lower()}, _rate(answer.headers.get("WebHook-Allowed-Rate")))
        except Exception:  # noqa: BLE001 - no answer is no consent, whatever the reason
            return Consent(given=False)

    async def close(self) -> None:
        """Give the connections up."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _allow(self, url: str) -> None:
        """An address in the URL itself is looked at here: dialling it needs no name to be resolved."""
        self._guard.check_form(url)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0, socket_factory=self._guard.socket, keepalive_timeout=30, ttl_dns_cache=60
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                headers={"User-Agent": "Opstap-Webhooks/1.0", "Accept-Encoding": "identity"},
            )
        return self._session


async def _beginning(answer: aiohttp.ClientResponse) -> str | None:
    """The first bytes of an answer; of one that goes on or breaks off, the connection is given up."""
    read = b""
    try:
        while len(read) <= LARGEST_RESPONSE and (part := await answer.content.read(LARGEST_RESPONSE + 1 - len(read))):
            read += part
    except (aiohttp.ClientError, TimeoutError):
        answer.close()  # the status came, and counts
    if len(read) > LARGEST_RESPONSE:
        answer.close()
    text = read[:LARGEST_RESPONSE].decode(errors="replace")
    return "".join(sign if sign.isprintable() else " " for sign in text) or None


def _failure(error: Exception) -> Failure:
    match error:
        case ForbiddenAddress() | ValueError() | aiohttp.ClientConnectorError(os_error=ForbiddenAddress()):
            return "forbidden_address"
        case asyncio.TimeoutError():
            return "timeout"
        case aiohttp.ClientConnectorError():
            return "other"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
            return "reset"
        case _:
            return "other"


def _rate(header: str | None) -> int | None:
    return int(header[:9]) if header and header.strip().isdecimal() else None


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
