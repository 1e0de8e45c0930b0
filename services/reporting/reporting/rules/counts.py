"""What is counted of a municipality over a period: how many, of whom (REP-2 to REP-5)."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Caseload:
    """People on benefit: start + inflow - outflow = end, always."""

    since: date
    until: date
    start: int
    inflow: int
    outflow: int
    end: int
    outflow_by_reason: dict[str, int]
    notifications: int
    households_start: int
    households_end: int


@dataclass(frozen=True, slots=True)
class Place:
    """How many clients stand in a category and on a track."""

    category: str
    track: str | None
    clients: int
    on_benefit: int


@dataclass(frozen=True, slots=True)
class Exemptions:
    """Who is exempted from the duty to look for work."""

    clients: int
    temporarily: int
    permanently: int
    share_pct: Decimal | None


@dataclass(frozen=True, slots=True)
class Shift:
    """Clients who went from one track to another in the period."""

    from_track: str
    to_track: str
    shifts: int


@dataclass(frozen=True, slots=True)
class Contact:
    """On one track at the end: who was spoken in the period, and who was not."""

    track: str
    clients: int
    spoken: int
    not_spoken: int


@dataclass(frozen=True, slots=True)
class Referrals:
    """What happened in the period to the referrals to one partner, and what that partner said of them."""

    partner: str
    sent: int
    accepted: int
    declined: int
    started: int
    placed: int
    completed: int
    stopped: int
    returned: int
    failed: int
    withdrawn: int
    overdue: int
    waiting: int
    """Clients who wait for a group at the end of the period."""
    acknowledged: int
    progressed: int
    signalled: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What an instrument whose use began in the period costs, by its goal and its users' track and category."""

    instrument: str
    goal: str
    track: str | None
    category: str
    uses: int
    who: frozenset[UUID]
    amount: Decimal

    @property
    def clients(self) -> int:
        """How many used it."""
        return len(self.who)


@dataclass(frozen=True, slots=True)
class Gate:
    """From first contact to decision."""

    notifications: int
    applications: int
    diverted: int
    withdrawn: int
    granted: int
    refused: int
    diverted_share_pct: Decimal | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a municipality over a period."""

    municipality: str
    since: date
    until: date
    clients: int
    """With an open journey at the end of the period; `places` adds up to them."""
    on_benefit: int
    households: int
    caseload: Caseload
    caseload_by_year: tuple[Caseload, ...]
    places: tuple[Place, ...]
    exemptions: Exemptions
    shifts: tuple[Shift, ...]
    handovers: dict[str, int]
    handovers_due_to: dict[str, int]
    contact: tuple[Contact, ...]
    conversations: dict[str, int]
    conversation_options: dict[str, int]
    participation: dict[str, int]
    referrals: tuple[Referrals, ...]
    exits: dict[str, int]
    """Journeys that ended in the period, by reason."""
    exits_from_part_time_to_work: int
    part_time: int
    """Clients whose part-time work was recorded in the period."""
    part_time_income: dict[str, int]
    part_time_hours: dict[str, int]
    agreements_missed: dict[str, int]
    measures: int
    costs: tuple[Cost, ...]
    gate: Gate
    assessments: dict[str, int]
    indications: dict[str, int]
    information_sessions: dict[str, int]
    by_category: dict[str, int] = field(default_factory=dict)
    by_track: dict[str, int] = field(default_factory=dict)
