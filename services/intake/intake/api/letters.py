"""Letters that went out."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, ValidationError
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Code, Day, Items, Text
from chassis.problems import Invalid, NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from intake.actions import audit
from intake.actions.clients import open_client
from intake.actions.letters import addressed, preview_of
from intake.api.common import ENTERED_BY, VaultInHand
from intake.identity import Identity
from intake.tables import Letter, client_by_id, newest_letter
from policy.letters import LetterId, Template

router = APIRouter(route_class=ServiceRoute, tags=["letters"])


class LetterInList(AnswerModel):
    """A letter that went out, without its text."""

    id: UUID
    client_id: UUID
    kind: str
    template: str
    pack_digest: str
    sent_on: Day
    corrects: UUID | None
    """The letter before it that turned out to be wrong, which this one sets right."""
    corrected_by: UUID | None
    """The letter after it that sets this one right."""


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
    rows = (await work.session.scalars(query.order_by(Letter.sent_on.desc(), Letter.id.desc()))).all()
    corrected_by = {row.corrects: row.id for row in reversed(rows)}
    return Items(items=[LetterInList(**_fields(row), corrected_by=corrected_by.get(row.id)) for row in rows])


@router.get("/letters/{letter_id}", dependencies=[allow(*ENTERED_BY)])
async def read_letter(letter_id: UUID, work: WorkInHand, vault: VaultInHand) -> LetterAnswer:
    """A letter with its text. Every look is recorded."""
    letter = await work.session.get(Letter, letter_id)
    if letter is None:
        raise NotFound("There is no letter of this id.")
    client = await client_by_id(work.session, letter.client_id)
    corrects_it = await newest_letter(work.session, letter.client_id, Letter.corrects == letter.id)
    name = Identity(vault, client).name.whole
    audit.record(work, "letter.read", letter.municipality, client.id)
    return LetterAnswer(
        **_fields(letter), corrected_by=corrects_it.id if corrects_it else None,
        subject=addressed(letter.subject, name), body=addressed(letter.body, name),
        secret_address=client.secret_address,
    )  # fmt: skip


class DraftTemplate(ApiModel):
    """A text that is not in the pack yet."""

    subject: Annotated[Text, Field(min_length=1)]
    body: Annotated[Text, Field(min_length=1)]


class NewPreview(ApiModel):
    """Which letter to look at; with the text of a draft instead of the pack's, or for another track."""

    kind: LetterId
    track: Code | None = None
    template: DraftTemplate | None = None


class PreviewAnswer(AnswerModel):
    """A letter as it would be, with what keeps it from plain language; nothing is sent or kept."""

    client_id: UUID
    kind: str
    template: str
    pack_digest: str
    subject: str
    body: str
    secret_address: bool
    complaints: list[str]


@router.post("/clients/{client_id}/letter-previews", dependencies=[allow(*ENTERED_BY)])
async def preview_letter(client_id: UUID, body: NewPreview, work: WorkInHand, vault: VaultInHand) -> PreviewAnswer:
    """A letter as the client would read it now. Every look is recorded; there are no letters to who died or left."""
    draft = None if body.template is None else _draft(body.template, body.kind)
    client = await open_client(work, client_id)
    preview = await preview_of(work, client, body.kind, body.track, draft)
    name = Identity(vault, client).name.whole
    audit.record(work, "letter.previewed", client.municipality, client.id)
    subject, text = addressed(preview.filled.subject, name), addressed(preview.filled.body, name)
    return PreviewAnswer(
        client_id=client.id, kind=body.kind, template=preview.template, pack_digest=preview.pack_digest,
        subject=subject, body=text, secret_address=client.secret_address, complaints=list(preview.complaints),
    )  # fmt: skip


def _fields(letter: Letter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in LetterInList.model_fields if name != "corrected_by"}


def _draft(written: DraftTemplate, kind: LetterId) -> Template:
    try:
        return Template(subject=written.subject, body=written.body).fits(kind)
    except ValidationError as fault:
        raise Invalid.at("#/template", fault.errors()[0]["msg"]) from fault
    except ValueError as fault:
        raise Invalid.at("#/template", str(fault)) from fault
