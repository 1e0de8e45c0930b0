"""Two registrations become one, and become two again when that was a mistake."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import or_, select

from chassis.models import AnswerModel, ApiModel, Day, Items, OptionalDay, Text
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, allow
from intake.actions import merging
from intake.api.clients import ClientAnswer, located_answer_of
from intake.api.common import ENTERED_BY, VaultInHand
from intake.events import HEARD
from intake.tables import Merger, client_by_id

router = APIRouter(route_class=ServiceRoute, tags=["mergers"])


class NewMerger(ApiModel):
    """The registration that remains."""

    into: UUID


class NewReversal(ApiModel):
    """Why the merger was a mistake."""

    reason: Annotated[Text, Field(min_length=1)]


class MergerAnswer(AnswerModel):
    """A merger of two registrations; why it was undone stays sealed."""

    id: UUID
    client_id: UUID = Field(description="The registration that went")
    into: UUID = Field(description="The one that stayed")
    municipality: str
    merged_on: Day
    merged_by: str
    undo_until: OptionalDay = Field(description="The last day on which it can be undone; absent where it cannot")
    undone_on: OptionalDay
    undone_by: str | None


@router.post("/clients/{client_id}/mergers", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def merge_client(
    client_id: UUID, body: NewMerger, request: Request, response: Response, work: WorkInHand, vault: VaultInHand
) -> ClientAnswer:
    """The client turned out to be registered twice: everything moves to the other registration.

    Not where only one of the two is recorded as deceased, nor into who moved away: the answer tells what to do first.
    """
    survivor = await merging.merge(work, vault, HEARD, client_id, body.into)
    return await located_answer_of(work, vault, survivor, request, response)


@router.get("/clients/{client_id}/mergers", dependencies=[allow(*ENTERED_BY)])
async def list_mergers(client_id: UUID, work: WorkInHand) -> Items[MergerAnswer]:
    """The mergers in which a client stayed or went, undone ones too, the newest first."""
    client = await client_by_id(work.session, client_id)
    ids = {client_id, client.id}
    query = select(Merger).where(or_(Merger.client_id.in_(ids), Merger.into.in_(ids)))
    rows = await work.session.scalars(query.order_by(Merger.merged_on.desc(), Merger.id.desc()))
    return Items(items=[MergerAnswer.model_validate(row) for row in rows])


@router.get("/mergers/{merger_id}", dependencies=[allow(*ENTERED_BY)])
async def read_merger(merger_id: UUID, work: WorkInHand) -> MergerAnswer:
    """A merger of two registrations."""
    return MergerAnswer.model_validate(await merging.find(work, merger_id))


@router.post("/mergers/{merger_id}/reversals", status_code=201, dependencies=[allow(*STAFF)])
async def revert_merger(
    merger_id: UUID, body: NewReversal, request: Request, response: Response, work: WorkInHand, vault: VaultInHand
) -> MergerAnswer:
    """The merger was a mistake: within the term of the policy, everything is as if there had been none.

    What was recorded of the client who stayed, stays there. A later merger of that client is undone first.
    """
    undone = await merging.undo(work, vault, HEARD, merger_id, body.reason)
    response.headers["Location"] = request.url_for("read_merger", merger_id=undone.id).path
    return MergerAnswer.model_validate(undone)
