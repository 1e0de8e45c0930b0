"""Free text about a client whose identity was erased is forgotten; what happened, and when, remains for the count."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import update

from chassis.work import Work
from routing.actions import terms
from routing.tables import Agreement, Exit, Handover, Journey, Measure, Transfer


async def forget(work: Work, journeys: Collection[Journey]) -> None:
    """Leave no note, reason or ground."""
    clients: set[UUID] = {journey.client_id for journey in journeys}
    for table, columns in (
        (Handover, ("note", "return_reason")),
        (Exit, ("reverted_because",)),
        (Agreement, ("agreed",)),
        (Measure, ("ground",)),
        (Transfer, ("note",)),
    ):
        await work.session.execute(
            update(table).where(table.client_id.in_(clients)).values(dict.fromkeys(columns)),
        )
    await terms.forget_reasons(work, clients)
