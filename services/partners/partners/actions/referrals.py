"""Referrals: asked for by routing, placed with a partner, answered by it, taken back by the municipality."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import Deadline
from chassis.problems import Conflict, Invalid
from chassis.work import Work
from contracts.partners import (
    PartnerSignalled,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralDeclined,
    ReferralEnded,
    ReferralEvent,
    ReferralHeld,
    ReferralOverdue,
    ReferralProgressed,
    ReferralStarted,
    ReferredPersonCorrected,
)
from partners.actions import steps
from partners.actions.clients import clients_of, merged_into
from partners.actions.groups import Queue, fill, replace
from partners.actions.notices import of_referral, tell
from partners.actions.registry import open_referrals, partners_of
from partners.actions.steps import LIMITS, Closing
from partners.rules import OPEN, TOLD, IllegalStep, ReasonMissing, State, Step, Terms, check_reason, choose, take
from partners.tables import Client, Referral, Signal

_SAID: dict[Step, type[ReferralEvent]] = {
    "acknowledge": ReferralAcknowledged,
    "accept": ReferralAccepted,
    "decline": ReferralDeclined,
    "start": ReferralStarted,
    "progress": ReferralProgressed,
    "hold": ReferralHeld,
    "end": ReferralEnded,
}


_ANSWERED: dict[State, Step] = {"acknowledged": "acknowledge", "accepted": "accept", "started": "start", "held": "hold"}
"""The open states into which a partner's answer leads."""


class StepOutOfOrder(Conflict):
    """The loop of a referral does not go that way."""

    slug = "referral-step-out-of-order"
    title = "The referral cannot take this step now"


class ReferralClosedAlready(Conflict):
    """Nothing is asked or answered about a referral that is closed."""

    slug = "referral-closed"
    title = "The referral is closed"


@dataclass(frozen=True)
class Requested:
    """What routing asks."""

    id: UUID
    municipality: str
    client_id: UUID
    purpose: str
    partner: str | None
    partner_kind: str
    rule: str | None
    on: date
    by: str
    at: datetime
    """By the wall clock."""
    again: bool = False
    """Asked for once more, because it was withdrawn by mistake."""


@dataclass(frozen=True)
class Answer:
    """What a partner says about a referral."""

    step: Step
    on: date
    reason: str | None = None
    outcome: str | None = None


@dataclass(frozen=True)
class Correction:
    """Of a client, what partners may be shown and is otherwise now, by its names in policy."""

    shown: frozenset[str]
    on: date
    by: str


async def request(work: Work, requests: Sequence[Requested]) -> None:
    """Take requests for referral in; one that is known already is asked for once more, after a merger was undone."""
    new = await _unknown(work, requests)
    clients = await clients_of(work, {each.client_id: each.municipality for each in requests})
    for each in requests:
        if each not in new:
            await _ask_once_more(work, each, clients[each.client_id])
    merged = await merged_into(work, [client.id for client in clients.values()])
    made = []
    for each in new:
        client = clients[each.client_id]
        referral = _referral(each, client)
        work.session.add(referral)
        steps.record(work, referral, "requested", each.on, each.by)
        if client.registration_ended is not None:
            continue
        if client.stopped_on is not None and each.on <= client.stopped_on:
            await steps.withdraw(work, [referral], Closing("client_stopped", each.on, each.by))
        elif client.id in merged:
            await close_doubles(work, [client.id], Closing("merged", each.on, each.by))
        made.append(referral)
    await place(work, [referral for referral in made if referral.state == "requested"])


async def _ask_once_more(work: Work, asked: Requested, client: Client) -> None:
    """What a merger had withdrawn, or given to another client, is this client's and open."""
    referral = await work.session.get_one(Referral, asked.id, with_for_update=True, populate_existing=True)
    referral.client_id = client.id
    if asked.again or referral.withdrawn_because == "merged":
        await open_again(work, {asked.id}, asked.by)


async def place_waiting(work: Work, client_ids: Collection[UUID]) -> None:
    """Give what was asked of these clients while they counted as gone to partners after all."""
    held = await _lock_open(work, Referral.client_id.in_(client_ids) & (Referral.state == "requested"))
    await place(work, held)


