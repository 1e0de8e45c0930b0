"""A merger was a mistake: what it ended goes on, and what came from who had gone is theirs again (INT-13).

Rows were put back by the chassis. Others hear once more of what they heard had ended, under the ids it always had.
"""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.mergers import Undone
from chassis.work import Work
from contracts.routing import (
    AftercareStarted,
    CaseworkerAssigned,
    CaseworkerReleased,
    ClientExited,
    ExitReverted,
    HandoverDue,
    HandoverPrepared,
    HandoverReturned,
    ReferralRequested,
    RouteStarted,
)
from routing.actions import caseworkers, closing, falling_due, journeys, terms
from routing.actions.journeys import Act
from routing.actions.saying import say
from routing.rules import OPEN_HANDOVER, OPEN_REFERRAL
from routing.spoken import Agreement, Conversation, Measure, PartTimeWork
from routing.tables import Exit, Handover, IntakeDuty, Journey, MergedClient, OfClient, Referral, Route

R = TypeVar("R", bound=OfClient)

_ENDED_WITH_THE_REST = ("exit", "handover", "recategorised")
"""How a route ends that did not come to an end of its own."""
_GO_WITH = (
    (Conversation, Conversation.corrects_id, Conversation),
    (Agreement, Agreement.corrects_id, Agreement),
    (Agreement, Agreement.continues_id, Agreement),
    (Measure, Measure.agreement_id, Agreement),
    (PartTimeWork, PartTimeWork.corrects_id, PartTimeWork),
)
"""What takes the place of something, or follows from it, belongs to whose that is."""

_LEFT_AS_WELL = text(
    "SELECT subject, data::jsonb ->> 'exitId' FROM outbox"
    " WHERE subject = ANY (:clients) AND type = :exited AND cause = :merger ORDER BY position"
)


async def follow(work: Work, undone: Undone) -> None:
    """Both journeys go on as if there had been no merger, with what happened since."""
    await _bring_along(work.session, undone)
    found = await journeys.load(work.session, undone.merger.clients)
    gone, stays = found[undone.merger.gone], found[undone.merger.survivor]
    act = Act(undone.on, undone.by)
    for journey in (gone, stays):
        _undo_what_came_of_it(work, undone, journey, act)
        _routes_go_on(work, undone, journey, act)
        _referrals_go_on(work, undone, journey, act)
    await _intake_waits(work, undone)
    await _goes_on_after_all(work, undone, (gone, stays), act)
    _aftercare_goes_on(work, undone, (gone, stays), act)
    for left in stays.exits:  # what the survivor's exit stopped of theirs
        await closing.take_up_again(work, gone, left.id)
    _handover_goes_on(work, undone, gone, stays, act)
    for journey in (gone, stays):
        _nothing_open_after_the_end(work, journey, act)
        _tell_who_guides(work, undone, journey, act)
    await caseworkers.see_to(work, (gone, stays), act)
    await terms.restate(work, [gone, stays])


async def _bring_along(session: AsyncSession, undone: Undone) -> None:
    brought = True
    while brought:
        brought = False
        for table, names, of in _GO_WITH:
            theirs = select(of.id).where(of.client_id == undone.merger.gone)
            moved = await session.execute(
                update(table)
                .where(table.client_id == undone.merger.survivor, names.in_(theirs))
                .values(client_id=undone.merger.gone)
                .returning(table.id),
                execution_options={"synchronize_session": False},
            )
            brought = bool(moved.all()) or brought


def _undo_what_came_of_it(work: Work, undone: Undone, journey: Journey, act: Act) -> None:
    """What an event that came late had led to is taken back: it is handled anew, for whom it was about."""
    for left in _made(undone, Exit, journey.exits):
        if left.reverted_on is None:
            left.reverted_on, left.aftercare, left.allowances_check = act.on, None, None
            say(work, journey, ExitReverted(occurred_on=act.on, by=act.by, exit_id=left.id))
    for route in _made(undone, Route, journey.routes):
        if route.ended_on is None:
            closing.end_route(work, journey, route, "stopped", act)
    for handover in _made(undone, Handover, journey.handovers):
        if handover is journey.open_handover:
            closing.call_off(work, journey, act)
    for referral in _made(undone, Referral, journey.open_referrals):
        closing.withdraw(work, journey, referral, "undone", act)


def _routes_go_on(work: Work, undone: Undone, journey: Journey, act: Act) -> None:
    """Also those that ended with all that the survivor had; not those that came to an end of their own."""
    open_before = {each.id: each for each in undone.changed(Route) if each.before.get("ended_on", ...) is None}
    for route in journey.routes:
        change = open_before.get(route.id)
        if change is None:
            continue
        with_the_rest = route.ended_on is not None and route.outcome in _ENDED_WITH_THE_REST
        if with_the_rest and journey.client_id == undone.merger.gone:
            route.ended_on = route.outcome = route.exit_id = None
        if route.ended_on is None and (with_the_rest or change.touched("ended_on")):
            started = RouteStarted(
                occurred_on=route.started_on, by=act.by, route_id=route.id, route=route.route, track=route.track
            )
            say(work, journey, started)


def _aftercare_goes_on(work: Work, undone: Undone, both: Iterable[Journey], act: Act) -> None:
    """Aftercare that ended because the client seemed to be back under another id."""
    back = {each.id for each in undone.restored(Exit) if each.touched("aftercare")}
    for journey in both:
        for left in journey.exits:
            if left.id in back and left.aftercare == "running" and left.aftercare_until is not None:
                again = AftercareStarted(
                    occurred_on=act.on, by=act.by, exit_id=left.id, until=left.aftercare_until
                )  # fmt: skip
                say(work, journey, again)


