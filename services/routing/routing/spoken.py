"""What was said, agreed and done with a client; what was entered wrongly is corrected, and stays (ROU-19)."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Date, Integer, Numeric, Text, Uuid, and_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from policy.running import Spoken
from routing.tables import OfClient


class Correctable(OfClient):
    """Something entered that may turn out to be a mistake: then another stands in its place, or none."""

    __abstract__ = True

    corrects_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """Which it replaces."""
    corrected_on: Mapped[date | None] = mapped_column(Date, default=None)
    corrected_because: Mapped[str | None] = mapped_column(Text, default=None)
    """Why it does not stand any more."""


class Conversation(Correctable):
    """A conversation with a client."""

    __tablename__ = "conversations"

    kind: Mapped[str] = mapped_column(Text)
    held_on: Mapped[date] = mapped_column(Date)
    option: Mapped[int | None] = mapped_column(Integer)
    face_to_face: Mapped[bool] = mapped_column(Boolean)
    home_visit: Mapped[bool] = mapped_column(Boolean)
    areas: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    """What was said, by area of life."""

    def as_spoken(self) -> Spoken:
        """As terms reckon with it."""
        return Spoken(self.held_on, self.kind, self.face_to_face or self.home_visit)


class Agreement(Correctable):
    """What a client agreed to do, and whether it was done."""

    __tablename__ = "agreements"

    agreed: Mapped[str | None] = mapped_column(Text)
    agreed_on: Mapped[date] = mapped_column(Date)
    area: Mapped[str | None] = mapped_column(Text, default=None)
    """The area of life that it is about."""
    due_on: Mapped[date | None] = mapped_column(Date, default=None)
    conversation_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The conversation in which it was made."""
    continues_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The former agreement that goes on as this one."""
    kept_on: Mapped[date | None] = mapped_column(Date, default=None)
    continued_on: Mapped[date | None] = mapped_column(Date, default=None)
    missed_on: Mapped[date | None] = mapped_column(Date, default=None)
    step: Mapped[str | None] = mapped_column(Text, default=None)
    """The rung of the ladder that follows."""
    step_taken_on: Mapped[date | None] = mapped_column(Date, default=None)
    reopened_because: Mapped[str | None] = mapped_column(Text, default=None)
    """Why what was last recorded of it was a mistake."""
    answered_in: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The conversation in which it turned out kept or not, or to go on."""

    @property
    def state(self) -> str:
        """corrected, missed, kept, continued or open."""
        days = {
            "corrected": self.corrected_on, "missed": self.missed_on, "kept": self.kept_on,
            "continued": self.continued_on,
        }  # fmt: skip
        return next((state for state, day in days.items() if day is not None), "open")

    @classmethod
    def in_state(cls, state: str) -> ColumnElement[bool]:
        """Which rows are in a state, as `state` tells it."""
        days = {
            "corrected": cls.corrected_on, "missed": cls.missed_on, "kept": cls.kept_on, "continued": cls.continued_on,
        }  # fmt: skip
        before = list(days)[: list(days).index(state)] if state in days else list(days)
        own = [days[state].is_not(None)] if state in days else []
        return and_(*own, *(days[name].is_(None) for name in before))


class Measure(OfClient):
    """A reduction of benefit, with its ground."""

    __tablename__ = "measures"

    agreement_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The agreement that was not kept."""

    ground: Mapped[str | None] = mapped_column(Text)
    percentage: Mapped[int] = mapped_column(Integer)
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)


class PartTimeWork(Correctable):
    """Part-time work while on benefit, from a day on."""

    __tablename__ = "part_time_work"

    month_from: Mapped[date] = mapped_column(Date)
    hours_per_week: Mapped[int] = mapped_column(Integer)
    income_per_month: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    ended_on: Mapped[date | None] = mapped_column(Date, default=None)
    """The last day of it."""
    exit_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    """The exit that ended it."""
