"""Being away: from a day to a day, with somebody who stands in; nobody asks why (ROU-16)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select, text

from chassis import sight
from chassis.deadlines import NewDeadline, set_deadline
from chassis.deadlines import cancel as cancel_deadlines
from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.routing import DeputyChosen
from policy.terms import Term
from routing.actions import caseworkers, deputies, following
from routing.problems import AbsenceOver
from routing.tables import Absence, Staff

OVER = "absence_over"
"""The kind of deadline that is missed when somebody's last day away has passed."""


@dataclass(frozen=True, slots=True)
class NewAbsence:
    """An absence as entered."""

    municipality: str
    staff_id: str
    first_day: date
    last_day: date | None
    deputy_id: str | None


async def enter(work: Work, new: NewAbsence) -> Absence:
    """Somebody will be away; the same again is the same. All faults at once, with who is away or stands in already."""
    await _one_at_a_time(work, new.municipality)
    others = await _of(work, new)
    same = next((each for each in others if _as_entered(each) == new), None)
    if same is not None:
        return same
    faults = [*_faults_in_days(new), *await _faults_in_people(work, new), *faults_among(new, others)]
    if faults:
        raise Invalid(errors=[{"pointer": pointer, "detail": detail} for pointer, detail in faults])
    absence = Absence(
        id=work.ids(), municipality=new.municipality, staff_id=new.staff_id, first_day=new.first_day,
        last_day=new.last_day, deputy_id=new.deputy_id,
    )  # fmt: skip
    work.session.add(absence)
    await _tell(work, absence)
    return absence


async def find(work: Work, absence_id: UUID) -> Absence:
    """An absence, locked; NotFound when it is not in sight."""
    absence = await work.session.scalar(select(Absence).where(Absence.id == absence_id).with_for_update())
    if absence is None:
        raise NotFound
    return absence


async def end(work: Work, absence: Absence, last_day: date) -> Absence:
    """Somebody is back earlier or later than was thought; who waits may be assigned on the day after."""
    _must_go_on(work, absence)
    if last_day < absence.first_day:
        raise Invalid.at("#/lastDay", f"lies before the first day, {absence.first_day}")
    longer = NewAbsence(
        absence.municipality, absence.staff_id, absence.first_day, last_day, absence.deputy_id
    )  # fmt: skip
    await _one_at_a_time(work, absence.municipality)
    others = [each for each in await _of(work, longer) if each.id != absence.id]
    faults = [("#/lastDay", detail) for _, detail in faults_among(longer, others)]
    if faults:
        raise Invalid(errors=[{"pointer": pointer, "detail": detail} for pointer, detail in faults])
    absence.last_day = last_day
    await _tell(work, absence)
    return absence


async def choose_deputy(work: Work, absence: Absence, deputy_id: str | None) -> Absence:
    """Somebody else stands in from now on, or nobody."""
    _must_go_on(work, absence)
    if deputy_id is None:
        deputies.release(work, absence)
        return absence
    await _one_at_a_time(work, absence.municipality)
    new = NewAbsence(absence.municipality, absence.staff_id, absence.first_day, absence.last_day, deputy_id)
    others = [each for each in await _of(work, new) if each.id != absence.id]
    faults = [*await _faults_in_people(work, new), *faults_among(new, others)]
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in faults if pointer == "#/deputyId"]
    if errors:
        raise Invalid(errors=errors)
    if deputy_id != absence.deputy_id:
        absence.deputy_id, absence.deputy_released_on = deputy_id, None
        await _tell(work, absence)
    return absence


async def cancel(work: Work, absence: Absence, reason: str) -> Absence:
    """It was a mistake: nobody is away or stands in because of it, and who waits may be assigned."""
    _must_go_on(work, absence)
    deputies.release(work, absence)
    absence.cancelled_on, absence.cancelled_because = work.today, reason
    following.staff_changed(work, absence.municipality, absence.staff_id)
    await cancel_deadlines(work, [absence.id], [OVER])
    await work.session.flush()
    async with sight.whole(work.session):  # who is back need not be of the caller's team
        await caseworkers.assign_waiting(work, [absence.municipality])
    return absence


