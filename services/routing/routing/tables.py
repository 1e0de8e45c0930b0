"""What routing keeps of a client: the journey, and all that happens on it."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship

from chassis.database import NAMES
from policy import Situation, Suspension
from policy.running import AwaitedCheck, AwaitedHandover, Spoken, Standing
from routing.placing import Asked, Place
from routing.rules import OPEN_HANDOVER, OPEN_REFERRAL


class Base(DeclarativeBase):
    """All tables of routing; each row belongs to a municipality."""

    metadata = MetaData(naming_convention=NAMES)

    municipality: Mapped[str] = mapped_column(Text)


class OfClient(Base):
    """Something that belongs to a client's journey."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    entered_by: Mapped[str] = mapped_column(Text)

    @declared_attr
    def client_id(cls) -> Mapped[UUID]:  # noqa: N805 - SQLAlchemy gives the class
        """Whose it is; a merger gives it to the survivor."""
        return mapped_column(Uuid, ForeignKey("journeys.client_id"), index=True)


class Journey(Base):
    """Where a client stands: on which track, in which category, with which caseworker."""

    __tablename__ = "journeys"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'exited', 'undone', 'merged')", name="state"),
        Index("ix_journeys_caseload", "caseworker_id", postgresql_where=text("state = 'active'")),
        Index("ix_journeys_waiting", "waiting_since", "client_id", postgresql_where=text("waiting_since IS NOT NULL")),
    )

    client_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    state: Mapped[str] = mapped_column(Text, default="active")
    """active, exited, undone (registered by mistake) or merged (into another client)."""
    household_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    household_kind: Mapped[str | None] = mapped_column(Text, default=None)
    track: Mapped[str | None] = mapped_column(Text, default=None)
    """Where the client is; differs from what the category asks while a handover is under way."""
    track_since: Mapped[date | None] = mapped_column(Date, default=None)
    category: Mapped[str | None] = mapped_column(Text, default=None)
    category_since: Mapped[date | None] = mapped_column(Date, default=None)
    asked_track: Mapped[str | None] = mapped_column(Text, default=None)
    """The other track, to which a decision made on this one asks to hand the client over."""
    asked_since: Mapped[date | None] = mapped_column(Date, default=None)
    asked_reason: Mapped[str | None] = mapped_column(Text, default=None)
    asked_by: Mapped[str | None] = mapped_column(Text, default=None)
    age_band: Mapped[str | None] = mapped_column(Text, default=None)
    starting_qualification: Mapped[bool | None] = mapped_column(Boolean, default=None)
    permit_holder: Mapped[bool | None] = mapped_column(Boolean, default=None)
    without_benefit: Mapped[bool | None] = mapped_column(Boolean, default=None)
    prospect_of_work: Mapped[bool | None] = mapped_column(Boolean, default=None)
    indications: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    exempted_until: Mapped[date | None] = mapped_column(Date, default=None)
    exempted_permanently: Mapped[bool] = mapped_column(Boolean, default=False)
    caseworker_id: Mapped[str | None] = mapped_column(Text, default=None)
    caseworker_role: Mapped[str | None] = mapped_column(Text, default=None)
    """The role that policy names for this client, also while nobody of that role is available."""
    waiting_since: Mapped[date | None] = mapped_column(Date, default=None)
    """Since when no caseworker of the role is available."""
    waiting_occasion: Mapped[str | None] = mapped_column(Text, default=None)
    handed_over_on: Mapped[date | None] = mapped_column(Date, default=None)
    """Since when the caseworker is another one; a conversation since then is the first with that person."""
    proposed_on: Mapped[date | None] = mapped_column(Date, default=None)
    """The day of the last assessment of which nobody confirmed the proposal yet, as far as diagnosis told."""
    spoken_on: Mapped[date | None] = mapped_column(Date, default=None)
    spoken_before_on: Mapped[date | None] = mapped_column(Date, default=None)
    """Last spoken before the client came in here, as an import told."""
    registration_ended: Mapped[str | None] = mapped_column(Text, default=None)
    """deceased or moved_away, while intake says so: then nobody comes back here, and no exit is reverted."""
    pension_by: Mapped[date | None] = mapped_column(Date, default=None)
    """The last day of the month in which the client reaches pension age, when that is near."""
    language_failed_on: Mapped[date | None] = mapped_column(Date, default=None)
    """Since the exit a language test was not passed: lessons follow where that exit was a mistake."""

    routes: Mapped[list["Route"]] = relationship(
        back_populates="journey", order_by="Route.started_on, Route.id", lazy="raise"
    )
    suspensions: Mapped[list["Standstill"]] = relationship(
        back_populates="journey", order_by="Standstill.start, Standstill.id", lazy="raise"
    )
    handovers: Mapped[list["Handover"]] = relationship(
        back_populates="journey", order_by="Handover.due_on, Handover.id", lazy="raise"
    )
    referrals: Mapped[list["Referral"]] = relationship(
        back_populates="journey", order_by="Referral.requested_on, Referral.id", lazy="raise"
    )
    exits: Mapped[list["Exit"]] = relationship(back_populates="journey", order_by="Exit.on, Exit.id", lazy="raise")

    @property
    def place(self) -> Place:
        """Category, track, and where the client is asked to go."""
        asked = None
        if self.asked_track is not None and self.asked_since is not None and self.asked_by is not None:
            reason: Any = self.asked_reason
            asked = Asked(self.asked_track, self.asked_since, reason, self.asked_by)
        return Place(self.category, self.category_since, self.track, self.track_since, asked)

    @place.setter
    def place(self, place: Place) -> None:
        self.category, self.category_since = place.category, place.category_since
        self.track, self.track_since = place.track, place.track_since
        asked = place.asked
        self.asked_track, self.asked_since = (asked.track, asked.since) if asked else (None, None)
        self.asked_reason, self.asked_by = (asked.reason, asked.by) if asked else (None, None)

    @property
    def active(self) -> bool:
        """Whether the client is on the journey now."""
        return self.state == "active"

    @property
    def open_routes(self) -> list["Route"]:
        """The routes under way."""
        return [route for route in self.routes if route.ended_on is None]

    @property
    def running_suspensions(self) -> list["Standstill"]:
        """The suspensions without an end."""
        return [suspension for suspension in self.suspensions if suspension.end is None]

    @property
    def open_handover(self) -> "Handover | None":
        """The handover under way; there is one at most."""
        return next((handover for handover in self.handovers if handover.state in OPEN_HANDOVER), None)

    @property
    def open_referrals(self) -> list["Referral"]:
        """The referrals of which the loop is not closed."""
        return [referral for referral in self.referrals if referral.state in OPEN_REFERRAL]

    @property
    def standing_exit(self) -> "Exit | None":
        """The last exit that was not reverted."""
        return next((each for each in reversed(self.exits) if each.reverted_on is None), None)

    def situation(self, on: date, place: Place | None = None) -> Situation:
        """What the pack's tables look at: where the client stands now, or stood."""
        stood = place or self.place
        return Situation(
            category=stood.category,
            track=stood.track,
            age_band=self.age_band,
            starting_qualification=self.starting_qualification,
            permit_holder=self.permit_holder,
            without_benefit=self.without_benefit,
            prospect_of_work=self.prospect_of_work,
            indications=frozenset(self.indications),
            exempted=self.exempted_permanently or (self.exempted_until is not None and on <= self.exempted_until),
        )

    def standing(self, place: Place | None = None, conversations: Iterable[Spoken] = ()) -> Standing:
        """What its terms are reckoned from: where the client stands now, or stood, and which conversations there were.

        The last one of before the client came in is of any kind, and was face to face.
        """
        before = [] if self.spoken_before_on is None else [Spoken(self.spoken_before_on, None)]
        handover = self.open_handover
        left = self.standing_exit if self.state == "exited" else None
        stood = place or self.place
        return Standing(
            active=self.active,
            track=stood.track,
            track_since=stood.track_since,
            category=stood.category,
            conversations=(*before, *conversations),
            routes=tuple((route.track, route.started_on) for route in self.routes),
            suspensions=tuple(each.as_term() for each in self.suspensions),
            handover=AwaitedHandover(handover.id, handover.prepared_on) if handover and handover.prepared_on else None,
            aftercare=AwaitedCheck(left.id, left.on) if left and left.aftercare == "running" else None,
            allowances_check=AwaitedCheck(left.id, left.on) if left and left.check_awaited else None,
        )


