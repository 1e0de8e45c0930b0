"""Conversations with a client, and what their option leads to (ROU-6, ROU-7, ROU-8); corrections (ROU-19)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.routing import ConversationCancelled, ConversationHeld, ParticipationRecorded, ReviewHeld
from policy import ConversationOption
from policy.running import FIP, REVIEW
from routing.actions import agreements, closing, journeys, placing, terms
from routing.actions.agreements import Answer, Origin, Promise, faults_in_areas
from routing.actions.journeys import Act, pack_of
from routing.actions.referring import request, under_way
from routing.actions.saying import say
from routing.actions.terms import Anew
from routing.problems import AlreadyEnded, NotInParticipation
from routing.spoken import Agreement, Conversation
from routing.tables import Exit, Journey


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation as entered."""

    kind: str
    option: int | None
    face_to_face: bool
    home_visit: bool
    areas: Mapping[str, str] = field(default_factory=dict)
    """What was said, by area of life."""
    answers: Sequence[Answer] = ()
    agreements: Sequence[Promise] = ()


async def hold(work: Work, journey: Journey, held: Held, act: Act) -> Conversation:
    """Record a conversation; its option refers the client, or leaves the next step to a diagnosis."""
    chosen = _chosen(work, journey, held.option, act.on)
    if chosen is not None and not await _took_part(work, journey, act.on):
        raise NotInParticipation
    await _check(work, journey, held, act.on)
    conversation = _keep(work, journey, held, act)
    _count_as_spoken(journey, conversation)
    _tell(work, journey, conversation, act)
    for each in held.answers:
        await agreements.answer(work, journey, each, act, conversation.id)
    for promise in held.agreements:
        agreements.agree(work, journey, promise, act, Origin(conversation.id))
    _follow_up(work, journey, conversation, chosen, act)
    await terms.restate(work, [journey], Anew.of(work, act.on, "een gesprek"))
    return conversation


async def correct(work: Work, conversation_id: UUID, held: Held, act: Act, reason: str) -> Conversation:
    """A conversation was entered wrongly: another stands in its place, and what follows from it follows anew.

    What was agreed and answered in it stays, and is corrected by itself.
    """
    journey, mistaken = await _find(work, conversation_id)
    chosen = _chosen(work, journey, held.option, act.on)
    await _check(work, journey, held, act.on, corrects=mistaken)
    agreements.put_aside(mistaken, work.today, reason)
    right = _keep(work, journey, held, act, corrects=mistaken.id)
    for agreement in await agreements.of(work, journey.client_id):
        for name in ("conversation_id", "answered_in"):
            if getattr(agreement, name) == mistaken.id:
                setattr(agreement, name, right.id)
    for referral in journey.referrals:
        if referral.conversation_id == mistaken.id:
            referral.conversation_id = right.id
    _tell(work, journey, right, act, corrects=mistaken)
    if held.option != mistaken.option:
        _take_back(work, journey, right, chosen, act)
        _follow_up(work, journey, right, chosen, act)
    elif chosen is not None and chosen.form is not None:
        _tell_form(work, journey, right, chosen, act)
    await _reckon_anew(work, journey, mistaken)
    return right


async def cancel(work: Work, conversation_id: UUID, reason: str) -> Conversation:
    """A conversation never took place: nothing that was said, agreed or answered in it stands."""
    journey, mistaken = await _find(work, conversation_id)
    act = Act(work.today, work.actor)
    everything = await agreements.of(work, journey.client_id)
    made = [each for each in everything if each.conversation_id == mistaken.id and each.continues_id is None]
    answered = [each for each in everything if each.answered_in == mistaken.id and each.corrected_on is None]
    agreements.put_aside(mistaken, act.on, reason)
    say(
        work, journey,
        ConversationCancelled(occurred_on=act.on, by=act.by, conversation_id=mistaken.id, option=mistaken.option),
    )  # fmt: skip
    await agreements.reopen(work, journey, answered, act)
    await agreements.cancel(work, journey, made, act)
    _take_back(work, journey, mistaken, None, act)
    await _reckon_anew(work, journey, mistaken)
    return mistaken


async def follow_up_since(work: Work, journey: Journey, left: Exit, act: Act) -> None:
    """An exit was a mistake: what conversations ask for that were entered or corrected while it stood, is asked."""
    entered = select(Conversation).where(
        Conversation.client_id == journey.client_id, Conversation.corrected_on.is_(None), Conversation.id > left.id
    )
    for held in await work.session.scalars(entered.order_by(Conversation.held_on, Conversation.id)):
        chosen = _chosen(work, journey, held.option, held.held_on)
        if chosen is not None:
            _refer(work, journey, held, chosen, act)


