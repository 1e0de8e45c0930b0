"""The base of every event, and the small values that several events carry."""

import re
from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

MUNICIPALITY = r"^GM\d{4}$"
Municipality = Annotated[str, StringConstraints(pattern=MUNICIPALITY)]
"""The CBS code of a municipality: `GM` and four digits."""

Actor = Annotated[str, StringConstraints(pattern=r"^(staff:[\w.-]+|partner:[\w.-]+|app:[\w.-]+|clock|import)$")]
"""Who decided or entered something: staff, a partner, a front-end without a person, the clock, an import."""

AgeBand = Literal["18-20", "21-26", "27", "28-44", "45-49", "50-54", "55-pension", "pension"]
HouseholdKind = Literal["single", "single_parent", "couple", "couple_with_children"]
Origin = Literal["front_end", "import"]


class Model(BaseModel):
    """A value in an event: camelCase in JSON, immutable, and blind to fields it does not know (a tolerant reader)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Event(Model):
    """A fact that happened on a day. No identity data, no free text, no facts about health."""

    producer: ClassVar[str]
    version: ClassVar[int] = 1
    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "client"

    occurred_on: date
    """The civil day on which it happened; it may lie before its recording."""
    by: Actor
    """Who decided or entered it."""

    @classmethod
    def type(cls) -> str:
        """The CloudEvents type: `nl.klantreizen.client-categorised`, with `.v2` and up after an incompatible change."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        return f"nl.klantreizen.{name}" + (f".v{cls.version}" if cls.version > 1 else "")


class ReceiptReference(Model):
    """Points to the receipt of a policy decision, which stays with the service that decided."""

    receipt_id: UUID
    pack_id: str
    version: str
    digest: str
    rule: str | None
    """The rule of the pack that decided; absent when a professional decided against it."""
