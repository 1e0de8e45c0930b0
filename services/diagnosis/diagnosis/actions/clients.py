"""Who the clients are, and what happens to all of theirs when they merge, leave or come back."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import literal, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from chassis.deadlines import cancel
from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts import Envelope
from diagnosis.actions.exemptions import watch
from diagnosis.actions.invitations import close_invitations, reopen_invitations
from diagnosis.problems import APersonDecides, JourneyEnded, NoPolicy
from diagnosis.rules import LEFT, REVERSIBLE, Known
from diagnosis.tables import (
    Assessment,
    Client,
    Invitation,
    Proposal,
    Receipt,
    open_proposals,
    resolve,
    running_exemptions,
)
from policy import NoPolicyInForce, Pack, UnknownMunicipality


async def client_of(work: Work, client_id: UUID) -> Client:
    """The client under whatever id, locked until the work is done; NotFound when there is none for this token."""
    now = (await resolve(work.session, [client_id]))[client_id]
    client = await work.session.scalar(
        select(Client).where(Client.id == now).with_for_update().execution_options(populate_existing=True)
    )
    if client is None:
        raise NotFound("There is no such client.")
    return client


async def active_client(work: Work, client_id: UUID) -> Client:
    """A client whose journey goes on; JourneyEnded otherwise."""
    client = await client_of(work, client_id)
    if client.ended:
        raise JourneyEnded
    return client


def known_of(client: Client) -> Known:
    """What the registration told."""
    return Known(client.age_band, client.permit_holder, client.without_benefit, client.starting_qualification)


def policy_of(work: Work, municipality: str, on: date) -> Pack:
    """The policy in force on a day; NoPolicy when there is none."""
    try:
        return work.policies.in_force(municipality, on)
    except (NoPolicyInForce, UnknownMunicipality) as reason:
        raise NoPolicy(str(reason)) from reason


def pack_of_then(work: Work, told: Envelope[Any]) -> Pack:
    """The pack by which others judged what they tell of: they may have entered it late, from before the first pack."""
    return work.policies.of_then(told.municipality, told.data.occurred_on, work.today)


def day_of(work: Work, asked: date | None, pointer: str) -> date:
    """The day on which something happened: today, or an earlier one that is entered late; never a later one."""
    day = asked or work.today
    if day > work.today:
        raise Invalid.at(pointer, f"lies in the future; today is {work.today}")
    return day


def decider(work: Work) -> str:
    """The named professional who acts; APersonDecides when it is an application."""
    if not work.actor.startswith("staff:"):
        raise APersonDecides
    return work.actor


async def clients_of(work: Work, envelopes: Sequence[Envelope[Any]]) -> dict[UUID, Client]:
    """The clients that these events are about, by the events' subjects; who is unknown gets an empty row."""
    now = await resolve(work.session, [each.subject for each in envelopes])
    rows = {now[each.subject]: {"id": now[each.subject], "municipality": each.municipality} for each in envelopes}
    empty = [{**row, "registered": False} for row in rows.values()]
    await work.session.execute(insert(Client).on_conflict_do_nothing(), empty)
    found = await work.session.scalars(
        select(Client)
        .where(Client.id.in_(rows))
        .order_by(Client.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    by_id = {client.id: client for client in found}
    return {subject: by_id[id] for subject, id in now.items()}


async def stop(work: Work, clients: Sequence[Client], because: str, on: date) -> None:
    """End everything that is open for these clients: invitations, proposals, deadlines."""
    ids = [client.id for client in clients]
    await close_invitations(work, ids, because, on)
    for proposal in await open_proposals(work.session, ids):
        proposal.close("superseded", because, on)
    await cancel(work, ids)


async def go_on(work: Work, clients: Sequence[Client]) -> None:
    """The end was a mistake: where no other end stands, what it closed is open again and what still holds watched."""
    back = [client for client in clients if client.ended is None]
    await _reopen(work, back)
    await _watch(work, back)


async def begin_anew(work: Work, clients: Sequence[Client]) -> None:
    """The client came back: what the end closed stays so, and what still holds is watched again."""
    ids = [client.id for client in clients]
    for table in (Proposal, Invitation):
        closed = update(table).where(table.client_id.in_(ids), table.closed_because.in_(REVERSIBLE))
        await work.session.execute(
            closed.values(closed_because=LEFT), execution_options={"synchronize_session": "fetch"}
        )
    await _watch(work, [client for client in clients if client.ended is None])


async def _watch(work: Work, clients: Sequence[Client]) -> None:
    await watch(work, list((await running_exemptions(work.session, [client.id for client in clients])).values()))


async def _reopen(work: Work, clients: Sequence[Client]) -> None:
    """Open again what ends closed that were mistakes: the last proposal, and an invitation for each reason."""
    ids = [client.id for client in clients]
    decided = {each.client_id for each in await open_proposals(work.session, ids)}
    proposals = select(Proposal).where(Proposal.client_id.in_(ids), Proposal.closed_because.in_(REVERSIBLE))
    for proposal in await work.session.scalars(proposals.order_by(Proposal.id.desc())):
        if proposal.client_id not in decided:
            decided.add(proposal.client_id)
            proposal.reopen()
    await reopen_invitations(work, ids)


async def forget(work: Work, clients: Collection[UUID]) -> None:
    """Drop free text, the child's birth date and the reasons of exemptions; what was decided stays, for the figures."""
    free = {"impression": None, "correction_reason": None, "child_birth_date": None}
    await work.session.execute(
        update(Assessment).where(Assessment.client_id.in_(clients)).values(**free, facts={}, barriers=[])
    )
    await work.session.execute(
        update(Receipt)
        .where(Receipt.client_id.in_(clients))
        .values(body=Receipt.body.concat(literal({"facts": {}}, JSONB)))
    )
    await work.session.execute(update(Proposal).where(Proposal.client_id.in_(clients)).values(override_reason=None))
