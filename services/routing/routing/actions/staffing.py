"""A staff file: held against itself, the packs and who is on the staff; it comes in whole, or not at all (ROU-16)."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from sqlalchemy import select

from chassis.csvfiles import Fault, Faulty, Record, Told
from chassis.problems import Forbidden, Invalid
from chassis.security import Token
from chassis.work import Work
from policy import UnknownMunicipality
from routing.actions import absences, authority, caseworkers
from routing.actions.absences import NewAbsence
from routing.actions.caseworkers import NewStaff
from routing.actions.roster import Place
from routing.rules import FULL_TIME
from routing.staff_file import CLEARED, OF_ABSENCE, STAFF, StaffLine
from routing.tables import Absence, Staff

Leavers = Literal["keep", "list", "inactive"]
"""What is done about who is on the staff and not in the file: nothing, tell who, or make them inactive."""

POINTED = {
    "#/firstDay": "absent_from", "#/lastDay": "absent_until", "#/deputyId": "deputy", "#/staffId": "id",
}  # fmt: skip
"""The column of what is wrong with an absence."""

KEPT_AS = {
    "roles": "roles", "team": "team", "manages": "manages", "hours": "hours_per_week", "active": "active",
    "absent_until": "last_day", "deputy": "deputy_id",
}  # fmt: skip
"""Where what stands in a column is kept."""
HEADER = 1
"""The line of what is wrong with who is in no line."""
OF_WHO_IS_NEW: Mapping[str, Any] = {"roles": (), "manages": (), "hours": FULL_TIME, "active": True}
"""What is taken of somebody of whom nothing else is told or known."""


@dataclass
class StaffReport:
    """What came of a staff file, or would come of it."""

    rows: int = 0
    entered: int = 0
    """People who are new here."""
    changed: int = 0
    unchanged: int = 0
    absences: int = 0
    """Absences that are new."""
    leavers: list[str] = field(default_factory=list)
    """Who is on the staff of the file's municipalities and not in the file, when that was asked."""
    refused: list[Told] = field(default_factory=list)

    @property
    def refused_lines(self) -> int:
        """How many lines are wrong."""
        return len({each.line for each in self.refused})


@dataclass(frozen=True)
class Entry:
    """A line that can be read, of a file with these columns."""

    number: int
    line: StaffLine
    columns: Collection[str]

    @property
    def places(self) -> list[Place]:
        """Where this person works."""
        return [(municipality, self.line.id) for municipality in self.line.municipalities]

    def as_staff(self, there: Mapping[Place, Staff]) -> Iterator[NewStaff]:
        """The person without the absence, in each municipality as told and as known there."""
        for place in sorted(self.places):
            known = there.get(place)
            yield NewStaff(
                self.line.id, [place[0]], sorted(self.told("roles", known)), self.told("team", known),
                self.told("hours", known), self.told("active", known), sorted(self.told("manages", known)),
            )  # fmt: skip

    def told(self, column: str, known: Staff | Absence | None) -> Any:
        """What the line says; where it says nothing, what is known, or what is taken of who is new."""
        said = getattr(self.line, column)
        if column in self.columns and (column in CLEARED or said is not None):
            return said
        return OF_WHO_IS_NEW.get(column) if known is None else getattr(known, KEPT_AS[column])


async def take_in(
    work: Work, caller: Token, header: Sequence[str], records: Sequence[Record], leavers: Leavers
) -> StaffReport:
    """Enter the staff of a file, then when they are away. Where a line is wrong, what was entered is to be undone."""
    report = StaffReport(rows=len(records))
    entries = list(_read(header, records, report))
    for entry in entries:
        _refuse(report, entry, await _faults(work, caller, entry))
    first = _first_lines(entries, report)
    there = await _staff_of(work, {municipality for entry in entries for municipality in entry.line.municipalities})
    people = {each.number: list(each.as_staff(there)) for each in first.values()}
    _hold_against_each_other(entries, people, there, report)
    await _hold_back_who_guides(work, people, there, report)
    wrong = {each.line for each in report.refused}
    await _enter(work, [told for number, told in people.items() if number not in wrong], there, report)
    known = await _absences_of(work, first.keys())
    for entry in entries:
        if entry.number not in wrong and entry.line.absent_from is not None:
            await _enter_absence(work, entry, known, report)
    if leavers != "keep":
        await _look_for_leavers(work, caller, entries, there, report, end=leavers == "inactive")
    report.refused.sort(key=lambda each: each.line)
    return report


def _read(header: Sequence[str], records: Sequence[Record], report: StaffReport) -> Iterator[Entry]:
    for record in records:
        read = STAFF.read(header, record)
        if isinstance(read, Faulty):
            report.refused += [Told(record.line, each.column, each.detail) for each in read.faults]
        else:
            yield Entry(record.line, read, header)


def _refuse(report: StaffReport, entry: Entry, faults: Collection[Fault]) -> None:
    report.refused += [Told(entry.number, each.column, each.detail) for each in faults]


async def _faults(work: Work, caller: Token, entry: Entry) -> list[Fault]:
    """What is wrong with a line by itself: outside the token, unknown to the pack, or not the caller's to keep."""
    line, faults = entry.line, list[Fault]()
    for municipality in line.municipalities:
        if municipality not in caller.municipalities:
            faults.append(Fault("municipalities", f"{municipality} is none of the access token's"))
            continue
        try:
            unknown = caseworkers.faults_in_roles(work, municipality, line.roles)
        except UnknownMunicipality:
            faults.append(Fault("municipalities", f"{municipality} has no policy"))
            continue
        faults += [Fault("roles", f"names one that {detail}") for detail in set(unknown.values())]
        try:
            await authority.over_staff(work, caller, municipality, line.id, [line.team, *line.manages])
        except Forbidden as refusal:
            faults.append(Fault("team", refusal.detail))
    return faults


