"""Free text about a client whose identity was erased is forgotten; what happened, and when, remains for the count."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import update

from chassis.work import Work
from routing.actions import terms
from routing.spoken import Agreement, Conversation, Measure, PartTimeWork
from routing.tables import EmergencyAccess, Exit, Handover, Journey, Transfer


async def forget(work: Work, journeys: Collection[Journey]) -> None:
    """Leave no note, reason or ground."""
    clients: set[UUID] = {journey.client_id for journey in journeys}
    for table, columns in (
        (Handover, ("note", "return_reason")),
        (Exit, ("reverted_because", "ground")),
        (Agreement, ("agreed", "corrected_because", "reopened_because")),
        (Conversation, ("corrected_because",)),
        (PartTimeWork, ("corrected_because",)),
        (Measure, ("ground",)),
        (Transfer, ("note",)),
        (EmergencyAccess, ("reason",)),
    ):
        await work.session.execute(
            update(table).where(table.client_id.in_(clients)).values(dict.fromkeys(columns)),
        )
    said = update(Conversation).where(Conversation.client_id.in_(clients))
    await work.session.execute(said.values(areas={}))
    await terms.forget_reasons(work, clients)
