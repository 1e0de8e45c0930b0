"""Exemptions from the duty to look for work."""

from datetime import date
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Items, OptionalDay
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, allow
from diagnosis.actions.clients import day_of, decider
from diagnosis.actions.exemptions import end_by_hand
from diagnosis.tables import Client, Exemption, resolve

router = APIRouter(route_class=ServiceRoute, tags=["exemptions"])


class ExemptionAnswer(AnswerModel):
    """An exemption; why it was granted stands in the assessment."""

    id: UUID
    client_id: UUID
    municipality: str
    granted_on: date
    until: OptionalDay
    permanent: bool
    effect: Literal["suspend", "handover"]
    ended_on: OptionalDay


class NewEnd(ApiModel):
    """The first day on which the exemption no longer holds."""

    on: OptionalDay = None


@router.get("/clients/{client_id}/exemptions", dependencies=[allow(*STAFF)])
async def list_exemptions(client_id: UUID, work: WorkInHand) -> Items[ExemptionAnswer]:
    """The exemptions of a client, the latest first."""
    now = (await resolve(work.session, [client_id]))[client_id]
    if await work.session.get(Client, now) is None:
        raise NotFound("There is no such client.")
    found = await work.session.scalars(
        select(Exemption).where(Exemption.client_id == now).order_by(Exemption.granted_on.desc(), Exemption.id.desc())
    )
    return Items(items=[ExemptionAnswer.model_validate(each) for each in found])


@router.get("/exemptions/{exemption_id}", dependencies=[allow(*STAFF)])
async def read_exemption(exemption_id: UUID, work: WorkInHand) -> ExemptionAnswer:
    """One exemption."""
    exemption = await work.session.get(Exemption, exemption_id)
    if exemption is None:
        raise NotFound("There is no such exemption.")
    return ExemptionAnswer.model_validate(exemption)


@router.post("/exemptions/{exemption_id}/ends", status_code=201, dependencies=[allow(*STAFF)])
async def end_exemption(exemption_id: UUID, body: NewEnd, work: WorkInHand, response: Response) -> ExemptionAnswer:
    """End an exemption before its last day; a new assessment is due."""
    by = decider(work)
    ended = await end_by_hand(work, exemption_id, day_of(work, body.on, "#/on"), by)
    response.headers["Location"] = f"/v1/exemptions/{exemption_id}"
    return ExemptionAnswer.model_validate(ended)
