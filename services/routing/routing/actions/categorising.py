"""What a category leads to: track, caseworker, referral, or a handover to the other track (ROU-1, ROU-5, PAR-4)."""

from collections.abc import Sequence

from chassis.work import Work
from contracts.diagnosis import ClientCategorised, Traits
from routing.actions import caseworkers, falling_due, placing, terms
from routing.actions.caseworkers import Assignment
from routing.actions.journeys import Act, pack_of
from routing.actions.referring import refer_by_category
from routing.actions.terms import Anew
from routing.placing import Decided, HandoverReason
from routing.rules import handover_reason
from routing.tables import Journey


async def categorise(work: Work, heard: Sequence[tuple[Journey, ClientCategorised]]) -> None:
    """Take the decisions of diagnosis over, and do what follows from each."""
    assignments: list[Assignment] = []
    for journey, event in heard:
        assignments += await _categorise(work, journey, event)
    await caseworkers.assign(work, assignments)
    for journey, event in heard:
        if event.traits.basis != "import":
            corrects = event.corrects is not None
            await terms.restate(work, [journey], Anew.of(work, event.occurred_on, "een diagnose", corrects=corrects))


async def _categorise(work: Work, journey: Journey, event: ClientCategorised) -> list[Assignment]:
    act, traits = Act.heard(event), event.traits
    if traits.category is None or traits.track is None:
        return []  # in doubt: the category follows later, and until then the former stands
    await _take_over(work, journey, event, act)
    journey.proposed_on = None
    if traits.basis == "import" or not journey.active:
        return []  # what an import leads to follows from CaseImported, whichever comes first
    await falling_due.follow(work, journey, act)
    refer_by_category(work, journey, act)
    return _caseworker_for(work, journey, act)


async def _take_over(work: Work, journey: Journey, event: ClientCategorised, act: Act) -> None:
    """Where the decision puts the client. One that corrects another stands in its place, as if that had never been."""
    traits = event.traits
    assert traits.track is not None
    late = placing.is_late(journey, act.on)
    if event.corrects is not None:
        await placing.void(work, journey, event.corrects)
    told = traits.model_dump(mode="json", by_alias=True)
    imported = traits.basis == "import"
    known = await placing.told_by_import(work, journey, act.on) if imported else None
    if known is not None:
        known.told = told
    else:
        since = act.on if imported and journey.track is None else None
        reason = None if imported else _handover_reason(work, journey, traits, act)
        decided = Decided(act.on, act.by, traits.track, traits.category, since, reason)
        placing.decide(work, journey, decided, act, ref=event.assessment_id, told=told)
    if late or event.corrects is not None:
        await placing.place_anew(work, journey)
    else:
        placing.take_over(journey, traits)


def _handover_reason(work: Work, journey: Journey, traits: Traits, act: Act) -> HandoverReason | None:
    assert traits.track is not None
    return (
        None if _only_suspended(work, journey, traits, act) else handover_reason(pack_of(work, journey), traits.track)
    )


def _only_suspended(work: Work, journey: Journey, traits: Traits, act: Act) -> bool:
    exempted = traits.exempted_until is not None and act.on <= traits.exempted_until
    return exempted and pack_of(work, journey).exemption_effect(permanent=False) == "suspend"


def _caseworker_for(work: Work, journey: Journey, act: Act) -> list[Assignment]:
    """Who has none gets one; another role within the same track is a transfer; a handover brings its own later."""
    if journey.caseworker_id is None and journey.waiting_since is None:
        return [Assignment(journey, "categorised", act)]
    if journey.asked_track is None and caseworkers.role_for(work, journey) != journey.caseworker_role:
        return [Assignment(journey, "categorised", act)]
    return []
