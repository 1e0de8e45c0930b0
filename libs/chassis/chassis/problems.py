"""Errors as RFC 9457 problems: the one place that decides status, type, title and what a client may know."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    NoResultFound,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from chassis import trace
from contracts.model import MUNICIPALITY

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that says what is wrong. A service's own problems extend one of those below with a slug and a title.

    `detail` is for the client and holds no personal data; `members` are further members of the document.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or f"{self.title}."
        self.headers = dict(headers or {})
        self.members = members


class Invalid(Problem):
    """The request is not what the API describes: all faults at once, each with a pointer to where it is."""

    status = 400
    slug = "invalid-request"
    title = "The request is not valid"

    def __init__(
        self, detail: str = "", *, errors: Sequence[Mapping[str, str]] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        members = {"errors": [dict(error) for error in errors]} if errors else {}
        super().__init__(detail, headers=headers, **members)

    @classmethod
    def at(cls, pointer: str, detail: str) -> "Invalid":
        """One fault at one place: `Invalid.at("#/startDate", "lies before the intake")`."""
        return cls(errors=[{"detail": detail, "pointer": pointer}])


class Unauthorized(Problem):
    """Nobody we know: no token, or one we do not trust."""

    status = 401
    slug = "unauthorized"
    title = "A valid access token is needed"


class Forbidden(Problem):
    """Somebody we know, who may not do this."""

    status = 403
    slug = "forbidden"
    title = "This is not allowed"


class NotFound(Problem):
    """There is no such thing, or none that the caller may know of."""

    status = 404
    slug = "not-found"
    title = "There is no such resource"


class MethodNotAllowed(Problem):
    """The resource exists and cannot do this."""

    status = 405
    slug = "method-not-allowed"
    title = "The resource does not know this method"


class NotAcceptable(Problem):
    """No representation that the client accepts."""

    status = 406
    slug = "not-acceptable"
    title = "There is no representation of this type"


class Conflict(Problem):
    """The request is sound and does not fit the state of things."""

    status = 409
    slug = "conflict"
    title = "The request does not fit the present state"


class PreconditionFailed(Problem):
    """Somebody else changed the resource meanwhile."""

    status = 412
    slug = "precondition-failed"
    title = "The resource was changed meanwhile"


class TooLarge(Problem):
    """The body is larger than the service reads."""

    status = 413
    slug = "too-large"
    title = "The request is too large"


class UnsupportedMediaType(Problem):
    """The body is of a type that is not read here."""

    status = 415
    slug = "unsupported-media-type"
    title = "The content type is not supported"


class Unprocessable(Problem):
    """An Idempotency-Key came back with another request. Invalid input is `Invalid`, never this."""

    status = 422
    slug = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another request"


class PreconditionRequired(Problem):
    """A change must say which version it changes."""

    status = 428
    slug = "precondition-required"
    title = "The request must carry If-Match"


class TooManyRequests(Problem):
    """More requests than the service takes."""

    status = 429
    slug = "too-many-requests"
    title = "Too many requests"


class Unavailable(Problem):
    """The service cannot do its work now; nothing was changed, or nothing that is known of."""

    status = 503
    slug = "unavailable"
    title = "The service is not available now"

    def __init__(self, detail: str = "", *, retry_after: int = 5, **members: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **members)


def catalogue() -> Iterator[type[Problem]]:
    """Every problem the running system knows, one per type URI."""
    waiting: list[type[Problem]] = [Problem]
    seen: set[str] = set()
    while waiting:
        problem = waiting.pop(0)
        waiting.extend(problem.__subclasses__())
        if problem.slug not in seen:
            seen.add(problem.slug)
            yield problem


def type_uri(problem: Problem | type[Problem], public_url: str) -> str:
    """The absolute URI that names a kind of problem."""
    return f"{public_url.rstrip('/')}/problems/{problem.slug}"


def render(problem: Problem, public_url: str) -> Response:
    """The problem as an answer."""
    document = {
        "type": type_uri(problem, public_url),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    trace_id = trace.trace_id()
    if trace_id:
        document["instance"] = UUID(hex=trace_id).urn
    body = json.dumps(document | problem.members, default=str).encode()
    return Response(body, problem.status, problem.headers, MEDIA_TYPE)


def of_http_exception(error: HTTPException) -> Problem:
    """What the framework raises by itself (404, 405, 400 on a body that is not JSON), as a problem of ours."""
    kinds = {
        kind.status: kind
        for kind in (
            NotFound,
            Unauthorized,
            Forbidden,
            MethodNotAllowed,
            TooLarge,
            UnsupportedMediaType,
            TooManyRequests,
        )
    }
    if error.status_code in kinds:
        return kinds[error.status_code](headers=error.headers)
    if 400 <= error.status_code < 500:
        return Invalid("The body could not be read.", errors=[{"detail": "is not JSON in UTF-8", "pointer": "#"}])
    return Unavailable() if error.status_code == 503 else Problem()


def of_validation(error: RequestValidationError) -> Invalid:
    """All faults of a request, each with a pointer: `#/name/family` in the body, `#query/limit` elsewhere."""
    faults = [_fault(each, error.body) for each in error.errors()]
    return Invalid(f"{len(faults)} fault{'s' if len(faults) > 1 else ''} in the request.", errors=faults)


def _fault(error: Mapping[str, Any], body: Any) -> dict[str, str]:
    place, *path = error["loc"]
    if error["type"] == "json_invalid":
        reason = (error.get("ctx") or {}).get("error", "syntax error")
        return {"detail": f"is not JSON: {reason} at character {path[0] if path else 0}", "pointer": "#"}
    detail = "is required" if error["type"] == "missing" else said_by(error)
    if place != "body":
        return {"detail": detail, "pointer": f"#{place}" + "".join(f"/{escape(part)}" for part in path)}
    return {"detail": detail, "pointer": pointer(_within(path, body, absent=error["type"] == "missing"))}


_IN_WORDS = dict.fromkeys((MUNICIPALITY, r"^GM[0-9]{4}$"), "is a CBS code: GM and four digits")
"""What is written where a pattern asks for it."""


def said_by(error: Mapping[str, Any]) -> str:
    """What a model found wrong: our own words as we wrote them, and Pydantic's for what it checks itself."""
    match error:
        case {"type": "value_error", "ctx": {"error": own}}:
            return str(own)
        case {"type": "string_pattern_mismatch", "ctx": {"pattern": pattern}} if pattern in _IN_WORDS:
            return _IN_WORDS[pattern]
        case {"type": "decimal_max_places", "ctx": {"decimal_places": most}}:
            return f"has more than {most} decimals"
        case {"type": "decimal_max_digits", "ctx": {"max_digits": most}}:
            return f"has more than {most} digits"
    return str(error["msg"])


