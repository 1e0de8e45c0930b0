from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from chassis.ids import new_id
from partners.identities import IntakeOverHttp

if TYPE_CHECKING:
    from tests.conftest import Behaviour, silence, status
else:
    from services.partners.tests.conftest import Behaviour, silence, status

CLIENT = new_id()


class Intake:
    """Intake's side of the question."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.behaviour: Behaviour | None = None
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(
            (request.path, request.query["fields"], request.query["purpose"], request.headers["Authorization"])
        )
        if self.behaviour is not None:
            response: web.StreamResponse = await self.behaviour(request)
            return response
        return web.json_response({"name": "Jansen", "language": "nl"})


@pytest.fixture
async def intake() -> AsyncIterator[Intake]:
    made = Intake()
    app = web.Application()
    app.router.add_get("/v1/clients/{id}/identity", made.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("abc\n")
    return file


async def test_intake_is_asked_for_the_fields_with_the_service_token(intake: Intake, token_file: Path) -> None:
    identities = IntakeOverHttp(intake.url + "/", token_file, timeout=1)
    person = await identities.identity("GM1916", CLIENT, {"name", "language"}, "participation")
    assert person == {"name": "Jansen", "language": "nl"}
    assert intake.asked == [(f"/v1/clients/{CLIENT}/identity", "language,name", "participation", "Bearer abc")]


@pytest.mark.parametrize("behaviour", [status(500), status(404), status(200, "no JSON"), silence])
async def test_whatever_goes_wrong_there_is_no_person(intake: Intake, token_file: Path, behaviour: Any) -> None:
    intake.behaviour = behaviour
    identities = IntakeOverHttp(intake.url, token_file, timeout=0.2)
    assert await identities.identity("GM1916", CLIENT, {"name"}, "participation") is None


async def test_nobody_home_or_no_token_is_no_person(token_file: Path) -> None:
    for file in (token_file, token_file.with_name("gone")):
        identities = IntakeOverHttp("http://127.0.0.1:1", file, timeout=1)
        assert await identities.identity("GM1916", CLIENT, {"name"}, "participation") is None
