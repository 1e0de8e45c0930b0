"""Letters in plain Dutch, level B1 (ROU-14)."""

import re
from typing import Literal, Self, get_args

from pydantic import model_validator

from policy.section import Id, Section, Text

PLACEHOLDERS = frozenset({"name", "track_label", "caseworker_name", "municipality_name"})
_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")

LetterId = Literal["categorised", "handover", "exit"]
LETTERS: tuple[LetterId, ...] = get_args(LetterId)


class Letter(Section):
    """A letter with a version of its own; ``{{ name }}`` and the like are filled in by who sends it."""

    id: Id
    version: int
    subject: Text
    body: Text

    @model_validator(mode="after")
    def _asks_for_what_there_is(self) -> Self:
        unknown = sorted(set(_PLACEHOLDER.findall(f"{self.subject} {self.body}")) - PLACEHOLDERS)
        if unknown:
            allowed = ", ".join(sorted(PLACEHOLDERS))
            raise ValueError(f"unknown placeholder {', '.join(unknown)}; allowed are {allowed}")
        return self
