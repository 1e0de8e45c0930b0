"""Secrets and signatures by Standard Webhooks 1.0.0: `whsec_` keys, HMAC-SHA256, `v1,` signatures."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A new secret for one endpoint, as its owner is shown it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(event_id: UUID, at: datetime, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The three headers; one signature per secret, so that a receiver can go over from one to the other."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(f"{event_id}.{timestamp}.".encode() + body, key) for key in keys),
    }


def _signature(content: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, content, sha256).digest()).decode()
