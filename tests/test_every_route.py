"""Every route of every service: for whom it is, and that its document keeps the Dutch API design rules (ADR 2.2).

The rules are the official linter's, with what that linter forgets.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.clock import MachineClock
from chassis.database import Database
from chassis.problems import said_by
from chassis.routes import permission_of
from chassis.security import FixedKeys, Role, TokenVerifier
from chassis.work import Office
from opstap.documents import NO_SECRETS, NOWHERE
from opstap.issuer import Issuer
from opstap.services import DEFINITIONS
from policy import Library
from tests.support.answers import assert_headers, assert_problem
from tests.support.seeded import DOCUMENTS, OPERATIONS, Operation

PUBLIC = {"/health/live", "/health/ready", "/metrics", "/v1/openapi.json"}
"""All that anybody may call."""

KEBAB = re.compile(r"(/([a-z0-9]+(-[a-z0-9]+)*|\{[a-z_]+\}|openapi\.json))+")
CAMEL = re.compile(r"[a-z][a-z\d]*([A-Z][a-z\d]*)*")
PASCAL = re.compile(r"[A-Z][A-Za-z0-9]*")
SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
A_DAY_OR_MOMENT = re.compile(r"date|datum|.*(Date|Datum|On|At|Since|Until|Moment)|on|since|until|at|from|to|moment")
VERBS = {
    "add", "allow", "assess", "assign", "cancel", "change", "close", "confirm", "correct", "create", "decide",
    "delete", "do", "end", "exit", "fetch", "file", "find", "get", "import", "list", "make", "merge", "move", "new",
    "post", "prepare", "put", "read", "record", "refer", "register", "remove", "replay", "retry", "return", "revert",
    "run", "save", "search", "send", "set", "show", "start", "store", "submit", "update", "withdraw", "write",
    "aanmaken", "ophalen", "opslaan", "registreren", "verwijderen", "wijzigen", "zoeken",
}  # fmt: skip
SINGULAR = {
    "category": "the client's, of which there is one at a time",
    "civil-clock": "there is one",
    "caseload": "one figure",
    "extract": "what of a client another municipality needs, of which there is one",
    "identity": "who the client is",
    "journey": "each client has one",
    "page": "the report, as a page",
    "part-time-work": "has no plural",
    "staff": "has no plural",
    "worklist": "somebody's day, of which there is one",
    "timeline": "each client has one",
    "transfer-file": "each client who moved has one",
    "clients-without-caseworker": "a list of clients, by what they lack",
    "openapi.json": "this document",
}
"""Segments that are no plural, with the reason."""
NEVER_IN_A_URL = {"bsn", "name", "naam", "birthdate", "geboortedatum", "email", "phone", "address", "familyname"}

each_service = pytest.mark.parametrize("service", DEFINITIONS)
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
each_secured = pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.roles], ids=str)


class Lobby:
    """The five apps without a database: whoever is turned away at the door needs none."""

    def __init__(self, folder: Path) -> None:
        self.issuer = Issuer(folder)
        self.apps: dict[str, FastAPI] = {}
        for name, each in DEFINITIONS.items():
            settings = each.settings(
                database_url=NOWHERE, background_database_url=NOWHERE, policies=folder, public_url="https://opstap.test",
                environment="development", movable_clock=True, jwks=self.issuer.jwks_file, **NO_SECRETS,
            )  # fmt: skip
            verifier = TokenVerifier(
                issuer=self.issuer.url,
                audience=self.issuer.audience,
                keys=FixedKeys.from_file(self.issuer.jwks_file),
            )
            office = Office(Database(NOWHERE, NOWHERE), MachineClock(), Library({}))
            self.apps[name] = each.create(settings, office, verifier)
        self.http = {
            name: httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")
            for name, app in self.apps.items()
        }

    async def call(self, operation: Operation, *, verb: str | None = None, **more: Any) -> httpx.Response:
        path = re.sub(r"\{\w+\}", "00000000-0000-0000-0000-000000000000", operation.path)
        return await self.http[operation.service].request(verb or operation.verb, f"/v1{path}", **more)

    def token(self, role: Role) -> dict[str, str]:
        partner = "woej" if role is Role.PARTNER else None
        return {"Authorization": f"Bearer {self.issuer.issue('s-1', [role.value], ['GM0626'], partner=partner)}"}


@pytest.fixture(scope="module")
async def lobby(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lobby]:
    made = Lobby(tmp_path_factory.mktemp("lobby"))
    yield made
    for http in made.http.values():
        await http.aclose()


@each_service
async def test_every_route_declares_for_whom_it_is(lobby: Lobby, service: str) -> None:
    found = set()
    for each in iter_route_contexts(lobby.apps[service].routes):
        if isinstance(each.original_route, APIRoute):
            roles = permission_of(each.original_route).roles
            found |= {each.path_format} if roles is None else set()
        else:
            found.add(getattr(each.original_route, "path", "?"))
    assert found == PUBLIC


@each_service
async def test_what_is_public_is_in_no_other_document_and_needs_no_token(lobby: Lobby, service: str) -> None:
    assert {each.path for each in OPERATIONS if each.service == service and not each.roles} == {"/openapi.json"}
    for path in PUBLIC - {"/health/ready"}:
        answer = await lobby.http[service].get(path)
        assert answer.status_code in {200, 503}, path
        assert_headers(answer)
    assert (await lobby.http[service].get("/v1/openapi.json")).headers["access-control-allow-origin"] == "*"


@each_secured
async def test_without_a_token_nobody_passes(lobby: Lobby, operation: Operation) -> None:
    for verb in {operation.verb, "head"} if operation.verb == "get" else {operation.verb}:
        answer = await lobby.call(operation, verb=verb)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert_headers(answer)
    assert_problem(await lobby.call(operation), 401)


@each_secured
async def test_each_role_that_is_not_named_is_refused(lobby: Lobby, operation: Operation) -> None:
    assert set(operation.roles) <= {role.value for role in Role}
    for role in set(Role) - {Role(each) for each in operation.roles}:
        answer = await lobby.call(operation, headers=lobby.token(role))
        assert_problem(answer, 403)
        assert_headers(answer)


@each_operation
async def test_a_slash_at_the_end_and_a_method_that_is_not_there_are_refused(
    lobby: Lobby, operation: Operation
) -> None:
    path = re.sub(r"\{\w+\}", "00000000-0000-0000-0000-000000000000", operation.path)
    slash = await lobby.http[operation.service].request(operation.verb, f"/v1{path}/")
    assert_problem(slash, 404)
    assert "location" not in slash.headers
    assert_headers(slash)
    trace = await lobby.call(operation, verb="TRACE")
    assert_problem(trace, 405)
    assert operation.verb.upper() in trace.headers["allow"]
    assert ("HEAD" in trace.headers["allow"]) == any(
        each.verb == "get" and (each.service, each.path) == (operation.service, operation.path) for each in OPERATIONS
    )
    assert_headers(trace)


@each_service
def test_the_document_says_what_it_is(service: str) -> None:
    document = DOCUMENTS[service]
    assert re.fullmatch(r"3(\.\d+){1,2}", document["openapi"])
    assert SEMVER.fullmatch(document["info"]["version"])
    assert set(document["info"]["contact"]) >= {"name", "url", "email"}
    assert document["info"]["description"]
    assert document["servers"]
    for server in document["servers"]:
        assert re.fullmatch(r"https://[^/]+/.*v1", server["url"]), server
    tags = [each["name"] for each in document["tags"]]
    assert len(tags) == len(set(tags))
    identifiers = [each.id for each in OPERATIONS if each.service == service]
    assert len(identifiers) == len(set(identifiers))
    assert all(CAMEL.fullmatch(each) for each in identifiers)
    assert all(PASCAL.fullmatch(name) for name in document["components"]["schemas"])


@each_operation
def test_each_path_is_made_of_plural_nouns(operation: Operation) -> None:
    assert KEBAB.fullmatch(operation.path)
    for segment in operation.path.strip("/").split("/"):
        if segment.startswith("{"):
            continue
        assert segment.endswith("s") or segment in SINGULAR, f"{segment} is no plural"
        assert segment.split("-")[0] not in VERBS - {"part"}, f"{segment} is a verb"
    assert operation.verb in {"get", "put", "post", "patch", "delete"}


@each_operation
def test_each_parameter_is_declared_and_names_no_person(operation: Operation) -> None:
    parameters = operation.document.get("parameters", [])
    in_path = {each["name"] for each in parameters if each["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))
    for each in parameters:
        assert "schema" in each
        if each["in"] == "query":
            assert CAMEL.fullmatch(each["name"]), each["name"]
        if each["in"] in {"query", "path"}:
            assert each["name"].replace("_", "").lower() not in NEVER_IN_A_URL
    assert not {each["name"].lower() for each in parameters if each["in"] == "header"} & NEVER_IN_A_URL


@each_operation
def test_each_answer_is_described(operation: Operation) -> None:
    document = DOCUMENTS[operation.service]
    answers = operation.document["responses"]
    assert operation.document["summary"]
    assert operation.document["description"]
    assert operation.document["tags"]
    for status, answer in answers.items():
        assert answer["description"]
        assert "API-Version" in answer["headers"], status
        if status >= "400":
            schema = _resolved(document, answer["content"]["application/problem+json"]["schema"])
            assert {"status", "title", "detail"} <= schema["properties"].keys()
            assert list(answer["content"]) == ["application/problem+json"]
    takes_input = operation.verb in {"post", "put", "patch"} or operation.document.get("parameters")
    assert "400" in answers or not takes_input
    assert "422" not in answers or any(
        each["name"] == "Idempotency-Key" for each in operation.document.get("parameters", [])
    )
    assert {"401", "403"} <= answers.keys() or not operation.roles
    assert "404" in answers or "{" not in operation.path
    assert answers.keys() & {"200", "201", "202", "204"}


@each_operation
def test_a_creation_is_answered_with_its_place_or_its_result(operation: Operation) -> None:
    statuses = {status for status in operation.document["responses"] if status.startswith("2")}
    allowed = {
        "get": [{"200"}], "put": [{"200"}], "patch": [{"200"}], "delete": [{"204"}],
        "post": [{"201"}, {"200"}, {"202"}, {"200", "201"}],
    }  # fmt: skip
    assert statuses in allowed[operation.verb]


@each_service
def test_days_and_moments_have_their_format(service: str) -> None:
    for place, name, schema in _properties(DOCUMENTS[service]["components"]["schemas"], "#"):
        said = _resolved(DOCUMENTS[service], schema)
        types = said.get("type", "string")
        if A_DAY_OR_MOMENT.fullmatch(name) and "string" in (types if isinstance(types, list) else [types]):
            assert "format" in said, f"{place}: {name} {schema}"
        if name.endswith(("On", "Date")) or name in {"on", "date"}:
            assert said.get("format") != "date-time", f"{place}: {name} is a day, not a moment"
        if name.endswith("At"):
            assert said.get("format") != "date", f"{place}: {name} is a moment, not a day"
        assert said.get("format") not in {"time", "date-time-local"}, f"{place}: {name}"


@each_service
def test_a_municipality_is_asked_for_in_words(service: str) -> None:
    patterns = set(re.findall(r'"pattern": "(\^GM[^"]*)"', json.dumps(DOCUMENTS[service])))
    for pattern in patterns:
        written = json.loads(f'"{pattern}"')
        error = {"type": "string_pattern_mismatch", "msg": "?", "ctx": {"pattern": written}}
        assert said_by(error) == "is a CBS code: GM and four digits", written


@each_service
def test_names_of_properties_are_camel_case(service: str) -> None:
    of_policy = {"facts", "Facts", "Exemption", "IdentityAnswer"}
    for place, name, _ in _properties(DOCUMENTS[service]["components"]["schemas"], "#"):
        assert CAMEL.fullmatch(name) or of_policy & set(place.split("/")), f"{place}: {name}"


@each_service
def test_every_reference_in_a_document_leads_somewhere(service: str) -> None:
    for reference in _references(DOCUMENTS[service]):
        assert _resolved(DOCUMENTS[service], {"$ref": reference}), reference


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _properties(value: Any, place: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        for name, schema in value.get("properties", {}).items():
            if isinstance(schema, dict):
                yield place, name, schema
        for name, each in value.items():
            yield from _properties(each, f"{place}/{name}")
    elif isinstance(value, list):
        for each in value:
            yield from _properties(each, place)
