"""Routing, assembled."""

from collections.abc import Sequence

from fastapi import FastAPI

from chassis import process
from chassis.app import create_app
from chassis.background import Background
from chassis.feed import Feed
from chassis.positions import Positions
from chassis.process import Definition, OnMoved
from chassis.security import TokenVerifier
from chassis.work import Office
from routing.api import ROUTERS
from routing.deadlines import DEADLINES
from routing.events import HANDLERS
from routing.settings import Settings


def create(
    settings: Settings,
    office: Office,
    verifier: TokenVerifier,
    *,
    background: Sequence[Background] = (),
    on_moved: OnMoved | None = None,
) -> FastAPI:
    """The app of routing."""
    app = create_app(
        service="routing",
        title="Opstap: routing",
        description="The client's journey: caseworker, routes, terms, handovers, conversations, referrals and exits.",
        routers=ROUTERS,
        office=office,
        settings=settings,
        verifier=verifier,
        background=background,
        on_moved=on_moved,
    )
    app.state.changes = Feed(Positions(office.database, "client_changes"), longest=settings.longest_stream)
    return app


SERVICE = Definition(name="routing", settings=Settings, create=create, handlers=HANDLERS, deadlines=DEADLINES)


def from_environment() -> FastAPI:
    """The app by the settings in the environment: `uvicorn --factory routing.app:from_environment`."""
    return process.from_environment(SERVICE)
