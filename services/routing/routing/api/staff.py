"""Who guides clients."""

from collections.abc import Iterator
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Code, Items
from chassis.pagination import Page
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, Role, allow, in_scope
from chassis.work import Work
from contracts.model import Municipality
from policy import UnknownMunicipality
from routing.actions import authority, caseworkers
from routing.actions.caseworkers import NewStaff
from routing.api.answers import ENTERS, Hours, StaffId, located
from routing.rules import FULL_TIME
from routing.tables import Staff

router = APIRouter(route_class=ServiceRoute, tags=["staff"])


class NewStaffMember(ApiModel):
    """Somebody who guides clients; entered again, what is said last counts."""

    id: StaffId
    municipalities: Annotated[list[Municipality], Field(min_length=1, max_length=50)]
    roles: Annotated[list[Code], Field(max_length=20)]
    """The pack's roles that this person has; none for who only manages."""
    team: Code | None = None
    hours_per_week: Annotated[Hours, Field(default_factory=lambda: FULL_TIME, description="36 when left out")]
    active: bool = True
    manages: Annotated[list[Code], Field(default_factory=list, max_length=50)]
    """The teams that this person manages."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.roles and not self.manages:
            raise ValueError("names no roles and no teams to manage; give one of either")
        return self


class StaffAnswer(AnswerModel):
    """A member of staff in one municipality, with how many clients they guide in all that the caller may see."""

    id: str
    municipality: str
    roles: list[str]
    team: str | None
    hours_per_week: Hours
    active: bool
    manages: list[str]
    clients: int


@router.post("/staff", status_code=201, dependencies=[allow(Role.FRONT_END, Role.TEAM_MANAGER, Role.OPERATOR)])
async def enter_staff(body: NewStaffMember, work: WorkInHand, caller: Caller, response: Response) -> NewStaffMember:
    """Enter or change a member of staff. Who waits for this role is assigned.

    Who leaves hands over all clients first, with a note: see `POST /v1/staff/{staff_id}/transfers`.
    """
    for municipality in body.municipalities:
        in_scope(caller, municipality)
        await authority.over_staff(work, caller, municipality, body.id, [body.team, *body.manages])
    if faults := list(_faults(work, body)):
        raise Invalid(errors=faults)
    municipalities = sorted(set(body.municipalities))
    entered = NewStaff(
        body.id, municipalities, sorted(set(body.roles)), body.team, body.hours_per_week, body.active,
        sorted(set(body.manages)),
    )  # fmt: skip
    await caseworkers.enter_staff(work, [entered])
    located(response, "/staff")
    return body


def _faults(work: Work, body: NewStaffMember) -> Iterator[dict[str, str]]:
    """Municipalities without policy, and roles that those of the others do not know."""
    for place, municipality in enumerate(body.municipalities):
        try:
            unknown = caseworkers.faults_in_roles(work, municipality, body.roles)
        except UnknownMunicipality:
            yield {"pointer": f"#/municipalities/{place}", "detail": f"{municipality} has no policy"}
        else:
            for role, detail in unknown.items():
                yield {"pointer": f"#/roles/{body.roles.index(role)}", "detail": detail}


@router.get("/staff", dependencies=[allow(*ENTERS, Role.OPERATOR)])
async def list_staff(
    work: WorkInHand,
    page: Page,
    municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
    role: Annotated[Code | None, Query()] = None,
    team: Annotated[Code | None, Query()] = None,
) -> Items[StaffAnswer]:
    """Staff by id, once for each municipality they work for."""
    query = select(Staff)
    if municipality is not None:
        query = query.where(Staff.municipality == municipality)
    if role is not None:
        query = query.where(Staff.roles.contains([role]))
    if team is not None:
        query = query.where(Staff.team == team)
    found = await page.scalars(work.session, query, Staff.id, Staff.municipality)
    clients = await caseworkers.caseload_of(work, found)
    return Items(
        items=[
            StaffAnswer(
                id=each.id, municipality=each.municipality, roles=each.roles, team=each.team,
                hours_per_week=each.hours_per_week, active=each.active, manages=each.manages,
                clients=clients[each.id],
            )
            for each in found
        ]
    )  # fmt: skip
