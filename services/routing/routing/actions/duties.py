"""What intake waits for until a day, kept so that it stands on the work list until it is done (ROU-17)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from chassis.work import Work
from contracts import Event
from contracts.intake import (
    ApplicationWithdrawn,
    InformationSessionDue,
    InformationSessionHeld,
    IntakeDue,
    IntakeHeld,
    IntegrationPlanDue,
    IntegrationPlanMade,
    LanguageTestDue,
    LanguageTestTaken,
    TermSet,
)
from routing.actions import outstanding, worklist
from routing.tables import IntakeDuty, Journey

Due = TermSet | InformationSessionDue | IntakeDue | IntegrationPlanDue | LanguageTestDue
Done = InformationSessionHeld | IntakeHeld | IntegrationPlanMade | LanguageTestTaken | ApplicationWithdrawn

OPENS: Mapping[type[Event], str] = {
    InformationSessionDue: "information_session",
    IntakeDue: "intake",
    IntegrationPlanDue: "integration_plan",
    LanguageTestDue: "language_test",
}
AT_THE_GATE = ("information_session", "intake")
"""What an application brings along, and what ends with it and with a spell of benefit."""
CLOSES: Mapping[type[Event], tuple[str, ...]] = {
    InformationSessionHeld: ("information_session",),
    IntakeHeld: ("intake",),
    IntegrationPlanMade: ("integration_plan",),
    LanguageTestTaken: ("language_test",),
    ApplicationWithdrawn: AT_THE_GATE,
}


async def begin(work: Work, heard: Sequence[tuple[Journey, Due]]) -> None:
    """It is waited for until another day than before, or not any more; what is known already stands as it does."""
    waiting = await outstanding.duties(work, [journey.client_id for journey, _ in heard])
    for journey, event in heard:
        kind = event.kind if isinstance(event, TermSet) else OPENS[type(event)]
        there = [each for each in waiting.get(journey.client_id, ()) if each.kind == kind]
        for duty in there:
            if duty.due_on != event.due_on:
                duty.closed_on = event.occurred_on
        if event.due_on is not None and event.due_on not in {duty.due_on for duty in there}:
            work.session.add(
                IntakeDuty(
                    id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=event.by,
                    kind=kind, since=min(event.occurred_on, event.due_on), due_on=event.due_on,
                )
            )  # fmt: skip
        worklist.changed(work, journey.client_id)


async def end(work: Work, heard: Sequence[tuple[Journey, Done]]) -> None:
    """It was done, or is not asked any more; who stayed away from an information session is still to come."""
    done = [
        (journey, event)
        for journey, event in heard
        if not (isinstance(event, InformationSessionHeld) and not event.attended)
    ]
    kinds = {kind for _, event in done for kind in CLOSES[type(event)]}
    await close(work, {journey.client_id: event.occurred_on for journey, event in done}, kinds)


async def close(work: Work, since: Mapping[UUID, date], kinds: Collection[str]) -> None:
    """Nobody waits for these any more, of each client since a day."""
    for client_id, waiting in (await outstanding.duties(work, since)).items():
        for duty in waiting:
            if duty.kind in kinds:
                duty.closed_on = since[client_id]
    worklist.changed(work, *since)
