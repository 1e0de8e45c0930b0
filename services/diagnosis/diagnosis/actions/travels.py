"""What others tell of a client's way is kept, for who asks what another policy would make of it."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from chassis.work import Work
from contracts import Envelope, Event
from contracts.routing import ConversationCancelled, ConversationHeld, ReviewHeld
from diagnosis.tables import Travel, resolve


async def keep(work: Work, envelopes: Sequence[Envelope[Event]]) -> None:
    """Keep these events, each once, under the id by which the client goes now."""
    now = await resolve(work.session, [each.subject for each in envelopes])
    rows = [
        {
            "event_id": each.id,
            "municipality": each.municipality,
            "client_id": now[each.subject],
            "type": each.data.type(),
            "data": each.data.model_dump_json(by_alias=True),
            "recorded_at": each.recorded_at,
            "sequence": each.sequence,
        }
        for each in envelopes
    ]
    await work.session.execute(insert(Travel).on_conflict_do_nothing(), rows)


async def conversations(work: Work, client_id: UUID) -> list[tuple[date, int]]:
    """The days of the conversations that stand, without those that were corrected or cancelled, with their options."""
    held: dict[UUID, tuple[date, int | None]] = {}
    gone: set[UUID] = set()
    for told in await _told(work, client_id):
        if isinstance(told, ConversationCancelled):
            gone.add(told.conversation_id)
        else:
            held[told.conversation_id] = told.occurred_on, told.option
            gone |= {told.corrects} if told.corrects is not None else set()
    return sorted((on, option) for id, (on, option) in held.items() if id not in gone and option is not None)


async def _told(work: Work, client_id: UUID) -> list[ConversationHeld | ReviewHeld | ConversationCancelled]:
    kinds = {kind.type(): kind for kind in (ConversationHeld, ReviewHeld, ConversationCancelled)}
    rows = await work.session.execute(
        select(Travel.type, Travel.data).where(Travel.client_id == client_id, Travel.type.in_(kinds))
    )
    return [kinds[row.type].model_validate_json(row.data) for row in rows]
