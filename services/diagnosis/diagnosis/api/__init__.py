"""The HTTP side of diagnosis, by noun."""

from diagnosis.api import (
    alternatives,
    assessments,
    choices,
    clients,
    exemptions,
    extracts,
    indications,
    invitations,
    policy_trials,
    proposals,
    reassessments,
)

ROUTERS = (
    assessments.router,
    choices.router,
    proposals.router,
    alternatives.router,
    clients.router,
    exemptions.router,
    extracts.router,
    indications.router,
    invitations.router,
    reassessments.router,
    policy_trials.router,
)
