"""Rules taken out of the shipped packs, to see that the check of a requirement notices or the pack is refused."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytest

from policy import Library, Pack, PolicyErrors, load_draft
from policy.library import SHARED
from policy.reading import read

FILES: Mapping[str, str] = {
    "base": f"{SHARED}/leidschendam-voorburg-voorschoten-wassenaar-2019.yaml",
    "leidschendam-voorburg": "leidschendam-voorburg/2019-01-01.yaml",
    "pijnacker-nootdorp": "pijnacker-nootdorp/2020-01-01.yaml",
    "uithoorn": "uithoorn/2021-01-01.yaml",
    "voorschoten-2019": "voorschoten/2019-01-01.yaml",
    "voorschoten": "voorschoten/2024-01-01.yaml",
    "wassenaar": "wassenaar/2019-01-01.yaml",
}
GONE: Final = object()
Check = Callable[[Library], None]


@dataclass(frozen=True)
class Without:
    """A place in a pack, as ``uithoorn:scheme/steps/capacity/rules/capacity-40-70``, gone or with another value.

    Items of lists are named by their id or their number.
    """

    place: str
    value: Any = GONE

    def __str__(self) -> str:
        return f"{self.place} is gone" if self.value is GONE else f"{self.place} = {self.value}"

    @property
    def file(self) -> str:
        """The file, below the folder of policies."""
        return FILES[self.place.partition(":")[0]]

    @property
    def path(self) -> list[str]:
        """The keys and ids that lead to the place."""
        return self.place.partition(":")[2].split("/")

    def apply(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data of the file with the rule taken out; the place must be there."""
        changed: Any = copy.deepcopy(data)
        node = changed
        *way, last = self.path
        for step in way:
            node = node[_key(node, step)]
        if self.value is GONE:
            del node[_key(node, last)]
        else:
            node[last if isinstance(node, dict) else _key(node, last)] = self.value
        return changed  # type: ignore[no-any-return] # a copy of a dictionary is one

    def names_in(self, data: Mapping[str, Any]) -> set[str]:
        """What a fault can call the missing thing: its id or key, or a text that stood in it."""
        node: Any = data
        for step in self.path:
            node = node[_key(node, step)]
        return {self.path[-1], *_texts(node)}


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, each in node.items():
            if key != "source":
                yield from _texts(each)
    elif isinstance(node, list):
        for each in node:
            yield from _texts(each)
    elif isinstance(node, str) and not node.isspace():
        yield node


def _key(node: Any, step: str) -> str | int:
    if isinstance(node, dict):
        return step
    by_id = [number for number, item in enumerate(node) if isinstance(item, dict) and item.get("id") == step]
    return by_id[0] if by_id else int(step)


@dataclass(frozen=True)
class Shipped:
    """The shipped packs, and a folder to write changed ones in."""

    folder: Path
    library: Library

    def notices(self, check: Check, without: Without) -> None:
        """The check fails on packs without the rule; a pack that is refused names what is missing."""
        with pytest.raises((AssertionError, PolicyErrors)) as raised:
            check(self._without(without))
        if isinstance(raised.value, PolicyErrors):
            named = without.names_in(read(self.folder / without.file).data)
            assert any(name in str(fault) for fault in raised.value.faults for name in named), raised.value

    def _without(self, without: Without) -> Library:
        """The packs as they are without the rule; only those that read the changed file are read again."""
        file = self.folder / without.file
        kept, changed = file.read_text(encoding="utf-8"), without.apply(read(file).data)
        again = {pack.id: own for pack in self.library if file in (own := self._files[pack.id], self._base(pack))}
        file.write_text(json.dumps(changed, default=str), encoding="utf-8")  # which is YAML, and written in no time
        try:
            return Library({
                code: tuple(load_draft(again[pack.id], self.folder) if pack.id in again else pack for pack in packs)
                for code, packs in self.library.packs.items()
            })  # fmt: skip
        finally:
            file.write_text(kept, encoding="utf-8")

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        """By the id of a pack, its file."""
        files = [self.folder / name for name in FILES.values()]
        return {str(read(file).data.get("id")): file for file in files}

    def _base(self, pack: Pack) -> Path:
        return self.folder / SHARED / f"{pack.extends}.yaml"


def held(*requirements: str, without: tuple[Without, ...]) -> Callable[[Check], Callable[..., None]]:
    """A check on the packs becomes a test: it passes on the shipped ones, and fails on each with a rule taken out."""

    def as_test(check: Check) -> Callable[..., None]:
        @pytest.mark.requirement(*requirements)
        @pytest.mark.parametrize("out", [None, *without], ids=lambda out: str(out) if out else "as shipped")
        def test(shipped: Shipped, out: Without | None) -> None:
            if out is None:
                check(shipped.library)
            else:
                shipped.notices(check, out)

        test.__name__ = check.__name__
        test.__doc__ = check.__doc__
        return test

    return as_test
