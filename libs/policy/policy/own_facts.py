"""Facts that a municipality adds to those every assessment can record, to classify along an axis of its own."""

from typing import Literal, Self

from pydantic import model_validator

from policy.facts import Facts, OwnName
from policy.section import Id, Section, Text


class OwnFact(Section):
    """A fact that only this policy knows: yes or no, a whole number from nought, or one of the choices."""

    id: OwnName
    label: Text
    kind: Literal["yes_no", "number", "choice"]
    choices: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _chooses_or_not(self) -> Self:
        if self.id in Facts.model_fields or self.id == "exempted":
            raise ValueError(f"{self.id} is a fact of every assessment already; use that one, or another name")
        if bool(self.choices) != (self.kind == "choice"):
            raise ValueError("choices belong to kind choice, and only there")
        return self

    def remedy(self, value: object) -> str | None:
        """What would be right; None when the value is."""
        if self.kind == "yes_no":
            return None if isinstance(value, bool) else "is true or false"
        if self.kind == "number":
            return None if isinstance(value, int) and not isinstance(value, bool) else "is a whole number"
        return None if value in self.choices else f"is one of {', '.join(self.choices)}"