async def take_over(work: Work, imported: Sequence[Requested], states: Mapping[UUID, State]) -> None:
    """Stand where an import says that referrals are in the loop; one that is known already changes nothing."""
    new = await _unknown(work, imported)
    clients = await clients_of(work, {each.client_id: each.municipality for each in new})
    stopped: dict[UUID, Closing] = {}
    made = defaultdict[str, list[Referral]](list)
    for each in new:
        client = clients[each.client_id]
        referral = _referral(each, client)
        referral.state, referral.sent_on = states[each.id], each.on
        work.session.add(referral)
        made[each.municipality].append(referral)
        left = client.stopped_on is not None and each.on <= client.stopped_on
        if left or client.registration_ended is not None:
            stopped[client.id] = Closing("client_stopped", work.today, each.by)
    for municipality, referrals in made.items():
        partners = await partners_of(work, municipality)
        for referral in referrals:
            terms = partners.get(referral.partner or "")
            referral.partner_kind = terms.kind if terms else ""
        await steps.take_over(work, referrals, partners)
    if stopped:
        await stop_clients(work, stopped)
    if merged := await merged_into(work, [client.id for client in clients.values()]):
        await close_doubles(work, merged, Closing("merged", work.today, "import"))


async def place(work: Work, referrals: Sequence[Referral]) -> None:
    """Give each to the partner that policy names, or to the one of the kind that has most room; else staff assign."""
    for municipality in sorted({referral.municipality for referral in referrals}):
        partners = await partners_of(work, municipality)
        counts = dict(await open_referrals(work, municipality))
        to_send, to_wait = list[Referral](), list[Referral]()
        for referral in (each for each in referrals if each.municipality == municipality):
            terms = _partner_for(referral, partners, counts, work.today)
            if terms is None:
                referral.partner = None
                continue
            referral.partner = terms.id
            counts[terms.id] = counts.get(terms.id, 0) + 1
            (to_wait if terms.group else to_send).append(referral)
        await steps.send(work, to_send, partners)
        await steps.let_wait(work, to_wait)
        for referral in to_wait[:1]:
            await fill(work, _queues(to_wait), referral.requested_by)


async def assign(work: Work, referral: Referral, terms: Terms) -> None:
    """Give a referral that nobody could take to the partner that a caseworker chose."""
    if referral.state != "requested":
        raise StepOutOfOrder(f"It is {referral.state}; only one that waits for a partner is assigned.")
    client = await work.session.get(Client, referral.client_id)
    if client is not None and client.registration_ended is not None:
        raise ReferralClosedAlready("The registration of the client has ended.")
    referral.partner = terms.id
    await place(work, [referral])


async def answer(work: Work, referral: Referral, given: Answer) -> bool:
    """Take a partner's answer in; False when it had been given just so."""
    try:
        state = take(referral.state, given.step, outcome=given.outcome, ended_as=referral.outcome)  # type: ignore[arg-type] # the column holds a State, by its constraint
        if state is None:
            return False
        check_reason(given.step, given.outcome, given.reason)
    except IllegalStep as error:
        raise StepOutOfOrder(str(error), allowed=error.allowed) from error
    except ReasonMissing as error:
        raise Invalid.at("#/reason", str(error)) from error
    if referral.sent_on is not None and given.on < referral.sent_on:
        raise Invalid.at("#/on", f"lies before {referral.sent_on}, when the referral was sent")
    steps.record(work, referral, "progress" if given.step == "progress" else state, given.on, work.actor, given.reason)
    referral.outcome = given.outcome
    work.publish(referral.client_id, referral.municipality, _event(work, referral, given))
    if given.step != "progress":
        await steps.stop_limits(work, [referral])
        await steps.limit_next_step(work, [referral], await partners_of(work, referral.municipality))
    if given.step == "decline" and referral.group_id is not None:
        await replace(work, {referral.group_id}, work.actor)
    return True


