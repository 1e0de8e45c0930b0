"""Intake, assembled."""

from collections.abc import Sequence

from fastapi import FastAPI

from chassis import mergers, process
from chassis.app import create_app
from chassis.background import Background
from chassis.clock import Settle, nothing_is_due
from chassis.process import Definition
from chassis.security import TokenVerifier
from chassis.sight import with_sight
from chassis.work import Office
from intake.api import ROUTERS
from intake.api.caseload import LARGEST_FILE
from intake.deadlines import DEADLINES
from intake.events import HANDLERS
from intake.others import Others, from_settings
from intake.settings import IntakeSettings
from intake.vault import Vault


def create(
    settings: IntakeSettings,
    office: Office,
    verifier: TokenVerifier,
    *,
    background: Sequence[Background] = (),
    settle: Settle = nothing_is_due,
    others: Others | None = None,
) -> FastAPI:
    """The app of intake; `others` say what it does not know itself, by default over HTTP."""
    app = create_app(
        service="intake",
        title="Opstap: intake",
        description="Who is let in, and when they come: registration, the gate, information sessions, intake, letters.",
        routers=ROUTERS,
        office=office,
        settings=settings,
        verifier=verifier,
        background=background,
        settle=settle,
        larger_bodies={"/v1/caseload-imports": LARGEST_FILE},
    )
    app.state.vault = Vault.of(settings)
    app.state.others = others or from_settings(settings)
    return app


SERVICE = Definition(
    name="intake",
    settings=IntakeSettings,
    create=create,
    handlers=with_sight(HANDLERS),
    deadlines={**DEADLINES, **mergers.DEADLINES},
)


def from_environment() -> FastAPI:
    """The app by the settings in the environment: `uvicorn --factory intake.app:from_environment`."""
    return process.from_environment(SERVICE)
