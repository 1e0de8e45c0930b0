"""Routes, and the instruments used on them."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from chassis.models import ApiModel, Code, Day, OptionalDay, Text
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from routing.actions import journeys, travelling
from routing.actions.journeys import Act
from routing.actions.travelling import Goal, Use
from routing.api.answers import ENTERS, Amount, ClientId, InstrumentUseAnswer, RouteAnswer, located

router = APIRouter(route_class=ServiceRoute, tags=["routes"])


Outcome = Literal["completed", "stopped"]
"""How a route or the use of an instrument ended."""


class NewRoute(ApiModel):
    """The route on which the client begins, by its id in the policy pack."""

    route: Code
    started_on: OptionalDay = None


class NewEnd(ApiModel):
    """The last day, and how it ended."""

    on: OptionalDay = None
    outcome: Outcome = "completed"


class NewLook(ApiModel):
    """Until when an instrument goes on, and why."""

    until: Day
    reason: Annotated[Text, Field(min_length=1)]


class NewInstrumentUse(ApiModel):
    """The instrument, by its id in the policy pack, with its goal and what it costs in euros."""

    instrument: Code
    goal: Goal
    cost: Amount = Decimal(0)
    started_on: OptionalDay = None
    facts: Annotated[dict[Code, bool | Annotated[int, Field(ge=0, le=1_000_000)]], Field(max_length=50)] = Field(
        default_factory=dict
    )
    """What the pack asks for this instrument and no assessment records."""


@router.post("/clients/{client_id}/routes", status_code=201, dependencies=[allow(*ENTERS)])
async def start_route(client_id: ClientId, body: NewRoute, work: WorkInHand, response: Response) -> RouteAnswer:
    """Begin a route that policy opens to the client; the first on the way to work begins the longest stay."""
    act = Act.entered(work, body.started_on, "#/startedOn")
    started = await travelling.start_route(work, await journeys.find_on(work, client_id, act.on), body.route, act)
    located(response, f"/clients/{client_id}/journey")
    return RouteAnswer.model_validate(started)


@router.post("/routes/{route_id}/ends", status_code=201, dependencies=[allow(*ENTERS)])
async def end_route(route_id: UUID, body: NewEnd, work: WorkInHand, response: Response) -> RouteAnswer:
    """End a route; the longest stay goes on."""
    ended = await travelling.end_route(work, route_id, body.outcome, Act.entered(work, body.on, "#/on"))
    located(response, f"/clients/{ended.client_id}/journey")
    return RouteAnswer.model_validate(ended)


@router.post("/clients/{client_id}/instruments", status_code=201, dependencies=[allow(*ENTERS)])
async def use_instrument(
    client_id: ClientId, body: NewInstrumentUse, work: WorkInHand, response: Response
) -> InstrumentUseAnswer:
    """Use an instrument; refused with the rule when a condition of the pack does not hold."""
    act = Act.entered(work, body.started_on, "#/startedOn")
    entered = Use(body.instrument, body.goal, body.cost, body.facts)
    used = await travelling.use(work, await journeys.find_on(work, client_id, act.on), entered, act)
    located(response, f"/clients/{client_id}/journey")
    return InstrumentUseAnswer.model_validate(used)


@router.post("/instruments/{use_id}/ends", status_code=201, dependencies=[allow(*ENTERS)])
async def end_instrument(use_id: UUID, body: NewEnd, work: WorkInHand, response: Response) -> InstrumentUseAnswer:
    """End the use of an instrument."""
    ended = await travelling.end_use(work, use_id, body.outcome, Act.entered(work, body.on, "#/on"))
    located(response, f"/clients/{ended.client_id}/journey")
    return InstrumentUseAnswer.model_validate(ended)


@router.post("/instruments/{use_id}/extensions", status_code=201, dependencies=[allow(*ENTERS)])
async def extend_instrument(use_id: UUID, body: NewLook, work: WorkInHand, response: Response) -> InstrumentUseAnswer:
    """Let the use of an instrument go on after its usual time: on that day somebody looks again."""
    goes_on = await travelling.go_on(work, use_id, body.until, body.reason)
    located(response, f"/clients/{goes_on.client_id}/journey")
    return InstrumentUseAnswer.model_validate(goes_on)
