"""What diagnosis keeps. Every row is a municipality's; nothing here tells who a client is."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Text,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from chassis.database import NAMES

Moment = TIMESTAMP(timezone=True)


class Base(DeclarativeBase):
    """The tables of diagnosis."""

    metadata = MetaData(naming_convention=NAMES)


class Client(Base):
    """A client with the traits that others told; empty until the registration is heard."""

    __tablename__ = "clients"
    __table_args__ = (Index("ix_clients_caseload", "municipality", "id", postgresql_where=text("ended IS NULL")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    registered: Mapped[bool] = mapped_column(default=False)
    age_band: Mapped[str | None] = mapped_column(Text)
    permit_holder: Mapped[bool | None]
    without_benefit: Mapped[bool | None]
    starting_qualification: Mapped[bool | None]
    registration_ended: Mapped[str | None] = mapped_column(Text)
    """deceased, moved_away or undone, as intake tells."""
    registration_ended_on: Mapped[date | None]
    exited_on: Mapped[date | None]
    """Since when the journey has ended, as routing tells."""
    ended: Mapped[str | None] = mapped_column(Text)
    """Why nothing more is to happen: the word of intake, or else exited."""
    ended_on: Mapped[date | None]

    def end_registration(self, because: str | None, on: date | None = None) -> None:
        """Intake ended the registration, or with None opened it again."""
        self.registration_ended, self.registration_ended_on = because, on if because else None
        self._settle()

    def exit(self, on: date | None) -> None:
        """Routing ended the journey, or with None lets it go on."""
        self.exited_on = on
        self._settle()

    def _settle(self) -> None:
        """Two services can end it, and it goes on when neither does: so the order in which they are heard is free."""
        self.ended = self.registration_ended or ("exited" if self.exited_on else None)
        self.ended_on = self.registration_ended_on or self.exited_on


class MergedClient(Base):
    """A client that turned out to be another one."""

    __tablename__ = "merged_clients"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    into: Mapped[UUID] = mapped_column(index=True)


class Invitation(Base):
    """An invitation to a diagnosis; the next assessment closes it."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index("uq_invitations_open", "client_id", "reason", unique=True, postgresql_where=text("closed_on IS NULL")),
        Index("ix_invitations_work_list", "invited_on", "id", postgresql_where=text("closed_on IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(Text)
    invited_on: Mapped[date]
    closed_on: Mapped[date | None]
    closed_because: Mapped[str | None] = mapped_column(Text)


class Assessment(Base):
    """What a professional found on a day. Never changed: a wrong one is replaced by a correction that names it."""

    __tablename__ = "assessments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID] = mapped_column(index=True)
    questionnaire: Mapped[str] = mapped_column(Text)
    questionnaire_version: Mapped[str] = mapped_column(Text)
    setting: Mapped[str] = mapped_column(Text)
    """Filled in at a group session, or alone."""
    occurred_on: Mapped[date]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    barriers: Mapped[list[str]] = mapped_column(JSONB)
    """The areas of life, as the policy names them, that stand in the way."""
    child_birth_date: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of the youngest child, sealed."""
    impression: Mapped[str | None] = mapped_column(Text)
    corrects: Mapped[UUID | None] = mapped_column(unique=True)
    correction_reason: Mapped[str | None] = mapped_column(Text)
    entered_by: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(Moment)


class Receipt(Base):
    """Why policy proposes what it proposes, as it was on that day."""

    __tablename__ = "receipts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID] = mapped_column(index=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Proposal(Base):
    """What policy makes of an assessment, until a named professional decides."""

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'confirmed', 'overridden', 'superseded', 'corrected')", name="state"),
        CheckConstraint("status IN ('decided', 'in_doubt', 'undecided')", name="status"),
        Index("uq_proposals_open", "client_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_proposals_state", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID] = mapped_column(index=True)
    assessment_id: Mapped[UUID] = mapped_column(ForeignKey(Assessment.id), unique=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey(Receipt.id), unique=True)
    state: Mapped[str] = mapped_column(Text, default="open")
    status: Mapped[str] = mapped_column(Text)
    scheme: Mapped[str] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(Text)
    track: Mapped[str | None] = mapped_column(Text)
    caseworker_role: Mapped[str | None] = mapped_column(Text)
    referral_partner: Mapped[str | None] = mapped_column(Text)
    made_on: Mapped[date]
    decided_category: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_on: Mapped[date | None]
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    override_reason: Mapped[str | None] = mapped_column(Text)
    closed_on: Mapped[date | None]
    closed_because: Mapped[str | None] = mapped_column(Text)
    """Why it was superseded: assessed, merged, or why the client's journey ended."""

    assessment: Mapped[Assessment] = relationship(lazy="joined", innerjoin=True)
    receipt: Mapped[Receipt] = relationship(lazy="joined", innerjoin=True)

    def close(self, state: str, because: str, on: date) -> None:
        """It gives way without a decision."""
        self.state, self.closed_because, self.closed_on = state, because, on

    def reopen(self) -> None:
        """Nothing had closed it after all, and nobody had decided on it."""
        self.state, self.closed_because, self.closed_on = "open", None, None
        self.decided_category = self.decided_by = self.decided_on = self.decided_at = self.override_reason = None

    @property
    def rule(self) -> str | None:
        """The rule of the policy that decided; none where a professional decided against it."""
        return None if self.state == "overridden" else self.receipt.body["rule"]


class Opened(Base):
    """Who looked at which proposal; nobody confirms what they have not seen (DIA-12)."""

    __tablename__ = "opened"

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey(Proposal.id), primary_key=True)
    by: Mapped[str] = mapped_column(Text, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Moment)


class Categorisation(Base):
    """The category in which a client stands or stood; the one without an end is the present one."""

    __tablename__ = "categories"
    __table_args__ = (
        Index("uq_categories_current", "client_id", unique=True, postgresql_where=text("until IS NULL")),
        Index("ix_categories_client", "client_id", "position"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    """The order of recording."""
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID]
    scheme: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    track: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    since: Mapped[date]
    until: Mapped[date | None]
    """The first day on which it no longer holds."""
    assessment_id: Mapped[UUID | None]
    receipt_id: Mapped[UUID | None]
    decided_by: Mapped[str] = mapped_column(Text)
    corrected: Mapped[bool] = mapped_column(default=False)
    """It came from an assessment that was corrected since."""


class Exemption(Base):
    """An exemption from the duty to look for work. Its reason stands in the assessment, nowhere else."""

    __tablename__ = "exemptions"
    __table_args__ = (
        Index("uq_exemptions_running", "client_id", unique=True, postgresql_where=text("ended_on IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID] = mapped_column(index=True)
    granted_on: Mapped[date]
    until: Mapped[date | None]
    """The last day; absent when permanent."""
    effect: Mapped[str] = mapped_column(Text)
    ended_on: Mapped[date | None]
    """The first day on which it no longer holds."""
    assessment_id: Mapped[UUID | None] = mapped_column(index=True)
    """The assessment on which it was granted."""
    ended_by: Mapped[UUID | None] = mapped_column(index=True)
    """The assessment on which it was decided that it ended."""

    @property
    def permanent(self) -> bool:
        """Granted without an end."""
        return self.until is None


class IndicationRequest(Base):
    """An indication for a target group, asked of UWV."""

    __tablename__ = "indication_requests"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(Text)
    requested_on: Mapped[date]
    requested_by: Mapped[str] = mapped_column(Text)
    decided_on: Mapped[date | None]
    decided_by: Mapped[str | None] = mapped_column(Text)
    granted: Mapped[bool | None]


class Travel(Base):
    """Something that another service told of a client's way: a route, a referral, a cost, a conversation, a handover.

    Kept in the words of the event, and folded when it is asked for (`diagnosis.trials.course`): so the order in which
    it is heard makes no difference.
    """

    __tablename__ = "travels"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID] = mapped_column(index=True)
    type: Mapped[str] = mapped_column(Text)
    data: Mapped[str] = mapped_column(Text)
    """The event itself, as JSON."""
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    sequence: Mapped[int] = mapped_column(BigInteger)
    """Its place in what its producer said."""


class PolicyTrial(Base):
    """A draft of the policy, run against the whole present caseload without changing anything (POL-6)."""

    __tablename__ = "policy_trials"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'finished', 'failed')", name="state"),
        Index("ix_policy_trials_ahead", "id", postgresql_where=text("state IN ('waiting', 'running')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    on_day: Mapped[date]
    files: Mapped[dict[str, str]] = mapped_column(JSONB)
    """The draft, whole: the texts of its files by name, with the shared parts it builds on."""
    draft: Mapped[dict[str, str]] = mapped_column(JSONB)
    """Id, version and digest of the pack that was tried."""
    present: Mapped[dict[str, str]] = mapped_column(JSONB)
    """The same of the pack in force on the day, with which it is compared."""
    asked_by: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    clients: Mapped[int | None]
    """How many there are; not known before it runs."""
    clients_done: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class TrialMove(Base):
    """What a trial found to change for one client."""

    __tablename__ = "policy_trial_moves"

    trial_id: Mapped[UUID] = mapped_column(ForeignKey(PolicyTrial.id, ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)


OF_CLIENT = (Invitation, Assessment, Receipt, Proposal, Categorisation, Exemption, IndicationRequest, Travel)
"""Whose rows belong to a client, and follow it in a merger."""


async def resolve(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Under which id each of these clients goes now."""
    asked = set(ids)
    merged = await session.scalars(select(MergedClient).where(MergedClient.id.in_(asked)))
    return {id: id for id in asked} | {each.id: each.into for each in merged}


async def open_proposals(session: AsyncSession, clients: Collection[UUID]) -> list[Proposal]:
    """The proposals of these clients on which nobody has decided."""
    return list(
        await session.scalars(select(Proposal).where(Proposal.client_id.in_(clients), Proposal.state == "open"))
    )


async def present_categories(session: AsyncSession, clients: Collection[UUID]) -> dict[UUID, Categorisation]:
    """Where these clients stand."""
    found = await session.scalars(
        select(Categorisation).where(Categorisation.client_id.in_(clients), Categorisation.until.is_(None))
    )
    return {each.client_id: each for each in found}


async def running_exemptions(session: AsyncSession, clients: Collection[UUID]) -> dict[UUID, Exemption]:
    """The exemptions that these clients have."""
    found = await session.scalars(
        select(Exemption).where(Exemption.client_id.in_(clients), Exemption.ended_on.is_(None))
    )
    return {each.client_id: each for each in found}
