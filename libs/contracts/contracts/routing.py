"""What routing says: which caseworker, which next step, by when, and where it ends."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from contracts.model import Event

ExitReason = Literal[
    "work",
    "self_employment",
    "education",
    "enforcement",
    "moved_away",
    "pension_age",
    "deceased",
    "benefit_refused",
    "other",
]


class RoutingEvent(Event):
    """An event of routing."""

    producer: ClassVar[str] = "routing"


class CaseworkerAssigned(RoutingEvent):
    """The client has a caseworker of the role that policy names; a change is a warm handover."""

    caseworker_id: str
    role: str
    previous_id: str | None = None
    occasion: Literal["categorised", "handover", "transfer", "import"]
    besides: tuple[str, ...] = ()
    """Roles that guide the client besides the caseworker."""


class CaseworkerMissing(RoutingEvent):
    """No caseworker of the role is available: the client stands on the team manager's list."""

    role: str


class CaseworkerReleased(RoutingEvent):
    """Nobody guides the client any more: a merger had given them the caseworker of another, and was undone."""


class StaffChanged(RoutingEvent):
    """Somebody came to work in a municipality, left, or changed team or roles."""

    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "staff"

    staff_id: str
    roles: tuple[str, ...]
    team: str | None
    manages: tuple[str, ...]
    """The teams that they manage."""
    active: bool


class DeputyChosen(RoutingEvent):
    """Somebody stands in for a colleague, from a day to a day; the subject is the absence, which may be said again."""

    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "staff"

    staff_id: str
    deputy_id: str
    first_day: date
    last_day: date | None


class DeputyReleased(RoutingEvent):
    """Nobody stands in for a colleague any more: the deputy left, or nobody is away; the subject is the absence."""

    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "staff"

    staff_id: str
    deputy_id: str


class EmergencyAccessTaken(RoutingEvent):
    """Somebody who does not see the client does until a moment on the wall clock; the reason stays in routing."""

    access_id: UUID
    staff_id: str
    until: datetime


class RouteStarted(RoutingEvent):
    """A route began; on the way to work its first start begins the longest stay."""

    route_id: UUID
    route: str
    track: str


class RouteSuspended(RoutingEvent):
    """The route stands still from `occurred_on`, and so do its terms."""

    route_id: UUID
    reason: Literal["exemption", "illness", "stay_abroad", "other"]


class RouteResumed(RoutingEvent):
    """The route goes on; `due_on` is the end of the longest stay as reckoned now."""

    route_id: UUID
    due_on: date | None = None


class RouteEnded(RoutingEvent):
    """A route came to its end."""

    route_id: UUID
    route: str
    outcome: Literal["completed", "exit", "handover", "recategorised", "stopped"]


class InstrumentStarted(RoutingEvent):
    """An instrument of the basket is used, with its cost in euros and its goal."""

    instrument_use_id: UUID
    instrument: str
    goal: Literal["work", "education", "participation", "language", "diagnosis"]
    cost: Decimal


class InstrumentDue(RoutingEvent):
    """The time that policy gives the use of an instrument ends today: as a rule, or at the longest."""

    instrument_use_id: UUID
    instrument: str
    kind: Literal["usual_use", "longest_use"]
    due_on: date


class InstrumentEnded(RoutingEvent):
    """The use of an instrument ended."""

    instrument_use_id: UUID
    instrument: str
    outcome: Literal["completed", "stopped"]
    exit_id: UUID | None = None
    """The exit that stopped it; when that was a mistake, the use goes on."""


class HandoverDue(RoutingEvent):
    """The client is to be handed over to the other track.

    Said again of the same handover, which it then names as what it corrects: when it fell due on another day than was
    said, or goes on after an exit that was a mistake.
    """

    handover_id: UUID
    to_track: str
    reason: Literal["longest_stay", "categorised", "readiness", "permanent_exemption"]
    due_on: date
    corrects: UUID | None = None


class HandoverPrepared(RoutingEvent):
    """The file for the receiving team is ready; it must accept by `accept_by`."""

    handover_id: UUID
    accept_by: date
    to_role: str | None = None
    """The role that receives the client, where policy names one."""


class HandoverAccepted(RoutingEvent):
    """The receiving team took the client over."""

    handover_id: UUID
    to_track: str


class HandoverReturned(RoutingEvent):
    """The receiving team sent the client back, with a reason (kept in routing)."""

    handover_id: UUID
    to_track: str


class HandoverEscalated(RoutingEvent):
    """The term for acceptance passed; the team manager is asked."""

    handover_id: UUID


class HandoverCancelled(RoutingEvent):
    """The handover is no longer needed: the client exited, moved away, died or was categorised anew.

    One that was said to be due and never was, because of a mistake or a late entry, names itself as what it corrects.
    """

    handover_id: UUID
    corrects: UUID | None = None


