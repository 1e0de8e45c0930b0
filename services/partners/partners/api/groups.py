"""Groups: who goes together to a session on location."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select

from chassis import sight
from chassis.models import AnswerModel, ApiModel, Code, Day, Items, OptionalDay
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, Caller, Role, allow
from partners.actions.groups import hold_session, members_of
from partners.api.tools import READERS, day_of, group_of
from partners.tables import PartnerGroup

router = APIRouter(route_class=ServiceRoute, tags=["groups"])


class GroupAnswer(AnswerModel):
    """A group."""

    id: UUID
    municipality: str
    partner: str
    formed_on: Day
    formed_with: int
    session_held_on: OptionalDay
    attended: list[UUID] | None


class GroupInFull(GroupAnswer):
    """A group with its members."""

    referral_ids: list[UUID]
    vacant: int = Field(description="Places of who fell out before the session, which nobody waits for")


class SessionBody(ApiModel):
    """The session took place."""

    held_on: OptionalDay = None
    attended_referral_ids: Annotated[list[UUID], Field(max_length=1000)]


@router.get("/groups", dependencies=[allow(*READERS)])
async def list_groups(
    work: WorkInHand,
    caller: Caller,
    page: Page,
    partner: Annotated[Code | None, Query(description="Only those of this partner")] = None,
    municipality: Annotated[str | None, Query(pattern=r"^GM[0-9]{4}$")] = None,
    held: Annotated[bool | None, Query(description="Only those whose session was held, or not yet")] = None,
) -> Items[GroupAnswer]:
    """Groups in the order in which they were formed; a partner sees its own."""
    query = select(PartnerGroup)
    for wanted in filter(None, (caller.partner, partner)):
        query = query.where(PartnerGroup.partner == wanted)
    if municipality is not None:
        query = query.where(PartnerGroup.municipality == municipality)
    if held is not None:
        column = PartnerGroup.session_held_on
        query = query.where(column.is_not(None) if held else column.is_(None))
    rows = await page.scalars(work.session, query, PartnerGroup.formed_on, PartnerGroup.id)
    return Items(items=[GroupAnswer.model_validate(row) for row in rows])


@router.get("/groups/{group_id}", dependencies=[allow(*READERS)])
async def read_group(group_id: UUID, work: WorkInHand, caller: Caller) -> GroupInFull:
    """A group with the referrals in it."""
    group = await group_of(work, caller, group_id)
    members = [referral.id for referral in await members_of(work, group.id)]
    shown = GroupAnswer.model_validate(group).model_dump(by_alias=False)
    return GroupInFull(**shown, referral_ids=members, vacant=max(0, group.formed_with - len(members)))


@router.post(
    "/groups/{group_id}/sessions",
    status_code=201,
    responses={200: {"description": "It had been recorded just so: nothing changed"}},
    dependencies=[allow(Role.PARTNER, *STAFF)],
)
async def record_session(
    group_id: UUID, body: SessionBody, work: WorkInHand, caller: Caller, response: Response
) -> GroupAnswer:
    """The session took place, with these referrals; each is then answered on its own."""
    group = await group_of(work, caller, group_id, lock=True)
    held_on = day_of(work, body.held_on, "heldOn")
    async with sight.whole(work.session):  # a session is the whole group's, whoever tells of it
        held = await hold_session(work, group, held_on, body.attended_referral_ids)
    if held:
        response.headers["Location"] = f"/v1/groups/{group.id}"
    else:
        response.status_code = 200
    return GroupAnswer.model_validate(group)
