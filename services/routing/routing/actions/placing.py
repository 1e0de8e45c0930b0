"""Taking the steps anew by which a client came to stand where they stand, after a correction or a late entry."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select

from chassis.work import Work
from contracts.diagnosis import Traits
from routing.actions.journeys import Act
from routing.placing import CameBack, Decided, HandedOver, Place, Step, place_of
from routing.tables import Decision, Journey

_TOLD = ("prospect_of_work", "permit_holder", "without_benefit", "starting_qualification")
"""Traits that change nothing where they are not known."""


def decide(
    work: Work, journey: Journey, decided: Decided, act: Act, *, ref: UUID | None, told: dict[str, Any] | None = None
) -> None:
    """Keep a decision, and let the client stand where it puts them."""
    work.session.add(
        Decision(
            id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
            on=decided.on, category=decided.category, track=decided.track, track_since=decided.track_since,
            reason=decided.reason, told=told or {}, ref=ref,
        )
    )  # fmt: skip
    journey.place = decided.after(journey.place)


async def told_by_import(work: Work, journey: Journey, on: date) -> Decision | None:
    """The decision of that day that an import brought along. Intake and diagnosis both tell of it, in either order."""
    await work.session.flush()
    found: Decision | None = await work.session.scalar(
        select(Decision).where(
            Decision.client_id == journey.client_id,
            Decision.on == on,
            Decision.entered_by == "import",
            Decision.ref.is_(None),
            ~Decision.void,
        )
    )
    return found


async def void(work: Work, journey: Journey, ref: UUID) -> None:
    """What was decided on this assessment or exemption does not stand any more."""
    await work.session.flush()
    found = await work.session.scalars(
        select(Decision).where(Decision.client_id == journey.client_id, Decision.ref == ref, ~Decision.void)
    )
    for decision in found:
        decision.void = True


async def place_anew(work: Work, journey: Journey) -> None:
    """Let the client stand where all steps lead, each on its day; the traits are those that were decided last."""
    decisions = await _decisions(work, journey)
    journey.place = place_of(_steps(journey, decisions))
    journey.prospect_of_work = None
    for decision in decisions:
        if decision.told:
            take_over(journey, Traits.model_validate(decision.told))


async def place_on(work: Work, journey: Journey, on: date) -> Place:
    """Where the client stood on a day, as far as is known now."""
    return place_of(_steps(journey, await _decisions(work, journey)), on)


def is_late(journey: Journey, on: date) -> bool:
    """Whether something that happened since this day is known already."""
    days = [journey.category_since, journey.track_since, journey.asked_since]
    return any(day is not None and on < day for day in days)


def take_over(journey: Journey, traits: Traits) -> None:
    """The traits that the decision tables look at."""
    journey.indications = sorted(traits.indications)
    journey.exempted_until, journey.exempted_permanently = traits.exempted_until, traits.exempted_permanently
    journey.age_band = journey.age_band or traits.age_band  # birthdays are intake's to tell; diagnosis may be behind
    for name in _TOLD:
        value = getattr(traits, name)
        if value is not None:
            setattr(journey, name, value)


async def _decisions(work: Work, journey: Journey) -> Sequence[Decision]:
    await work.session.flush()
    found = await work.session.scalars(
        select(Decision)
        .where(Decision.client_id == journey.client_id, ~Decision.void)
        .order_by(Decision.on, Decision.id)
    )
    return found.all()


def _steps(journey: Journey, decisions: Sequence[Decision]) -> list[Step]:
    """In the order in which they happened; of one day, as they were recorded."""
    steps: list[tuple[date, int, str, Step]] = [
        (each.returned_on, 0, "", CameBack(each.returned_on)) for each in journey.exits if each.returned_on is not None
    ]
    steps += [(each.on, 1, str(each.id), _decided(each)) for each in decisions]
    for each in journey.handovers:
        if each.state == "accepted":
            assert each.closed_on is not None
            order = str(each.acceptance_id or each.id)
            steps.append((each.closed_on, 1, order, HandedOver(each.closed_on, each.to_track)))
    return [step for *_, step in sorted(steps, key=lambda each: each[:3])]


def _decided(decision: Decision) -> Decided:
    reason = cast("Any", decision.reason)
    return Decided(
        decision.on, decision.entered_by, decision.track, decision.category, decision.track_since, reason
    )  # fmt: skip
