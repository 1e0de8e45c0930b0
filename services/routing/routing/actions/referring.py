"""Asking a partner to take a client on, and keeping up how far the partner is (ROU-7, PAR-3)."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import select

from chassis.work import Work
from contracts import Envelope
from contracts.intake import CaseImported
from contracts.partners import ReferralEnded, ReferralEvent, ReferralOverdue, ReferralScheduled, ReferralSent
from contracts.routing import ReferralRequested
from policy import ReferralRule
from routing.actions import journeys, worklist
from routing.actions.closing import withdraw
from routing.actions.journeys import Act, pack_of
from routing.actions.saying import say
from routing.rules import OPEN_REFERRAL
from routing.tables import Journey, Referral

UNHEARD = "requested"
"""The state of a referral of which nobody told yet where it stands."""
Origin = Literal["category", "conversation", "language_test", "import"]


def request(work: Work, journey: Journey, rule: ReferralRule, origin: Origin, act: Act) -> Referral:
    """Ask the partner that policy names."""
    kind = pack_of(work, journey).partners[rule.partner].kind
    return _request(work, journey, rule.partner, kind, rule.purpose, origin, rule.id, act)


def request_again(work: Work, journey: Journey, referral: Referral, act: Act) -> Referral:
    """Ask anew for what was withdrawn by mistake."""
    origin: Origin = next(each for each in get_args(Origin) if each == referral.origin)
    again = _request(
        work, journey, referral.partner, referral.partner_kind, referral.purpose, origin, referral.rule, act
    )
    again.conversation_id = referral.conversation_id
    return again


def refer_by_category(work: Work, journey: Journey, act: Act) -> None:
    """Ask for what the category calls for, once; take back what it calls for no longer (PAR-4, PAR-5)."""
    rule = pack_of(work, journey).referral_on_categorisation(journey.situation(work.today))
    wanted = (rule.partner, rule.purpose) if rule else None
    for referral in journey.open_referrals:
        if referral.origin == "category" and (referral.partner, referral.purpose) != wanted:
            withdraw(work, journey, referral, "recategorised", act)
    if rule is not None and not _asked_before(journey, rule):
        request(work, journey, rule, "category", act)


def refer_for_language(work: Work, journey: Journey, act: Act, *, passed: bool) -> None:
    """Who did not pass the language test is referred for lessons, once; who passed after all needs none (INT-10).

    Who exited is referred when that turns out to be a mistake.
    """
    if not journey.active:
        _remember_language_test(journey, act, passed=passed)
        return
    for referral in journey.open_referrals:
        if passed and referral.origin == "language_test" and referral.state != "started":
            withdraw(work, journey, referral, "other", act)
    rule = pack_of(work, journey).referral_for_language(journey.situation(work.today))
    if rule is not None and not passed and not under_way(journey, rule):
        request(work, journey, rule, "language_test", act)


def refer_for_language_since(work: Work, journey: Journey, act: Act) -> None:
    """An exit was a mistake: who did not pass a language test while it stood is referred for lessons."""
    failed_on, journey.language_failed_on = journey.language_failed_on, None
    if failed_on is not None:
        refer_for_language(work, journey, Act(failed_on, act.by), passed=False)


def _remember_language_test(journey: Journey, act: Act, *, passed: bool) -> None:
    journey.language_failed_on = None if passed else act.on
    for referral in journey.referrals:
        lessons = referral.exit_id is not None and referral.origin == "language_test"
        if passed and lessons and referral.state_at_exit != "started":
            referral.exit_id = None  # it is not asked for anew when the exit was a mistake


def take_over_referrals(work: Work, journey: Journey, case: CaseImported) -> None:
    """Stand where an import says that the client's referrals are; partners does so too, and its later word counts."""
    there = {each.id: each for each in journey.referrals}
    for told in case.open_referrals:
        referral = there.get(told.referral_id) or _unasked(journey, told.referral_id, told.partner, told.since)
        partner = pack_of(work, journey).partners.get(told.partner)
        referral.purpose, referral.partner_kind = told.purpose, partner.kind if partner else ""
        referral.requested_on = told.since
        if referral.state == UNHEARD:
            referral.state, referral.state_since = told.state, told.since


def under_way(journey: Journey, asked: ReferralRule | Referral) -> bool:
    """Whether the partner is already asked for this purpose."""
    return any(each.partner == asked.partner and each.purpose == asked.purpose for each in journey.open_referrals)


