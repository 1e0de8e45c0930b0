"""What diagnosis hears, and what follows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from chassis.consumer import Handler, Handlers
from chassis.work import Work
from contracts import Envelope, Event
from contracts.intake import (
    AgeBandChanged,
    ApplicationDiverted,
    ApplicationWithdrawn,
    CaseImported,
    ClientDeceased,
    ClientErased,
    ClientMovedAway,
    ClientRegistered,
    ClientRegistrationUndone,
    InformationSessionHeld,
    NotificationReceived,
    RegistrationRestored,
    RestPeriodEnded,
)
from contracts.partners import PartnerSignalled
from contracts.routing import (
    ClientExited,
    ClientReturned,
    ConversationCancelled,
    ConversationHeld,
    ExitReverted,
    HandoverCancelled,
    HandoverDue,
    ReviewHeld,
)
from diagnosis.actions.clients import begin_anew, clients_of, forget, go_on, pack_of_then, stop
from diagnosis.actions.imports import import_of, take_over
from diagnosis.actions.invitations import (
    Invitee,
    close_invitations,
    expect,
    expect_later,
    invite,
    invite_later,
    last_assessed,
)
from diagnosis.actions.merging import mergers
from diagnosis.actions.travels import conversations, keep
from diagnosis.rules import handover_leads_here, option_leads_here
from diagnosis.tables import Client, resolve
from diagnosis.trials.course import TOLD

E = TypeVar("E", bound=Event)
Envelopes = Sequence[Envelope[E]]

AT_THE_GATE = ("information_session", "rest_period")
"""Why somebody is invited who is not yet a client on a journey."""


async def registered(work: Work, envelopes: Envelopes[ClientRegistered]) -> None:
    """Keep the traits."""
    clients = await clients_of(work, envelopes)
    for each in envelopes:
        client, told = clients[each.subject], each.data
        client.registered = True
        client.age_band, client.permit_holder = client.age_band or told.age_band, told.permit_holder
        client.without_benefit, client.starting_qualification = told.without_benefit, told.starting_qualification


async def band_changed(work: Work, envelopes: Envelopes[AgeBandChanged]) -> None:
    """Keep the new age band."""
    clients = await clients_of(work, envelopes)
    for each in envelopes:
        clients[each.subject].age_band = each.data.age_band


async def session_held(work: Work, envelopes: Envelopes[InformationSessionHeld]) -> None:
    """Who was there is invited; who turns out not to have been there is not waited for because of it."""
    newest = {(each.subject, each.data.session_id): each for each in envelopes}.values()
    await _invite(work, (each for each in newest if each.data.attended), "information_session")
    absent = [each for each in newest if not each.data.attended]
    for on, clients in (await _by_day(work, absent)).items() if absent else ():
        await close_invitations(
            work, [client.id for client in clients], "corrected", on, ("information_session",), since=on, until=on
        )


async def rest_ended(work: Work, envelopes: Envelopes[RestPeriodEnded]) -> None:
    """A permit holder is invited after the rest period."""
    await _invite(work, envelopes, "rest_period")


async def spoken(work: Work, envelopes: Envelopes[ConversationHeld] | Envelopes[ReviewHeld]) -> None:
    """Invite whose conversation ended in the option that asks for a new diagnosis; nobody whose did not after all."""
    corrections = [each for each in envelopes if each.data.corrects is not None]
    chosen = [each for each in envelopes if each not in corrections and _leads_here(work, each, each.data.option)]
    await _invite(work, chosen, "conversation", due="conversation")
    await _expect_anew(work, corrections)


async def never_spoken(work: Work, envelopes: Envelopes[ConversationCancelled]) -> None:
    """A conversation never took place: nobody is invited because of it."""
    await _expect_anew(work, envelopes)


async def signalled(work: Work, envelopes: Envelopes[PartnerSignalled]) -> None:
    """Invite whom a partner sees ready for a next step."""
    ready = [each for each in envelopes if each.data.signal == "ready_for_next_step"]
    await _invite(work, ready, "partner_signal", due="partner_signal")


async def handover_due(work: Work, envelopes: Envelopes[HandoverDue]) -> None:
    """Invite whose way back waits for a new diagnosis."""
    waiting = [
        each
        for each in envelopes
        if each.data.corrects is None and handover_leads_here(pack_of_then(work, each), each.data.reason)
    ]
    await _invite(work, waiting, "handover", due="handover")


async def handover_cancelled(work: Work, envelopes: Envelopes[HandoverCancelled]) -> None:
    """Nobody waits for a diagnosis because of a handover that was never due."""
    needless = [each for each in envelopes if each.data.corrects is not None]
    for on, clients in (await _by_day(work, needless)).items() if needless else ():
        await close_invitations(work, [client.id for client in clients], "corrected", on, ("handover",))


async def imported(work: Work, envelopes: Envelopes[CaseImported]) -> None:
    """Take over the category and the exemption of cases in mid-journey; an ended one stays ended until a later runs."""
    clients = await clients_of(work, envelopes)
    for each in envelopes:
        client, case = clients[each.subject], each.data
        if case.exited_on is not None and not case.runs_here:
            client.exit(case.exited_on)
        elif client.exited_on is not None and client.exited_on <= (case.benefit_from or case.occurred_on):
            client.exit(None)
    await take_over(work, [import_of(work, clients[each.subject], each) for each in envelopes])


def stopped(because: str) -> Handler:
    """The registration ended: everything open stops."""

    async def handle(work: Work, envelopes: Envelopes[Any]) -> None:
        for on, clients in (await _by_day(work, envelopes)).items():
            for client in clients:
                client.end_registration(because, on)
            await stop(work, clients, because, on)

    return handle


async def exited(work: Work, envelopes: Envelopes[ClientExited]) -> None:
    """The journey ended: everything open stops."""
    for on, clients in (await _by_day(work, envelopes)).items():
        for client in clients:
            client.exit(on)
        await stop(work, clients, "exited", on)


async def restored(work: Work, envelopes: Envelopes[RegistrationRestored]) -> None:
    """Nobody died or moved away: the journey goes on as it stood, once routing lets it."""
    told = [
        (each, client)
        for each, client in await _with_clients(work, envelopes)
        if client.registration_ended == each.data.ended_as
    ]
    for _, client in told:
        client.end_registration(None)
    await go_on(work, [client for _, client in told])


async def notified(work: Work, envelopes: Envelopes[NotificationReceived]) -> None:
    """Who had moved away lives here again."""
    back = [client for _, client in await _with_clients(work, envelopes) if client.registration_ended == "moved_away"]
    for client in back:
        client.end_registration(None)
    await begin_anew(work, back)


async def reverted(work: Work, envelopes: Envelopes[ExitReverted]) -> None:
    """The journey goes on as it stood."""
    clients = [client for _, client in await _with_clients(work, envelopes)]
    for client in clients:
        client.exit(None)
    await go_on(work, clients)


async def returned(work: Work, envelopes: Envelopes[ClientReturned]) -> None:
    """A new spell of benefit begins; what still holds is watched again."""
    clients = [client for _, client in await _with_clients(work, envelopes)]
    for client in clients:
        client.exit(None)
    await begin_anew(work, clients)


async def left_the_gate(
    work: Work, envelopes: Envelopes[ApplicationWithdrawn] | Envelopes[ApplicationDiverted]
) -> None:
    """Nobody waits at the gate for who took the application back or was helped before it."""
    for on, clients in (await _by_day(work, envelopes)).items():
        await close_invitations(work, [client.id for client in clients], "withdrawn", on, AT_THE_GATE)


async def erased(work: Work, envelopes: Envelopes[ClientErased]) -> None:
    """Forget free text, facts and the child's birth date."""
    await forget(work, (await resolve(work.session, [each.subject for each in envelopes])).values())


