"""Who is invited to a diagnosis, and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from chassis.work import Work
from contracts.diagnosis import DiagnosisInvited, ReassessmentDue
from diagnosis.rules import REVERSIBLE
from diagnosis.tables import Assessment, Invitation


@dataclass(frozen=True, slots=True)
class Invitee:
    """A client to be invited."""

    client_id: UUID
    municipality: str
    reason: str
    on: date
    by: str
    due: str | None = None
    """Why a new assessment is due, when the client was assessed before."""


async def invite(work: Work, invitees: Sequence[Invitee]) -> None:
    """Invite these clients, each once for a reason until the next assessment; what makes one due is said each time.

    Nobody is invited because of something entered late who was assessed since.
    """
    assessed = await last_assessed(work, [each.client_id for each in invitees])
    waited = [each for each in invitees if each.client_id not in assessed or assessed[each.client_id] <= each.on]
    if not waited:
        return
    rows = {work.ids(): each for each in sorted(waited, key=lambda each: each.client_id)}
    one_open = insert(Invitation).on_conflict_do_nothing(
        index_elements=["client_id", "reason"], index_where=text("closed_on IS NULL")
    )
    values = [
        {
            "id": id,
            "municipality": each.municipality,
            "client_id": each.client_id,
            "reason": each.reason,
            "invited_on": each.on,
        }
        for id, each in rows.items()
    ]
    new = set(await work.session.scalars(one_open.returning(Invitation.id), values))
    for id, each in rows.items():
        head = {"occurred_on": each.on, "by": each.by}
        if each.due is not None:
            event = ReassessmentDue.model_validate({**head, "reason": each.due})
            work.publish(each.client_id, each.municipality, event)
        if id in new:
            invited = DiagnosisInvited.model_validate({**head, "reason": each.reason})
            work.publish(each.client_id, each.municipality, invited)


async def invite_later(work: Work, invitees: Sequence[tuple[Invitee, str, date]]) -> None:
    """Keep who would be invited, had the journey not ended as it did on a day: nobody waits for them, or is told.

    When the end was a mistake they are invited after all, whatever was heard first.
    """
    for each, ended, on in invitees:
        work.session.add(
            Invitation(
                id=work.ids(), municipality=each.municipality, client_id=each.client_id, reason=each.reason,
                invited_on=each.on, closed_on=on, closed_because=ended,
            )
        )  # fmt: skip
    await work.session.flush()


async def reopen_invitations(work: Work, clients: Collection[UUID]) -> None:
    """These clients are waited for again, once for a reason, where the end of the journey had closed it."""
    found = select(Invitation).where(Invitation.client_id.in_(clients)).order_by(Invitation.id.desc())
    rows = (await work.session.scalars(found.execution_options(populate_existing=True))).all()
    invited = {(each.client_id, each.reason) for each in rows if each.closed_on is None}
    for each in rows:
        if each.closed_because in REVERSIBLE and (each.client_id, each.reason) not in invited:
            invited.add((each.client_id, each.reason))
            each.closed_on = each.closed_because = None


async def last_assessed(work: Work, clients: Collection[UUID]) -> dict[UUID, date]:
    """The day of the last assessment of each of these clients that has one."""
    query = select(Assessment.client_id, func.max(Assessment.occurred_on)).where(Assessment.client_id.in_(clients))
    rows = await work.session.execute(query.group_by(Assessment.client_id))
    return {row[0]: row[1] for row in rows}


async def expect(work: Work, invitee: Invitee | None, client_id: UUID, reason: str, on: date) -> None:
    """After a correction: the client is expected since the day that is right, or not any more for this reason."""
    assessed = (await last_assessed(work, [client_id])).get(client_id)
    if invitee is None or (assessed is not None and assessed > invitee.on):
        await close_invitations(work, [client_id], "corrected", on, (reason,))
        return
    expected = update(Invitation).where(
        Invitation.client_id == client_id, Invitation.reason == reason, Invitation.closed_on.is_(None)
    )
    await work.session.execute(expected.values(invited_on=invitee.on))
    await invite(work, [invitee])


async def expect_later(work: Work, invitee: Invitee | None, client_id: UUID, reason: str, ended: str, on: date) -> None:
    """As `expect`, of who left on a day: what is right is what they are invited for when that end was a mistake."""
    mistaken = update(Invitation).where(
        Invitation.client_id == client_id, Invitation.reason == reason, Invitation.closed_because.in_(REVERSIBLE)
    )
    await work.session.execute(mistaken.values(closed_because="corrected"))
    if invitee is not None:
        await invite_later(work, [(invitee, ended, on)])


async def close_invitations(
    work: Work,
    clients: Collection[UUID],
    because: str,
    on: date,
    reasons: Collection[str] | None = None,
    *,
    since: date | None = None,
    until: date | None = None,
) -> None:
    """These clients are waited for no longer: for these reasons, and if invited in these days, where that is given."""
    statement = update(Invitation).where(Invitation.client_id.in_(clients), Invitation.closed_on.is_(None))
    if reasons is not None:
        statement = statement.where(Invitation.reason.in_(reasons))
    if since is not None:
        statement = statement.where(Invitation.invited_on >= since)
    if until is not None:
        statement = statement.where(Invitation.invited_on <= until)
    await work.session.execute(statement.values(closed_on=on, closed_because=because))