async def follow(work: Work, envelopes: Sequence[Envelope[ReferralEvent]]) -> None:
    """Take over what partners says of referrals; one that was closed here stays closed."""
    events = {envelope.data.referral_id: envelope for envelope in envelopes}
    whose = await work.session.scalars(select(Referral.client_id).where(Referral.id.in_(events)))
    found = await journeys.load(work.session, set(whose))
    known = {referral.id: referral for journey in found.values() for referral in journey.referrals}
    early = [envelope for envelope in envelopes if envelope.data.referral_id not in known]
    for envelope, journey in zip(early, await _of_imports(work, early), strict=True):
        told = envelope.data
        meanwhile = next((each for each in journey.referrals if each.id == told.referral_id), None)
        known[told.referral_id] = meanwhile or _unasked(journey, told.referral_id, told.partner, told.occurred_on)
        found[journey.client_id] = journey
    for id, event in events.items():
        _take_over(known[id], event)
    worklist.changed(work, *found)


async def _of_imports(work: Work, early: Sequence[Envelope[ReferralEvent]]) -> list[Journey]:
    """The journeys of referrals that nobody asked for here: an import brings them, or brought them at this moment."""
    found = await journeys.of(work, early) if early else {}
    return [found[envelope.subject] for envelope in early]


def _unasked(journey: Journey, id: UUID, partner: str, since: date) -> Referral:
    """A referral that the partner knew of before the client came in here; what for is told by the import."""
    referral = Referral(
        id=id, municipality=journey.municipality, entered_by="import", purpose="", partner=partner, partner_kind="",
        origin="import", rule=None, requested_on=since, state=UNHEARD, state_since=since,
    )  # fmt: skip
    journey.referrals.append(referral)
    return referral


_STATES = {
    "ReferralWaiting": "waiting",
    "ReferralScheduled": "scheduled",
    "ReferralSent": "sent",
    "ReferralAcknowledged": "acknowledged",
    "ReferralAccepted": "accepted",
    "ReferralDeclined": "declined",
    "ReferralStarted": "started",
    "ReferralProgressed": "started",
    "ReferralHeld": "held",
    "ReferralEnded": "ended",
    "ReferralClosed": "withdrawn",
}


def _take_over(referral: Referral, envelope: Envelope[ReferralEvent]) -> None:
    """What is said because a merger was undone opens what had been withdrawn."""
    event = envelope.data
    if isinstance(event, ReferralOverdue):
        referral.overdue_step, referral.overdue_on = event.step, event.due_on
        return
    opens_again = referral.state == "withdrawn" and envelope.cause is not None
    if referral.state not in OPEN_REFERRAL and not opens_again:
        return
    referral.state, referral.state_since = _STATES[type(event).__name__], event.occurred_on
    referral.partner, referral.overdue_step, referral.overdue_on = event.partner, None, None
    if isinstance(event, ReferralEnded):
        referral.outcome = event.outcome
    if isinstance(event, ReferralScheduled | ReferralSent):
        referral.group_id = event.group_id or referral.group_id
    if isinstance(event, ReferralScheduled):
        referral.session_on = event.session_on


def _asked_before(journey: Journey, rule: ReferralRule) -> bool:
    """Under way, or closed by the partner since the client has this category: nobody is sent there twice."""
    return under_way(journey, rule) or any(
        each.partner == rule.partner
        and each.purpose == rule.purpose
        and each.state != "withdrawn"
        and journey.category_since is not None
        and each.requested_on >= journey.category_since
        for each in journey.referrals
    )


def _request(
    work: Work, journey: Journey, partner: str | None, kind: str, purpose: str, origin: Origin, rule: str | None,
    act: Act,
) -> Referral:  # fmt: skip
    referral = Referral(
        id=work.ids(), municipality=journey.municipality, entered_by=act.by, purpose=purpose, partner=partner,
        partner_kind=kind, origin=origin, rule=rule, requested_on=act.on, state="requested", state_since=act.on,
    )  # fmt: skip
    journey.referrals.append(referral)
    say(
        work, journey,
        ReferralRequested(
            occurred_on=act.on, by=act.by, referral_id=referral.id, purpose=purpose, partner=partner,
            partner_kind=kind, rule=rule,
        ),
    )  # fmt: skip
    return referral
