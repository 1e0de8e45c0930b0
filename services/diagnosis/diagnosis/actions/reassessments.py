"""A changed policy rewrites no decision; it can ask for new assessments of those decided under the old one (POL-4)."""

from collections.abc import Collection

from sqlalchemy import select

from chassis.work import Work
from diagnosis.actions.invitations import Invitee, invite
from diagnosis.tables import Categorisation, Client


async def ask_anew(work: Work, municipality: str, categories: Collection[str]) -> int:
    """Invite every client on a journey in one of these categories, or in any; returns how many."""
    query = (
        select(Client.id)
        .join(Categorisation, Categorisation.client_id == Client.id)
        .where(Client.municipality == municipality, Client.ended.is_(None), Categorisation.until.is_(None))
    )
    if categories:
        query = query.where(Categorisation.category.in_(categories))
    found = list(await work.session.scalars(query))
    await invite(
        work,
        [Invitee(id, municipality, "reassessment", work.today, work.actor, due="policy_changed") for id in found],
    )
    return len(found)
