"""Another service is asked in time, with a token of the asker's own, or it is silent."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.asking import OtherService, Silent


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("abc\n")
    return file


def answering(token: Path, answer: Any, timeout: float = 5.0) -> OtherService:
    return OtherService("other", "http://other/", token, timeout=timeout, transport=httpx.MockTransport(answer))


async def test_the_answer_is_what_stands_there(token: Path) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"a": 1})

    assert await answering(token, answer).get("/things/1", purpose="x") == {"a": 1}
    [request] = asked
    assert (str(request.url), request.headers["Authorization"]) == ("http://other/v1/things/1?purpose=x", "Bearer abc")


async def test_what_is_not_there_is_none(token: Path) -> None:
    assert await answering(token, lambda _: httpx.Response(404)).get("/things/1") is None


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.Response(302), httpx.Response(200, text="no JSON")])
async def test_any_other_answer_is_silence(token: Path, answer: httpx.Response) -> None:
    with pytest.raises(Silent):
        await answering(token, lambda _: answer).get("/things/1")


async def test_no_answer_in_time_no_connection_and_no_token_are_silence(token: Path) -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    def nobody(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody")

    for other in (
        answering(token, never, timeout=0.05), answering(token, nobody), answering(token.with_name("gone"), nobody),
    ):  # fmt: skip
        with pytest.raises(Silent):
            await other.get("/things/1")
