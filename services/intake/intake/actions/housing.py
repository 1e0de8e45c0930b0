"""What begins when a permit holder is housed: social guidance, a time of rest, and an integration plan (INT-5)."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import NewDeadline, current
from chassis.work import Work
from contracts.intake import IntegrationPlanMade, SocialGuidanceStarted
from intake.actions import terms
from intake.actions.clients import open_client
from intake.actions.policies import intake_policy
from intake.problems import NoIntegrationPlan
from intake.tables import Client, IntegrationPlan
from policy import reckon
from policy.section import Deadline

REST, GUIDANCE, PLAN = "rest_period", "social_guidance", "integration_plan"
SINCE_HOUSING = (REST, GUIDANCE, PLAN)
"""The deadlines that are reckoned from the day of housing."""


def since_housing(work: Work, client: Client) -> list[NewDeadline]:
    """Every term that the pack begins on the day on which this client was housed; none for an import in mid-journey."""
    housed_on = client.housed_on
    if not client.permit_holder or housed_on is None or client.origin == "import":
        return []
    return [
        NewDeadline(client.municipality, client.id, kind, housed_on, rule.term, rule.id)
        for kind, rule in _rules(work, client)
    ]


def begin_guidance(work: Work, client: Client) -> None:
    """Say that social guidance began on the day of housing, where the pack has it; again when that day was wrong."""
    for begun in since_housing(work, client):
        if begun.kind == GUIDANCE:
            event = SocialGuidanceStarted(occurred_on=begun.start, by=work.actor, until=_due_on(begun))
            work.publish(client.id, client.municipality, event)


async def house(work: Work, client: Client, on: date | None) -> None:
    """The day of housing becomes known or is corrected: what runs since then is reckoned anew.

    A rest that is over stays so, for the information session and the diagnosis followed; what was said to be due or
    over, and by the right day is yet to come, comes then.
    """
    running = {each.kind for each in await current(work.session, {client.id}, SINCE_HOUSING)}
    was_unknown, client.housed_on = client.housed_on is None, on
    if client.state != "registered":
        return
    begun = since_housing(work, client)
    if not was_unknown:
        begun = [each for each in begun if each.kind in running or (each.kind != REST and _due_on(each) > work.today)]
    if await _has_plan(work, client):
        begun = [each for each in begun if each.kind != PLAN]
    goes_on = {each.kind for each in begun}
    await terms.call_off(work, client.id, running - goes_on)
    await terms.begin(work, begun)
    begin_guidance(work, client)


async def make_plan(work: Work, client_id: UUID, on: date) -> IntegrationPlan:
    """A permit holder's integration plan is there; nobody waits for it any more."""
    client = await open_client(work, client_id)
    if not client.permit_holder:
        raise NoIntegrationPlan("The client is not registered as a permit holder.")
    plan = IntegrationPlan(id=work.ids(), client_id=client.id, municipality=client.municipality, made_on=on)
    work.session.add(plan)
    await terms.done(work, {client.id}, (PLAN,))
    work.publish(client.id, client.municipality, IntegrationPlanMade(occurred_on=on, by=work.actor, plan_id=plan.id))
    return plan


def _due_on(begun: NewDeadline) -> date:
    due_on = reckon(begun.start, begun.term).due_on
    assert due_on is not None, "nothing stands still yet"
    return due_on


def _rules(work: Work, client: Client) -> Iterator[tuple[str, Deadline]]:
    policy = intake_policy(work, client.municipality)
    for kind, rule in ((REST, policy.rest_period), (GUIDANCE, policy.social_guidance), (PLAN, policy.integration_plan)):
        if rule is not None:
            yield kind, rule


async def _has_plan(work: Work, client: Client) -> bool:
    query = select(IntegrationPlan.id).where(IntegrationPlan.client_id == client.id)
    return (await work.session.scalars(query.limit(1))).first() is not None
