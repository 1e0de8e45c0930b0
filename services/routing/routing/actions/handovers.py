"""The handover: due, prepared, accepted or returned, escalated when nobody accepts in time (ROU-5)."""

from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.routing import HandoverAccepted, HandoverDue, HandoverPrepared, HandoverReturned
from policy import reckon
from routing.actions import caseworkers, closing, journeys, terms
from routing.actions.caseworkers import Assignment
from routing.actions.journeys import Act, pack_of, say
from routing.problems import HandoverNotDue, HandoverNotPrepared
from routing.tables import Handover, Journey

Reason = Literal["longest_stay", "categorised", "readiness", "permanent_exemption"]


def fall_due(work: Work, journey: Journey, to_track: str, reason: Reason, act: Act, due_on: date | None = None) -> None:
    """The client is to be handed over to the other track."""
    assert journey.track is not None, "only a client who is on a track is handed over"
    handover = Handover(
        id=work.ids(), municipality=journey.municipality, entered_by=act.by, from_track=journey.track,
        to_track=to_track, reason=reason, state="due", due_on=due_on or act.on,
    )  # fmt: skip
    journey.handovers.append(handover)
    say(
        work, journey,
        HandoverDue(
            occurred_on=act.on, by=act.by, handover_id=handover.id, to_track=to_track, reason=reason,
            due_on=handover.due_on,
        ),
    )  # fmt: skip


def restore(work: Work, journey: Journey, cancelled: Handover, act: Act) -> None:
    """What a mistaken exit cancelled falls due again, as of the day it was due."""
    reasons: tuple[Reason, ...] = ("longest_stay", "categorised", "readiness", "permanent_exemption")
    reason = next(each for each in reasons if each == cancelled.reason)
    fall_due(work, journey, cancelled.to_track, reason, act, cancelled.due_on)


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
    handover.state, handover.note, handover.prepared_on, handover.accept_by = "prepared", note, act.on, accept_by
    handover.escalated_on = None
    say(
        work, journey,
        HandoverPrepared(
            occurred_on=act.on, by=act.by, handover_id=handover.id, accept_by=accept_by,
            to_role=caseworkers.role_for(work, journey, handover.to_track),
        ),
    )  # fmt: skip
    await terms.restate(work, [journey])
    return handover


async def accept(work: Work, handover_id: UUID, act: Act) -> Handover:
    """The receiving team takes the client over: another track, caseworker and terms."""
    journey, handover = await find(work, handover_id)
    _must_be_prepared(handover, act)
    handover.state, handover.closed_on = "accepted", act.on
    say(
        work, journey,
        HandoverAccepted(occurred_on=act.on, by=act.by, handover_id=handover.id, to_track=handover.to_track),
    )  # fmt: skip
    closing.end_routes(work, journey, "handover", act)
    journey.track, journey.track_since = handover.to_track, act.on
    stays = caseworkers.role_for(work, journey) == journey.caseworker_role
    named = journey.caseworker_id if stays else None
    await caseworkers.assign(work, [Assignment(journey, "handover", act, named)])
    await terms.restate(work, [journey])
    return handover


async def give_back(work: Work, handover_id: UUID, reason: str, act: Act) -> Handover:
    """The receiving team sends the client back; the handover can be prepared again."""
    journey, handover = await find(work, handover_id)
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
