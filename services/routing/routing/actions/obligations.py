"""Measures, and part-time work while on benefit (ROU-11, ROU-12)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.routing import MeasureImposed, PartTimeWorkEnded, PartTimeWorkRecorded
from routing.actions import agreements, journeys
from routing.actions.journeys import Act, pack_of
from routing.actions.saying import say
from routing.problems import AlreadyEnded, LadderNotClimbed, PersonNeeded
from routing.rules import hours_band, income_band
from routing.spoken import Measure, PartTimeWork
from routing.tables import Journey


@dataclass(frozen=True, slots=True)
class Reduction:
    """A measure as entered: by how much the benefit is reduced, and why."""

    ground: str
    percentage: int
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Job:
    """Part-time work as entered."""

    hours_per_week: int
    income_per_month: Decimal


async def impose(work: Work, journey: Journey, entered: Reduction, act: Act) -> Measure:
    """A named professional reduces the benefit, when the ladder has come to that for an agreement not kept."""
    if not work.actor.startswith("staff:"):
        raise PersonNeeded
    broken = await agreements.of(work, journey.client_id)
    ground = next(
        (each for each in broken if each.state == "missed" and each.step == "measure" and not each.step_taken_on), None
    )
    if ground is None:
        raise _not_climbed(work, journey, agreements.taken(broken, act.on))
    measure = Measure(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=work.actor,
        ground=entered.ground, percentage=entered.percentage, starts_on=entered.starts_on, ends_on=entered.ends_on,
        agreement_id=ground.id,
    )  # fmt: skip
    if ground.missed_on is not None and act.on < ground.missed_on:
        raise Invalid.at("#/on", f"lies before the agreement was missed, on {ground.missed_on}")
    ground.step_taken_on = act.on
    work.session.add(measure)
    say(work, journey, MeasureImposed(occurred_on=act.on, by=act.by, measure_id=measure.id))
    return measure


async def work_part_time(work: Work, journey: Journey, job: Job, act: Act) -> PartTimeWork:
    """A client works part-time while on benefit; only bands leave this service.

    What is entered after an exit ended with it, as benefit did.
    """
    entered, left = _record(work, journey, job, act), journey.standing_exit
    if not journey.active and left is not None:
        _end(work, journey, entered, Act(max(left.on, act.on), act.by), left.id)
    return entered


async def correct_part_time(work: Work, work_id: UUID, job: Job, on: date | None, reason: str) -> PartTimeWork:
    """Part-time work was entered wrongly: other work stands in its place, ended when it ended."""
    journey, mistaken = await _find(work, work_id)
    act = Act.entered(work, on or mistaken.month_from, "#/monthFrom")
    if mistaken.ended_on is not None and mistaken.ended_on < act.on:
        raise Invalid.at("#/monthFrom", f"lies after the work ended, on {mistaken.ended_on}")
    mistaken.corrected_on, mistaken.corrected_because = work.today, reason
    right = _record(work, journey, job, act, corrects=mistaken.id)
    if mistaken.ended_on is not None:
        _end(work, journey, right, Act(mistaken.ended_on, act.by), mistaken.exit_id)
    return right


async def end_part_time(work: Work, work_id: UUID, act: Act) -> PartTimeWork:
    """The client does not work part-time any more."""
    journey, running = await _find(work, work_id)
    if running.ended_on is not None:
        raise AlreadyEnded
    if act.on < running.month_from:
        raise Invalid.at("#/on", f"lies before the work began, on {running.month_from}")
    _end(work, journey, running, act)
    return running


def _not_climbed(work: Work, journey: Journey, taken: set[str]) -> LadderNotClimbed:
    """What comes before a measure and was not done yet, in the words of the pack."""
    ladder = pack_of(work, journey).routing.measures.ladder
    before = [each.label for each in ladder if each.id != "measure" and each.id not in taken]
    if before:
        return LadderNotClimbed(f"First comes: {', then '.join(before)}.")
    return LadderNotClimbed("No agreement was broken since the last step of the ladder.")


def _record(work: Work, journey: Journey, job: Job, act: Act, corrects: UUID | None = None) -> PartTimeWork:
    entered = PartTimeWork(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
        month_from=act.on, hours_per_week=job.hours_per_week, income_per_month=job.income_per_month,
        corrects_id=corrects,
    )  # fmt: skip
    work.session.add(entered)
    say(
        work, journey,
        PartTimeWorkRecorded(
            occurred_on=act.on, by=act.by, work_id=entered.id, corrects=corrects,
            hours_band=hours_band(job.hours_per_week), income_band=income_band(job.income_per_month),
        ),
    )  # fmt: skip
    return entered


def _end(work: Work, journey: Journey, running: PartTimeWork, act: Act, exit_id: UUID | None = None) -> None:
    """It ends, of itself or with an exit; then it goes on when that is reverted."""
    running.ended_on, running.exit_id = act.on, exit_id
    say(work, journey, PartTimeWorkEnded(occurred_on=act.on, by=act.by, work_id=running.id, exit_id=exit_id))


async def _find(work: Work, work_id: UUID) -> tuple[Journey, PartTimeWork]:
    client_id = await work.session.scalar(select(PartTimeWork.client_id).where(PartTimeWork.id == work_id))
    if client_id is None:
        raise NotFound
    journey = (await journeys.load(work.session, [client_id]))[client_id]
    found = await work.session.get_one(PartTimeWork, work_id, with_for_update=True)
    if found.corrected_on is not None:
        raise AlreadyEnded("It was corrected; the correction stands.")
    return journey, found