async def signal(work: Work, referral: Referral, what: Any, on: date) -> Signal:
    """A partner sees that the client of an open referral is ready for a next step, or needs attention."""
    if referral.state not in TOLD:
        raise ReferralClosedAlready(f"It is {referral.state}; a signal goes with an open referral.")
    assert referral.partner is not None
    made = Signal(
        id=work.ids(), municipality=referral.municipality, referral_id=referral.id, signal=what, on=on, by=work.actor
    )
    work.session.add(made)
    event = PartnerSignalled(occurred_on=on, by=work.actor, partner=referral.partner, signal=what)
    work.publish(referral.client_id, referral.municipality, event)
    return made


async def open_again(work: Work, ids: Collection[UUID], by: str) -> None:
    """What was withdrawn by mistake goes on as it stood; a partner that knew of it is told that it has it once more.

    Who had a place in a group, or waited for one, waits again: others have gone before them.
    """
    await work.session.flush()
    withdrawn = select(Referral).where(Referral.id.in_(ids), Referral.state == "withdrawn")
    found = (await work.session.scalars(withdrawn.order_by(Referral.id).with_for_update())).all()
    stood = await steps.before_withdrawal(work, found)
    ended = select(Client.id).where(
        Client.id.in_({each.client_id for each in found}), Client.registration_ended.is_not(None)
    )
    gone = set(await work.session.scalars(ended))  # what is asked of them waits
    to_place = [each for each in found if stood[each.id] not in _ANSWERED]
    to_stand = [each for each in found if stood[each.id] in _ANSWERED and each.client_id not in gone]
    for referral in found:
        steps.record(work, referral, "requested", work.today, by)
        referral.withdrawn_because = None
    for referral in to_place:
        referral.group_id = None
    await place(work, [each for each in to_place if each.client_id not in gone])
    for referral in to_stand:
        await _stand_as_before(work, referral, stood[referral.id], by)


async def withdraw(work: Work, ids: Collection[UUID], closings: dict[UUID, Closing]) -> None:
    """Take referrals back, each for its own reason; closed ones stay as they are."""
    referrals = await _lock_open(work, Referral.id.in_(ids))
    for referral in referrals:
        await _close(work, [referral], closings[referral.id])


async def stop_clients(work: Work, closings: dict[UUID, Closing]) -> None:
    """Take back everything that is open for these clients; what was asked after the end was recorded, stands."""
    for referral in await _lock_open(work, Referral.client_id.in_(closings)):
        closing = closings[referral.client_id]
        if closing.recorded_at is None or referral.requested_at <= closing.recorded_at:
            await _close(work, [referral], closing)


async def tell_corrected(work: Work, corrections: Mapping[UUID, Correction]) -> None:
    """Tell the partners of open referrals who may see something that was corrected that they are to read it anew."""
    notices = []
    for referral in await _lock_open(work, Referral.client_id.in_(corrections)):
        if referral.state not in TOLD or referral.partner is None:
            continue  # who was told nothing yet will read what is right
        why = corrections[referral.client_id]
        terms = (await partners_of(work, referral.municipality)).get(referral.partner)
        seen = tuple(sorted(why.shown.intersection(terms.purposes.get(referral.purpose, ())))) if terms else ()
        if not seen:
            continue
        on = max(why.on, referral.since)
        steps.record(work, referral, "corrected", on, why.by)
        event = ReferredPersonCorrected(
            occurred_on=on, by=why.by, referral_id=referral.id, partner=referral.partner, fields=seen
        )
        event_id = work.publish(referral.client_id, referral.municipality, event)
        notices.append(of_referral(referral, event_id, ReferredPersonCorrected, on, fields=list(seen)))
    await tell(work, notices)


async def close_doubles(work: Work, client_ids: Collection[UUID], closing: Closing) -> None:
    """After a merger: where a client has two open referrals to a partner for a purpose, keep the one furthest along."""
    order = [*("requested", "waiting", "sent", "acknowledged", "accepted", "started", "held")]
    referrals = await _lock_open(work, Referral.client_id.in_(client_ids))
    referrals = sorted(referrals, key=lambda each: (-order.index(each.state), each.requested_on, each.id))
    kept, doubles = set[tuple[UUID, str, str]](), list[Referral]()
    for referral in referrals:
        same = (referral.client_id, referral.partner or referral.partner_kind, referral.purpose)
        doubles += [referral] if same in kept else []
        kept.add(same)
    await _close(work, doubles, closing)


