"""Agreements, the ladder when they are not kept, measures, and part-time work (ROU-11, ROU-12)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select

from chassis.problems import NotFound
from chassis.work import Work
from contracts.routing import AgreementMissed, MeasureImposed, PartTimeWorkRecorded
from routing.actions import journeys
from routing.actions.journeys import Act, pack_of, say
from routing.problems import AlreadyEnded, LadderNotClimbed, PersonNeeded
from routing.rules import hours_band, income_band, rung
from routing.tables import Agreement, Journey, Measure, PartTimeWork


@dataclass(frozen=True, slots=True)
class Reduction:
    """A measure as entered: by how much the benefit is reduced, and why."""

    ground: str
    percentage: int
    starts_on: date
    ends_on: date


async def agree(work: Work, journey: Journey, text: str, act: Act) -> Agreement:
    """Something is agreed with the client; it stays in routing."""
    agreement = Agreement(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
        agreed=text, agreed_on=act.on,
    )  # fmt: skip
    work.session.add(agreement)
    return agreement


async def miss(work: Work, agreement_id: UUID, act: Act) -> Agreement:
    """An agreement was not kept: the next rung of the ladder follows."""
    client_id = await work.session.scalar(select(Agreement.client_id).where(Agreement.id == agreement_id))
    if client_id is None:
        raise NotFound
    journey = (await journeys.load(work.session, [client_id]))[client_id]
    agreement = await work.session.get_one(Agreement, agreement_id, with_for_update=True)
    if agreement.missed_on is not None:
        raise AlreadyEnded
    before = await work.session.scalar(
        select(func.count()).where(Agreement.client_id == client_id, Agreement.missed_on.is_not(None))
    )
    step = rung([each.id for each in pack_of(work, journey).routing.measures.ladder], (before or 0) + 1)
    agreement.missed_on, agreement.step = act.on, step
    say(work, journey, AgreementMissed(occurred_on=act.on, by=act.by, agreement_id=agreement.id, step=step))
    return agreement


async def impose(work: Work, journey: Journey, entered: Reduction) -> Measure:
    """A named professional reduces the benefit, when the ladder has come to that."""
    if not work.actor.startswith("staff:"):
        raise PersonNeeded
    climbed = await work.session.scalar(
        select(func.count()).where(Agreement.client_id == journey.client_id, Agreement.step == "measure")
    )
    if not climbed:
        raise LadderNotClimbed
    measure = Measure(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=work.actor,
        ground=entered.ground, percentage=entered.percentage, starts_on=entered.starts_on, ends_on=entered.ends_on,
    )  # fmt: skip
    work.session.add(measure)
    say(work, journey, MeasureImposed(occurred_on=work.today, by=work.actor, measure_id=measure.id))
    return measure


async def work_part_time(
    work: Work, journey: Journey, hours_per_week: int, income_per_month: Decimal, act: Act
) -> PartTimeWork:
    """A client works part-time while on benefit; only bands leave this service."""
    entered = PartTimeWork(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
        month_from=act.on, hours_per_week=hours_per_week, income_per_month=income_per_month,
    )  # fmt: skip
    work.session.add(entered)
    bands = {"hours_band": hours_band(hours_per_week), "income_band": income_band(income_per_month)}
    say(work, journey, PartTimeWorkRecorded.model_validate({"occurred_on": act.on, "by": act.by, **bands}))
    return entered