async def open_agreements(work: Work, client_id: UUID, on: date) -> list[Agreement]:
    """What was agreed by a day and is still to be answered: with this the next conversation begins."""
    return [each for each in await agreements.of(work, client_id) if each.state == "open" and each.agreed_on <= on]


async def _find(work: Work, conversation_id: UUID) -> tuple[Journey, Conversation]:
    client_id = await work.session.scalar(select(Conversation.client_id).where(Conversation.id == conversation_id))
    if client_id is None:
        raise NotFound
    journey = (await journeys.load(work.session, [client_id]))[client_id]
    conversation = await work.session.get_one(Conversation, conversation_id, with_for_update=True)
    if conversation.corrected_on is not None:
        raise AlreadyEnded("It was corrected or cancelled before.")
    return journey, conversation


def _chosen(work: Work, journey: Journey, option: int | None, on: date) -> ConversationOption | None:
    if option is None:
        return None
    policy = pack_of(work, journey, on).routing.participation
    if policy is None:
        raise NotInParticipation
    if option not in policy.options:
        raise Invalid.at("#/option", f"choose from {', '.join(map(str, sorted(policy.options)))}")
    return policy.options[option]


async def _took_part(work: Work, journey: Journey, on: date) -> bool:
    """Whether the client was in participation on that day, which may be before today."""
    if on == work.today and journey.active:
        return _takes_part(work, journey)
    track = (await placing.place_on(work, journey, on)).track
    return track is not None and pack_of(work, journey).aim_of(track) == "participation"


def _takes_part(work: Work, journey: Journey) -> bool:
    return journey.track is not None and pack_of(work, journey).aim_of(journey.track) == "participation"


async def _check(work: Work, journey: Journey, held: Held, on: date, corrects: Conversation | None = None) -> None:
    """Invalid, with all faults, for a conversation that leaves out what its kind asks for, or names what is not."""
    waiting = {each.id: each for each in await open_agreements(work, journey.client_id, on)}
    faults = [
        *_faults_in_kind(work, journey, held.kind, on, corrects),
        *_faults_in_what_was_said(work, journey, held, on),
    ]
    if corrects is None:
        faults += _faults_in_answers(held, waiting)
    if faults:
        raise Invalid(errors=faults)


def _faults_in_kind(
    work: Work, journey: Journey, kind: str, on: date, corrects: Conversation | None
) -> Iterator[dict[str, str]]:
    """A kind that policy does not name would meet no term; what it named when the mistake was made may stay."""
    there = pack_of(work, journey, on).routing.kinds_of_conversation()
    before = pack_of(work, journey, corrects.held_on).routing.kinds_of_conversation() if corrects else ()
    if kind not in {*there, *before}:
        detail = f"is no kind of conversation in {journey.municipality} on {on}: choose from {', '.join(there)}"
        yield {"detail": detail, "pointer": "#/kind"}


def _faults_in_what_was_said(work: Work, journey: Journey, held: Held, on: date) -> Iterator[dict[str, str]]:
    fip = pack_of(work, journey, on).routing.fip
    areas = fip.areas_of_life if fip else {}
    pointers: dict[str, str | None] = {f"#/areas/{area}": area for area in held.areas}
    pointers |= {f"#/agreements/{number}/area": each.area for number, each in enumerate(held.agreements)}
    yield from faults_in_areas(areas, pointers)
    if held.kind == FIP:
        missing = (area for area in areas if area not in held.areas)
        yield from ({"detail": f"says nothing of {area} ({areas[area]})", "pointer": "#/areas"} for area in missing)
    days = {f"#/agreements/{number}/dueOn": each.due_on for number, each in enumerate(held.agreements)}
    days |= {f"#/answers/{number}/dueOn": each.due_on for number, each in enumerate(held.answers)}
    yield from (
        {"detail": f"lies before the conversation, on {on}", "pointer": pointer}
        for pointer, day in days.items()
        if day is not None and day < on
    )


