"""The settings that every service has, from the environment (prefix `OPSTAP_`)."""

import base64
import binascii
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

KEY_BYTES = 32


def key_bytes(secret: SecretStr) -> bytes:
    """The key itself; binascii.Error when it is not base64."""
    return base64.b64decode(secret.get_secret_value(), validate=True)


def _is_key(secret: SecretStr) -> SecretStr:
    try:
        length = len(key_bytes(secret))
    except binascii.Error:
        raise ValueError("is not base64; make a key with: openssl rand -base64 32") from None
    if length != KEY_BYTES:
        raise ValueError(f"holds {length} bytes instead of {KEY_BYTES}; make a key with: openssl rand -base64 32")
    return secret


Key = Annotated[SecretStr, AfterValidator(_is_key)]
"""A key for encryption or for a blind index: 32 random bytes, written in base64."""


class KafkaTopics(BaseSettings):
    """Where Kafka is, and how its topics are made."""

    model_config = SettingsConfigDict(env_prefix="OPSTAP_", extra="ignore")

    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_partitions: int = 6
    kafka_replication: int = 1
    topic_prefix: str = "opstap"
    kafka_member: str | None = None
    """A name of this process that outlives a restart: it then comes back to its partitions at once."""
    kafka_session_timeout_ms: int = 30_000
    """How long a process may be silent before its partitions go to another."""


class ServiceSettings(KafkaTopics):
    """The common dozen; a service's own settings extend this class."""

    database_url: SecretStr
    """The application's role, `postgresql+asyncpg://..`."""
    background_database_url: SecretStr
    """The background role."""
    policies: Path
    """Folder with the municipalities' policy packs."""
    issuer: str = "http://127.0.0.1:8000/issuer"
    """The OpenID Connect issuer whose tokens are trusted."""
    jwks: Path | None = None
    """File with the issuer's public keys; without it they are fetched from `jwks_url`."""
    jwks_url: str | None = None
    audience: str = "opstap"
    environment: Literal["production", "development"] = "production"
    movable_clock: bool = False
    """Whether the civil clock can be moved; refused in production."""
    civil_date: date | None = None
    """Where a movable civil clock begins; later starts go on where it stood."""
    organisation: str = "00000000000000000000"
    """The OIN (20 digits) in the `source` of events."""
    public_url: str = "https://opstap.example"
    allowed_origins: tuple[str, ...] = ()
    """Origins of front-ends whose pages may call from a browser, as a JSON list: `["https://desk.example"]`."""
    pool_size: int = 5
    longest_stream: float = 900.0
    """Seconds after which a stream of changes ends; its client comes back with where it was."""
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.environment == "production" and self.movable_clock:
            raise ValueError(
                "OPSTAP_MOVABLE_CLOCK is for tests and demonstrations; production has the machine's own clock"
            )
        return self
