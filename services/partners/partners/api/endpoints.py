"""Endpoints: where a partner is told, and the secret by which it knows that it is us."""

from typing import Annotated, Literal, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field, Secret, StringConstraints
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Code, Day, Items, Moment, OptionalMoment
from chassis.pagination import Page
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, Role, allow, in_scope
from partners.actions import deliveries, endpoints
from partners.actions.endpoints import NewEndpoint
from partners.actions.notices import NoticeType
from partners.actions.registry import partner_of
from partners.api.tools import ToolsInHand, endpoint_of, own_partner
from partners.tables import Endpoint
from partners.webhooks.addresses import ForbiddenUrl

router = APIRouter(route_class=ServiceRoute, tags=["endpoints"])

AccessToken = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[\x21-\x7e]+$")]
KEEPERS = (Role.PARTNER, Role.OPERATOR)
ReplayedState = Literal["delivered", "exhausted"]


class NewEndpointBody(ApiModel):
    """Where a partner wants to be told of the clients of a municipality."""

    municipality: Annotated[str, StringConstraints(pattern=r"^GM[0-9]{4}$")]
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[\x21-\x7e]+$")]
    events: Annotated[list[NoticeType], Field(min_length=1, max_length=20)] | None = None
    """All that there are, unless these."""
    access_token: Secret[AccessToken] | None = None
    """Sent along in the Authorization header, as a Bearer token."""


class EndpointAnswer(AnswerModel):
    """An endpoint."""

    id: UUID
    municipality: str
    partner: str
    url: str
    events: list[str]
    state: Literal["pending", "active", "disabled", "removed"]
    consent: str | None
    rate: int | None
    failures: int
    failing_since: OptionalMoment
    disabled_because: str | None
    registered_on: Day


class EndpointWithSecret(EndpointAnswer):
    """A new endpoint, with the secret that is shown this once."""

    secret: str


class RotationAnswer(AnswerModel):
    """The new secret, shown this once, and until when the old one signs as well."""

    secret: str
    old_secret_until: Moment


class ReplayBody(ApiModel):
    """The messages of a period, by the moment at which they were made; the exhausted ones, unless said otherwise."""

    since: Moment
    until: Moment
    states: Annotated[tuple[ReplayedState, ...], Field(min_length=1, max_length=2)] = ("exhausted",)


class ReplayAnswer(AnswerModel):
    """How many messages are sent again."""

    deliveries: int


@router.post("/partners/{partner_id}/endpoints", status_code=201, dependencies=[allow(*KEEPERS)])
async def register_endpoint(
    partner_id: Code, body: NewEndpointBody, work: WorkInHand, caller: Caller, tools: ToolsInHand, response: Response
) -> EndpointWithSecret:
    """A new endpoint. It is pending until its receiver consents by handshake, or an operator approves it."""
    in_scope(caller, body.municipality)
    own_partner(caller, partner_id)
    await partner_of(work, body.municipality, partner_id)
    try:
        await tools.guard.check(body.url)
    except ForbiddenUrl as error:
        raise Invalid.at("#/url", str(error)) from error
    token = body.access_token.get_secret_value() if body.access_token else None
    events = list(body.events or get_args(NoticeType))
    new = NewEndpoint(body.municipality, partner_id, body.url, events, token)
    endpoint, secret = endpoints.register(work, new, tools.vault)
    response.headers["Location"] = f"/v1/endpoints/{endpoint.id}"
    shown = EndpointAnswer.model_validate(endpoint).model_dump(by_alias=False)
    return EndpointWithSecret(**shown, secret=secret)


