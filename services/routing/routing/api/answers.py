"""What the resources of routing look like."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field, PlainSerializer, StringConstraints, WithJsonSchema

from chassis.models import AnswerModel, OptionalDay
from chassis.security import Role

ENTERS = (Role.FRONT_END, Role.CASEWORKER, Role.TEAM_MANAGER)
"""Who enters what happens on a journey, and reads it."""

ClientId = Annotated[UUID, Path(description="The client's id, the same in all services")]

StaffId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""Who on the staff: the `sub` of their access tokens."""

Hours = Annotated[
    Decimal,
    Field(ge=1, le=60, decimal_places=2),
    PlainSerializer(float, return_type=float),
    WithJsonSchema({"type": "number", "minimum": 1, "maximum": 60, "multipleOf": 0.01}),
]
"""Hours a week that somebody works."""

Euros = Annotated[
    Decimal,
    PlainSerializer(float, return_type=float),
    WithJsonSchema({"type": "number", "description": "Euros, in cents at most"}),
]


Amount = Annotated[
    Decimal,
    Field(ge=0, max_digits=12, decimal_places=2),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 9_999_999_999, "multipleOf": 0.01}),
]
"""Euros as entered, in cents at most."""


def located(response: Response, path: str) -> None:
    """Say where what was made is found."""
    response.headers["Location"] = f"/v1{path}"


class RouteAnswer(AnswerModel):
    """A path that the client is or was on."""

    id: UUID
    client_id: UUID
    municipality: str
    route: str
    track: str
    started_on: date
    suspended_on: OptionalDay
    ended_on: OptionalDay
    outcome: str | None


class SuspensionAnswer(AnswerModel):
    """Time in which the terms of a route stand still; it goes on from `end`."""

    id: UUID
    client_id: UUID
    municipality: str
    reason: str
    start: date
    end: OptionalDay
    exemption_id: UUID | None


class HandoverAnswer(AnswerModel):
    """The passage of a client to the other track."""

    id: UUID
    client_id: UUID
    municipality: str
    from_track: str
    to_track: str
    reason: Literal["longest_stay", "categorised", "readiness", "permanent_exemption"]
    state: Literal["due", "prepared", "returned", "accepted", "cancelled"]
    due_on: date
    prepared_on: OptionalDay
    accept_by: OptionalDay
    escalated_on: OptionalDay
    closed_on: OptionalDay
    note: str | None
    return_reason: str | None


class TransferAnswer(AnswerModel):
    """A client who went on with another caseworker; without `toId`, on the team manager's list.

    Without `fromId` nobody guided the client before.
    """

    id: UUID
    client_id: UUID
    municipality: str
    from_id: str | None
    to_id: str | None
    on: date
    note: str | None


class ReferralAnswer(AnswerModel):
    """A referral, as far as partners told of it."""

    id: UUID
    purpose: str
    partner: str | None
    partner_kind: str
    origin: str
    requested_on: date
    state: str
    state_since: date
    outcome: str | None
    overdue_step: str | None
    group_id: UUID | None
    session_on: OptionalDay


class ExitAnswer(AnswerModel):
    """The end of a journey."""

    id: UUID
    client_id: UUID
    municipality: str
    reason: str
    on: date
    aftercare: str | None
    aftercare_until: OptionalDay
    allowances_check: str | None
    ground: str | None
    reverted_on: OptionalDay
    returned_on: OptionalDay


class ConversationAnswer(AnswerModel):
    """A conversation with a client."""

    id: UUID
    client_id: UUID
    municipality: str
    kind: str
    held_on: date
    option: int | None
    face_to_face: bool
    home_visit: bool
    areas: dict[str, str]
    """What was said, by area of life."""
    corrects_id: UUID | None
    corrected_on: OptionalDay
    """Since when it does not stand any more."""


class InstrumentUseAnswer(AnswerModel):
    """An instrument of the basket in use; `endsBy` is the last day that policy allows."""

    id: UUID
    client_id: UUID
    municipality: str
    instrument: str
    goal: str
    cost: Euros
    started_on: date
    ends_by: OptionalDay
    ended_on: OptionalDay
    outcome: str | None


class AgreementAnswer(AnswerModel):
    """What a client agreed to do."""

    id: UUID
    client_id: UUID
    municipality: str
    agreed: str | None
    agreed_on: date
    area: str | None
    due_on: OptionalDay
    state: Literal["open", "kept", "missed", "continued", "corrected"]
    conversation_id: UUID | None
    continues_id: UUID | None
    """The former agreement that goes on as this one."""
    corrects_id: UUID | None
    kept_on: OptionalDay
    continued_on: OptionalDay
    missed_on: OptionalDay
    step: str | None
    """The rung of the ladder that follows."""
    step_taken_on: OptionalDay


class MeasureAnswer(AnswerModel):
    """A reduction of benefit."""

    id: UUID
    client_id: UUID
    municipality: str
    agreement_id: UUID | None
    ground: str | None
    percentage: int
    starts_on: date
    ends_on: date


class PartTimeWorkAnswer(AnswerModel):
    """Part-time work while on benefit."""

    id: UUID
    client_id: UUID
    municipality: str
    month_from: date
    hours_per_week: int
    income_per_month: Euros
    ended_on: OptionalDay
    corrects_id: UUID | None
    corrected_on: OptionalDay


class PartnerSignalAnswer(AnswerModel):
    """What a partner saw."""

    id: UUID
    partner: str
    signal: str
    on: date


class DeadlineAnswer(AnswerModel):
    """A day by which something is due, with how it was reckoned; without `dueOn` it stands still."""

    id: UUID
    kind: str
    ref: UUID | None
    rule: str
    owner: str | None
    """Who sees to it today: the caseworker, who stands in while they are away, or else the team's manager."""
    reckoned_from: date
    due_on: OptionalDay
    original_due_on: date
    state: str
    missed: bool
    fired_on: OptionalDay
    moved_because: str | None
    because: list[str]


class OpenRoute(AnswerModel):
    """A route that policy opens to the client, with the instruments that it is made of."""

    id: str
    label: str
    kind: str
    instruments: list[str]


class JourneyAnswer(AnswerModel):
    """Where a client stands, and all that happened on the way."""

    client_id: UUID
    municipality: str
    household_id: UUID | None
    state: Literal["active", "exited"]
    track: str | None
    track_since: OptionalDay
    category: str | None
    category_since: OptionalDay
    caseworker_id: str | None
    caseworker_role: str | None
    besides: list[str]
    """Roles that guide the client besides the caseworker."""
    waiting_since: OptionalDay
    """Since when no caseworker of the role is available."""
    last_conversation_on: OptionalDay
    open_routes: list[OpenRoute]
    routes: list[RouteAnswer]
    suspensions: list[SuspensionAnswer]
    handovers: list[HandoverAnswer]
    transfers: list[TransferAnswer]
    referrals: list[ReferralAnswer]
    exits: list[ExitAnswer]
    conversations: list[ConversationAnswer]
    instruments: list[InstrumentUseAnswer]
    agreements: list[AgreementAnswer]
    measures: list[MeasureAnswer]
    part_time_work: list[PartTimeWorkAnswer]
    partner_signals: list[PartnerSignalAnswer]
    deadlines: list[DeadlineAnswer]
