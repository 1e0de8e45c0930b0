"""What happens when a term of intake ends."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select

from chassis.deadlines import Deadline, Fired, set_deadlines
from chassis.work import Work
from contracts.intake import (
    AgeBandChanged,
    InformationSessionDue,
    IntakeDue,
    IntegrationPlanDue,
    LanguageTestDue,
    RestPeriodEnded,
    SocialGuidanceEnded,
)
from intake.actions.gate import invite_to_session
from intake.actions.housing import GUIDANCE, PLAN, REST
from intake.actions.registration import PENSION, age_band_deadlines, tell_pension
from intake.tables import Application, Client, clients_by_id


async def information_session_due(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The week of the information session ends, and the client was at none."""
    for each in deadlines:
        event = InformationSessionDue(occurred_on=_fired_on(each), by="clock", due_on=_due_on(each))
        work.publish(each.subject, each.municipality, event)


async def intake_due(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The term of the intake ends, and it was not held."""
    for each in deadlines:
        event = IntakeDue(occurred_on=_fired_on(each), by="clock", due_on=_due_on(each))
        work.publish(each.subject, each.municipality, event)


async def language_test_due(work: Work, deadlines: Sequence[Deadline]) -> None:
    """A client without proof of language has not taken the test."""
    for each in deadlines:
        event = LanguageTestDue(occurred_on=_fired_on(each), by="clock", due_on=_due_on(each))
        work.publish(each.subject, each.municipality, event)


async def rest_period_ended(work: Work, deadlines: Sequence[Deadline]) -> None:
    """A permit holder rested; who applied has an information session next, as everybody."""
    clients = await clients_by_id(work.session, {each.subject for each in deadlines})
    applied = select(Application.client_id).where(Application.client_id.in_(clients), Application.state != "withdrawn")
    waiting = set(await work.session.scalars(applied))
    for each in deadlines:
        event = RestPeriodEnded(occurred_on=_fired_on(each), by="clock")
        work.publish(each.subject, each.municipality, event)
        if each.subject in waiting:
            await invite_to_session(work, clients[each.subject], _fired_on(each))


async def social_guidance_ended(work: Work, deadlines: Sequence[Deadline]) -> None:
    """A permit holder was guided as long as the pack says."""
    for each in deadlines:
        work.publish(each.subject, each.municipality, SocialGuidanceEnded(occurred_on=_fired_on(each), by="clock"))


async def integration_plan_due(work: Work, deadlines: Sequence[Deadline]) -> None:
    """The term of the integration plan ends, and there is none."""
    for each in deadlines:
        event = IntegrationPlanDue(occurred_on=_fired_on(each), by="clock", due_on=_due_on(each))
        work.publish(each.subject, each.municipality, event)


async def age_band_changed(work: Work, deadlines: Sequence[Deadline]) -> None:
    """A birthday moves a client to another age band; the next such birthday is set."""
    found = await work.session.scalars(select(Client).where(Client.id.in_([each.subject for each in deadlines])))
    clients = {client.id: client for client in found}
    ahead = []
    for each in deadlines:
        client = clients[each.subject]
        [_, band], *later = each.data["ahead"]
        event = AgeBandChanged(occurred_on=_fired_on(each), by="clock", age_band=band, previous=client.age_band)
        client.age_band = band
        work.publish(client.id, client.municipality, event)
        ahead += age_band_deadlines(client, later)
    await set_deadlines(work, ahead)


async def pension_nears(work: Work, deadlines: Sequence[Deadline]) -> None:
    """In some months the client has no right to assistance any more: there is something to arrange."""
    found = await work.session.scalars(select(Client).where(Client.id.in_([each.subject for each in deadlines])))
    clients = {client.id: client for client in found}
    for each in deadlines:
        month = date.fromisoformat(each.data["month"])
        tell_pension(work, clients[each.subject], month, _fired_on(each), "clock")


def _due_on(deadline: Deadline) -> date:
    assert deadline.due_on is not None, "what stands still does not fire"
    return deadline.due_on


def _fired_on(deadline: Deadline) -> date:
    """The day on which it was to fire: a late entry, or a sweeper that was away, does not move what happened."""
    assert deadline.fires_on is not None, "what stands still does not fire"
    return deadline.fires_on


DEADLINES: Mapping[str, Fired] = {
    "age_band": age_band_changed,
    "information_session": information_session_due,
    "intake": intake_due,
    "language_test": language_test_due,
    GUIDANCE: social_guidance_ended,
    PLAN: integration_plan_due,
    PENSION: pension_nears,
    REST: rest_period_ended,
}
