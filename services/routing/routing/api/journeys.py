"""Where clients stand, and by when something is due."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Day, Items, Text
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Role, allow
from chassis.work import Work
from routing.actions import journeys, roster, terms, travelling
from routing.actions.journeys import pack_of
from routing.api.answers import (
    ENTERS,
    AgreementAnswer,
    ClientId,
    ConversationAnswer,
    DeadlineAnswer,
    ExitAnswer,
    HandoverAnswer,
    InstrumentUseAnswer,
    JourneyAnswer,
    MeasureAnswer,
    OpenRoute,
    PartnerSignalAnswer,
    PartTimeWorkAnswer,
    ReferralAnswer,
    RouteAnswer,
    SuspensionAnswer,
    TransferAnswer,
    located,
)
from routing.spoken import Agreement, Conversation, Measure, PartTimeWork
from routing.tables import InstrumentUse, Journey, OfClient, PartnerSignal, Transfer

router = APIRouter(route_class=ServiceRoute, tags=["journeys"])

A = TypeVar("A", bound=AnswerModel)


class WaitingClient(AnswerModel):
    """A client for whom no caseworker of the role is available."""

    client_id: UUID
    municipality: str
    category: str | None
    track: str | None
    caseworker_role: str
    waiting_since: date


class NewMove(ApiModel):
    """Another day for a deadline, and why."""

    to: Day
    reason: Annotated[Text, Field(min_length=1)]


@router.get("/clients/{client_id}/journey", dependencies=[allow(*ENTERS)])
async def read_journey(client_id: ClientId, work: WorkInHand) -> JourneyAnswer:
    """Where a client stands: all that happened, and every deadline with how it was reckoned."""
    return await shown(work, await journeys.find(work, client_id, lock=False))


@router.get("/clients/{client_id}/deadlines", dependencies=[allow(*ENTERS)])
async def list_deadlines(client_id: ClientId, work: WorkInHand) -> Items[DeadlineAnswer]:
    """What is due, stands still or fired, the next first."""
    journey = await journeys.find(work, client_id, lock=False)
    return Items(items=await _deadlines(work, journey))


@router.post(
    "/deadlines/{deadline_id}/moves", status_code=201, dependencies=[allow(Role.CASEWORKER, Role.TEAM_MANAGER)]
)
async def move_deadline(deadline_id: UUID, body: NewMove, work: WorkInHand, response: Response) -> DeadlineAnswer:
    """Move a deadline that runs, with the reason; the day as reckoned is kept."""
    moved = await terms.move(work, deadline_id, body.to, body.reason)
    located(response, f"/clients/{moved.subject}/deadlines")
    journey = await journeys.find(work, moved.subject, lock=False)
    return next(each for each in await _deadlines(work, journey) if each.id == deadline_id)


@router.get("/clients-without-caseworker", dependencies=[allow(*ENTERS)])
async def list_clients_without_caseworker(
    work: WorkInHand,
    page: Page,
    municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
) -> Items[WaitingClient]:
    """The team manager's list: who waits for a caseworker, the longest first."""
    query = select(Journey).where(Journey.state == "active", Journey.waiting_since.is_not(None))
    if municipality is not None:
        query = query.where(Journey.municipality == municipality)
    found = await page.scalars(work.session, query, Journey.waiting_since, Journey.client_id)
    return Items(items=_as(WaitingClient, found))


async def shown(work: Work, journey: Journey) -> JourneyAnswer:
    """A journey as it is shown."""
    categorised = journey.active and journey.category is not None
    besides = pack_of(work, journey).extra_caseworker_roles(journey.situation(work.today)) if categorised else ()
    client = journey.client_id
    return JourneyAnswer(
        client_id=client,
        municipality=journey.municipality,
        household_id=journey.household_id,
        state="active" if journey.active else "exited",
        track=journey.track,
        track_since=journey.track_since,
        category=journey.category,
        category_since=journey.category_since,
        caseworker_id=journey.caseworker_id,
        caseworker_role=journey.caseworker_role,
        besides=list(besides),
        waiting_since=journey.waiting_since,
        last_conversation_on=journey.spoken_on,
        open_routes=_as(OpenRoute, travelling.open_to(work, journey)),
        routes=_as(RouteAnswer, journey.routes),
        suspensions=_as(SuspensionAnswer, journey.suspensions),
        handovers=_as(HandoverAnswer, journey.handovers),
        transfers=_as(TransferAnswer, await _of(work, Transfer, client)),
        referrals=_as(ReferralAnswer, journey.referrals),
        exits=_as(ExitAnswer, journey.exits),
        conversations=_as(ConversationAnswer, await _of(work, Conversation, client)),
        instruments=_as(InstrumentUseAnswer, await _of(work, InstrumentUse, client)),
        agreements=_as(AgreementAnswer, await _of(work, Agreement, client)),
        measures=_as(MeasureAnswer, await _of(work, Measure, client)),
        part_time_work=_as(PartTimeWorkAnswer, await _of(work, PartTimeWork, client)),
        partner_signals=_as(PartnerSignalAnswer, await _of(work, PartnerSignal, client)),
        deadlines=await _deadlines(work, journey),
    )


async def _deadlines(work: Work, journey: Journey) -> list[DeadlineAnswer]:
    owner = (await roster.today(work, [journey.municipality])).owner(journey.municipality, journey.caseworker_id)
    found = _as(DeadlineAnswer, await terms.all_of(work, journey.client_id))
    return [each.model_copy(update={"owner": owner}) for each in found]


async def _of(work: Work, table: type[OfClient], client_id: UUID) -> Sequence[OfClient]:
    found = await work.session.scalars(select(table).where(table.client_id == client_id).order_by(table.id))
    return found.all()


def _as(model: type[A], rows: Sequence[Any]) -> list[A]:
    return [model.model_validate(row) for row in rows]
