"""Secrets at rest: AES-256-GCM under keys from the environment, bound to the place where each is kept."""

import base64
import binascii
import os
from collections.abc import Sequence
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class Vault:
    """Seals with its first key and opens with any, so that a key is replaced without a stop."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"OPSTAP_PARTNERS_KEY holds keys of {KEY_BYTES} bytes in base64, separated by commas")
        self._ciphers = [AESGCM(key) for key in keys]

    @classmethod
    def of(cls, setting: str) -> Self:
        """Read the keys from a setting: base64, the newest first, separated by commas."""
        try:
            return cls([base64.b64decode(part, validate=True) for part in setting.split(",")])
        except binascii.Error as error:
            raise ValueError("OPSTAP_PARTNERS_KEY is not base64") from error

    def seal(self, secret: str, column: str, row: UUID) -> bytes:
        """The secret as it is stored in this column of this row, and nowhere else."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, secret.encode(), _place(column, row))

    def open(self, sealed: bytes, column: str, row: UUID) -> str:
        """The secret that was sealed for this place; InvalidTag for anything else."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(column, row)).decode()
            except InvalidTag:
                continue
        raise InvalidTag


def _place(column: str, row: UUID) -> bytes:
    return f"partners.endpoints.{column}:{row}".encode()
