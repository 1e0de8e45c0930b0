"""Deliveries sent once more: one message, or those of an endpoint in a period."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, update

from chassis.problems import Conflict
from chassis.work import Work
from partners.actions.endpoints import EndpointNotActive
from partners.tables import Delivery, Endpoint


class CalledBack(Conflict):
    """A message about a referral that was withdrawn before the partner heard of it."""

    slug = "delivery-called-back"
    title = "The message was called back: its referral was withdrawn"


async def replay(work: Work, delivery: Delivery, endpoint: Endpoint) -> None:
    """Send this message again now, with the same id and the same bytes, from the first attempt on."""
    _check(endpoint)
    if delivery.state == "called_back":
        raise CalledBack
    delivery.state, delivery.attempts, delivery.next_attempt_at = "pending", 0, work.clock.now()
    delivery.delivered_at = None


async def replay_all(work: Work, endpoint: Endpoint, since: datetime, until: datetime, states: Sequence[str]) -> int:
    """The same for what an endpoint was sent in a period; returns how many."""
    _check(endpoint)
    done: CursorResult[Any] = await work.session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(Delivery)
        .where(
            Delivery.endpoint_id == endpoint.id,
            Delivery.created_at >= since,
            Delivery.created_at < until,
            Delivery.state.in_(states),
        )
        .values(state="pending", attempts=0, next_attempt_at=work.clock.now(), delivered_at=None)
    )
    return done.rowcount


def _check(endpoint: Endpoint) -> None:
    if endpoint.state != "active":
        raise EndpointNotActive(f"It is {endpoint.state}; approve it first.")
