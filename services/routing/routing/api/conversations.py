"""Conversations with clients."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from chassis.models import ApiModel, Code, OptionalDay
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from routing.actions import conversations, journeys
from routing.actions.conversations import Held
from routing.actions.journeys import Act
from routing.api.answers import ENTERS, ClientId, ConversationAnswer, located

router = APIRouter(route_class=ServiceRoute, tags=["conversations"])


class NewConversation(ApiModel):
    """A conversation that took place; of kind `review` it is the yearly review. `option` is by number in the policy."""

    kind: Code
    held_on: OptionalDay = None
    option: Annotated[int, Field(ge=1, le=99)] | None = None
    face_to_face: bool = True
    home_visit: bool = False


@router.post("/clients/{client_id}/conversations", status_code=201, dependencies=[allow(*ENTERS)])
async def hold_conversation(
    client_id: ClientId, body: NewConversation, work: WorkInHand, response: Response
) -> ConversationAnswer:
    """Record a conversation; in participation its option refers the client or leads to a new diagnosis."""
    act = Act.entered(work, body.held_on, "#/heldOn")
    held = Held(body.kind, body.option, body.face_to_face, body.home_visit)
    conversation = await conversations.hold(work, await journeys.find_active(work, client_id), held, act)
    located(response, f"/clients/{client_id}/journey")
    return ConversationAnswer.model_validate(conversation)
