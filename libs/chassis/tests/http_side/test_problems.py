"""Whatever is wrong, the answer is a problem that says so, and nothing of the inside."""

import io
import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.problems import catalogue, escape
from tests.support.answers import assert_headers, assert_problem, valid
from tests.support.notes import Notes


async def test_every_error_is_a_problem_with_its_own_status_and_all_headers(notes: Notes, municipality: str) -> None:
    staff = notes.bearer(municipalities=[municipality])
    http = notes.http
    note = valid(municipality)
    answers = {
        400: await http.post("/v1/notes", json={}, headers=staff),
        401: await http.get("/v1/notes"),
        403: await http.get("/v1/notes", headers=notes.bearer("council_reader")),
        404: await http.get("/v1/nowhere", headers=staff),
        405: await http.delete("/v1/notes", headers=staff),
        406: await http.get("/v1/notes", headers=staff | {"Accept": "text/xml"}),
        409: await http.put(
            "/v1/civil-clock", json={"moment": "2000-01-01T00:00:00Z"}, headers=notes.bearer("operator")
        ),
        413: await http.post("/v1/notes", content=b" " * 2_000_000, headers=staff),
        415: await http.post("/v1/notes", content=b"<note/>", headers=staff | {"Content-Type": "text/xml"}),
        500: await http.get("/v1/faults", headers=staff),
    }
    made = await http.post("/v1/notes", json=note, headers=staff | {"Idempotency-Key": '"problems-1"'})
    other = note | {"title": "Another"}
    answers[422] = await http.post("/v1/notes", json=other, headers=staff | {"Idempotency-Key": '"problems-1"'})
    place = made.headers["location"]
    answers[428] = await http.put(place, json={"text": "x"}, headers=staff)
    answers[412] = await http.put(place, json={"text": "x"}, headers=staff | {"If-Match": '"99"'})
    for status, answer in answers.items():
        assert_problem(answer, status)
        assert_headers(answer)


async def test_good_answers_carry_the_headers_too(notes: Notes) -> None:
    for path in ("/v1/greetings", "/v1/openapi.json", "/health/live", "/health/ready", "/metrics"):
        answer = await notes.http.get(path)
        assert answer.status_code == 200, path
        assert_headers(answer)


async def test_all_faults_of_a_body_are_told_at_once_with_a_pointer_to_each(notes: Notes, municipality: str) -> None:
    body = {
        "title": "x" * 300,
        "writtenOn": "05-01-2026",
        "readAt": "2026-01-05T10:00:00",
        "stars": -1,
        "author": {"familyName": "", "shoeSize": 43},
    }
    answer = await notes.http.post("/v1/notes", json=body, headers=notes.bearer(municipalities=[municipality]))
    errors = assert_problem(answer, 400)["errors"]
    assert {error["pointer"] for error in errors} == {
        "#/municipality", "#/title", "#/writtenOn", "#/readAt", "#/stars", "#/author/familyName", "#/author/shoeSize",
    }  # fmt: skip
    assert all(error["detail"] for error in errors)


async def test_faults_of_query_and_path_have_pointers_of_their_own(notes: Notes) -> None:
    staff = notes.bearer()
    answer = await notes.http.get("/v1/notes", params={"limit": 100_000, "writtenOn": "yesterday"}, headers=staff)
    assert {e["pointer"] for e in assert_problem(answer, 400)["errors"]} == {"#query/limit", "#query/writtenOn"}
    answer = await notes.http.get("/v1/notes/seven", headers=staff)
    assert [e["pointer"] for e in assert_problem(answer, 400)["errors"]] == ["#path/note_id"]


async def test_an_unexpected_error_says_nothing_of_the_inside(notes: Notes, logged: io.StringIO) -> None:
    answer = await notes.http.get("/v1/faults", headers=notes.bearer())
    problem = assert_problem(answer, 500)
    assert problem["detail"] == "Something went wrong."
    for secret in ("Vries", "123456782", "RuntimeError", "Traceback", ".py"):
        assert secret not in answer.text
    assert "Vries" not in logged.getvalue()
    assert "123456782" not in logged.getvalue()
    line = next(json.loads(line) for line in logged.getvalue().splitlines() if '"unhandled"' in line)
    assert line["error"] == ["RuntimeError"]
    assert any("notes.py" in place for place in line["where"])
    assert problem["instance"].replace("-", "").endswith(line["trace_id"])


