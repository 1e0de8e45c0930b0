"""A line of a caseload file: which columns there are, and what is wrong with what stands in them."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

from pydantic import Field, ValidationError, field_validator

from chassis.models import ApiModel, Code, OptionalDay
from contracts.intake import CaseImported, ImportedSuspension
from contracts.routing import ExitReason
from intake.people import Municipality, NewClient
from intake.rules import Fault
from policy import Pack

YES, NO = frozenset({"yes", "true", "1", "ja"}), frozenset({"no", "false", "0", "nee"})
ENDED_STATES = {"deceased": "deceased", "moved_away": "moved_away"}
"""What the reason of an exit says of the registration."""

NAME = {"given_names": "given", "prefix": "prefix", "family_name": "family"}
ADDRESS = {"street": "street", "house_number": "house_number", "postcode": "postcode", "city": "city"}
CONTACT = {"email": "email", "phone": "phone"}
PERSON = (
    "bsn", "birth_date", "secret_address", "language", "partner_bsn", "household_kind", "permit_holder", "housed_on",
    "without_benefit", "starting_qualification",
)  # fmt: skip


class Case(ApiModel):
    """Where a client stands in mid-journey, or a spell of benefit that ended."""

    benefit_from: OptionalDay = None
    category: Code | None = None
    track: Code | None = None
    categorised_on: OptionalDay = None
    route: Code | None = None
    route_started_on: OptionalDay = None
    suspensions: tuple[ImportedSuspension, ...] = ()
    caseworker_id: Code | None = None
    exempted_until: OptionalDay = None
    exempted_permanently: bool = False
    indications: tuple[Code, ...] = ()
    prospect_of_work: bool | None = None
    last_conversation_on: OptionalDay = None
    exited_on: OptionalDay = None
    exit_reason: ExitReason | None = Field(default=None, json_schema_extra={"enum": list(get_args(ExitReason))})

    @field_validator("suspensions", mode="before")
    @classmethod
    def _periods(cls, written: object) -> object:
        """`2021-03-01/2021-04-01 2022-01-01/`: half open, the last without an end while it lasts."""
        if not isinstance(written, str):
            return written
        parts = [period.partition("/") for period in written.split()]
        if not all(slash for _, slash, _ in parts):
            raise ValueError("is written as 2021-03-01/2021-04-01, with 2022-01-01/ for one that still runs")
        return [{"start": start, "end": end or None} for start, _, end in parts]

    @field_validator("suspensions")
    @classmethod
    def _forwards(cls, periods: tuple[ImportedSuspension, ...]) -> tuple[ImportedSuspension, ...]:
        if any(each.end is not None and each.end < each.start for each in periods):
            raise ValueError("a period ends before it starts")
        return periods

    @field_validator("indications", mode="before")
    @classmethod
    def _words(cls, written: object) -> object:
        return tuple(written.split()) if isinstance(written, str) else written


COLUMNS = ("municipality", *PERSON, *NAME, *ADDRESS, *CONTACT, *Case.model_fields)
"""Every column there is; the order in the file is free."""
NEEDED = ("municipality", "bsn", "family_name", "birth_date")
"""The columns that a file must have."""


class Line(ApiModel):
    """A line as it is read."""

    municipality: Municipality
    person: NewClient
    case: Case


@dataclass(frozen=True)
class BrokenLine:
    """What is wrong with a line, by column."""

    faults: Sequence[Fault]


def written(lines: Iterable[Line]) -> str:
    """These lines as a file that `read` reads, with every column there is."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_cells(line) for line in lines)
    return out.getvalue()


def _cells(line: Line) -> dict[str, str]:
    """What stands in the columns: each model's fields by the columns that `_nested` reads them from."""
    person, case = line.person, line.case
    parts: list[tuple[object | None, Mapping[str, str]]] = [
        (person, {column: column for column in PERSON}), (person.name, NAME), (person.address, ADDRESS),
        (person.contact, CONTACT), (case, {column: column for column in Case.model_fields}),
    ]  # fmt: skip
    cells = {
        column: _cell(getattr(model, field))
        for model, columns in parts
        if model is not None
        for column, field in columns.items()
    }
    return {"municipality": line.municipality, **cells}


