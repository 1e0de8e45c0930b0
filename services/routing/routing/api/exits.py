"""Exits, what follows them, and returns."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from chassis.models import ApiModel, OptionalDay, Text
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from contracts.routing import ExitReason
from routing.actions import exits, journeys
from routing.actions.journeys import Act
from routing.api.answers import ENTERS, ClientId, ExitAnswer, JourneyAnswer, located
from routing.api.journeys import shown

router = APIRouter(route_class=ServiceRoute, tags=["exits"])


class NewExit(ApiModel):
    """Why the client leaves, and on which day; by enforcement on a ground, which stays in routing."""

    reason: ExitReason
    on: OptionalDay = None
    ground: Annotated[Text | None, Field(description="Needed for an exit by enforcement, and for no other")] = None


class NewReversal(ApiModel):
    """Why the exit was a mistake."""

    reason: Annotated[Text, Field(min_length=1)]


class NewDay(ApiModel):
    """The day on which it happened."""

    on: OptionalDay = None


@router.post("/clients/{client_id}/exits", status_code=201, dependencies=[allow(*ENTERS)])
async def leave(client_id: ClientId, body: NewExit, work: WorkInHand, response: Response) -> ExitAnswer:
    """End the journey, with all that is open on it; an exit to work begins aftercare where policy has it.

    An exit by enforcement is a named professional's decision.
    """
    journey = await journeys.find_active(work, client_id)
    act = Act.entered(work, body.on, "#/on")
    made = await exits.enter(work, journey, body.reason, act, ground=body.ground or None)
    located(response, f"/clients/{client_id}/journey")
    return ExitAnswer.model_validate(made)


@router.post("/exits/{exit_id}/reversals", status_code=201, dependencies=[allow(*ENTERS)])
async def revert_exit(exit_id: UUID, body: NewReversal, work: WorkInHand, response: Response) -> ExitAnswer:
    """Revert a mistaken exit: the journey goes on as it stood, its terms reckoned anew."""
    reverted = await exits.revert(work, exit_id, body.reason)
    located(response, f"/clients/{reverted.client_id}/journey")
    return ExitAnswer.model_validate(reverted)


@router.post("/exits/{exit_id}/allowances-checks", status_code=201, dependencies=[allow(*ENTERS)])
async def check_allowances(exit_id: UUID, body: NewDay, work: WorkInHand, response: Response) -> ExitAnswer:
    """Record that the allowances check was done."""
    checked = await exits.check_allowances(work, exit_id, Act.entered(work, body.on, "#/on"))
    located(response, f"/clients/{checked.client_id}/journey")
    return ExitAnswer.model_validate(checked)


@router.post("/clients/{client_id}/returns", status_code=201, dependencies=[allow(*ENTERS)])
async def come_back(client_id: ClientId, body: NewDay, work: WorkInHand, response: Response) -> JourneyAnswer:
    """The client is on benefit again; a new diagnosis will say on which track."""
    journey = await journeys.find(work, client_id)
    await exits.come_back(work, journey, Act.entered(work, body.on, "#/on"))
    located(response, f"/clients/{client_id}/journey")
    return await shown(work, journey)