async def overdue(work: Work, deadlines: Sequence[Deadline]) -> None:
    """A partner let the time for a step pass: say so, and remind it."""
    step = next(step for step, kind in LIMITS.items() if kind == deadlines[0].kind)
    by_id = {deadline.subject: deadline for deadline in deadlines}
    notices = []
    for referral in await _lock_open(work, Referral.id.in_(by_id)):
        assert referral.partner is not None
        due_on = by_id[referral.id].due_on
        assert due_on is not None
        referral.overdue_step = step
        event = ReferralOverdue(
            occurred_on=work.today,
            by="clock",
            referral_id=referral.id,
            partner=referral.partner,
            step=step,
            due_on=due_on,
        )
        event_id = work.publish(referral.client_id, referral.municipality, event)
        if by_id[referral.id].data.get(steps.UNTOLD):
            continue
        more = {"overdueStep": step, "dueOn": due_on.isoformat()}
        notices.append(of_referral(referral, event_id, ReferralOverdue, work.today, **more))
    await tell(work, notices)


async def patience_over(work: Work, deadlines: Sequence[Deadline]) -> None:
    """Groups that waited long enough go at the smallest size."""
    queues = [Queue(deadline.municipality, deadline.data["partner"]) for deadline in deadlines]
    await fill(work, queues, "clock", patience_over=True)


async def _stand_as_before(work: Work, referral: Referral, state: State, by: str) -> None:
    partners = await partners_of(work, referral.municipality)
    await steps.send(work, [referral], partners)
    steps.record(work, referral, state, work.today, by)
    said: dict[str, Any] = {"occurred_on": work.today, "by": by, "referral_id": referral.id}
    event = _SAID[_ANSWERED[state]](**said, partner=referral.partner)
    work.publish(referral.client_id, referral.municipality, event)
    await steps.stop_limits(work, [referral])
    await steps.limit_next_step(work, [referral], partners)


async def _close(work: Work, referrals: Sequence[Referral], why: Closing) -> None:
    """Withdraw, and see to the groups and queues that lose somebody."""
    before_session = {referral.group_id for referral in referrals if referral.group_id}
    queues = _queues(referral for referral in referrals if referral.state == "waiting")
    await steps.withdraw(work, referrals, why)
    await replace(work, before_session, why.by)
    await fill(work, queues, why.by)


async def _lock_open(work: Work, which: Any) -> Sequence[Referral]:
    await work.session.flush()
    found = await work.session.scalars(
        select(Referral).where(which, Referral.state.in_(OPEN)).order_by(Referral.id).with_for_update()
    )
    return found.all()


async def _unknown(work: Work, requests: Sequence[Requested]) -> list[Requested]:
    known = set(await work.session.scalars(select(Referral.id).where(Referral.id.in_([each.id for each in requests]))))
    return [each for each in requests if each.id not in known]


def _queues(referrals: Iterable[Referral]) -> list[Queue]:
    return [Queue(referral.municipality, referral.partner) for referral in referrals if referral.partner]


def _referral(requested: Requested, client: Client) -> Referral:
    return Referral(
        id=requested.id,
        municipality=requested.municipality,
        client_id=client.id,
        partner=requested.partner,
        partner_kind=requested.partner_kind,
        purpose=requested.purpose,
        rule=requested.rule,
        state="requested",
        requested_on=requested.on,
        requested_by=requested.by,
        requested_at=requested.at,
        since=requested.on,
        steps=0,
    )


def _partner_for(referral: Referral, partners: dict[str, Terms], counts: dict[str, int], on: date) -> Terms | None:
    named = partners.get(referral.partner or "")
    if named is not None:
        return named
    of_kind = [terms for terms in partners.values() if terms.kind == referral.partner_kind]
    return choose(of_kind, referral.purpose, on, counts)


def _event(work: Work, referral: Referral, given: Answer) -> ReferralEvent:
    said: dict[str, Any] = {
        "occurred_on": given.on,
        "by": work.actor,
        "referral_id": referral.id,
        "partner": referral.partner,
    }
    return _SAID[given.step](**said, **({"outcome": given.outcome} if given.outcome else {}))
