"""Indications for a target group: asked of UWV, and what UWV decides (DIA-10)."""

from datetime import date
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.diagnosis import IndicationDecided, IndicationRequested
from diagnosis.actions.clients import active_client, day_of
from diagnosis.actions.invitations import Invitee, invite
from diagnosis.problems import AlreadyRequested, IndicationAlreadyDecided
from diagnosis.tables import IndicationRequest


async def request(work: Work, client_id: UUID, kind: str, on: date | None) -> IndicationRequest:
    """An indication is asked of UWV; one request of a kind at a time."""
    client = await active_client(work, client_id)
    day = day_of(work, on, "#/on")
    waiting = select(IndicationRequest.id).where(
        IndicationRequest.client_id == client.id, IndicationRequest.kind == kind, IndicationRequest.granted.is_(None)
    )
    if await work.session.scalar(waiting):
        raise AlreadyRequested
    asked = IndicationRequest(
        id=work.ids(),
        municipality=client.municipality,
        client_id=client.id,
        kind=kind,
        requested_on=day,
        requested_by=work.actor,
    )
    work.session.add(asked)
    await work.session.flush()
    event = IndicationRequested(occurred_on=day, by=work.actor, request_id=asked.id, kind=kind)
    work.publish(client.id, client.municipality, event)
    return asked


async def decide(work: Work, request_id: UUID, *, granted: bool, on: date | None) -> IndicationRequest:
    """UWV's decision is in; a new assessment is due, since it moves the client into or out of a category."""
    asked = await work.session.scalar(
        select(IndicationRequest).where(IndicationRequest.id == request_id).with_for_update()
    )
    if asked is None:
        raise NotFound("There is no such request.")
    if asked.granted is not None:
        raise IndicationAlreadyDecided
    day = day_of(work, on, "#/on")
    if day < asked.requested_on:
        raise Invalid.at("#/on", f"lies before the request of {asked.requested_on}")
    client = await active_client(work, asked.client_id)
    asked.granted, asked.decided_on, asked.decided_by = granted, day, work.actor
    event = IndicationDecided(occurred_on=day, by=work.actor, request_id=asked.id, kind=asked.kind, granted=granted)
    work.publish(client.id, client.municipality, event)
    due = Invitee(client.id, client.municipality, "reassessment", day, work.actor, due="indication_decided")
    await invite(work, [due])
    return asked
