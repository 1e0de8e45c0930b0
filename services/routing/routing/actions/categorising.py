"""What a category leads to: track, caseworker, referral, or a handover to the other track (ROU-1, ROU-5, PAR-4)."""

from collections.abc import Sequence

from chassis.work import Work
from contracts.diagnosis import ClientCategorised, Traits
from policy.running import LONGEST_STAY
from routing.actions import caseworkers, closing, handovers, terms
from routing.actions.caseworkers import Assignment
from routing.actions.journeys import Act, pack_of
from routing.actions.referring import refer_by_category
from routing.rules import handover_reason, hands_over
from routing.tables import Journey


async def categorise(work: Work, heard: Sequence[tuple[Journey, ClientCategorised]]) -> None:
    """Take the decisions of diagnosis over, and do what follows from each."""
    assignments: list[Assignment] = []
    for journey, event in heard:
        assignments += _categorise(work, journey, event)
    await caseworkers.assign(work, assignments)
    await terms.restate(work, [journey for journey, event in heard if event.traits.basis != "import"])


def _categorise(work: Work, journey: Journey, event: ClientCategorised) -> list[Assignment]:
    act, traits = Act.heard(event), event.traits
    if traits.category is None or traits.track is None:
        return []  # in doubt: the category follows later, and until then the former stands
    take_over(journey, traits, act)
    journey.proposed_on = None
    if traits.basis == "import":
        return []  # what an import leads to follows from CaseImported, whichever comes first
    if journey.track is None:
        journey.track, journey.track_since = traits.track, act.on
    if not journey.active:
        return []
    _hand_over_or_not(work, journey, traits, act)
    refer_by_category(work, journey, act)
    return _caseworker_for(work, journey, traits, act)


def take_over(journey: Journey, traits: Traits, act: Act) -> None:
    """The traits that the decision tables look at; what is not known changes nothing."""
    if journey.category != traits.category:
        journey.category, journey.category_since = traits.category, act.on
    if traits.basis == "import" and journey.track is None and traits.track is not None:
        journey.track, journey.track_since = traits.track, act.on
    journey.indications = sorted(traits.indications)
    journey.exempted_until, journey.exempted_permanently = traits.exempted_until, traits.exempted_permanently
    journey.age_band = journey.age_band or traits.age_band  # birthdays are intake's to tell; diagnosis may be behind
    for name in ("prospect_of_work", "permit_holder", "without_benefit", "starting_qualification"):
        value = getattr(traits, name)
        if value is not None:
            setattr(journey, name, value)


def _hand_over_or_not(work: Work, journey: Journey, traits: Traits, act: Act) -> None:
    """A diagnosis for the other track hands over; one for this track makes an earlier such handover needless."""
    assert journey.track is not None
    assert traits.track is not None
    under_way = journey.open_handover
    if traits.track == journey.track:
        if under_way is not None and under_way.reason != LONGEST_STAY:
            closing.call_off(work, journey, act)
    elif under_way is None and hands_over(
        journey.track, traits.track, suspended_by_exemption=_only_suspended(work, journey, traits, act)
    ):
        reason = handover_reason(pack_of(work, journey), traits.track)
        handovers.fall_due(work, journey, traits.track, reason, act)


def _only_suspended(work: Work, journey: Journey, traits: Traits, act: Act) -> bool:
    exempted = traits.exempted_until is not None and act.on <= traits.exempted_until
    return exempted and pack_of(work, journey).exemption_effect(permanent=False) == "suspend"


def _caseworker_for(work: Work, journey: Journey, traits: Traits, act: Act) -> list[Assignment]:
    """Who has none gets one; another role within the same track is a transfer; a handover brings its own later."""
    if journey.caseworker_id is None and journey.waiting_since is None:
        return [Assignment(journey, "categorised", act)]
    if traits.track == journey.track and caseworkers.role_for(work, journey) != journey.caseworker_role:
        return [Assignment(journey, "categorised", act)]
    return []
