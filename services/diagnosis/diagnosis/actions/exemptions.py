"""Exemptions: granted when a decision holds one, watched to their last day, ended by a day, a person or a decision."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import Deadline, NewDeadline, cancel, set_deadlines
from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from diagnosis.actions.invitations import Invitee, invite, invite_later
from diagnosis.problems import ExemptionOver
from diagnosis.rules import ONE_DAY
from diagnosis.tables import Client, Exemption
from policy import Term

KIND = "exemption_end"
RULE = "diagnosis.exemption"


async def grant(work: Work, granted: Sequence[Exemption], by: str) -> None:
    """Keep these exemptions, say so, and watch those that have an end."""
    work.session.add_all(granted)
    await work.session.flush()
    await watch(work, granted)
    for each in granted:
        _say_granted(work, each, by)


async def watch(work: Work, exemptions: Sequence[Exemption]) -> None:
    """Fire on the day after the last day of each."""
    await set_deadlines(
        work,
        [
            NewDeadline(
                municipality=each.municipality,
                subject=each.client_id,
                kind=KIND,
                ref=each.id,
                start=each.granted_on,
                term=Term(days=(each.until - each.granted_on).days),
                rule=f"{RULE}.temporary",
                missed=True,
            )
            for each in exemptions
            if each.until is not None
        ],
    )


async def take_back(work: Work, client_id: UUID, assessment_id: UUID, by: str) -> None:
    """What a decision on this assessment granted was never granted, and what it ended goes on (DIA-13)."""
    found = (
        await work.session.scalars(
            select(Exemption).where(Exemption.client_id == client_id).order_by(Exemption.id).with_for_update()
        )
    ).all()
    for granted in (each for each in found if each.assessment_id == assessment_id):
        await cancel(work, [client_id], [KIND], ref=granted.id)
        if granted.ended_on != granted.granted_on:
            granted.ended_on = granted.granted_on
            event = ExemptionEnded(occurred_on=granted.granted_on, by=by, exemption_id=granted.id)
            work.publish(client_id, granted.municipality, event)
    await work.session.flush()
    goes_on = [each for each in found if each.ended_by == assessment_id]
    for exemption in goes_on:
        exemption.ended_on = exemption.ended_by = None
        _say_granted(work, exemption, by)
    await work.session.flush()
    await watch(work, goes_on)


def _say_granted(work: Work, exemption: Exemption, by: str) -> None:
    event = ExemptionGranted.model_validate(
        {
            "occurred_on": exemption.granted_on,
            "by": by,
            "exemption_id": exemption.id,
            "until": exemption.until,
            "effect": exemption.effect,
        }
    )
    work.publish(exemption.client_id, exemption.municipality, event)


async def end(work: Work, exemption: Exemption, on: date, by: str, assessment_id: UUID | None = None) -> bool:
    """It no longer holds from this day on; False when it had ended already.

    The deadline comes first, as in the sweeper, so that the two wait for each other and never lock each other out.
    """
    await cancel(work, [exemption.client_id], [KIND], ref=exemption.id)
    await work.session.refresh(exemption, with_for_update=True)
    if exemption.ended_on is not None:
        return False
    exemption.ended_on, exemption.ended_by = max(on, exemption.granted_on), assessment_id
    event = ExemptionEnded(occurred_on=exemption.ended_on, by=by, exemption_id=exemption.id)
    work.publish(exemption.client_id, exemption.municipality, event)
    return True


async def end_by_hand(work: Work, exemption_id: UUID, on: date, by: str) -> Exemption:
    """A professional ends it; a new assessment is due, of who left when that turns out to be a mistake."""
    exemption = await work.session.get(Exemption, exemption_id)
    if exemption is None:
        raise NotFound("There is no such exemption.")
    if on < exemption.granted_on:
        raise Invalid.at("#/on", f"lies before {exemption.granted_on}, the day on which it was granted")
    if not await end(work, exemption, on, by):
        raise ExemptionOver
    client = await work.session.get_one(Client, exemption.client_id)
    due = _reassessment(exemption, on, by)
    if client.ended is None or client.ended_on is None:
        await invite(work, [due])
    else:
        await invite_later(work, [(due, client.ended, client.ended_on)])
    return exemption


async def end_by_clock(work: Work, due: Sequence[Deadline]) -> None:
    """Their last day has passed; a new assessment is due for each."""
    found = await work.session.scalars(
        select(Exemption)
        .where(Exemption.id.in_([each.ref for each in due]), Exemption.ended_on.is_(None))
        .order_by(Exemption.client_id)
        .with_for_update()
    )
    invitees = []
    for exemption in found:
        assert exemption.until is not None
        exemption.ended_on = exemption.until + ONE_DAY
        event = ExemptionEnded(occurred_on=exemption.ended_on, by="clock", exemption_id=exemption.id)
        work.publish(exemption.client_id, exemption.municipality, event)
        invitees.append(_reassessment(exemption, exemption.ended_on, "clock"))
    await invite(work, invitees)


def _reassessment(exemption: Exemption, on: date, by: str) -> Invitee:
    return Invitee(exemption.client_id, exemption.municipality, "reassessment", on, by, due="exemption_ended")
