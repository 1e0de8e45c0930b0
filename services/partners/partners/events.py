"""What partners hears. Both orders between producers are taken; what is repeated changes nothing."""

from collections.abc import Mapping, Sequence

from chassis.consumer import Handlers
from chassis.deadlines import Fired
from chassis.work import Work
from contracts import Envelope
from contracts.diagnosis import ClientCategorised
from contracts.intake import (
    CaseImported,
    ClientDeceased,
    ClientErased,
    ClientMovedAway,
    ClientRegistrationUndone,
    IdentityCorrected,
    NotificationReceived,
    RegistrationRestored,
)
from contracts.routing import (
    ClientExited,
    ClientReturned,
    ConversationHeld,
    ExitReverted,
    ReferralRequested,
    ReferralWithdrawn,
    ReviewHeld,
)
from partners.actions import referrals
from partners.actions.clients import clients_of, forget
from partners.actions.groups import PATIENCE
from partners.actions.merging import mergers
from partners.actions.referrals import Correction
from partners.actions.steps import LIMITS, Closing

Gone = ClientDeceased | ClientMovedAway | ClientRegistrationUndone
_ENDED: dict[type[Gone], str] = {
    ClientDeceased: "deceased", ClientMovedAway: "moved_away", ClientRegistrationUndone: "undone",
}  # fmt: skip


async def referral_requested(work: Work, envelopes: Sequence[Envelope[ReferralRequested]]) -> None:
    """Place each with its partner, or in the queue for a group."""
    requests = [
        referrals.Requested(
            id=each.data.referral_id,
            municipality=each.municipality,
            client_id=each.subject,
            purpose=each.data.purpose,
            partner=each.data.partner,
            partner_kind=each.data.partner_kind,
            rule=each.data.rule,
            on=each.data.occurred_on,
            by=each.data.by,
            at=each.recorded_at,
            again=each.cause is not None,
        )
        for each in envelopes
    ]
    await referrals.request(work, requests)


async def referral_withdrawn(work: Work, envelopes: Sequence[Envelope[ReferralWithdrawn]]) -> None:
    """Take each back, and tell the partner that knows of it."""
    closings = {
        each.data.referral_id: Closing(each.data.reason, each.data.occurred_on, each.data.by) for each in envelopes
    }
    await referrals.withdraw(work, closings.keys(), closings)


async def registration_ended(work: Work, envelopes: Sequence[Envelope[Gone]]) -> None:
    """Everything open stops: death, a move, a mistaken registration.

    What routing asked after that was recorded is of a client who goes on, for routing asks nothing of who is gone.
    """
    clients = await clients_of(work, {each.subject: each.municipality for each in envelopes})
    closings = {}
    for each in envelopes:
        client, because = clients[each.subject], _ENDED[type(each.data)]
        client.registration_ended = because
        closings[client.id] = Closing(because, each.data.occurred_on, each.data.by, each.recorded_at)
    await referrals.stop_clients(work, closings)


async def registration_open(
    work: Work, envelopes: Sequence[Envelope[RegistrationRestored | NotificationReceived]]
) -> None:
    """Nobody died or moved away, or who moved is back: what was asked meanwhile is done."""
    clients = await clients_of(work, {each.subject: each.municipality for each in envelopes})
    back = []
    for each in envelopes:
        client, event = clients[each.subject], each.data
        if client.registration_ended == getattr(event, "ended_as", "moved_away"):
            client.registration_ended = None
            back.append(client.id)
    await referrals.place_waiting(work, back)


async def client_exited(work: Work, envelopes: Sequence[Envelope[ClientExited]]) -> None:
    """Everything open stops: the end of the journey."""
    clients = await clients_of(work, {each.subject: each.municipality for each in envelopes})
    closings = {}
    for each in envelopes:
        client = clients[each.subject]
        client.stopped_on = max(each.data.occurred_on, client.stopped_on or each.data.occurred_on)
        closings[client.id] = Closing("exit", each.data.occurred_on, each.data.by)
    await referrals.stop_clients(work, closings)


