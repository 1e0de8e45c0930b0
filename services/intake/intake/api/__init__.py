"""The HTTP side of intake, by noun."""

from intake.api import caseload, choices, clients, gate, housing, letters, mergers, registration, sessions, transfer

ROUTERS = (
    registration.router,
    clients.router,
    mergers.router,
    gate.router,
    choices.router,
    sessions.router,
    housing.router,
    letters.router,
    transfer.router,
    caseload.streamed,
    caseload.router,
)
