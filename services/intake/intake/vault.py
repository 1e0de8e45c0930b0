"""How identity data are kept: sealed per field with a key of the person's own, and found through blind indexes.

A person's key is wrapped by the key-encryption key, whose id stands with it; destroying the person's key erases the
person. A sealed field opens only in the table, column and row it was sealed for. A blind index finds equal values in
one municipality, and says nothing without its key.
"""

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intake.settings import IntakeSettings

KEY_BYTES = 32
_NONCE_BYTES = 12


class Broken(ValueError):
    """A sealed value does not open: it stands in another place, was changed, or its key is not ours."""


@dataclass(frozen=True)
class Seal:
    """What seals and opens the fields of one person."""

    key_id: str
    """Which key-encryption key wraps the person's key."""
    wrapped: bytes
    """The person's key, wrapped."""
    _cipher: AESGCM

    def close(self, text: str, table: str, column: str, row: UUID) -> bytes:
        """Seal a text for one place."""
        return _encrypt(self._cipher, text.encode(), _place(table, column, row))

    def open(self, sealed: bytes, table: str, column: str, row: UUID) -> str:
        """The text that was sealed for this place; Broken when there is none."""
        return _decrypt(self._cipher, sealed, _place(table, column, row)).decode()

    def opens(self, sealed: bytes, table: str, column: str, row: UUID) -> bool:
        """Whether it was sealed with this person's key for this place."""
        try:
            self.open(sealed, table, column, row)
        except Broken:
            return False
        return True


class Vault:
    """Holds the key-encryption keys and the index key; each serves one purpose."""

    def __init__(self, key: bytes, index_key: bytes, earlier: Sequence[bytes] = ()) -> None:
        """`earlier` keys still open what they wrapped; the present one wraps what is new."""
        if any(len(each) != KEY_BYTES for each in (key, index_key, *earlier)):
            raise ValueError(f"a key of the vault is {KEY_BYTES} bytes")
        if index_key in (key, *earlier):
            raise ValueError("the index key serves no other purpose")
        self._ciphers = {_key_id(each): AESGCM(each) for each in (*earlier, key)}
        self._current = _key_id(key)
        self._index_key = index_key

    @classmethod
    def of(cls, settings: IntakeSettings) -> Self:
        """The vault whose keys stand in the settings."""
        return cls(settings.key_bytes, settings.index_key_bytes, settings.earlier_key_bytes)

    def new_seal(self, person: UUID) -> Seal:
        """A new key for a person."""
        key = AESGCM.generate_key(256)
        return Seal(self._current, self._wrap(key, person), AESGCM(key))

    def seal_of(self, person: UUID, key_id: str, wrapped: bytes) -> Seal:
        """The seal of a person whose key was wrapped before; Broken when it was wrapped by a key we do not hold."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Broken("wrapped by a key that is not in the vault")
        return Seal(key_id, wrapped, AESGCM(_decrypt(cipher, wrapped, _place("clients", "wrapped_key", person))))

    def index(self, what: str, municipality: str, value: str) -> bytes:
        """What stands in a column so that this value can be found: equal for equal values in one municipality only."""
        return hmac.digest(self._index_key, f"{what}\0{municipality}\0{value}".encode(), sha256)

    def _wrap(self, key: bytes, person: UUID) -> bytes:
        return _encrypt(self._ciphers[self._current], key, _place("clients", "wrapped_key", person))


def _place(table: str, column: str, row: UUID) -> bytes:
    return f"{table}\0{column}\0{row}".encode()


def _encrypt(cipher: AESGCM, plain: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, place)


def _decrypt(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
    except InvalidTag:
        raise Broken("sealed for another place, changed, or by another key") from None


def _key_id(key: bytes) -> str:
    """Tells keys apart and nothing else about them."""
    return hmac.digest(key, b"key id", sha256).hex()[:16]
