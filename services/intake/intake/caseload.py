"""A line of a caseload file: which columns there are, and what is wrong with what stands in them."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from chassis.csvfiles import Fault, Sheet, said, snake
from chassis.ids import Ids
from chassis.models import ApiModel, Code, Day, OptionalDay
from contracts.intake import CaseImported, ImportedReferral, ImportedSuspension
from contracts.routing import ExitReason
from intake.people import Municipality, NewClient
from intake.rules import BirthDate
from policy import Pack, Suspension, Term, reckon, start_of

ENDED_STATES = {"deceased": "deceased", "moved_away": "moved_away"}
"""What the reason of an exit says of the registration."""

NAME = {"given_names": "given", "prefix": "prefix", "family_name": "family"}
ADDRESS = {"street": "street", "house_number": "house_number", "postcode": "postcode", "city": "city"}
CONTACT = {"email": "email", "phone": "phone"}
PERSON = (
    "bsn", "birth_date", "secret_address", "language", "partner_bsn", "household_kind", "permit_holder", "housed_on",
    "without_benefit", "starting_qualification",
)  # fmt: skip


PENSIONED = (
    "is needed, with exit_reason pension_age: by the birth date pension age is reached, and from then on the"
    " municipality gives no assistance"
)
REFERRAL = re.compile(r"(?P<purpose>[^@:]+)@(?P<partner>[^@:]+):(?P<state>[^@:]+):(?P<since>[^@:]+)", re.ASCII)


class OpenReferral(ApiModel):
    """A referral of which the loop is not closed, and that the partner knows of."""

    purpose: Code
    partner: Code
    state: Literal["sent", "acknowledged", "accepted", "started", "held"]
    since: Day


class Case(ApiModel):
    """Where a client stands in mid-journey, or a spell of benefit that ended."""

    benefit_from: OptionalDay = None
    category: Code | None = None
    track: Code | None = None
    categorised_on: OptionalDay = None
    route: Code | None = None
    route_started_on: OptionalDay = None
    months_used: Annotated[int, Field(ge=0, le=600)] | None = None
    """Whole months of the longest stay that have gone by, without the time in which it stood still."""
    suspensions: tuple[ImportedSuspension, ...] = ()
    caseworker_id: Code | None = None
    exempted_until: OptionalDay = None
    exempted_permanently: bool = False
    indications: tuple[Code, ...] = ()
    prospect_of_work: bool | None = None
    last_conversation_on: OptionalDay = None
    open_referrals: tuple[OpenReferral, ...] = ()
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

    @field_validator("open_referrals", mode="before")
    @classmethod
    def _loops(cls, written: object) -> object:
        """`lessons@language-school:started:2024-02-01`, separated by blanks."""
        if not isinstance(written, str):
            return written
        found = [REFERRAL.fullmatch(each) for each in written.split()]
        if not all(found):
            raise ValueError("is written as purpose@partner:state:2024-02-01, separated by blanks")
        return [each.groupdict() for each in found if each]

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
        case OpenReferral(purpose=purpose, partner=partner, state=state, since=since):
            return f"{purpose}@{partner}:{state}:{since}"
        case tuple():
            return " ".join(map(_cell, value))
    return str(value)


def case_faults(case: Case, pack: Pack, today: date) -> Iterator[Fault]:
    """What does not fit the municipality's policy or the calendar; an ended spell may be of an older policy."""
    for column, day in _days_told(case):
        if day > today:
            yield Fault(column, f"lies after today, {today}")
    if (case.exited_on is None) != (case.exit_reason is None):
        missing, besides = ("exit_reason", "exited_on") if case.exit_reason is None else ("exited_on", "exit_reason")
        yield Fault(missing, f"is needed with {besides}, for a spell that ended")
    if case.exited_on and case.benefit_from and case.exited_on < case.benefit_from:
        yield Fault("exited_on", "lies before benefit_from")
    if case.exited_on is None:
        yield from _unknown_to(pack, case)
        yield from _months_that_cannot_be(case, pack, today)
        yield from _strange_referrals(case, pack, today)
    else:
        for column, told in (("months_used", case.months_used is not None), ("open_referrals", case.open_referrals)):
            if told:
                yield Fault(column, "belongs to a spell that still runs, and this one ended")


def _days_told(case: Case) -> Iterator[tuple[str, date]]:
    """The days in a line that are over, by their column."""
    for column in ("benefit_from", "categorised_on", "route_started_on", "last_conversation_on", "exited_on"):
        if (day := getattr(case, column)) is not None:
            yield column, day
    yield from (("suspensions", each.start) for each in case.suspensions)


def life_faults(case: Case, born: BirthDate, today: date) -> Iterator[Fault]:
    """What cannot have been in the life of who was born then. From pension age on the SVB gives assistance."""
    for column, day in _days_told(case):
        if day < born.first_possible:
            yield Fault(column, "lies before the birth date")
    if case.exited_on is None and case.exit_reason is None and born.pension_day <= today:
        yield Fault("exited_on", PENSIONED)
    elif case.exit_reason == "pension_age" and not born.may_have_pension(today):
        yield Fault("exit_reason", "is pension_age, and by the birth date that is not reached yet")


