"""Agreements, measures and part-time work."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from chassis.models import ApiModel, Day, OptionalDay, Text
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, allow
from routing.actions import journeys, obligations
from routing.actions.journeys import Act
from routing.actions.obligations import Reduction
from routing.api.answers import ENTERS, AgreementAnswer, Amount, ClientId, MeasureAnswer, PartTimeWorkAnswer, located

router = APIRouter(route_class=ServiceRoute, tags=["obligations"])

HOURS_IN_WEEK = 168


class NewAgreement(ApiModel):
    """What the client agreed to do."""

    agreed: Annotated[Text, Field(min_length=1)]
    agreed_on: OptionalDay = None


class NewMiss(ApiModel):
    """The day on which the agreement turned out not to be kept."""

    on: OptionalDay = None


class NewMeasure(ApiModel):
    """By how much the benefit is reduced, for how long, and on what ground."""

    ground: Annotated[Text, Field(min_length=1)]
    percentage: Annotated[int, Field(ge=1, le=100)]
    starts_on: Day
    ends_on: Day

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


@router.post("/clients/{client_id}/agreements", status_code=201, dependencies=[allow(*ENTERS)])
async def agree(client_id: ClientId, body: NewAgreement, work: WorkInHand, response: Response) -> AgreementAnswer:
    """Record what is agreed with the client."""
    act = Act.entered(work, body.agreed_on, "#/agreedOn")
    agreement = await obligations.agree(work, await journeys.find_active(work, client_id), body.agreed, act)
    located(response, f"/clients/{client_id}/journey")
    return AgreementAnswer.model_validate(agreement)


@router.post("/agreements/{agreement_id}/misses", status_code=201, dependencies=[allow(*ENTERS)])
async def miss_agreement(agreement_id: UUID, body: NewMiss, work: WorkInHand, response: Response) -> AgreementAnswer:
    """Record that an agreement was not kept; `step` is what follows by the pack's ladder."""
    missed = await obligations.miss(work, agreement_id, Act.entered(work, body.on, "#/on"))
    located(response, f"/clients/{missed.client_id}/journey")
    return AgreementAnswer.model_validate(missed)


@router.post("/clients/{client_id}/measures", status_code=201, dependencies=[allow(*STAFF)])
async def impose_measure(client_id: ClientId, body: NewMeasure, work: WorkInHand, response: Response) -> MeasureAnswer:
    """Reduce the benefit; a named professional decides this, when the ladder has come to it."""
    entered = Reduction(body.ground, body.percentage, body.starts_on, body.ends_on)
    measure = await obligations.impose(work, await journeys.find_active(work, client_id), entered)
    located(response, f"/clients/{client_id}/journey")
    return MeasureAnswer.model_validate(measure)


@router.post("/clients/{client_id}/part-time-work", status_code=201, dependencies=[allow(*ENTERS)])
async def work_part_time(
    client_id: ClientId, body: NewPartTimeWork, work: WorkInHand, response: Response
) -> PartTimeWorkAnswer:
    """Record part-time work while on benefit."""
    act = Act.entered(work, body.month_from, "#/monthFrom")
    journey = await journeys.find_active(work, client_id)
    entered = await obligations.work_part_time(work, journey, body.hours_per_week, body.income_per_month, act)
    located(response, f"/clients/{client_id}/journey")
    return PartTimeWorkAnswer.model_validate(entered)
