"""A client registered twice: referrals and traits go over to who stays; and back, when that was a mistake (INT-13)."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete, select, update

from chassis.consumer import Handlers
from chassis.images import Change, OfClients
from chassis.mergers import Merger, Mergers, Undone
from chassis.work import Work
from partners.actions import referrals
from partners.actions.clients import clients_of, merged_into, survivors_of
from partners.actions.steps import Closing
from partners.rules import OPEN
from partners.tables import Client, MergedClient, Referral

_TABLES = (
    OfClients(
        Client, by=("id",), together=(("category", "track", "indications"),)
    ),
    OfClients(MergedClient, by=("id", "into")),
    OfClients(Referral, only=("client_id", "state"), followed=("state",), told=True),
)  # fmt: skip


def mergers(heard: Handlers) -> Mergers:
    """How partners merges, given what else it hears."""
    return Mergers(heard, *_TABLES, now=survivors_of, hold=_hold, merge=_merge, follow=_follow)


async def _hold(work: Work, clients: Mapping[UUID, str]) -> None:
    await clients_of(work, clients)


async def _merge(work: Work, merger: Merger) -> None:
    """The survivor takes over every referral; of two for the same purpose one remains."""
    clients = await clients_of(work, dict.fromkeys(merger.clients, merger.municipality))
    gone, survivor = clients[merger.gone], clients[merger.survivor]
    _take_over(survivor, gone)
    await work.session.flush()
    await work.session.execute(update(MergedClient).where(MergedClient.into == gone.id).values(into=survivor.id))
    work.session.add(MergedClient(id=gone.id, municipality=merger.municipality, into=survivor.id))
    await work.session.execute(update(Referral).where(Referral.client_id == gone.id).values(client_id=survivor.id))
    await work.session.execute(delete(Client).where(Client.id == gone.id))
    closing = Closing("merged", merger.on, merger.by)
    if survivor.registration_ended is not None:
        await referrals.stop_clients(work, {survivor.id: closing})
    else:
        await referrals.close_doubles(work, {survivor.id}, closing)


async def _follow(work: Work, undone: Undone) -> None:
    """What the merger closed is open again; what came late is asked for anew, for whom it was asked."""
    changes = list(undone.changed(Referral))
    closed = {each.id for each in changes if _was_closed(each)} | await _closed_since(work, undone)
    await referrals.open_again(work, closed, undone.by)


async def _closed_since(work: Work, undone: Undone) -> set[UUID]:
    """What was asked while they were one, and was a double because of that; not where another merger stands."""
    if await merged_into(work, undone.merger.clients):
        return set()
    doubles = select(Referral.id).where(
        Referral.client_id.in_(undone.merger.clients),
        Referral.state == "withdrawn",
        Referral.withdrawn_because == "merged",
    )
    return set(await work.session.scalars(doubles))


def _was_closed(change: Change) -> bool:
    return change.touched("state") and bool(change.was and change.was["state"] in OPEN)


def _take_over(survivor: Client, gone: Client) -> None:
    """What the survivor lacks, it takes from the other."""
    if survivor.category is None:
        survivor.category, survivor.track, survivor.indications = gone.category, gone.track, gone.indications
    if survivor.conversation_option is None:
        survivor.conversation_option = gone.conversation_option
