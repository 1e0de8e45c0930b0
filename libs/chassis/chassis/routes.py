"""The route of a service: permission first, then one request as one transaction.

>>> router = APIRouter(route_class=ServiceRoute, tags=["clients"])
>>>
>>> @router.get("/clients/{client_id}", dependencies=[allow(Role.CASEWORKER)])
>>> async def read_client(client_id: UUID, work: WorkInHand, caller: Caller) -> ClientAnswer: ...
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import APIRoute
from sqlalchemy.orm.exc import StaleDataError
from starlette.responses import Response

from chassis import idempotency, sight
from chassis.logs import traced
from chassis.problems import (
    Invalid,
    NotAcceptable,
    PreconditionFailed,
    UnsupportedMediaType,
    of_exception,
    pointer,
)
from chassis.security import Permission, Token, TokenVerifier, declared_permission, derive_key
from chassis.settings import ServiceSettings
from chassis.work import Office, Work

log = structlog.get_logger("routes")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class Service:
    """What the routes of an app share; it stands in `app.state.service`."""

    name: str
    version: str
    office: Office
    settings: ServiceSettings
    verifier: TokenVerifier
    cursor_key: bytes
    answer_key: Callable[[bytes], bytes]

    @classmethod
    def of(
        cls, name: str, version: str, office: Office, settings: ServiceSettings, verifier: TokenVerifier
    ) -> "Service":
        """A service with the keys that it derives from its settings."""
        return cls(
            name=name,
            version=version,
            office=office,
            settings=settings,
            verifier=verifier,
            cursor_key=derive_key(settings, "cursor"),
            answer_key=partial(derive_key, settings, "answer"),
        )


def service_of(request: Request) -> Service:
    """The service that answers a request."""
    service: Service = request.app.state.service
    return service


class _Undo(Exception):
    """Leaves the transaction without a commit, with an answer."""

    def __init__(self, response: Response) -> None:
        self.response = response


def _undo_unless_done(response: Response) -> None:
    if response.status_code >= 400:
        raise _Undo(response)


class ServiceRoute(APIRoute):
    """Checks permission, headers and body, then runs the endpoint in one transaction.

    It commits when the answer is below 400 and rolls back otherwise; the answer leaves after the commit. When somebody
    changed a row at the same moment it runs anew, on what stands there now: an If-Match is refused with who it was.
    """

    def get_route_handler(self) -> Handler:
        """FastAPI's own handler, with our rules around it."""
        handle = super().get_route_handler()
        permission = declared_permission(self)
        media_types = frozenset(_media_types(self))
        reads_json = self.body_field is not None and "form" not in type(self.body_field.field_info).__name__.lower()

        async def answer(request: Request) -> Response:
            if permission is None:
                raise RuntimeError(f"{self.path} declares no permission")
            token = await permission.check(request, service_of(request).verifier)
            _check_accept(request, media_types)
            body = await request.body()  # before a connection is taken: a slow sender holds up nobody
            if body and reads_json:
                _check_content_type(request)
                _refuse_nul(body)
            if token is None:
                return await handle(request)
            request.state.token = token
            return await _carried_out(request, token, handle)

        return answer


