"""What another municipality needs of a journey that ended by a departure; asked by intake, which makes the file."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select

from chassis.models import AnswerModel, Day, OptionalDay
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Role, allow
from chassis.work import Work
from policy import Suspension
from policy.running import stay_began
from routing.actions import journeys
from routing.actions.journeys import pack_of
from routing.api.answers import ClientId
from routing.rules import months_used
from routing.spoken import Agreement
from routing.tables import Exit, InstrumentUse, Journey

router = APIRouter(route_class=ServiceRoute, tags=["journeys"])


class StillExtract(AnswerModel):
    """Time in which terms stood still: half open, without an end while it lasted. Nobody is told why."""

    start: Day
    end: OptionalDay


class StayExtract(AnswerModel):
    """How much of the longest stay on the track was used, by whole months, without the time that stood still."""

    began_on: Day
    months_used: int


class AgreementExtract(AnswerModel):
    """Something that was agreed and not done yet."""

    agreed: str | None
    area: str | None
    agreed_on: Day
    due_on: OptionalDay


class InstrumentExtract(AnswerModel):
    """An instrument that was used."""

    instrument: str
    label: str
    goal: str
    started_on: Day
    ended_on: OptionalDay
    outcome: str | None


class ReferralExtract(AnswerModel):
    """A referral that was open on the day of departure, and how far it was."""

    partner_kind: str
    purpose: str
    requested_on: Day
    state: str


class Extract(AnswerModel):
    """A journey up to the day on which the client left."""

    client_id: UUID
    municipality: str
    left_on: OptionalDay
    """Absent while routing has not heard of the departure."""
    category: str | None
    category_since: OptionalDay
    track: str | None
    track_since: OptionalDay
    route: str | None
    route_label: str | None
    route_started_on: OptionalDay
    stay: StayExtract | None
    suspensions: list[StillExtract]
    prospect_of_work: bool | None
    last_conversation_on: OptionalDay
    agreements: list[AgreementExtract]
    instruments: list[InstrumentExtract]
    referrals: list[ReferralExtract]


@router.get("/clients/{client_id}/extract", dependencies=[allow(Role.SERVICE)])
async def read_extract(client_id: ClientId, work: WorkInHand) -> Extract:
    """What goes along to the municipality where the client lives now."""
    journey = await journeys.find(work, client_id, lock=False)
    left = journey.standing_exit if journey.state == "exited" else None
    on = left.on if left else work.today
    pack = pack_of(work, journey)
    last = max(journey.routes, key=lambda each: (each.ended_on or date.max, each.started_on), default=None)
    policy_route = pack.routing.routes.get(last.route) if last else None
    return Extract(
        client_id=journey.client_id,
        municipality=journey.municipality,
        left_on=left.on if left else None,
        category=journey.category,
        category_since=journey.category_since,
        track=journey.track,
        track_since=journey.track_since,
        route=last.route if last else None,
        route_label=policy_route.label if policy_route else None,
        route_started_on=last.started_on if last else None,
        stay=_stay(journey, on),
        suspensions=[StillExtract.model_validate(each) for each in journey.suspensions],
        prospect_of_work=journey.prospect_of_work,
        last_conversation_on=max(filter(None, (journey.spoken_on, journey.spoken_before_on)), default=None),
        agreements=await _agreements(work, journey),
        instruments=await _instruments(work, journey),
        referrals=_open_at(journey, left),
    )


def _stay(journey: Journey, on: date) -> StayExtract | None:
    began = stay_began(journey.standing())
    if began is None:
        return None
    still = [Suspension(each.start, each.end or max(on, each.start)) for each in journey.suspensions]
    return StayExtract(began_on=began, months_used=months_used(began, on, still))


async def _agreements(work: Work, journey: Journey) -> list[AgreementExtract]:
    found = await work.session.scalars(
        select(Agreement)
        .where(Agreement.client_id == journey.client_id, Agreement.in_state("open"))
        .order_by(Agreement.agreed_on, Agreement.id)
    )
    return [AgreementExtract.model_validate(each) for each in found]


async def _instruments(work: Work, journey: Journey) -> list[InstrumentExtract]:
    pack = pack_of(work, journey)
    uses = await work.session.scalars(
        select(InstrumentUse)
        .where(InstrumentUse.client_id == journey.client_id)
        .order_by(InstrumentUse.started_on, InstrumentUse.id)
    )
    return [
        InstrumentExtract(
            instrument=use.instrument,
            label=pack.instruments[use.instrument].label if use.instrument in pack.instruments else use.instrument,
            goal=use.goal,
            started_on=use.started_on,
            ended_on=use.ended_on,
            outcome=use.outcome,
        )
        for use in uses
    ]


def _open_at(journey: Journey, left: Exit | None) -> list[ReferralExtract]:
    """The referrals that the departure withdrew."""
    if left is None:
        return []
    return [
        ReferralExtract(
            partner_kind=each.partner_kind, purpose=each.purpose, requested_on=each.requested_on,
            state=each.state_at_exit or each.state,
        )
        for each in journey.referrals
        if each.exit_id == left.id
    ]  # fmt: skip