async def _with_clients(work: Work, envelopes: Envelopes[Any]) -> list[tuple[Envelope[Any], Client]]:
    clients = await clients_of(work, envelopes)
    return [(each, clients[each.subject]) for each in envelopes]


async def _by_day(work: Work, envelopes: Envelopes[Any]) -> dict[date, list[Client]]:
    """The clients by the day on which it happened to them."""
    days: dict[date, list[Client]] = defaultdict(list)
    for each, client in await _with_clients(work, envelopes):
        days[each.data.occurred_on].append(client)
    return days


def _leads_here(work: Work, told: Envelope[Any], option: int | None) -> bool:
    return option_leads_here(pack_of_then(work, told), option)


async def _expect_anew(work: Work, told: Sequence[Envelope[Any]]) -> None:
    """A conversation turned out otherwise: the client is invited as the conversations that stand ask for."""
    for each, client in await _with_clients(work, told) if told else ():
        assessed = (await last_assessed(work, [client.id])).get(client.id, date.min)
        asks = [
            on
            for on, option in await conversations(work, client.id)
            if on >= assessed and option_leads_here(work.policies.of_then(client.municipality, on, work.today), option)
        ]
        by = each.data.by
        wanted = (
            Invitee(client.id, client.municipality, "conversation", min(asks), by, "conversation") if asks else None
        )
        if client.ended is None or client.ended_on is None:
            await expect(work, wanted, client.id, "conversation", each.data.occurred_on)
        else:
            await expect_later(work, wanted, client.id, "conversation", client.ended, client.ended_on)


async def _invite(work: Work, envelopes: Iterable[Envelope[Any]], reason: str, due: str | None = None) -> None:
    chosen = list(envelopes)
    if not chosen:
        return
    invitees: dict[UUID, Invitee] = {}
    gone: dict[UUID, tuple[Invitee, str, date]] = {}
    for each, client in await _with_clients(work, chosen):
        invitee = Invitee(client.id, client.municipality, reason, each.data.occurred_on, each.data.by, due)
        if client.ended is None or client.ended_on is None:
            invitees[client.id] = invitee
        else:
            gone[client.id] = invitee, client.ended, client.ended_on
    await invite(work, list(invitees.values()))
    await invite_later(work, list(gone.values()))


def both(*handlers: Handler) -> Handler:
    """One after the other."""

    async def handle(work: Work, envelopes: Envelopes[Any]) -> None:
        for each in handlers:
            await each(work, envelopes)

    return handle


_DECIDED: Handlers = {
    ClientRegistered: registered,
    AgeBandChanged: band_changed,
    InformationSessionHeld: session_held,
    RestPeriodEnded: rest_ended,
    ConversationHeld: spoken,
    ReviewHeld: spoken,
    ConversationCancelled: never_spoken,
    PartnerSignalled: signalled,
    HandoverDue: handover_due,
    HandoverCancelled: handover_cancelled,
    CaseImported: imported,
    ClientRegistrationUndone: stopped("undone"),
    ClientDeceased: stopped("deceased"),
    ClientMovedAway: stopped("moved_away"),
    RegistrationRestored: restored,
    NotificationReceived: notified,
    ClientExited: exited,
    ExitReverted: reverted,
    ClientReturned: returned,
    ApplicationWithdrawn: left_the_gate,
    ApplicationDiverted: left_the_gate,
    ClientErased: erased,
}

HANDLERS: Handlers = mergers(
    {**_DECIDED, **{event: both(keep, _DECIDED[event]) if event in _DECIDED else keep for event in TOLD}}
).handlers
"""What changes something here, and what is only kept of a client's way."""
