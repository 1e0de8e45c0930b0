"""Who is whose partner, by the BSN that was named at registration or at a correction; partners share a household."""

from uuid import UUID

from sqlalchemy import select

from chassis.work import Work
from contracts.intake import HouseholdChanged
from intake.tables import GONE, Client


async def renumber(work: Work, client: Client, old: bytes, new: bytes) -> None:
    """The client's BSN was wrong: whoever was linked by the wrong number alone is not, and who names the right one is.

    A partner whom the client named as well stays: then it is the client whom they named, by the wrong number.
    """
    client.bsn_index = new
    partner = await _partner(work, client)
    if partner is not None and partner.partner_index == old:
        if client.partner_index == partner.bsn_index:
            partner.partner_index = new
        else:
            await part(work, client)
    await link(work, client)


async def name_partner(work: Work, client: Client, named: bytes | None) -> None:
    """Who the client's partner is was wrong: another is, or nobody."""
    partner = await _partner(work, client)
    client.partner_index = named
    if partner is not None and partner.bsn_index != named:
        if partner.partner_index == client.bsn_index:
            partner.partner_index = None
        await part(work, client)
    if named is not None:
        await link(work, client)


async def part(work: Work, client: Client) -> None:
    """The client and whoever seemed to be their partner are two households; the client is the one who leaves."""
    partner = await _partner(work, client)
    client.partner_id = None
    if partner is None:
        return
    partner.partner_id = None
    if client.household_id == partner.household_id:
        _move(work, client, work.ids())


async def link(work: Work, client: Client) -> None:
    """Link the client to whom they name, or who names them; to nobody who has or names another."""
    if client.partner_id is not None:
        return
    wanted = Client.partner_index == client.bsn_index
    if client.partner_index is not None:
        wanted = Client.bsn_index == client.partner_index
    here = Client.municipality == client.municipality, Client.state.not_in(GONE), Client.id != client.id
    found = (await work.session.scalars(select(Client).where(wanted, *here).order_by(Client.id).limit(1))).first()
    if found is None or found.partner_id is not None or found.partner_index not in {None, client.bsn_index}:
        return
    client.partner_id, found.partner_id = found.id, client.id
    if client.household_id != found.household_id:
        _move(work, client, found.household_id)


async def _partner(work: Work, client: Client) -> Client | None:
    return await work.session.get(Client, client.partner_id) if client.partner_id else None


def _move(work: Work, client: Client, household_id: UUID) -> None:
    client.household_id = household_id
    event = HouseholdChanged(
        occurred_on=work.today, by=work.actor, household_id=client.household_id, household_kind=client.household_kind
    )
    work.publish(client.id, client.municipality, event)
