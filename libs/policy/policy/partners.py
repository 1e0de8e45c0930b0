"""The partners of a municipality and how a referral to each of them runs (PAR-2, PAR-3, PAR-6)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policy.section import ById, Deadline, Id, Length, Section, Source, Text
from policy.terms import Term

PartnerField = Literal[
    "name", "contact", "language", "birth_year", "address", "category", "track", "purpose", "indications",
    "availability", "work_capacity_pct", "conversation_option",
]  # fmt: skip


class OneToOne(Section):
    """Each client is referred on their own."""

    form: Literal["one_to_one"]


class Group(Section):
    """Clients are collected for a group session: at `max` it is full, at `min` it goes when patience is over."""

    form: Literal["group"]
    min: Annotated[int, Field(ge=1)]
    max: Annotated[int, Field(ge=1)]
    patience: Length = Term(weeks=2)

    @model_validator(mode="after")
    def _holds_somebody(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"the largest group ({self.max}) is smaller than the smallest ({self.min})")
        return self


class Limits(Section):
    """How long each step of a referral may take; without ``end`` a guidance that began has no set length."""

    acknowledge: Deadline
    accept: Deadline
    start: Deadline
    end: Deadline | None = None


class Purpose(Section):
    """Why a client is referred, and the fields that the partner may see for it."""

    id: Id
    label: Text
    fields: tuple[PartnerField, ...]


class Partner(Section):
    """An organisation that clients are referred to."""

    id: Id
    name: Text
    kind: Id
    protocol: Annotated[OneToOne | Group, Field(discriminator="form")]
    limits: Limits
    purposes: ById[Purpose]
    source: Source
