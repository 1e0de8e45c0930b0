"""Partners, assembled."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import FastAPI

from chassis import mergers, process
from chassis.app import create_app
from chassis.background import Background
from chassis.clock import Settle, nothing_is_due
from chassis.process import Definition
from chassis.security import TokenVerifier
from chassis.sight import with_sight
from chassis.work import Office
from partners.api import ROUTERS
from partners.api.tools import Tools
from partners.events import DEADLINES, HANDLERS
from partners.identities import Identities, from_settings
from partners.settings import PartnersSettings
from partners.vault import Vault
from partners.webhooks.addresses import Guard
from partners.webhooks.sender import Sender


def create(
    settings: PartnersSettings,
    office: Office,
    verifier: TokenVerifier,
    *,
    background: Sequence[Background] = (),
    settle: Settle = nothing_is_due,
    identities: Identities | None = None,
) -> FastAPI:
    """The app of partners; `identities` says who a client is, by default intake over HTTP."""
    app = create_app(
        service="partners",
        title="Opstap: partners",
        description="Referrals to partner organisations, one to one and in groups, and the webhooks that tell them.",
        routers=ROUTERS,
        office=office,
        settings=settings,
        verifier=verifier,
        background=background,
        settle=settle,
    )
    app.state.tools = Tools(
        vault=Vault.of(settings.partners_key.get_secret_value()),
        guard=Guard(settings.webhook_allowed_networks, development=settings.environment == "development"),
        identities=identities or from_settings(settings),
        overlap=timedelta(hours=settings.secret_overlap_hours),
    )
    return app


def senders(settings: PartnersSettings, office: Office) -> Sequence[Sender]:
    """The sender of webhooks, which runs beside the app."""
    return [Sender(settings, office)]


SERVICE = Definition(
    name="partners",
    settings=PartnersSettings,
    create=create,
    handlers=with_sight(HANDLERS),
    deadlines={**DEADLINES, **mergers.DEADLINES},
    background=senders,
)


def from_environment() -> FastAPI:
    """The app by the settings in the environment: `uvicorn --factory partners.app:from_environment`."""
    return process.from_environment(SERVICE)