@router.get("/endpoints", dependencies=[allow(*KEEPERS)])
async def list_endpoints(
    work: WorkInHand,
    caller: Caller,
    page: Page,
    partner: Annotated[Code | None, Query(description="Only those of this partner")] = None,
    state: Annotated[Literal["pending", "active", "disabled", "removed"] | None, Query()] = None,
) -> Items[EndpointAnswer]:
    """Endpoints in the order of their registration; a partner sees its own."""
    query = select(Endpoint)
    for wanted in filter(None, (caller.partner, partner)):
        query = query.where(Endpoint.partner == wanted)
    if state is not None:
        query = query.where(Endpoint.state == state)
    rows = await page.scalars(work.session, query, Endpoint.registered_on, Endpoint.id)
    return Items(items=[EndpointAnswer.model_validate(row) for row in rows])


@router.get("/endpoints/{endpoint_id}", dependencies=[allow(*KEEPERS)])
async def read_endpoint(endpoint_id: UUID, work: WorkInHand, caller: Caller) -> EndpointAnswer:
    """One endpoint; its secret is not shown again."""
    return EndpointAnswer.model_validate(await endpoint_of(work, caller, endpoint_id))


@router.delete("/endpoints/{endpoint_id}", status_code=204, dependencies=[allow(*KEEPERS)])
async def remove_endpoint(endpoint_id: UUID, work: WorkInHand, caller: Caller) -> None:
    """Send nothing there any more."""
    await endpoints.remove(work, await endpoint_of(work, caller, endpoint_id, lock=True))


@router.post("/endpoints/{endpoint_id}/approvals", status_code=201, dependencies=[allow(Role.OPERATOR)])
async def approve_endpoint(endpoint_id: UUID, work: WorkInHand, caller: Caller, response: Response) -> EndpointAnswer:
    """Consent was arranged outside the software, or a disabled endpoint is well again: send."""
    endpoint = await endpoint_of(work, caller, endpoint_id, lock=True)
    await endpoints.consent(work, endpoint, work.actor)
    return _created(endpoint, response)


@router.post("/endpoints/{endpoint_id}/handshakes", status_code=202, dependencies=[allow(*KEEPERS)])
async def ask_consent(endpoint_id: UUID, work: WorkInHand, caller: Caller) -> EndpointAnswer:
    """Ask the receiver of a pending endpoint once more for its consent."""
    endpoint = await endpoint_of(work, caller, endpoint_id, lock=True)
    endpoints.ask_again(work, endpoint)
    return EndpointAnswer.model_validate(endpoint)


@router.post("/endpoints/{endpoint_id}/rotations", status_code=201, dependencies=[allow(*KEEPERS)])
async def rotate_secret(
    endpoint_id: UUID, work: WorkInHand, caller: Caller, tools: ToolsInHand, response: Response
) -> RotationAnswer:
    """A new secret; for a while both sign."""
    endpoint = await endpoint_of(work, caller, endpoint_id, lock=True)
    secret = endpoints.rotate(work, endpoint, tools.vault, tools.overlap)
    response.headers["Location"] = f"/v1/endpoints/{endpoint.id}"
    assert endpoint.old_secret_until is not None
    return RotationAnswer(secret=secret, old_secret_until=endpoint.old_secret_until)


@router.post("/endpoints/{endpoint_id}/replays", status_code=201, dependencies=[allow(Role.OPERATOR)])
async def replay_endpoint(
    endpoint_id: UUID, body: ReplayBody, work: WorkInHand, caller: Caller, response: Response
) -> ReplayAnswer:
    """Send the messages of a period again, each with the same id and bytes."""
    if body.until <= body.since:
        raise Invalid.at("#/until", "must lie after since")
    endpoint = await endpoint_of(work, caller, endpoint_id, lock=True)
    again = await deliveries.replay_all(work, endpoint, body.since, body.until, body.states)
    response.headers["Location"] = f"/v1/deliveries?endpointId={endpoint.id}&state=pending"
    return ReplayAnswer(deliveries=again)


def _created(endpoint: Endpoint, response: Response) -> EndpointAnswer:
    response.headers["Location"] = f"/v1/endpoints/{endpoint.id}"
    return EndpointAnswer.model_validate(endpoint)
