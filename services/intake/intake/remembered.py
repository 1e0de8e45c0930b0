"""What the lines of a file said of each person so far, so that later lines can be held against them.

It is kept in a database of its own without a name, which is in memory until it is large, then in a file that nobody
else can open, and gone with the request. It holds blind indexes and keyed digests, nothing that a line said.
"""

import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, Self

Told = Mapping[str, str]
"""A digest of each cell that held something, by column."""


@dataclass(frozen=True)
class Spell:
    """A spell of benefit, and the line that told of it."""

    line: int
    begins: date | None
    ends: date | None
    told: Told

    def overlaps(self, begins: date | None, ends: date | None) -> bool:
        """Whether another spell shares days with it; one of which the beginning is unknown is not held against it."""
        if self.begins is None or begins is None:
            return False
        return begins < (self.ends or date.max) and self.begins < (ends or date.max)


@dataclass
class Said:
    """What the file said of a person: in the first line about them, and of each spell."""

    person: str
    """The blind index of the BSN, in hexadecimals; and so of the partner's."""
    line: int
    told: Told
    partner: str | None
    spells: list[Spell] = field(default_factory=list)

    def as_text(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self), default=date.isoformat)

    @classmethod
    def of(cls, text: str) -> Self:
        """As it was kept."""
        kept: dict[str, Any] = json.loads(text)
        kept["spells"] = [Spell(**{**each, **_days(each)}) for each in kept["spells"]]
        return cls(**kept)


def _days(spell: Mapping[str, Any]) -> dict[str, date | None]:
    return {name: date.fromisoformat(spell[name]) if spell[name] else None for name in ("begins", "ends")}


@dataclass
class Recalled:
    """What was said of the people in hand, and of those whom they name; what the lines in hand say comes to it."""

    people: dict[str, Said]
    _naming: dict[str, list[Said]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.people.values():
            self._name(each)

    def say(self, said: Said) -> None:
        """Hold what a line says of somebody new against the lines after it."""
        self.people[said.person] = said
        self._name(said)

    def of(self, person: str | None) -> Said | None:
        """What was said of somebody."""
        return self.people.get(person) if person else None

    def who_name(self, partner: str) -> Sequence[Said]:
        """Those of whom a line said that this is their partner."""
        return self._naming.get(partner, ())

    def _name(self, said: Said) -> None:
        if said.partner is not None:
            self._naming.setdefault(said.partner, []).append(said)


class Remembered:
    """The people of one file, in memory that does not grow with it."""

    def __init__(self, kept: sqlite3.Connection) -> None:
        self._kept = kept
        self._key = os.urandom(32)
        kept.execute("CREATE TABLE people (person TEXT PRIMARY KEY, partner TEXT, said TEXT) WITHOUT ROWID")
        kept.execute("CREATE INDEX of_partner ON people (partner) WHERE partner IS NOT NULL")

    def told(self, cells: Mapping[str, str]) -> dict[str, str]:
        """The cells as they are held against each other."""
        return {
            column: blake2b(cell.casefold().encode(), key=self._key, digest_size=8).hexdigest()
            for column, cell in cells.items()
        }

    def recall(self, people: Collection[str]) -> Recalled:
        """What was said of these people and of those who name one of them as partner."""
        asked = json.dumps(sorted(people))
        rows = self._kept.execute(
            "SELECT said FROM people WHERE person IN (SELECT value FROM json_each(:asked))"
            " OR partner IN (SELECT value FROM json_each(:asked))",
            {"asked": asked},
        )
        found = (Said.of(text) for (text,) in rows)
        return Recalled({each.person: each for each in found})

    def keep(self, recalled: Recalled) -> None:
        """Keep what the lines that were in hand came to."""
        rows = [(each.person, each.partner, each.as_text()) for each in recalled.people.values()]
        self._kept.executemany("INSERT OR REPLACE INTO people VALUES (?, ?, ?)", rows)


@contextmanager
def remembered() -> Iterator[Remembered]:
    """An empty memory, for as long as one file is read."""
    with closing(sqlite3.connect("", isolation_level=None)) as kept:
        kept.execute("PRAGMA journal_mode = OFF")
        yield Remembered(kept)
