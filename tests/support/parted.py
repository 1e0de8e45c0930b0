"""Two clients who are merged by mistake and taken apart, in any order in which a service may hear of them."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from chassis.bus import Record
from chassis.ids import new_id
from contracts import Event
from contracts.intake import ClientsMerged, MergerUndone
from tests.support.service import ServiceUnderTest

Lanes = Mapping[UUID, Sequence[Sequence[Event]]]
"""By client, what each producer says of them, in order."""


def in_any_order(
    service: ServiceUnderTest, lanes: Lanes, *, municipality: str, on: date, seed: int
) -> Iterator[Record]:
    """All that is said of two clients before the first is merged into the second, and that, and its undoing."""
    (gone, stays), chance, merger = list(lanes), random.Random(seed), new_id()
    merged = ClientsMerged(occurred_on=on, by="staff:s-1", into=stays)
    undone = MergerUndone(occurred_on=on, by="staff:s-1", into=stays, merger_id=merger)
    left: list[list[tuple[UUID, UUID, Event]]] = [
        [(client, new_id(), event) for event in lane] for client, of_client in lanes.items() for lane in of_client
    ]
    intake = next(lane for lane in left if lane and lane[0][0] == gone and lane[0][2].producer == "intake")
    intake += [(gone, merger, merged), (gone, new_id(), undone)]
    recorded_at = datetime.now(UTC)
    while any(left):
        client, event_id, event = chance.choice([lane for lane in left if lane]).pop(0)
        record = service.record(event_id, client, event, municipality)
        told = json.loads(record.value)
        later = 1 if isinstance(event, ClientsMerged) else 2 if isinstance(event, MergerUndone) else 0
        told["time"] = (recorded_at + timedelta(seconds=later)).isoformat()
        yield replace(record, value=json.dumps(told).encode())
