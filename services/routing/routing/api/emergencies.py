"""Access to a client of another team in an emergency, and looking at it afterwards."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Items, Moment, OptionalDay, Text
from chassis.pagination import Page
from chassis.problems import Forbidden
from chassis.routes import ServiceRoute, WorkInHand, service_of
from chassis.security import STAFF, Caller, Role, allow, in_scope
from contracts.model import Municipality
from routing.actions import emergencies
from routing.api.answers import ClientId, located
from routing.settings import Settings
from routing.tables import EmergencyAccess

router = APIRouter(route_class=ServiceRoute, tags=["emergency access"])


class NewEmergencyAccess(ApiModel):
    """In which municipality, and why it cannot wait: whoever looks at it afterwards reads that."""

    municipality: Municipality
    reason: Annotated[Text, Field(min_length=10)]


class NewReview(ApiModel):
    """Whether it was right."""

    justified: bool


class EmergencyAccessTakenAnswer(AnswerModel):
    """Until when the client can be opened, if there is such a client."""

    id: UUID
    client_id: UUID
    municipality: str
    until: Moment


class EmergencyAccessAnswer(AnswerModel):
    """An access that somebody took; `opened` is false when there was no such client."""

    id: UUID
    client_id: UUID
    municipality: str
    staff_id: str
    reason: str | None
    taken_on: date
    taken_at: Moment
    until: Moment
    opened: bool
    reviewed_on: OptionalDay
    reviewed_by: str | None
    justified: bool | None


@router.post("/clients/{client_id}/emergency-accesses", status_code=201, dependencies=[allow(*STAFF)])
async def take_emergency_access(
    client_id: ClientId,
    body: NewEmergencyAccess,
    request: Request,
    work: WorkInHand,
    caller: Caller,
    response: Response,
) -> EmergencyAccessTakenAnswer:
    """See a client of another team now, in all services, for a few hours.

    It is recorded at once, stands on the work list of the client's team until a manager looked at it, and shows on the
    time line. An id that nobody has is answered alike.
    """
    in_scope(caller, body.municipality)
    if caller.subject is None:
        raise Forbidden("Only a person takes access, and this token is an application's.")
    settings = service_of(request).settings
    assert isinstance(settings, Settings), "routing runs with its own"
    taken = await emergencies.take(
        work, caller.subject, client_id, body.municipality, body.reason, settings.emergency_access_hours
    )
    located(response, "/emergency-accesses")
    return EmergencyAccessTakenAnswer(
        id=taken.id, client_id=client_id, municipality=taken.municipality, until=taken.until
    )


@router.get("/emergency-accesses", dependencies=[allow(Role.TEAM_MANAGER)])
async def list_emergency_accesses(
    work: WorkInHand,
    page: Page,
    client_id: Annotated[UUID | None, Query(alias="clientId")] = None,
    reviewed: Annotated[bool | None, Query(description="Only at which somebody looked, or nobody did")] = None,
) -> Items[EmergencyAccessAnswer]:
    """Who took access to clients in the caller's sight, and to ids that nobody has; the newest first."""
    query = select(EmergencyAccess)
    if client_id is not None:
        query = query.where(EmergencyAccess.client_id == client_id)
    if reviewed is not None:
        at = EmergencyAccess.reviewed_on
        query = query.where(at.is_not(None) if reviewed else at.is_(None))
    found = await page.scalars(work.session, query, EmergencyAccess.taken_at, EmergencyAccess.id, descending=True)
    return Items(items=[EmergencyAccessAnswer.model_validate(each) for each in found])


@router.post("/emergency-accesses/{access_id}/reviews", status_code=201, dependencies=[allow(Role.TEAM_MANAGER)])
async def review_emergency_access(
    access_id: UUID, body: NewReview, work: WorkInHand, caller: Caller, response: Response
) -> EmergencyAccessAnswer:
    """Say whether an access was right; it stands on no work list any more."""
    reviewed = await emergencies.review(work, access_id, caller.subject, justified=body.justified)
    located(response, "/emergency-accesses")
    return EmergencyAccessAnswer.model_validate(reviewed)
