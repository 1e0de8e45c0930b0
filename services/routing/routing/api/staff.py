"""Who guides clients."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, model_validator
from sqlalchemy import select

from chassis.etags import IfMatch, etag
from chassis.models import AnswerModel, ApiModel, Code, Items
from chassis.pagination import Page
from chassis.problems import Invalid, NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, Role, Token, allow, in_scope
from chassis.work import Work
from contracts.model import MUNICIPALITY, Municipality
from policy import UnknownMunicipality
from routing.actions import authority, caseworkers
from routing.actions.caseworkers import NewStaff
from routing.api.answers import ENTERS, Hours, StaffId, located
from routing.rules import FULL_TIME
from routing.tables import Staff

router = APIRouter(route_class=ServiceRoute, tags=["staff"])

DOES_NOTHING = "names no roles and no teams to manage; give one of either"

WhoOnStaff = Annotated[StaffId, Path(description="Who on the staff")]
Where = Annotated[str | None, Query(pattern=MUNICIPALITY)]
"""One municipality of those of the token."""


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
            raise ValueError(DOES_NOTHING)
        return self


class ChangedStaff(ApiModel):
    """What is to be otherwise of somebody in one municipality; what is left out stays, a team of null takes away."""

    roles: Annotated[list[Code], Field(default_factory=list, max_length=20)]
    team: Code | None = None
    hours_per_week: Annotated[Hours, Field(default_factory=lambda: FULL_TIME)]
    active: bool = True
    manages: Annotated[list[Code], Field(default_factory=list, max_length=50)]

    def applied_to(self, known: Staff) -> NewStaff:
        """The person as known, with what is named here."""

        def named(field: str) -> Any:
            return getattr(self if field in self.model_fields_set else known, field)

        return NewStaff(
            known.id, [known.municipality], sorted(set(named("roles"))), named("team"), named("hours_per_week"),
            named("active"), sorted(set(named("manages"))),
        )  # fmt: skip


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

    Who leaves hands over all clients first, with a note, and who loses a role the clients guided in it: see
    `POST /v1/staff/{staff_id}/transfers`. Until then it is refused, `guides-clients`.
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
            yield from _faults_in_roles(work, municipality, body.roles)
        except UnknownMunicipality:
            yield {"pointer": f"#/municipalities/{place}", "detail": f"{municipality} has no policy"}


def _faults_in_roles(work: Work, municipality: str, roles: Sequence[str]) -> Iterator[dict[str, str]]:
    for role, detail in caseworkers.faults_in_roles(work, municipality, roles).items():
        yield {"pointer": f"#/roles/{roles.index(role)}", "detail": detail}


@router.get("/staff/{staff_id}", dependencies=[allow(*ENTERS, Role.OPERATOR)])
async def read_staff(
    staff_id: WhoOnStaff, work: WorkInHand, caller: Caller, response: Response, municipality: Where = None
) -> StaffAnswer:
    """A member of staff. Of who works for several municipalities, say in which."""
    found = await _find(work, caller, staff_id, municipality)
    return await _answer(work, found, response)


@router.patch("/staff/{staff_id}", dependencies=[allow(Role.FRONT_END, Role.TEAM_MANAGER, Role.OPERATOR)])
async def change_staff(
    staff_id: WhoOnStaff,
    body: ChangedStaff,
    work: WorkInHand,
    caller: Caller,
    response: Response,
    precondition: IfMatch,
    municipality: Where = None,
) -> StaffAnswer:
    """Change a member of staff in one municipality; what is left out stays.

    Who leaves hands over all clients first, and who loses a role the clients guided in it: see
    `POST /v1/staff/{staff_id}/transfers`.
    """
    found = await _find(work, caller, staff_id, municipality)
    await authority.over_staff(work, caller, found.municipality, staff_id, [body.team, *body.manages])
    await precondition.check(work.session, found)
    changed = body.applied_to(found)
    faults = list(_faults_in_roles(work, found.municipality, body.roles))
    if not changed.roles and not changed.manages:
        faults.append({"pointer": "#/roles", "detail": DOES_NOTHING})
    if faults:
        raise Invalid(errors=faults)
    await caseworkers.enter_staff(work, [changed])
    return await _answer(work, found, response)


async def _find(work: Work, caller: Token, staff_id: str, municipality: str | None) -> Staff:
    """Somebody in the one municipality that is meant."""
    if municipality is not None:
        in_scope(caller, municipality)
    query = select(Staff).where(Staff.id == staff_id).order_by(Staff.municipality)
    if municipality is not None:
        query = query.where(Staff.municipality == municipality)
    found = (await work.session.scalars(query)).all()
    if not found:
        raise NotFound("Nobody of this id is on the staff here.")
    if len(found) > 1:
        where = ", ".join(each.municipality for each in found)
        raise Invalid.at("#query/municipality", f"is needed: {staff_id} works for {where}")
    return found[0]


async def _answer(work: Work, found: Staff, response: Response) -> StaffAnswer:
    response.headers["ETag"] = etag(found.version)
    return _told(found, await caseworkers.caseload_of(work, [found]))


@router.get("/staff", dependencies=[allow(*ENTERS, Role.OPERATOR)])
async def list_staff(
    work: WorkInHand,
    page: Page,
    municipality: Where = None,
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
    return Items(items=[_told(each, clients) for each in found])


def _told(each: Staff, clients: Mapping[str, int]) -> StaffAnswer:
    return StaffAnswer(
        id=each.id, municipality=each.municipality, roles=each.roles, team=each.team,
        hours_per_week=each.hours_per_week, active=each.active, manages=each.manages, clients=clients.get(each.id, 0),
    )  # fmt: skip
