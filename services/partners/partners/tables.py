"""What partners keeps. Every table has the municipality and is fenced by row-level security."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, Integer, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import NAMES

Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    """The tables of this service."""

    metadata = MetaData(naming_convention=NAMES)


class OpenHousePartner(Base):
    """A provider that joined the open house; the partners that policy names stand in the packs."""

    __tablename__ = "open_house_partners"

    municipality: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    contact: Mapped[str | None] = mapped_column(Text)
    capacity: Mapped[int | None] = mapped_column(Integer)
    """How many referrals may be open at once."""
    contract_from: Mapped[date] = mapped_column(Date)
    contract_to: Mapped[date | None] = mapped_column(Date)
    protocol: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Size and patience of a group; absent where clients are referred one to one."""
    limits: Mapped[dict[str, str]] = mapped_column(JSONB)
    """Terms by step, as written: `5 days`."""
    purposes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """By id: label and the fields that the partner may see."""
    registered_on: Mapped[date] = mapped_column(Date)
    registered_by: Mapped[str] = mapped_column(Text)


class Client(Base):
    """What may be told of a client, and whether everything of theirs has stopped."""

    __tablename__ = "clients"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(Text)
    track: Mapped[str | None] = mapped_column(Text)
    indications: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    conversation_option: Mapped[int | None] = mapped_column(Integer)
    stopped_on: Mapped[date | None] = mapped_column(Date)
    """The day on which the journey ended, by routing, while it has."""
    registration_ended: Mapped[str | None] = mapped_column(Text)
    """deceased, moved_away or undone, as intake says: no referral goes out; one that is asked waits, as routing takes
    back what it asked of who is gone, or intake takes back that they are."""


class MergedClient(Base):
    """A client id that turned out to be another client."""

    __tablename__ = "merged_clients"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    into: Mapped[UUID] = mapped_column(Uuid, index=True)


class Referral(Base):
    """One client to one partner for one purpose, from request to the end of the loop."""

    __tablename__ = "referrals"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    client_id: Mapped[UUID] = mapped_column(Uuid)
    partner: Mapped[str | None] = mapped_column(Text)
    """Absent while no partner of the kind can take the client: staff assign one."""
    partner_kind: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    rule: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    requested_on: Mapped[date] = mapped_column(Date)
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(Moment)
    """When routing asked, by the wall clock."""
    group_id: Mapped[UUID | None] = mapped_column(Uuid)
    sent_on: Mapped[date | None] = mapped_column(Date)
    sent_event: Mapped[UUID | None] = mapped_column(Uuid)
    """The event with which the partner was told: the id of its webhook."""
    since: Mapped[date] = mapped_column(Date)
    """Since when it is in this state."""
    overdue_step: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(Text)
    withdrawn_because: Mapped[str | None] = mapped_column(Text)
    steps: Mapped[int] = mapped_column(Integer)
    """How many steps were taken: the `sequence` of what the partner hears, which comes in any order."""


class ReferralStep(Base):
    """A step that was taken, with the reason that stays here."""

    __tablename__ = "referral_steps"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    referral_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    number: Mapped[int] = mapped_column(Integer)
    step: Mapped[str] = mapped_column(Text)
    """The state that it led to; or `progress`, or `corrected` when the partner was told that the person was."""
    on: Mapped[date] = mapped_column(Date)
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class PartnerGroup(Base):
    """Clients who are referred together, to one session on location."""

    __tablename__ = "partner_groups"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    partner: Mapped[str] = mapped_column(Text)
    formed_on: Mapped[date] = mapped_column(Date)
    formed_with: Mapped[int] = mapped_column(Integer)
    session_held_on: Mapped[date | None] = mapped_column(Date)
    changes: Mapped[int] = mapped_column(Integer, default=0)
    """How often somebody fell out or came in: the `sequence` of what the partner hears."""
    attended: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    """The referrals of those who came."""


class Signal(Base):
    """A partner saw something that the municipality should act on."""

    __tablename__ = "signals"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    referral_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    signal: Mapped[str] = mapped_column(Text)
    on: Mapped[date] = mapped_column(Date)
    by: Mapped[str] = mapped_column(Text)


class Endpoint(Base):
    """Where a partner is told, once it has agreed to be."""

    __tablename__ = "endpoints"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    partner: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str] = mapped_column(Text)
    """pending, active, disabled or removed."""
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    old_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_secret_until: Mapped[datetime | None] = mapped_column(Moment)
    access_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """For the receiver's Authorization header; sealed like the secrets."""
    handshake_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the receiver is to be asked for consent."""
    consent: Mapped[str | None] = mapped_column(Text)
    """handshake, or who approved it by hand."""
    rate: Mapped[int | None] = mapped_column(Integer)
    """Webhooks a minute that the receiver allows."""
    failures: Mapped[int] = mapped_column(Integer, default=0)
    failing_since: Mapped[datetime | None] = mapped_column(Moment)
    disabled_because: Mapped[str | None] = mapped_column(Text)
    registered_on: Mapped[date] = mapped_column(Date)
    registered_by: Mapped[str] = mapped_column(Text)


class Delivery(Base):
    """One message for one endpoint; the row is its schedule."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    endpoint_id: Mapped[UUID] = mapped_column(Uuid)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    """The `webhook-id`, the same at every attempt and every replay."""
    event_type: Mapped[str] = mapped_column(Text)
    subject: Mapped[UUID] = mapped_column(Uuid)
    sequence: Mapped[int] = mapped_column(Integer)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    traceparent: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    """By the wall clock."""
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The very bytes, made before the first attempt and sent at each."""
    state: Mapped[str] = mapped_column(Text)
    """pending, delivered, exhausted, or called back before it arrived."""
    attempts: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime | None] = mapped_column(Moment)
    """By the civil clock."""
    leased_until: Mapped[datetime | None] = mapped_column(Moment)
    """By the database's own clock: until then nobody else sends it."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    delivered_at: Mapped[datetime | None] = mapped_column(Moment)


class Attempt(Base):
    """One try to deliver, and how it ended."""

    __tablename__ = "attempts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    delivery_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    number: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Moment)
    """By the civil clock."""
    sent_at: Mapped[datetime] = mapped_column(Moment)
    """By the wall clock."""
    status: Mapped[int | None] = mapped_column(Integer)
    failure: Mapped[str | None] = mapped_column(Text)
    milliseconds: Mapped[int] = mapped_column(Integer)
    response: Mapped[str | None] = mapped_column(Text)
    """The beginning of what the receiver answered."""
