"""What is committed is what the code says, and each document is one of its kind."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator

from contracts import PRODUCERS, Event, events_of
from opstap.documents import asyncapi, documents, heard_by
from opstap.services import DEFINITIONS
from tests.support.seeded import DOCUMENTS

ROOT = Path(__file__).parents[1]
EVERY_EVENT: list[type[Event]] = [event for producer in PRODUCERS for event in events_of(producer)]
WRITTEN = {str(file.relative_to(ROOT)): content for file, content in documents(ROOT).items()}


@pytest.fixture(scope="module")
def events() -> dict[str, Any]:
    return asyncapi(heard_by(DEFINITIONS))


@pytest.mark.parametrize("file", WRITTEN)
def test_a_committed_document_is_what_the_code_says(file: str) -> None:
    there = ROOT / file
    assert there.exists(), f"{file} is not there: run `make docs` and commit it"
    assert there.read_text() == WRITTEN[file], f"{file} is out of date: run `make docs` and commit it"


def test_no_document_is_left_of_a_service_that_is_gone() -> None:
    assert {file.stem for file in (ROOT / "docs/openapi").iterdir()} == set(DEFINITIONS)


def test_every_event_is_a_message_on_exactly_one_channel(events: dict[str, Any]) -> None:
    on_channels = Counter(name for channel in events["channels"].values() for name in channel["messages"])
    assert on_channels == Counter(event.__name__ for event in EVERY_EVENT)
    for name, channel in events["channels"].items():
        assert channel["messages"].keys() == {event.__name__ for event in events_of(name)}
        assert channel["bindings"]["kafka"]["topic"] == channel["address"]


def test_the_messages_of_a_channel_are_told_apart_by_their_type(events: dict[str, Any]) -> None:
    types = [each["payload"]["properties"]["type"]["const"] for each in events["components"]["messages"].values()]
    assert len(types) == len(set(types))
    for message in events["components"]["messages"].values():
        Draft202012Validator.check_schema(message["payload"])


def test_every_handled_event_is_received_in_an_operation(events: dict[str, Any]) -> None:
    received = {
        (operation_id.partition("Hears")[0], reference["$ref"].rpartition("/")[2])
        for operation_id, operation in events["operations"].items()
        if operation["action"] == "receive"
        for reference in operation["messages"]
    }
    handled = {
        (name, event.__name__) for name, definition in DEFINITIONS.items() for event in definition.handlers
    }  # fmt: skip
    assert received == handled
    assert {event for each in DEFINITIONS.values() for event in each.handlers} <= set(EVERY_EVENT)


def test_every_producer_sends_and_every_reference_leads_somewhere(events: dict[str, Any]) -> None:
    sends = {each["channel"]["$ref"] for each in events["operations"].values() if each["action"] == "send"}
    assert sends == {f"#/channels/{name}" for name in PRODUCERS}
    for operation in events["operations"].values():
        for reference in (operation["channel"], *operation.get("messages", ())):
            assert _at(events, reference["$ref"])
    for channel in events["channels"].values():
        for reference in channel["messages"].values():
            assert _at(events, reference["$ref"])


@pytest.mark.parametrize("service", DEFINITIONS)
def test_each_openapi_document_is_one_by_the_specification(service: str) -> None:
    schemathesis.openapi.from_dict(DOCUMENTS[service]).validate()
    for name, schema in DOCUMENTS[service]["components"]["schemas"].items():
        try:
            Draft202012Validator.check_schema(schema)
        except Exception as error:
            raise AssertionError(f"{name} is no JSON Schema") from error


def test_no_document_names_a_person_in_an_event(events: dict[str, Any]) -> None:
    words = json.dumps([each["payload"]["properties"]["data"] for each in events["components"]["messages"].values()])
    for identity in ('"bsn"', '"name"', '"birthDate"', '"address"', '"email"', '"phone"'):
        assert identity not in words


def _at(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found
