"""What all sections of a pack have in common."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints, model_validator

from policy.references import DocumentId
from policy.terms import Ground, Term

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Section(BaseModel):
    """A part of a pack: nothing unknown in it, nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Source(Section):
    """Where a rule comes from: a document the pack lists, and the place in it."""

    document: DocumentId
    section: Text


def _length(written: object) -> object:
    return Term.parse(written) if isinstance(written, str) else written


Length = Annotated[Term, BeforeValidator(_length), PlainSerializer(str)]
WhenMissed = Literal["work_list", "escalate", "handover", "close"]


class Deadline(Section):
    """A term with a name, what it rests on, and what happens when it passes (ROU-15).

    In a pack: ``{id: review, within: 1 year, ground: service_norm, when_missed: work_list, source: ...}``.
    """

    id: Id
    within: Length
    ground: Ground = "service_norm"
    when_missed: WhenMissed = "work_list"
    source: Source

    @model_validator(mode="after")
    def _term_knows_its_ground(self) -> Self:
        term = self.within
        object.__setattr__(self, "within", Term(term.years, term.months, term.weeks, term.days, self.ground))
        return self

    @property
    def term(self) -> Term:
        """The length of time, with its ground."""
        return self.within

    @property
    def statutory(self) -> bool:
        """Whether the Algemene termijnenwet speaks of it."""
        return self.within.statutory


def _with_ids(written: object) -> object:
    if not isinstance(written, Mapping):
        return written
    return {
        str(key): {**value, "id": str(key)} if isinstance(value, Mapping) else value for key, value in written.items()
    }


T = TypeVar("T")
# A mapping whose items carry their key as id.
Keyed = BeforeValidator(_with_ids)
ById = Annotated[dict[Id, T], Keyed]
