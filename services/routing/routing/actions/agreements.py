"""Agreements with a client: made, kept, going on, not kept, and the ladder that follows (ROU-8, ROU-12, ROU-19)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.routing import (
    AgreementCancelled,
    AgreementContinued,
    AgreementKept,
    AgreementMade,
    AgreementMissed,
    AgreementReopened,
    LadderStepTaken,
)
from routing.actions import journeys, terms
from routing.actions.journeys import Act, pack_of
from routing.actions.saying import say
from routing.problems import AlreadyEnded, LadderSkipped, MeasureFollowed, NotAnswered
from routing.rules import Rung, rung
from routing.spoken import Agreement, Conversation
from routing.tables import Journey

Outcome = Literal["kept", "missed", "goes_on"]


@dataclass(frozen=True, slots=True)
class Promise:
    """What is agreed, about which area of life, and by when it is to be done."""

    agreed: str
    area: str | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an agreement; one that goes on may have another day."""

    agreement_id: UUID
    outcome: Outcome
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an agreement comes from: a conversation, a former agreement that goes on, or one that it corrects."""

    conversation_id: UUID | None = None
    continues: Agreement | None = None
    corrects: Agreement | None = None


NOWHERE = Origin()
ONE_DAY = timedelta(days=1)


async def of(work: Work, client_id: UUID) -> Sequence[Agreement]:
    """All agreements with a client, locked, the oldest first; also those that were corrected."""
    await work.session.flush()
    found = await work.session.scalars(
        select(Agreement)
        .where(Agreement.client_id == client_id)
        .order_by(Agreement.agreed_on, Agreement.id)
        .with_for_update()
    )
    return found.all()


async def find(work: Work, agreement_id: UUID) -> tuple[Journey, Agreement]:
    """An agreement that stands, with its journey, locked; NotFound when it is not in sight."""
    client_id = await work.session.scalar(select(Agreement.client_id).where(Agreement.id == agreement_id))
    if client_id is None:
        raise NotFound
    journey = (await journeys.load(work.session, [client_id]))[client_id]
    agreement = await work.session.get_one(Agreement, agreement_id, with_for_update=True)
    if agreement.corrected_on is not None:
        raise AlreadyEnded("It was corrected; the correction stands.")
    return journey, agreement


async def make(work: Work, journey: Journey, promise: Promise, act: Act) -> Agreement:
    """Something is agreed with the client, outside a conversation."""
    agreement = agree(work, journey, promise, act)
    await terms.restate(work, [journey])
    return agreement


def agree(work: Work, journey: Journey, promise: Promise, act: Act, origin: Origin = NOWHERE) -> Agreement:
    """Something is agreed with the client; its text stays in routing."""
    corrected, continued = origin.corrects, origin.continues
    agreement = Agreement(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
        agreed=promise.agreed, agreed_on=act.on, area=promise.area, due_on=promise.due_on,
        conversation_id=origin.conversation_id, corrects_id=corrected.id if corrected else None,
        continues_id=continued.id if continued else None,
    )  # fmt: skip
    work.session.add(agreement)
    say(
        work, journey,
        AgreementMade(
            occurred_on=act.on, by=act.by, agreement_id=agreement.id, due_on=promise.due_on,
            conversation_id=origin.conversation_id, corrects=agreement.corrects_id,
        ),
    )  # fmt: skip
    return agreement


async def enter(work: Work, given: Answer, act: Act) -> Agreement:
    """What became of an agreement is entered, outside a conversation."""
    journey, _ = await find(work, given.agreement_id)
    agreement = await answer(work, journey, given, act)
    await terms.restate(work, [journey])
    return agreement


async def answer(
    work: Work, journey: Journey, given: Answer, act: Act, conversation_id: UUID | None = None
) -> Agreement:
    """An agreement turned out kept, or not, or it goes on as another; the last two have their consequence."""
    everything = await of(work, journey.client_id)
    agreement = next(each for each in everything if each.id == given.agreement_id)
    if agreement.state != "open":
        raise AlreadyEnded(f"The agreement is {agreement.state}.")
    if act.on < agreement.agreed_on:
        raise Invalid.at("#/on", f"lies before it was agreed, on {agreement.agreed_on}")
    agreement.answered_in = conversation_id
    if given.outcome == "kept":
        agreement.kept_on = act.on
        say(work, journey, AgreementKept(occurred_on=act.on, by=act.by, agreement_id=agreement.id))
    elif given.outcome == "goes_on":
        _go_on(work, journey, agreement, given.due_on, act)
    else:
        _miss(work, journey, agreement, taken(everything, act.on), act)
    return agreement


async def take_step(work: Work, agreement_id: UUID, step: Rung, act: Act) -> Agreement:
    """The rung that follows an agreement that was not kept is taken; no other one is."""
    journey, agreement = await find(work, agreement_id)
    if agreement.step is None:
        raise LadderSkipped("The agreement is not recorded as missed.")
    if step != agreement.step:
        label = pack_of(work, journey).routing.measures.label(agreement.step)
        raise LadderSkipped(f"What follows now is: {label}.", next=agreement.step)
    if agreement.step_taken_on is not None:
        raise AlreadyEnded
    if agreement.missed_on is not None and act.on < agreement.missed_on:
        raise Invalid.at("#/on", f"lies before the agreement was missed, on {agreement.missed_on}")
    if step == "measure":
        raise LadderSkipped("A measure is imposed with its ground, by a named professional.", next=step)
    agreement.step_taken_on = act.on
    say(work, journey, LadderStepTaken(occurred_on=act.on, by=act.by, agreement_id=agreement.id, step=step))
    _climb_anew(work, journey, await of(work, journey.client_id), act)
    return agreement


async def correct(work: Work, agreement_id: UUID, promise: Promise, act: Act, reason: str) -> Agreement:
    """What was agreed was entered wrongly: another agreement stands in its place, with what became of it."""
    journey, agreement = await find(work, agreement_id)
    put_aside(agreement, work.today, reason)
    origin = Origin(agreement.conversation_id, corrects=agreement)
    right = agree(work, journey, promise, act, origin)
    right.continues_id = agreement.continues_id
    for name in ("kept_on", "continued_on", "missed_on", "step", "step_taken_on", "answered_in"):
        setattr(right, name, getattr(agreement, name))
    await terms.restate(work, [journey])
    return right


async def revert(work: Work, agreement_id: UUID, act: Act, reason: str) -> Agreement:
    """That it was kept or not was a mistake: the agreement is open again. A measure must not rest on it."""
    journey, agreement = await find(work, agreement_id)
    if agreement.state == "open":
        raise NotAnswered
    await reopen(work, journey, [agreement], act)
    agreement.reopened_because = reason
    await terms.restate(work, [journey])
    return agreement


async def reopen(work: Work, journey: Journey, answered: Collection[Agreement], act: Act) -> None:
    """These agreements are open again, and what was put in the place of one that went on falls away."""
    if any(each.step == "measure" and each.step_taken_on is not None for each in answered):
        raise MeasureFollowed
    everything = await of(work, journey.client_id)
    for agreement in answered:
        for each in await _told_as_answered(work, agreement):
            for name in ("kept_on", "continued_on", "missed_on", "step", "step_taken_on", "answered_in"):
                setattr(each, name, None)
            say(work, journey, AgreementReopened(occurred_on=act.on, by=act.by, agreement_id=each.id))
        await cancel(work, journey, [each for each in everything if each.continues_id == agreement.id], act)
    _climb_anew(work, journey, everything, act)


async def _told_as_answered(work: Work, agreement: Agreement) -> list[Agreement]:
    """The agreement, and those that it corrects of which the answer was told before the correction."""
    found = [agreement]
    while found[-1].corrects_id is not None:
        corrected = await work.session.get_one(Agreement, found[-1].corrects_id)
        if corrected.kept_on is None and corrected.continued_on is None and corrected.missed_on is None:
            break
        found.append(corrected)
    return found


async def cancel(work: Work, journey: Journey, mistaken: Collection[Agreement], act: Act) -> None:
    """These agreements were never made, nor what followed from them."""
    standing = [each for each in mistaken if each.corrected_on is None]
    await reopen(work, journey, [each for each in standing if each.state != "open"], act)
    for agreement in standing:
        put_aside(agreement, act.on, None)
        say(work, journey, AgreementCancelled(occurred_on=act.on, by=act.by, agreement_id=agreement.id))


def put_aside(mistaken: Agreement | Conversation, on: date, reason: str | None) -> None:
    """What was entered wrongly does not stand any more."""
    mistaken.corrected_on, mistaken.corrected_because = on, reason


def faults_in_areas(areas: Mapping[str, str], pointers: Mapping[str, str | None]) -> list[dict[str, str]]:
    """What is said of areas of life that policy does not have; `pointers` gives the area by where it stands."""
    known = ", ".join(areas) or "none here"
    return [
        {"detail": f"is no area of life; policy has {known}", "pointer": pointer}
        for pointer, area in pointers.items()
        if area is not None and area not in areas
    ]


def _go_on(work: Work, journey: Journey, agreement: Agreement, due_on: date | None, act: Act) -> None:
    agreement.continued_on = act.on
    say(work, journey, AgreementContinued(occurred_on=act.on, by=act.by, agreement_id=agreement.id, due_on=due_on))
    promise = Promise(agreement.agreed or "", agreement.area, due_on or agreement.due_on)
    agree(work, journey, promise, act, Origin(agreement.answered_in, continues=agreement))


def _miss(work: Work, journey: Journey, agreement: Agreement, climbed: Collection[str], act: Act) -> None:
    step = rung([each.id for each in pack_of(work, journey).routing.measures.ladder], climbed)
    agreement.missed_on, agreement.step = act.on, step
    say(work, journey, AgreementMissed(occurred_on=act.on, by=act.by, agreement_id=agreement.id, step=step))


def _climb_anew(work: Work, journey: Journey, everything: Collection[Agreement], act: Act) -> None:
    """What is to follow agreements that were not kept is the rung that followed on their day, as is known by now.

    Of a rung that was climbed on that very day, who was there knows whether it came first: what stands may stay.
    """
    ladder = [each.id for each in pack_of(work, journey).routing.measures.ladder]
    for agreement in everything:
        if agreement.state != "missed" or agreement.missed_on is None or agreement.step_taken_on is not None:
            continue
        eve, on = agreement.missed_on - ONE_DAY, agreement.missed_on
        before, by_then = [rung(ladder, taken(everything, day)) for day in (eve, on)]
        if agreement.step in {before, by_then}:
            continue
        agreement.step = by_then
        say(
            work, journey,
            AgreementMissed(
                occurred_on=on, by=act.by, agreement_id=agreement.id, step=by_then, corrects=agreement.id
            ),
        )  # fmt: skip


def taken(agreements: Collection[Agreement], by: date) -> set[str]:
    """The rungs that were climbed by a day."""
    return {
        each.step
        for each in agreements
        if each.step and each.step_taken_on is not None and each.step_taken_on <= by and each.corrected_on is None
    }
