"""Handovers between the two tracks."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select

from chassis.models import ApiModel, Items, OptionalDay, Text
from chassis.pagination import Page
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, allow
from routing.actions import handovers
from routing.actions.journeys import Act, survivors
from routing.api.answers import ENTERS, HandoverAnswer, located
from routing.tables import Handover

router = APIRouter(route_class=ServiceRoute, tags=["handovers"])

State = Literal["due", "prepared", "returned", "accepted", "cancelled"]


class NewPreparation(ApiModel):
    """The note for the receiving team: a handover is a warm one."""

    note: Annotated[Text, Field(min_length=1)]
    on: OptionalDay = None


class NewAcceptance(ApiModel):
    """The day on which the receiving team takes the client over."""

    on: OptionalDay = None


class NewReturn(ApiModel):
    """Why the receiving team sends the client back."""

    reason: Annotated[Text, Field(min_length=1)]
    on: OptionalDay = None


@router.get("/handovers", dependencies=[allow(*ENTERS)])
async def list_handovers(
    work: WorkInHand,
    page: Page,
    municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
    state: Annotated[State | None, Query()] = None,
    client_id: Annotated[UUID | None, Query(alias="clientId")] = None,
    escalated: Annotated[bool | None, Query()] = None,
) -> Items[HandoverAnswer]:
    """Handovers, the one due longest first."""
    query = select(Handover)
    if client_id is not None:
        client_id = (await survivors(work.session, {client_id})).get(client_id, client_id)
    for column, value in (
        (Handover.municipality, municipality),
        (Handover.state, state),
        (Handover.client_id, client_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if escalated is not None:
        query = query.where(Handover.escalated_on.is_not(None) if escalated else Handover.escalated_on.is_(None))
    found = await page.scalars(work.session, query, Handover.due_on, Handover.id)
    return Items(items=[HandoverAnswer.model_validate(each) for each in found])


@router.get("/handovers/{handover_id}", dependencies=[allow(*ENTERS)])
async def read_handover(handover_id: UUID, work: WorkInHand) -> HandoverAnswer:
    """One handover."""
    handover = await work.session.get(Handover, handover_id)
    if handover is None:
        raise NotFound
    return HandoverAnswer.model_validate(handover)


@router.post("/handovers/{handover_id}/preparations", status_code=201, dependencies=[allow(*ENTERS)])
async def prepare_handover(
    handover_id: UUID, body: NewPreparation, work: WorkInHand, response: Response
) -> HandoverAnswer:
    """Hand the file to the receiving team; it has its term to accept."""
    prepared = await handovers.prepare(work, handover_id, body.note, Act.entered(work, body.on, "#/on"))
    located(response, f"/handovers/{handover_id}")
    return HandoverAnswer.model_validate(prepared)


@router.post("/handovers/{handover_id}/acceptances", status_code=201, dependencies=[allow(*ENTERS)])
async def accept_handover(
    handover_id: UUID, body: NewAcceptance, work: WorkInHand, caller: Caller, response: Response
) -> HandoverAnswer:
    """Take the client over: another track, a caseworker of that track, its terms.

    For who has the receiving role and their manager; who gives the client does not take them over as well.
    """
    accepted = await handovers.accept(work, caller, handover_id, Act.entered(work, body.on, "#/on"))
    located(response, f"/handovers/{handover_id}")
    return HandoverAnswer.model_validate(accepted)


@router.post("/handovers/{handover_id}/returns", status_code=201, dependencies=[allow(*ENTERS)])
async def return_handover(
    handover_id: UUID, body: NewReturn, work: WorkInHand, caller: Caller, response: Response
) -> HandoverAnswer:
    """Send the client back, with the reason; the handover can be prepared again. It is for whom acceptance is for."""
    returned = await handovers.give_back(work, caller, handover_id, body.reason, Act.entered(work, body.on, "#/on"))
    located(response, f"/handovers/{handover_id}")
    return HandoverAnswer.model_validate(returned)
