"""Bringing to an end what is open on a journey."""

from typing import Literal
from uuid import UUID

from sqlalchemy import select

from chassis.work import Work
from contracts.routing import HandoverCancelled, InstrumentEnded, PartTimeWorkEnded, ReferralWithdrawn, RouteEnded
from routing.actions.journeys import Act
from routing.actions.saying import say
from routing.spoken import PartTimeWork
from routing.tables import InstrumentUse, Journey, Referral, Route

RouteOutcome = Literal["completed", "exit", "handover", "recategorised", "stopped"]
WithdrawalReason = Literal["exit", "deceased", "moved_away", "merged", "recategorised", "undone", "other"]


def end_route(
    work: Work, journey: Journey, route: Route, outcome: RouteOutcome, act: Act, exit_id: UUID | None = None
) -> None:
    """A route ends, on its first day at the earliest."""
    route.ended_on = max(act.on, route.started_on)
    route.outcome, route.exit_id = outcome, exit_id
    say(
        work, journey,
        RouteEnded(occurred_on=route.ended_on, by=act.by, route_id=route.id, route=route.route, outcome=outcome),
    )  # fmt: skip


def end_routes(work: Work, journey: Journey, outcome: RouteOutcome, act: Act, exit_id: UUID | None = None) -> None:
    """All routes under way end."""
    for route in journey.open_routes:
        end_route(work, journey, route, outcome, act, exit_id)


def call_off(work: Work, journey: Journey, act: Act, exit_id: UUID | None = None, *, needless: bool = False) -> None:
    """The handover under way, if any, is not needed any more; or never was, as what ends before it fell due."""
    handover = journey.open_handover
    if handover is not None:
        handover.state, handover.closed_on, handover.exit_id = "cancelled", act.on, exit_id
        corrects = handover.id if needless or act.on < handover.due_on else None
        say(
            work, journey,
            HandoverCancelled(occurred_on=act.on, by=act.by, handover_id=handover.id, corrects=corrects),
        )  # fmt: skip


def withdraw(
    work: Work, journey: Journey, referral: Referral, reason: WithdrawalReason, act: Act, exit_id: UUID | None = None
) -> None:
    """A referral is taken back."""
    referral.state_at_exit = None if exit_id is None else referral.state
    referral.state, referral.state_since, referral.exit_id = "withdrawn", act.on, exit_id
    say(
        work, journey,
        ReferralWithdrawn(occurred_on=act.on, by=act.by, referral_id=referral.id, reason=reason),
    )  # fmt: skip


def close_all(
    work: Work, journey: Journey, act: Act, route: RouteOutcome, referral: WithdrawalReason,
    exit_id: UUID | None = None,
) -> None:  # fmt: skip
    """Routes, handover and referrals end together."""
    end_routes(work, journey, route, act, exit_id)
    call_off(work, journey, act, exit_id)
    for each in journey.open_referrals:
        withdraw(work, journey, each, referral, act, exit_id)


async def stop_instruments(work: Work, journey: Journey, act: Act, exit_id: UUID | None = None) -> None:
    """No instrument is used any more."""
    used = select(InstrumentUse).where(InstrumentUse.client_id == journey.client_id, InstrumentUse.ended_on.is_(None))
    for use in await work.session.scalars(used.order_by(InstrumentUse.id).with_for_update()):
        use.ended_on, use.outcome, use.exit_id = max(act.on, use.started_on), "stopped", exit_id
        say(
            work, journey,
            InstrumentEnded(
                occurred_on=use.ended_on, by=act.by, instrument_use_id=use.id, instrument=use.instrument,
                outcome="stopped", exit_id=exit_id,
            ),
        )  # fmt: skip


async def end_part_time_work(work: Work, journey: Journey, act: Act, exit_id: UUID | None = None) -> None:
    """Part-time work beside benefit ends with the benefit."""
    running = select(PartTimeWork).where(
        PartTimeWork.client_id == journey.client_id,
        PartTimeWork.ended_on.is_(None),
        PartTimeWork.corrected_on.is_(None),
    )
    for each in await work.session.scalars(running.order_by(PartTimeWork.id).with_for_update()):
        each.ended_on, each.exit_id = max(act.on, each.month_from), exit_id
        say(
            work, journey,
            PartTimeWorkEnded(occurred_on=each.ended_on, by=act.by, work_id=each.id, exit_id=exit_id),
        )  # fmt: skip


async def take_up_again(work: Work, journey: Journey, exit_id: UUID) -> None:
    """What this exit stopped goes on: it never ended."""
    await instruments_go_on(work, journey, exit_id)
    ended = select(PartTimeWork).where(PartTimeWork.client_id == journey.client_id, PartTimeWork.exit_id == exit_id)
    for each in await work.session.scalars(ended.with_for_update()):
        each.ended_on = each.exit_id = None


async def instruments_go_on(work: Work, journey: Journey, exit_id: UUID) -> None:
    """The use of instruments that stopped at this exit, or after it because of a death that was none, never ended."""
    uses = select(InstrumentUse).where(InstrumentUse.client_id == journey.client_id, InstrumentUse.exit_id == exit_id)
    for use in await work.session.scalars(uses.with_for_update()):
        use.ended_on = use.outcome = use.exit_id = None
