"""The front-end developer's walk-through works as written: every command is run, and says what the page says."""

import shutil
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from opstap.system import System
from opstap.verify import verify
from tests.support import walkthrough
from tests.support.one_machine import system_on

PAGE = walkthrough.DOCS / "front-end.md"
MONDAY = date(2024, 6, 3)


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """A system as the page starts it."""
    async with system_on(tmp_path_factory.mktemp("desk"), civil_date=MONDAY) as system:
        yield system


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the page is walked with curl and jq")
async def test_the_walk_through_works_as_written(town: System, tmp_path: Path) -> None:
    port = urlsplit(town.url).port
    assert port
    said = await walkthrough.walk(PAGE, tmp_path, port, town.settle)
    differs = walkthrough.differences(said, PAGE)
    assert not differs, differs
    assert await verify({name: each.urls for name, each in town.services.items()}) == []
