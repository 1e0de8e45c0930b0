"""What intake hears: of diagnosis when the week of the intake begins, of diagnosis and routing what letters tell."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from chassis.consumer import Handlers
from chassis.deadlines import NewDeadline, give_up, set_deadlines
from chassis.work import Work
from contracts import Envelope
from contracts.diagnosis import AssessmentCompleted, ClientCategorised, Traits
from contracts.model import Actor
from contracts.routing import (
    CaseworkerAssigned,
    CaseworkerMissing,
    CaseworkerReleased,
    ClientExited,
    ClientReturned,
    ExitReverted,
    HandoverAccepted,
)
from intake.actions.clients import leave_benefit, stay_on_benefit
from intake.actions.letters import AwaitedLetters, tell, write
from intake.actions.merging import mergers
from intake.actions.policies import intake_policy, pack_of
from intake.tables import (
    Application,
    Client,
    IntakeConversation,
    Letter,
    Standing,
    clients_by_id,
    hold_standings_of,
    newest_letter,
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
    goodbye go out, which tells of the track. A decision that corrects one that a letter told of corrects the letter.
    """
    clients, standings, letters = await _in_hand(work, envelopes)
    for envelope in envelopes:
        client, traits = clients.get(envelope.subject), envelope.data.traits
        if client is None or traits.category is None or traits.track is None:
            continue
        standing, data, on = standings[client.id], envelope.data, envelope.data.occurred_on
        standing.category = traits.category
        if _led_to_handover(standing, data):
            await _was_told_by_handover(work, client, standing, letters, data)
            continue
        stays = _stays_on_track(work, client, standing, data)
        if not stays:
            standing.track = traits.track
        standing.assessment_id = data.assessment_id
        standing.named_role = standing.caseworker_role if stays else _role(work, client, traits, on)
        if standing.exited_on is not None and on <= standing.exited_on:
            if await letters.arrived(client, "exit", "category"):
                write(work, client, standing, "exit", data.by, tells_of=standing.exit_id)
            continue
        if traits.basis == "import" or data.by == "import" or client.state != "registered":
            continue
        await _find_what_was_wrong(work, client, standing, data)
        if standing.exited_on is None and _guided_as_named(standing):
            await letters.forget(client, "categorised")
            await tell(work, client, standing, "categorised", data.by)
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
                await tell(work, client, standing, "handover", data.by)
            else:
                letters.wait(client, "handover", "acceptance")
        elif data.occasion == "transfer" and standing.named_role not in {None, data.role}:
            continue  # somebody else of the same role takes over, while a handover to another role is under way
        elif await letters.arrived(client, "categorised", "caseworker"):
            await tell(work, client, standing, "categorised", data.by)


async def on_caseworker_missing(work: Work, envelopes: Sequence[Envelope[CaseworkerMissing]]) -> None:
    """Nobody guides the client for now: no letter names who did."""
    clients, standings, _ = await _in_hand(work, envelopes)
    for client in clients.values():
        standings[client.id].caseworker_id = None


async def on_caseworker_released(work: Work, envelopes: Sequence[Envelope[CaseworkerReleased]]) -> None:
    """Nobody guides the client: letters name the municipality."""
    _, standings, _ = await _in_hand(work, envelopes)
    for standing in standings.values():
        standing.caseworker_id = standing.caseworker_role = None


async def on_handover_accepted(work: Work, envelopes: Sequence[Envelope[HandoverAccepted]]) -> None:
    """The client goes on in the other track; the letter also names the new caseworker."""
    clients, standings, letters = await _in_hand(work, envelopes)
    for envelope in envelopes:
        client, data = clients.get(envelope.subject), envelope.data
        if client is None:
            continue
        standing = standings[client.id]
        if standing.track != data.to_track:  # no assessment led here, or it is yet to be heard
            standing.track = data.to_track
            standing.assessment_id = standing.named_role = None
        standing.handed_over_on = data.occurred_on
        if await letters.arrived(client, "handover", "acceptance"):
            await tell(work, client, standing, "handover", data.by)
        else:
            letters.wait(client, "handover", "caseworker")


async def on_client_exited(work: Work, envelopes: Sequence[Envelope[ClientExited]]) -> None:
    """A letter says goodbye; not to who died or left, and not for a spell that was imported."""
    clients, standings, letters = await _in_hand(work, envelopes)
    for envelope in envelopes:
        client, data = clients.get(envelope.subject), envelope.data
        if client is None:
            continue
        standing = standings[client.id]
        standing.exited_on, standing.exit_id = data.occurred_on, data.exit_id
        await leave_benefit(work, client, data.occurred_on, for_good=data.reason == "pension_age")
        standing.wrong_letter_id = None  # the goodbye takes the place of whatever was told
        await letters.forget(client, "categorised")
        await letters.forget(client, "handover")
        if data.by != "import" and data.reason not in NO_LETTER_AT_EXIT:
            if standing.track is None:
                letters.wait(client, "exit", "category")
            else:
                write(work, client, standing, "exit", data.by, tells_of=data.exit_id)


