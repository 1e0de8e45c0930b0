"""Letters that went out."""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select

from chassis.models import AnswerModel, Day, Items
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from intake.actions import audit
from intake.actions.letters import addressed
from intake.api.common import ENTERED_BY, VaultInHand
from intake.identity import Identity
from intake.tables import Letter, client_by_id

router = APIRouter(route_class=ServiceRoute, tags=["letters"])


class LetterInList(AnswerModel):
    """A letter that went out, without its text."""

    id: UUID
    client_id: UUID
    kind: str
    template: str
    sent_on: Day


class LetterAnswer(LetterInList):
    """A letter that went out. Where the address is secret, it is sent by the way that was agreed, never shown."""

    subject: str
    body: str
    secret_address: bool


@router.get("/clients/{client_id}/letters", dependencies=[allow(*ENTERED_BY)])
async def list_letters(client_id: UUID, work: WorkInHand) -> Items[LetterInList]:
    """The letters to a client, the newest first."""
    client = await client_by_id(work.session, client_id)
    query = select(Letter).where(Letter.client_id == client.id)
    rows = await work.session.scalars(query.order_by(Letter.sent_on.desc(), Letter.id.desc()))
    return Items(items=[LetterInList.model_validate(row) for row in rows])


@router.get("/letters/{letter_id}", dependencies=[allow(*ENTERED_BY)])
async def read_letter(letter_id: UUID, work: WorkInHand, vault: VaultInHand) -> LetterAnswer:
    """A letter with its text. Every look is recorded."""
    letter = await work.session.get(Letter, letter_id)
    if letter is None:
        raise NotFound("There is no letter of this id.")
    client = await client_by_id(work.session, letter.client_id)
    name = Identity(vault, client).name.whole
    audit.record(work, "letter.read", letter.municipality, client.id)
    return LetterAnswer(
        id=letter.id, client_id=client.id, kind=letter.kind, template=letter.template, sent_on=letter.sent_on,
        subject=addressed(letter.subject, name), body=addressed(letter.body, name),
        secret_address=client.secret_address,
    )  # fmt: skip
