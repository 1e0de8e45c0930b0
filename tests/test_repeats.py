"""Two people at the same thing, or one impatient one: every route refuses the stale and does the double once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from tests.support.databases import MakeDatabase
from tests.support.seeded import OPERATIONS, House, Operation, Ready, house_of

UNGUARDED = {
    "moveCivilClock": "there is one clock, and it is set to a moment",
    "removeEndpoint": "what is removed is removed, whatever it was",
}
"""Operations that change something without If-Match, and why."""

BY_ITS_OWN_MEANS = {
    "importCaseload": "reads a stream of any length; the same lines again are known already",
    "importStaff": "who is on the staff as the file says is left alone",
}
"""Operations that do a double once without an Idempotency-Key."""

OF_ALL_THERE_IS = {
    "askForReassessments": "asks for all clients of a municipality, and there are ever more",
    "enterStaff": "the same person is entered again",
    "searchClients": "finds everybody of a name, and there are ever more",
}
"""Operations of which a second request makes other rows than a first."""

CHANGES = [each for each in OPERATIONS if each.verb in {"put", "patch", "delete"} and each.id not in UNGUARDED]
POSTS = [each for each in OPERATIONS if each.verb == "post" and each.id not in BY_ITS_OWN_MEANS]


@pytest.fixture(scope="module")
async def house(make_database: MakeDatabase) -> AsyncIterator[House]:
    async with house_of(make_database) as made:
        yield made


def test_every_change_is_guarded_by_the_version_or_says_why_not() -> None:
    assert CHANGES
    for each in CHANGES:
        assert "If-Match" in {parameter["name"] for parameter in each.document["parameters"]}, each
    assert set(UNGUARDED) <= {each.id for each in OPERATIONS}


@pytest.mark.parametrize("operation", CHANGES, ids=str)
async def test_a_stale_edit_is_told_who_changed_what_meanwhile(house: House, operation: Operation) -> None:
    ready = await house.ready(operation)
    first = await house.send(operation, ready, token=house.headers(operation.service, sub="els"))
    late = await house.send(operation, replace(ready, headers={**ready.headers, "If-Match": '"1"'}))

    assert first.is_success, first.text
    assert late.status_code == 412, late.text
    problem = late.json()
    assert problem["changedBy"] == "staff:els"
    assert problem["changedAt"] == problem["changes"][-1]["changedAt"]
    assert problem["changes"][-1]["fields"]
    assert late.headers["etag"] == f'"{problem["changes"][-1]["version"]}"'


@pytest.mark.parametrize("operation", POSTS, ids=str)
async def test_a_double_click_is_one(house: House, operation: Operation) -> None:
    alone = await _rows_made(house, operation, await house.ready(operation), times=1)
    ready = await house.ready(operation)
    ready = replace(ready, headers={**ready.headers, "Idempotency-Key": f'"{new_id()}"'})
    together = await _rows_made(house, operation, ready, times=2)
    late = await _rows_made(house, operation, ready, times=1)

    assert together.pop("idempotency_keys") == 1
    assert together == alone or operation.id in OF_ALL_THERE_IS
    assert late == {}


async def _rows_made(house: House, operation: Operation, ready: Ready, *, times: int) -> dict[str, int]:
    """How many rows more each table has, after so many requests at the same moment that are answered alike."""
    before = await _rows(house, operation.service)
    answers = await asyncio.gather(*(house.send(operation, ready) for _ in range(times)))
    after = await _rows(house, operation.service)

    assert answers[0].is_success, answers[0].text
    assert {(each.status_code, each.content) for each in answers} == {(answers[0].status_code, answers[0].content)}
    return {table: number - before[table] for table, number in after.items() if number != before[table]}


async def _rows(house: House, service: str) -> Mapping[str, int]:
    async with house.services[service].office.database.in_background() as session:
        tables = await session.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
        )
        return {table: await session.scalar(text(f'SELECT count(*) FROM "{table}"')) or 0 for table in tables}
