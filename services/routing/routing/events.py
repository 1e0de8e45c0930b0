"""What routing hears, and what it does with it. Every handler is given a batch of one type, at most one per client."""

from collections.abc import Sequence
from typing import TypeVar

from chassis.consumer import Handlers
from chassis.work import Work
from contracts import Envelope, Event
from contracts.diagnosis import AssessmentCompleted, ClientCategorised, ExemptionEnded, ExemptionGranted
from contracts.intake import (
    AgeBandChanged,
    BenefitDecided,
    CaseImported,
    ClientDeceased,
    ClientErased,
    ClientMovedAway,
    ClientRegistered,
    ClientRegistrationUndone,
    HouseholdChanged,
    LanguageTestTaken,
    NotificationReceived,
    PensionAgeNears,
    RegistrationRestored,
    TermSet,
)
from contracts.partners import (
    PartnerSignalled,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralClosed,
    ReferralDeclined,
    ReferralEnded,
    ReferralHeld,
    ReferralOverdue,
    ReferralProgressed,
    ReferralScheduled,
    ReferralSent,
    ReferralStarted,
    ReferralWaiting,
)
from routing.actions import (
    caseworkers,
    categorising,
    duties,
    exits,
    forgetting,
    importing,
    journeys,
    merging,
    referring,
    suspending,
    worklist,
)
from routing.actions.journeys import Act
from routing.rules import last_of_month
from routing.tables import Journey, PartnerSignal

E = TypeVar("E", bound=Event)


async def _with_journeys(work: Work, envelopes: Sequence[Envelope[E]]) -> list[tuple[Journey, E]]:
    found = await journeys.of(work, envelopes)
    return [(found[envelope.subject], envelope.data) for envelope in envelopes]


async def client_registered(work: Work, envelopes: Sequence[Envelope[ClientRegistered]]) -> None:
    """A journey begins, or one that a category began is completed; what a diagnosis told stands."""
    for journey, registered in await _with_journeys(work, envelopes):
        journey.household_id, journey.household_kind = registered.household_id, registered.household_kind
        for name in ("age_band", "permit_holder", "without_benefit", "starting_qualification"):
            if getattr(journey, name) is None:
                setattr(journey, name, getattr(registered, name))


async def age_band_changed(work: Work, envelopes: Sequence[Envelope[AgeBandChanged]]) -> None:
    """A trait changes. What follows from a birthday follows at the next decision; from a corrected birth date, now.

    At pension age the journey ends.
    """
    heard = await _with_journeys(work, envelopes)
    before = {journey.client_id: caseworkers.guidance_of(work, journey) for journey, _ in heard}
    for journey, changed in heard:
        journey.age_band = changed.age_band
    reached = [(journey, Act.heard(changed)) for journey, changed in heard if changed.age_band == exits.PENSION]
    after_all_not = [(journey, Act.heard(changed)) for journey, changed in heard if changed.previous == exits.PENSION]
    await exits.reach_pension(work, reached)
    await exits.not_yet_pensioned(work, after_all_not)
    corrected = [(journey, Act(work.today, changed.by)) for journey, changed in heard if changed.by != "clock"]
    await caseworkers.follow_role(work, corrected, before)


async def pension_nears(work: Work, envelopes: Sequence[Envelope[PensionAgeNears]]) -> None:
    """It stands on the work list, so that what follows can be arranged."""
    for journey, nears in await _with_journeys(work, envelopes):
        journey.pension_by = None if nears.reached_in is None else last_of_month(nears.reached_in)
        worklist.changed(work, journey.client_id)


async def household_changed(work: Work, envelopes: Sequence[Envelope[HouseholdChanged]]) -> None:
    """The household has another form."""
    for journey, changed in await _with_journeys(work, envelopes):
        journey.household_id, journey.household_kind = changed.household_id, changed.household_kind


async def case_imported(work: Work, envelopes: Sequence[Envelope[CaseImported]]) -> None:
    """A client comes in mid-journey."""
    await importing.bring_in(work, await _with_journeys(work, envelopes))


async def benefit_decided(work: Work, envelopes: Sequence[Envelope[BenefitDecided]]) -> None:
    """Who is refused exits; a grant changes nothing here."""
    refused = [envelope for envelope in envelopes if envelope.data.outcome == "refused"]
    heard = await _with_journeys(work, refused)
    await exits.leave(
        work, [(journey, "benefit_refused", Act.heard(decided)) for journey, decided in heard if journey.active]
    )


async def client_deceased(work: Work, envelopes: Sequence[Envelope[ClientDeceased]]) -> None:
    """The journey ends; no aftercare."""
    heard = await _with_journeys(work, envelopes)
    await exits.end_registrations(work, [(journey, "deceased", Act.heard(event)) for journey, event in heard])


async def client_moved_away(work: Work, envelopes: Sequence[Envelope[ClientMovedAway]]) -> None:
    """The journey in this municipality ends."""
    heard = await _with_journeys(work, envelopes)
    await exits.end_registrations(work, [(journey, "moved_away", Act.heard(event)) for journey, event in heard])


