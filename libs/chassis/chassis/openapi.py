"""The OpenAPI document, finished: it says what the chassis does, and lints clean by the Dutch API design rules."""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.etags import if_match
from chassis.pagination import page_request
from chassis.problems import (
    MEDIA_TYPE,
    Conflict,
    Forbidden,
    Invalid,
    NotAcceptable,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)
from chassis.routes import permission_of

CONTACT = {
    "name": "Opstap API team",
    "url": "https://opstap.example/contact",
    "email": "api-team@opstap.example",
}
LICENSE = {"name": "EUPL-1.2", "url": "https://joinup.ec.europa.eu/collection/eupl/eupl-text-eupl-12"}

LANGUAGE = (
    "Names in this API are English, by the project's glossary, which is the official one for this project."
    " Every error is `application/problem+json` (RFC 9457). A POST takes an `Idempotency-Key`, a text in double"
    " quotes: the same request with the same key within 24 hours is carried out once and gets the first answer;"
    " an answer of 400 and up changed nothing and is not kept. A collection is read by `cursor` and `limit`."
)

SCHEME = "accessToken"
KEY = r'^"([ !#-\[\]-~]|\\["\\]){1,255}"$'
IF_MATCH = r'^(\*|(W/)?"[!#-~]*"( ?, ?(W/)?"[!#-~]*")*)$'
VERBS = ("get", "put", "post", "patch", "delete")

