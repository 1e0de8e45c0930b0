from collections.abc import AsyncIterator
from typing import Any

import pytest

from opstap.databases import DatabaseUrls
from tests.support.messaging import MakeService, Service, create_tables


@pytest.fixture(scope="session")
def migrated() -> dict[str, DatabaseUrls]:
    """Databases that were migrated once, to copy from."""
    return {}


@pytest.fixture
async def make_service(make_database: Any, migrated: dict[str, DatabaseUrls]) -> AsyncIterator[MakeService]:
    made: list[Service] = []

    async def make(name: str) -> Service:
        if name not in migrated:
            template = await make_database(name, "messaging")
            await create_tables(name, template)
            migrated[name] = template
        service = Service.on(name, await make_database(name, copy_of=migrated[name]))
        made.append(service)
        return service

    yield make
    for service in made:
        await service.database.close()


@pytest.fixture
async def intake(make_service: MakeService) -> Service:
    return await make_service("intake")


@pytest.fixture
async def routing(make_service: MakeService) -> Service:
    return await make_service("routing")


@pytest.fixture
async def reporting(make_service: MakeService) -> Service:
    return await make_service("reporting")
