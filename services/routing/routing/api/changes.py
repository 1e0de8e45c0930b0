"""What changed, as server-sent events, so that a screen stays right without asking again and again."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import ColumnElement, select

from chassis.feed import EventStream, Feed, Line
from chassis.routes import ServiceRoute, WorkInHand, service_of
from chassis.security import Caller, Token, allow
from chassis.work import Work
from routing.actions import journeys
from routing.actions.sight import Scope, sight_of
from routing.api.answers import ENTERS, ClientId
from routing.tables import ClientChange

router = APIRouter(route_class=ServiceRoute, tags=["work lists"])

LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=2**63 - 1, description="The `id` of the last event seen: go on after it"),
]
Seen = Callable[[Work], Awaitable[ColumnElement[bool]]]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events `client-changed` with clientId and municipality; comments as heartbeat"}
}


@router.get("/worklist/changes", response_class=EventStream, responses=STREAM, dependencies=[allow(*ENTERS)])
async def follow_worklist(
    request: Request,
    work: WorkInHand,
    caller: Caller,
    scope: Annotated[Scope, Query(description="As of the work list")] = "me",
    municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
    last_event_id: LastEventId = None,
) -> Response:
    """The clients of whom something changed on this work list: read their items again.

    A client who leaves the list is told once more. It goes on after `Last-Event-ID`, or else with what comes from now
    on; after some minutes and when the token expires it ends, and the client comes back with where it was.
    """

    async def seen(at: Work) -> ColumnElement[bool]:
        return (await sight_of(at, caller, scope, municipality)).changes()

    await seen(work)
    return await _follow(request, caller, last_event_id, seen)


@router.get("/clients/{client_id}/changes", response_class=EventStream, responses=STREAM, dependencies=[allow(*ENTERS)])
async def follow_client(
    request: Request, client_id: ClientId, work: WorkInHand, caller: Caller, last_event_id: LastEventId = None
) -> Response:
    """That something changed about one client: read the journey again. It goes on and ends as that of a work list."""
    journey = await journeys.find(work, client_id, lock=False)

    async def seen(_: Work) -> ColumnElement[bool]:
        return ClientChange.client_id == journey.client_id

    return await _follow(request, caller, last_event_id, seen)


async def _follow(request: Request, caller: Token, last_event_id: int | None, seen: Seen) -> Response:
    feed: Feed = request.app.state.changes
    office = service_of(request).office

    async def read(after: int, up_to: int, limit: int) -> Sequence[Line]:
        async with office.for_municipalities(caller.municipalities, caller.actor) as work:
            query = select(ClientChange).where(
                ClientChange.position > after, ClientChange.position <= up_to, await seen(work)
            )
            found = await work.session.scalars(query.order_by(ClientChange.position).limit(limit))
            return [Line(each.position, "client-changed", _told(each)) for each in found]

    return await feed.answer(caller, last_event_id, read)


def _told(change: ClientChange) -> str:
    return json.dumps({"clientId": str(change.client_id), "municipality": change.municipality})
