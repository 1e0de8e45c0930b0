"""What reporting hears: every event that says something about clients is counted, and told apart by these words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chassis.consumer import Handler, Handlers
from chassis.work import Work
from contracts import Envelope, Event, Model, diagnosis, intake, partners, routing
from reporting.actions.counting import count

Words = Callable[[Any], Mapping[str, Any]]
"""What of an event goes into the columns of its happening."""


def _told(event: Model, *names: str) -> dict[str, Any]:
    """Fields of an event in its own words, those it has."""
    return event.model_dump(mode="json", by_alias=True, exclude_none=True, include=set(names))


def _plain(_: Event) -> Mapping[str, Any]:
    return {}


def _what(name: str) -> Words:
    return lambda event: {"what": str(getattr(event, name))}


def _step_of(name: str, **columns: str) -> Words:
    """A step of the thing that `name` identifies; further columns by the field they take."""
    return lambda event: (
        {"ref": getattr(event, name)}
        | {column: value for column, field in columns.items() if (value := getattr(event, field)) is not None}
    )


def _registered(event: intake.ClientRegistered) -> Mapping[str, Any]:
    traits = ("age_band", "household_id", "household_kind", "permit_holder", "without_benefit")
    return {"what": event.origin, "told": _told(event, *traits)}


def _decided(event: intake.BenefitDecided) -> Mapping[str, Any]:
    return {"what": event.outcome, "ref": event.application_id, "told": _told(event, "benefit_from")}


def _imported(event: intake.CaseImported) -> Mapping[str, Any]:
    told = _told(
        event, "benefit_from", "categorised_on", "exited_on", "exit_reason", "exempted_until", "exempted_permanently",
        "indications", "last_conversation_on", "route_started_on",
    )  # fmt: skip
    return {"category": event.category, "track": event.track, "what": event.route, "told": told}


def _categorised(event: diagnosis.ClientCategorised) -> Mapping[str, Any]:
    traits = event.traits
    told = _told(traits, "basis", "confirmed", "indications") | (
        {"corrects": str(event.corrects)} if event.corrects else {}
    )
    return {
        "category": traits.category,
        "track": traits.track,
        "what": traits.status,
        "ref": event.assessment_id,
        "told": told,
        "corrects": event.corrects,
    }


def _exempted(event: diagnosis.ExemptionGranted) -> Mapping[str, Any]:
    return {"ref": event.exemption_id, "what": event.effect, "told": _told(event, "until")}


def _started(event: routing.InstrumentStarted) -> Mapping[str, Any]:
    return {"ref": event.instrument_use_id, "instrument": event.instrument, "goal": event.goal, "amount": event.cost}


def _spoken(event: routing.ConversationHeld | routing.ReviewHeld) -> Mapping[str, Any]:
    option = None if event.option is None else str(event.option)
    told = _told(event, "kind", "face_to_face", "home_visit")
    return {"ref": event.conversation_id, "what": option, "told": told, "corrects": event.corrects}


def _worked(event: routing.PartTimeWorkRecorded) -> Mapping[str, Any]:
    told = _told(event, "hours_band")
    return {"what": event.income_band, "told": told, "ref": event.work_id, "corrects": event.corrects}


def _attended(event: intake.InformationSessionHeld) -> Mapping[str, Any]:
    return {"ref": event.session_id, "what": "attended" if event.attended else "absent"}


def _tested(event: intake.LanguageTestTaken) -> Mapping[str, Any]:
    return {"what": "passed" if event.passed else "failed"}


def _indicated(event: diagnosis.IndicationDecided) -> Mapping[str, Any]:
    return {"ref": event.request_id, "what": "granted" if event.granted else "refused", "told": _told(event, "kind")}


_HANDOVER = _step_of("handover_id", corrects="corrects")
_HANDOVER_STEP = _step_of("handover_id")
_TO_TRACK = _step_of("handover_id", track="to_track")
_REFERRAL = _step_of("referral_id", partner="partner")
_EXIT = _step_of("exit_id")

WORDS: Mapping[type[Event], Words] = {
    # intake
    intake.ClientRegistered: _registered,
    intake.AgeBandChanged: _what("age_band"),
    intake.IdentityCorrected: lambda event: {"told": _told(event, "fields")},
    intake.ClientsMerged: _step_of("into"),
    intake.MergerUndone: _step_of("merger_id"),
    intake.ClientRegistrationUndone: _plain,
    intake.ClientDeceased: _plain,
    intake.ClientMovedAway: _plain,
    intake.RegistrationRestored: _what("ended_as"),
    intake.HouseholdChanged: lambda event: {"told": _told(event, "household_id", "household_kind")},
    intake.PensionAgeNears: _plain,
    intake.ClientErased: _plain,
    intake.NotificationReceived: _plain,
    intake.ApplicationFiled: _step_of("application_id"),
    intake.ApplicationWithdrawn: _step_of("application_id"),
    intake.ApplicationDiverted: _what("diverted_to"),
    intake.TermSet: _plain,
    intake.InformationSessionDue: _plain,
    intake.InformationSessionHeld: _attended,
    intake.IntakeDue: _plain,
    intake.IntakeHeld: _step_of("intake_id"),
    intake.BenefitDecided: _decided,
    intake.RestPeriodEnded: _plain,
    intake.SocialGuidanceStarted: _plain,
    intake.SocialGuidanceEnded: _plain,
    intake.IntegrationPlanDue: _plain,
    intake.IntegrationPlanMade: _step_of("plan_id"),
    intake.LanguageTestDue: _plain,
    intake.LanguageTestTaken: _tested,
    intake.LetterSent: _step_of("letter_id", what="kind", corrects="corrects"),
    intake.CaseImported: _imported,
    # diagnosis
    diagnosis.DiagnosisInvited: _what("reason"),
    diagnosis.AssessmentCompleted: _step_of("assessment_id", corrects="corrects"),
    diagnosis.AssessmentInDoubt: _step_of("assessment_id"),
    diagnosis.ClientCategorised: _categorised,
    diagnosis.IndicationRequested: _step_of("request_id", what="kind"),
    diagnosis.IndicationDecided: _indicated,
    diagnosis.ExemptionGranted: _exempted,
    diagnosis.ExemptionEnded: _step_of("exemption_id"),
    diagnosis.ReassessmentDue: _what("reason"),
    # routing
    routing.CaseworkerAssigned: _what("occasion"),
    routing.CaseworkerMissing: _plain,
    routing.CaseworkerReleased: _plain,
    routing.EmergencyAccessTaken: _plain,
    routing.RouteStarted: _step_of("route_id", what="route", track="track"),
    routing.RouteSuspended: _step_of("route_id", what="reason"),
    routing.RouteResumed: _step_of("route_id"),
    routing.RouteEnded: _step_of("route_id", what="outcome"),
    routing.InstrumentStarted: _started,
    routing.InstrumentDue: _step_of("instrument_use_id", instrument="instrument", what="kind"),
    routing.InstrumentEnded: _step_of("instrument_use_id", instrument="instrument", what="outcome"),
    routing.HandoverDue: _step_of("handover_id", track="to_track", what="reason", corrects="corrects"),
    routing.HandoverPrepared: _HANDOVER_STEP,
    routing.HandoverAccepted: _TO_TRACK,
    routing.HandoverReturned: _TO_TRACK,
    routing.HandoverEscalated: _HANDOVER_STEP,
    routing.HandoverCancelled: _HANDOVER,
    routing.ConversationDue: _what("kind"),
    routing.ConversationDueCancelled: _what("kind"),
    routing.ConversationHeld: _spoken,
    routing.ReviewDue: _plain,
    routing.ReviewHeld: _spoken,
    routing.ConversationCancelled: _step_of("conversation_id", corrects="conversation_id"),
    routing.ParticipationRecorded: _step_of("conversation_id", what="form"),
    routing.PartTimeWorkRecorded: _worked,
    routing.PartTimeWorkEnded: _step_of("work_id"),
    routing.AgreementMade: _step_of("agreement_id"),
    routing.AgreementKept: _step_of("agreement_id"),
    routing.AgreementContinued: _step_of("agreement_id"),
    routing.AgreementMissed: _step_of("agreement_id", what="step", corrects="corrects"),
    routing.AgreementReopened: _step_of("agreement_id", corrects="agreement_id"),
    routing.AgreementCancelled: _step_of("agreement_id", corrects="agreement_id"),
    routing.LadderStepTaken: _step_of("agreement_id", what="step"),
    routing.MeasureImposed: _step_of("measure_id"),
    routing.ReferralRequested: _step_of("referral_id", partner="partner", what="purpose"),
    routing.ReferralWithdrawn: _step_of("referral_id", what="reason"),
    routing.ClientExited: _step_of("exit_id", what="reason"),
    routing.ExitReverted: _EXIT,
    routing.AftercareStarted: _EXIT,
    routing.AllowancesCheckDone: _EXIT,
    routing.AftercareEnded: _EXIT,
    routing.ClientReturned: _plain,
    # partners
    partners.ReferralWaiting: _REFERRAL,
    partners.ReferralSent: _REFERRAL,
    partners.ReferralAcknowledged: _REFERRAL,
    partners.ReferralAccepted: _REFERRAL,
    partners.ReferralDeclined: _REFERRAL,
    partners.ReferralStarted: _REFERRAL,
    partners.ReferralProgressed: _REFERRAL,
    partners.ReferralHeld: _REFERRAL,
    partners.ReferralEnded: _step_of("referral_id", partner="partner", what="outcome"),
    partners.ReferralClosed: _REFERRAL,
    partners.ReferralOverdue: _step_of("referral_id", partner="partner", what="step"),
    partners.ReferralScheduled: _REFERRAL,
    partners.ReferredPersonCorrected: _REFERRAL,
    partners.PartnerSignalled: lambda event: {"partner": event.partner, "what": event.signal},
    # about a group, not a client
    partners.GroupFilled: lambda event: {"partner": event.partner, "amount": event.size},
    partners.GroupChanged: lambda event: {"partner": event.partner, "amount": event.size},
    partners.GroupSessionHeld: lambda event: {"partner": event.partner, "amount": event.attended},
}


def counted(words: Words) -> Handler:
    """Count events of one type by these words."""

    async def handle(work: Work, envelopes: Sequence[Envelope[Any]]) -> None:
        await count(work, [(envelope, words(envelope.data)) for envelope in envelopes])

    return handle


HANDLERS: Handlers = {event: counted(words) for event, words in WORDS.items()}
