"""What routing and diagnosis know of a client, asked for the file that goes along to another municipality."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from chassis.asking import OtherService, Silent
from intake.problems import OthersSilent
from intake.settings import IntakeSettings


class Others(Protocol):
    """Where what intake does not know comes from."""

    async def extract(self, service: str, client_id: UUID) -> Mapping[str, Any] | None:
        """What a service knows of a client; None when it knows nobody of this id. OthersSilent without an answer."""
        ...


class OverHttp:
    """Asks the services themselves."""

    def __init__(self, services: Mapping[str, OtherService]) -> None:
        self._services = services

    async def extract(self, service: str, client_id: UUID) -> Mapping[str, Any] | None:
        """What a service knows of a client."""
        if service not in self._services:
            raise OthersSilent(f"This installation does not say where {service} is.")
        try:
            return await self._services[service].get(f"/clients/{client_id}/extract")
        except Silent:
            raise OthersSilent(f"There was no answer from {service} in time.") from None


def from_settings(settings: IntakeSettings) -> Others:
    """As the settings say: who can be asked, and how long it may take."""
    urls = {"routing": settings.routing_url, "diagnosis": settings.diagnosis_url}
    token = settings.service_token_file
    return OverHttp(
        {
            name: OtherService(name, url, token, timeout=settings.service_timeout)
            for name, url in urls.items()
            if url is not None and token is not None
        }
    )
