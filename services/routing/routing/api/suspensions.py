"""Time in which terms stand still."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response

from chassis.models import ApiModel, OptionalDay
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from routing.actions import journeys, suspending
from routing.actions.journeys import Act
from routing.api.answers import ENTERS, ClientId, SuspensionAnswer, located

router = APIRouter(route_class=ServiceRoute, tags=["suspensions"])


SuspensionReason = Literal["illness", "stay_abroad", "other"]
"""Why terms stand still, as entered; an exemption lets them by itself."""


class NewSuspension(ApiModel):
    """Why terms stand still, from which day, and from which day they go on when that is known."""

    reason: SuspensionReason
    start: OptionalDay = None
    end: OptionalDay = None


class NewSuspensionEnd(ApiModel):
    """The first day that counts again."""

    on: OptionalDay = None


@router.post("/clients/{client_id}/suspensions", status_code=201, dependencies=[allow(*ENTERS)])
async def suspend(client_id: ClientId, body: NewSuspension, work: WorkInHand, response: Response) -> SuspensionAnswer:
    """Let terms stand still; an exemption does so by itself."""
    act = Act.entered(work, body.start, "#/start")
    end = Act.entered(work, body.end, "#/end").on if body.end else None
    if end is not None and end < act.on:
        raise Invalid.at("#/end", "lies before the start")
    journey = await journeys.find_on(work, client_id, act.on)
    suspension = await suspending.suspend(work, journey, body.reason, act.on, end, act)
    located(response, f"/clients/{client_id}/journey")
    return SuspensionAnswer.model_validate(suspension)


@router.post("/suspensions/{suspension_id}/ends", status_code=201, dependencies=[allow(*ENTERS)])
async def end_suspension(
    suspension_id: UUID, body: NewSuspensionEnd, work: WorkInHand, response: Response
) -> SuspensionAnswer:
    """Let terms go on: they shift by the days in between."""
    ended = await suspending.end_suspension(work, suspension_id, Act.entered(work, body.on, "#/on"))
    located(response, f"/clients/{ended.client_id}/journey")
    return SuspensionAnswer.model_validate(ended)