class Route(OfClient):
    """A path that the client is or was on."""

    __tablename__ = "routes"

    route: Mapped[str] = mapped_column(Text)
    track: Mapped[str] = mapped_column(Text)
    started_on: Mapped[date] = mapped_column(Date)
    suspended_on: Mapped[date | None] = mapped_column(Date, default=None)
    """Since when it stands still."""
    ended_on: Mapped[date | None] = mapped_column(Date, default=None)
    outcome: Mapped[str | None] = mapped_column(Text, default=None)
    exit_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The exit that ended it, so that it goes on when the exit is reverted."""
    journey: Mapped[Journey] = relationship(back_populates="routes", lazy="raise")


class Decision(OfClient):
    """What diagnosis decided on where a client stands; kept, so that a correction can take its place."""

    __tablename__ = "decisions"

    on: Mapped[date] = mapped_column("decided_on", Date)
    category: Mapped[str | None] = mapped_column(Text)
    """Absent where it is an exemption for good that asks for another track."""
    track: Mapped[str] = mapped_column(Text)
    track_since: Mapped[date | None] = mapped_column(Date, default=None)
    """Since when the client is on the track, where an import tells it."""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why a client on another track is handed over; absent where nobody is because of this."""
    told: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """The traits that came along, in the words of the event."""
    ref: Mapped[UUID | None] = mapped_column(Uuid)
    """The assessment or the exemption that it rests on; none where an import brought it along."""
    void: Mapped[bool] = mapped_column(Boolean, default=False)
    """Another decision stands in its place."""


