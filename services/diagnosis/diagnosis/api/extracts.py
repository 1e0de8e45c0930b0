"""What another municipality needs to know of diagnosis about who moved there; asked by intake, which makes the file."""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select

from chassis.models import AnswerModel, Day, OptionalDay
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Role, allow
from chassis.work import Work
from diagnosis.tables import Client, IndicationRequest, Proposal, present_categories, resolve, running_exemptions

router = APIRouter(route_class=ServiceRoute, tags=["clients"])


class ExemptionExtract(AnswerModel):
    """An exemption that runs; never its reason, which may be about health."""

    granted_on: Day
    until: OptionalDay
    permanent: bool


class RequestExtract(AnswerModel):
    """An indication that was asked of UWV, and what became of it."""

    kind: str
    requested_on: Day
    granted: bool | None
    decided_on: OptionalDay


class Extract(AnswerModel):
    """Where a client stands by the last decision."""

    client_id: UUID
    municipality: str
    scheme: str | None
    category: str | None
    category_since: OptionalDay
    indications: list[str]
    exemption: ExemptionExtract | None
    requests: list[RequestExtract]


@router.get("/clients/{client_id}/extract", dependencies=[allow(Role.SERVICE)])
async def read_extract(client_id: UUID, work: WorkInHand) -> Extract:
    """What goes along to the municipality where the client lives now."""
    now = (await resolve(work.session, [client_id]))[client_id]
    client = await work.session.get(Client, now)
    if client is None:
        raise NotFound("There is no such client.")
    category = (await present_categories(work.session, [now])).get(now)
    exemption = (await running_exemptions(work.session, [now])).get(now)
    requests = await work.session.scalars(
        select(IndicationRequest)
        .where(IndicationRequest.client_id == now)
        .order_by(IndicationRequest.requested_on, IndicationRequest.id)
    )
    return Extract(
        client_id=now,
        municipality=client.municipality,
        scheme=category.scheme if category else None,
        category=category.category if category else None,
        category_since=category.since if category else None,
        indications=await _indications(work, now),
        exemption=ExemptionExtract.model_validate(exemption) if exemption else None,
        requests=[RequestExtract.model_validate(each) for each in requests],
    )


async def _indications(work: Work, client_id: UUID) -> list[str]:
    """Those that the last decision rests on."""
    decided = (
        select(Proposal)
        .where(Proposal.client_id == client_id, Proposal.decided_on.is_not(None))
        .order_by(Proposal.decided_at.desc(), Proposal.id.desc())
    )
    last = await work.session.scalar(decided.limit(1))
    return sorted(last.assessment.facts.get("indications", ())) if last else []
