"""Reporting, assembled."""

from collections.abc import Mapping, Sequence

from fastapi import FastAPI

from chassis import process
from chassis.app import create_app
from chassis.background import Background
from chassis.clock import Settle, nothing_is_due
from chassis.deadlines import Fired
from chassis.process import Definition
from chassis.security import TokenVerifier
from chassis.sight import with_sight
from chassis.work import Office
from reporting.api import ROUTERS
from reporting.events import HANDLERS
from reporting.settings import ReportingSettings

DEADLINES: Mapping[str, Fired] = {}


def create(
    settings: ReportingSettings,
    office: Office,
    verifier: TokenVerifier,
    *,
    background: Sequence[Background] = (),
    settle: Settle = nothing_is_due,
) -> FastAPI:
    """The app of reporting."""
    return create_app(
        service="reporting",
        title="Opstap: reporting",
        description="What is counted, as of any day and traced back to its events, and the reports made of it.",
        routers=ROUTERS,
        office=office,
        settings=settings,
        verifier=verifier,
        background=background,
        settle=settle,
    )


SERVICE = Definition(
    name="reporting", settings=ReportingSettings, create=create, handlers=with_sight(HANDLERS), deadlines=DEADLINES
)


def from_environment() -> FastAPI:
    """The app by the settings in the environment: `uvicorn --factory reporting.app:from_environment`."""
    return process.from_environment(SERVICE)
