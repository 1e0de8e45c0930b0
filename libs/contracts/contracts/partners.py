"""What partners says: which partner, how and when, and what came of it."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from contracts.model import Event


class PartnersEvent(Event):
    """An event of partners."""

    producer: ClassVar[str] = "partners"


class ReferralEvent(PartnersEvent):
    """A step in the closed loop of one referral."""

    referral_id: UUID
    partner: str


class ReferralWaiting(ReferralEvent):
    """The client waits until the partner's group is full."""


class ReferralSent(ReferralEvent):
    """The partner is told, one to one or in a group."""

    group_id: UUID | None = None


class ReferralAcknowledged(ReferralEvent):
    """The partner said that it has the referral."""


class ReferralAccepted(ReferralEvent):
    """The partner takes the client on."""


class ReferralDeclined(ReferralEvent):
    """The partner does not take the client on; its reason stays in partners."""


class ReferralStarted(ReferralEvent):
    """The partner began."""


class ReferralProgressed(ReferralEvent):
    """The partner reported progress."""


class ReferralHeld(ReferralEvent):
    """The partner put the referral on hold; its reason stays in partners."""


class ReferralEnded(ReferralEvent):
    """The loop is closed."""

    outcome: Literal["placed", "completed", "stopped", "returned", "failed"]


class ReferralClosed(ReferralEvent):
    """The municipality withdrew the referral, and the partner is told."""


class ReferredPersonCorrected(ReferralEvent):
    """Of the person in an open referral something is otherwise that the partner may see: it reads it anew."""

    fields: tuple[str, ...]
    """As policy names them."""


class ReferralOverdue(ReferralEvent):
    """The partner let the time for a step pass."""

    step: Literal["acknowledge", "accept", "start", "end"]
    due_on: date


class ReferralScheduled(ReferralEvent):
    """The client has a place in a group session."""

    group_id: UUID
    session_on: date | None = None


class GroupFilled(PartnersEvent):
    """A group for a partner is complete."""

    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "group"
    partner: str
    size: int


class GroupSessionHeld(PartnersEvent):
    """The group session on location took place."""

    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "group"
    partner: str
    attended: int


class GroupChanged(PartnersEvent):
    """Somebody fell out of a group before its session, or came in: how many it has now, and how many places are free.

    Who waited longest has the place already; what is free then is free because nobody waits.
    """

    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "group"
    partner: str
    size: int
    vacant: int


class PartnerSignalled(PartnersEvent):
    """A partner sees that the client is ready for a next step."""

    partner: str
    signal: Literal["ready_for_next_step", "needs_attention"]


class WebhookEndpointFailing(PartnersEvent):
    """An endpoint of a partner keeps failing."""

    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "endpoint"
    partner: str


class WebhookEndpointDisabled(PartnersEvent):
    """An endpoint of a partner was switched off after days of failure, or because it answered that it is gone."""

    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "endpoint"
    partner: str
