"""A client: read and corrected; died, moved away, registered by mistake. And what a partner may know."""

from datetime import date
from typing import Annotated, Literal, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import select

from chassis.etags import IfMatch, etag
from chassis.models import AnswerModel, ApiModel, Code, Day, OptionalDay, Text
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Role, allow
from chassis.work import Work
from contracts.model import AgeBand, HouseholdKind, Origin
from intake.actions import audit, clients, correction
from intake.api.common import ENTERED_BY, OnDay, VaultInHand, day
from intake.identity import Identity
from intake.people import Address, Contact, CorrectedClient, IdentityField, Municipality, Name, WrittenBirthDate
from intake.problems import AlreadyRegistered
from intake.rules import BirthDate
from intake.tables import Client, client_by_id
from intake.vault import Vault

router = APIRouter(route_class=ServiceRoute, tags=["clients"])


class ClientAnswer(AnswerModel):
    """A client with identity data."""

    id: UUID
    municipality: str
    state: Literal["registered", "deceased", "moved_away", "undone"]
    ended_on: OptionalDay
    origin: Origin
    registered_on: Day
    bsn: str
    name: Name
    birth_date: WrittenBirthDate
    age_band: AgeBand
    pension_on: Annotated[Day, Field(description="The first day on which pension age is reached, by the law as it is")]
    address: Address | None
    secret_address: bool
    contact: Contact | None
    language: str | None
    household_id: UUID
    household_kind: HouseholdKind
    partner_id: UUID | None
    permit_holder: bool
    housed_on: OptionalDay
    without_benefit: bool
    starting_qualification: bool | None


class IdentityAnswer(AnswerModel):
    """The fields that were asked for, as far as they are known and may be told; by their names in the policy."""

    id: UUID
    name: Name | None = None
    contact: Contact | None = None
    language: str | None = None
    birth_year: Annotated[int | None, Field(alias="birth_year")] = None
    address: Annotated[Address | None, Field(description="Never a secret one")] = None


class Death(ApiModel):
    """When somebody died."""

    on: OnDay = None


class Departure(ApiModel):
    """When somebody left the municipality, and for which."""

    on: OnDay = None
    to_municipality: Municipality | None = None


class Cancellation(ApiModel):
    """Why a registration was a mistake."""

    reason: Annotated[Text, Field(min_length=1)]


class Restoration(ApiModel):
    """Why a death or departure on record was none; it stays with the client's identity data."""

    reason: Annotated[Text, Field(min_length=1)]


@router.get("/clients/{client_id}", dependencies=[allow(*ENTERED_BY)])
async def read_client(client_id: UUID, response: Response, work: WorkInHand, vault: VaultInHand) -> ClientAnswer:
    """A client, with identity data; the id of one that was merged leads to the survivor. Every look is recorded."""
    client = await client_by_id(work.session, client_id)
    audit.record(work, "client.read", client.municipality, client.id)
    return await answer_of(work, vault, client, response)


@router.patch(
    "/clients/{client_id}",
    dependencies=[allow(*ENTERED_BY)],
    responses={409: {"description": "The BSN is another client's: `client` tells whose, `links` how to merge the two"}},
)
async def correct_client(
    client_id: UUID,
    body: CorrectedClient,
    request: Request,
    response: Response,
    work: WorkInHand,
    vault: VaultInHand,
    precondition: IfMatch,
) -> ClientAnswer:
    """Correct identity data; what is left out stays, null takes away.

    Where the right BSN is another client's, the answer names that client and the call that makes the two one.
    """
    client = await client_by_id(work.session, client_id)
    await precondition.check(work.session, client)
    try:
        await correction.correct(work, vault, client, body)
    except correction.NumberTaken as taken:
        raise await _taken(work, request, client, taken.client_id) from taken
    return await answer_of(work, vault, client, response)


