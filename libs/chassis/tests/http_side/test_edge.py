"""What holds for every request, before and after anybody's own code."""

import asyncio
import json
from collections.abc import AsyncIterator
from io import StringIO

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message

from chassis.app import server
from opstap.postgres import free_port
from tests.support.answers import assert_headers, assert_problem, valid
from tests.support.notes import FRONT_END, Notes

WANTED = "authorization,idempotency-key,if-none-match,last-event-id"


async def test_head_answers_as_get_without_the_body(notes: Notes, municipality: str) -> None:
    staff = notes.bearer(municipalities=[municipality])
    made = await notes.http.post("/v1/notes", json=valid(municipality), headers=staff)
    for path in (made.headers["location"], "/v1/notes", "/v1/openapi.json", "/health/ready"):
        got, head = await notes.http.get(path, headers=staff), await notes.http.head(path, headers=staff)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-length"] == got.headers["content-length"]
        assert head.headers.get("etag") == got.headers.get("etag")
        assert_headers(head)
    assert (await notes.http.head("/v1/notes")).status_code == 401


async def test_a_method_that_is_not_there_names_those_that_are(notes: Notes) -> None:
    for method in ("DELETE", "PATCH", "PUT", "OPTIONS", "TRACE", "BREW"):
        answer = await notes.http.request(method, "/v1/notes", headers=notes.bearer())
        assert_problem(answer, 405)
        assert answer.headers["allow"] == "GET, HEAD, POST"
    answer = await notes.http.post(f"/v1/notes/{'0' * 32}", headers=notes.bearer())
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"
    assert (await notes.http.head("/v1/refusals", headers=notes.bearer())).status_code == 405


async def test_a_page_of_an_allowed_origin_may_call_and_no_other(notes: Notes, municipality: str) -> None:
    staff = notes.bearer(municipalities=[municipality])
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": WANTED}
    preflight = await notes.http.options("/v1/notes", headers={"Origin": FRONT_END, **asked})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == FRONT_END
    assert "POST" in preflight.headers["access-control-allow-methods"]
    answer = await notes.http.get("/v1/notes", headers={**staff, "Origin": FRONT_END})
    assert answer.headers["access-control-allow-origin"] == FRONT_END
    assert {"API-Version", "ETag", "Link"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    for stranger in ("https://desk.example.evil", "null", "http://desk.example"):
        answer = await notes.http.get("/v1/notes", headers={**staff, "Origin": stranger})
        assert "access-control-allow-origin" not in answer.headers
        refused = await notes.http.options("/v1/notes", headers={"Origin": stranger, **asked})
        assert "access-control-allow-origin" not in refused.headers
    described = await notes.http.get("/v1/openapi.json", headers={"Origin": "https://anybody.example"})
    assert described.headers["access-control-allow-origin"] == "*"


async def test_a_trailing_slash_is_another_place_where_nothing_is(notes: Notes) -> None:
    for path in ("/v1/notes/", "/v1/events/", "/v1/openapi.json/", "/health/live/", "/v1/", "/v1", "/"):
        answer = await notes.http.get(path, headers=notes.bearer("operator"))
        assert_problem(answer, 404)
        assert "location" not in answer.headers


async def test_the_callers_trace_goes_on_and_a_broken_one_is_begun_anew(notes: Notes) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await notes.http.get("/v1/greetings", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    version, same, span, _ = answer.headers["traceparent"].split("-")
    assert (version, same) == ("00", trace)
    assert span != "00f067aa0ba902b7"
    for broken in ("nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{trace}-00f067aa0ba902b7-01"):
        answer = await notes.http.get("/v1/greetings", headers={"traceparent": broken})
        assert answer.headers["traceparent"].split("-")[1] not in {trace, "0" * 32}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200), ("application/json", 200), ("application/*;q=0.5", 200),
        ("text/html, application/json;q=0.1", 200),
        ("APPLICATION/JSON; charset=utf-8", 200), ("", 200), ("text/html", 406), ("application/json;q=0", 406),
        ("application/xml, image/*", 406),
    ],
)  # fmt: skip
async def test_what_the_client_accepts_is_what_it_gets_or_nothing(notes: Notes, accept: str, status: int) -> None:
    answer = await notes.http.get("/v1/greetings", headers={"Accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"] in {"application/json", "application/problem+json"}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201), ("application/json; charset=UTF-8", 201), ("application/merge-patch+json", 201),
        ("application/json; charset=latin1", 415), ("text/plain", 415), ("multipart/form-data; boundary=x", 415),
        ("", 415), ("json", 415),
    ],
)  # fmt: skip
async def test_a_body_is_json_in_utf_8(notes: Notes, municipality: str, content_type: str, status: int) -> None:
    headers = notes.bearer(municipalities=[municipality]) | {"Content-Type": content_type}
    content = json.dumps(valid(municipality)).encode()
    answer = await notes.http.post("/v1/notes", content=content, headers=headers)
    assert answer.status_code == status


