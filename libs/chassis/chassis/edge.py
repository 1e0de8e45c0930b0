"""The outermost layer: what holds for every request and every answer, whatever happens inside."""

import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import trace
from chassis.logs import traced
from chassis.metrics import REQUESTS
from chassis.problems import Invalid, NotFound, Problem, TooLarge, render

log = structlog.get_logger("http")

SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_QUIET = ("/health/live", "/health/ready", "/metrics")


class Edge:
    """ASGI middleware: trace, headers, size limit, HEAD, the last resort for errors, one log line, one measurement."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        version: str,
        public_url: str,
        largest_body: int,
        larger_bodies: Mapping[str, int] | None = None,
    ) -> None:
        """`larger_bodies` has the limits of the few paths that read a larger body as it comes."""
        self._app = app
        self._service = service
        self._public_url = public_url
        self._prefix = f"{urlsplit(public_url).path.rstrip('/')}/{service}"
        self._largest_body = largest_body
        self._larger_bodies = dict(larger_bodies or {})
        self._headers = (*SECURITY_HEADERS, (b"api-version", version.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        scope = self._as_called(scope)
        sent = trace.follow(_header(scope, b"traceparent"))
        head = scope["method"] == "HEAD"
        headers = (*self._headers, (b"traceparent", sent.encode()))
        answer = _Answer(send, headers, prefix=self._prefix.encode(), without_body=head)
        inner = dict(scope, method="GET") if head else scope
        inner["state"] = dict(scope.get("state", {}))
        try:
            refused = self._refuse(scope)
            if refused is not None:
                await render(refused, self._public_url)(inner, receive, answer)
            else:
                await self._app(inner, self._limited(scope, receive), answer)
        except Exception as error:  # noqa: BLE001 - the last resort: nothing goes out but a problem
            log.error("unhandled", service=self._service, **traced(error))  # noqa: TRY400 - words may be about a person
            if answer.status == 0:
                await render(Problem(), self._public_url)(inner, receive, answer)
        finally:
            self._record(scope["method"], inner, answer.status or 499, time.perf_counter() - began)

    def _as_called(self, scope: Scope) -> Scope:
        """The request by the path that its sender knows: a gateway may have taken the name of the service off."""
        path = get_route_path(scope)
        own = path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else path
        return dict(scope, root_path=self._prefix, path=self._prefix + own)

    def _refuse(self, scope: Scope) -> Problem | None:
        """What needs no route to be refused."""
        length = _header(scope, b"content-length")
        if length and length.isdecimal() and int(length) > self._limit(scope):
            return self._too_large(scope)
        if "\0" in scope["path"]:
            return NotFound()
        if b"%00" in scope.get("query_string", b"") or b"\0" in scope.get("query_string", b""):
            return Invalid.at("#query", "holds a NUL character")
        return None

    def _limit(self, scope: Scope) -> int:
        return self._larger_bodies.get(get_route_path(scope), self._largest_body)

    def _too_large(self, scope: Scope) -> TooLarge:
        return TooLarge(f"A body holds at most {self._limit(scope)} bytes.")

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """The body as far as the limit: a sender may not say how long it will be."""
        received, limit = 0, self._limit(scope)

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise self._too_large(scope)
            return message

        return limited

    def _record(self, method: str, scope: Scope, status: int, seconds: float) -> None:
        route = _template(scope)
        known = method if method in _KNOWN_METHODS else "other"
        REQUESTS.labels(self._service, known, route, str(status)).observe(seconds)
        if route in _QUIET and status < 400:
            return
        token = scope["state"].get("token")
        log.info(
            "request",
            service=self._service,
            method=known,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            actor=token.actor if token else None,
            client=token.client if token else None,
            municipalities=sorted(token.municipalities) if token else None,
        )


class _Answer:
    """Sends an answer with our headers on it, and remembers its status; a `Location` is where its reader finds it."""

    def __init__(
        self, send: Send, headers: Iterable[tuple[bytes, bytes]], *, prefix: bytes, without_body: bool
    ) -> None:
        self.status = 0
        self._prefix = prefix
        self._send = send
        self._headers = tuple(headers)
        self._without_body = without_body

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = [self._followable(name.lower(), value) for name, value in message.get("headers", [])]
            present = {name for name, _ in own}
            added = [(name, value) for name, value in self._headers if name not in present]
            message = {**message, "headers": [*((n, v) for n, v in own if n != b"server"), *added]}
        elif self._without_body and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    def _followable(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        """A service names its resources by its own paths."""
        return name, self._prefix + value if name == b"location" and value.startswith(b"/v1/") else value


def _header(scope: Scope, name: bytes) -> str | None:
    for each, value in scope["headers"]:
        if each == name:
            return str(value.decode("latin-1"))
    return None


def _template(scope: Scope) -> str:
    """The route as it was declared, never as it was called: a path may name a person."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or "unknown"
