"""Letters in plain Dutch, level B1: where somebody stands, and what of an earlier letter was wrong (ROU-14)."""

import re
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple, Self, get_args

from pydantic import model_validator

from policy.section import Id, Section, Text

LetterId = Literal["categorised", "handover", "exit", "correction", "withdrawal"]
"""`correction`: an earlier letter was wrong, this is what holds. `withdrawal`: none was meant for who got them."""
LETTERS: tuple[LetterId, ...] = get_args(LetterId)

_EVERYWHERE = frozenset({"name", "municipality_name"})
_STANDING = frozenset({"track_label", "track_meaning", "caseworker_name"})
_WRONG_LETTER = frozenset({"letter_date", "letter_subject"})
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "categorised": _EVERYWHERE | _STANDING,
    "handover": _EVERYWHERE | _STANDING,
    "exit": _EVERYWHERE | _STANDING,
    "correction": _EVERYWHERE | _STANDING | _WRONG_LETTER,
    "withdrawal": _EVERYWHERE | _WRONG_LETTER,
}
"""What each letter can be filled in with; `letter_date` and `letter_subject` are of the letter that was wrong."""
ALL_PLACEHOLDERS = frozenset().union(*PLACEHOLDERS.values())
DATED: Collection[LetterId] = ("correction", "withdrawal")
"""The letters that must say of which day the letter was that they correct."""
_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")


class Filled(NamedTuple):
    """A letter as it is read."""

    subject: str
    body: str


class Template(Section):
    """The text of a letter; ``{{ name }}`` and the like are filled in by who sends it."""

    subject: Text
    body: Text

    @property
    def asks_for(self) -> frozenset[str]:
        """The placeholders in it."""
        return frozenset(_PLACEHOLDER.findall(f"{self.subject} {self.body}"))

    def fits(self, kind: str) -> Self:
        """Itself, when it can be this letter; ValueError when it asks for what there is not, or leaves the date out."""
        unknown, allowed = sorted(self.asks_for - PLACEHOLDERS[kind]), ", ".join(sorted(PLACEHOLDERS[kind]))
        if unknown:
            raise ValueError(f"unknown placeholder {', '.join(unknown)}; allowed are {allowed}")
        if kind in DATED and "letter_date" not in self.asks_for:
            raise ValueError("must say with {{ letter_date }} of which day the letter was that is corrected")
        return self

    def filled(self, values: Mapping[str, str]) -> Filled:
        """The letter with a value for every placeholder."""
        return Filled(*(_PLACEHOLDER.sub(lambda found: values[found[1]], text) for text in (self.subject, self.body)))


class Letter(Template):
    """A letter of the pack, with a version of its own."""

    id: Id
    version: int

    @model_validator(mode="after")
    def _asks_for_what_there_is(self) -> Self:
        return self.fits(self.id) if self.id in PLACEHOLDERS else self  # a letter that there is not is another fault