def _unknown_to(pack: Pack, case: Case) -> Iterator[Fault]:
    if case.category is not None and case.category not in pack.categories:
        yield Fault("category", f"is none of {', '.join(pack.categories)}")
    elif case.category is not None and case.track not in {None, pack.track_of(case.category)}:
        yield Fault("track", f"is {pack.track_of(case.category)} for this category")
    if case.track is not None and case.track not in pack.tracks:
        yield Fault("track", f"is none of {', '.join(pack.tracks)}")
    if case.route is not None and case.route not in pack.routing.routes:
        yield Fault("route", f"is none of {', '.join(pack.routing.routes)}")
    if case.route is not None and case.route_started_on is None and case.months_used is None:
        yield Fault("route_started_on", "is needed with a route, or months_used")


def _months_that_cannot_be(case: Case, pack: Pack, today: date) -> Iterator[Fault]:
    """Months of a stay that policy does not limit, or that do not agree with the day on which the route began."""
    if case.months_used is None:
        return
    if not _has_longest_stay(case, pack):
        yield Fault("months_used", "is of a longest stay, and policy sets none for this category and track")
    elif case.route_started_on is not None and case.route_started_on <= today:
        until, suspensions = _stay_counted(case, pack, today)
        start = case.route_started_on
        ends, next_ends = (
            reckon(start, Term(months=months), suspensions, statutory=False).due_on
            for months in (case.months_used, case.months_used + 1)
        )
        assert ends is not None
        assert next_ends is not None
        if not ends <= max(until, start) < next_ends:
            counted = f"{case.months_used} months from that day end on {ends}, one more on {next_ends}"
            yield Fault("months_used", f"does not agree with route_started_on: {counted}")


def _strange_referrals(case: Case, pack: Pack, today: date) -> Iterator[Fault]:
    asked = [(each.purpose, each.partner) for each in case.open_referrals]
    for each in case.open_referrals:
        partner = pack.partners.get(each.partner)
        if partner is None:
            yield Fault("open_referrals", f"names a partner that is none of {', '.join(pack.partners)}")
        elif each.purpose not in partner.purposes:
            yield Fault("open_referrals", f"names a purpose that is none of {', '.join(partner.purposes)}")
        if each.since > today:
            yield Fault("open_referrals", f"has a day after today, {today}")
    if len(set(asked)) < len(asked):
        yield Fault("open_referrals", "names a purpose twice with one partner")


def _track(case: Case, pack: Pack) -> str | None:
    """The track follows from the category."""
    return pack.track_of(case.category) if case.track is None and case.category in pack.categories else case.track


def _has_longest_stay(case: Case, pack: Pack) -> bool:
    rule, track = pack.routing.longest_on_track, _track(case, pack)
    return rule is not None and track is not None and rule.applies_to(track, case.category)


def _stay_counted(case: Case, pack: Pack, today: date) -> tuple[date, list[Suspension]]:
    """Until when the longest stay has counted, and the suspensions of before."""
    rule = pack.routing.longest_on_track
    if rule is None or rule.counts_suspended:
        return today, []
    until = min([today, *(each.start for each in case.suspensions if each.end is None)])
    return until, [Suspension(each.start, each.end) for each in case.suspensions if each.end is not None]


def completed(case: Case, pack: Pack, today: date) -> Case:
    """A case without faults, with what follows from policy: the track, and the day from which months used count."""
    started = case.route_started_on
    if started is None and case.months_used is not None:
        started = start_of(Term(months=case.months_used), *_stay_counted(case, pack, today))
    return case.model_copy(update={"track": _track(case, pack), "route_started_on": started})


def imported(case: Case, today: date, ids: Ids, *, runs_here: bool) -> CaseImported:
    """What the other services hear of a completed case."""
    values = case.model_dump(exclude={"open_referrals"}) | {"suspensions": case.suspensions}
    referrals = tuple(ImportedReferral(referral_id=ids(), **each.model_dump()) for each in case.open_referrals)
    return CaseImported(occurred_on=today, by="import", open_referrals=referrals, runs_here=runs_here, **values)


def _nested(written: Mapping[str, str]) -> dict[str, Any]:
    """The cells where the models want them."""
    person: dict[str, Any] = {column: said(written[column]) for column in PERSON if column in written}
    person["name"] = _part(written, NAME)
    for part, columns in (("address", ADDRESS), ("contact", CONTACT)):
        if cells := _part(written, columns):
            person[part] = cells
    case = {column: said(written[column]) for column in Case.model_fields if column in written}
    return {"municipality": written.get("municipality"), "person": person, "case": case}


def _part(written: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    return {field: written[column] for column, field in columns.items() if column in written}


def _column(place: Sequence[Any]) -> str:
    """The column of a fault that the models found."""
    names = [str(part) for part in place if isinstance(part, str)]
    for group, columns in (("name", NAME), ("address", ADDRESS), ("contact", CONTACT)):
        if group in names:
            field = snake(names[-1])
            return next((column for column, each in columns.items() if each == field), field)
    return next((name for name in map(snake, names) if name in COLUMNS), "")


CASELOAD = Sheet("a caseload file", Line, COLUMNS, NEEDED, _nested, _column)
"""A file of a caseload."""
