"""Proposals, and the decisions of professionals on them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import exists, select

from chassis.models import AnswerModel, ApiModel, Code, Items, OptionalDay, OptionalMoment, Text
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, allow
from chassis.work import Work
from diagnosis.actions.clients import policy_of
from diagnosis.actions.proposals import confirm, confirm_together, look_at, opened, override, reference, show
from diagnosis.tables import Opened, Proposal, resolve

router = APIRouter(route_class=ServiceRoute, tags=["proposals"])

State = Literal["open", "confirmed", "overridden", "superseded", "corrected"]
Status = Literal["decided", "in_doubt", "undecided"]


class ReceiptReferenceAnswer(AnswerModel):
    """Which receipt says why."""

    receipt_id: UUID
    pack_id: str
    version: str
    digest: str
    rule: str | None


class ProposalAnswer(AnswerModel):
    """What policy proposes on an assessment, and what became of it."""

    id: UUID
    client_id: UUID
    municipality: str
    assessment_id: UUID
    state: State
    status: Status
    scheme: str
    category: str | None
    track: str | None
    caseworker_role: str | None
    referral_partner: str | None
    assessed_on: date
    made_on: date
    notes: list[str]
    may_order: list[str]
    """Instruments that can be ordered first, where the outcome is in doubt."""
    decided_category: str | None
    decided_by: str | None
    decided_on: OptionalDay
    override_reason: str | None
    receipt: ReceiptReferenceAnswer
    opened_at: OptionalMoment = Field(description="When the caller opened it first; null for who has not")

    @classmethod
    def of(cls, proposal: Proposal, work: Work, opened_at: datetime | None) -> "ProposalAnswer":
        """The proposal as it is shown."""
        return cls(
            **{
                name: getattr(proposal, name)
                for name in cls.model_fields
                if hasattr(proposal, name) and name != "receipt"
            },
            assessed_on=proposal.assessment.occurred_on,
            notes=proposal.receipt.body["notes"],
            may_order=_may_order(proposal, work),
            receipt=ReceiptReferenceAnswer.model_validate(reference(proposal).model_dump()),
            opened_at=opened_at,
        )


def _may_order(proposal: Proposal, work: Work) -> list[str]:
    if proposal.status != "in_doubt":
        return []
    doubt = policy_of(work, proposal.municipality, proposal.assessment.occurred_on).diagnosis.in_doubt
    return list(doubt.instruments) if doubt else []


async def shown(work: Work, proposals: Sequence[Proposal]) -> list[ProposalAnswer]:
    """Proposals as they are shown to the caller."""
    seen = await opened(work, [each.id for each in proposals])
    return [ProposalAnswer.of(each, work, seen.get(each.id)) for each in proposals]


async def shown_whole(work: Work, proposal: Proposal) -> ProposalAnswer:
    """One proposal as the answer to what the caller did; so they saw it."""
    await show(work, proposal)
    [answer] = await shown(work, [proposal])
    return answer


class NewConfirmation(ApiModel):
    """A professional confirms what policy proposes."""

    on: OptionalDay = None


class NewOverride(ApiModel):
    """A professional decides otherwise, and says why."""

    category: Code
    reason: Annotated[Text, Field(min_length=1)]
    on: OptionalDay = None


class NewConfirmations(ApiModel):
    """A professional confirms several proposals, each looked at before."""

    proposal_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]
    on: OptionalDay = None


@router.get("/proposals", dependencies=[allow(*STAFF)])
async def list_proposals(
    work: WorkInHand,
    page: Page,
    municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
    state: Annotated[State | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    client_id: Annotated[UUID | None, Query(alias="clientId")] = None,
    is_opened: Annotated[
        bool | None, Query(alias="opened", description="Only what the caller opened, or did not")
    ] = None,
) -> Items[ProposalAnswer]:
    """Proposals, the oldest first, each with its receipt's reference. Reading a list does not count as opening each."""
    query = select(Proposal)
    if client_id is not None:
        query = query.where(Proposal.client_id == (await resolve(work.session, [client_id]))[client_id])
    asked = {Proposal.municipality: municipality, Proposal.state: state, Proposal.status: status}
    for column, value in asked.items():
        if value is not None:
            query = query.where(column == value)
    if is_opened is not None:
        seen = exists().where(Opened.proposal_id == Proposal.id, Opened.by == work.actor)
        query = query.where(seen if is_opened else ~seen)
    found = await page.scalars(work.session, query, Proposal.id)
    return Items(items=await shown(work, found))


@router.get("/proposals/{proposal_id}", dependencies=[allow(*STAFF)])
async def read_proposal(proposal_id: UUID, work: WorkInHand) -> ProposalAnswer:
    """One proposal; that this person opened it is kept, as confirming it asks."""
    [answer] = await shown(work, [await look_at(work, proposal_id)])
    return answer


@router.post("/proposals/{proposal_id}/confirmations", status_code=201, dependencies=[allow(*STAFF)])
async def confirm_proposal(
    proposal_id: UUID, body: NewConfirmation, work: WorkInHand, response: Response
) -> ProposalAnswer:
    """Confirm a proposal that one opened or made: the client has the category from now on."""
    response.headers["Location"] = f"/v1/proposals/{proposal_id}"
    return await shown_whole(work, await confirm(work, proposal_id, body.on))


@router.post("/proposals/{proposal_id}/overrides", status_code=201, dependencies=[allow(*STAFF)])
async def override_proposal(
    proposal_id: UUID, body: NewOverride, work: WorkInHand, response: Response
) -> ProposalAnswer:
    """Decide on another category than policy proposes, with a reason."""
    response.headers["Location"] = f"/v1/proposals/{proposal_id}"
    return await shown_whole(work, await override(work, proposal_id, body.category, body.reason, body.on))


@router.post("/proposal-confirmations", dependencies=[allow(*STAFF)])
async def confirm_proposals(body: NewConfirmations, work: WorkInHand) -> Items[ProposalAnswer]:
    """Confirm several proposals together, all or none; each must have been opened by this person first."""
    confirmed = await confirm_together(work, body.proposal_ids, body.on)
    return Items(items=await shown(work, confirmed))
