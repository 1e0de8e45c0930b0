"""Registering a client, and finding one."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, model_validator

from chassis import sight
from chassis.models import AnswerModel, ApiModel, CallAnswer, Line
from chassis.pagination import LARGEST_PAGE
from chassis.routes import ServiceRoute, WorkInHand, location, service_of
from chassis.security import Caller, allow
from intake.actions import search
from intake.actions.numbers import known_otherwise
from intake.actions.registration import household_exists, register
from intake.api.clients import ClientAnswer, answer_of
from intake.api.common import ENTERED_BY, VaultInHand, municipality_of, refuse
from intake.identity import Identity
from intake.people import Bsn, Municipality, Name, NewClient, WrittenBirthDate
from intake.problems import AlreadyRegistered
from intake.rules import Fault, bsn_faults, refusals
from intake.tables import Client

router = APIRouter(route_class=ServiceRoute, tags=["clients"])


class Registration(NewClient):
    """A person to register, and where."""

    municipality: Annotated[
        Municipality | None, Field(description="Needed when the access token is for several municipalities")
    ] = None


class ClientSearch(ApiModel):
    """Who is looked for: by BSN, by id, or by family name and birth year, narrowed by a given name or initial."""

    bsn: Bsn | None = None
    family_name: Line | None = None
    birth_year: Annotated[int, Field(ge=1850, le=2200)] | None = None
    given_name: Line | None = None
    ids: Annotated[
        list[UUID] | None,
        Field(
            min_length=1, max_length=LARGEST_PAGE, description="Clients of a list of which the names are to be shown"
        ),
    ] = None

    @model_validator(mode="after")
    def _one_way(self) -> "ClientSearch":
        told = {name for name, value in self if value is not None}
        if told in ({"bsn"}, {"ids"}) or told - {"given_name"} == {"family_name", "birth_year"}:
            return self
        raise ValueError("give a bsn, a familyName with a birthYear, or ids")


class FoundClient(AnswerModel):
    """A client who was found: enough to tell whether it is the right person."""

    id: UUID
    municipality: str
    name: Name
    birth_date: WrittenBirthDate
    state: Literal["registered", "deceased", "moved_away"]
    secret_address: bool


class ClientOutOfSight(AnswerModel):
    """A client of another team: who it is, is not told; `links` has the call with which access is taken."""

    id: UUID
    municipality: str
    in_sight: Literal[False] = False
    links: list[CallAnswer]


class FoundClients(AnswerModel):
    """Who was found, the newest first; by BSN also of whom another team of the municipality has the client."""

    items: list[FoundClient]
    out_of_sight: list[ClientOutOfSight]
    more: bool = Field(description="There are others; give a given name too, or look by BSN")


@router.post(
    "/clients",
    status_code=201,
    dependencies=[allow(*ENTERED_BY)],
    responses={409: {"description": "The person is registered in the municipality already; `client` tells where"}},
)
async def register_client(
    body: Registration, request: Request, response: Response, work: WorkInHand, caller: Caller, vault: VaultInHand
) -> ClientAnswer:
    """Register a person as a client of the municipality; each person once."""
    municipality = municipality_of(caller, body.municipality)
    faults = refusals(body, work.today)
    async with sight.whole(work.session):  # each person once in the municipality, whoever guides them
        if body.household_id and not await household_exists(work, municipality, body.household_id):
            faults.append(Fault("householdId", "is the household of no client in the municipality"))
        refuse(faults)
        otherwise = (await known_otherwise(work, vault, municipality, [body])).get(0)
        if otherwise is not None:
            where = location(request, otherwise.id)
            raise AlreadyRegistered("This number was corrected: they are registered under another.", client=where)
        [registered] = await register(work, vault, municipality, [body], "front_end")
    where = location(request, registered.client.id)
    if not registered.is_new:
        raise AlreadyRegistered("Go on with the client who is registered.", client=where)
    response.headers["Location"] = where
    return await answer_of(work, vault, registered.client, response)


@router.post("/client-searches", dependencies=[allow(*ENTERED_BY)])
async def search_clients(
    body: ClientSearch, request: Request, work: WorkInHand, caller: Caller, vault: VaultInHand
) -> FoundClients:
    """Find a client in the municipalities of the access token, by BSN or by how the name sounds.

    By `ids` it names the clients of a work list or another page; who is not in sight is left out. By BSN it tells of
    a client of another team of the municipality the id, in `outOfSight`, and the call that takes emergency access.

    Every search is recorded, and everyone whom it shows; never what it was for.
    """
    if body.bsn is not None:
        refuse(bsn_faults("bsn", body.bsn))
        found = await search.by_bsn(work, vault, caller.municipalities, body.bsn)
    elif body.ids is not None:
        found = await search.by_ids(work, caller.municipalities, body.ids)
    else:
        assert body.family_name is not None
        assert body.birth_year is not None
        name = search.SoughtName(body.family_name, body.birth_year, body.given_name)
        found = await search.by_name(work, vault, caller.municipalities, name)
    identities = [(client, Identity(vault, client)) for client in found.clients]
    return FoundClients(
        more=found.more,
        out_of_sight=[_out_of_sight(request, client) for client in found.out_of_sight],
        items=[
            FoundClient(
                id=client.id, municipality=client.municipality, name=identity.name, birth_date=identity.birth_date,
                state=client.state, secret_address=client.secret_address,
            )
            for client, identity in identities
        ]
    )  # fmt: skip


def _out_of_sight(request: Request, client: Client) -> ClientOutOfSight:
    public = service_of(request).settings.public_url.rstrip("/")
    href = f"{public}/routing/v1/clients/{client.id}/emergency-accesses"
    links = [CallAnswer(rel="emergency-access", method="POST", href=href)]
    return ClientOutOfSight(id=client.id, municipality=client.municipality, links=links)
