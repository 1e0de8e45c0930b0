"""Who is away, and who stands in."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import or_, select

from chassis.models import AnswerModel, ApiModel, Day, Items, OptionalDay, Text
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, Role, allow, in_scope
from contracts.model import Municipality
from routing.actions import absences, authority
from routing.actions.absences import NewAbsence
from routing.api.answers import ENTERS, StaffId, located
from routing.tables import Absence

router = APIRouter(route_class=ServiceRoute, tags=["staff"])

KEEPS = (Role.FRONT_END, Role.CASEWORKER, Role.TEAM_MANAGER, Role.OPERATOR)


class NewAbsenceOfStaff(ApiModel):
    """Days on which somebody is away; nobody asks why. Without a deputy their work stands with the team's manager."""

    municipality: Municipality
    staff_id: StaffId
    first_day: Day
    last_day: OptionalDay = None
    deputy_id: StaffId | None = None


class NewLastDay(ApiModel):
    """The last day away, now that it is known."""

    last_day: Day


class NewDeputy(ApiModel):
    """Who stands in from now on; null where nobody does, so that the work stands with the team's manager."""

    deputy_id: StaffId | None


class AbsenceCancellation(ApiModel):
    """Why an absence was entered by mistake."""

    reason: Annotated[Text, Field(min_length=1)]


class AbsenceAnswer(AnswerModel):
    """Days on which somebody is away."""

    id: UUID
    municipality: str
    staff_id: str
    first_day: date
    last_day: OptionalDay
    deputy_id: str | None
    deputy_released_on: OptionalDay
    """Since when who stood in does so no longer, while nobody else does: choose another deputy."""
    cancelled_on: OptionalDay


@router.post("/absences", status_code=201, dependencies=[allow(*KEEPS)])
async def enter_absence(body: NewAbsenceOfStaff, work: WorkInHand, caller: Caller, response: Response) -> AbsenceAnswer:
    """Somebody will be away: no new clients come to them, and their due work shows with who stands in."""
    in_scope(caller, body.municipality)
    await authority.over_absence(work, caller, body.municipality, body.staff_id)
    made = await absences.enter(
        work, NewAbsence(body.municipality, body.staff_id, body.first_day, body.last_day, body.deputy_id)
    )
    located(response, "/absences")
    return AbsenceAnswer.model_validate(made)


@router.post("/absences/{absence_id}/endings", status_code=201, dependencies=[allow(*KEEPS)])
async def end_absence(
    absence_id: UUID, body: NewLastDay, work: WorkInHand, caller: Caller, response: Response
) -> AbsenceAnswer:
    """Somebody is back earlier, or stays away longer; on the day after all is as it was before."""
    absence = await absences.find(work, absence_id)
    await authority.over_absence(work, caller, absence.municipality, absence.staff_id)
    ended = await absences.end(work, absence, body.last_day)
    located(response, "/absences")
    return AbsenceAnswer.model_validate(ended)


@router.post("/absences/{absence_id}/deputies", status_code=201, dependencies=[allow(*KEEPS)])
async def choose_deputy(
    absence_id: UUID, body: NewDeputy, work: WorkInHand, caller: Caller, response: Response
) -> AbsenceAnswer:
    """Somebody else stands in from now on, because who did leaves or will be away; or nobody does."""
    absence = await absences.find(work, absence_id)
    await authority.over_absence(work, caller, absence.municipality, absence.staff_id)
    chosen = await absences.choose_deputy(work, absence, body.deputy_id)
    located(response, "/absences")
    return AbsenceAnswer.model_validate(chosen)


@router.post("/absences/{absence_id}/cancellations", status_code=201, dependencies=[allow(*KEEPS)])
async def cancel_absence(
    absence_id: UUID, body: AbsenceCancellation, work: WorkInHand, caller: Caller, response: Response
) -> AbsenceAnswer:
    """The absence was entered by mistake: all is as if it had not been."""
    absence = await absences.find(work, absence_id)
    await authority.over_absence(work, caller, absence.municipality, absence.staff_id)
    cancelled = await absences.cancel(work, absence, body.reason)
    located(response, "/absences")
    return AbsenceAnswer.model_validate(cancelled)


@router.get("/absences", dependencies=[allow(*ENTERS, Role.OPERATOR)])
async def list_absences(
    work: WorkInHand,
    page: Page,
    municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
) -> Items[AbsenceAnswer]:
    """Who is away now or later, the first to go first. Of `deputyReleasedOn` somebody is to choose another deputy."""
    query = select(Absence).where(
        Absence.cancelled_on.is_(None), or_(Absence.last_day.is_(None), Absence.last_day >= work.today)
    )
    if municipality is not None:
        query = query.where(Absence.municipality == municipality)
    found = await page.scalars(work.session, query, Absence.first_day, Absence.id)
    return Items(items=[AbsenceAnswer.model_validate(each) for each in found])