class Standstill(OfClient):
    """Time in which the terms of a route stand still (CAL-3)."""

    __tablename__ = "suspensions"

    reason: Mapped[str] = mapped_column(Text)
    start: Mapped[date] = mapped_column("starts_on", Date)
    end: Mapped[date | None] = mapped_column("goes_on_from", Date, default=None)
    """The first day that counts again."""
    exemption_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    journey: Mapped[Journey] = relationship(back_populates="suspensions", lazy="raise")

    def as_term(self) -> Suspension:
        """As terms reckon with it."""
        return Suspension(self.start, self.end)


class Handover(OfClient):
    """The passage of a client to the other track (ROU-5)."""

    __tablename__ = "handovers"
    __table_args__ = (
        CheckConstraint("state IN ('due', 'prepared', 'returned', 'accepted', 'cancelled')", name="state"),
        Index("ix_handovers_state", "state", "due_on", "id"),
    )

    from_track: Mapped[str] = mapped_column(Text)
    to_track: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="due")
    due_on: Mapped[date] = mapped_column(Date)
    prepared_on: Mapped[date | None] = mapped_column(Date, default=None)
    prepared_by: Mapped[str | None] = mapped_column(Text, default=None)
    accept_by: Mapped[date | None] = mapped_column(Date, default=None)
    escalated_on: Mapped[date | None] = mapped_column(Date, default=None)
    closed_on: Mapped[date | None] = mapped_column(Date, default=None)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    return_reason: Mapped[str | None] = mapped_column(Text, default=None)
    exit_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The exit that cancelled it."""
    acceptance_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """Orders its acceptance among the decisions of the same day."""
    journey: Mapped[Journey] = relationship(back_populates="handovers", lazy="raise")


class Referral(OfClient):
    """A referral as routing knows it: asked for here, kept up by what partners says."""

    __tablename__ = "referrals"

    purpose: Mapped[str] = mapped_column(Text)
    partner: Mapped[str | None] = mapped_column(Text)
    partner_kind: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    """category, conversation, language_test or import."""
    rule: Mapped[str | None] = mapped_column(Text)
    requested_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text, default="requested")
    state_since: Mapped[date] = mapped_column(Date)
    outcome: Mapped[str | None] = mapped_column(Text, default=None)
    overdue_step: Mapped[str | None] = mapped_column(Text, default=None)
    overdue_on: Mapped[date | None] = mapped_column(Date, default=None)
    """The last day that the partner had for that step."""
    group_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    session_on: Mapped[date | None] = mapped_column(Date, default=None)
    conversation_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The conversation that asked for it."""
    exit_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The exit that withdrew it."""
    state_at_exit: Mapped[str | None] = mapped_column(Text, default=None)
    """How far it was then."""
    journey: Mapped[Journey] = relationship(back_populates="referrals", lazy="raise")


class Exit(OfClient):
    """The end of a journey, which may turn out to be a mistake."""

    __tablename__ = "exits"

    reason: Mapped[str] = mapped_column(Text)
    on: Mapped[date] = mapped_column("exited_on", Date)
    aftercare: Mapped[str | None] = mapped_column(Text, default=None)
    """running or ended; absent where there is none."""
    aftercare_until: Mapped[date | None] = mapped_column(Date, default=None)
    allowances_check: Mapped[str | None] = mapped_column(Text, default=None)
    """awaited, overdue or done; absent where there is none."""
    reverted_on: Mapped[date | None] = mapped_column(Date, default=None)
    reverted_because: Mapped[str | None] = mapped_column(Text, default=None)
    returned_on: Mapped[date | None] = mapped_column(Date, default=None)
    ground: Mapped[str | None] = mapped_column(Text, default=None)
    """On what ground, of an exit by enforcement; it stays here."""
    journey: Mapped[Journey] = relationship(back_populates="exits", lazy="raise")

    @property
    def check_awaited(self) -> bool:
        """Whether the allowances check is still to be done, in time or late."""
        return self.allowances_check in {"awaited", "overdue"}


class InstrumentUse(OfClient):
    """An instrument of the basket that a client uses or used, with what it costs."""

    __tablename__ = "instrument_uses"

    instrument: Mapped[str] = mapped_column(Text)
    goal: Mapped[str] = mapped_column(Text)
    cost: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    started_on: Mapped[date] = mapped_column(Date)
    ends_by: Mapped[date | None] = mapped_column(Date)
    """The last day that policy allows."""
    ended_on: Mapped[date | None] = mapped_column(Date, default=None)
    outcome: Mapped[str | None] = mapped_column(Text, default=None)
    exit_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The exit that stopped it."""


