"""For those who run the service: is it alive and ready, what did it say, and, never in production, what day it is."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.background import Background
from chassis.clock import MovableClock, MovedTooFar, Settle, nothing_is_due, save_civil_moment
from chassis.logs import traced
from chassis.models import AnswerModel, ApiModel, Items, Moment
from chassis.outbox import OutboxLog, Selection, source_of
from chassis.problems import Conflict, NotFound
from chassis.routes import ServiceRoute, WorkInHand, service_of
from chassis.security import Role, allow, public
from chassis.work import Office

log = structlog.get_logger("health")

PATIENCE = 5.0
LARGEST_FEED = 1000

EventType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,200}$")]


@dataclass
class Health:
    """What the health routes ask; it stands in `app.state.health`."""

    office: Office
    background: Sequence[Background]
    checks: Mapping[str, Callable[[], Awaitable[bool]]]
    settle: Settle = nothing_is_due
    moving: asyncio.Lock = field(default_factory=asyncio.Lock)
    outbox: OutboxLog = field(init=False)

    def __post_init__(self) -> None:
        """One log for all readers of the feed: it remembers how far it is settled."""
        self.outbox = OutboxLog(self.office.database)

    def alive(self) -> bool:
        """Whether every background task does its work."""
        return all(task.alive() for task in self.background)

    async def readiness(self) -> dict[str, bool]:
        """Each thing that the service cannot do without, and whether it is there."""
        database = self.office.database
        checks = {
            "database": lambda: _answers(database.app),
            "background database": lambda: _answers(database.background),
            **self.checks,
        }
        found = await asyncio.gather(*(_within(PATIENCE, name, check) for name, check in checks.items()))
        return {"background": self.alive(), **dict(zip(checks, found, strict=True))}


async def _answers(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return bool(await connection.scalar(text("SELECT 1")))


async def _within(seconds: float, name: str, check: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await asyncio.wait_for(check(), seconds)
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
        log.warning("not ready", check=name, **traced(error))
        return False


router = APIRouter(route_class=ServiceRoute, include_in_schema=False)
feed = APIRouter(route_class=ServiceRoute, tags=["operations"])
civil_clock = APIRouter(route_class=ServiceRoute, tags=["operations"])


class Liveness(AnswerModel):
    """Whether the service lives."""

    status: Literal["alive", "stuck"]


class Readiness(AnswerModel):
    """Whether the service can be called, and what it lacks."""

    status: Literal["ready", "not ready"]
    checks: dict[str, bool]


@router.get("/health/live", dependencies=[public()])
async def live(request: Request, response: Response) -> Liveness:
    """200 while the background tasks do their work; 503 asks for a restart."""
    alive = request.app.state.health.alive()
    response.status_code = 200 if alive else 503
    return Liveness(status="alive" if alive else "stuck")


@router.get("/health/ready", dependencies=[public()])
async def ready(request: Request, response: Response) -> Readiness:
    """200 when requests can be served; 503 keeps them away for a while."""
    checks = await request.app.state.health.readiness()
    everything = all(checks.values())
    response.status_code = 200 if everything else 503
    return Readiness(status="ready" if everything else "not ready", checks=checks)


class CivilMoment(ApiModel):
    """Where the civil clock is to stand."""

    moment: Moment


class CivilClock(AnswerModel):
    """Where the civil clock stands."""

    moment: Moment
    today: str


class ClockRefused(Conflict):
    """The civil clock goes forward by a day at most."""

    slug = "civil-clock-refused"
    title = "The civil clock cannot be moved there"


@civil_clock.get("/civil-clock", dependencies=[allow(Role.OPERATOR)])
async def read_civil_clock(work: WorkInHand) -> CivilClock:
    """Where the civil clock of this service stands."""
    return CivilClock(moment=work.clock.now(), today=work.clock.today().isoformat())


@civil_clock.put("/civil-clock", dependencies=[allow(Role.OPERATOR)])
async def move_civil_clock(body: CivilMoment, request: Request, work: WorkInHand) -> CivilClock:
    """Move the civil clock forward, by a day at most. Only where the clock is movable: tests and demonstrations.

    What is due before is done before, at its own moment.
    """
    state: Health = request.app.state.health
    clock = work.clock
    if not isinstance(clock, MovableClock):
        raise NotFound("The clock of this service is the machine's.")
    async with state.moving:
        try:
            MovableClock(clock.now()).move_to(body.moment)
            await state.settle()
            await save_civil_moment(state.office.database.app, body.moment)
            clock.move_to(body.moment)
        except MovedTooFar as error:
            raise ClockRefused(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    await state.settle()
    return CivilClock(moment=clock.now(), today=clock.today().isoformat())


@feed.get("/events", dependencies=[allow(Role.OPERATOR)])
async def read_events(
    request: Request,
    response: Response,
    work: WorkInHand,
    *,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="The `sequence` of the last event seen")] = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST_FEED, description="How many at most")] = 100,
    type: Annotated[list[EventType] | None, Query(description="Only events of these types")] = None,
) -> Items[dict[str, Any]]:
    """What this service said of the caller's municipalities, in order, as CloudEvents.

    For a reader that missed the bus. A `Link` to the next page is there as long as the page is full; a reader at the
    end keeps the `sequence` of its last event and asks again later.
    """
    state: Health = request.app.state.health
    service = service_of(request)
    rows = await state.outbox.feed(work.session, after, limit, Selection(types=type))
    if len(rows) == limit:
        others = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
        query = urlencode([*others, ("after", rows[-1].position)])
        response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    source = source_of(service.settings.organisation, service.name)
    return Items(items=[json.loads(row.encode(source)) for row in rows])
