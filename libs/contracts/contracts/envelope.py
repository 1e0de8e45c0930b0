"""CloudEvents 1.0 in structured JSON, by the NL GOV profile 1.1."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from pydantic import ValidationError

from contracts.catalogue import UnknownEventType, event_class
from contracts.model import Event

E = TypeVar("E", bound=Event)

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"


class UndecodableEvent(ValueError):
    """A record that is not one of our events; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E]):
    """An event with what the transport knows about it."""

    id: UUID
    """UUIDv7, made when the event was recorded; the only thing that tells a repeat."""
    subject: UUID
    """What the event is about, nearly always the client."""
    municipality: str
    recorded_at: datetime
    """Wall-clock moment of recording, UTC; the day on which it happened is `data.occurred_on`."""
    data: E
    sequence: int = 0
    """Position in the producer's outbox: rising, with holes; 0 while unpublished."""
    traceparent: str | None = None
    cause: UUID | None = None
    """The merger, or the undoing of one, without which it would not have been said; see `MergerUndone`."""


def encode(
    *,
    id: UUID,
    subject: UUID,
    municipality: str,
    recorded_at: datetime,
    type: str,
    data: str,
    sequence: int,
    traceparent: str | None,
    source: str,
    cause: UUID | None = None,
) -> bytes:
    """One event as the bytes that go on the wire; `data` is its JSON text as stored in the outbox."""
    head = {
        "specversion": "1.0",
        "id": str(id),
        "source": source,
        "type": type,
        "subject": str(subject),
        "partitionkey": str(subject),
        "time": recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "sequence": str(sequence),
        "municipality": municipality,
        "datacontenttype": "application/json",
        "dataschema": schema_uri(type),
    }
    if traceparent:
        head["traceparent"] = traceparent
    if cause:
        head["cause"] = str(cause)
    return f'{json.dumps(head)[:-1]}, "data": {data}}}'.encode()


def schema_uri(event_type: str) -> str:
    """The absolute URI that names the schema of a type; the schema itself stands in `schemas/`."""
    return f"urn:opstap:schema:{event_type.removeprefix('nl.klantreizen.')}"


def decode(value: bytes) -> Envelope[Event]:
    """The event in a record's value; UndecodableEvent or UnknownEventType when there is none."""
    try:
        raw = cast("dict[str, Any]", json.loads(value))
        cls = event_class(raw["type"])
        return Envelope(
            id=UUID(raw["id"]),
            subject=UUID(raw["subject"]),
            municipality=str(raw["municipality"]),
            recorded_at=datetime.fromisoformat(raw["time"]),
            sequence=int(raw.get("sequence", 0)),
            traceparent=raw.get("traceparent"),
            cause=UUID(raw["cause"]) if raw.get("cause") else None,
            data=cls.model_validate(raw["data"]),
        )
    except UnknownEventType:
        raise
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise UndecodableEvent(f"{error.title}: {faults}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UndecodableEvent(f"not one of our events: {type(error).__name__}: {error}") from error