async def test_a_compressed_body_is_refused(notes: Notes, municipality: str) -> None:
    headers = notes.bearer(municipalities=[municipality]) | {"Content-Encoding": "gzip"}
    assert_problem(await notes.http.post("/v1/notes", json=valid(municipality), headers=headers), 415)


async def test_a_body_that_does_not_say_its_size_is_cut_off(notes: Notes) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    headers = notes.bearer() | {"Content-Type": "application/json"}
    assert_problem(await notes.http.post("/v1/notes", content=endless(), headers=headers), 413)
    assert sent < 2_000_000


async def test_the_log_has_one_line_per_request_without_what_was_asked(
    notes: Notes, municipality: str, logged: StringIO
) -> None:
    staff = notes.bearer(municipalities=[municipality])
    await notes.http.get("/v1/notes", params={"title": "De Vries"}, headers=staff)
    await notes.http.get("/v1/notes/123456782", headers=staff)
    await notes.http.get("/v1/de-vries-123456782", headers=staff)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/notes", 200), ("/notes/{note_id}", 400), ("unknown", 404),
    ]  # fmt: skip
    assert lines[0]["actor"] == "staff:jan"
    assert lines[0]["municipalities"] == [municipality]
    assert lines[0]["time"].endswith("Z")
    assert all(line["trace_id"] for line in lines)
    for secret in ("123456782", "Vries", staff["Authorization"].removeprefix("Bearer ")):
        assert secret not in logged.getvalue()


async def test_requests_are_measured_by_route_template(notes: Notes, municipality: str) -> None:
    await notes.http.get("/v1/notes/123456782", headers=notes.bearer(municipalities=[municipality]))
    await notes.http.request("BREW", "/v1/notes/123456782")
    metrics = (await notes.http.get("/metrics")).text
    assert 'route="/notes/{note_id}"' in metrics
    assert 'method="other"' in metrics
    assert "123456782" not in metrics
    assert "BREW" not in metrics


async def test_a_websocket_is_closed(notes: Notes) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await notes.app({"type": "websocket", "path": "/v1/notes", "headers": [], "query_string": b""}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_over_a_real_socket_no_server_is_named(notes: Notes, municipality: str) -> None:
    port = free_port()
    running = server(notes.app, host="127.0.0.1", port=port)
    running.config.lifespan = "off"  # the app runs already
    serving = asyncio.create_task(running.serve())
    transport = httpx.AsyncHTTPTransport(retries=20)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}") as http:
        staff = notes.bearer(municipalities=[municipality])
        answers = [
            await http.get("/v1/greetings"),
            await http.get("/nowhere"),
            await http.head("/v1/greetings"),
            await http.post("/v1/notes", json=valid(municipality), headers=staff),
        ]
        assert [answer.status_code for answer in answers] == [200, 404, 200, 201]
        for answer in answers:
            assert_headers(answer)
    running.should_exit = True
    await serving


async def test_five_services_can_stand_beside_each_other_in_one_process(notes: Notes, municipality: str) -> None:
    together = Starlette(routes=[Mount("/partners", notes.app)])
    staff = notes.bearer(municipalities=[municipality])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(together), base_url="http://test/partners/v1") as http:
        for number in range(2):
            made = await http.post("/notes", json=valid(municipality, title=f"{number}"), headers=staff)
            assert made.headers["location"].startswith("/partners/v1/notes/")
        page = await http.get("/notes?limit=1", headers=staff)
        assert page.links["next"]["url"].startswith("/partners/v1/notes?")
        again = await http.get(f"http://test{page.links['next']['url']}", headers=staff)
        assert len(again.json()["items"]) == 1
        assert (await http.get("/openapi.json")).json()["paths"]["/notes"]
        wrong = await http.delete("/notes", headers=staff)
        assert_problem(wrong, 405)
        assert wrong.headers["allow"] == "GET, HEAD, POST"
        assert_problem(await http.get("/notes/", headers=staff), 404)


async def test_behind_a_gateway_that_takes_its_name_off_a_service_tells_addresses_that_go_through_the_gateway(
    notes: Notes, municipality: str
) -> None:
    staff = notes.bearer(municipalities=[municipality])
    for number in range(3):
        made = await notes.http.post("/v1/notes", json=valid(municipality, title=f"{number}"), headers=staff)
        assert made.headers["location"].startswith("/partners/v1/notes/")
    page = await notes.http.get("/v1/notes?limit=1", headers=staff)
    following = page.links["next"]["url"]
    assert following.startswith("/partners/v1/notes?")
    for path in (following, following.removeprefix("/partners")):  # as it is called with and without the gateway
        again = await notes.http.get(path, headers=staff)
        assert (again.status_code, len(again.json()["items"])) == (200, 1)
        assert again.links["next"]["url"].startswith("/partners/v1/notes?")
