"""The official test persons of the population register, through the API as a front-end would send them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from contracts.intake import ClientRegistered
from intake.brp import new_client, written_date
from tests.support.given import DATA

if TYPE_CHECKING:
    from tests.conftest import Intake

PERSONS = DATA / "brp-test-persons.json"

needs_the_data = pytest.mark.skipif(
    not PERSONS.exists(), reason=f"NOT TESTED: the test persons of the BRP are not at {PERSONS}; set OPSTAP_TEST_DATA"
)
MARRIED_TO_HERSELF = "999994463"


@pytest.fixture
def today() -> date:
    return date(2026, 1, 1)


@needs_the_data
async def test_945_of_the_1176_test_persons_are_registered_once(intake: Intake) -> None:
    persons = [new_client(each) for each in json.loads(PERSONS.read_text())]
    headers = intake.token("front_end", municipalities=["GM0626"])

    first = await _send(intake, persons, headers)
    again = await _send(intake, persons, headers)

    assert Counter(map(_outcome, first)) == {
        "registered": 945, "#/bsn": 1, "#/deceasedOn": 40, "unknown birth date": 3, "under 18": 187,
    }  # fmt: skip
    assert Counter(map(_outcome, again)) == Counter(map(_outcome, first)) - Counter(registered=945) + Counter(known=945)
    assert len(await intake.said(ClientRegistered)) == 945

    clients = {each["bsn"]: each for status, each in first if status == 201}
    told = {each["bsn"]: each for each in persons}
    assert all(each["secretAddress"] == told[bsn]["secretAddress"] for bsn, each in clients.items())
    assert sum(each["secretAddress"] for each in clients.values()) > 20
    assert all(each["birthDate"] == told[bsn]["birthDate"] for bsn, each in clients.items())
    now = {bsn: await intake.read(UUID(each["id"])) for bsn, each in list(clients.items())}
    linked = {each["id"]: each["partnerId"] for each in now.values() if each["partnerId"]}
    assert linked
    assert all(linked[partner] == one != partner for one, partner in linked.items())
    assert now[MARRIED_TO_HERSELF]["partnerId"] is None
    households = {each["id"]: each["householdId"] for each in now.values()}
    assert all(households[one] == households[partner] for one, partner in linked.items())


async def _send(
    intake: Intake, persons: list[dict[str, Any]], headers: dict[str, str]
) -> list[tuple[int, dict[str, Any]]]:
    """Four at a time, as several desks would."""
    desks = asyncio.Semaphore(4)

    async def send(person: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        async with desks:
            answer = await intake.post("/clients", person, headers=headers)
            return answer.status_code, answer.json()

    return await asyncio.gather(*map(send, persons))


def _outcome(answer: tuple[int, dict[str, Any]]) -> str:
    status, body = answer
    if status != 400:
        return {201: "registered", 409: "known"}.get(status, f"{status} {body}")
    details = {each["pointer"]: each["detail"] for each in body["errors"]}
    for pointer in ("#/bsn", "#/deceasedOn"):
        if pointer in details:
            return pointer
    return "unknown birth date" if "unknown" in details["#/birthDate"] else "under 18"


@pytest.mark.parametrize(
    ("told", "written"),
    [("19750707", "1975-07-07"), ("19780600", "1978-06"), ("19700000", "1970"), ("00000000", None), (None, None)],
)
def test_a_date_is_written_as_far_as_it_is_known(told: str | None, written: str | None) -> None:
    assert written_date(told) == written
