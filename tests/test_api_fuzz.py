"""Every operation reaches its success, and no input whatever brings one down.

`make fuzz` tries a thousand examples of each operation; OPSTAP_FUZZ_SEED repeats a run.
"""

import copy
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema

from chassis.choices import CACHED
from tests.support.answers import SECURITY, assert_headers
from tests.support.databases import MakeDatabase
from tests.support.seeded import DOCUMENTS, OPERATIONS, VALID, House, Operation, Ready, house_of

EXAMPLES = int(os.environ.get("OPSTAP_FUZZ_EXAMPLES", "50"))
SEED = int(os.environ.get("OPSTAP_FUZZ_SEED", "20240201"))

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]

ODD: list[Any] = [
    None, True, 0, -1, 0.5, 10**30, -(2**63) - 1, 1e308, "", " ", "\0", "a\0b", "\ud800", "\U0001f9d1", "\u202e", "'",
    "%s", "x" * 100_000, "0000-00-00", "0001-01-01", "9999-12-31", "2024-02-30", "1899-12-31", "2200-01-01",
    "2024-02-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00",
    "00000000-0000-0000-0000-000000000000", "GM0000", [], {}, [None], [[]], {"": None}, ["x"] * 1000,
]  # fmt: skip
"""What stands between a sound request and a fault: out of range, not storable, of another kind, or nothing at all."""

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture(scope="module")
async def house(make_database: MakeDatabase) -> AsyncIterator[House]:
    async with house_of(make_database) as made:
        yield made


@pytest.fixture(scope="module")
def described() -> dict[str, OpenApiSchema]:
    """The documents, as Schemathesis reads them; every request has a token."""
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    return {name: schemathesis.openapi.from_dict(each, config=config) for name, each in DOCUMENTS.items()}


def test_each_operation_has_a_request_that_succeeds() -> None:
    there = {(each.service, each.id) for each in OPERATIONS}
    assert there - VALID.keys() == set(), "give these a builder in tests/support/seeded/"
    assert VALID.keys() - there == set(), "these operations are gone"


@each_operation
async def test_each_operation_reaches_its_success(house: House, operation: Operation) -> None:
    answer = await house.send(operation, await house.ready(operation))
    assert answer.is_success, f"{answer.status_code} {answer.text}"
    _assert_safe(answer)
    await house.settle()
    assert await house.parked() == []


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.verb == "get"], ids=str)
async def test_head_is_answered_as_get_without_a_body(house: House, operation: Operation) -> None:
    ready = await house.ready(operation)
    got, head = await house.send(operation, ready), await house.send(operation, ready, verb="HEAD")
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    _assert_safe(head)


@each_operation
async def test_no_input_brings_an_operation_down(
    house: House, described: Mapping[str, OpenApiSchema], operation: Operation
) -> None:
    """What comes in at random is answered as the document says, and what is not as described is refused."""
    ready = await house.ready(operation)
    token = house.headers(operation.service, ready.partner)
    wrong: dict[str, str] = {}
    for case in _examples(described[operation.service][operation.path][operation.verb], ready):
        answer = await _send(house.services[operation.service].http, case, token)
        try:
            case.validate_response(answer, checks=CHECKS)
            _faults_have_a_place(answer)
        except (AssertionError, FailureGroup) as failure:
            wrong.setdefault(f"{type(failure).__name__} {answer.status_code}", f"{failure}")
    assert not wrong, "\n\n".join((f"OPSTAP_FUZZ_SEED={SEED}", *wrong.values()))


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "requestBody" in each.document], ids=str)
async def test_no_odd_value_in_a_sound_request_brings_an_operation_down(
    house: House, described: Mapping[str, OpenApiSchema], operation: Operation
) -> None:
    """The request that succeeds, with each of its values in turn replaced: so what is odd comes in as far as it can."""
    sound = await house.ready(operation)
    token = house.headers(operation.service, sound.partner)
    described_here = described[operation.service][operation.path][operation.verb]
    wrong = []
    for place, content in _odd_bodies(sound.body):
        headers = {"Content-Type": "application/json", **token, **sound.headers}
        path = operation.path.format_map(sound.path)
        answer = await house.services[operation.service].http.request(
            operation.verb, f"/v1{path}", content=content, params=dict(sound.query), headers=headers
        )
        case = described_here.Case(path_parameters=dict(sound.path), media_type=headers["Content-Type"])
        try:
            case.validate_response(answer, checks=CHECKS[:-1])
            _faults_have_a_place(answer)
        except (AssertionError, FailureGroup) as failure:
            wrong.append(f"{place}: {answer.status_code} {failure}")
    assert not wrong, "\n\n".join(wrong)