class ConversationDue(RoutingEvent):
    """A conversation is due today."""

    kind: str
    due_on: date


class ConversationDueCancelled(RoutingEvent):
    """A conversation or review that was said to be due was not: something was entered late, or had been a mistake."""

    kind: str
    due_on: date


class ConversationHeld(RoutingEvent):
    """A conversation took place; `option` is what it ended in, by number in the policy.

    A correction is a conversation that names the one it replaces, and the option that stood there.
    """

    conversation_id: UUID
    kind: str
    option: int | None = None
    face_to_face: bool = True
    home_visit: bool = False
    corrects: UUID | None = None
    corrected_option: int | None = None


class ReviewDue(RoutingEvent):
    """The yearly review is due today."""

    due_on: date


class ReviewHeld(RoutingEvent):
    """The yearly review took place; `option` and corrections as for a conversation."""

    conversation_id: UUID
    option: int | None = None
    face_to_face: bool = True
    home_visit: bool = False
    corrects: UUID | None = None
    corrected_option: int | None = None


class ConversationCancelled(RoutingEvent):
    """A conversation or review that was recorded never took place; `option` is what stood there."""

    conversation_id: UUID
    option: int | None = None


class ParticipationRecorded(RoutingEvent):
    """In which form a client takes part in society; `conversation_id` is the conversation that ended so."""

    form: Literal["volunteer", "informal_care", "social_activity", "none"]
    conversation_id: UUID | None = None


class PartTimeWorkRecorded(RoutingEvent):
    """Part-time work while on benefit: hours a week and income a month, in bands.

    A correction is work that names the work it replaces.
    """

    hours_band: Literal["0-8", "9-16", "17-24", "25-31", "32+"]
    income_band: Literal["0-250", "251-500", "501-750", "751-1000", "1001+"]
    work_id: UUID | None = None
    corrects: UUID | None = None


class PartTimeWorkEnded(RoutingEvent):
    """A client on benefit worked part-time until `occurred_on`."""

    work_id: UUID
    exit_id: UUID | None = None
    """The exit that ended it; when that was a mistake, the work goes on."""


class AgreementMade(RoutingEvent):
    """Something was agreed with the client, to be done by `due_on`; its text stays in routing.

    A correction is an agreement that names the one it replaces.
    """

    agreement_id: UUID
    due_on: date | None = None
    conversation_id: UUID | None = None
    corrects: UUID | None = None


class AgreementKept(RoutingEvent):
    """The client did what was agreed."""

    agreement_id: UUID


class AgreementContinued(RoutingEvent):
    """An agreement goes on, to be done by `due_on`."""

    agreement_id: UUID
    due_on: date | None = None


class AgreementReopened(RoutingEvent):
    """That an agreement was kept, or was not, had been recorded by mistake."""

    agreement_id: UUID


class AgreementCancelled(RoutingEvent):
    """The conversation in which something was agreed never took place."""

    agreement_id: UUID


class AgreementMissed(RoutingEvent):
    """An agreement was not kept; `step` is the rung of the ladder that follows.

    Said again when another rung follows because of a correction: then `corrects` is the agreement itself.
    """

    agreement_id: UUID
    step: Literal["talk", "influence", "measure"]
    corrects: UUID | None = None


class LadderStepTaken(RoutingEvent):
    """What follows an agreement that was not kept took place; a measure has an event of its own."""

    agreement_id: UUID
    step: Literal["talk", "influence"]


class MeasureImposed(RoutingEvent):
    """A named professional reduced the benefit for a time; its ground stays in routing."""

    measure_id: UUID


class ReferralRequested(RoutingEvent):
    """A partner of the kind is asked to take the client on; `partner` where policy names one."""

    referral_id: UUID
    purpose: str
    partner: str | None
    partner_kind: str
    rule: str | None = None


class ReferralWithdrawn(RoutingEvent):
    """The referral is taken back."""

    referral_id: UUID
    reason: Literal["exit", "deceased", "moved_away", "merged", "recategorised", "undone", "other"]


class ClientExited(RoutingEvent):
    """The journey ended."""

    exit_id: UUID
    reason: ExitReason


class ExitReverted(RoutingEvent):
    """The exit was a mistake: the journey goes on as it stood."""

    exit_id: UUID


class AftercareStarted(RoutingEvent):
    """Aftercare after an exit to work runs until `until`."""

    exit_id: UUID
    until: date


class AllowancesCheckDone(RoutingEvent):
    """The allowances check after an exit to work was done."""

    exit_id: UUID


class AftercareEnded(RoutingEvent):
    """Aftercare is over."""

    exit_id: UUID


class ClientReturned(RoutingEvent):
    """A client came back to benefit after an exit."""
