"""Permit holders: the personal integration plan that is made after housing."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Day, Items
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from intake.actions import housing
from intake.api.common import ENTERED_BY, OnDay, day
from intake.tables import IntegrationPlan, client_by_id

router = APIRouter(route_class=ServiceRoute, tags=["permit holders"])


class NewIntegrationPlan(ApiModel):
    """A personal integration plan (PIP) that was made with a permit holder."""

    made_on: OnDay = None


class IntegrationPlanAnswer(AnswerModel):
    """A personal integration plan that was made."""

    id: UUID
    client_id: UUID
    municipality: str
    made_on: Day


@router.post("/clients/{client_id}/integration-plans", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def add_integration_plan(
    client_id: UUID, body: NewIntegrationPlan, request: Request, response: Response, work: WorkInHand
) -> IntegrationPlanAnswer:
    """Record the integration plan of a permit holder."""
    plan = await housing.make_plan(work, client_id, day(work, body.made_on, "madeOn"))
    response.headers["Location"] = request.url_for("read_integration_plan", plan_id=plan.id).path
    return IntegrationPlanAnswer.model_validate(plan)


@router.get("/clients/{client_id}/integration-plans", dependencies=[allow(*ENTERED_BY)])
async def list_integration_plans(client_id: UUID, work: WorkInHand) -> Items[IntegrationPlanAnswer]:
    """The integration plans of a client, the newest first."""
    client = await client_by_id(work.session, client_id)
    query = select(IntegrationPlan).where(IntegrationPlan.client_id == client.id)
    rows = await work.session.scalars(query.order_by(IntegrationPlan.made_on.desc(), IntegrationPlan.id.desc()))
    return Items(items=[IntegrationPlanAnswer.model_validate(row) for row in rows])


@router.get("/integration-plans/{plan_id}", dependencies=[allow(*ENTERED_BY)])
async def read_integration_plan(plan_id: UUID, work: WorkInHand) -> IntegrationPlanAnswer:
    """An integration plan that was made."""
    plan = await work.session.get(IntegrationPlan, plan_id)
    if plan is None:
        raise NotFound("There is no integration plan of this id.")
    return IntegrationPlanAnswer.model_validate(plan)