def _cell(value: object) -> str:
    """A value as it is written in a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case ImportedSuspension(start=start, end=end):
            return f"{start}/{end or ''}"
        case tuple():
            return " ".join(map(_cell, value))
    return str(value)


def header_faults(header: Sequence[str]) -> list[Fault]:
    """What is wrong with the first line of a file."""
    unknown = [Fault(name, "is no column of a caseload file") for name in header if name not in COLUMNS]
    double = [Fault(name, "stands twice") for name in dict.fromkeys(header) if header.count(name) > 1]
    return unknown + double + [Fault(name, "is missing") for name in NEEDED if name not in header]


def read(header: Sequence[str], cells: Sequence[str]) -> Line | BrokenLine:
    """A line of the file, or what is wrong with it."""
    if len(cells) != len(header):
        return BrokenLine([Fault("", f"has {len(cells)} cells, and the first line has {len(header)}")])
    written = {column: cell for column, cell in zip(header, cells, strict=True) if cell}
    try:
        return Line.model_validate(_nested(written))
    except ValidationError as error:
        return BrokenLine([Fault(_column(each["loc"]), _detail(each)) for each in error.errors()])


def case_faults(case: Case, pack: Pack, today: date) -> Iterator[Fault]:
    """What does not fit the municipality's policy or the calendar; an ended spell may be of an older policy."""
    for column in ("benefit_from", "categorised_on", "route_started_on", "last_conversation_on", "exited_on"):
        day = getattr(case, column)
        if day is not None and day > today:
            yield Fault(column, f"lies after today, {today}")
    if (case.exited_on is None) != (case.exit_reason is None):
        yield Fault(
            "exit_reason" if case.exit_reason is None else "exited_on", "belongs to an exit, with its counterpart"
        )
    if case.exited_on and case.benefit_from and case.exited_on < case.benefit_from:
        yield Fault("exited_on", "lies before benefit_from")
    if case.exited_on is None:
        yield from _unknown_to(pack, case)


def _unknown_to(pack: Pack, case: Case) -> Iterator[Fault]:
    if case.category is not None and case.category not in pack.categories:
        yield Fault("category", f"is none of {', '.join(pack.categories)}")
    elif case.category is not None and case.track not in {None, pack.track_of(case.category)}:
        yield Fault("track", f"is {pack.track_of(case.category)} for this category")
    if case.track is not None and case.track not in pack.tracks:
        yield Fault("track", f"is none of {', '.join(pack.tracks)}")
    if case.route is not None and case.route not in pack.routing.routes:
        yield Fault("route", f"is none of {', '.join(pack.routing.routes)}")
    if case.route is not None and case.route_started_on is None:
        yield Fault("route_started_on", "is needed with a route")


def imported(case: Case, pack: Pack, today: date) -> CaseImported:
    """What the other services hear; the track follows from the category."""
    track = case.track
    if track is None and case.category in pack.categories:
        track = pack.track_of(case.category)
    values = case.model_dump() | {"track": track, "suspensions": case.suspensions}
    return CaseImported(occurred_on=today, by="import", **values)


def _nested(written: Mapping[str, str]) -> dict[str, Any]:
    """The cells where the models want them."""
    person: dict[str, Any] = {column: _said(written[column]) for column in PERSON if column in written}
    person["name"] = _part(written, NAME)
    for part, columns in (("address", ADDRESS), ("contact", CONTACT)):
        if cells := _part(written, columns):
            person[part] = cells
    case = {column: _said(written[column]) for column in Case.model_fields if column in written}
    return {"municipality": written.get("municipality"), "person": person, "case": case}


def _part(written: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    return {field: written[column] for column, field in columns.items() if column in written}


def _said(cell: str) -> str | bool:
    """A cell, or the yes or no that it says; `1` and `0` stay texts, which the models read as they need."""
    word = cell.casefold()
    if word in YES - {"1"}:
        return True
    return False if word in NO - {"0"} else cell


def _column(place: Sequence[Any]) -> str:
    """The column of a fault that the models found."""
    names = [str(part) for part in place if isinstance(part, str)]
    for group, columns in (("name", NAME), ("address", ADDRESS), ("contact", CONTACT)):
        if group in names:
            field = _snake(names[-1])
            return next((column for column, each in columns.items() if each == field), field)
    return next((name for name in map(_snake, names) if name in COLUMNS), "")


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _detail(error: Mapping[str, Any]) -> str:
    """What is wrong, in words that never repeat the cell."""
    if error["type"] == "missing" or (error["type"] == "string_type" and error["input"] is None):
        return "is needed"
    return str(error["msg"])


def as_column(field: str) -> str:
    """The column of a field that the rules name."""
    return _snake(field)
