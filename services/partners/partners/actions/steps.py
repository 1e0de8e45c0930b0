"""A step of a referral: the row that keeps it, the event that says it, and the time limit on the next."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import Deadline, NewDeadline, cancel, set_deadlines
from chassis.work import Work
from contracts.partners import ReferralClosed, ReferralSent, ReferralWaiting
from partners.actions.notices import call_back, of_referral, tell
from partners.rules import TOLD, State, Terms, TimedStep, timed_step, told_partner
from partners.tables import Referral, ReferralStep

LIMITS: dict[TimedStep, str] = {
    "acknowledge": "referral_acknowledge",
    "accept": "referral_accept",
    "start": "referral_start",
    "end": "referral_end",
}
"""The kind of the deadline on each step; its subject is the referral."""
STAYS = frozenset({"progress", "corrected"})
"""Steps after which a referral is where it was."""
UNTOLD = "untold"
"""In the data of a deadline: the partner is not reminded when it passes."""


@dataclass(frozen=True)
class Closing:
    """Why the municipality takes a referral back, since when, and on whose word."""

    reason: str
    on: date
    by: str
    recorded_at: datetime | None = None
    """By the wall clock, where it matters: of a client whom another service than routing says to be gone."""


def record(work: Work, referral: Referral, step: State | str, on: date, by: str, reason: str | None = None) -> None:
    """Keep a step; one that leaves the loop where it is, is no new state."""
    referral.steps += 1
    if step not in STAYS:
        referral.state, referral.since, referral.overdue_step = step, on, None
    work.session.add(
        ReferralStep(
            id=work.ids(),
            municipality=referral.municipality,
            referral_id=referral.id,
            number=referral.steps,
            step=step,
            on=on,
            by=by,
            reason=reason,
        )
    )


async def before_withdrawal(work: Work, referrals: Collection[Referral]) -> dict[UUID, State]:
    """The state in which each of these was when it was withdrawn last."""
    found = await work.session.scalars(
        select(ReferralStep)
        .where(ReferralStep.referral_id.in_([each.id for each in referrals]), ReferralStep.step.not_in(STAYS))
        .order_by(ReferralStep.referral_id, ReferralStep.number)
    )
    stood: dict[UUID, list[State]] = {}
    for each in found:
        stood.setdefault(each.referral_id, []).append(each.step)  # type: ignore[arg-type] # by the loop's own rules
    return {id: [state for state in states if state != "withdrawn"][-1] for id, states in stood.items()}


async def let_wait(work: Work, referrals: Iterable[Referral]) -> None:
    """Put these clients in the queue for their partner's next group."""
    for referral in referrals:
        assert referral.partner is not None
        record(work, referral, "waiting", work.today, referral.requested_by)
        event = ReferralWaiting(
            occurred_on=work.today, by=referral.requested_by, referral_id=referral.id, partner=referral.partner
        )
        work.publish(referral.client_id, referral.municipality, event)


async def send(work: Work, referrals: Sequence[Referral], partners: Mapping[str, Terms]) -> None:
    """Tell the partner of each, alone or as a member of a group, and let its first time limit run."""
    notices = []
    for referral in referrals:
        assert referral.partner is not None
        record(work, referral, "sent", work.today, referral.requested_by)
        event = ReferralSent(
            occurred_on=work.today,
            by=referral.requested_by,
            referral_id=referral.id,
            partner=referral.partner,
            group_id=referral.group_id,
        )
        referral.sent_on = work.today
        referral.sent_event = work.publish(referral.client_id, referral.municipality, event)
        notices.append(of_referral(referral, referral.sent_event, ReferralSent, work.today))
    await tell(work, notices)
    await limit_next_step(work, referrals, partners)


async def limit_next_step(
    work: Work, referrals: Sequence[Referral], partners: Mapping[str, Terms]
) -> Sequence[Deadline]:
    """Let the time run in which the partner must take the step that it now owes, from the day of the one before."""
    return await set_deadlines(
        work, [limit for referral in referrals if (limit := _limit(referral, partners)) is not None]
    )


async def take_over(work: Work, referrals: Sequence[Referral], partners: Mapping[str, Terms]) -> None:
    """Stand where these are in the loop already. The partner, who knows of them, is told nothing.

    Nor is it reminded of a step for which the time was over before; that shows in the municipality.
    """
    for referral in referrals:
        record(work, referral, referral.state, referral.since, referral.requested_by)
    for limit in await limit_next_step(work, referrals, partners):
        if limit.due_on is not None and limit.due_on < work.today:
            limit.data = {UNTOLD: True}


async def withdraw(work: Work, referrals: Sequence[Referral], why: Closing) -> None:
    """Take these open referrals back; a partner that knows of one is told."""
    notices = []
    for referral in referrals:
        told, on = referral.state in TOLD, max(why.on, referral.since)
        record(work, referral, "withdrawn", on, why.by)
        referral.withdrawn_because = why.reason
        if referral.partner is None:
            continue
        event_id = _close(work, referral, on, why.by)
        if told:
            because = told_partner(why.reason)
            notices.append(of_referral(referral, event_id, ReferralClosed, on, because=because))
    unheard = await call_back(work, [notice.subject for notice in notices])
    await tell(work, notices, unheard=unheard)
    await stop_limits(work, referrals)


async def stop_limits(work: Work, referrals: Iterable[Referral]) -> None:
    """No step of these is owed any more."""
    await cancel(work, {referral.id for referral in referrals}, set(LIMITS.values()))


def _close(work: Work, referral: Referral, on: date, by: str) -> UUID:
    assert referral.partner is not None
    event = ReferralClosed(occurred_on=on, by=by, referral_id=referral.id, partner=referral.partner)
    return work.publish(referral.client_id, referral.municipality, event)


def _limit(referral: Referral, partners: Mapping[str, Terms]) -> NewDeadline | None:
    step = timed_step(referral.state)  # type: ignore[arg-type] # the column holds a State, by its constraint
    terms = partners.get(referral.partner or "")
    if step is None or terms is None:
        return None
    limit = terms.limits.get(step)
    if limit is None:
        return None
    return NewDeadline(
        municipality=referral.municipality,
        subject=referral.id,
        kind=LIMITS[step],
        start=referral.since,
        term=limit.term,
        rule=limit.rule,
        owner=terms.id,
        missed=True,
    )
