"""Who a client is: a question to intake, answered in time or not at all. The answer is passed on and never kept."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from chassis.asking import OtherService, Silent
from partners.settings import PartnersSettings

FIELDS = frozenset({"name", "contact", "language", "birth_year", "address"})
"""What intake knows; the other fields that a purpose may name are known here, or nowhere yet."""


class Identities(Protocol):
    """Where identity data come from."""

    async def identity(
        self, municipality: str, client_id: UUID, fields: Collection[str], purpose: str
    ) -> Mapping[str, Any] | None:
        """These fields of a client, by their names in the policy; None when there is no answer in time.

        `purpose` is what the client was referred for: whoever answers records it.
        """
        ...


class NoIdentities:
    """Nobody to ask."""

    async def identity(
        self,
        municipality: str,  # noqa: ARG002 - the protocol's
        client_id: UUID,  # noqa: ARG002
        fields: Collection[str],  # noqa: ARG002
        purpose: str,  # noqa: ARG002
    ) -> Mapping[str, Any] | None:
        """Nothing."""
        return None


class IntakeOverHttp:
    """Asks intake with an access token of this service's own."""

    def __init__(self, url: str, token_file: Path, *, timeout: float) -> None:
        self._intake = OtherService("intake", url, token_file, timeout=timeout)

    async def identity(
        self,
        municipality: str,  # noqa: ARG002 - the protocol's
        client_id: UUID,
        fields: Collection[str],
        purpose: str,
    ) -> Mapping[str, Any] | None:
        """These fields of a client, or None when intake does not answer in time."""
        try:
            path = f"/clients/{client_id}/identity"
            return await self._intake.get(path, fields=",".join(sorted(fields)), purpose=purpose)
        except Silent:
            return None


def from_settings(settings: PartnersSettings) -> Identities:
    """As the settings say: intake over HTTP, or nobody."""
    if settings.intake_url is None or settings.intake_token_file is None:
        return NoIdentities()
    return IntakeOverHttp(settings.intake_url, settings.intake_token_file, timeout=settings.intake_timeout)
