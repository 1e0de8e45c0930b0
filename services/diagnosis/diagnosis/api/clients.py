"""Where a client stands, and the receipts that say why."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select

from chassis.models import AnswerModel, OptionalDay, OptionalMoment
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, Caller, Role, Token, allow
from diagnosis.tables import Categorisation, Client, Proposal, Receipt, open_proposals, resolve

router = APIRouter(route_class=ServiceRoute, tags=["clients"])


class CategoryAnswer(AnswerModel):
    """A category that a client has or had."""

    scheme: str
    category: str
    track: str
    basis: Literal["assessment", "override", "correction", "import"]
    since: date
    until: OptionalDay
    assessment_id: UUID | None
    receipt_id: UUID | None
    decided_by: str
    corrected: bool


class StandingAnswer(AnswerModel):
    """Where a client stands now, and where before."""

    client_id: UUID
    municipality: str
    status: Literal["decided", "in_doubt", "undecided", "none"]
    """in_doubt and undecided are about an assessment on which nobody decided yet; the category is the last decided."""
    category: str | None
    track: str | None
    since: OptionalDay
    open_proposal_id: UUID | None
    history: list[CategoryAnswer]


class ReceiptAnswer(AnswerModel):
    """Why policy proposed what it proposed, as it was kept, and who decided what on it."""

    id: UUID
    client_id: UUID
    municipality: str
    receipt: dict[str, Any]
    proposal_id: UUID
    state: str
    decided_category: str | None
    decided_by: str | None
    decided_on: OptionalDay
    decided_at: OptionalMoment


@router.get("/clients/{client_id}/category", dependencies=[allow(Role.FRONT_END, *STAFF)])
async def read_category(client_id: UUID, work: WorkInHand) -> StandingAnswer:
    """Where a client stands, with the history, the latest first."""
    now = (await resolve(work.session, [client_id]))[client_id]
    client = await work.session.get(Client, now)
    if client is None:
        raise NotFound("There is no such client.")
    query = select(Categorisation).where(Categorisation.client_id == now).order_by(Categorisation.position.desc())
    history = list(await work.session.scalars(query))
    waiting = next(iter(await open_proposals(work.session, [now])), None)
    present = next((each for each in history if each.until is None), None)
    return StandingAnswer(
        client_id=now,
        municipality=client.municipality,
        status=_status(present, waiting),
        category=present.category if present else None,
        track=present.track if present else None,
        since=present.since if present else None,
        open_proposal_id=waiting.id if waiting else None,
        history=[CategoryAnswer.model_validate(each) for each in history],
    )


def _status(
    present: Categorisation | None, waiting: Proposal | None
) -> Literal["decided", "in_doubt", "undecided", "none"]:
    if waiting is not None and waiting.status == "in_doubt":
        return "in_doubt"
    if waiting is not None and waiting.status == "undecided":
        return "undecided"
    return "decided" if present else "none"


@router.get("/receipts/{receipt_id}", dependencies=[allow(*STAFF, Role.POLICY_OFFICER)])
async def read_receipt(receipt_id: UUID, work: WorkInHand, caller: Caller) -> ReceiptAnswer:
    """A receipt; the reason of an exemption is for caseworkers only."""
    proposal = await work.session.scalar(select(Proposal).where(Proposal.receipt_id == receipt_id))
    if proposal is None:
        raise NotFound("There is no such receipt.")
    shown = {name: getattr(proposal, name) for name in ReceiptAnswer.model_fields if hasattr(proposal, name)}
    shown |= {"id": receipt_id, "proposal_id": proposal.id, "receipt": _for(caller, proposal.receipt)}
    return ReceiptAnswer.model_validate(shown)


def _for(caller: Token, receipt: Receipt) -> dict[str, Any]:
    """The receipt as this caller may see it."""
    facts = receipt.body["facts"]
    if caller.has(Role.CASEWORKER) or not facts.get("exemption"):
        return receipt.body
    return {**receipt.body, "facts": {**facts, "exemption": {"until": facts["exemption"].get("until")}}}
