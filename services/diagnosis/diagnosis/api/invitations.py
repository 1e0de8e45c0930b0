"""The work list of diagnosis: who is to be assessed, and why."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select

from chassis.models import AnswerModel, Items, OptionalDay
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, Role, allow
from diagnosis.tables import Invitation, resolve

router = APIRouter(route_class=ServiceRoute, tags=["invitations"])

Reason = Literal["information_session", "rest_period", "conversation", "handover", "reassessment", "partner_signal"]


class InvitationAnswer(AnswerModel):
    """An invitation to a diagnosis."""

    id: UUID
    client_id: UUID
    municipality: str
    reason: Reason
    invited_on: date
    closed_on: OptionalDay
    closed_because: str | None


@router.get("/invitations", dependencies=[allow(Role.FRONT_END, *STAFF)])
async def list_invitations(
    work: WorkInHand,
    page: Page,
    municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
    reason: Annotated[Reason | None, Query()] = None,
    client_id: Annotated[UUID | None, Query(alias="clientId")] = None,
    closed: Annotated[bool, Query()] = False,
) -> Items[InvitationAnswer]:
    """Invitations that wait for an assessment (or that are closed), the longest waiting first."""
    query = select(Invitation).where(Invitation.closed_on.is_not(None) if closed else Invitation.closed_on.is_(None))
    if municipality is not None:
        query = query.where(Invitation.municipality == municipality)
    if reason is not None:
        query = query.where(Invitation.reason == reason)
    if client_id is not None:
        query = query.where(Invitation.client_id == (await resolve(work.session, [client_id]))[client_id])
    found = await page.scalars(work.session, query, Invitation.invited_on, Invitation.id)
    return Items(items=[InvitationAnswer.model_validate(each) for each in found])
