"""Indications for a target group, asked of UWV."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import StrictBool
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Items, OptionalDay
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, Role, allow
from diagnosis.actions.indications import decide, request
from diagnosis.tables import Client, IndicationRequest, resolve
from policy import Indication

router = APIRouter(route_class=ServiceRoute, tags=["indications"])

ENTERED_BY = (Role.FRONT_END, *STAFF)


class NewRequest(ApiModel):
    """Which indication is asked of UWV."""

    kind: Indication
    on: OptionalDay = None


class NewDecision(ApiModel):
    """What UWV decided."""

    granted: StrictBool
    on: OptionalDay = None


class RequestAnswer(AnswerModel):
    """A request, with UWV's decision once it is in."""

    id: UUID
    client_id: UUID
    municipality: str
    kind: Indication
    requested_on: date
    decided_on: OptionalDay
    granted: bool | None


@router.get("/clients/{client_id}/indication-requests", dependencies=[allow(*ENTERED_BY)])
async def list_indication_requests(client_id: UUID, work: WorkInHand) -> Items[RequestAnswer]:
    """What was asked of UWV for a client, the latest first."""
    now = (await resolve(work.session, [client_id]))[client_id]
    if await work.session.get(Client, now) is None:
        raise NotFound("There is no such client.")
    mine = select(IndicationRequest).where(IndicationRequest.client_id == now).order_by(IndicationRequest.id.desc())
    return Items(items=[RequestAnswer.model_validate(each) for each in await work.session.scalars(mine)])


@router.post("/clients/{client_id}/indication-requests", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def request_indication(client_id: UUID, body: NewRequest, work: WorkInHand, response: Response) -> RequestAnswer:
    """Ask UWV for an indication."""
    asked = await request(work, client_id, body.kind, body.on)
    response.headers["Location"] = f"/v1/indication-requests/{asked.id}"
    return RequestAnswer.model_validate(asked)


@router.get("/indication-requests/{request_id}", dependencies=[allow(*ENTERED_BY)])
async def read_indication_request(request_id: UUID, work: WorkInHand) -> RequestAnswer:
    """One request."""
    found = await work.session.get(IndicationRequest, request_id)
    if found is None:
        raise NotFound("There is no such request.")
    return RequestAnswer.model_validate(found)


@router.post("/indication-requests/{request_id}/decisions", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def record_indication_decision(
    request_id: UUID, body: NewDecision, work: WorkInHand, response: Response
) -> RequestAnswer:
    """Record UWV's decision; a new assessment is due."""
    response.headers["Location"] = f"/v1/indication-requests/{request_id}"
    return RequestAnswer.model_validate(await decide(work, request_id, granted=body.granted, on=body.on))
