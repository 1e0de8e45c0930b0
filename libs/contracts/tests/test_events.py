import json
import re
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from contracts import EVENTS, PRODUCERS, Event, UndecodableEvent, UnknownEventType, decode, encode
from contracts.intake import ClientRegistered, ClientsMerged

IDENTITY = re.compile(
    r"bsn|name|birth(?!day)|address|email|phone|note|remark|description|illness|diagnosis_text", re.IGNORECASE
)


def encoded(event: Event, **changes: object) -> bytes:
    head = {
        "id": uuid4(),
        "subject": uuid4(),
        "municipality": "GM0626",
        "recorded_at": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "type": event.type(),
        "data": event.model_dump_json(by_alias=True),
        "sequence": 7,
        "traceparent": None,
        "source": "urn:nld:oin:00000000000000000000:systeem:opstap-intake",
    }
    return encode(**{**head, **changes})  # type: ignore[arg-type]


def registered() -> ClientRegistered:
    return ClientRegistered(
        occurred_on=date(2026, 1, 1), by="staff:1", origin="front_end", age_band="28-44", household_id=uuid4(),
        household_kind="single", permit_holder=False, without_benefit=False,
    )  # fmt: skip


def test_what_is_encoded_is_decoded_the_same() -> None:
    event = registered()
    envelope = decode(encoded(event))
    assert envelope.data == event
    assert (envelope.municipality, envelope.sequence) == ("GM0626", 7)


def test_an_event_is_a_cloudevent_of_the_nl_gov_profile() -> None:
    raw = json.loads(encoded(registered(), traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01"))
    assert raw["specversion"] == "1.0"
    assert re.fullmatch(r"nl\.[a-z0-9-]+(\.[a-z0-9-]+)+(\.v\d+)?", raw["type"])
    assert re.fullmatch(r"urn:nld:oin:\d{20}:systeem:[A-Za-z0-9-]+", raw["source"])
    assert raw["partitionkey"] == raw["subject"]
    assert raw["time"].endswith("Z")
    assert all(re.fullmatch("[a-z0-9]{1,20}", attribute) for attribute in raw)
    assert raw["data"]["occurredOn"] == "2026-01-01"


def test_a_reader_ignores_fields_it_does_not_know() -> None:
    value = json.loads(encoded(registered()))
    value["data"]["invented"] = 1
    value["inventedattribute"] = "x"
    assert decode(json.dumps(value).encode()).data.model_dump().keys() == registered().model_dump().keys()


@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"[]", b"null", b"{}", b'{"type": 3}', b'{"type":"nl.klantreizen.clients-merged","id":"x"}']
)
def test_what_is_not_an_event_is_said_to_be_undecodable(value: bytes) -> None:
    with pytest.raises((UndecodableEvent, UnknownEventType)):
        decode(value)


def test_a_faulty_event_says_which_field_is_wrong() -> None:
    value = json.loads(encoded(ClientsMerged(occurred_on=date(2026, 1, 1), by="clock", into=uuid4())))
    value["data"]["into"] = "somebody"
    with pytest.raises(UndecodableEvent, match="into"):
        decode(json.dumps(value).encode())


def test_an_unknown_type_is_told_apart_from_a_broken_record() -> None:
    value = json.loads(encoded(registered())) | {"type": "nl.klantreizen.something-new"}
    with pytest.raises(UnknownEventType, match="something-new"):
        decode(json.dumps(value).encode())


def test_no_event_has_a_field_for_identity_or_free_text() -> None:
    fields = {(name, field) for name, event in EVENTS.items() for field in event.model_fields}
    assert {found for found in fields if IDENTITY.search(found[1])} == set()


def test_every_event_has_one_producer_and_says_what_it_means() -> None:
    for event in EVENTS.values():
        assert event.producer in PRODUCERS
        assert (event.__doc__ or "").strip().endswith(".")