def _faults_in_answers(held: Held, waiting: Mapping[UUID, Agreement]) -> Iterator[dict[str, str]]:
    """Each open agreement is answered once; by a conversation that builds on the former, all of them."""
    answered: set[UUID] = set()
    for number, each in enumerate(held.answers):
        pointer = f"#/answers/{number}/agreementId"
        if each.agreement_id not in waiting:
            yield {"detail": "is no open agreement with this client", "pointer": pointer}
        elif each.agreement_id in answered:
            yield {"detail": "is answered twice", "pointer": pointer}
        answered.add(each.agreement_id)
    if held.kind == FIP:
        for agreement in waiting.values():
            if agreement.id not in answered:
                said = f"leaves open what became of agreement {agreement.id} of {agreement.agreed_on}"
                yield {"detail": said, "pointer": "#/answers"}


def _keep(work: Work, journey: Journey, held: Held, act: Act, corrects: UUID | None = None) -> Conversation:
    conversation = Conversation(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
        kind=held.kind, held_on=act.on, option=held.option, face_to_face=held.face_to_face,
        home_visit=held.home_visit, areas=dict(held.areas), corrects_id=corrects,
    )  # fmt: skip
    work.session.add(conversation)
    return conversation


def _count_as_spoken(journey: Journey, held: Conversation) -> None:
    journey.spoken_on = max(filter(None, (journey.spoken_on, held.held_on)))


async def _reckon_anew(work: Work, journey: Journey, mistaken: Conversation) -> None:
    """When the client was last spoken, by the conversations that stand; and the terms that follow."""
    journey.spoken_on = journey.spoken_before_on
    await work.session.flush()
    standing = await work.session.scalars(
        select(Conversation).where(Conversation.client_id == journey.client_id, Conversation.corrected_on.is_(None))
    )
    for held in standing:
        _count_as_spoken(journey, held)
    await terms.restate(work, [journey], Anew.of(work, mistaken.held_on, "een gesprek", corrects=True))


def _tell(work: Work, journey: Journey, held: Conversation, act: Act, corrects: Conversation | None = None) -> None:
    told = {
        "occurred_on": act.on, "by": act.by, "conversation_id": held.id, "option": held.option,
        "face_to_face": held.face_to_face, "home_visit": held.home_visit,
        "corrects": corrects.id if corrects else None, "corrected_option": corrects.option if corrects else None,
    }  # fmt: skip
    if held.kind == REVIEW:
        say(work, journey, ReviewHeld.model_validate(told))
    else:
        say(work, journey, ConversationHeld.model_validate({**told, "kind": held.kind}))


def _tell_form(work: Work, journey: Journey, held: Conversation, chosen: ConversationOption, act: Act) -> None:
    if chosen.form is not None:
        event = ParticipationRecorded(occurred_on=act.on, by=act.by, form=chosen.form, conversation_id=held.id)
        say(work, journey, event)


def _follow_up(work: Work, journey: Journey, held: Conversation, chosen: ConversationOption | None, act: Act) -> None:
    """A form of taking part is recorded; a referral is asked for once; a diagnosis follows by itself."""
    if chosen is None or held.option is None:
        return
    _tell_form(work, journey, held, chosen, act)
    _refer(work, journey, held, chosen, act)


def _refer(work: Work, journey: Journey, held: Conversation, chosen: ConversationOption, act: Act) -> None:
    """Who exited is referred when that turns out to be a mistake."""
    if chosen.leads_to == "referral" and held.option is not None and journey.active and _takes_part(work, journey):
        rule = pack_of(work, journey).referral_for_option(held.option, journey.situation(work.today))
        if rule is not None and not under_way(journey, rule):
            request(work, journey, rule, "conversation", act).conversation_id = held.id


def _take_back(work: Work, journey: Journey, held: Conversation, chosen: ConversationOption | None, act: Act) -> None:
    """Referrals that the option asked for and that it does not ask for any more are withdrawn, or stay so."""
    rule = None
    if chosen is not None and chosen.leads_to == "referral" and held.option is not None:
        rule = pack_of(work, journey).referral_for_option(held.option, journey.situation(work.today))
    wanted = (rule.partner, rule.purpose) if rule else None
    for referral in journey.open_referrals:
        if referral.conversation_id == held.id and (referral.partner, referral.purpose) != wanted:
            closing.withdraw(work, journey, referral, "other", act)
    at_exit = (each for each in journey.referrals if each.exit_id is not None and each.conversation_id == held.id)
    for referral in at_exit:
        if (referral.partner, referral.purpose) != wanted:
            referral.exit_id = None  # it is not asked for anew when the exit was a mistake
