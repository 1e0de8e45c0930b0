"""A client goes on with a colleague; somebody leaves or loses a role, and hands the clients over."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field

from chassis.models import AnswerModel, ApiModel, Code, Text
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, Role, allow, in_scope
from contracts.model import Municipality
from routing.actions import authority, transfers
from routing.actions.transfers import Leaving
from routing.api.answers import ENTERS, ClientId, StaffId, TransferAnswer, located

router = APIRouter(route_class=ServiceRoute, tags=["staff"])

Note = Annotated[Text, Field(min_length=1)]


class NoteOnClient(ApiModel):
    """What the next caseworker should know of one client."""

    client_id: UUID
    note: Note


class NewTransfer(ApiModel):
    """A leaver's clients go on with `to`, or by the pack's role; each with the note, or one of their own.

    With `roles` only the clients guided in these, and who guides them stays on the staff without these roles.
    """

    municipality: Municipality
    to: Annotated[list[StaffId], Field(default_factory=list, max_length=100)]
    note: Note
    notes: Annotated[list[NoteOnClient], Field(default_factory=list, max_length=1000)]
    roles: Annotated[list[Code], Field(default_factory=list, max_length=20)]


class OneTransfer(ApiModel):
    """Who goes on with the client, and what that person should know."""

    to_id: StaffId
    note: Note


class TransfersAnswer(AnswerModel):
    """What came of it, client by client: also those whom an earlier call moved. Post again for those that failed."""

    transferred: list[TransferAnswer]
    failed: list[UUID]


@router.post("/staff/{staff_id}/transfers", status_code=201, dependencies=[allow(Role.TEAM_MANAGER, Role.OPERATOR)])
async def transfer_clients(
    staff_id: Annotated[StaffId, Path(description="Who leaves, or loses a role")],
    body: NewTransfer,
    work: WorkInHand,
    caller: Caller,
    response: Response,
) -> TransfersAnswer:
    """Somebody leaves, or loses a role: each client is handed over warmly, with a note.

    Whom nobody can take stands on the list of the managers.
    """
    in_scope(caller, body.municipality)
    await authority.over_staff(work, caller, body.municipality, staff_id)
    notes = {each.client_id: each.note for each in body.notes}
    receivers, roles = list(dict.fromkeys(body.to)), list(dict.fromkeys(body.roles))
    moved, failed = await transfers.transfer(
        work, Leaving(staff_id, body.municipality, receivers, body.note, notes, roles)
    )
    located(response, "/staff")
    return TransfersAnswer(transferred=[TransferAnswer.model_validate(each) for each in moved], failed=list(failed))


@router.post("/clients/{client_id}/transfers", status_code=201, dependencies=[allow(*ENTERS)])
async def transfer_client(
    client_id: ClientId, body: OneTransfer, work: WorkInHand, response: Response
) -> TransferAnswer:
    """One client goes on with a colleague of the same role who is there, with a warm note."""
    moved = await transfers.give(work, client_id, body.to_id, body.note)
    located(response, f"/clients/{client_id}/journey")
    return TransferAnswer.model_validate(moved)
