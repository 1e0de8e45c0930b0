"""What a client is told of what diagnosis and routing say, which are heard in either order (ROU-14).

Each function takes in one event about a client in hand: it keeps where they stand, and writes the letter that can be
written now, or lets it wait for what it has still to tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chassis.work import Work
from contracts import Envelope
from contracts.diagnosis import ClientCategorised, Traits
from contracts.model import Actor
from contracts.routing import CaseworkerAssigned, ClientExited, ExitReverted, HandoverAccepted
from intake.actions.letters import AwaitedLetters, tell, write
from intake.actions.policies import pack_of
from intake.tables import Client, Letter, Standing, clients_by_id, hold_standings_of, newest_letter
from policy import Situation
from policy.letters import LetterId

NO_LETTER_AT_EXIT = ("deceased", "moved_away")


@dataclass(frozen=True)
class InHand:
    """A client about whom something is heard, where they stand, and what letters of theirs wait for."""

    work: Work
    client: Client
    standing: Standing
    letters: AwaitedLetters


async def in_hand(work: Work, envelopes: Sequence[Envelope[Any]]) -> list[tuple[InHand, Any]]:
    """Those of these events that are about clients of ours, each with its client, held until the work is done."""
    clients = await clients_by_id(work.session, {each.subject for each in envelopes})
    standings = await hold_standings_of(work.session, clients.values())
    letters = await AwaitedLetters.of(work, standings)
    return [
        (InHand(work, client, standings[client.id], letters), each.data)
        for each in envelopes
        if (client := clients.get(each.subject)) is not None
    ]


async def categorised(hand: InHand, data: ClientCategorised) -> None:
    """The letter goes out once the caseworker whom the pack names is known: now, or when routing says so.

    What is heard after the handover that it led to is told already; what is heard after the client left lets the
    goodbye go out, which tells of the track. A decision that corrects one that a letter told of corrects the letter.
    """
    work, client, standing, letters, traits = hand.work, hand.client, hand.standing, hand.letters, data.traits
    if traits.category is None or traits.track is None:
        return
    standing.category = traits.category
    if _led_to_handover(standing, data):
        await _was_told_by_handover(hand, data)
        return
    stays = _stays_on_track(hand, data)
    if not stays:
        standing.track = traits.track
    standing.assessment_id = data.assessment_id
    standing.named_role = standing.caseworker_role if stays else _role(hand, traits, data.occurred_on)
    if standing.exited_on is not None and data.occurred_on <= standing.exited_on:
        if await letters.arrived(client, "exit", "category"):
            await _say_goodbye(hand, data.by)
        return
    if traits.basis == "import" or data.by == "import" or client.state != "registered":
        return
    await _find_what_was_wrong(hand, data)
    if standing.exited_on is None and _guided_as_named(standing):
        await letters.forget(client, "categorised")
        await tell(work, client, standing, "categorised", data.by)
    else:
        letters.wait(client, "categorised", "caseworker")


async def assigned(hand: InHand, data: CaseworkerAssigned) -> None:
    """The caseworker is known: what waited for that goes out. After a handover one letter tells it all."""
    work, client, standing, letters = hand.work, hand.client, hand.standing, hand.letters
    standing.caseworker_id, standing.caseworker_role = data.caseworker_id, data.role
    if data.occasion == "import" or data.by == "import":
        return
    if data.occasion == "handover":
        standing.handed_over_on = data.occurred_on
        await letters.forget(client, "categorised")
        if await letters.arrived(client, "handover", "caseworker"):
            await tell(work, client, standing, "handover", data.by)
        else:
            letters.wait(client, "handover", "acceptance")
    elif data.occasion == "transfer" and standing.named_role not in {None, data.role}:
        return  # somebody else of the same role takes over, while a handover to another role is under way
    elif await letters.arrived(client, "categorised", "caseworker"):
        await tell(work, client, standing, "categorised", data.by)


async def accepted(hand: InHand, data: HandoverAccepted) -> None:
    """The client goes on in the other track; the letter also names the new caseworker."""
    client, standing, letters = hand.client, hand.standing, hand.letters
    if standing.track != data.to_track:  # no assessment led here, or it is yet to be heard
        standing.track = data.to_track
        standing.assessment_id = standing.named_role = None
    standing.handed_over_on = data.occurred_on
    if await letters.arrived(client, "handover", "acceptance"):
        await tell(hand.work, client, standing, "handover", data.by)
    else:
        letters.wait(client, "handover", "caseworker")


async def exited(hand: InHand, data: ClientExited) -> None:
    """A letter says goodbye; not to who died or left, and not for a spell that was imported."""
    client, standing, letters = hand.client, hand.standing, hand.letters
    standing.exited_on, standing.exit_id = data.occurred_on, data.exit_id
    standing.wrong_letter_id = None  # the goodbye takes the place of whatever was told
    await letters.forget(client, "categorised")
    await letters.forget(client, "handover")
    said_already = await newest_letter(hand.work.session, client.id, Letter.tells_of == data.exit_id)
    if said_already is None and data.by != "import" and data.reason not in NO_LETTER_AT_EXIT:
        if standing.track is None:
            letters.wait(client, "exit", "category")
        else:
            await _say_goodbye(hand, data.by)


async def exit_reverted(hand: InHand, data: ExitReverted) -> None:
    """The goodbye was a mistake: a letter says that it does not hold. What waited when the client left, waits again."""
    work, client, standing, letters = hand.work, hand.client, hand.standing, hand.letters
    standing.exited_on = standing.exit_id = None
    await letters.forget(client, "exit")
    goodbye = await newest_letter(work.session, client.id, Letter.tells_of == data.exit_id)
    untold = await _is_untold(hand)
    if data.by == "import" or (goodbye is None and not untold):
        return
    standing.wrong_letter_id = goodbye.id if goodbye else None
    if _guided_as_named(standing):
        await tell(work, client, standing, "categorised", data.by)
    else:
        await _tell_what_held(hand, data.by)
        letters.wait(client, "categorised", "caseworker")


async def returned(hand: InHand) -> None:
    """The client is back: the way to the intake begins anew, and somebody will be found to guide them."""
    standing = hand.standing
    standing.exited_on = standing.exit_id = standing.caseworker_id = standing.caseworker_role = None
    await hand.letters.forget(hand.client, "exit")


def _led_to_handover(standing: Standing, categorised: ClientCategorised) -> bool:
    """Whether the handover that a categorisation led to, or one after it, was heard already.

    A correction on the very day of a handover to another track can only come after it.
    """
    on, handed_over_on = categorised.occurred_on, standing.handed_over_on
    if handed_over_on is None or on > handed_over_on:
        return False
    elsewhere = categorised.traits.track != standing.track
    return not (categorised.corrects is not None and elsewhere and on == handed_over_on)


async def _was_told_by_handover(hand: InHand, categorised: ClientCategorised) -> None:
    """The letter on the handover told what this decision led to; what a letter before it told wrongly is corrected."""
    work, client, standing = hand.work, hand.client, hand.standing
    if categorised.traits.track != standing.track:
        return
    standing.assessment_id = categorised.assessment_id
    standing.named_role = _role(hand, categorised.traits, categorised.occurred_on)
    told = await newest_letter(work.session, client.id, Letter.kind == "handover")
    if told is not None and told.track == standing.track:
        told.tells_of = categorised.assessment_id
    if categorised.corrects is not None:
        wrong = await newest_letter(work.session, client.id, Letter.tells_of == categorised.corrects)
        standing.wrong_letter_id = wrong.id if wrong else None
        if wrong is not None and not hand.letters.awaited(client, "handover"):
            await tell(work, client, standing, "categorised", categorised.by)


async def _find_what_was_wrong(hand: InHand, categorised: ClientCategorised) -> None:
    """Whether the letter that the client had last told of the decision that is corrected here."""
    session, standing = hand.work.session, hand.standing
    if categorised.corrects is not None:
        told = await newest_letter(session, hand.client.id)
        if told is not None and told.tells_of == categorised.corrects:
            standing.wrong_letter_id = told.id
    elif standing.wrong_letter_id is not None:
        told = await session.get(Letter, standing.wrong_letter_id)
        if told is not None and (told.track, told.caseworker_role) == (standing.track, standing.named_role):
            standing.wrong_letter_id = None  # a new decision comes to what the client was told


async def _is_untold(hand: InHand) -> bool:
    """Whether the last decision was told by no letter yet."""
    decision = hand.standing.assessment_id
    if decision is None:
        return False
    return await newest_letter(hand.work.session, hand.client.id, Letter.tells_of == decision) is None


async def _say_goodbye(hand: InHand, by: Actor) -> None:
    """The help stops on the track where the client was; a handover that was under way comes to nothing."""
    standing = hand.standing
    was_on = None if _guided_as_named(standing) else await _track_before_handover(hand)
    _write_as_on(hand, was_on or standing.track, "exit", by, tells_of=standing.exit_id)


async def _tell_what_held(hand: InHand, by: Actor) -> None:
    """While a handover is under way, a goodbye that was wrong is corrected by where the client is until then."""
    standing = hand.standing
    wrong = await hand.work.session.get(Letter, standing.wrong_letter_id) if standing.wrong_letter_id else None
    told = await _told_of_track(hand)
    if wrong is None or told is None or standing.caseworker_id is None:
        return
    standing.wrong_letter_id = None
    _write_as_on(hand, told.track, "correction", by, tells_of=told.tells_of, corrects=wrong)


async def _track_before_handover(hand: InHand) -> str | None:
    """The track on which a caseworker guides the client until a handover, as letters told."""
    told = await _told_of_track(hand) if hand.standing.caseworker_id is not None else None
    return told.track if told is not None else None


async def _told_of_track(hand: InHand) -> Letter | None:
    return await newest_letter(hand.work.session, hand.client.id, Letter.track.is_not(None))


def _write_as_on(hand: InHand, track: str | None, kind: LetterId, by: Actor, **about: Any) -> None:
    """Write a letter to who stands so, except that the track is another."""
    standing = hand.standing
    ahead, standing.track = standing.track, track
    write(hand.work, hand.client, standing, kind, by, **about)
    standing.track = ahead


def _guided_as_named(standing: Standing) -> bool:
    """Whether the client has a caseworker of the role that the pack named; of an import, whoever it is."""
    return standing.caseworker_id is not None and standing.named_role in {None, standing.caseworker_role}


def _stays_on_track(hand: InHand, categorised: ClientCategorised) -> bool:
    """Whether a temporary exemption only suspends: the caseworker and the track stay as they are (DIA-9)."""
    until = categorised.traits.exempted_until
    if until is None or categorised.occurred_on > until or hand.standing.caseworker_role is None:
        return False
    pack = pack_of(hand.work, hand.client.municipality)
    return pack.exemption_effect(permanent=False) == "suspend" and hand.standing.track is not None


def _role(hand: InHand, traits: Traits, on: date) -> str | None:
    """The role that the pack names for the client as categorised; None where the pack of today knows none."""
    client, pack = hand.client, pack_of(hand.work, hand.client.municipality)
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
