"""What services could not handle: looked at, tried again, given up."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.parking import Parked, Parking, Retried
from opstap.operators.folder import Desk

PAGE = 500


@dataclass(frozen=True)
class ParkedAt:
    """A parked record, and the service that could not handle it."""

    service: str
    record: Parked

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        record = self.record
        return {
            "id": record.id,
            "service": self.service,
            "producer": record.producer,
            "client": record.key,
            "event": str(record.event_id),
            "type": record.type,
            "state": record.state,
            "error": record.error,
            "attempts": record.attempts,
            "parkedAt": record.parked_at.isoformat(),
            "discardedBy": record.discarded_by,
            "discardedBecause": record.discarded_because,
            "value": record.value.decode(errors="replace"),
        }


async def find(desk: Desk, services: Collection[str], client: UUID | None) -> list[ParkedAt]:
    """Everything that is parked at these services."""
    return [ParkedAt(service, record) for service in services for record in await _all(desk, service, client)]


async def retry(desk: Desk, service: str, client: UUID | None, producer: str | None) -> list[Retried]:
    """Handle what is parked once more, each client's in order."""
    parking = Parking(desk.consumer(service))
    lanes = dict.fromkeys(
        (record.producer, record.key)
        for record in await _all(desk, service, client)
        if record.state != "discarded" and producer in (None, record.producer)
    )
    return [await parking.retry(*lane) for lane in lanes]


async def discard(desk: Desk, service: str, id: int, *, by: str, because: str) -> ParkedAt:
    """Give one record up; NotParked when there is none, ReasonMissing without a reason."""
    return ParkedAt(service, await Parking(desk.consumer(service)).discard(id, by=by, because=because))


async def _all(desk: Desk, service: str, client: UUID | None) -> list[Parked]:
    parking, found = Parking(desk.consumer(service)), list[Parked]()
    key = str(client) if client else None
    while page := await parking.find(key=key, after=found[-1].id if found else 0, limit=PAGE):
        found += page
    return found
