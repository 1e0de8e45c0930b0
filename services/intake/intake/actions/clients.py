"""What happens to a client's registration: found, corrected, died, moved away, undone."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from chassis.deadlines import cancel
from chassis.work import Work
from contracts.intake import ClientDeceased, ClientMovedAway, ClientRegistrationUndone
from contracts.model import Event
from intake.actions.letters import withdraw
from intake.identity import Identity
from intake.problems import RegistrationClosed
from intake.tables import Application, AwaitedLetter, Client, Notification, client_by_id
from intake.vault import Vault


async def open_client(work: Work, client_id: UUID) -> Client:
    """The client, whose registration must be open."""
    client = await client_by_id(work.session, client_id)
    if client.state != "registered":
        raise RegistrationClosed(f"The client is {client.state.replace('_', ' ')}.")
    return client


async def decease(work: Work, client_id: UUID, on: date) -> Client:
    """A client died: everything open stops, and no letter is sent."""
    client = await open_client(work, client_id)
    return await _end(work, client, "deceased", on, ClientDeceased(occurred_on=on, by=work.actor))


async def depart(work: Work, client_id: UUID, on: date, to: str | None) -> Client:
    """A client left the municipality: everything open stops."""
    client = await open_client(work, client_id)
    event = ClientMovedAway(occurred_on=on, by=work.actor, to_municipality=to)
    return await _end(work, client, "moved_away", on, event)


async def undo(work: Work, vault: Vault, client_id: UUID, reason: str) -> Client:
    """A registration was a mistake: nothing of it remains open."""
    client = await open_client(work, client_id)
    await withdraw(work, client)
    Identity(vault, client).write(undone_because=reason)
    event = ClientRegistrationUndone(occurred_on=work.today, by=work.actor)
    return await _end(work, client, "undone", work.today, event)


async def stop_everything(work: Work, client_ids: Collection[UUID]) -> None:
    """Deadlines, notifications, applications and awaited letters of these clients end here."""
    await cancel(work, client_ids)
    await work.session.execute(delete(AwaitedLetter).where(AwaitedLetter.client_id.in_(client_ids)))
    await _close(work, Notification, client_ids, "open")
    await _close(work, Application, client_ids, "filed")


async def _end(work: Work, client: Client, state: str, on: date, event: Event) -> Client:
    client.state, client.ended_on = state, on
    await _let_go_of_partner(work, client)
    await stop_everything(work, {client.id})
    work.publish(client.id, client.municipality, event)
    return client


async def _let_go_of_partner(work: Work, client: Client) -> None:
    """A registration that was a mistake is nobody's partner; death and departure change nothing about who was."""
    if client.state == "undone" and client.partner_id is not None:
        partner = await work.session.get(Client, client.partner_id)
        client.partner_id = None
        if partner is not None:
            partner.partner_id = None


async def _close(work: Work, table: type[Any], client_ids: Collection[UUID], state: str) -> None:
    rows = await work.session.scalars(select(table).where(table.client_id.in_(client_ids), table.state == state))
    for row in rows:
        row.state = "closed"
