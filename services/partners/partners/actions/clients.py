"""What is known of clients here: the traits that a partner may be told, who is whom, and who has left."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.work import Work
from partners.tables import Client, MergedClient, Referral, ReferralStep


async def clients_of(work: Work, municipalities: Mapping[UUID, str]) -> dict[UUID, Client]:
    """The clients with these ids, by the id asked for; the survivor of a merger, and a new row for who is unknown."""
    if not municipalities:
        return {}
    survivors = await survivors_of(work, municipalities)
    wanted = {survivors.get(id, id): municipality for id, municipality in municipalities.items()}
    await work.session.execute(
        insert(Client).on_conflict_do_nothing(),
        [{"id": id, "municipality": municipality} for id, municipality in wanted.items()],
    )
    rows = await work.session.scalars(select(Client).where(Client.id.in_(wanted)).order_by(Client.id).with_for_update())
    by_id = {client.id: client for client in rows}
    return {id: by_id[survivors.get(id, id)] for id in municipalities}


async def survivors_of(work: Work, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Who these are now, for those that were merged."""
    merged = await work.session.execute(
        select(MergedClient.id, MergedClient.into).where(MergedClient.id.in_(list(ids)))
    )
    return dict(merged.all())


async def merged_into(work: Work, ids: Collection[UUID]) -> set[UUID]:
    """Those of these clients that took over another."""
    return set(await work.session.scalars(select(MergedClient.into).where(MergedClient.into.in_(list(ids)))))


async def forget(work: Work, ids: Collection[UUID]) -> None:
    """After erasure: no traits, no reasons, and no way back from a referral to the client."""
    referrals = list(await work.session.scalars(select(Referral).where(Referral.client_id.in_(ids))))
    await work.session.execute(
        update(ReferralStep)
        .where(ReferralStep.referral_id.in_([referral.id for referral in referrals]))
        .values(reason=None)
    )
    for referral in referrals:
        referral.client_id = work.ids()  # an id of nobody: the figures stay, the link goes
    await work.session.execute(delete(Client).where(Client.id.in_(ids)))
