"""What intake hears: of diagnosis when the week of the intake begins, of diagnosis and routing what letters tell."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from chassis.consumer import Handler, Handlers
from chassis.deadlines import NewDeadline
from chassis.work import Work
from contracts import Envelope
from contracts.diagnosis import AssessmentCompleted, ClientCategorised
from contracts.routing import (
    CaseworkerAssigned,
    CaseworkerMissing,
    CaseworkerReleased,
    ClientExited,
    ClientReturned,
    ExitReverted,
    HandoverAccepted,
)
from intake.actions import telling, terms
from intake.actions.clients import leave_benefit, stay_on_benefit
from intake.actions.merging import mergers
from intake.actions.policies import intake_policy
from intake.actions.sessions import expecting_an_intake
from intake.actions.telling import InHand, in_hand
from intake.tables import clients_by_id, standings_of


async def on_assessment_completed(work: Work, envelopes: Sequence[Envelope[AssessmentCompleted]]) -> None:
    """The diagnosis is there: the intake follows within the pack's term, for who applied for benefit."""
    clients = await clients_by_id(work.session, {each.subject for each in envelopes})
    standings = await standings_of(work.session, clients.values())
    expecting = await expecting_an_intake(work, clients.values())
    due = []
    for envelope in envelopes:
        client, on = clients.get(envelope.subject), envelope.data.occurred_on
        if client is None:
            continue
        standing = standings[client.id]
        standing.diagnosed_on = max(on, standing.diagnosed_on or on)
        if client.id in expecting:
            term = intake_policy(work, client.municipality).intake_after_diagnosis
            due += [NewDeadline(client.municipality, client.id, "intake", on, term.term, term.id)] if term else []
    await terms.begin(work, due)


def letters_follow(take_in: Callable[[InHand, Any], Awaitable[None]]) -> Handler:
    """A handler that keeps where each client stands, and writes the letter that can be written now."""

    async def handle(work: Work, envelopes: Sequence[Envelope[Any]]) -> None:
        for hand, data in await in_hand(work, envelopes):
            await take_in(hand, data)

    return handle


async def on_caseworker_missing(work: Work, envelopes: Sequence[Envelope[CaseworkerMissing]]) -> None:
    """Nobody guides the client for now: no letter names who did."""
    for hand, _ in await in_hand(work, envelopes):
        hand.standing.caseworker_id = None


async def on_caseworker_released(work: Work, envelopes: Sequence[Envelope[CaseworkerReleased]]) -> None:
    """Nobody guides the client: letters name the municipality."""
    for hand, _ in await in_hand(work, envelopes):
        hand.standing.caseworker_id = hand.standing.caseworker_role = None


async def on_client_exited(work: Work, envelopes: Sequence[Envelope[ClientExited]]) -> None:
    """What goes with benefit stops, and a letter says goodbye."""
    heard = await in_hand(work, envelopes)
    await leave_benefit(
        work,
        {hand.client.id: data.occurred_on for hand, data in heard},
        for_good={hand.client.id for hand, data in heard if data.reason == "pension_age"},
    )
    for hand, data in heard:
        await telling.exited(hand, data)


async def on_exit_reverted(work: Work, envelopes: Sequence[Envelope[ExitReverted]]) -> None:
    """What the exit stopped goes on, and a letter says that the goodbye does not hold."""
    for hand, data in await in_hand(work, envelopes):
        if hand.standing.exited_on is not None:
            await stay_on_benefit(work, hand.client, hand.standing.exited_on)
        await telling.exit_reverted(hand, data)


async def on_client_returned(work: Work, envelopes: Sequence[Envelope[ClientReturned]]) -> None:
    """A new spell begins: what the exit stopped stays so."""
    heard = await in_hand(work, envelopes)
    await terms.give_up(work, {hand.client.id for hand, _ in heard})
    for hand, _ in heard:
        await telling.returned(hand)


HEARD: Handlers = {
    AssessmentCompleted: on_assessment_completed,
    ClientCategorised: letters_follow(telling.categorised),
    CaseworkerAssigned: letters_follow(telling.assigned),
    CaseworkerMissing: on_caseworker_missing,
    CaseworkerReleased: on_caseworker_released,
    HandoverAccepted: letters_follow(telling.accepted),
    ClientExited: on_client_exited,
    ExitReverted: on_exit_reverted,
    ClientReturned: on_client_returned,
}

HANDLERS: Handlers = mergers(HEARD).remembering
"""The same; what comes late about who had gone is remembered, for when that is undone."""