def _first_lines(entries: Sequence[Entry], report: StaffReport) -> dict[str, Entry]:
    """The first line of each person; another tells another absence and nothing else."""
    first: dict[str, Entry] = {}
    for entry in entries:
        known = first.setdefault(entry.line.id, entry)
        told, before = entry.line.model_dump(exclude=set(OF_ABSENCE)), known.line.model_dump(exclude=set(OF_ABSENCE))
        differ = [name for name, value in told.items() if value != before[name]]
        _refuse(
            report, entry, [Fault(each, f"differs from line {known.number}, of the same person") for each in differ]
        )
    return first


async def _staff_of(work: Work, municipalities: Collection[str]) -> dict[Place, Staff]:
    found = await work.session.scalars(select(Staff).where(Staff.municipality.in_(municipalities)))
    return {(each.municipality, each.id): each for each in found}


def _hold_against_each_other(
    entries: Sequence[Entry], told: Mapping[int, Sequence[NewStaff]], there: Mapping[Place, Staff], report: StaffReport
) -> None:
    """People who do nothing, managers of teams in which nobody is, and deputies who are nobody's colleague."""
    people: dict[Place, Staff | NewStaff] = dict(there)
    people.update(((each.municipalities[0], each.id), each) for person in told.values() for each in person)
    active = {place for place, each in people.items() if each.active}
    teams = {(place[0], people[place].team) for place in active}
    for entry in entries:
        line = entry.line
        if not all(people[place].roles or people[place].manages for place in entry.places):
            _refuse(report, entry, [Fault("", "names no roles and no teams to manage; give one of either")])
        for team in line.manages if active.issuperset(entry.places) else ():
            if not any((municipality, team) in teams for municipality in line.municipalities):
                _refuse(report, entry, [Fault("manages", f"names the team {team}, in which nobody is")])
        if line.deputy == line.id:
            _refuse(report, entry, [Fault("deputy", "is who is away; name somebody else")])
        elif line.deputy is not None:
            strangers = [each for each in line.municipalities if (each, line.deputy) not in active]
            _refuse(report, entry, [Fault("deputy", f"is not on the staff of {each}") for each in strangers])


async def _hold_back_who_guides(
    work: Work, told: Mapping[int, Sequence[NewStaff]], there: Mapping[Place, Staff], report: StaffReport
) -> None:
    """Nobody is made inactive who still has clients, or loses a role in which they guide some."""
    lines = {each.id: number for number, person in told.items() for each in person}
    for each in await caseworkers.guiding(work, itertools.chain(*told.values()), there):
        report.refused.append(Told(lines[each.place[1]], "roles" if each.roles else "active", each.detail))


async def _enter(
    work: Work, people: Sequence[Sequence[NewStaff]], there: Mapping[Place, Staff], report: StaffReport
) -> None:
    """Enter those who are new or otherwise than they were."""
    differ: list[NewStaff] = []
    for person in people:
        known = [there.get((each.municipalities[0], each.id)) for each in person]
        others = [told for told, as_known in zip(person, known, strict=True) if not _is_as(as_known, told)]
        report.entered += not any(known)
        report.changed += any(known) and bool(others)
        report.unchanged += not others
        differ += others
    if differ:
        await caseworkers.enter_staff(work, differ)


def _is_as(known: Staff | None, told: NewStaff) -> bool:
    if known is None:
        return False
    columns = ("team", "hours_per_week", "active")
    lists = sorted(known.roles) == list(told.roles) and sorted(known.manages) == list(told.manages)
    return lists and all(getattr(known, name) == getattr(told, name) for name in columns)


async def _absences_of(work: Work, people: Collection[str]) -> dict[tuple[Place, date], Absence]:
    found = await work.session.scalars(
        select(Absence).where(Absence.staff_id.in_(people), Absence.cancelled_on.is_(None))
    )
    return {((each.municipality, each.staff_id), each.first_day): each for each in found}


async def _enter_absence(
    work: Work, entry: Entry, there: Mapping[tuple[Place, date], Absence], report: StaffReport
) -> None:
    first_day = entry.line.absent_from
    assert first_day is not None
    for place in entry.places:
        known = there.get((place, first_day))
        last_day, deputy = entry.told("absent_until", known), entry.told("deputy", known)
        try:
            absence = await absences.enter(work, NewAbsence(*place, first_day, last_day, deputy))
        except Invalid as refusal:
            faults = refusal.members.get("errors", ())
            _refuse(report, entry, [Fault(POINTED.get(each["pointer"], ""), each["detail"]) for each in faults])
        else:
            report.absences += absence is not known


async def _look_for_leavers(
    work: Work, caller: Token, entries: Sequence[Entry], there: Mapping[Place, Staff], report: StaffReport, *, end: bool
) -> None:
    """Who is on the staff where the file is about, and not in it; refused when they are to end and guide clients."""
    told = {place for entry in entries for place in entry.places}
    missing = [each for place, each in sorted(there.items()) if each.active and place not in told]
    report.leavers = sorted({each.id for each in missing})
    if not end or report.refused or not missing:
        return
    for each in missing:
        await authority.over_staff(work, caller, each.municipality, each.id, [each.team])
    leaving = [
        NewStaff(each.id, [each.municipality], each.roles, each.team, each.hours_per_week, active=False,
                 manages=each.manages)
        for each in missing
    ]  # fmt: skip
    for guide in await caseworkers.guiding(work, leaving, there):
        report.refused.append(Told(HEADER, "", f"does not name {guide.place[1]}, who {guide.detail}"))
    if not report.refused:
        await caseworkers.enter_staff(work, leaving)
