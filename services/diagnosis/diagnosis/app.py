"""Diagnosis, assembled."""

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
from diagnosis.actions.exemptions import KIND, end_by_clock
from diagnosis.api import ROUTERS
from diagnosis.events import HANDLERS
from diagnosis.sealing import Seal
from diagnosis.settings import Settings
from diagnosis.trials.runner import TrialRunner

DEADLINES = {KIND: end_by_clock}


def create(
    settings: Settings,
    office: Office,
    verifier: TokenVerifier,
    *,
    background: Sequence[Background] = (),
    settle: Settle = nothing_is_due,
) -> FastAPI:
    """The app of diagnosis."""
    app = create_app(
        service="diagnosis",
        title="Opstap: diagnosis",
        description="Assessments, and the category and track that policy makes of them, decided by a professional.",
        routers=ROUTERS,
        office=office,
        settings=settings,
        verifier=verifier,
        background=background,
        settle=settle,
    )
    app.state.seal = Seal(settings.key)
    return app


def runners(_: Settings, office: Office) -> Sequence[TrialRunner]:
    """What runs trials of a policy, beside the app."""
    return [TrialRunner(office)]


SERVICE = Definition(
    name="diagnosis",
    settings=Settings,
    create=create,
    handlers=with_sight(HANDLERS),
    deadlines={**DEADLINES, **mergers.DEADLINES},
    background=runners,
)


def from_environment() -> FastAPI:
    """The app by the settings in the environment: `uvicorn --factory diagnosis.app:from_environment`."""
    return process.from_environment(SERVICE)
