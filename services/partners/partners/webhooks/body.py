"""The body of a webhook: one CloudEvent in structured JSON, thin, made once and kept."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.envelope import schema_uri

LARGEST_BODY = 20_000
"""Bytes; Standard Webhooks advises to stay below."""


def make_body(
    *,
    event_id: UUID,
    source: str,
    type: str,
    subject: UUID,
    municipality: str,
    sequence: int,
    recorded_at: datetime,
    data: Mapping[str, Any],
    dataref: str,
    traceparent: str | None,
) -> bytes:
    """The bytes that are signed and sent. `sequence` tells a receiver that hears out of order what came last."""
    event = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": source,
        "type": type,
        "subject": str(subject),
        "time": recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "sequence": str(sequence),
        "municipality": municipality,
        "datacontenttype": "application/json",
        "dataschema": f"{schema_uri(type)}:webhook",
        "dataref": dataref,
        "data": dict(data),
    }
    if traceparent:
        event["traceparent"] = traceparent
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > LARGEST_BODY:
        raise ValueError(f"a webhook of {len(body)} bytes is larger than {LARGEST_BODY}")
    return body
