"""How an event's schema may change: old readers read new data, and new readers read old data, over all versions.

Full transitive compatibility: only optional properties come and go; what stays keeps its shape. Anything else is a new
version of the event, with a new type (NL GOV profile for CloudEvents, CE-7).
"""

import json
from pathlib import Path
from typing import Any

from contracts.model import Event

Schema = dict[str, Any]
_SHAPE = ("type", "format", "enum", "const", "pattern")


def schema_of(event: type[Event]) -> Schema:
    """The JSON Schema of an event's data as it goes on the wire: references resolved in place, prose left out."""
    schema = event.model_json_schema(by_alias=True, mode="serialization")
    resolved: Schema = _resolved(schema, schema.pop("$defs", {}))
    return resolved


def breaking_changes(old: Schema, new: Schema, path: str = "data") -> list[str]:
    """What in `new` an old reader could not read, or a new reader could not read in old data."""
    faults = [
        f"{path}: {key} was {old.get(key)!r} and is {new.get(key)!r}"
        for key in _SHAPE
        if _unordered(old.get(key)) != _unordered(new.get(key))
    ]
    before, after = old.get("properties", {}), new.get("properties", {})
    required_before, required_after = set(old.get("required", [])), set(new.get("required", []))
    faults += [
        f"{path}.{name}: was required and is optional or gone" for name in sorted(required_before - required_after)
    ]
    faults += [
        f"{path}.{name}: is required and was optional or absent" for name in sorted(required_after - required_before)
    ]
    for name in sorted(before.keys() & after.keys()):
        faults += breaking_changes(before[name], after[name], f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
            faults += breaking_changes(old[key], new[key], f"{path}.{key}")
        elif old.get(key) != new.get(key):
            faults.append(f"{path}: {key} was {old.get(key)!r} and is {new.get(key)!r}")
    return faults + _changed_alternatives(old.get("anyOf", []), new.get("anyOf", []), path)


def golden_folder(root: Path, event: type[Event]) -> Path:
    """Where the released schemas of an event stand: `<producer>/<type>/001.json` and up."""
    return root / event.producer / event.type().removeprefix("nl.klantreizen.")


def released(root: Path, event: type[Event]) -> list[Schema]:
    """The schemas of an event that were ever released, oldest first."""
    return [json.loads(file.read_text()) for file in sorted(golden_folder(root, event).glob("*.json"))]


def release(root: Path, event: type[Event]) -> Path | None:
    """Add the event's schema as its newest version where it changed; ValueError when the change breaks a reader."""
    current, versions = schema_of(event), released(root, event)
    if versions and versions[-1] == current:
        return None
    faults = [fault for version in versions for fault in breaking_changes(version, current)]
    if faults:
        raise ValueError(f"{event.type()} changed incompatibly; give it a new version: " + "; ".join(faults))
    file = golden_folder(root, event) / f"{len(versions) + 1:03}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(current, indent=2, sort_keys=True) + "\n")
    return file


def _resolved(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolved(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _resolved(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    return {key: _resolved(value, definitions) for key, value in node.items() if not _is_prose(key, value)}


def _is_prose(key: str, value: Any) -> bool:
    return key in ("title", "description") and isinstance(value, str)


def _unordered(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def _changed_alternatives(old: list[Schema], new: list[Schema], path: str) -> list[str]:
    if len(old) != len(new):
        return [f"{path}: had {len(old)} alternatives and has {len(new)}"]
    return [fault for before, after in zip(old, new, strict=True) for fault in breaking_changes(before, after, path)]
