"""Telling partners: a row per endpoint that listens, in the transaction of what it tells."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, tuple_, update

from chassis import trace
from chassis.work import Work
from contracts import Event
from contracts.partners import (
    GroupChanged,
    GroupFilled,
    ReferralClosed,
    ReferralOverdue,
    ReferralSent,
    ReferredPersonCorrected,
)
from partners.rules import TOLD
from partners.tables import Delivery, Endpoint, PartnerGroup, Referral

NOTICES: tuple[type[Event], ...] = (
    ReferralSent, ReferralOverdue, ReferralClosed, ReferredPersonCorrected, GroupFilled, GroupChanged,
)  # fmt: skip
"""What a partner can be told by webhook; the rest of the loop it said itself."""

NoticeType = Literal[
    "nl.klantreizen.referral-sent",
    "nl.klantreizen.referral-overdue",
    "nl.klantreizen.referral-closed",
    "nl.klantreizen.referred-person-corrected",
    "nl.klantreizen.group-filled",
    "nl.klantreizen.group-changed",
]
LISTENING = ("active", "disabled")
"""States of endpoints for which messages are kept: those of a disabled one wait until it is approved again."""


@dataclass(frozen=True)
class Notice:
    """A message for a partner: ids, purpose and step; who it is about, the partner asks for."""

    event_id: UUID
    type: str
    municipality: str
    partner: str
    subject: UUID
    """The referral or the group."""
    sequence: int
    data: dict[str, Any]


def of_referral(referral: Referral, event_id: UUID, event: type[Event], on: date, **more: Any) -> Notice:
    """The message that a referral came to a step."""
    assert referral.partner is not None
    data = {
        "referralId": str(referral.id),
        "partner": referral.partner,
        "purpose": referral.purpose,
        "step": referral.state,
        "occurredOn": on.isoformat(),
        "groupId": str(referral.group_id) if referral.group_id else None,
        **more,
    }
    return _notice(event_id, event, referral.municipality, referral.partner, referral.id, referral.steps, data)


def of_group(group: PartnerGroup, event_id: UUID, event: type[Event], on: date, size: int, **more: Any) -> Notice:
    """The message that a group is complete, or changed."""
    data = {"groupId": str(group.id), "partner": group.partner, "size": size, "occurredOn": on.isoformat(), **more}
    return _notice(event_id, event, group.municipality, group.partner, group.id, group.changes + 1, data)


async def call_back(work: Work, referral_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Let messages about these referrals that did not arrive never go out: they are withdrawn.

    Returns which endpoint never heard of which referral, so that it need not hear of its end. What is being sent at
    this very moment goes out, and what may have arrived counts as heard.
    """
    await work.session.flush()
    not_in_hand = or_(Delivery.leased_until.is_(None), Delivery.leased_until < func.clock_timestamp())
    never = await work.session.execute(
        update(Delivery)
        .where(
            Delivery.subject.in_(referral_ids),
            Delivery.state.in_(("pending", "exhausted")),
            Delivery.event_type.in_([each.type() for each in (ReferralSent, ReferralOverdue, ReferredPersonCorrected)]),
            not_in_hand,
        )
        .values(state="called_back", next_attempt_at=None, leased_until=None)
        .returning(Delivery.endpoint_id, Delivery.subject, Delivery.event_type, Delivery.attempts)
    )
    return {
        (row.endpoint_id, row.subject) for row in never if row.event_type == ReferralSent.type() and row.attempts == 0
    }


async def tell(work: Work, notices: Sequence[Notice], *, unheard: Collection[tuple[UUID, UUID]] = ()) -> None:
    """Put these messages in the schedule of every endpoint that listens to them, and ever heard of their subject."""
    if not notices:
        return
    partners = {(notice.municipality, notice.partner) for notice in notices}
    endpoints = await work.session.scalars(
        select(Endpoint).where(
            tuple_(Endpoint.municipality, Endpoint.partner).in_(partners), Endpoint.state.in_(LISTENING)
        )
    )
    listening: dict[tuple[str, str], list[Endpoint]] = {}
    for endpoint in endpoints:
        listening.setdefault((endpoint.municipality, endpoint.partner), []).append(endpoint)
    work.session.add_all(
        _delivery(work, notice, endpoint)
        for notice in notices
        for endpoint in listening.get((notice.municipality, notice.partner), [])
        if notice.type in endpoint.events and (endpoint.id, notice.subject) not in unheard
    )


async def catch_up(work: Work, endpoint: Endpoint) -> None:
    """Tell an endpoint that begins to listen of the open referrals that it was not told of."""
    if ReferralSent.type() not in endpoint.events:
        return
    told = exists().where(and_(Delivery.endpoint_id == endpoint.id, Delivery.event_id == Referral.sent_event))
    untold = await work.session.scalars(
        select(Referral)
        .where(
            Referral.municipality == endpoint.municipality,
            Referral.partner == endpoint.partner,
            Referral.state.in_(TOLD),
            ~told,
        )
        .order_by(Referral.sent_on, Referral.id)
    )
    for referral in untold:
        assert referral.sent_event is not None
        assert referral.sent_on is not None
        notice = of_referral(referral, referral.sent_event, ReferralSent, referral.sent_on)
        work.session.add(_delivery(work, notice, endpoint))


def _notice(
    event_id: UUID,
    event: type[Event],
    municipality: str,
    partner: str,
    subject: UUID,
    sequence: int,
    data: dict[str, Any],
) -> Notice:
    kept = {name: value for name, value in data.items() if value is not None}
    return Notice(event_id, event.type(), municipality, partner, subject, sequence, kept)


def _delivery(work: Work, notice: Notice, endpoint: Endpoint) -> Delivery:
    now = work.clock.now()
    return Delivery(
        id=work.ids(),
        municipality=notice.municipality,
        endpoint_id=endpoint.id,
        event_id=notice.event_id,
        event_type=notice.type,
        subject=notice.subject,
        sequence=notice.sequence,
        data=notice.data,
        traceparent=trace.current(),
        recorded_at=work.clock.wall(),
        state="pending",
        attempts=0,
        next_attempt_at=now,
        created_at=now,
    )