_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between two looks whether the same request is still being carried out; no connection is held meanwhile."""


async def _carried_out(request: Request, token: Token, handle: Handler) -> Response:
    """The answer; of two who do the same at the same moment, the second waits for the first."""
    stale = False
    pauses = iter(_PAUSES)
    while True:
        try:
            return await _in_one_transaction(request, token, handle)
        except StaleDataError:
            if stale:
                raise PreconditionFailed("Others keep changing it at the same time; read it again.") from None
            stale = True
        except idempotency.StillRunning:
            pause = next(pauses, None)
            if pause is None:
                raise
            await asyncio.sleep(pause)


async def _in_one_transaction(request: Request, token: Token, handle: Handler) -> Response:
    service = service_of(request)
    key = idempotency.key_of(request) if request.method == "POST" else None
    try:
        async with service.office.for_municipalities(token.municipalities, token.actor) as work:
            await sight.narrow(work.session, token, work.policies, work.today, work.clock.wall())
            request.state.work = work
            act: Callable[[], Awaitable[Response]] = partial(handle, request)
            if key is None:
                response = await act()
            else:
                response = await idempotency.once(work.session, request, token, key, secret=service.answer_key, act=act)
            _undo_unless_done(response)
    except _Undo as undone:
        return undone.response
    except StaleDataError:
        raise
    except Exception as error:
        problem = of_exception(error)
        if problem is None or problem is error:
            raise
        log.warning("refused below the route", status=problem.status, **traced(error))
        raise problem from error
    return response


def location(request: Request, *parts: object) -> str:
    """Where a new resource stands, for the Location header: under the collection that it was posted to."""
    return "/".join((request.url.path, *map(str, parts)))


async def work_in_hand(request: Request) -> Work:
    """The unit of work of the request."""
    work: Work | None = getattr(request.state, "work", None)
    if work is None:
        raise RuntimeError("a public route has no transaction")
    return work


WorkInHand = Annotated[Work, Depends(work_in_hand)]
"""The unit of work, as a parameter of an endpoint."""


def permission_of(route: APIRoute) -> Permission:
    """The permission of a route; ValueError when it has none, or is not a ServiceRoute and so checks nothing."""
    permission = declared_permission(route)
    methods = ",".join(sorted(route.methods or ()))
    if permission is None:
        raise ValueError(f"{methods} {route.path} declares no permission: give it allow(..) or public()")
    if not isinstance(route, ServiceRoute):
        raise TypeError(f"{methods} {route.path} is no ServiceRoute: make its router with route_class=ServiceRoute")
    return permission


def _media_types(route: APIRoute) -> Iterator[str]:
    """What a route can answer with."""
    chosen = route.response_class
    response_class = chosen.value if isinstance(chosen, DefaultPlaceholder) else chosen
    yield response_class.media_type or "application/json"
    for status, described in route.responses.items():
        if str(status).startswith("2"):
            yield from described.get("content", {})


def _check_accept(request: Request, media_types: frozenset[str]) -> None:
    """NotAcceptable when none of what the client accepts is among what the route gives; parameters are left aside."""
    accept = ",".join(request.headers.getlist("accept"))
    if not accept:
        return
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        refused = any(each.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for each in parameters)
        if refused or not name:
            continue
        if name == "*/*" or name in media_types:
            return
        kind, _, subtype = name.partition("/")
        if subtype == "*" and any(each.startswith(f"{kind}/") for each in media_types):
            return
    raise NotAcceptable(f"It can be had as {', '.join(sorted(media_types))}.")


def _check_content_type(request: Request) -> None:
    name, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charset = [each.partition("=")[2].strip('"') for each in parameters if each.startswith("charset")]
    json_type = name == "application/json" or (name.startswith("application/") and name.endswith("+json"))
    if not json_type or any(each not in {"utf-8", "utf8"} for each in charset):
        raise UnsupportedMediaType("The body must be application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.")


def _refuse_nul(body: bytes) -> None:
    """PostgreSQL stores no NUL character in a text; find every one, wherever it is."""
    if b"\\u0000" not in body:
        return
    try:
        faults = list(_nuls(json.loads(body), ()))
    except (ValueError, RecursionError):
        return  # not JSON at all, which FastAPI's handler says better
    if faults:
        found = [{"detail": "holds a NUL character", "pointer": pointer(path)} for path in faults]
        raise Invalid("A text holds a character that cannot be stored.", errors=found)


def _nuls(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, str):
        if "\0" in value:
            yield path
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _nuls(each, (*path, index))
    elif isinstance(value, dict):
        for name, each in value.items():
            if "\0" in name:
                yield (*path, name)
            yield from _nuls(each, (*path, name))