def _must_go_on(work: Work, absence: Absence) -> None:
    if absence.cancelled_on is not None:
        raise AbsenceOver(f"It was cancelled on {absence.cancelled_on}; enter a new one.")
    if absence.last_day is not None and absence.last_day < work.today:
        raise AbsenceOver(f"It was over on {absence.last_day}; enter a new one.")


def faults_among(new: NewAbsence, others: Iterable[Absence]) -> list[tuple[str, str]]:
    """What the absences of others, and earlier ones, leave no room for: nobody stands in by way of somebody else."""
    faults = []
    for each in others:
        if not _overlap(new, each):
            continue
        days = f"from {each.first_day} to {each.last_day or 'a day not yet known'}"
        if each.staff_id == new.staff_id:
            faults.append(("#/firstDay", f"{new.staff_id} is away already {days}"))
        elif each.staff_id == new.deputy_id:
            faults.append(("#/deputyId", f"is away {days}; name somebody who is there"))
        if each.deputy_id == new.staff_id:
            faults.append(
                ("#/staffId", f"stands in for {each.staff_id} {days}; name another deputy for {each.staff_id} first")
            )
    return faults


def _faults_in_days(new: NewAbsence) -> list[tuple[str, str]]:
    if new.last_day is not None and new.last_day < new.first_day:
        return [("#/lastDay", f"lies before the first day, {new.first_day}")]
    return []


async def _faults_in_people(work: Work, new: NewAbsence) -> list[tuple[str, str]]:
    here = await work.session.scalars(
        select(Staff.id).where(Staff.municipality == new.municipality, Staff.active, Staff.id.in_(_people(new)))
    )
    known = set(here)
    faults = []
    if new.staff_id not in known:
        faults.append(("#/staffId", f"is not on the staff of {new.municipality}"))
    if new.deputy_id == new.staff_id:
        faults.append(("#/deputyId", "is who is away; name somebody else"))
    elif new.deputy_id is not None and new.deputy_id not in known:
        faults.append(("#/deputyId", f"is not on the staff of {new.municipality}"))
    return faults


def _people(new: NewAbsence) -> list[str]:
    return [each for each in (new.staff_id, new.deputy_id) if each is not None]


def _overlap(new: NewAbsence, other: Absence) -> bool:
    begins_before = new.last_day is None or other.first_day <= new.last_day
    ends_after = other.last_day is None or other.last_day >= new.first_day
    return begins_before and ends_after


def _as_entered(absence: Absence) -> NewAbsence:
    return NewAbsence(
        absence.municipality, absence.staff_id, absence.first_day, absence.last_day, absence.deputy_id
    )  # fmt: skip


async def _of(work: Work, new: NewAbsence) -> Sequence[Absence]:
    people = _people(new)
    found = await work.session.scalars(
        select(Absence).where(
            Absence.municipality == new.municipality,
            Absence.cancelled_on.is_(None),
            or_(Absence.staff_id.in_(people), Absence.deputy_id == new.staff_id),
        )
    )
    return found.all()


async def _one_at_a_time(work: Work, municipality: str) -> None:
    """Two who name each other as deputy at the same moment are seen one after the other."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('absences ' || :municipality, 0))")
    await work.session.execute(lock, {"municipality": municipality})


async def _tell(work: Work, absence: Absence) -> None:
    """Others hear who stands in; nobody hears of an absence in which nobody does, but it shows on work lists."""
    following.staff_changed(work, absence.municipality, absence.staff_id)
    if absence.deputy_id is not None:
        work.publish(
            absence.id, absence.municipality,
            DeputyChosen(
                occurred_on=work.today, by=work.actor, staff_id=absence.staff_id, deputy_id=absence.deputy_id,
                first_day=absence.first_day, last_day=absence.last_day,
            ),
        )  # fmt: skip
    if absence.last_day is None:
        return
    await set_deadline(
        work,
        NewDeadline(
            municipality=absence.municipality, subject=absence.id, kind=OVER, start=absence.last_day, term=Term(),
            rule=OVER, owner=absence.staff_id, missed=True,
        ),
    )  # fmt: skip


async def over(work: Work, absences: Iterable[UUID]) -> None:
    """Somebody is back: who waits for a caseworker of their role may be assigned."""
    found = await work.session.scalars(select(Absence.municipality).where(Absence.id.in_(list(absences))).distinct())
    await caseworkers.assign_waiting(work, found.all())
