"""When a handover is due: it follows from where the client stands, and is called off with it (ROU-4, ROU-5)."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from chassis.work import Work
from contracts.routing import HandoverDue, HandoverPrepared
from policy import reckon
from policy.running import LONGEST_STAY, longest_stay
from routing.actions import caseworkers, closing, placing
from routing.actions.journeys import Act, pack_of
from routing.actions.saying import say
from routing.placing import HandoverReason, Place
from routing.tables import Handover, Journey


@dataclass(frozen=True, slots=True)
class Needed:
    """A handover that is due: where to, why, since which day, and by whom it is."""

    to_track: str
    reason: HandoverReason
    due_on: date
    by: str

    def is_met_by(self, handover: Handover) -> bool:
        """Whether this one is it."""
        return (handover.to_track, handover.reason) == (self.to_track, self.reason)


async def follow(work: Work, journey: Journey, act: Act) -> None:
    """A handover falls due, or the one under way is called off: as it follows from where the client stands.

    One that was never due, as is known now, is called off as a mistake.
    """
    under_way, needed = journey.open_handover, needed_on(work, journey, journey.place, work.today)
    if under_way is not None and (needed is None or not needed.is_met_by(under_way)):
        closing.call_off(work, journey, act, needless=await _never_due(work, journey, under_way))
        under_way = None
    if needed is not None and under_way is None:
        _fall_due(work, journey, needed)
    elif needed is not None and under_way is not None and under_way.due_on != needed.due_on:
        under_way.due_on = needed.due_on
        tell_again(work, journey, under_way, act)


def needed_on(work: Work, journey: Journey, place: Place, on: date) -> Needed | None:
    """The handover that is due on a day for a client who stands so: of two reasons, the one that came first."""
    if not journey.active or place.track is None:
        return None
    found = []
    if place.asked is not None:
        found.append(Needed(place.asked.track, place.asked.reason, place.asked.since, place.asked.by))
    stay = longest_stay(journey.standing(place), partial(pack_of, work, journey))
    if stay is not None:
        end = reckon(stay.start, stay.term, stay.suspensions).due_on
        rule = pack_of(work, journey, stay.start).routing.longest_on_track
        if end is not None and end <= on and rule is not None:
            found.append(Needed(rule.hands_over_to, LONGEST_STAY, end, "clock"))
    return min(found, key=lambda each: each.due_on, default=None)


def tell_again(work: Work, journey: Journey, handover: Handover, act: Act) -> None:
    """Say once more what is under way, in the place of what was said of it before."""
    say(work, journey, _due(handover, act.by, corrects=handover.id))
    if handover.prepared_on is not None:
        tell_prepared(work, journey, handover, Act(handover.prepared_on, act.by))


def restore(work: Work, journey: Journey, cancelled: Handover, act: Act) -> None:
    """What a mistaken exit cancelled goes on as it stood."""
    cancelled.closed_on = cancelled.exit_id = None
    returned = cancelled.prepared_on is None and cancelled.return_reason is not None
    cancelled.state = "prepared" if cancelled.prepared_on is not None else "returned" if returned else "due"
    tell_again(work, journey, cancelled, act)


async def _never_due(work: Work, journey: Journey, handover: Handover) -> bool:
    place = await placing.place_on(work, journey, handover.due_on)
    needed = needed_on(work, journey, place, handover.due_on)
    return needed is None or not needed.is_met_by(handover)


def _fall_due(work: Work, journey: Journey, needed: Needed) -> None:
    assert journey.track is not None, "only a client who is on a track is handed over"
    handover = Handover(
        id=work.ids(), municipality=journey.municipality, entered_by=needed.by, from_track=journey.track,
        to_track=needed.to_track, reason=needed.reason, state="due", due_on=needed.due_on,
    )  # fmt: skip
    journey.handovers.append(handover)
    say(work, journey, _due(handover, needed.by))


def _due(handover: Handover, by: str, corrects: UUID | None = None) -> HandoverDue:
    return HandoverDue.model_validate(
        {
            "occurred_on": handover.due_on, "by": by, "handover_id": handover.id, "to_track": handover.to_track,
            "reason": handover.reason, "due_on": handover.due_on, "corrects": corrects,
        }
    )  # fmt: skip


def tell_prepared(work: Work, journey: Journey, handover: Handover, act: Act) -> None:
    """Say that the file is ready, by when it is to be accepted, and who receives the client."""
    assert handover.accept_by is not None
    say(
        work, journey,
        HandoverPrepared(
            occurred_on=act.on, by=act.by, handover_id=handover.id, accept_by=handover.accept_by,
            to_role=caseworkers.role_for(work, journey, handover.to_track),
        ),
    )  # fmt: skip
