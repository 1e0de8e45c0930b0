"""What only partners needs to be told."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings


class PartnersSettings(ServiceSettings):
    """Settings of the partners service, from the environment with prefix `OPSTAP_`."""

    partners_key: SecretStr
    """Keys of 32 bytes in base64 that seal the endpoints' secrets, newest first, separated by commas."""
    webhook_allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that webhooks may reach although they are not public, as a JSON list of CIDRs."""
    webhook_timeout: Annotated[float, Field(gt=0, le=30)] = 20.0
    """Seconds within which a receiver must have answered; Standard Webhooks advises 15 to 30."""
    webhook_slots: Annotated[int, Field(ge=1)] = 64
    webhook_slots_per_endpoint: Annotated[int, Field(ge=1)] = 4
    secret_overlap_hours: Annotated[int, Field(ge=0)] = 24
    """How long the old secret of an endpoint signs beside the new one."""
    intake_url: str | None = None
    """Base address of intake, which knows who a client is; without it referrals come without a person."""
    intake_token_file: Path | None = None
    """File with the access token for intake; read for each question, so that it can be replaced."""
    intake_timeout: Annotated[float, Field(gt=0)] = 2.0
