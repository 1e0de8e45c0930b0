"""All packs of a folder: loaded, checked whole, and found by municipality and day (POL-2, POL-4)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from policy.checks import check
from policy.faults import Fault, NoPolicyInForce, PolicyErrors, UnknownMunicipality
from policy.pack import Pack
from policy.reading import Text, digest, merge, read
from policy.remedies import faults_of

SHARED = "_shared"


@dataclass(frozen=True, slots=True)
class Library:
    """The packs by municipality, each list in order of time."""

    packs: Mapping[str, tuple[Pack, ...]]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load every pack under the folder; PolicyErrors tells all that is wrong, in all of them."""
        faults: list[Fault] = []
        loaded: dict[str, list[tuple[Text, Pack]]] = defaultdict(list)
        for file in sorted(folder.glob("*/*.yaml")):
            if file.parent.name == SHARED:
                continue
            try:
                text, pack = _load(file, folder)
            except PolicyErrors as errors:
                faults += errors.faults
            else:
                loaded[pack.municipality].append((text, pack))
        if not loaded and not faults:
            faults.append(Fault(str(folder), 1, "", "", "no packs here; write <municipality>/<first day>.yaml"))
        for packs in loaded.values():
            packs.sort(key=lambda each: each[1].valid_from)
            faults += _periods(packs)
        faults += _doubles(each for packs in loaded.values() for each in packs)
        if faults:
            raise PolicyErrors(faults)
        return cls({code: tuple(pack for _, pack in loaded[code]) for code in sorted(loaded)})

    @property
    def municipalities(self) -> tuple[str, ...]:
        """The codes of the municipalities that have a pack."""
        return tuple(self.packs)

    def in_force(self, municipality: str, on: date) -> Pack:
        """The pack that decides on this day."""
        packs = self.packs.get(municipality)
        if packs is None:
            raise UnknownMunicipality(municipality, self.municipalities)
        for pack in packs:
            if pack.in_force(on):
                return pack
        raise NoPolicyInForce(municipality, on)

    def roles(self, municipality: str) -> tuple[str, ...]:
        """The roles that any pack of a municipality names, also one that is over or yet to begin."""
        packs = self.packs.get(municipality)
        if packs is None:
            raise UnknownMunicipality(municipality, self.municipalities)
        return tuple(dict.fromkeys(role for pack in packs for role in pack.roles))

    def of_then(self, municipality: str, on: date, today: date) -> Pack:
        """The pack by which something is judged that happened on a day: in force then; where none was, today's."""
        try:
            return self.in_force(municipality, on)
        except NoPolicyInForce:
            return self.in_force(municipality, today)

    def __iter__(self) -> Iterator[Pack]:
        return (pack for packs in self.packs.values() for pack in packs)


def load_draft(file: Path, folder: Path) -> Pack:
    """Load a pack that is not in the library yet, to try it before it is adopted; its base is in the folder (POL-6)."""
    return _load(file, folder)[1]


def _load(file: Path, folder: Path) -> tuple[Text, Pack]:
    own = read(file)
    texts = [own]
    extends = own.data.get("extends")
    if extends is not None:
        base = folder / SHARED / f"{extends}.yaml"
        if not base.is_file():
            there = ", ".join(sorted(each.stem for each in base.parent.glob("*.yaml"))) or "none"
            raise PolicyErrors([own.fault(("extends",), f"no such base in {base.parent}; there are: {there}")])
        texts.append(read(base))
    text = merge(texts[1], own) if len(texts) > 1 else own
    try:
        pack = Pack.read(text.data, digest(*texts))
    except ValidationError as errors:
        raise PolicyErrors(list(faults_of(errors, text))) from errors
    faults = list(check(pack, text))
    if faults:
        raise PolicyErrors(faults)
    return text, pack


def _periods(packs: Iterable[tuple[Text, Pack]]) -> Iterator[Fault]:
    """Two packs in force on one day, or a day with none between two."""
    for (_, before), (text, after) in pairwise(packs):
        last = before.valid_to
        if last is None or last >= after.valid_from:
            until = "has no end" if last is None else f"is in force up to and including {last}"
            yield text.fault(
                ("valid_from",), f"two packs in force on one day: {before.id} {until}; give it an earlier valid_to"
            )
        elif last + timedelta(days=1) < after.valid_from:
            yield text.fault(
                ("valid_from",),
                f"no pack in force from {last + timedelta(days=1)}: {before.id} ends on {last}; let them join",
            )


def _doubles(packs: Iterable[tuple[Text, Pack]]) -> Iterator[Fault]:
    seen: dict[tuple[str, str], Text] = {}
    for text, pack in packs:
        first = seen.setdefault((pack.id, pack.version), text)
        if first is not text:
            yield text.fault(("id",), f"{first.file} has this id and version already; give each pack its own")
