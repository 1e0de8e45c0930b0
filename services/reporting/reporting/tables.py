"""What reporting keeps: one row per event, the histories made of them, and the reports."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Boolean, Date, DateTime, Identity, Index, MetaData, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import NAMES


class Base(DeclarativeBase):
    """All tables of reporting; each row belongs to a municipality."""

    metadata = MetaData(naming_convention=NAMES)

    municipality: Mapped[str] = mapped_column(Text)


class Happening(Base):
    """An event that is counted, as it was heard; never changed. Every figure is traced back to these."""

    __tablename__ = "happenings"
    __table_args__ = (
        Index(None, "municipality", "kind", "occurred_on"),
        Index(None, "client_id", "occurred_on"),
        Index(None, "ref"),
        Index("ix_happenings_corrects", "corrects", postgresql_where="corrects IS NOT NULL"),
        Index("ix_happenings_cause", "cause", postgresql_where="cause IS NOT NULL"),
    )

    event_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    client_id: Mapped[UUID] = mapped_column(Uuid)
    """The event's subject: a client, or the group that a group's event is about."""
    kind: Mapped[str] = mapped_column(Text)
    """The event's class, such as ClientExited."""
    occurred_on: Mapped[date] = mapped_column(Date)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    known_on: Mapped[date] = mapped_column(Date)
    """The civil day on which it was recorded."""
    by: Mapped[str] = mapped_column(Text)
    """Who decided or entered it."""
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """All that the event says besides, by the names of the catalogue."""
    category: Mapped[str | None] = mapped_column(Text)
    track: Mapped[str | None] = mapped_column(Text)
    what: Mapped[str | None] = mapped_column(Text)
    partner: Mapped[str | None] = mapped_column(Text)
    instrument: Mapped[str | None] = mapped_column(Text)
    goal: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    ref: Mapped[UUID | None] = mapped_column(Uuid)
    corrects: Mapped[UUID | None] = mapped_column(Uuid)
    """The `ref` of earlier events that do not count any more because of this one."""
    told: Mapped[dict[str, Any]] = mapped_column(JSONB)
    cause: Mapped[UUID | None] = mapped_column(Uuid)
    """The merger, or the undoing of one, because of which it was said."""


class Client(Base):
    """Where a client stands, as it is known now."""

    __tablename__ = "clients"
    __table_args__ = (
        Index(None, "municipality"),
        Index("ix_clients_merged_into", "merged_into", postgresql_where="merged_into IS NOT NULL"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    registered_on: Mapped[date | None] = mapped_column(Date)
    household_id: Mapped[UUID | None] = mapped_column(Uuid)
    household_kind: Mapped[str | None] = mapped_column(Text)
    age_band: Mapped[str | None] = mapped_column(Text)
    permit_holder: Mapped[bool | None] = mapped_column(Boolean)
    without_benefit: Mapped[bool | None] = mapped_column(Boolean)
    category: Mapped[str | None] = mapped_column(Text)
    track: Mapped[str | None] = mapped_column(Text)
    """Where the client is guided; it follows the category by a handover."""
    advised_track: Mapped[str | None] = mapped_column(Text)
    """The track of the category."""
    status: Mapped[str] = mapped_column(Text, default="undecided")
    basis: Mapped[str | None] = mapped_column(Text)
    indications: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    exempted_until: Mapped[date | None] = mapped_column(Date)
    """Last day, inclusive, of an exemption that was not ended before."""
    exempted_permanently: Mapped[bool] = mapped_column(Boolean, default=False)
    benefit: Mapped[str] = mapped_column(Text, default="none")
    on_benefit_since: Mapped[date | None] = mapped_column(Date)
    on_benefit_until: Mapped[date | None] = mapped_column(Date)
    exited_reason: Mapped[str | None] = mapped_column(Text)
    exited_on: Mapped[date | None] = mapped_column(Date)
    deceased_on: Mapped[date | None] = mapped_column(Date)
    merged_into: Mapped[UUID | None] = mapped_column(Uuid)
    undone: Mapped[bool] = mapped_column(Boolean, default=False)


class OfClient(Base):
    """A period in a client's history, half open."""

    __abstract__ = True

    municipality: Mapped[str] = mapped_column(Text, index=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    """The first day on which it no longer holds."""


class Spell(OfClient):
    """A time as a client (`client`), or a time on benefit (`benefit`)."""

    __tablename__ = "spells"

    kind: Mapped[str] = mapped_column(Text)
    began_by: Mapped[UUID] = mapped_column(Uuid)
    reason: Mapped[str | None] = mapped_column(Text)
    ended_by: Mapped[UUID | None] = mapped_column(Uuid)


class Placement(OfClient):
    """A time in one category and on one track."""

    __tablename__ = "placements"

    category: Mapped[str | None] = mapped_column(Text)
    track: Mapped[str | None] = mapped_column(Text)
    advised_track: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    basis: Mapped[str | None] = mapped_column(Text)
    event_id: Mapped[UUID] = mapped_column(Uuid)


class Exempt(OfClient):
    """A time of exemption from the duty to look for work."""

    __tablename__ = "exemptions"

    permanent: Mapped[bool] = mapped_column(Boolean)
    exemption_id: Mapped[UUID | None] = mapped_column(Uuid)
    event_id: Mapped[UUID] = mapped_column(Uuid)


class Report(Base):
    """A report as it was made: later events do not change it."""

    __tablename__ = "reports"
    __table_args__ = (Index(None, "municipality", "made_on"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    level: Mapped[str] = mapped_column(Text)
    period_from: Mapped[date] = mapped_column(Date)
    period_to: Mapped[date] = mapped_column(Date)
    made_on: Mapped[date] = mapped_column(Date)
    made_by: Mapped[str] = mapped_column(Text)
    remarks: Mapped[str | None] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    page: Mapped[str] = mapped_column(Text)
