"""A line of a staff file: somebody who guides clients or manages those who do, and when they are away (ROU-16)."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from chassis.csvfiles import Sheet
from chassis.models import ApiModel, Code, OptionalDay
from contracts.model import Municipality

STAFF_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class StaffLine(ApiModel):
    """A line as it is read; somebody with several absences has a line for each."""

    id: Annotated[str, Field(pattern=STAFF_ID)]
    municipalities: Annotated[list[Municipality], Field(min_length=1, max_length=50)]
    roles: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    team: Code | None = None
    manages: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    hours: Annotated[Decimal, Field(ge=1, le=60, decimal_places=2)] | None = None
    active: bool | None = None
    absent_from: OptionalDay = None
    absent_until: OptionalDay = None
    deputy: Annotated[str, Field(pattern=STAFF_ID)] | None = None

    @field_validator("municipalities", "roles", "manages", mode="before")
    @classmethod
    def _words(cls, written: object) -> object:
        return tuple(dict.fromkeys(written.split())) if isinstance(written, str) else written

    @field_validator("hours", mode="before")
    @classmethod
    def _number(cls, written: object) -> object:
        """With a comma, as spreadsheets in Dutch write it, or a point."""
        return written.replace(",", ".") if isinstance(written, str) else written

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.absent_from is None and (self.absent_until or self.deputy):
            raise ValueError("names the end of an absence, or a deputy, without absent_from")
        return self


COLUMNS = tuple(StaffLine.model_fields)
OF_ABSENCE = ("absent_from", "absent_until", "deputy")
CLEARED = frozenset({"roles", "team", "manages", *OF_ABSENCE})
"""The columns of which an empty cell says that there is nothing; that of another says nothing."""
STAFF = Sheet("a staff file", StaffLine, COLUMNS, ("id", "municipalities"))
