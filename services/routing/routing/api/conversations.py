"""Conversations with clients."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from chassis.models import ApiModel, Code, Day, OptionalDay, Text
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from routing.actions import conversations, journeys
from routing.actions.agreements import Answer, Promise
from routing.actions.conversations import Held
from routing.actions.journeys import Act
from routing.api.answers import ENTERS, ClientId, ConversationAnswer, located

router = APIRouter(route_class=ServiceRoute, tags=["conversations"])

MOST_AREAS, MOST_AGREEMENTS = 20, 50


class ConversationAsHeld(ApiModel):
    """A conversation: its kind, in which option it ended by number in the policy, and what was said by area of life.

    The kinds are those of the policy of that day: see `GET /v1/choices`. Of kind `review` it is the yearly review. Of
    kind `fip` it says something of every area of life that policy names.
    """

    kind: Code
    option: Annotated[int, Field(ge=1, le=99)] | None = None
    face_to_face: bool = True
    home_visit: bool = False
    areas: Annotated[dict[Code, Text], Field(max_length=MOST_AREAS)] = Field(default_factory=dict)


class AgreementAnswered(ApiModel):
    """What became of an agreement made before; one that goes on may have another day."""

    agreement_id: UUID
    outcome: Literal["kept", "missed", "goes_on"]
    due_on: OptionalDay = None


class AgreementReached(ApiModel):
    """What the client agreed to do, about which area of life, and by when."""

    agreed: Annotated[Text, Field(min_length=1)]
    area: Code | None = None
    due_on: OptionalDay = None


class NewConversation(ConversationAsHeld):
    """A conversation that took place, what became of former agreements, and what was agreed.

    One of kind `fip` builds on the former: it answers every agreement that is open.
    """

    held_on: OptionalDay = None
    answers: Annotated[list[AgreementAnswered], Field(max_length=MOST_AGREEMENTS)] = Field(default_factory=list)
    agreements: Annotated[list[AgreementReached], Field(max_length=MOST_AGREEMENTS)] = Field(default_factory=list)


class ConversationCorrection(ConversationAsHeld):
    """The conversation as it was, and why it was entered otherwise."""

    held_on: Day
    reason: Annotated[Text, Field(min_length=1)]


class NewCancellation(ApiModel):
    """Why a conversation that never took place was recorded."""

    reason: Annotated[Text, Field(min_length=1)]


@router.post("/clients/{client_id}/conversations", status_code=201, dependencies=[allow(*ENTERS)])
async def hold_conversation(
    client_id: ClientId, body: NewConversation, work: WorkInHand, response: Response
) -> ConversationAnswer:
    """Record a conversation; in participation its option refers the client or leads to a new diagnosis."""
    act = Act.entered(work, body.held_on, "#/heldOn")
    held = Held(
        body.kind, body.option, body.face_to_face, body.home_visit, body.areas,
        [Answer(each.agreement_id, each.outcome, each.due_on) for each in body.answers],
        [Promise(each.agreed, each.area, each.due_on) for each in body.agreements],
    )  # fmt: skip
    conversation = await conversations.hold(work, await journeys.find_on(work, client_id, act.on), held, act)
    located(response, f"/clients/{client_id}/journey")
    return ConversationAnswer.model_validate(conversation)


@router.post("/conversations/{conversation_id}/corrections", status_code=201, dependencies=[allow(*ENTERS)])
async def correct_conversation(
    conversation_id: UUID, body: ConversationCorrection, work: WorkInHand, response: Response
) -> ConversationAnswer:
    """Correct a conversation that was entered wrongly: another stands in its place, and terms are reckoned anew."""
    act = Act.entered(work, body.held_on, "#/heldOn")
    held = Held(body.kind, body.option, body.face_to_face, body.home_visit, body.areas)
    right = await conversations.correct(work, conversation_id, held, act, body.reason)
    located(response, f"/clients/{right.client_id}/journey")
    return ConversationAnswer.model_validate(right)


@router.post("/conversations/{conversation_id}/cancellations", status_code=201, dependencies=[allow(*ENTERS)])
async def cancel_conversation(
    conversation_id: UUID, body: NewCancellation, work: WorkInHand, response: Response
) -> ConversationAnswer:
    """A conversation never took place: what was agreed in it falls away, and terms are reckoned anew."""
    cancelled = await conversations.cancel(work, conversation_id, body.reason)
    located(response, f"/clients/{cancelled.client_id}/journey")
    return ConversationAnswer.model_validate(cancelled)
