"""The HTTP side of routing, by noun."""

from routing.api import (
    absences,
    agreements,
    changes,
    conversations,
    emergencies,
    exits,
    extracts,
    handovers,
    journeys,
    obligations,
    staff,
    staff_imports,
    suspensions,
    transfers,
    travelling,
    worklists,
)

ROUTERS = (
    worklists.router,
    changes.router,
    journeys.router,
    staff.router,
    staff_imports.router,
    absences.router,
    transfers.router,
    travelling.router,
    suspensions.router,
    handovers.router,
    conversations.router,
    agreements.router,
    obligations.router,
    exits.router,
    extracts.router,
    emergencies.router,
)
