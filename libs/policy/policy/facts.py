"""The facts of an assessment, exactly as the acceptance cases spell them."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, StringConstraints

Indication = Literal["sheltered_work_new", "sheltered_work_alternative", "job_agreement", "target_group_register"]
AgeBand = Literal["18-20", "21-26", "27", "28-44", "45-49", "50-54", "55-pension", "pension"]
WorkFit = Literal["yes", "small_interventions", "no"]
Natural = Annotated[int, Field(strict=True, ge=0)]
OwnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
OwnChoice = Annotated[StrictStr, Field(min_length=1, max_length=64)]


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
    age_band: AgeBand | None = None
    """As registered, for where the assessment does not say the age."""
    prospect_of_work: StrictBool | None = None
    without_benefit: StrictBool | None = None
    in_doubt: StrictBool | None = None
    own: Annotated[Mapping[OwnName, StrictBool | Natural | OwnChoice], Field(max_length=50)] = Field(
        default_factory=dict, description="Facts that the policy of the municipality defines itself, by name"
    )

    def exempted(self, on: date) -> bool:
        """Whether an exemption is in force on this day."""
        return self.exemption is not None and self.exemption.in_force(on)
