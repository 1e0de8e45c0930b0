"""A staff file: held against itself, the packs and who is on the staff; it comes in whole, or not at all (ROU-16)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from chassis.csvfiles import Fault, Faulty, Record, Sheet, Told
from chassis.problems import Forbidden, Invalid
from chassis.security import Token
from chassis.work import Work
from policy import NoPolicyInForce, UnknownMunicipality
from routing.actions import absences, authority, caseworkers
from routing.actions.absences import NewAbsence
from routing.actions.caseworkers import NewStaff
from routing.actions.roster import Place
from routing.staff_file import OF_ABSENCE, STAFF, StaffLine
from routing.tables import Absence, Staff

Leavers = Literal["keep", "list", "inactive"]
"""What is done about who is on the staff and not in the file: nothing, tell who, or make them inactive."""

POINTED = {
    "#/firstDay": "absent_from", "#/lastDay": "absent_until", "#/deputyId": "deputy", "#/staffId": "id",
}  # fmt: skip
"""The column of what is wrong with an absence."""


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
    """A line that can be read."""

    number: int
    line: StaffLine
    cells: Mapping[str, str]

    @property
    def places(self) -> list[Place]:
        """Where this person works."""
        return [(municipality, self.line.id) for municipality in self.line.municipalities]

    def as_staff(self) -> NewStaff:
        """The person without the absence."""
        line = self.line
        return NewStaff(
            line.id, sorted(line.municipalities), sorted(line.roles), line.team, line.hours, line.active,
            sorted(line.manages),
        )  # fmt: skip


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
    _hold_against_each_other(entries, first, there, report)
    wrong = {each.line for each in report.refused}
    await _enter(work, [each for each in first.values() if each.number not in wrong], there, report)
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
            yield Entry(record.line, read, Sheet.written(header, record))


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
            roles = work.policies.in_force(municipality, work.today).roles
        except (NoPolicyInForce, UnknownMunicipality):
            faults.append(Fault("municipalities", f"{municipality} has no policy on {work.today}"))
            continue
        if not set(line.roles) <= roles.keys():
            faults.append(Fault("roles", f"names one that is none of {', '.join(roles)}, the roles in {municipality}"))
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
    entries: Sequence[Entry], first: Mapping[str, Entry], there: Mapping[Place, Staff], report: StaffReport
) -> None:
    """Managers of teams in which nobody is, and deputies who are nobody's colleague."""
    people: dict[Place, Staff | StaffLine] = dict(there)
    people.update((place, entry.line) for entry in first.values() for place in entry.places)
    active = {place for place, each in people.items() if each.active}
    teams = {(place[0], people[place].team) for place in active}
    for entry in entries:
        line = entry.line
        for team in line.manages if line.active else ():
            if not any((municipality, team) in teams for municipality in line.municipalities):
                _refuse(report, entry, [Fault("manages", f"names the team {team}, in which nobody is")])
        if line.deputy == line.id:
            _refuse(report, entry, [Fault("deputy", "is who is away; name somebody else")])
        elif line.deputy is not None:
            strangers = [each for each in line.municipalities if (each, line.deputy) not in active]
            _refuse(report, entry, [Fault("deputy", f"is not on the staff of {each}") for each in strangers])


async def _enter(work: Work, people: Sequence[Entry], there: Mapping[Place, Staff], report: StaffReport) -> None:
    """Enter those who are new or otherwise than they were."""
    differ = []
    for entry in people:
        known = [there[place] for place in entry.places if place in there]
        same = len(known) == len(entry.places) and all(_is_as(each, entry.as_staff()) for each in known)
        report.entered += not known
        report.changed += bool(known) and not same
        report.unchanged += same
        differ += [] if same else [entry.as_staff()]
    if differ:
        await caseworkers.enter_staff(work, differ)


def _is_as(known: Staff, told: NewStaff) -> bool:
    columns = ("team", "hours_per_week", "active")
    lists = sorted(known.roles) == list(told.roles) and sorted(known.manages) == list(told.manages)
    return lists and all(getattr(known, name) == getattr(told, name) for name in columns)


async def _absences_of(work: Work, people: Collection[str]) -> set[UUID]:
    return set(await work.session.scalars(select(Absence.id).where(Absence.staff_id.in_(people))))


async def _enter_absence(work: Work, entry: Entry, known: Collection[UUID], report: StaffReport) -> None:
    line = entry.line
    assert line.absent_from is not None
    for municipality in line.municipalities:
        new = NewAbsence(municipality, line.id, line.absent_from, line.absent_until, line.deputy)
        try:
            absence = await absences.enter(work, new)
        except Invalid as refusal:
            faults = refusal.members.get("errors", ())
            _refuse(report, entry, [Fault(POINTED.get(each["pointer"], ""), each["detail"]) for each in faults])
        else:
            report.absences += absence.id not in known


async def _look_for_leavers(
    work: Work, caller: Token, entries: Sequence[Entry], there: Mapping[Place, Staff], report: StaffReport, *, end: bool
) -> None:
    """Who is on the staff where the file is about, and not in it; their clients go to others when they are to end."""
    told = {place for entry in entries for place in entry.places}
    missing = [each for place, each in sorted(there.items()) if each.active and place not in told]
    report.leavers = sorted({each.id for each in missing})
    if not end or report.refused or not missing:
        return
    for each in missing:
        await authority.over_staff(work, caller, each.municipality, each.id, [each.team])
    await caseworkers.enter_staff(
        work,
        [
            NewStaff(each.id, [each.municipality], each.roles, each.team, each.hours_per_week, active=False,
                     manages=each.manages)
            for each in missing
        ],
    )  # fmt: skip
