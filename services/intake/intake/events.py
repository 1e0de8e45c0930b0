"""What intake hears: of diagnosis when the week of the intake begins, of diagnosis and routing what letters tell."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from chassis.consumer import Handlers
from chassis.deadlines import NewDeadline, set_deadlines
from chassis.work import Work
from contracts import Envelope
from contracts.diagnosis import AssessmentCompleted, ClientCategorised, Traits
from contracts.routing import CaseworkerAssigned, ClientExited, ClientReturned, HandoverAccepted
from intake.actions.clients import intake_policy, pack_of
from intake.actions.letters import AwaitedLetters, write
from intake.tables import (
    Application,
    Client,
    IntakeConversation,
    Standing,
    clients_by_id,
    hold_standings_of,
    standings_of,
)
from policy import Situation

NO_LETTER_AT_EXIT = ("deceased", "moved_away")


async def on_assessment_completed(work: Work, envelopes: Sequence[Envelope[AssessmentCompleted]]) -> None:
    """The diagnosis is there: the intake follows within the pack's term, for who applied for benefit."""
    clients = await clients_by_id(work.session, {each.subject for each in envelopes})
    standings = await standings_of(work.session, clients.values())
    expecting = await _expecting_an_intake(work, clients.values())
    due = []
    for envelope in envelopes:
        client, on = clients.get(envelope.subject), envelope.data.occurred_on
        if client is None:
            continue
        standing = standings[client.id]
        standing.diagnosed_on = max(on, standing.diagnosed_on or on)
        if client.id in expecting:
            term = intake_policy(work, client.municipality).intake_after_diagnosis
            due += [NewDeadline(client.municipality, client.id, "intake", on, term.term, term.id)] if term else []
    await set_deadlines(work, due)


async def on_client_categorised(work: Work, envelopes: Sequence[Envelope[ClientCategorised]]) -> None:
    """The letter goes out once the caseworker whom the pack names is known: now, or when routing says so.

    What is heard after the handover that it led to is told already; what is heard after the client left lets the
    goodbye go out, which tells of the track.
    """
    clients, standings, letters = await _in_hand(work, envelopes)
    for envelope in envelopes:
        client, traits = clients.get(envelope.subject), envelope.data.traits
        if client is None or traits.category is None or traits.track is None:
            continue
        standing, on = standings[client.id], envelope.data.occurred_on
        standing.category = traits.category
        if standing.handed_over_on is not None and on <= standing.handed_over_on:
            continue
        stays = _stays_on_track(work, client, standing, envelope.data)
        if not stays:
            standing.track = traits.track
        if standing.exited_on is not None and on <= standing.exited_on:
            if await letters.arrived(client, "exit", "category"):
                write(work, client, standing, "exit", envelope.data.by)
            continue
        if traits.basis == "import" or envelope.data.by == "import" or client.state != "registered":
            continue
        if stays or standing.caseworker_role == _role(work, client, traits, on):
            await letters.forget(client, "categorised")
            write(work, client, standing, "categorised", envelope.data.by)
        else:
            letters.wait(client, "categorised", "caseworker")


async def on_caseworker_assigned(work: Work, envelopes: Sequence[Envelope[CaseworkerAssigned]]) -> None:
    """The caseworker is known: what waited for that goes out. After a handover one letter tells it all."""
    clients, standings, letters = await _in_hand(work, envelopes)
    for envelope in envelopes:
        client, data = clients.get(envelope.subject), envelope.data
        if client is None:
            continue
        standing = standings[client.id]
        standing.caseworker_id, standing.caseworker_role = data.caseworker_id, data.role
        if data.occasion == "import" or data.by == "import":
            continue
        if data.occasion == "handover":
            standing.handed_over_on = data.occurred_on
            await letters.forget(client, "categorised")
            if await letters.arrived(client, "handover", "caseworker"):
                write(work, client, standing, "handover", data.by)
            else:
                letters.wait(client, "handover", "acceptance")
        elif await letters.arrived(client, "categorised", "caseworker"):
            write(work, client, standing, "categorised", data.by)


async def on_handover_accepted(work: Work, envelopes: Sequence[Envelope[HandoverAccepted]]) -> None:
    """The client goes on in the other track; the letter also names the new caseworker."""
    clients, standings, letters = await _in_hand(work, envelopes)
    for envelope in envelopes:
        client, data = clients.get(envelope.subject), envelope.data
        if client is None:
            continue
        standings[client.id].track, standings[client.id].handed_over_on = data.to_track, data.occurred_on
        if await letters.arrived(client, "handover", "acceptance"):
            write(work, client, standings[client.id], "handover", data.by)
        else:
            letters.wait(client, "handover", "caseworker")


