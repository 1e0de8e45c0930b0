"""The schedule in the database: what is due, who sends it, and how it went. Made by hand: this is the busy part."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Gauge
from sqlalchemy import insert, select, text

from chassis.work import Office, Work
from contracts.partners import WebhookEndpointDisabled, WebhookEndpointFailing
from partners.tables import Attempt, Endpoint
from partners.webhooks.post import Reply
from partners.webhooks.schedule import FAILING_AFTER, Health, Random, next_attempt

log = structlog.get_logger("webhooks")

PENDING = Gauge("opstap_webhooks_pending", "Webhooks that were not delivered yet, throttled and disabled ones too")
EXHAUSTED = Gauge("opstap_webhooks_exhausted", "Webhooks that were given up and wait for a person")
OLDEST = Gauge("opstap_webhooks_oldest_seconds", "Age of the oldest webhook that was not delivered yet")

_CLAIM = text("""
    WITH due AS (
        SELECT next.id FROM endpoints e CROSS JOIN LATERAL (
            SELECT d.id FROM deliveries d
            WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_attempt_at <= :now
              AND (d.leased_until IS NULL OR d.leased_until < clock_timestamp())
            ORDER BY d.next_attempt_at, d.id
            LIMIT greatest(0, least(CASE WHEN e.failures >= :failing THEN 1 ELSE :slots END, e.rate)
                              - coalesce(CAST(CAST(:busy AS jsonb) ->> CAST(e.id AS text) AS integer), 0))
            FOR UPDATE SKIP LOCKED
        ) next
        WHERE e.state = 'active'
        ORDER BY e.failures, next.id
        LIMIT :free
    )
    UPDATE deliveries d SET leased_until = clock_timestamp() + :lease
    FROM due, endpoints e WHERE d.id = due.id AND e.id = d.endpoint_id
    RETURNING d.id, d.municipality, d.endpoint_id, d.event_id, d.event_type, d.subject, d.sequence, d.data,
        d.traceparent, d.recorded_at, d.body, d.attempts, e.partner, e.url, e.secret, e.old_secret,
        e.old_secret_until, e.access_token, e.rate
""")
_KEEP_BODY = text("UPDATE deliveries SET body = :body WHERE id = :id AND body IS NULL")
_DUE = text("""
    SELECT EXISTS (SELECT 1 FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id
                   WHERE e.state = 'active' AND d.state = 'pending' AND d.next_attempt_at <= :now)
""")
_FIGURES = text("""
    SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
        count(*) FILTER (WHERE state = 'exhausted') AS exhausted,
        coalesce(extract(epoch FROM CAST(:now AS timestamptz) - min(created_at) FILTER (WHERE state = 'pending')), 0)
            AS oldest
    FROM deliveries WHERE state IN ('pending', 'exhausted')
""")
_OUTCOME = text("""
    UPDATE deliveries d
    SET attempts = d.attempts + 1, state = new.state, next_attempt_at = new.next_attempt_at,
        leased_until = NULL, delivered_at = CASE WHEN new.state = 'delivered' THEN CAST(:now AS timestamptz) END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:nexts AS timestamptz[]))
        AS new (id, state, next_attempt_at)
    WHERE d.id = new.id AND d.state = 'pending'
""")
_ASK = text("""
    UPDATE endpoints SET handshake_at = NULL WHERE id IN (
        SELECT id FROM endpoints WHERE state = 'pending' AND handshake_at <= :now
        ORDER BY handshake_at LIMIT 10 FOR UPDATE SKIP LOCKED)
    RETURNING id, url
""")


@dataclass(frozen=True)
class Claimed:
    """A delivery that is ours to send for as long as the lease lasts."""

    id: UUID
    municipality: str
    endpoint_id: UUID
    partner: str
    event_id: UUID
    body: bytes
    attempts: int
    traceparent: str | None
    url: str
    secret: bytes
    old_secret: bytes | None
    access_token: bytes | None
    rate: int | None


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, and when it was made by both clocks."""

    delivery: Claimed
    reply: Reply
    at: datetime
    sent_at: datetime


MakeBody = Callable[[Any], bytes]
"""The body of a delivery's row, when it is to be sent for the first time."""


