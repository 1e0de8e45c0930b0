"""One address for the services that run as processes, as a municipality's gateway gives them: and the issuer beside.

What a service does not answer is asked again with the same body and the same Idempotency-Key, as clients are told to.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route

from chassis.app import server
from opstap.issuer import Issuer
from opstap.postgres import free_port
from tests.support.waiting import eventually

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding", "date"})
AWAY = frozenset({502, 503, 504})
STILL_RUNNING = b"/problems/idempotency-key-in-use"
PAUSE = 0.1


class Gateway:
    """Forwards `/{service}/..` to the service, and serves `/issuer`."""

    def __init__(self, issuer_of: Callable[[str], Issuer], *, patience: float = 60.0) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.issuer = issuer_of(f"{self.url}/issuer")
        self.services: dict[str, str] = {}
        """The address of each service."""
        self.under_way: Counter[str] = Counter()
        """How many requests each service has not answered yet."""
        self.answered = 0
        """How many requests were answered so far."""
        self.repeats: Counter[str] = Counter()
        """Why a request was sent again, and how often."""
        self._patience = patience
        routes = [
            Mount("/issuer", self.issuer.app()),
            Route("/{service}/{path:path}", self._forward, methods=METHODS),
        ]
        self._server = server(Starlette(routes=routes), host="127.0.0.1", port=self.port)
        self._serving: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            auto_decompress=False, timeout=aiohttp.ClientTimeout(total=60), connector=aiohttp.TCPConnector(limit=200)
        )
        self._serving = asyncio.create_task(self._server.serve())
        await eventually(lambda: self._server.started)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving:
            await self._serving
        if self._session:
            await self._session.close()

    async def _forward(self, request: Request) -> Response:
        service = request.path_params["service"]
        self.under_way[service] += 1
        try:
            return await self._until_answered(request, await request.body())
        finally:
            self.under_way[service] -= 1
            self.answered += 1

    async def _until_answered(self, request: Request, body: bytes) -> Response:
        give_up = time.monotonic() + self._patience
        while True:
            answer = await self._ask(request, body)
            if isinstance(answer, Response) or time.monotonic() > give_up:
                return answer if isinstance(answer, Response) else Response(f"no answer: {answer}", 504)
            if request.method == "POST" and "idempotency-key" not in request.headers:
                return Response(f"not sent again without an Idempotency-Key: {answer}", 504)
            self.repeats[answer] += 1
            await asyncio.sleep(PAUSE)

    async def _ask(self, request: Request, body: bytes) -> Response | str:
        """The answer, or why the request is to be sent again."""
        assert self._session
        url = f"{self.services[request.path_params['service']]}/{request.path_params['path']}"
        headers = [(name, value) for name, value in request.headers.items() if name not in HOP_BY_HOP]
        try:
            answer = await self._session.request(
                request.method, url, params=request.query_params.multi_items(), headers=headers, data=body or None,
                allow_redirects=False,
            )  # fmt: skip
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            if answer.content_type == "text/event-stream":
                return StreamingResponse(_as_it_comes(answer), answer.status, kept)
            async with answer:
                said = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__
        if answer.status in AWAY or (answer.status == 409 and STILL_RUNNING in said):
            return str(answer.status)
        return Response(said, answer.status, kept)


async def _as_it_comes(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """A stream, until either side ends it."""
    async with answer:
        with suppress(aiohttp.ClientError, TimeoutError):
            async for some in answer.content.iter_any():
                yield some
