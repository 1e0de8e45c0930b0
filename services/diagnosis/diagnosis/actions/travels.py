"""What others tell of a client's way is kept, for who asks what another policy would make of it."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert

from chassis.work import Work
from contracts import Envelope, Event
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