class IntakeDuty(OfClient):
    """Something that intake waits for until a day, until intake says that it was done."""

    __tablename__ = "intake_duties"

    kind: Mapped[str] = mapped_column(Text)
    """information_session, intake, integration_plan or language_test."""
    since: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    closed_on: Mapped[date | None] = mapped_column(Date, default=None)
    """Since when nobody waits for it any more."""


class PartnerSignal(OfClient):
    """What a partner saw."""

    __tablename__ = "partner_signals"

    partner: Mapped[str] = mapped_column(Text)
    signal: Mapped[str] = mapped_column(Text)
    on: Mapped[date] = mapped_column("signalled_on", Date)


class Staff(Base):
    """Somebody who guides clients, in one of the municipalities they work for."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("hours_per_week > 0", name="hours"),
        Index("ix_staff_team", "municipality", "team"),
        Index("ix_staff_manages", "manages", postgresql_using="gin"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text, primary_key=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    team: Mapped[str | None] = mapped_column(Text)
    hours_per_week: Mapped[Decimal] = mapped_column(Numeric(4, 2))
    """Of no one is it zero: caseloads are weighed by it."""
    active: Mapped[bool] = mapped_column(Boolean)
    manages: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """The teams that this person manages."""
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way


class Absence(Base):
    """Days on which somebody is away, for a reason that is nobody's business, and who stands in."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days"),
        Index("ix_absences_staff", "municipality", "staff_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    staff_id: Mapped[str] = mapped_column(Text)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    """The last day away; open while it is not known."""
    deputy_id: Mapped[str | None] = mapped_column(Text)
    deputy_released_on: Mapped[date | None] = mapped_column(Date, default=None)
    """Since when who stood in does so no longer, while nobody else does."""
    cancelled_on: Mapped[date | None] = mapped_column(Date, default=None)
    """When it turned out to be a mistake: nobody was or will be away."""
    cancelled_because: Mapped[str | None] = mapped_column(Text, default=None)


class Transfer(OfClient):
    """A client who went on with another caseworker, by hand or because theirs left, with a warm note (ROU-16)."""

    __tablename__ = "transfers"

    from_id: Mapped[str | None] = mapped_column(Text)
    """Nobody, where the client had no caseworker."""
    to_id: Mapped[str | None] = mapped_column(Text)
    """Nobody, where the client went to the team manager's list."""
    on: Mapped[date] = mapped_column("transferred_on", Date)
    note: Mapped[str | None] = mapped_column(Text)


class EmergencyAccess(Base):
    """Somebody took access to a client whom they do not see, for a while; a manager looks whether that was right."""

    __tablename__ = "emergency_accesses"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    client_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    """As it was asked: an id that nobody has opens nothing, and is answered and kept alike."""
    staff_id: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    taken_on: Mapped[date] = mapped_column(Date)
    taken_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """On the wall clock."""
    opened: Mapped[bool] = mapped_column(Boolean)
    """Whether there was such a client in the municipality."""
    reviewed_on: Mapped[date | None] = mapped_column(Date, default=None)
    reviewed_by: Mapped[str | None] = mapped_column(Text, default=None)
    justified: Mapped[bool | None] = mapped_column(Boolean, default=None)


class WorkItem(Base):
    """Something that somebody sees to or waits for: a row of a work list, kept by `actions.worklist`."""

    __tablename__ = "work_items"
    __table_args__ = (
        Index("ix_work_items_order", "municipality", "urgent_on", "id"),
        Index("ix_work_items_kind", "municipality", "kind", "urgent_on", "id"),
        Index("ix_work_items_due", "municipality", "urgent_on", "id", postgresql_where=text("due_on IS NOT NULL")),
        Index("ix_work_items_role", "municipality", "what", "role", "urgent_on", "id"),
        Index("ix_work_items_caseworker", "municipality", "caseworker_id", "kind", "urgent_on", "id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    client_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("journeys.client_id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    """What stands: see `routing.work_items`."""
    ref: Mapped[UUID] = mapped_column(Uuid)
    """The deadline, handover, referral or exit that it is about, or else the client."""
    since: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    urgent_on: Mapped[date] = mapped_column(Date)
    """Where it stands in the order: the day on which it is or was to be done, or else since when it waits."""
    state: Mapped[str | None] = mapped_column(Text)
    caseworker_id: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(Text)
    """The role that sees to it: of a handover that waits for acceptance, the receiving one."""


class ClientChange(Base):
    """A line of the change feed: something changed about a client, or on the work lists where the client stands.

    Without a client it is about the staff: who is in which team, away, or stands in.
    """

    __tablename__ = "client_changes"

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    client_id: Mapped[UUID | None] = mapped_column(Uuid)
    caseworkers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Who guides the client now, and who did before this change."""
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """The roles that a handover of the client waits or waited for."""
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))


class MergedClient(Base):
    """A client id that goes on as another."""

    __tablename__ = "merged_clients"

    client_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    survivor_id: Mapped[UUID] = mapped_column(Uuid, index=True)