async def client_goes_on(work: Work, envelopes: Sequence[Envelope[ClientReturned | ExitReverted]]) -> None:
    """The client is back: what is asked from now on, whatever its day, is done."""
    clients = await clients_of(work, {each.subject: each.municipality for each in envelopes})
    for client in clients.values():
        client.stopped_on = None


async def identity_corrected(work: Work, envelopes: Sequence[Envelope[IdentityCorrected]]) -> None:
    """Tell whoever may see what was corrected, for as long as the referral is open."""
    clients = await clients_of(work, {each.subject: each.municipality for each in envelopes})
    corrections = {
        clients[each.subject].id: Correction(frozenset(each.data.shown), each.data.occurred_on, each.data.by)
        for each in envelopes
        if each.data.shown
    }
    await referrals.tell_corrected(work, corrections)


async def client_categorised(work: Work, envelopes: Sequence[Envelope[ClientCategorised]]) -> None:
    """Keep what a partner may be told of where the client stands."""
    clients = await clients_of(work, {each.subject: each.municipality for each in envelopes})
    for each in envelopes:
        client, traits = clients[each.subject], each.data.traits
        client.category, client.track = traits.category, traits.track
        client.indications = list(traits.indications)


async def case_imported(work: Work, envelopes: Sequence[Envelope[CaseImported]]) -> None:
    """The same of a client who came in mid-journey, unless diagnosis said more already; and the referrals under way."""
    clients = await clients_of(work, {each.subject: each.municipality for each in envelopes})
    for each in envelopes:
        client = clients[each.subject]
        if client.category is None and each.data.exited_on is None:
            client.category, client.track = each.data.category, each.data.track
            client.indications = list(each.data.indications)
    under_way = [(each, referral) for each in envelopes for referral in each.data.open_referrals]
    requests = [
        referrals.Requested(
            id=referral.referral_id,
            municipality=each.municipality,
            client_id=each.subject,
            purpose=referral.purpose,
            partner=referral.partner,
            partner_kind="",
            rule=None,
            on=referral.since,
            by=each.data.by,
            at=each.recorded_at,
        )
        for each, referral in under_way
    ]
    await referrals.take_over(work, requests, {referral.referral_id: referral.state for _, referral in under_way})


async def conversation_held(work: Work, envelopes: Sequence[Envelope[ConversationHeld | ReviewHeld]]) -> None:
    """Keep the option that a conversation ended in: a welfare organisation is told."""
    chosen = [each for each in envelopes if each.data.option is not None]
    clients = await clients_of(work, {each.subject: each.municipality for each in chosen})
    for each in chosen:
        clients[each.subject].conversation_option = each.data.option


async def client_erased(work: Work, envelopes: Sequence[Envelope[ClientErased]]) -> None:
    """Stop what is open, then forget."""
    clients = await clients_of(work, {each.subject: each.municipality for each in envelopes})
    closings = {clients[each.subject].id: Closing("other", each.data.occurred_on, each.data.by) for each in envelopes}
    await referrals.stop_clients(work, closings)
    await forget(work, closings.keys())


HEARD: Handlers = {
    ReferralRequested: referral_requested,
    ReferralWithdrawn: referral_withdrawn,
    ClientDeceased: registration_ended,
    ClientMovedAway: registration_ended,
    ClientRegistrationUndone: registration_ended,
    RegistrationRestored: registration_open,
    NotificationReceived: registration_open,
    ClientExited: client_exited,
    ClientReturned: client_goes_on,
    ExitReverted: client_goes_on,
    IdentityCorrected: identity_corrected,
    ClientCategorised: client_categorised,
    CaseImported: case_imported,
    ConversationHeld: conversation_held,
    ReviewHeld: conversation_held,
    ClientErased: client_erased,
}

HANDLERS: Handlers = mergers(HEARD).handlers

DEADLINES: Mapping[str, Fired] = {
    **dict.fromkeys(LIMITS.values(), referrals.overdue),
    PATIENCE: referrals.patience_over,
}