async def registration_restored(work: Work, envelopes: Sequence[Envelope[RegistrationRestored]]) -> None:
    """Nobody died or moved away: the journey goes on as it stood."""
    heard = await _with_journeys(work, envelopes)
    await exits.reopen_registrations(work, [(journey, event.ended_as, Act.heard(event)) for journey, event in heard])


async def notified(work: Work, envelopes: Sequence[Envelope[NotificationReceived]]) -> None:
    """Who had moved away lives here again; a return begins the new journey."""
    for journey, _ in await _with_journeys(work, envelopes):
        if journey.registration_ended == "moved_away":
            journey.registration_ended = None


async def registration_undone(work: Work, envelopes: Sequence[Envelope[ClientRegistrationUndone]]) -> None:
    """Everything stops, and nobody exited."""
    heard = await _with_journeys(work, envelopes)
    await exits.undo(work, [(journey, Act.heard(event)) for journey, event in heard])


async def due_at_intake(work: Work, envelopes: Sequence[Envelope[duties.Due]]) -> None:
    """It stands on the work list from now on, with its last day."""
    await duties.begin(work, await _with_journeys(work, envelopes))


async def done_at_intake(work: Work, envelopes: Sequence[Envelope[duties.Done]]) -> None:
    """It stands on no work list any more."""
    await duties.end(work, await _with_journeys(work, envelopes))


async def language_tested(work: Work, envelopes: Sequence[Envelope[LanguageTestTaken]]) -> None:
    """Nobody waits for the test any more; lessons follow one that was not passed."""
    heard = await _with_journeys(work, envelopes)
    await duties.end(work, heard)
    for journey, tested in heard:
        referring.refer_for_language(work, journey, Act.heard(tested), passed=tested.passed)


async def client_erased(work: Work, envelopes: Sequence[Envelope[ClientErased]]) -> None:
    """Free text is forgotten."""
    await forgetting.forget(work, [journey for journey, _ in await _with_journeys(work, envelopes)])


async def client_categorised(work: Work, envelopes: Sequence[Envelope[ClientCategorised]]) -> None:
    """Track, caseworker, referral, handover."""
    await categorising.categorise(work, await _with_journeys(work, envelopes))


async def assessment_completed(work: Work, envelopes: Sequence[Envelope[AssessmentCompleted]]) -> None:
    """A proposal waits for who decides on it, on the work list."""
    for journey, completed in await _with_journeys(work, envelopes):
        journey.proposed_on = completed.occurred_on
        worklist.changed(work, journey.client_id)


async def exemption_granted(work: Work, envelopes: Sequence[Envelope[ExemptionGranted]]) -> None:
    """The route stands still, or the client is handed over."""
    await suspending.exempt(work, await _with_journeys(work, envelopes))


async def exemption_ended(work: Work, envelopes: Sequence[Envelope[ExemptionEnded]]) -> None:
    """The route goes on."""
    await suspending.end_exemption(work, await _with_journeys(work, envelopes))


async def partner_signalled(work: Work, envelopes: Sequence[Envelope[PartnerSignalled]]) -> None:
    """It shows on the journey; diagnosis hears it as well, and reassesses."""
    for journey, signalled in await _with_journeys(work, envelopes):
        work.session.add(
            PartnerSignal(
                id=work.ids(), municipality=journey.municipality, client_id=journey.client_id,
                entered_by=signalled.by, partner=signalled.partner, signal=signalled.signal, on=signalled.occurred_on,
            )
        )  # fmt: skip


HEARD: Handlers = {
    ClientRegistered: client_registered,
    AgeBandChanged: age_band_changed,
    CaseImported: case_imported,
    BenefitDecided: benefit_decided,
    ClientDeceased: client_deceased,
    ClientMovedAway: client_moved_away,
    RegistrationRestored: registration_restored,
    NotificationReceived: notified,
    PensionAgeNears: pension_nears,
    HouseholdChanged: household_changed,
    ClientRegistrationUndone: registration_undone,
    **dict.fromkeys((TermSet, *duties.OPENS), due_at_intake),
    **dict.fromkeys(duties.CLOSES, done_at_intake),
    LanguageTestTaken: language_tested,
    ClientErased: client_erased,
    AssessmentCompleted: assessment_completed,
    ClientCategorised: client_categorised,
    ExemptionGranted: exemption_granted,
    ExemptionEnded: exemption_ended,
    ReferralWaiting: referring.follow,
    ReferralScheduled: referring.follow,
    ReferralSent: referring.follow,
    ReferralAcknowledged: referring.follow,
    ReferralAccepted: referring.follow,
    ReferralDeclined: referring.follow,
    ReferralStarted: referring.follow,
    ReferralProgressed: referring.follow,
    ReferralHeld: referring.follow,
    ReferralOverdue: referring.follow,
    ReferralEnded: referring.follow,
    ReferralClosed: referring.follow,
    PartnerSignalled: partner_signalled,
}

HANDLERS: Handlers = merging.mergers(HEARD).handlers
