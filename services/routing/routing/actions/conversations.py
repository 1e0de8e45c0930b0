"""Conversations with a client, and what their option leads to (ROU-6, ROU-7, ROU-8)."""

from dataclasses import dataclass

from chassis.problems import Invalid
from chassis.work import Work
from contracts.routing import ConversationHeld, ParticipationRecorded, ReviewHeld
from policy import ConversationOption
from policy.running import REVIEW
from routing.actions import terms
from routing.actions.journeys import Act, pack_of, say
from routing.actions.referring import request, under_way
from routing.problems import NotInParticipation
from routing.tables import Conversation, Journey


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation as entered."""

    kind: str
    option: int | None
    face_to_face: bool
    home_visit: bool


async def hold(work: Work, journey: Journey, held: Held, act: Act) -> Conversation:
    """Record a conversation; its option refers the client, or leaves the next step to a diagnosis."""
    chosen = _chosen(work, journey, held.option)
    conversation = Conversation(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
        kind=held.kind, held_on=act.on, option=held.option, face_to_face=held.face_to_face,
        home_visit=held.home_visit,
    )  # fmt: skip
    work.session.add(conversation)
    journey.spoken_on = max(filter(None, (journey.spoken_on, act.on)))
    if held.face_to_face or held.home_visit:
        journey.seen_on = max(filter(None, (journey.seen_on, act.on)))
    _tell(work, journey, conversation, act)
    if chosen is not None and held.option is not None:
        _follow_up(work, journey, held.option, chosen, act)
    await terms.restate(work, [journey])
    return conversation


def _chosen(work: Work, journey: Journey, option: int | None) -> ConversationOption | None:
    if option is None:
        return None
    pack = pack_of(work, journey)
    policy = pack.routing.participation
    if policy is None or pack.aim_of(journey.track) != "participation":
        raise NotInParticipation
    if option not in policy.options:
        raise Invalid.at("#/option", f"choose from {', '.join(map(str, sorted(policy.options)))}")
    return policy.options[option]


def _tell(work: Work, journey: Journey, held: Conversation, act: Act) -> None:
    if held.kind == REVIEW:
        say(
            work, journey,
            ReviewHeld(
                occurred_on=act.on, by=act.by, conversation_id=held.id, option=held.option,
                face_to_face=held.face_to_face, home_visit=held.home_visit,
            ),
        )  # fmt: skip
    else:
        say(
            work, journey,
            ConversationHeld(
                occurred_on=act.on, by=act.by, conversation_id=held.id, kind=held.kind, option=held.option,
                face_to_face=held.face_to_face, home_visit=held.home_visit,
            ),
        )  # fmt: skip


def _follow_up(work: Work, journey: Journey, option: int, chosen: ConversationOption, act: Act) -> None:
    """A form of taking part is recorded; a referral is asked for once; a diagnosis follows by itself."""
    if chosen.form is not None:
        say(work, journey, ParticipationRecorded(occurred_on=act.on, by=act.by, form=chosen.form))
    if chosen.leads_to == "referral":
        rule = pack_of(work, journey).referral_for_option(option, journey.situation(work.today))
        if rule is not None and not under_way(journey, rule):
            request(work, journey, rule, "conversation", act)