@router.post("/clients/{client_id}/deaths", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def record_death(
    client_id: UUID, body: Death, request: Request, response: Response, work: WorkInHand, vault: VaultInHand
) -> ClientAnswer:
    """The client died: everything open stops, and no letter is sent."""
    client = await clients.decease(work, vault, client_id, day(work, body.on))
    return await located_answer_of(work, vault, client, request, response)


@router.post("/clients/{client_id}/departures", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def record_departure(
    client_id: UUID, body: Departure, request: Request, response: Response, work: WorkInHand, vault: VaultInHand
) -> ClientAnswer:
    """The client left the municipality: everything open stops. A new notification brings them back."""
    client = await clients.depart(work, vault, client_id, day(work, body.on), body.to_municipality)
    return await located_answer_of(work, vault, client, request, response)


@router.post("/clients/{client_id}/cancellations", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def cancel_registration(
    client_id: UUID, body: Cancellation, request: Request, response: Response, work: WorkInHand, vault: VaultInHand
) -> ClientAnswer:
    """The registration was a mistake: nothing of it remains open."""
    client = await clients.undo(work, vault, client_id, body.reason)
    return await located_answer_of(work, vault, client, request, response)


@router.post("/clients/{client_id}/restorations", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def restore_registration(
    client_id: UUID, body: Restoration, request: Request, response: Response, work: WorkInHand, vault: VaultInHand
) -> ClientAnswer:
    """The death or departure was recorded by mistake: the client is registered, and everything goes on as it stood."""
    client = await clients.restore(work, vault, client_id, body.reason)
    return await located_answer_of(work, vault, client, request, response)


@router.get("/clients/{client_id}/identity", dependencies=[allow(Role.SERVICE)], response_model_exclude_none=True)
async def read_identity(
    client_id: UUID,
    work: WorkInHand,
    vault: VaultInHand,
    fields: Annotated[
        str,
        Query(
            pattern=f"^({'|'.join(get_args(IdentityField))})(,({'|'.join(get_args(IdentityField))}))*$",
            description="Which fields, separated by commas",
            examples=["name,contact"],
        ),
    ],
    purpose: Annotated[Code | None, Query(description="What they are asked for; it is recorded")] = None,
) -> IdentityAnswer:
    """What another service may pass on of who a client is, while the registration is open. Every look is recorded."""
    client = await client_by_id(work.session, client_id)
    if client.state != "registered":
        raise NotFound("The registration of this client is closed.")
    asked = frozenset(fields.split(","))
    audit.record(
        work, "client.identity", client.municipality, client.id, f"{purpose or '-'}: {','.join(sorted(asked))}"
    )
    told = asked - {"address"} if client.secret_address else asked
    return _identity(client, Identity(vault, client), told)


async def answer_of(work: Work, vault: Vault, client: Client, response: Response) -> ClientAnswer:
    """A client as the API tells it, with the version of the row as ETag."""
    await work.session.flush()
    response.headers["ETag"] = etag(client.version)
    identity = Identity(vault, client)
    return ClientAnswer(
        id=client.id, municipality=client.municipality, state=client.state, ended_on=client.ended_on,
        origin=client.origin, registered_on=client.registered_on, bsn=identity.bsn, name=identity.name,
        birth_date=identity.birth_date, age_band=client.age_band, pension_on=_pension_day(identity),
        address=identity.address, secret_address=client.secret_address, contact=identity.contact,
        language=identity.language,
        household_id=client.household_id, household_kind=client.household_kind, partner_id=client.partner_id,
        permit_holder=client.permit_holder, housed_on=client.housed_on, without_benefit=client.without_benefit,
        starting_qualification=client.starting_qualification,
    )  # fmt: skip


async def located_answer_of(
    work: Work, vault: Vault, client: Client, request: Request, response: Response
) -> ClientAnswer:
    """The same, with where the client is read."""
    response.headers["Location"] = str(request.url_for("read_client", client_id=client.id).path)
    return await answer_of(work, vault, client, response)


async def _taken(work: Work, request: Request, client: Client, other_id: UUID) -> AlreadyRegistered:
    """Whose BSN it is, and how the two become one; nothing of who that is, for the caller may not know."""
    here = str(request.url_for("read_client", client_id=client.id).path)
    other = str(request.url_for("read_client", client_id=other_id).path)
    if await work.session.scalar(select(Client.id).where(Client.id == other_id)) is None:
        return AlreadyRegistered("Another client has this BSN, whom another team guides: ask them.", client=other)
    merge = {"rel": "merge", "method": "POST", "href": f"{here}/mergers", "body": {"into": str(other_id)}}
    return AlreadyRegistered("Another client has this BSN; merge the two registrations.", client=other, links=[merge])


def _pension_day(identity: Identity) -> date:
    born = BirthDate.parse(identity.birth_date)
    assert born is not None, "the rules refuse whoever has no birth date"
    return born.pension_day


def _identity(client: Client, identity: Identity, fields: frozenset[str]) -> IdentityAnswer:
    born = BirthDate.parse(identity.birth_date)
    known = {
        "name": identity.name,
        "contact": identity.contact,
        "language": identity.language,
        "birth_year": born.year if born else None,
        "address": identity.address,
    }
    return IdentityAnswer(id=client.id, **{field: known[field] for field in fields})
