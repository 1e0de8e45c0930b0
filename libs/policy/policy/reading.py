"""Packs as text: YAML in, plain data out, with the line on which everything stands, and a base merged under a pack."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from policy.faults import Fault, PolicyErrors

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A line in a file."""

    file: Path
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """The data of a file (or of a pack with its base), and where each part stands."""

    file: Path
    data: dict[str, Any]
    places: Mapping[Where, Place] = field(repr=False)

    def place(self, where: Where) -> Place:
        """The nearest place that is known."""
        while where and where not in self.places:
            where = where[:-1]
        return self.places.get(where, Place(self.file, 1))

    def found(self, where: Where) -> object:
        """What stands there."""
        value: Any = self.data
        for key in where:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def fault(self, where: Where, remedy: str, found: object = None) -> Fault:
        """A fault at this place."""
        place = self.place(where)
        shown = self.found(where) if found is None else found
        path = ".".join(str(part) for part in where)
        return Fault(str(place.file), place.line, path, _short(shown), remedy)


def read(file: Path) -> Text:
    """Read one file; PolicyErrors when it is not a mapping in YAML."""
    try:
        loaded = _parsed(file.read_text(encoding="utf-8"))
    except MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise PolicyErrors([Fault(str(file), line, "", "", f"not readable as YAML: {fault.problem}")]) from fault
    except (YAMLError, ValueError) as fault:  # a date that is none, or bytes that are no text
        raise PolicyErrors([Fault(str(file), 1, "", "", f"not readable as YAML: {fault}")]) from fault
    if not isinstance(loaded, CommentedMap):
        raise PolicyErrors([Fault(str(file), 1, "", "", "a pack is a mapping of keys to values")])
    return Text(file, _plain(loaded), {(): Place(file, 1), **dict(_places(file, loaded, ()))})


@lru_cache(maxsize=32)
def _parsed(text: str) -> Any:
    """What YAML makes of a text, not to be changed: parsing is slow, and packs of one folder read the same base."""
    return YAML(typ="rt").load(text)


def merge(base: Text, own: Text) -> Text:
    """A pack over its base: mappings are merged key by key, anything else in the pack replaces what the base says."""
    replaced = set(_replaced(base.data, own.data, ()))
    kept = {where: place for where, place in base.places.items() if not _under(where, replaced)}
    return Text(own.file, _merged(base.data, own.data), {**kept, **own.places})


def digest(*texts: Text) -> str:
    """SHA-256 over the data of a pack and its base, whatever the layout and the remarks in the files."""
    canonical = json.dumps(
        [text.data for text in texts], sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _places(file: Path, node: CommentedMap | CommentedSeq, where: Where) -> Iterator[tuple[Where, Place]]:
    if isinstance(node, CommentedMap):
        items: Iterator[tuple[str | int, Any, int]] = (
            (_key(key), value, node.lc.key(key)[0]) for key, value in node.items()
        )
    else:
        items = ((index, value, node.lc.item(index)[0]) for index, value in enumerate(node))
    for key, value, line in items:
        yield (*where, key), Place(file, line + 1)
        if isinstance(value, CommentedMap | CommentedSeq):
            yield from _places(file, value, (*where, key))


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {_key(key): _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(value) for value in node]
    return str(node) if isinstance(node, str) else node


def _key(key: object) -> str:
    return str(key)


def _merged(base: Any, own: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return own
    return {key: _merged(base[key], own[key]) if key in base and key in own else own.get(key, base.get(key))
            for key in base | own}  # fmt: skip


def _replaced(base: Any, own: Any, where: Where) -> Iterator[Where]:
    if not (isinstance(base, dict) and isinstance(own, dict)):
        yield where
        return
    for key in base.keys() & own.keys():
        yield from _replaced(base[key], own[key], (*where, key))


def _under(where: Where, roots: set[Where]) -> bool:
    return any(where[:length] in roots for length in range(1, len(where) + 1))


def _short(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
