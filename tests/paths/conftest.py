"""The stories of this folder's tests are told together, in one system and one run of its days."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from policy import Library
from tests.support.one_machine import POLICIES, system_on
from tests.support.paths import FIRST, Lived, Story, live


@pytest.fixture(scope="session")
async def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lived]:
    """What came of every story that this run of the tests asks for."""
    asked: list[tuple[Story, Any]] = [
        (item.function.story, item.callspec.params["place"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item.function, "story")
    ]
    async with system_on(tmp_path_factory.mktemp("paths"), civil_date=FIRST) as system:
        yield await live(system, asked, Library.load(POLICIES))
