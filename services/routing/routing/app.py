"""Routing, assembled."""

from collections.abc import Sequence

from fastapi import FastAPI

from chassis import mergers, process
from chassis.app import create_app
from chassis.background import Background, Repeated
from chassis.clock import Settle, nothing_is_due
from chassis.feed import Feed
from chassis.process import Definition
from chassis.security import TokenVerifier
from chassis.work import Office
from routing.actions.following import log_of
from routing.api import ROUTERS
from routing.deadlines import DEADLINES
from routing.events import HANDLERS
from routing.settings import Settings

HOUR = 3600.0


def create(
    settings: Settings,
    office: Office,
    verifier: TokenVerifier,
    *,
    background: Sequence[Background] = (),
    settle: Settle = nothing_is_due,
) -> FastAPI:
    """The app of routing."""
    log = log_of(office.database)

    async def prune() -> None:
        await log.prune(settings.changes_kept_days)

    app = create_app(
        service="routing",
        title="Opstap: routing",
        description="The client's journey: caseworker, routes, terms, handovers, conversations, referrals and exits.",
        routers=ROUTERS,
        office=office,
        settings=settings,
        verifier=verifier,
        background=[*background, Repeated("prune changes", HOUR, prune)],
        settle=settle,
    )
    app.state.changes = Feed(log, longest=settings.longest_stream)
    return app


SERVICE = Definition(
    name="routing", settings=Settings, create=create, handlers=HANDLERS, deadlines={**DEADLINES, **mergers.DEADLINES}
)


def from_environment() -> FastAPI:
    """The app by the settings in the environment: `uvicorn --factory routing.app:from_environment`."""
    return process.from_environment(SERVICE)
