"""A client's course: where all that was heard of routes, referrals, costs and conversations leaves them. Pure.

Events of one producer come in order, those of several do not, and an event may come again; a course is folded from all
of them by the moment of recording, so it is the same however they were heard.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from contracts import Event
from contracts.intake import CaseImported
from contracts.partners import ReferralClosed, ReferralDeclined, ReferralEnded, ReferralSent
from contracts.routing import (
    CaseworkerAssigned,
    CaseworkerMissing,
    CaseworkerReleased,
    ClientExited,
    ClientReturned,
    ConversationCancelled,
    ConversationHeld,
    ExitReverted,
    HandoverAccepted,
    HandoverCancelled,
    HandoverDue,
    HandoverPrepared,
    HandoverReturned,
    InstrumentEnded,
    InstrumentStarted,
    ReferralRequested,
    ReferralWithdrawn,
    ReviewHeld,
    RouteEnded,
    RouteResumed,
    RouteStarted,
    RouteSuspended,
)
from policy import Suspension
from policy.running import REVIEW, AwaitedHandover, Spoken, Standing

TOLD: tuple[type[Event], ...] = (
    CaseImported,
    CaseworkerAssigned,
    CaseworkerMissing,
    CaseworkerReleased,
    ClientExited,
    ClientReturned,
    ConversationCancelled,
    ConversationHeld,
    ExitReverted,
    HandoverAccepted,
    HandoverCancelled,
    HandoverDue,
    HandoverPrepared,
    HandoverReturned,
    InstrumentEnded,
    InstrumentStarted,
    ReferralClosed,
    ReferralDeclined,
    ReferralEnded,
    ReferralRequested,
    ReferralSent,
    ReferralWithdrawn,
    ReviewHeld,
    RouteEnded,
    RouteResumed,
    RouteStarted,
    RouteSuspended,
)
"""The events that a course is folded from."""


@dataclass(slots=True)
class Route:
    """A route that the client is or was on."""

    route: str
    track: str
    started_on: date
    ended: bool = False
    exited: bool = False
    """The exit that is being told of ended it."""


@dataclass(slots=True)
class Referral:
    """What a partner was asked; without a purpose while only the partner was heard."""

    purpose: str | None = None
    partner: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """An instrument that was used, with its cost in euros."""

    instrument: str
    cost: Decimal
    started_on: date


@dataclass(slots=True)
class Course:
    """Where a client stands on the way, as far as others told."""

    role: str | None = None
    """Of the caseworker."""
    moved: tuple[str, date] | None = None
    """The track to which the client was handed over last, and when."""
    returned_on: date | None = None
    conversations: dict[UUID | None, Spoken] = field(default_factory=dict)
    """Those that stand; without an id, the last of before the client was imported."""
    option: int | None = None
    """In which the last conversation with an option ended."""
    handover: AwaitedHandover | None = None
    """One that was prepared and waits for acceptance."""
    routes: dict[UUID, Route] = field(default_factory=dict)
    standstills: list[Suspension] = field(default_factory=list)
    uses: dict[UUID, Use] = field(default_factory=dict)
    running_uses: set[UUID] = field(default_factory=set)
    referrals: dict[UUID, Referral] = field(default_factory=dict)
    closed: set[UUID] = field(default_factory=set)
    """Referrals that are over, also those of which the beginning is not heard yet."""
    _withdrawn: set[UUID] = field(default_factory=set)
    """Those that the municipality took back, so that it may ask once more."""
    _still_since: date | None = None
    _stopped_by: dict[UUID, set[UUID]] = field(default_factory=dict)
    """The uses that each exit stopped."""

    @classmethod
    def of(cls, events: Iterable[Event]) -> "Course":
        """Where these events lead, in the order of their recording."""
        course = cls()
        for event in events:
            course._happened(event)
        return course

    @property
    def open_referrals(self) -> list[Referral]:
        """Those of which the loop is not closed."""
        return [each for id, each in self.referrals.items() if id not in self.closed]

    @property
    def open_routes(self) -> list[Route]:
        """Those under way."""
        return [each for each in self.routes.values() if not each.ended]

    def standing(self, category: str | None, track: str | None, since: date | None) -> Standing:
        """What terms are reckoned from, for a client in this category who entered the track then."""
        running = () if self._still_since is None else (Suspension(self._still_since),)
        return Standing(
            active=True,
            track=track,
            track_since=since,
            category=category,
            conversations=tuple(self.conversations.values()),
            routes=tuple((each.track, each.started_on) for each in self.routes.values()),
            suspensions=(*self.standstills, *running),
            handover=self.handover,
        )

    def _happened(self, event: Event) -> None:
        match event:
            case RouteStarted() | RouteSuspended() | RouteResumed() | RouteEnded():
                self._travelled(event)
            case ReferralRequested() | ReferralSent():
                self._asked(event)
            case ReferralWithdrawn() | ReferralDeclined() | ReferralEnded() | ReferralClosed():
                self._over(event)
            case HandoverDue() | HandoverPrepared() | HandoverReturned() | HandoverCancelled() | HandoverAccepted():
                self._handed(event)
            case InstrumentStarted() | InstrumentEnded():
                self._used(event)
            case ConversationHeld() | ReviewHeld() | ConversationCancelled():
                self._spoke(event)
            case CaseworkerAssigned() | CaseworkerMissing() | CaseworkerReleased():
                self.role = None if isinstance(event, CaseworkerReleased) else event.role
            case CaseImported():
                self._imported(event)
            case ClientExited() | ExitReverted() | ClientReturned():
                self._left(event)

    def _travelled(self, event: RouteStarted | RouteSuspended | RouteResumed | RouteEnded) -> None:
        match event:
            case RouteStarted():
                self.routes[event.route_id] = Route(event.route, event.track, event.occurred_on)
            case RouteSuspended():
                self._still_since = min(filter(None, (self._still_since, event.occurred_on)))
            case RouteResumed():
                self._go_on(event.occurred_on)
            case RouteEnded() if event.route_id in self.routes:
                route = self.routes[event.route_id]
                route.ended, route.exited = True, event.outcome == "exit"

    def _asked(self, event: ReferralRequested | ReferralSent) -> None:
        referral = self.referrals.setdefault(event.referral_id, Referral())
        referral.partner = event.partner or referral.partner
        if isinstance(event, ReferralRequested):
            referral.purpose = event.purpose
            if event.referral_id in self._withdrawn:  # and a merger that had it withdrawn was undone
                self.closed.discard(event.referral_id)

    def _over(self, event: ReferralWithdrawn | ReferralDeclined | ReferralEnded | ReferralClosed) -> None:
        self.closed.add(event.referral_id)
        if isinstance(event, ReferralWithdrawn):
            self._withdrawn.add(event.referral_id)

    def _used(self, event: InstrumentStarted | InstrumentEnded) -> None:
        if isinstance(event, InstrumentStarted):
            self.uses[event.instrument_use_id] = Use(event.instrument, event.cost, event.occurred_on)
            self.running_uses.add(event.instrument_use_id)
        else:
            self.running_uses.discard(event.instrument_use_id)
            if event.exit_id is not None:
                self._stopped_by.setdefault(event.exit_id, set()).add(event.instrument_use_id)

    def _handed(
        self, event: HandoverDue | HandoverPrepared | HandoverReturned | HandoverCancelled | HandoverAccepted
    ) -> None:
        self.handover = None
        if isinstance(event, HandoverPrepared):
            self.handover = AwaitedHandover(event.handover_id, event.occurred_on)
        elif isinstance(event, HandoverAccepted):
            self.moved = event.to_track, event.occurred_on

    def _left(self, event: ClientExited | ExitReverted | ClientReturned) -> None:
        """An exit ended routes just before it is told; when it was a mistake, those go on."""
        match event:
            case ExitReverted(exit_id=exit_id):
                self.running_uses |= self._stopped_by.pop(exit_id, set())
                for route in self.routes.values():
                    route.ended = route.ended and not route.exited
            case ClientReturned():
                self.returned_on, self.moved, self.role = event.occurred_on, None, None
                self._go_on(event.occurred_on)
        if not isinstance(event, ClientExited):
            for route in self.routes.values():
                route.exited = False

    def _imported(self, case: CaseImported) -> None:
        if case.exited_on is not None:
            return
        if case.last_conversation_on is not None:
            self.conversations[None] = Spoken(case.last_conversation_on, None)
        for told in case.open_referrals:
            self.referrals.setdefault(told.referral_id, Referral()).purpose = told.purpose
            self.referrals[told.referral_id].partner = told.partner
        for each in case.suspensions:
            if each.end is None:
                self._still_since = min(filter(None, (self._still_since, each.start)))
            else:
                self.standstills.append(Suspension(each.start, each.end))

    def _spoke(self, event: ConversationHeld | ReviewHeld | ConversationCancelled) -> None:
        if isinstance(event, ConversationCancelled):
            self.conversations.pop(event.conversation_id, None)
            return
        kind = REVIEW if isinstance(event, ReviewHeld) else event.kind
        if event.corrects is not None:
            self.conversations.pop(event.corrects, None)
        seen = event.face_to_face or event.home_visit
        self.conversations[event.conversation_id] = Spoken(event.occurred_on, kind, seen)
        self.option = self.option if event.option is None else event.option

    def _go_on(self, on: date) -> None:
        if self._still_since is not None:
            self.standstills.append(Suspension(self._still_since, max(on, self._still_since)))
            self._still_since = None