VERSION_HEADER = {"description": "The full version of this API", "schema": {"type": "string", "examples": ["1.0.0"]}}
PROBLEM_REFERENCE = {"$ref": "#/components/schemas/Problem"}
PROBLEM_SCHEMA = {
    "type": "object",
    "title": "Problem",
    "description": "What is wrong, by RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind of problem"},
        "title": {"type": "string", "description": "The kind of problem in words"},
        "status": {"type": "integer", "description": "The HTTP status"},
        "detail": {"type": "string", "description": "What is wrong this time"},
        "instance": {"type": "string", "format": "uri", "description": "This occurrence, for support"},
        "errors": {
            "type": "array",
            "description": "Every fault of an invalid request",
            "items": {
                "type": "object",
                "required": ["detail", "pointer"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "A JSON Pointer into the request"},
                },
            },
        },
        "changedBy": {"type": "string", "description": "Of a refused If-Match: who changed it last"},
        "changedAt": {"type": "string", "format": "date-time", "description": "Of a refused If-Match: when"},
        "changes": {
            "type": "array",
            "description": "Of a refused If-Match: what was changed since the version that was named, oldest first",
            "items": {
                "type": "object",
                "required": ["version", "changedBy", "changedAt", "fields"],
                "properties": {
                    "version": {"type": "integer"},
                    "changedBy": {"type": "string"},
                    "changedAt": {"type": "string", "format": "date-time"},
                    "fields": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}


def described(description: str) -> str:
    """A service's description, and what holds for all of them."""
    return f"{description.strip()}\n\n{LANGUAGE}"


def finish(document: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    """The framework's document with our answers, headers, permissions and paths."""
    document["info"] |= {"contact": CONTACT, "license": LICENSE}
    paths = {path.removeprefix("/v1"): item for path, item in document["paths"].items()}
    routes = {
        (each.path_format.removeprefix("/v1"), method.lower()): each.original_route
        for each in iter_route_contexts(app.routes)
        if isinstance(each.original_route, APIRoute) and each.path_format
        for method in each.methods or ()
    }
    for path, verb, operation in _operations(paths):
        _finish_operation(operation, path, verb, routes[path, verb])
    paths["/openapi.json"] = {"get": _openapi_operation()}
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["schemas"] = {_pascal(name): schema for name, schema in schemas.items()}
    document["components"] = _readable(components)
    document["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
    document["components"]["securitySchemes"] = {
        SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An OAuth 2 access token by the NL GOV profile; `roles` and `municipalities` say what for",
        }
    }
    document["paths"] = _readable(paths)
    tags = sorted({tag for _, _, operation in _operations(paths) for tag in operation["tags"]})
    document["tags"] = [{"name": tag} for tag in tags]
    return document


def _operations(paths: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in paths.items():
        for verb in VERBS:
            if verb in item:
                yield path, verb, item[verb]


def _finish_operation(operation: dict[str, Any], path: str, verb: str, route: APIRoute) -> None:
    permission = permission_of(route)
    roles = sorted(permission.roles or ())
    calls = set(_calls(route.dependant))
    operation["operationId"] = route.operation_id or _camel(route.name)
    operation.setdefault("tags", ["general"])
    operation["description"] = operation.get("description") or f"{operation['summary']}."
    operation["security"] = [{SCHEME: roles}] if roles else []
    if roles:
        operation["description"] += f"\n\nFor: {', '.join(f'`{role}`' for role in roles)}."
    headers = []
    if if_match in calls:
        headers.append(_header("If-Match", "The ETag of the version that is changed", IF_MATCH, required=True))
    if verb == "post" and roles:
        headers.append(_header("Idempotency-Key", 'A text in double quotes, such as a UUID: `"8e03978e-.."`', KEY))
    if headers:
        operation["parameters"] = [*operation.get("parameters", []), *headers]
    answers = operation["responses"]
    answers.pop("422", None)
    for problem in _problems(operation, path, verb, secured=bool(roles), conditional=if_match in calls):
        answers.setdefault(str(problem.status), _problem_answer(problem))
    for status, answer in answers.items():
        _finish_answer(answer, status, paged=page_request in calls)


def _finish_answer(answer: dict[str, Any], status: str, *, paged: bool) -> None:
    headers = answer.setdefault("headers", {})
    headers["API-Version"] = VERSION_HEADER
    if status.startswith(("4", "5")):
        answer["content"] = {MEDIA_TYPE: answer.get("content", {}).get(MEDIA_TYPE, {"schema": PROBLEM_REFERENCE})}
    elif paged:
        headers["Link"] = {"description": "The next page, when there is one", "schema": {"type": "string"}}


def _calls(dependant: Dependant) -> Iterator[Any]:
    """Every dependency of a route."""
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)


def _problems(
    operation: dict[str, Any], path: str, verb: str, *, secured: bool, conditional: bool
) -> Iterator[type[Problem]]:
    yield Invalid
    if secured:
        yield from (Unauthorized, Forbidden)
    yield NotAcceptable
    if "{" in path:
        yield NotFound
    if verb != "get":
        yield Conflict
    if "requestBody" in operation:
        yield from (TooLarge, UnsupportedMediaType)
    if verb == "post" and secured:
        yield Unprocessable
    if conditional:
        yield from (PreconditionFailed, PreconditionRequired)
    yield from (Problem, Unavailable)


def _problem_answer(problem: type[Problem]) -> dict[str, Any]:
    return {
        "description": problem.title,
        "content": {MEDIA_TYPE: {"schema": PROBLEM_REFERENCE}},
    }


def _header(name: str, description: str, pattern: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", "maxLength": 600, "pattern": pattern},
    }


def _openapi_operation() -> dict[str, Any]:
    """The document describes where it stands itself, as version 2.1 of the design rules asked."""
    return {
        "tags": ["operations"],
        "summary": "This document",
        "description": "This document, for everybody.",
        "operationId": "readOpenapi",
        "security": [],
        "responses": {
            "200": {
                "description": "The OpenAPI document",
                "headers": {
                    "API-Version": VERSION_HEADER,
                    "access-control-allow-origin": {"description": "Everybody", "schema": {"type": "string"}},
                },
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    }


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found.group(1).upper(), name)


def _pascal(name: str) -> str:
    """A schema's name: `Items_NoteAnswer_` of a generic model is `ItemsNoteAnswer`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def _readable(value: Any) -> Any:
    """A part of the document with the names of schemas as they are now, and null as the linter of the rules reads it.

    `anyOf: [{type: string, ..}, {type: null}]` becomes `type: [string, null]`.
    """
    if isinstance(value, list):
        return [_readable(each) for each in value]
    if not isinstance(value, dict):
        return value
    finished = {name: _readable(each) for name, each in value.items()}
    reference = finished.get("$ref")
    if isinstance(reference, str):
        place, _, name = reference.rpartition("/")
        return {**finished, "$ref": f"{place}/{_pascal(name)}"}
    choices = finished.get("anyOf")
    if isinstance(choices, list) and len(choices) == 2 and {"type": "null"} in choices:
        other = next(each for each in choices if each != {"type": "null"})
        if isinstance(other.get("type"), str) and "enum" not in other and "const" not in other:
            del finished["anyOf"]
            return {**finished, **other, "type": [other["type"], "null"]}
    return finished
