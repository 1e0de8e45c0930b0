"""The one personal date that diagnosis keeps, sealed: the birth date of the youngest child (INT-8)."""

import os
from datetime import date
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Seal:
    """Encrypts a date for one assessment; moved to another assessment it does not open (AES-256-GCM)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, day: date | None, assessment_id: UUID) -> bytes | None:
        """The date, sealed; nothing stays nothing."""
        if day is None:
            return None
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, day.isoformat().encode(), assessment_id.bytes)

    def open(self, sealed: bytes | None, assessment_id: UUID) -> date | None:
        """The date that was sealed for this assessment."""
        if sealed is None:
            return None
        nonce, secret = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return date.fromisoformat(self._cipher.decrypt(nonce, secret, assessment_id.bytes).decode())
