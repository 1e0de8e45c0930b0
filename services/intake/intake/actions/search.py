"""Finding a client by BSN, or by name and birth year; and who the clients are of whom one has the ids.

Each search is recorded, and each client that it shows; never what it looked for. A search asks the database the same
questions whether somebody is registered elsewhere, or nowhere: it looks under the blind indexes of the municipalities
of the access token, and there is no index that holds for more than one. Inside the municipality a BSN tells that
another team has the client, as registering would: the id, and not who it is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from chassis import sight
from chassis.work import Work
from intake.actions import audit
from intake.identity import bsn_index, given_index, name_index
from intake.names import given_looked_under, looked_under
from intake.rules import plain_bsn
from intake.tables import GONE, Client, SearchToken, clients_by_id, merged_by_bsn
from intake.vault import Vault

MOST_FOUND = 50


@dataclass(frozen=True)
class Found:
    """Who was found; `more` when there are others."""

    clients: Sequence[Client]
    more: bool
    out_of_sight: Sequence[Client] = ()
    """Clients of other teams: nothing but where they are may be told of them."""


@dataclass(frozen=True)
class SoughtName:
    """A name as it was typed; `given` narrows."""

    family: str
    birth_year: int
    given: str | None = None


async def by_bsn(work: Work, vault: Vault, municipalities: Collection[str], bsn: str) -> Found:
    """The clients with this BSN, one in each municipality at most, and those whom only another team sees.

    By the number of a registration that was merged it is the client who stays.
    """
    indexes = [bsn_index(vault, municipality, plain_bsn(bsn)) for municipality in municipalities]
    async with sight.whole(work.session):  # who went may have been another team's client
        stays = [survivor.id for _, survivor in await merged_by_bsn(work.session, municipalities, indexes)]
    has_it = Client.bsn_index.in_(indexes) | Client.id.in_(stays)
    found = await _found(work, municipalities, "bsn", has_it)
    async with sight.whole(work.session):
        query = _clients(municipalities, has_it, Client.id.not_in([each.id for each in found.clients]))
        others = (await work.session.scalars(query)).all()
        for client in others:
            audit.record(work, "client.found", client.municipality, client.id, detail="bsn, out of sight")
    return replace(found, out_of_sight=others)


async def by_name(work: Work, vault: Vault, municipalities: Collection[str], name: SoughtName) -> Found:
    """The clients with this family name, or one that sounds like it or holds it, of this birth year; newest first."""
    family = [
        name_index(vault, municipality, form, name.birth_year)
        for municipality in municipalities
        for form in looked_under(name.family)
    ]
    conditions = [Client.id.in_(_with_token(municipalities, family))]
    given = given_looked_under(name.given)
    if given:
        tokens = [
            given_index(vault, municipality, form, name.birth_year) for municipality in municipalities for form in given
        ]
        conditions.append(Client.id.in_(_with_token(municipalities, tokens)))
    return await _found(work, municipalities, "name and birth year", *conditions)


async def by_ids(work: Work, municipalities: Collection[str], ids: Collection[UUID]) -> Found:
    """Who these clients are; of one that was merged, the one that stays. Who is not in sight is left out."""
    known = await clients_by_id(work.session, ids)
    condition = Client.id.in_({client.id for client in known.values()})
    return await _found(work, municipalities, "id", condition, most=len(ids))


def _with_token(municipalities: Collection[str], tokens: Collection[bytes]) -> Select[UUID]:
    return select(SearchToken.client_id).where(
        SearchToken.municipality.in_(municipalities), SearchToken.token.in_(tokens)
    )


def _clients(municipalities: Collection[str], *conditions: ColumnElement[bool]) -> Select[Client]:
    return select(Client).where(Client.municipality.in_(municipalities), Client.state.not_in(GONE), *conditions)


async def _found(
    work: Work, municipalities: Collection[str], how: str, *conditions: ColumnElement[bool], most: int | None = None
) -> Found:
    for municipality in sorted(municipalities):
        audit.record(work, "client.search", municipality, detail=how)
    most = MOST_FOUND if most is None else most
    query = _clients(municipalities, *conditions)
    rows = (await work.session.scalars(query.order_by(Client.id.desc()).limit(most + 1))).all()
    clients = rows[:most]
    for client in clients:
        audit.record(work, "client.found", client.municipality, client.id, detail=how)
    return Found(clients, more=len(rows) > most)
