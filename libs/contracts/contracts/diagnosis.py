"""What diagnosis says: which category and track, by municipal policy."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from contracts.model import AgeBand, Event, Model, ReceiptReference


class DiagnosisEvent(Event):
    """An event of diagnosis."""

    producer: ClassVar[str] = "diagnosis"


class Traits(Model):
    """What others decide on, a closed list.

    scheme, category, track: where the client stands (routing, partners, reporting). status, basis, confirmed: how that
    came about (reporting). indications, exempted_*: which route and whether terms run (routing). prospect_of_work,
    permit_holder, without_benefit, starting_qualification, age_band: which caseworker and instrument (routing).
    """

    scheme: str
    category: str | None
    track: str | None
    status: Literal["decided", "in_doubt"]
    basis: Literal["assessment", "override", "correction", "import"]
    confirmed: Literal["changed", "reconfirmed"]
    indications: tuple[str, ...] = ()
    exempted_until: date | None = None
    exempted_permanently: bool = False
    prospect_of_work: bool | None = None
    permit_holder: bool | None = None
    without_benefit: bool | None = None
    starting_qualification: bool | None = None
    age_band: AgeBand | None = None


class DiagnosisInvited(DiagnosisEvent):
    """The client is invited to a diagnosis."""

    reason: Literal["information_session", "rest_period", "conversation", "handover", "reassessment", "partner_signal"]


class AssessmentCompleted(DiagnosisEvent):
    """A professional completed an assessment; a proposal follows."""

    assessment_id: UUID
    corrects: UUID | None = None


class AssessmentInDoubt(DiagnosisEvent):
    """The outcome is in doubt: a learn-work trial, and if needed a medical assessment, comes first."""

    assessment_id: UUID


class ClientCategorised(DiagnosisEvent):
    """A named professional confirmed the proposal after an assessment, or overrode it."""

    assessment_id: UUID | None
    old_category: str | None
    old_track: str | None
    traits: Traits
    receipt: ReceiptReference | None
    """Absent only where an import brought the category along."""
    corrects: UUID | None = None
    """The assessment that this one replaces, when the former was entered wrongly."""


class IndicationRequested(DiagnosisEvent):
    """An indication for a target group was requested at UWV."""

    request_id: UUID
    kind: str


class IndicationDecided(DiagnosisEvent):
    """UWV decided on a requested indication."""

    request_id: UUID
    kind: str
    granted: bool


class ExemptionGranted(DiagnosisEvent):
    """The client is exempted from the duty to look for work; `effect` is what the pack attaches to it."""

    exemption_id: UUID
    until: date | None
    """Last day, inclusive; absent when permanent."""
    effect: Literal["suspend", "handover"]


class ExemptionEnded(DiagnosisEvent):
    """The exemption no longer holds from `occurred_on` on."""

    exemption_id: UUID


class ReassessmentDue(DiagnosisEvent):
    """A new assessment is due."""

    reason: Literal[
        "exemption_ended", "indication_decided", "policy_changed", "conversation", "partner_signal", "handover"
    ]
