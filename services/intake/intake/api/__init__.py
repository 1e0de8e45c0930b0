"""The HTTP side of intake, by noun."""

from intake.api import caseload, clients, gate, housing, letters, registration, sessions

ROUTERS = (
    registration.router,
    clients.router,
    gate.router,
    sessions.router,
    housing.router,
    letters.router,
    caseload.streamed,
    caseload.router,
)
