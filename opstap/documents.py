"""The pages and documents that are made from the code: golden schemas, AsyncAPI, events, OpenAPI, schemas of packs.

`make docs` writes them; a test fails when what is committed is not what the code says.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from inspect import getdoc
from pathlib import Path
from typing import Any

from chassis.clock import MachineClock
from chassis.database import Database
from chassis.process import Definition
from chassis.security import TokenVerifier
from chassis.settings import ServiceSettings
from chassis.work import Office
from contracts import PRODUCERS, Event, events_of
from contracts.envelope import CONTENT_TYPE, schema_uri
from contracts.evolution import release, schema_of
from opstap.services import DEFINITIONS
from opstap.system import KEYS
from policy import Library
from policy.schema import part_of_pack, whole_pack

PREFIX = "opstap"
NOWHERE = "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/nowhere"
NO_SECRETS = {name: b64encode(bytes([number]) * 32).decode() for number, name in enumerate(KEYS)}


def write_all(root: Path) -> list[Path]:
    """Write every generated document below the project's root; returns those that changed."""
    schemas = [release(root / "libs/contracts/schemas", event) for name in PRODUCERS for event in events_of(name)]
    changed = [file for file in schemas if file]
    for file, content in documents(root).items():
        if not file.exists() or file.read_text() != content:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
            changed.append(file)
    return changed


def documents(root: Path) -> dict[Path, str]:
    """What each generated document should hold."""
    hearers = heard_by(DEFINITIONS)
    found = {
        root / "docs/events.md": event_catalogue(hearers),
        root / "docs/asyncapi.json": _json(asyncapi(hearers)),
        root / "policies/schema/pack.json": _json(whole_pack()),
        root / "policies/schema/part.json": _json(part_of_pack()),
    }
    for name, definition in DEFINITIONS.items():
        found[root / f"docs/openapi/{name}.json"] = _json(openapi(definition))
    return found


def heard_by(definitions: Mapping[str, Definition[Any]]) -> dict[type[Event], list[str]]:
    """Which services handle which event."""
    heard: dict[type[Event], list[str]] = {}
    for name, definition in definitions.items():
        for event in definition.handlers:
            heard.setdefault(event, []).append(name)
    return heard


def event_catalogue(hearers: Mapping[type[Event], list[str]]) -> str:
    """The event page: what each event means, what it carries, who hears it."""
    return "\n".join(_catalogue(hearers)) + "\n"


def asyncapi(hearers: Mapping[type[Event], list[str]]) -> dict[str, Any]:
    """The AsyncAPI 3 document of all topics, seen from the system as a whole."""
    messages = {event.__name__: _message(event, hearers) for name in PRODUCERS for event in events_of(name)}
    channels = {
        name: {
            "address": f"{PREFIX}.{name}",
            "description": f"What {name} says, in order per subject.",
            "messages": {e.__name__: {"$ref": f"#/components/messages/{e.__name__}"} for e in events_of(name)},
            "bindings": {"kafka": {"topic": f"{PREFIX}.{name}", "bindingVersion": "0.5.0"}},
        }
        for name in PRODUCERS
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Opstap events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 (NL GOV profile 1.1) in structured JSON. None carries identity data.",
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": dict(_operations(hearers)),
        "components": {"messages": messages},
    }


def openapi(definition: Definition[Any], *, movable_clock: bool = False) -> dict[str, Any]:
    """The OpenAPI document of a service, without starting it; in production no clock can be moved."""
    settings: ServiceSettings = definition.settings(
        database_url=NOWHERE, background_database_url=NOWHERE, policies=Path("policies"),
        environment="development" if movable_clock else "production", movable_clock=movable_clock, **NO_SECRETS,
    )  # fmt: skip
    office = Office(Database(NOWHERE, NOWHERE), MachineClock(), Library({}))
    document: dict[str, Any] = definition.create(settings, office, TokenVerifier.from_settings(settings)).openapi()
    return document


def _catalogue(hearers: Mapping[type[Event], list[str]]) -> Iterator[str]:
    yield "# Events"
    yield ""
    yield "Made from the code by `make docs`. Every event carries `occurredOn` (the civil day on which it happened) and"
    yield "`by` (who decided or entered it), in a CloudEvents envelope; its `id` is that of the row in the outbox."
    for name in PRODUCERS:
        yield f"\n## {name}, on topic `{PREFIX}.{name}`"
        for event in events_of(name):
            yield f"\n### {event.__name__}\n\n`{event.type()}`, about a {event.about}. {_words(event)}\n"
            yield "| field | schema |\n| --- | --- |"
            for field, schema in schema_of(event)["properties"].items():
                if field not in ("occurredOn", "by"):
                    yield f"| `{field}` | {_shape(schema)} |"
            yield f"\nHeard by: {', '.join(sorted(hearers.get(event, []))) or 'nobody in this system'}."


def _operations(hearers: Mapping[type[Event], list[str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in PRODUCERS:
        channel = {"$ref": f"#/channels/{name}"}
        yield f"{name}Says", {"action": "send", "channel": channel, "summary": f"{name} publishes what happened."}
        for hearer in PRODUCERS:
            heard = [event for event in events_of(name) if hearer in hearers.get(event, [])]
            if heard:
                messages = [{"$ref": f"#/channels/{name}/messages/{event.__name__}"} for event in heard]
                yield (
                    f"{hearer}Hears{name.capitalize()}",
                    {"action": "receive", "channel": channel, "messages": messages},
                )


def _message(event: type[Event], hearers: Mapping[type[Event], list[str]]) -> dict[str, Any]:
    envelope = {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "partitionkey", "time", "municipality", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid", "description": "UUIDv7 of the row in the producer's outbox"},
            "source": {"type": "string", "pattern": r"^urn:nld:oin:\d{20}:systeem:[A-Za-z0-9-]+$"},
            "type": {"const": event.type()},
            "subject": {"type": "string", "format": "uuid"},
            "partitionkey": {"type": "string", "format": "uuid"},
            "time": {"type": "string", "format": "date-time", "description": "moment of recording"},
            "sequence": {"type": "string", "description": "position in the outbox: rising, with holes"},
            "municipality": {"type": "string", "pattern": r"^GM\d{4}$"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"const": schema_uri(event.type())},
            "traceparent": {"type": "string"},
            "cause": {
                "type": "string",
                "format": "uuid",
                "description": "the merger, or its undoing, because of which it is said; absent otherwise",
            },
            "data": schema_of(event),
        },
    }
    return {
        "name": event.type(),
        "title": event.__name__,
        "summary": _words(event),
        "contentType": CONTENT_TYPE,
        "payload": envelope,
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}},
        "x-heard-by": sorted(hearers.get(event, [])),
    }


def _words(event: type[Event]) -> str:
    return " ".join((getdoc(event) or "").split())


def _shape(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_shape(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_shape(schema['items'])}"
    if "properties" in schema:
        return "object: " + ", ".join(f"`{name}`" for name in schema["properties"])
    kind = schema.get("type", "any")
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    project = Path(__file__).parents[1]
    for file in write_all(project):
        print(f"written: {file.relative_to(project)}")  # noqa: T201 - the only words of `make docs`