BAD_BODIES = [
    b'{"title": "a\\u0000b"}',
    b'{"title": "a\x00b"}',
    b'{"title": "\\ud800"}',
    b'{"title": "\xff\xfe"}',
    b'{"\\u0000": 1}',
    b'{"\\ud800": 1}',
    b'{"more": {"deep": ["fine", "not\\u0000fine"]}}',
    b'{"stars": 99999999999999999999999999}',
    b'{"stars": ' + b"9" * 5000 + b"}",
    b'{"stars": 1e400}',
    b'{"stars": NaN}',
    b'{"writtenOn": "0000-00-00"}',
    b'{"writtenOn": "9999-12-31"}',
    b'{"writtenOn": "0001-01-01"}',
    b'{"writtenOn": 0}',
    b'{"readAt": "9999-12-31T23:59:59-14:00"}',
    b"[" * 100_000,
    b"null",
    b'"text"',
    b"[]",
    b"{",
    b"\xef\xbb\xbf{}",
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:40]))
async def test_what_cannot_be_stored_or_read_is_invalid_and_never_a_fault_of_ours(
    notes: Notes, municipality: str, body: bytes
) -> None:
    if body.startswith(b'{"') and b"\xff" not in body:
        whole = json.dumps(valid(municipality))[:-1].encode() + b", " + body[1:]
    else:
        whole = body
    headers = notes.bearer(municipalities=[municipality]) | {"Content-Type": "application/json"}
    assert_problem(await notes.http.post("/v1/notes", content=whole, headers=headers), 400)


async def test_a_nul_character_is_pointed_at_wherever_it_is(notes: Notes, municipality: str) -> None:
    body = valid(municipality, title="a\0b", more={"list": ["fine", "\0"], "a/b": "\0"})
    answer = await notes.http.post("/v1/notes", json=body, headers=notes.bearer(municipalities=[municipality]))
    pointers = [error["pointer"] for error in assert_problem(answer, 400)["errors"]]
    assert pointers == ["#/title", "#/more/list/1", "#/more/a~1b"]


@pytest.mark.parametrize(
    "path",
    ["/v1/notes/%00", "/v1/notes/%FF%FE", "/v1/notes?title=%00", "/v1/notes?title=%ED%A0%80", "/v1/numbers/1e9",
     "/v1/numbers/9223372036854775808", "/v1/numbers/-99999999999999999999999", "/v1/notes?limit=" + "9" * 5000,
     "/v1/notes?cursor=%00", "/v1/%00", "/v1/notes?%00=1"],
)  # fmt: skip
async def test_odd_paths_and_queries_are_invalid_or_not_there(notes: Notes, path: str) -> None:
    answer = await notes.http.get(path, headers=notes.bearer())
    assert answer.status_code in {200, 400, 404}, answer.text
    if answer.status_code != 200:
        assert_problem(answer, answer.status_code)
    assert answer.status_code != 200 or "%ED" in path  # which is read as replacement characters


@given(body=st.binary(max_size=200))
async def test_no_body_at_all_breaks_the_service(notes: Notes, body: bytes) -> None:
    headers = notes.bearer() | {"Content-Type": "application/json"}
    answer = await notes.http.post("/v1/notes", content=body, headers=headers)
    assert_problem(answer, 400)


@given(text=st.text(alphabet=st.characters(codec=None), max_size=20))
def test_a_pointer_can_be_read_back(text: str) -> None:
    written = unquote(escape(text)).replace("~1", "/").replace("~0", "~")
    assert written == text.encode("utf-8", "backslashreplace").decode()


def test_each_kind_of_problem_has_one_type_and_one_title() -> None:
    slugs: dict[str, tuple[int, str]] = {}
    for problem in catalogue():
        assert slugs.setdefault(problem.slug, (problem.status, problem.title)) == (problem.status, problem.title)
    assert {status for status, _ in slugs.values()} >= {400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 503}