class Ledger:
    """The deliveries of all municipalities, as the sender sees them."""

    def __init__(self, office: Office, make_body: MakeBody, *, lease: timedelta) -> None:
        self._office, self._make_body, self._lease = office, make_body, lease

    async def claim(self, busy: Mapping[UUID, int], *, slots: int, free: int) -> list[Claimed]:
        """Take what is due, at most `slots` at a time per endpoint (one of a failing one); its bytes are kept first.

        `busy` says how many slots of an endpoint are taken.
        """
        values = {
            "now": self._office.clock.now(),
            "failing": FAILING_AFTER,
            "slots": slots,
            "busy": json.dumps({str(id): number for id, number in busy.items()}),
            "free": free,
            "lease": self._lease,
        }
        async with self._office.in_background() as work:
            rows = (await work.session.execute(_CLAIM, values)).all()
            bodies = {row.id: self._make_body(row) for row in rows if row.body is None}
            if bodies:
                await work.session.execute(_KEEP_BODY, [{"id": id, "body": body} for id, body in bodies.items()])
            return [_claimed(row, bodies.get(row.id), work.clock.now()) for row in rows]

    async def anything_due(self) -> bool:
        """Whether something is due now, here or in the hands of another instance."""
        async with self._office.in_background() as work:
            return bool(await work.session.scalar(_DUE, {"now": work.clock.now()}))

    async def measure(self) -> None:
        """Show how many messages wait, how long the oldest has, and how many a person must look at."""
        async with self._office.in_background() as work:
            figures = (await work.session.execute(_FIGURES, {"now": work.clock.now()})).one()
        PENDING.set(figures.pending)
        EXHAUSTED.set(figures.exhausted)
        OLDEST.set(float(figures.oldest))

    async def write_down(self, outcomes: Sequence[Outcome], random: Random) -> None:
        """Keep how these attempts ended: one transaction for all of them."""
        async with self._office.in_background() as work:
            await work.session.execute(insert(Attempt), [_attempt(work, outcome) for outcome in outcomes])
            await self._reschedule(work, outcomes, random)
            await _judge_endpoints(work, outcomes)

    async def to_be_asked(self) -> Sequence[tuple[UUID, str]]:
        """Take the endpoints whose receiver is to be asked for consent now."""
        async with self._office.in_background() as work:
            rows = await work.session.execute(_ASK, {"now": work.clock.now()})
            return [(row.id, row.url) for row in rows]

    async def _reschedule(self, work: Work, outcomes: Sequence[Outcome], random: Random) -> None:
        states, nexts = [], []
        for outcome in outcomes:
            attempts, reply = outcome.delivery.attempts + 1, outcome.reply
            again = None if reply.failure is None else next_attempt(attempts, outcome.at, random, reply.retry_after)
            state = "delivered" if reply.failure is None else "pending" if again else "exhausted"
            if state == "exhausted":
                log.error("webhook exhausted", delivery=str(outcome.delivery.id), partner=outcome.delivery.partner)
            states.append(state)
            nexts.append(again)
        ids = [outcome.delivery.id for outcome in outcomes]
        await work.session.execute(_OUTCOME, {"ids": ids, "states": states, "nexts": nexts, "now": work.clock.now()})


async def _judge_endpoints(work: Work, outcomes: Sequence[Outcome]) -> None:
    """Count failures in a row; tell when an endpoint keeps failing, and switch it off after days of it."""
    rows = await work.session.scalars(
        select(Endpoint)
        .where(Endpoint.id.in_({outcome.delivery.endpoint_id for outcome in outcomes}))
        .order_by(Endpoint.id)
        .with_for_update()
    )
    endpoints = {endpoint.id: endpoint for endpoint in rows}
    for outcome in outcomes:
        endpoint, failure = endpoints[outcome.delivery.endpoint_id], outcome.reply.failure
        health = Health(endpoint.failures, endpoint.failing_since).after(failure, outcome.at)
        endpoint.failures, endpoint.failing_since = health.failures, health.since
        verdict = health.verdict(failure, outcome.at)
        if verdict is None or endpoint.state != "active":
            continue
        said = {"occurred_on": work.today, "by": "clock", "partner": endpoint.partner}
        if verdict == "disabled":
            endpoint.state = "disabled"
            endpoint.disabled_because = "gone" if failure == "gone" else "kept_failing"
            work.publish(endpoint.id, endpoint.municipality, WebhookEndpointDisabled.model_validate(said))
        else:
            work.publish(endpoint.id, endpoint.municipality, WebhookEndpointFailing.model_validate(said))
        log.warning("webhook endpoint", verdict=verdict, endpoint=str(endpoint.id), partner=endpoint.partner)


def _claimed(row: Any, made: bytes | None, now: datetime) -> Claimed:
    overlaps = row.old_secret_until is not None and now < row.old_secret_until
    return Claimed(
        id=row.id,
        municipality=row.municipality,
        endpoint_id=row.endpoint_id,
        partner=row.partner,
        event_id=row.event_id,
        body=made if made is not None else bytes(row.body),
        attempts=row.attempts,
        traceparent=row.traceparent,
        url=row.url,
        secret=bytes(row.secret),
        old_secret=bytes(row.old_secret) if overlaps else None,
        access_token=bytes(row.access_token) if row.access_token is not None else None,
        rate=row.rate,
    )


def _attempt(work: Work, outcome: Outcome) -> dict[str, Any]:
    reply = outcome.reply
    return {
        "id": work.ids(),
        "municipality": outcome.delivery.municipality,
        "delivery_id": outcome.delivery.id,
        "number": outcome.delivery.attempts + 1,
        "at": outcome.at,
        "sent_at": outcome.sent_at,
        "status": reply.status,
        "failure": reply.failure,
        "milliseconds": reply.milliseconds,
        "response": reply.response,
    }
