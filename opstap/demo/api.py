"""How the demonstration speaks to Opstap: over HTTP, with tokens of the development issuer, as front-ends would."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

import aiohttp

SECONDS_TO_KEEP = 2
"""An idle connection is kept for less long than the server keeps it, so that none is used while it is being closed."""
TRIES = 5
UNAVAILABLE, SECONDS_TO_RECOVER = 503, 1.0
"""What is unavailable now is asked again a little later."""


class Refused(RuntimeError):
    """The system did not do what the story asked; the message holds the whole answer."""


class Api:
    """A front-end's connection to all services."""

    def __init__(self, url: str, *, repeatable: bool = False) -> None:
        """With `repeatable` every POST carries an Idempotency-Key, so that it can be sent again after a failure."""
        self.url = url
        self._repeatable = repeatable
        self.calls = 0
        self._tokens: dict[tuple[Any, ...], str] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32, keepalive_timeout=SECONDS_TO_KEEP),
            timeout=aiohttp.ClientTimeout(total=120),
        )
        self._keys = itertools.count(1)

    async def close(self) -> None:
        """Hang up."""
        await self._session.close()

    async def token(
        self, roles: Sequence[str], municipalities: Sequence[str], *, sub: str | None = None, partner: str | None = None
    ) -> str:
        """A token of the development issuer, asked for once."""
        known = (*roles, *municipalities, sub, partner)
        if known not in self._tokens:
            form = {"roles": " ".join(roles), "municipalities": " ".join(municipalities), "client_id": "demo"}
            form |= {name: value for name, value in (("sub", sub), ("partner", partner)) if value}
            async with self._session.post(f"{self.url}/issuer/token", data=form) as answer:
                self._tokens[known] = (await answer.json())["access_token"]
        return self._tokens[known]

    async def call(
        self, method: str, service: str, path: str, token: str, body: Any = None, *, may_be: Sequence[int] = ()
    ) -> dict[str, Any]:
        """One request under /v1 of a service; Refused when it fails with another status than may be."""
        self.calls += 1
        headers = {"Authorization": f"Bearer {token}"}
        if method == "POST" and self._repeatable:
            headers["Idempotency-Key"] = f'"demo-{next(self._keys)}"'
        if method == "PATCH":
            headers["If-Match"] = "*"
        content = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        if isinstance(body, bytes):
            headers["Content-Type"] = "text/csv"
        url = f"{self.url}/{service}/v1{path}"
        status, text = await self._answer(method, url, headers=headers, **content)
        if status >= 400 and status not in may_be:
            raise Refused(f"{method} {service}{path} {body!r}: {status} {text}")
        found: dict[str, Any] = json.loads(text) if text.startswith("{") else {}
        return {**found, "status_code": status}

    async def _answer(self, method: str, url: str, **request: Any) -> tuple[int, str]:
        """Status and body; what can be sent again safely is, when the connection broke, or somebody was too busy."""
        tries = TRIES if self._repeatable or method != "POST" else 1
        while True:
            tries -= 1
            try:
                async with self._session.request(method, url, **request) as answer:
                    if not (tries and method == "GET" and answer.status == UNAVAILABLE):
                        return answer.status, await answer.text()
                await asyncio.sleep(SECONDS_TO_RECOVER)
            except aiohttp.ClientConnectionError:
                if not tries:
                    raise

    async def text(self, service: str, path: str, token: str, accept: str = "text/html") -> str:
        """A page under /v1 of a service, or what else it is asked for, as text."""
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        status, page = await self._answer("GET", f"{self.url}/{service}/v1{path}", headers=headers)
        if status >= 400:
            raise Refused(f"GET {service}{path}: {status} {page}")
        return page