def _odd_bodies(body: Any) -> Iterator[tuple[str, bytes]]:
    """A body with one value replaced by something odd, for each value and each oddity; or a file with odd cells."""
    if isinstance(body, str):
        head, line = body.encode().splitlines()
        for odd in (b'"', b"\0", b"\xed\xa0\x80", b"\xff", b"x" * 10_000, b",,,,,,"):
            yield f"line {odd!r}"[:40], head + b"\n" + line + odd + b"\n"
            yield f"head {odd!r}"[:40], head + odd + b"\n" + line + b"\n"
        return
    whole: tuple[str, Callable[[Any], Any]] = ("#", lambda value: value)
    for place, put in (whole, *_places(body, whole[1])):
        for odd in ODD:
            yield f"{place} {odd!r}"[:60], json.dumps(put(odd)).encode()


def _places(value: Any, whole: Callable[[Any], Any], place: str = "#") -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Every place in a body, with what puts another value there."""
    inner = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, each in inner:

        def put(other: Any, key: Any = key) -> Any:
            changed = copy.copy(value)
            changed[key] = other
            return whole(changed)

        yield f"{place}/{key}", put
        yield from _places(each, put, f"{place}/{key}")


def _examples(operation: APIOperation[Any, Any, Any, Any], ready: Ready) -> list[Case[Any]]:
    """Examples of an operation, as described and not as described, most of them on what is there."""
    there = [dict(ready.path)] if ready.path else []
    ways = [
        operation.as_strategy(generation_mode=mode, path_parameters=path)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for path in (*there, None)
    ]
    found: list[Case[Any]] = []
    for strategy in ways:

        @seed(SEED)
        @settings(
            max_examples=max(EXAMPLES // len(ways), 1), database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(strategy)
        def collect(case: Case[Any]) -> None:
            found.append(case)

        try:
            collect()
        except Unsatisfiable:
            continue  # nothing of this operation can be wrong in this way
    return found


async def _send(http: httpx.AsyncClient, case: Case[Any], token: Mapping[str, str]) -> httpx.Response:
    request = case.as_transport_kwargs(base_url="http://test/v1", headers=dict(token))
    del request["cookies"]
    if isinstance(request.get("data"), (bytes, str)):
        request["content"] = request.pop("data")
    return await http.request(**request)


def _assert_safe(answer: httpx.Response) -> None:
    """The headers of every answer; a web page allows its own style sheet besides, and nothing else.

    Only what forms offer, which is about nobody, may be kept by who asked.
    """
    strict = SECURITY["content-security-policy"].split("; ")
    policy = answer.headers["content-security-policy"].split("; ")
    if answer.headers["content-type"].startswith("text/html"):
        assert {each.split()[0] for each in policy} - {each.split()[0] for each in strict} == {
            "style-src", "base-uri", "form-action"
        }  # fmt: skip
        assert set(strict) <= set(policy)
        answer.headers["content-security-policy"] = SECURITY["content-security-policy"]
    if answer.request.url.path.endswith("/v1/choices"):
        assert answer.headers["cache-control"] == CACHED
        answer.headers["cache-control"] = SECURITY["cache-control"]
    assert_headers(answer)


def _faults_have_a_place(answer: httpx.Response) -> None:
    """A 400 names every fault with a JSON Pointer, and those of a file by their lines."""
    if answer.status_code == 400 and "refused" in answer.json():
        assert all(each["line"] > 1 and each["detail"] for each in answer.json()["refused"])
    elif answer.status_code == 400:
        assert answer.json()["errors"], answer.text
        assert all(each["pointer"].startswith("#") and each["detail"] for each in answer.json()["errors"]), answer.text
