"""What changed, as server-sent events, so that a screen stays right without asking again and again."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from chassis.feed import EventStream, Feed, Place
from chassis.routes import ServiceRoute, WorkInHand, service_of
from chassis.security import Caller, allow
from routing.actions import journeys
from routing.actions.following import Change, OfClient, OfWorkList
from routing.actions.sight import Scope
from routing.api.answers import ENTERS, ClientId

router = APIRouter(route_class=ServiceRoute, tags=["work lists"])

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,18}(\.[0-9]{4}-[0-9]{2}-[0-9]{2})?$",
        description="The `id` of the last event seen: go on after it",
    ),
]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `client-changed` with clientId and municipality, and `reset`: load everything anew."
        " A heartbeat every 15 seconds is no event; its `id` tells how far the stream is.",
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "object",
                    "description": "Each event",
                    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
                }
            }
        },
    }
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
    on; after some minutes and when the token expires it ends, and the client comes back with where it was. `reset`
    says to load the list anew: when somebody comes back after too much, when the day changed, and when it became
    another list, by an absence or a team.
    """
    reader = OfWorkList(service_of(request).office, caller, scope, municipality)
    seen = Place.read(last_event_id) if last_event_id else None
    await reader.begin(work, seen.mark if seen else None)
    return await _feed(request).answer(caller, seen, reader)


@router.get("/clients/{client_id}/changes", response_class=EventStream, responses=STREAM, dependencies=[allow(*ENTERS)])
async def follow_client(
    request: Request, client_id: ClientId, work: WorkInHand, caller: Caller, last_event_id: LastEventId = None
) -> Response:
    """That something changed about one client: read the journey again. It goes on and ends as that of a work list."""
    journey = await journeys.find(work, client_id, lock=False)
    seen = Place.read(last_event_id) if last_event_id else None
    return await _feed(request).answer(caller, seen, OfClient(journey.client_id))


def _feed(request: Request) -> Feed[Change]:
    feed: Feed[Change] = request.app.state.changes
    return feed
