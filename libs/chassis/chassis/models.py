"""What goes over HTTP: camelCase in JSON, strict in, UTC out."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

T = TypeVar("T")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2199, 12, 31)


class ApiModel(BaseModel):
    """A request, or a part of one: every field is known, or the request is refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        allow_inf_nan=False,
        use_enum_values=False,
    )


class AnswerModel(BaseModel):
    """An answer, or a part of one; made from rows and values by name, and camelCase in JSON."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        from_attributes=True,
        allow_inf_nan=False,
    )


class Items(AnswerModel, Generic[T]):
    """A collection, or a page of it; the next page stands in the `Link` header."""

    items: list[T]


class CallAnswer(AnswerModel):
    """A call that may follow; its body, where it takes one, stands in the OpenAPI document of its service."""

    rel: str
    method: Literal["GET", "POST"]
    href: str


def _written_date(value: Any) -> Any:
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise ValueError("a date is written as 2026-05-31")
    if isinstance(value, (int, float)):
        raise ValueError("a date is a text: 2026-05-31")  # noqa: TRY004 - Pydantic hears ValueError
    return value


def _imaginable(value: date) -> date:
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"a date lies between {FIRST_DAY} and {LAST_DAY}")
    return value


def _written_moment(value: Any) -> Any:
    if isinstance(value, str) and not _MOMENT.fullmatch(value):
        raise ValueError("a moment is written as 2026-05-31T14:00:00+02:00, with its offset")
    if isinstance(value, (int, float)):
        raise ValueError("a moment is a text: 2026-05-31T14:00:00+02:00")  # noqa: TRY004 - Pydantic hears ValueError
    return value


def _in_utc(value: datetime) -> datetime:
    _imaginable(value.date())
    return value.astimezone(UTC)


_DAY_RULES = (BeforeValidator(_written_date), AfterValidator(_imaginable))
_MOMENT_RULES = (BeforeValidator(_written_moment), AfterValidator(_in_utc))

Day = Annotated[date, *_DAY_RULES, WithJsonSchema({"type": "string", "format": "date"})]
"""A civil day between 1900 and 2199."""

Moment = Annotated[AwareDatetime, *_MOMENT_RULES, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment: any offset in, UTC out."""

OptionalDay = Annotated[Day | None, WithJsonSchema({"type": ["string", "null"], "format": "date"})]
"""A civil day or null, described as the Dutch API design rules want it."""

OptionalMoment = Annotated[Moment | None, WithJsonSchema({"type": ["string", "null"], "format": "date-time"})]
"""A moment or null."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=r"^[^\x00]*$")]
"""A text of at most 4000 characters, without NUL, which PostgreSQL does not store, nor blanks around it."""

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
"""One line of text, not blank: a name, a title, a reason in short."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A code from a list: of an instrument, a rule, a team."""

Number = Annotated[int, Field(ge=-2_147_483_648, le=2_147_483_647)]
"""A whole number that fits an `integer` column."""

Count = Annotated[int, Field(ge=0, le=2_147_483_647)]
"""How many: not below zero."""
