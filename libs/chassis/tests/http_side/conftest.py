import io
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from chassis import logs
from opstap.databases import DatabaseUrls
from tests.support import notes as toy
from tests.support.databases import MakeDatabase


@pytest.fixture(scope="session")
async def notes_database(make_database: MakeDatabase) -> DatabaseUrls:
    urls = await make_database(toy.SERVICE, "notes")
    await toy.make_tables(urls)
    return urls


@pytest.fixture(scope="session")
async def notes(notes_database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[toy.Notes]:
    async with toy.running(notes_database, tmp_path_factory.mktemp("notes")) as service:
        yield service


@pytest.fixture
def municipality() -> str:
    return toy.new_municipality()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What is logged from here on, as it would stand on standard output."""
    out = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logs.configure(service="notes", out=out)
    yield out
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
