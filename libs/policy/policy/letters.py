"""Letters in plain Dutch, level B1 (ROU-14)."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, Self, get_args

from pydantic import model_validator

from policy.section import Id, Section, Text

PLACEHOLDERS = frozenset({"name", "track_label", "track_meaning", "caseworker_name", "municipality_name"})
_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")

LetterId = Literal["categorised", "handover", "exit"]
LETTERS: tuple[LetterId, ...] = get_args(LetterId)


class Filled(NamedTuple):
    """A letter as it is read."""

    subject: str
    body: str


class Template(Section):
    """The text of a letter; ``{{ name }}`` and the like are filled in by who sends it."""

    subject: Text
    body: Text

    @model_validator(mode="after")
    def _asks_for_what_there_is(self) -> Self:
        unknown = sorted(set(_PLACEHOLDER.findall(f"{self.subject} {self.body}")) - PLACEHOLDERS)
        if unknown:
            allowed = ", ".join(sorted(PLACEHOLDERS))
            raise ValueError(f"unknown placeholder {', '.join(unknown)}; allowed are {allowed}")
        return self

    def filled(self, values: Mapping[str, str]) -> Filled:
        """The letter with a value for every placeholder."""
        return Filled(*(_PLACEHOLDER.sub(lambda found: values[found[1]], text) for text in (self.subject, self.body)))


class Letter(Template):
    """A letter of the pack, with a version of its own."""

    id: Id
    version: int
