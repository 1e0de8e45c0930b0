"""Identifiers: UUIDv7, which sort by the moment at which they were made."""

from typing import Protocol
from uuid import UUID

from uuid_utils.compat import uuid7


class Ids(Protocol):
    """Where new identifiers come from; a simulation brings its own."""

    def __call__(self) -> UUID:
        """A new identifier."""
        ...


def new_id() -> UUID:
    """A new UUIDv7."""
    return uuid7()
