"""Endpoints: registered, agreed to, given a new secret, switched on again, taken away."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from chassis.problems import Conflict
from chassis.work import Work
from partners.actions.notices import catch_up
from partners.signing import new_secret
from partners.tables import Delivery, Endpoint
from partners.vault import Vault


class EndpointNotActive(Conflict):
    """The endpoint is not listening."""

    slug = "endpoint-not-active"
    title = "The endpoint is not active"


class EndpointRemoved(Conflict):
    """The endpoint was taken away for good."""

    slug = "endpoint-removed"
    title = "The endpoint has been removed"


@dataclass(frozen=True)
class NewEndpoint:
    """Where a partner wants to be told, and of what."""

    municipality: str
    partner: str
    url: str
    events: list[str]
    access_token: str | None


def register(work: Work, new: NewEndpoint, vault: Vault) -> tuple[Endpoint, str]:
    """A new endpoint, pending until its receiver consents; with its secret, which is shown this once."""
    id, secret = work.ids(), new_secret()
    endpoint = Endpoint(
        id=id,
        municipality=new.municipality,
        partner=new.partner,
        url=new.url,
        events=new.events,
        state="pending",
        secret=vault.seal(secret, "secret", id),
        access_token=vault.seal(new.access_token, "access_token", id) if new.access_token else None,
        handshake_at=work.clock.now(),
        failures=0,
        registered_on=work.today,
        registered_by=work.actor,
    )
    work.session.add(endpoint)
    return endpoint, secret


async def consent(work: Work, endpoint: Endpoint, how: str) -> None:
    """The receiver agreed, by handshake or by contract: what waited goes out, and it hears what it missed."""
    if endpoint.state == "removed":
        raise EndpointRemoved
    endpoint.state, endpoint.consent, endpoint.handshake_at = "active", how, None
    endpoint.failures, endpoint.failing_since, endpoint.disabled_because = 0, None, None
    await work.session.flush()
    await work.session.execute(
        update(Delivery)
        .where(Delivery.endpoint_id == endpoint.id, Delivery.state == "pending")
        .values(next_attempt_at=work.clock.now(), attempts=0)
    )
    await catch_up(work, endpoint)


def ask_again(work: Work, endpoint: Endpoint) -> None:
    """Ask the receiver once more for its consent."""
    if endpoint.state != "pending":
        raise Conflict(f"It is {endpoint.state}; only a pending endpoint is asked for consent.")
    endpoint.handshake_at = work.clock.now()


def rotate(work: Work, endpoint: Endpoint, vault: Vault, overlap: timedelta) -> str:
    """A new secret; for a while both sign, so that the receiver can go over."""
    if endpoint.state == "removed":
        raise EndpointRemoved
    secret = new_secret()
    endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, work.clock.now() + overlap
    endpoint.secret = vault.seal(secret, "secret", endpoint.id)
    return secret


async def remove(work: Work, endpoint: Endpoint) -> None:
    """Take an endpoint away; what was not delivered there remains listed as exhausted."""
    endpoint.state, endpoint.handshake_at, endpoint.old_secret, endpoint.access_token = "removed", None, None, None
    await _give_up(work, endpoint.id)


async def _give_up(work: Work, endpoint_id: UUID) -> None:
    await work.session.execute(
        update(Delivery)
        .where(Delivery.endpoint_id == endpoint_id, Delivery.state == "pending")
        .values(state="exhausted", next_attempt_at=None, leased_until=None)
    )