def _within(path: Sequence[Any], body: Any, *, absent: bool) -> list[Any]:
    """The part of an error's place that lies in the body: without the names of union members."""
    found: list[Any] = []
    value = body
    for index, part in enumerate(path):
        last = index == len(path) - 1
        if isinstance(value, dict):
            if part in value:
                value = value[part]
            elif not (absent and last):
                continue
            found.append(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
            found.append(part)
    return found


def pointer(path: Sequence[Any]) -> str:
    """A JSON Pointer in URI fragment form."""
    return "#" + "".join(f"/{escape(part)}" for part in path)


def escape(part: Any) -> str:
    """One step of a JSON Pointer in a URI fragment."""
    text = str(part).replace("~", "~0").replace("/", "~1")
    return quote(text.encode("utf-8", "backslashreplace"), safe="~!$&'()*+,;=:@")


_CONFLICTS = {
    "23505": "It exists already.",
    "23P01": "It overlaps with what exists.",
    "23503": "It refers to something that is not there, or something refers to it.",
    "40001": "Somebody else changed the same at the same time; try again.",
    "40P01": "Somebody else changed the same at the same time; try again.",
    "55P03": "Somebody else is changing the same; try again.",
}
_TOO_FAR = frozenset({"22001", "22003", "22008", "22021", "22P05"})
_AWAY = ("08", "53", "57", "58", "3D", "28")


def of_exception(error: BaseException) -> Problem | None:
    """What went wrong between the service and its database, as a problem; None for what is a fault of ours."""
    match error:
        case Problem():
            problem: Problem | None = error
        case StaleDataError():
            problem = PreconditionFailed("Somebody else changed it at the same time; read it again.")
        case NoResultFound():
            problem = NotFound()
        case FileNotFoundError() | PermissionError():
            problem = None
        case PoolTimeout() | DisconnectionError() | InterfaceError() | OSError() | asyncio.TimeoutError():
            problem = Unavailable()
        case DBAPIError():
            problem = _of_database(error)
        case _:
            problem = _of_state(getattr(error, "sqlstate", None))
    return problem


def _of_database(error: DBAPIError) -> Problem | None:
    if error.connection_invalidated:
        return Unavailable()
    cause: BaseException | None = error.orig
    while cause is not None:
        problem = _of_state(getattr(cause, "sqlstate", None))
        if problem:
            return problem
        if isinstance(cause, (OSError, asyncio.TimeoutError)):
            return Unavailable()
        if isinstance(cause, (UnicodeError, OverflowError)):
            return Invalid("A value lies outside what can be stored.")
        cause = cause.__cause__
    return None


def _of_state(state: str | None) -> Problem | None:
    if not state:
        return None
    if state in _CONFLICTS:
        return Conflict(_CONFLICTS[state])
    if state == "42501":
        return Forbidden("It lies outside the municipalities of the access token.")
    if state in _TOO_FAR:
        return Invalid("A value lies outside what can be stored.")
    if state.startswith(_AWAY):
        return Unavailable()
    return None