async def on_exit_reverted(work: Work, envelopes: Sequence[Envelope[ExitReverted]]) -> None:
    """The goodbye was a mistake: a letter says that it does not hold. What waited when the client left, waits again."""
    clients, standings, letters = await _in_hand(work, envelopes)
    for envelope in envelopes:
        client, data = clients.get(envelope.subject), envelope.data
        if client is None:
            continue
        standing = standings[client.id]
        if standing.exited_on is not None:
            await stay_on_benefit(work, client, standing.exited_on)
        standing.exited_on = standing.exit_id = None
        await letters.forget(client, "exit")
        goodbye = await newest_letter(work.session, client.id, Letter.tells_of == data.exit_id)
        untold = await _is_untold(work, client, standing)
        if data.by == "import" or (goodbye is None and not untold):
            continue
        standing.wrong_letter_id = goodbye.id if goodbye else None
        if _guided_as_named(standing):
            await tell(work, client, standing, "categorised", data.by)
        else:
            await _tell_what_held(work, client, standing, data.by)
            letters.wait(client, "categorised", "caseworker")


async def on_client_returned(work: Work, envelopes: Sequence[Envelope[ClientReturned]]) -> None:
    """The client is back: the way to the intake begins anew, and somebody will be found to guide them."""
    clients, standings, letters = await _in_hand(work, envelopes)
    for client in clients.values():
        standing = standings[client.id]
        standing.exited_on = standing.exit_id = standing.caseworker_id = standing.caseworker_role = None
        await give_up(work, {client.id})
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


def _led_to_handover(standing: Standing, categorised: ClientCategorised) -> bool:
    """Whether the handover that a categorisation led to, or one after it, was heard already.

    A correction on the very day of a handover to another track can only come after it.
    """
    on, handed_over_on = categorised.occurred_on, standing.handed_over_on
    if handed_over_on is None or on > handed_over_on:
        return False
    elsewhere = categorised.traits.track != standing.track
    return not (categorised.corrects is not None and elsewhere and on == handed_over_on)


async def _was_told_by_handover(
    work: Work, client: Client, standing: Standing, letters: AwaitedLetters, categorised: ClientCategorised
) -> None:
    """The letter on the handover told what this decision led to; what a letter before it told wrongly is corrected."""
    if categorised.traits.track != standing.track:
        return
    standing.assessment_id = categorised.assessment_id
    standing.named_role = _role(work, client, categorised.traits, categorised.occurred_on)
    told = await newest_letter(work.session, client.id, Letter.kind == "handover")
    if told is not None and told.track == standing.track:
        told.tells_of = categorised.assessment_id
    if categorised.corrects is not None:
        wrong = await newest_letter(work.session, client.id, Letter.tells_of == categorised.corrects)
        standing.wrong_letter_id = wrong.id if wrong else None
        if wrong is not None and not letters.awaited(client, "handover"):
            await tell(work, client, standing, "categorised", categorised.by)


async def _find_what_was_wrong(work: Work, client: Client, standing: Standing, categorised: ClientCategorised) -> None:
    """Whether the letter that the client had last told of the decision that is corrected here."""
    if categorised.corrects is not None:
        told = await newest_letter(work.session, client.id)
        if told is not None and told.tells_of == categorised.corrects:
            standing.wrong_letter_id = told.id
    elif standing.wrong_letter_id is not None:
        told = await work.session.get(Letter, standing.wrong_letter_id)
        if told is not None and (told.track, told.caseworker_role) == (standing.track, standing.named_role):
            standing.wrong_letter_id = None  # a new decision comes to what the client was told


async def _is_untold(work: Work, client: Client, standing: Standing) -> bool:
    """Whether the last decision was told by no letter yet."""
    if standing.assessment_id is None:
        return False
    return await newest_letter(work.session, client.id, Letter.tells_of == standing.assessment_id) is None


async def _tell_what_held(work: Work, client: Client, standing: Standing, by: Actor) -> None:
    """While a handover is under way, a goodbye that was wrong is corrected by where the client is until then."""
    wrong = await work.session.get(Letter, standing.wrong_letter_id) if standing.wrong_letter_id else None
    told = await newest_letter(work.session, client.id, Letter.track.is_not(None))
    if wrong is None or told is None or standing.caseworker_id is None:
        return
    standing.wrong_letter_id, ahead = None, standing.track
    standing.track = told.track
    write(work, client, standing, "correction", by, tells_of=told.tells_of, corrects=wrong)
    standing.track = ahead


def _guided_as_named(standing: Standing) -> bool:
    """Whether the client has a caseworker of the role that the pack named; of an import, whoever it is."""
    return standing.caseworker_id is not None and standing.named_role in {None, standing.caseworker_role}


def _stays_on_track(work: Work, client: Client, standing: Standing, categorised: ClientCategorised) -> bool:
    """Whether a temporary exemption only suspends: the caseworker and the track stay as they are (DIA-9)."""
    until = categorised.traits.exempted_until
    if until is None or categorised.occurred_on > until or standing.caseworker_role is None:
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


HEARD: Handlers = {
    AssessmentCompleted: on_assessment_completed,
    ClientCategorised: on_client_categorised,
    CaseworkerAssigned: on_caseworker_assigned,
    CaseworkerMissing: on_caseworker_missing,
    CaseworkerReleased: on_caseworker_released,
    HandoverAccepted: on_handover_accepted,
    ClientExited: on_client_exited,
    ExitReverted: on_exit_reverted,
    ClientReturned: on_client_returned,
}

HANDLERS: Handlers = mergers(HEARD).remembering
"""The same; what comes late about who had gone is remembered, for when that is undone."""
