"""Measures and part-time work."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from chassis.models import ApiModel, Day, OptionalDay, Text
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, allow
from routing.actions import journeys, obligations
from routing.actions.journeys import Act
from routing.actions.obligations import Job, Reduction
from routing.api.answers import ENTERS, Amount, ClientId, MeasureAnswer, PartTimeWorkAnswer, located

router = APIRouter(route_class=ServiceRoute, tags=["obligations"])

HOURS_IN_WEEK = 168


class NewMeasure(ApiModel):
    """By how much the benefit is reduced, for how long, and on what ground."""

    ground: Annotated[Text, Field(min_length=1)]
    percentage: Annotated[int, Field(ge=1, le=100)]
    starts_on: Day
    ends_on: Day
    on: Annotated[OptionalDay, Field(description="The day of the decision; today when left out, never later")] = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends_on < self.starts_on:
            raise ValueError("endsOn lies before startsOn")
        return self


class NewPartTimeWork(ApiModel):
    """Hours a week and income a month, from a day on."""

    month_from: OptionalDay = None
    hours_per_week: Annotated[int, Field(ge=0, le=HOURS_IN_WEEK)]
    income_per_month: Amount


class PartTimeWorkCorrection(NewPartTimeWork):
    """The work as it was, and why it was entered otherwise; `monthFrom` stays when it is left out."""

    reason: Annotated[Text, Field(min_length=1)]


class LastDay(ApiModel):
    """The last day of it."""

    on: OptionalDay = None


@router.post("/clients/{client_id}/measures", status_code=201, dependencies=[allow(*STAFF)])
async def impose_measure(client_id: ClientId, body: NewMeasure, work: WorkInHand, response: Response) -> MeasureAnswer:
    """Reduce the benefit; a named professional decides this, when the ladder has come to it."""
    entered = Reduction(body.ground, body.percentage, body.starts_on, body.ends_on)
    act = Act.entered(work, body.on, "#/on")
    measure = await obligations.impose(work, await journeys.find_on(work, client_id, act.on), entered, act)
    located(response, f"/clients/{client_id}/journey")
    return MeasureAnswer.model_validate(measure)


@router.post("/clients/{client_id}/part-time-work", status_code=201, dependencies=[allow(*ENTERS)])
async def work_part_time(
    client_id: ClientId, body: NewPartTimeWork, work: WorkInHand, response: Response
) -> PartTimeWorkAnswer:
    """Record part-time work while on benefit."""
    act = Act.entered(work, body.month_from, "#/monthFrom")
    journey = await journeys.find_on(work, client_id, act.on)
    entered = await obligations.work_part_time(work, journey, Job(body.hours_per_week, body.income_per_month), act)
    located(response, f"/clients/{client_id}/journey")
    return PartTimeWorkAnswer.model_validate(entered)


@router.post("/part-time-work/{work_id}/corrections", status_code=201, dependencies=[allow(*ENTERS)])
async def correct_part_time_work(
    work_id: UUID, body: PartTimeWorkCorrection, work: WorkInHand, response: Response
) -> PartTimeWorkAnswer:
    """Correct part-time work that was entered wrongly: other work stands in its place."""
    job = Job(body.hours_per_week, body.income_per_month)
    right = await obligations.correct_part_time(work, work_id, job, body.month_from, body.reason)
    located(response, f"/clients/{right.client_id}/journey")
    return PartTimeWorkAnswer.model_validate(right)


@router.post("/part-time-work/{work_id}/ends", status_code=201, dependencies=[allow(*ENTERS)])
async def end_part_time_work(work_id: UUID, body: LastDay, work: WorkInHand, response: Response) -> PartTimeWorkAnswer:
    """Record that the client does not work part-time any more."""
    ended = await obligations.end_part_time(work, work_id, Act.entered(work, body.on, "#/on"))
    located(response, f"/clients/{ended.client_id}/journey")
    return PartTimeWorkAnswer.model_validate(ended)