async def _goes_on_after_all(work: Work, undone: Undone, both: Iterable[Journey], act: Act) -> None:
    """The exit of the one had ended the journey of the other too: others hear that it did not."""
    if next(undone.changed(MergedClient), None) is None:
        return  # it is something that came late, which ended no journey of another
    journeys_of = {journey.client_id: journey for journey in both}
    standing = {left.id for journey in both for left in journey.exits if left.reverted_on is None}
    told = {"clients": list(journeys_of), "exited": ClientExited.type(), "merger": undone.merger.id}
    for client_id, exit_id in await work.session.execute(_LEFT_AS_WELL, told):
        if UUID(exit_id) in standing and journeys_of[client_id].active:
            reverted = ExitReverted(occurred_on=act.on, by=act.by, exit_id=UUID(exit_id))
            say(work, journeys_of[client_id], reverted)


def _handover_goes_on(work: Work, undone: Undone, gone: Journey, stays: Journey, act: Act) -> None:
    """One that was accepted meanwhile moved the survivor, and stays there; who had gone is handed over anew."""
    open_before = {each.id: each for each in undone.changed(Handover) if each.before.get("state") in OPEN_HANDOVER}
    for journey in (gone, stays):
        for handover in [each for each in journey.handovers if each.id in open_before]:
            if handover.state in OPEN_HANDOVER:
                if open_before[handover.id].touched("state"):
                    _say_handover(work, journey, handover, act)
            elif journey is gone and handover.state == "accepted":
                gone.handovers.remove(handover)
                stays.handovers.append(handover)
            elif journey is gone and gone.active and gone.open_handover is None:
                falling_due.restore(work, gone, handover, act)


async def _intake_waits(work: Work, undone: Undone) -> None:
    """What was done by the survivor meanwhile, who had gone has still to do."""
    open_before = [each.id for each in undone.changed(IntakeDuty) if each.before.get("closed_on", ...) is None]
    theirs = (IntakeDuty.id.in_(open_before), IntakeDuty.client_id == undone.merger.gone)
    await work.session.execute(update(IntakeDuty).where(*theirs).values(closed_on=None))


def _say_handover(work: Work, journey: Journey, handover: Handover, act: Act) -> None:
    told = {"by": act.by, "handover_id": handover.id, "to_track": handover.to_track}
    due = {"occurred_on": handover.due_on, "reason": handover.reason, "due_on": handover.due_on}
    say(work, journey, HandoverDue.model_validate({**told, **due}))
    if handover.state == "prepared":
        role = caseworkers.role_for(work, journey, handover.to_track)
        ready = {"occurred_on": handover.prepared_on, "accept_by": handover.accept_by, "to_role": role}
        say(work, journey, HandoverPrepared.model_validate({**told, **ready}))
    elif handover.state == "returned":
        say(work, journey, HandoverReturned.model_validate({**told, "occurred_on": act.on}))


def _referrals_go_on(work: Work, undone: Undone, journey: Journey, act: Act) -> None:
    """Also those that were withdrawn with all that the survivor had; how far the partner was, partners tells."""
    open_before = {each.id: each for each in undone.changed(Referral) if each.before.get("state") in OPEN_REFERRAL}
    for referral in journey.referrals:
        change = open_before.get(referral.id)
        if change is None:
            continue
        with_the_rest = referral.state == "withdrawn" and journey.active
        if with_the_rest:
            referral.state, referral.state_since, referral.exit_id = "requested", act.on, None
        if with_the_rest or (referral.state in OPEN_REFERRAL and change.touched("state")):
            asked = ReferralRequested(
                occurred_on=act.on, by=act.by, referral_id=referral.id, purpose=referral.purpose,
                partner=referral.partner, partner_kind=referral.partner_kind, rule=referral.rule,
            )  # fmt: skip
            say(work, journey, asked)


def _nothing_open_after_the_end(work: Work, journey: Journey, act: Act) -> None:
    """Who left meanwhile has nothing open."""
    if journey.state == "exited" and journey.standing_exit is not None:
        closing.close_all(work, journey, act, "exit", "exit", journey.standing_exit.id)
    elif journey.state == "undone":
        closing.close_all(work, journey, act, "stopped", "undone")


def _tell_who_guides(work: Work, undone: Undone, journey: Journey, act: Act) -> None:
    """Where it is not whom others heard of last."""
    whose = {"client_id": str(journey.client_id)}
    back = next((each for each in undone.restored(Journey) if each.key == whose), None)
    if back is None or not (back.touched("caseworker_id") and back.was and "caseworker_id" in back.was):
        return
    if journey.caseworker_id is None or journey.caseworker_role is None:
        say(work, journey, CaseworkerReleased(occurred_on=act.on, by=act.by))
        return
    assigned = CaseworkerAssigned(
        occurred_on=act.on, by=act.by, caseworker_id=journey.caseworker_id, role=journey.caseworker_role,
        previous_id=(back.now or {}).get("caseworker_id"), occasion="transfer",
        besides=caseworkers.besides_of(work, journey),
    )  # fmt: skip
    say(work, journey, assigned)


def _made(undone: Undone, table: type[R], rows: Iterable[R]) -> list[R]:
    """Of these rows, those that were not there before."""
    ids = {each.id for each in undone.changed(table) if each.made}
    return [row for row in rows if row.id in ids]
