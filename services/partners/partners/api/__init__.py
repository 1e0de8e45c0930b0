"""The HTTP side of partners, by noun."""

from partners.api import deliveries, endpoints, groups, referrals, registry

ROUTERS = (
    registry.router,
    referrals.router,
    groups.router,
    endpoints.router,
    deliveries.router,
)
