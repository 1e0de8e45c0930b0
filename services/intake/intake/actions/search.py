"""Finding a client by BSN, or by family name and birth year; each search is recorded, never what it looked for."""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from chassis.work import Work
from intake.actions import audit
from intake.identity import bsn_index, name_index
from intake.rules import alike, plain_bsn
from intake.tables import GONE, Client, SearchToken
from intake.vault import Vault

MOST_FOUND = 50


async def by_bsn(work: Work, vault: Vault, municipalities: Collection[str], bsn: str) -> Sequence[Client]:
    """The clients with this BSN, one in each municipality at most."""
    _record(work, municipalities, "bsn")
    indexes = [bsn_index(vault, municipality, plain_bsn(bsn)) for municipality in municipalities]
    query = select(Client).where(Client.bsn_index.in_(indexes), Client.state.not_in(GONE))
    return (await work.session.scalars(query.order_by(Client.municipality))).all()


async def by_name(
    work: Work, vault: Vault, municipalities: Collection[str], family_name: str, birth_year: int
) -> Sequence[Client]:
    """The clients with this family name, or it as a part of theirs, born in this year; the newest first."""
    _record(work, municipalities, "name and birth year")
    whole = alike(family_name)[:1]
    tokens = [name_index(vault, municipality, form, birth_year) for municipality in municipalities for form in whole]
    found = select(SearchToken.client_id).where(
        SearchToken.municipality.in_(municipalities), SearchToken.token.in_(tokens)
    )
    query = select(Client).where(Client.id.in_(found), Client.state.not_in(GONE))
    return (await work.session.scalars(query.order_by(Client.id.desc()).limit(MOST_FOUND))).all()


def _record(work: Work, municipalities: Collection[str], kind: str) -> None:
    for municipality in sorted(municipalities):
        audit.record(work, "client.search", municipality, detail=kind)
