"""The facts of an assessment, exactly as the acceptance cases spell them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

Indication = Literal["sheltered_work_new", "sheltered_work_alternative", "job_agreement", "target_group_register"]
WorkFit = Literal["yes", "small_interventions", "no"]
Natural = Annotated[int, Field(strict=True, ge=0)]


class Exemption(BaseModel):
    """Exempted from the duty to look for work; the last day is inclusive, and without one it is permanent (DIA-9)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    until: date | None = None

    def in_force(self, on: date) -> bool:
        """Whether it holds on this day."""
        return self.until is None or on <= self.until

    @property
    def permanent(self) -> bool:
        """Granted without an end."""
        return self.until is None


class Facts(BaseModel):
    """What an assessment found (DIA-2). None means: not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    distance_months: Natural | None = None
    work_capacity_pct: Natural | None = None
    capacity_measured: StrictBool | None = None
    indications: frozenset[Indication] = frozenset()
    exemption: Exemption | None = None
    work_fit: WorkFit | None = None
    can_volunteer: StrictBool | None = None
    starting_qualification: StrictBool | None = None
    multiple_problems: StrictBool | None = None
    permit_holder: StrictBool | None = None
    single_parent: StrictBool | None = None
    youngest_child_born: date | None = None
    age: Natural | None = None
    prospect_of_work: StrictBool | None = None
    without_benefit: StrictBool | None = None
    in_doubt: StrictBool | None = None

    def exempted(self, on: date) -> bool:
        """Whether an exemption is in force on this day."""
        return self.exemption is not None and self.exemption.in_force(on)
