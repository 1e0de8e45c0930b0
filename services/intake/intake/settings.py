"""What intake needs besides the common settings: the keys of the vault."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from chassis.settings import Key, ServiceSettings, key_bytes


class IntakeSettings(ServiceSettings):
    """The settings of intake."""

    key: Key
    """`OPSTAP_KEY`: wraps the key of every person."""
    index_key: Key
    """`OPSTAP_INDEX_KEY`: for the blind indexes; it can never change without indexing everybody anew."""
    routing_url: str | None = None
    """Base address of routing; it and diagnosis are asked for the file that goes along with who moves away."""
    diagnosis_url: str | None = None
    service_token_file: Path | None = None
    """File with the access token for them; read for each question, so that it can be replaced."""
    service_timeout: Annotated[float, Field(gt=0)] = 5.0
    """Seconds within which each must have answered."""
    earlier_keys: tuple[Key, ...] = ()
    """`OPSTAP_EARLIER_KEYS`, a JSON list: they still open what they wrapped."""

    @property
    def key_bytes(self) -> bytes:
        """The key-encryption key."""
        return key_bytes(self.key)

    @property
    def index_key_bytes(self) -> bytes:
        """The key of the blind indexes."""
        return key_bytes(self.index_key)

    @property
    def earlier_key_bytes(self) -> tuple[bytes, ...]:
        """The key-encryption keys of before."""
        return tuple(map(key_bytes, self.earlier_keys))
