"""Deliveries: what was sent, what waits, what a person must look at, and how each attempt went."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import func, or_, select

from chassis.models import AnswerModel, Code, Items, Moment, OptionalMoment
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Role, allow
from partners.actions import deliveries
from partners.api.tools import found
from partners.tables import Attempt, Delivery, Endpoint

router = APIRouter(route_class=ServiceRoute, tags=["deliveries"])

READERS = (Role.OPERATOR, Role.TEAM_MANAGER)
DeliveryState = Literal["pending", "delivered", "exhausted", "called_back"]


class DeliveryAnswer(AnswerModel):
    """A message for an endpoint."""

    id: UUID
    municipality: str
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    subject: UUID
    state: DeliveryState
    attempts: int
    next_attempt_at: OptionalMoment
    created_at: Moment
    delivered_at: OptionalMoment


class AttemptAnswer(AnswerModel):
    """One try, and how it ended."""

    number: int
    at: Moment
    sent_at: Moment
    status: int | None
    failure: str | None
    milliseconds: int
    response: str | None


class DeliveryInFull(DeliveryAnswer):
    """A message with every attempt."""

    log: list[AttemptAnswer]


class FiguresAnswer(AnswerModel):
    """How webhooks fare, over the caller's municipalities."""

    delivered: int
    pending: int
    exhausted: int
    failed_attempts: dict[str, int]


@router.get("/deliveries", dependencies=[allow(*READERS)])
async def list_deliveries(
    work: WorkInHand,
    page: Page,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state")] = None,
    partner: Annotated[Code | None, Query(description="Only those for this partner")] = None,
    endpoint_id: Annotated[UUID | None, Query(alias="endpointId")] = None,
    event_id: Annotated[UUID | None, Query(alias="eventId")] = None,
    needs_attention: Annotated[
        bool, Query(alias="needsAttention", description="Exhausted, or waiting for an endpoint that is switched off")
    ] = False,
) -> Items[DeliveryAnswer]:
    """Messages, the oldest first."""
    query = select(Delivery).join(Endpoint, Endpoint.id == Delivery.endpoint_id)
    exact = {
        Delivery.state: state,
        Endpoint.partner: partner,
        Delivery.endpoint_id: endpoint_id,
        Delivery.event_id: event_id,
    }
    for column, wanted in exact.items():
        if wanted is not None:
            query = query.where(column == wanted)
    if needs_attention:
        waits = (Delivery.state == "pending") & (Endpoint.state == "disabled")
        query = query.where(or_(Delivery.state == "exhausted", waits))
    rows = await page.scalars(work.session, query, Delivery.created_at, Delivery.id)
    return Items(items=[DeliveryAnswer.model_validate(row) for row in rows])


@router.get("/delivery-figures", dependencies=[allow(*READERS)])
async def read_delivery_figures(work: WorkInHand) -> FiguresAnswer:
    """How many messages arrived, wait or were given up, and how many attempts failed, by kind of failure."""
    states = await work.session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    failures = await work.session.execute(
        select(Attempt.failure, func.count()).where(Attempt.failure.is_not(None)).group_by(Attempt.failure)
    )
    counts = dict(states.all())
    return FiguresAnswer(
        delivered=counts.get("delivered", 0),
        pending=counts.get("pending", 0),
        exhausted=counts.get("exhausted", 0),
        failed_attempts={failure: number for failure, number in failures if failure is not None},
    )


@router.get("/deliveries/{delivery_id}", dependencies=[allow(*READERS)])
async def read_delivery(delivery_id: UUID, work: WorkInHand) -> DeliveryInFull:
    """A message with the log of its attempts."""
    delivery = await found(work, select(Delivery).where(Delivery.id == delivery_id))
    attempts = await work.session.scalars(
        select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(Attempt.at, Attempt.sent_at, Attempt.id)
    )
    shown = DeliveryAnswer.model_validate(delivery).model_dump(by_alias=False)
    return DeliveryInFull(**shown, log=[AttemptAnswer.model_validate(each) for each in attempts])


@router.post("/deliveries/{delivery_id}/replays", status_code=201, dependencies=[allow(Role.OPERATOR)])
async def replay_delivery(delivery_id: UUID, work: WorkInHand, response: Response) -> DeliveryAnswer:
    """Send a message again, with the same id and bytes."""
    delivery = await found(work, select(Delivery).where(Delivery.id == delivery_id), lock=True)
    endpoint = await work.session.get_one(Endpoint, delivery.endpoint_id)
    await deliveries.replay(work, delivery, endpoint)
    response.headers["Location"] = f"/v1/deliveries/{delivery.id}"
    return DeliveryAnswer.model_validate(delivery)
