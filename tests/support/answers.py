"""What every answer of the chassis must be like."""

from typing import Any

import httpx

SECURITY = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "api-version": "1.0.0",
}


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("https://opstap.test/problems/")
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("urn:uuid:")
    return problem


def assert_headers(answer: httpx.Response) -> None:
    assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
    assert "server" not in answer.headers
    assert answer.headers["traceparent"]


def valid(municipality: str, **more: Any) -> dict[str, Any]:
    return {"municipality": municipality, "title": "A note", "writtenOn": "2026-01-05"} | more
