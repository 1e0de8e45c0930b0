"""The time line of a client is complete: whatever any service said about them stands in it, once."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from contracts import Envelope, Event
from contracts.intake import ClientsMerged, MergerUndone
from tests.support.databases import MakeDatabase
from tests.support.seeded import LEIDSCHENDAM, OPERATIONS, House, house_of

LIVED = [
    each for each in OPERATIONS
    if each.verb == "post" and (
        each.service in {"intake", "diagnosis", "routing"} or each.id in {"endReferral", "holdReferral", "sendSignal"}
    )
]  # fmt: skip
"""All that can be entered about clients, and some of what partners say."""


@pytest.fixture
async def house(make_database: MakeDatabase) -> AsyncIterator[House]:
    async with house_of(make_database) as made:
        yield made


async def test_all_that_was_said_about_a_client_stands_in_the_time_line_once(house: House) -> None:
    for operation in LIVED:
        answer = await house.send(operation, await house.ready(operation))
        assert answer.is_success, f"{operation}: {answer.text}"
    referred = await house.categorised(LEIDSCHENDAM, distance_months=30)
    await house.done("routing", f"/clients/{referred}/conversations", {"kind": "face_to_face", "option": 1})
    await house.settle()
    said: list[Envelope[Any]] = []
    for service in house.services.values():
        told: list[Envelope[Event]] = await service.said()
        said += [each for each in told if each.data.about == "client"]
    undone = {each.data.merger_id for each in said if isinstance(each.data, MergerUndone)}
    merged = [each for each in said if isinstance(each.data, ClientsMerged) and each.id not in undone]
    survivors = {each.subject: each.data.into for each in merged}
    expected: defaultdict[UUID, list[Envelope[Event]]] = defaultdict(list)
    for each in said:
        expected[survivors.get(each.subject, each.subject)].append(each)

    assert survivors
    assert undone
    assert len({type(each.data) for each in said}) > 35
    assert any(len({each.data.producer for each in events}) == 4 for events in expected.values())
    for client, events in expected.items():
        lines = await _timeline(house, client)
        assert Counter(each["eventId"] for each in lines) == Counter(str(each.id) for each in events)
        by_event = {each["eventId"]: each for each in lines}
        for each in events:
            _assert_tells(by_event[str(each.id)], each)
    for gone, survivor in survivors.items():
        assert await _timeline(house, gone) == await _timeline(house, survivor)


def _assert_tells(line: Mapping[str, Any], said: Envelope[Event]) -> None:
    """The line says what the event says: who, when, when it was recorded, and by which receipt."""
    whole = said.data.model_dump(mode="json", by_alias=True)
    assert (line["occurredOn"], line["by"]) == (whole.pop("occurredOn"), whole.pop("by"))
    assert line["details"] == whole
    assert line["recordedAt"] == said.recorded_at.isoformat().replace("+00:00", "Z")
    assert (line["kind"], line["service"]) == (type(said.data).__name__, said.data.producer)
    assert line["clientId"] == str(said.subject)
    receipt = getattr(said.data, "receipt", None)
    assert line["receipt"] == (
        {"receiptId": str(receipt.receipt_id), "rule": receipt.rule} if receipt is not None else None
    )


async def _timeline(house: House, client: UUID) -> list[dict[str, Any]]:
    reporting = house.services["reporting"]
    url: str | None = f"/v1/clients/{client}/timeline?limit=50"
    lines = []
    while url:
        answer = await reporting.http.get(url, headers=house.headers("reporting"))
        assert answer.is_success, answer.text
        lines += answer.json()["items"]
        url = answer.links.get("next", {}).get("url")
    return lines
