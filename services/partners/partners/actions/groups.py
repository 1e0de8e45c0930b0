"""Referral in groups: clients wait, a group is formed, its session is held; who falls out before it is replaced."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import ColumnElement, and_, exists, select, text

from chassis.deadlines import NewDeadline, cancel, current, set_deadline
from chassis.problems import Conflict, Invalid
from chassis.work import Work
from contracts.partners import GroupChanged, GroupFilled, GroupSessionHeld, ReferralScheduled
from partners.actions.notices import of_group, tell
from partners.actions.registry import partners_of
from partners.actions.steps import send
from partners.rules import BEGUN, FALLEN_OUT, GroupSize, Terms, full_groups
from partners.tables import PartnerGroup, Referral

PATIENCE = "group_patience"
"""The deadline after which a group of the smallest size goes; its subject is the queue."""

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:queue, 0))")


class SessionHeld(Conflict):
    """The group had its session."""

    slug = "group-session-held"
    title = "The session of this group has been recorded already"


@dataclass(frozen=True)
class Queue:
    """Who waits for the next group of a partner in a municipality."""

    municipality: str
    partner: str

    @property
    def id(self) -> UUID:
        """The same for ever, so that a deadline can be about it."""
        return uuid5(NAMESPACE_URL, f"urn:opstap:queue:{self.municipality}:{self.partner}")


async def fill(work: Work, queues: Iterable[Queue], by: str, *, patience_over: bool = False) -> None:
    """Form the groups that can be formed from who waits, and let patience run for those who remain."""
    for queue in sorted(set(queues), key=str):
        partners = await partners_of(work, queue.municipality)
        terms = partners.get(queue.partner)
        if terms is None or terms.group is None:
            continue
        await _to_the_minimum(work, queue, terms.group, partners, by)
        waiting = await _waiting(work, queue)
        groups = full_groups(waiting, terms.group, patience_over=patience_over)
        for members in groups:
            await _form(work, queue, members, partners, by)
        await _keep_patience(work, queue, terms.group, len(waiting) - sum(map(len, groups)), renewed=bool(groups))


async def replace(work: Work, group_ids: Collection[UUID], by: str) -> None:
    """Give the places of who fell out of these groups before the session to who waits longest, and tell the partner.

    Also when nobody waits: then it hears how many places are free.
    """
    for group in await _before_session(work, PartnerGroup.id.in_(group_ids)):
        queue = Queue(group.municipality, group.partner)
        partners = await partners_of(work, queue.municipality)
        await _complete(work, group, await _waiting(work, queue), partners, by, to=group.formed_with)
        await fill(work, [queue], by)


async def members_of(work: Work, group_id: UUID) -> Sequence[Referral]:
    """The referrals that are in a group, without who fell out."""
    await work.session.flush()
    found = await work.session.scalars(
        select(Referral).where(Referral.group_id == group_id, Referral.state.not_in(FALLEN_OUT)).order_by(Referral.id)
    )
    return found.all()


async def hold_session(work: Work, group: PartnerGroup, held_on: date, attended: Sequence[UUID]) -> bool:
    """Record that the session took place and who came; False when that had been recorded just so."""
    came = sorted(set(attended))
    if group.session_held_on is not None:
        if (group.session_held_on, sorted(group.attended or [])) == (held_on, came):
            return False
        raise SessionHeld(f"It was held on {group.session_held_on}.")
    if held_on < group.formed_on:
        raise Invalid.at("#/heldOn", f"lies before {group.formed_on}, when the group was formed")
    members = {referral.id for referral in await members_of(work, group.id)}
    strangers = [
        {"detail": "is not a referral of this group", "pointer": f"#/attendedReferralIds/{index}"}
        for index, referral_id in enumerate(attended)
        if referral_id not in members
    ]
    if strangers:
        raise Invalid("Only referrals of the group can attend its session.", errors=strangers)
    group.session_held_on, group.attended = held_on, came
    event = GroupSessionHeld(occurred_on=held_on, by=work.actor, partner=group.partner, attended=len(came))
    work.publish(group.id, group.municipality, event)
    return True


async def _before_session(work: Work, which: ColumnElement[bool]) -> Sequence[PartnerGroup]:
    """These groups, locked, as far as their session is to come: of nobody in them the guidance has begun."""
    await work.session.flush()
    begun = exists().where(Referral.group_id == PartnerGroup.id, Referral.state.in_(BEGUN))
    found = await work.session.scalars(
        select(PartnerGroup)
        .where(which, PartnerGroup.session_held_on.is_(None), ~begun)
        .order_by(PartnerGroup.id)
        .with_for_update()
    )
    return found.all()


async def _to_the_minimum(work: Work, queue: Queue, size: GroupSize, partners: Mapping[str, Terms], by: str) -> None:
    """No group is left below the smallest size while others wait."""
    mine = and_(PartnerGroup.municipality == queue.municipality, PartnerGroup.partner == queue.partner)
    for group in await _before_session(work, mine):
        if len(await members_of(work, group.id)) < size.min and (waiting := await _waiting(work, queue)):
            await _complete(work, group, waiting, partners, by, to=size.min)


async def _complete(
    work: Work, group: PartnerGroup, waiting: Sequence[Referral], partners: Mapping[str, Terms], by: str, *, to: int
) -> None:
    """Let who waits longest come into a group until it has so many, and say what it has become."""
    members = len(await members_of(work, group.id))
    newcomers = waiting[: max(0, to - members)]
    await _place(work, group.id, newcomers, partners)
    size = members + len(newcomers)
    vacant = max(0, group.formed_with - size)
    group.changes += 1
    event = GroupChanged(occurred_on=work.today, by=by, partner=group.partner, size=size, vacant=vacant)
    event_id = work.publish(group.id, group.municipality, event)
    await tell(work, [of_group(group, event_id, GroupChanged, work.today, size, vacant=vacant)])


async def _waiting(work: Work, queue: Queue) -> Sequence[Referral]:
    """Who waits, longest first; one transaction at a time. Who is being withdrawn right now is passed over."""
    await work.session.flush()
    await work.session.execute(_ONE_AT_A_TIME, {"queue": str(queue.id)})
    found = await work.session.scalars(
        select(Referral)
        .where(
            Referral.municipality == queue.municipality,
            Referral.partner == queue.partner,
            Referral.state == "waiting",
        )
        .order_by(Referral.requested_on, Referral.id)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def _form(work: Work, queue: Queue, members: Sequence[Referral], partners: Mapping[str, Terms], by: str) -> None:
    size = len(members)
    group = PartnerGroup(
        id=work.ids(),
        municipality=queue.municipality,
        partner=queue.partner,
        formed_on=work.today,
        formed_with=size,
        changes=0,
    )
    work.session.add(group)
    event = GroupFilled(occurred_on=work.today, by=by, partner=queue.partner, size=size)
    event_id = work.publish(group.id, queue.municipality, event)
    await tell(work, [of_group(group, event_id, GroupFilled, work.today, size)])
    await _place(work, group.id, members, partners)


async def _place(work: Work, group_id: UUID, members: Sequence[Referral], partners: Mapping[str, Terms]) -> None:
    for referral in members:
        assert referral.partner is not None
        referral.group_id = group_id
        event = ReferralScheduled(
            occurred_on=work.today,
            by=referral.requested_by,
            referral_id=referral.id,
            partner=referral.partner,
            group_id=group_id,
        )
        work.publish(referral.client_id, referral.municipality, event)
    await send(work, members, partners)


async def _keep_patience(work: Work, queue: Queue, size: GroupSize, remaining: int, *, renewed: bool) -> None:
    """Patience runs from the day on which enough clients for the smallest group waited."""
    if remaining < size.min:
        await cancel(work, {queue.id}, {PATIENCE})
    elif renewed or not await current(work.session, {queue.id}, {PATIENCE}):
        await set_deadline(
            work,
            NewDeadline(
                municipality=queue.municipality,
                subject=queue.id,
                kind=PATIENCE,
                start=work.today,
                term=size.patience,
                rule=f"{queue.partner}-patience",
                owner=queue.partner,
                data={"partner": queue.partner},
            ),
        )
