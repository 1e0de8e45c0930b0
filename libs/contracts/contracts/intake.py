"""What intake says: who is let in, and when they come."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from contracts.model import AgeBand, Event, HouseholdKind, Model, Origin


class IntakeEvent(Event):
    """An event of intake."""

    producer: ClassVar[str] = "intake"


class ClientRegistered(IntakeEvent):
    """A resident is known as a client, with pseudonymous traits only."""

    origin: Origin
    age_band: AgeBand
    household_id: UUID
    household_kind: HouseholdKind
    permit_holder: bool
    without_benefit: bool
    starting_qualification: bool | None = None


class AgeBandChanged(IntakeEvent):
    """A birthday moved a client to another age band."""

    age_band: AgeBand
    previous: AgeBand


class IdentityCorrected(IntakeEvent):
    """Identity data that were wrong were corrected: the names of the fields, never what stands in them."""

    fields: tuple[str, ...]
    """As the API of intake names them: `bsn`, `name`, `birth_date`, `partner_bsn`, ..."""
    shown: tuple[str, ...] = ()
    """What a partner may be shown and is otherwise now, as policy names it: `name`, `birth_year`, `address`, ..."""


class ClientsMerged(IntakeEvent):
    """The subject turned out to be registered twice: from now on it is the client `into`."""

    into: UUID


class MergerUndone(IntakeEvent):
    """A merger was a mistake: the subject is a client of its own again, beside `into`, as if there had been no merger.

    `merger_id` is the id of the `ClientsMerged` event. What was said because of that merger, or is said anew because
    of this event, carries its id as `cause`: it is not counted. What was recorded of `into` meanwhile stays there.
    """

    into: UUID
    merger_id: UUID


class ClientRegistrationUndone(IntakeEvent):
    """A registration was a mistake; nothing of it remains open."""


class ClientDeceased(IntakeEvent):
    """A client died on `occurred_on`: everything open stops, and no letter is sent."""


class ClientMovedAway(IntakeEvent):
    """A client left the municipality on `occurred_on`: everything open stops."""

    to_municipality: str | None = None


class RegistrationRestored(IntakeEvent):
    """A death or departure was recorded by mistake: everything goes on as it stood before it."""

    ended_as: Literal["deceased", "moved_away"]


class HouseholdChanged(IntakeEvent):
    """The client's household has another form, such as after the death of the partner."""

    household_id: UUID
    household_kind: HouseholdKind


class PensionAgeNears(IntakeEvent):
    """In some months the client reaches pension age: time to arrange what follows. The day itself stays in intake."""

    reached_in: date | None = None
    """The first day of the month in which it is reached; absent when it turns out not to be near after all."""


class NotificationReceived(IntakeEvent):
    """First contact at the gate, before an application."""


class ApplicationFiled(IntakeEvent):
    """An application for social assistance was filed; `short_form` when known data were reused after work."""

    application_id: UUID
    short_form: bool = False


class ApplicationWithdrawn(IntakeEvent):
    """The resident withdrew the application."""

    application_id: UUID


class ApplicationDiverted(IntakeEvent):
    """Somebody was helped at the gate, so that no application followed."""

    diverted_to: Literal["vacancy", "employer_service_point", "other"]


class TermSet(IntakeEvent):
    """Intake waits for something until a day: said when a term begins or is reckoned anew; what is said last holds.

    That it was done is said by what was done, and that the day has come by the `...Due` event of the kind.
    """

    kind: Literal["information_session", "intake", "integration_plan", "language_test"]
    due_on: date | None = None
    """The last day; absent when nobody waits for it any more though it was not done."""


class InformationSessionDue(IntakeEvent):
    """The week in which the client should have had an information session ends today."""

    due_on: date


class InformationSessionHeld(IntakeEvent):
    """The client was invited to an information session that took place."""

    session_id: UUID
    attended: bool


class IntakeDue(IntakeEvent):
    """The term for the intake after the diagnosis ends today."""

    due_on: date


class IntakeHeld(IntakeEvent):
    """The income consultant held the intake; `signals` are kinds of areas of life on which help is due."""

    intake_id: UUID
    signals: tuple[str, ...] = ()


class BenefitDecided(IntakeEvent):
    """A named professional granted or refused social assistance."""

    outcome: Literal["granted", "refused"]
    application_id: UUID | None = None
    benefit_from: date | None = None


class RestPeriodEnded(IntakeEvent):
    """A permit holder's rest period after housing is over."""


class SocialGuidanceStarted(IntakeEvent):
    """Social guidance of a permit holder began on the day of housing, and lasts until `until`.

    Said again when that day was wrong: what is said last holds.
    """

    until: date


class SocialGuidanceEnded(IntakeEvent):
    """A permit holder's social guidance has lasted its term."""


class IntegrationPlanDue(IntakeEvent):
    """The term after housing within which a permit holder has a personal integration plan ends today."""

    due_on: date


class IntegrationPlanMade(IntakeEvent):
    """A permit holder has a personal integration plan."""

    plan_id: UUID


class LanguageTestDue(IntakeEvent):
    """No proof of language was given: a test is due."""

    due_on: date


class LanguageTestTaken(IntakeEvent):
    """The language test was taken."""

    passed: bool


class LetterSent(IntakeEvent):
    """A letter went out to the client; its text stays in intake."""

    letter_id: UUID
    kind: str
    corrects: UUID | None = None
    """The letter before it that turned out to be wrong, which this one sets right."""


class ImportedSuspension(Model):
    """A time in which a term stood still: half open, without an end while it lasts."""

    start: date
    end: date | None = None


class ImportedReferral(Model):
    """A referral that the partner knows of already: it stands in the loop since a day, and nobody is asked anew."""

    referral_id: UUID
    purpose: str
    partner: str
    state: Literal["sent", "acknowledged", "accepted", "started", "held"]
    since: date


class CaseImported(IntakeEvent):
    """A client came in mid-journey, or with an ended spell of benefit: no letters, no storm of old events."""

    benefit_from: date | None = None
    category: str | None = None
    track: str | None = None
    categorised_on: date | None = None
    route: str | None = None
    route_started_on: date | None = None
    suspensions: tuple[ImportedSuspension, ...] = ()
    caseworker_id: str | None = None
    exempted_until: date | None = None
    exempted_permanently: bool = False
    indications: tuple[str, ...] = ()
    prospect_of_work: bool | None = None
    last_conversation_on: date | None = None
    exited_on: date | None = None
    exit_reason: str | None = None
    months_used: int | None = None
    """Whole months of the longest stay that were used; an unknown `route_started_on` is reckoned from them."""
    open_referrals: tuple[ImportedReferral, ...] = ()
    runs_here: bool = False
    """Of an ended spell: a later journey of the client runs here, which the end of this spell does not touch."""


class ClientErased(IntakeEvent):
    """The key of the client's identity data was destroyed: forget links and free text."""
