"""The handover: due, prepared, accepted or returned, escalated when nobody accepts in time (ROU-5)."""

from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.security import Token
from chassis.work import Work
from contracts.routing import HandoverAccepted, HandoverReturned
from policy import reckon
from routing.actions import caseworkers, closing, falling_due, journeys, placing, receiving, terms
from routing.actions.caseworkers import Assignment
from routing.actions.journeys import Act, pack_of
from routing.actions.saying import say
from routing.actions.terms import Anew
from routing.placing import HandedOver
from routing.problems import HandoverNotDue, HandoverNotPrepared
from routing.tables import Handover, Journey


async def find(work: Work, handover_id: UUID) -> tuple[Journey, Handover]:
    """A handover with its journey, locked; NotFound when it is not in sight."""
    client_id = await work.session.scalar(select(Handover.client_id).where(Handover.id == handover_id))
    if client_id is None:
        raise NotFound
    journey = (await journeys.load(work.session, [client_id]))[client_id]
    return journey, next(each for each in journey.handovers if each.id == handover_id)


async def prepare(work: Work, handover_id: UUID, note: str, act: Act) -> Handover:
    """The file for the receiving team is ready; it has its term to accept."""
    journey, handover = await find(work, handover_id)
    if handover.state not in {"due", "returned"}:
        raise HandoverNotDue(f"This handover is {handover.state}.")
    accept_by = reckon(act.on, pack_of(work, journey).routing.handover.acceptance.term).due_on
    assert accept_by is not None, "nothing suspends this term"
    if act.on < handover.due_on:
        raise Invalid.at("#/on", f"lies before the handover fell due, on {handover.due_on}")
    handover.state, handover.note, handover.prepared_on, handover.accept_by = "prepared", note, act.on, accept_by
    handover.prepared_by, handover.escalated_on = act.by, None
    falling_due.tell_prepared(work, journey, handover, act)
    await terms.restate(work, [journey], Anew.of(work, act.on, "de voorbereiding van een overdracht"))
    return handover


async def accept(work: Work, caller: Token, handover_id: UUID, act: Act) -> Handover:
    """The receiving team takes the client over: another track, caseworker and terms."""
    journey, handover = await find(work, handover_id)
    await receiving.check(work, caller, journey, handover)
    _must_be_prepared(handover, act)
    handover.state, handover.closed_on, handover.acceptance_id = "accepted", act.on, work.ids()
    say(
        work, journey,
        HandoverAccepted(occurred_on=act.on, by=act.by, handover_id=handover.id, to_track=handover.to_track),
    )  # fmt: skip
    closing.end_routes(work, journey, "handover", act)
    if placing.is_late(journey, act.on):
        await placing.place_anew(work, journey)
    else:
        journey.place = HandedOver(act.on, handover.to_track).after(journey.place)
    stays = caseworkers.role_for(work, journey) == journey.caseworker_role
    named = journey.caseworker_id if stays else None
    await caseworkers.assign(work, [Assignment(journey, "handover", act, named)])
    await terms.restate(work, [journey], Anew.of(work, act.on, "een overdracht"))
    return handover


async def give_back(work: Work, caller: Token, handover_id: UUID, reason: str, act: Act) -> Handover:
    """The receiving team sends the client back; the handover can be prepared again."""
    journey, handover = await find(work, handover_id)
    await receiving.check(work, caller, journey, handover)
    _must_be_prepared(handover, act)
    handover.state, handover.return_reason = "returned", reason
    handover.prepared_on = handover.accept_by = None
    say(
        work, journey,
        HandoverReturned(occurred_on=act.on, by=act.by, handover_id=handover.id, to_track=handover.to_track),
    )  # fmt: skip
    await terms.restate(work, [journey])
    return handover


def _must_be_prepared(handover: Handover, act: Act) -> None:
    if handover.state != "prepared" or handover.prepared_on is None:
        raise HandoverNotPrepared(f"This handover is {handover.state}.")
    if act.on < handover.prepared_on:
        raise Invalid.at("#/on", f"lies before the file was ready, on {handover.prepared_on}")
