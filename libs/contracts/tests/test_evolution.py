import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts import EVENTS, Event
from contracts.diagnosis import ClientCategorised
from contracts.evolution import breaking_changes, release, released, schema_of

SCHEMAS = Path(__file__).parents[1] / "schemas"


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
def test_the_newest_released_schema_is_what_the_code_says(event: type[Event]) -> None:
    versions = released(SCHEMAS, event)
    assert versions, f"{event.__name__} was never released: run `make docs`"
    assert versions[-1] == schema_of(event), f"{event.__name__} changed: run `make docs`"


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
def test_every_version_ever_released_can_be_read_by_every_other(event: type[Event]) -> None:
    assert [
        fault for version in released(SCHEMAS, event) for fault in breaking_changes(version, schema_of(event))
    ] == []


def test_no_released_schema_is_without_its_event() -> None:
    known = {(event.producer, event.type().removeprefix("nl.klantreizen.")) for event in EVENTS.values()}
    assert {(folder.parent.name, folder.name) for folder in SCHEMAS.glob("*/*")} == known


def test_an_optional_property_may_come_and_go() -> None:
    old = schema_of(ClientCategorised)
    new = copy.deepcopy(old)
    new["properties"]["remark"] = {"type": "string"}
    assert breaking_changes(old, new) == []
    assert breaking_changes(new, old) == []


def test_a_required_property_cannot_come_or_go_or_change_its_type_or_its_values() -> None:
    old = schema_of(ClientCategorised)
    changes: list[Callable[[Any], object]] = [
        lambda s: s["required"].append("remark"),
        lambda s: s["required"].remove("traits"),
        lambda s: s["properties"]["occurredOn"].update(format="date-time"),
        lambda s: s["properties"]["traits"]["properties"]["basis"]["enum"].append("guess"),
        lambda s: s["properties"]["traits"]["required"].remove("scheme"),
        lambda s: s["properties"]["oldCategory"]["anyOf"].pop(),
    ]
    for change in changes:
        new = copy.deepcopy(old)
        change(new)
        assert breaking_changes(old, new)
        assert breaking_changes(new, old)


def test_a_breaking_change_is_not_released(tmp_path: Path) -> None:
    file = release(tmp_path, ClientCategorised)
    assert file is not None
    assert release(tmp_path, ClientCategorised) is None
    file.write_text(file.read_text().replace('"scheme"', '"plan"'))
    with pytest.raises(ValueError, match="give it a new version"):
        release(tmp_path, ClientCategorised)