async def on_client_exited(work: Work, envelopes: Sequence[Envelope[ClientExited]]) -> None:
    """A letter says goodbye; not to who died or left, and not for a spell that was imported."""
    clients, standings, letters = await _in_hand(work, envelopes)
    for envelope in envelopes:
        client, data = clients.get(envelope.subject), envelope.data
        if client is None:
            continue
        standings[client.id].exited_on = data.occurred_on
        await letters.forget(client, "categorised")
        await letters.forget(client, "handover")
        if data.by != "import" and data.reason not in NO_LETTER_AT_EXIT:
            if standings[client.id].track is None:
                letters.wait(client, "exit", "category")
            else:
                write(work, client, standings[client.id], "exit", data.by)


async def on_client_returned(work: Work, envelopes: Sequence[Envelope[ClientReturned]]) -> None:
    """The client is back: the way to the intake begins anew."""
    clients, standings, letters = await _in_hand(work, envelopes)
    for client in clients.values():
        standings[client.id].exited_on = None
        await letters.forget(client, "exit")


async def _in_hand(
    work: Work, envelopes: Sequence[Envelope[Any]]
) -> tuple[dict[UUID, Client], dict[UUID, Standing], AwaitedLetters]:
    """The clients that a batch is about by the id that it names, and by their own id what was heard and is awaited."""
    clients = await clients_by_id(work.session, {each.subject for each in envelopes})
    standings = await hold_standings_of(work.session, clients.values())
    return clients, standings, await AwaitedLetters.of(work, standings)


async def _expecting_an_intake(work: Work, clients: Collection[Client]) -> set[UUID]:
    """Who applied and had no intake since; and who is new here and has yet to apply. Not people without benefit."""
    ids = [client.id for client in clients]
    rows = await work.session.scalars(
        select(Application).where(Application.client_id.in_(ids)).order_by(Application.filed_on, Application.id)
    )
    applications = {row.client_id: row for row in rows}
    held = select(IntakeConversation.client_id, func.max(IntakeConversation.held_on)).where(
        IntakeConversation.client_id.in_(ids)
    )
    rows_held = await work.session.execute(held.group_by(IntakeConversation.client_id))
    intakes: dict[UUID, date] = {client_id: day for client_id, day in rows_held}  # noqa: C416 - rows are no pairs to mypy
    return {
        client.id
        for client in clients
        if client.state == "registered"
        and not client.without_benefit
        and _expects(client, applications.get(client.id), intakes.get(client.id))
    }


def _expects(client: Client, application: Application | None, last_intake: date | None) -> bool:
    """Whether an intake is to follow a diagnosis; who came in mid-journey had theirs."""
    if application is None:
        return last_intake is None and client.origin != "import"
    return application.state == "filed" and (last_intake is None or last_intake < application.filed_on)


def _stays_on_track(work: Work, client: Client, standing: Standing, categorised: ClientCategorised) -> bool:
    """Whether a temporary exemption only suspends: the caseworker and the track stay as they are (DIA-9)."""
    until = categorised.traits.exempted_until
    if until is None or categorised.occurred_on > until or standing.caseworker_id is None:
        return False
    pack = pack_of(work, client.municipality)
    return pack.exemption_effect(permanent=False) == "suspend" and standing.track is not None


def _role(work: Work, client: Client, traits: Traits, on: date) -> str | None:
    """The role that the pack names for the client as categorised; None where the pack of today knows none."""
    pack = pack_of(work, client.municipality)
    if traits.category not in pack.categories:
        return None
    exempted = traits.exempted_permanently or (traits.exempted_until is not None and on <= traits.exempted_until)
    return pack.caseworker_role(
        Situation(
            category=traits.category, track=traits.track, age_band=traits.age_band or client.age_band,
            starting_qualification=traits.starting_qualification, permit_holder=traits.permit_holder,
            without_benefit=traits.without_benefit, prospect_of_work=traits.prospect_of_work,
            indications=frozenset(traits.indications), exempted=exempted,
        )
    )  # fmt: skip


HANDLERS: Handlers = {
    AssessmentCompleted: on_assessment_completed,
    ClientCategorised: on_client_categorised,
    CaseworkerAssigned: on_caseworker_assigned,
    HandoverAccepted: on_handover_accepted,
    ClientExited: on_client_exited,
    ClientReturned: on_client_returned,
}
