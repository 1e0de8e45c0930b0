"""What diagnosis decides by itself, without a database: facts made whole, exemptions, traits, who is invited."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from contracts.diagnosis import Traits
from contracts.intake import CaseImported
from policy import Exemption, Facts, Pack

Basis = Literal["assessment", "override", "correction", "import"]
ONE_DAY = timedelta(days=1)
REVERSIBLE = ("exited", "moved_away", "deceased")
"""The ways in which a journey ends that can be taken back."""
LEFT = "returned"
"""Why something stays closed: the client left, and came back to a new spell of benefit."""
LAST_YEAR = 2199
"""No exemption ends later; without an end it is permanent."""
SINGLE_PARENT = "single_parent"
"""The fact that is also the reason of an exemption which lasts until a birthday of the youngest child."""


class FaultyFacts(ValueError):
    """Facts that contradict each other; `pointer` says where."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Known:
    """What the registration told of a client; None means: not known."""

    age_band: str | None = None
    permit_holder: bool | None = None
    without_benefit: bool | None = None
    starting_qualification: bool | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a client stands."""

    category: str
    track: str


def complete(facts: Facts, known: Known) -> Facts:
    """The facts with what the registration told and the assessment leaves open."""
    names = ("permit_holder", "without_benefit", "starting_qualification")
    told = {name: getattr(known, name) for name in names if getattr(facts, name) is None}
    if facts.age_band is None:  # also beside an age: of who is about pension age only the registration knows the day
        told["age_band"] = known.age_band
    return facts.model_copy(update={name: value for name, value in told.items() if value is not None})


def with_last_day(facts: Facts, pack: Pack, on: date) -> Facts:
    """The facts with the last day of an exemption that a single parent has for the youngest child (DIA-9)."""
    born = facts.youngest_child_born
    if born is not None and born > on:
        raise FaultyFacts("#/facts/youngest_child_born", f"lies after the assessment of {on}")
    exemption, years = facts.exemption, pack.diagnosis.exemption.single_parent_child_under
    if exemption is not None and exemption.until is not None and exemption.until.year > LAST_YEAR:
        raise FaultyFacts("#/facts/exemption/until", f"lies after {LAST_YEAR}; leave it out for a permanent exemption")
    if exemption is None or exemption.reason != SINGLE_PARENT or years is None:
        return facts
    if not facts.single_parent:
        raise FaultyFacts("#/facts/single_parent", "must be true for this exemption")
    if born is None:
        raise FaultyFacts("#/facts/youngest_child_born", "is required for this exemption: it ends by the child's age")
    last = birthday(born, years) - ONE_DAY
    if exemption.until is not None and exemption.until > last:
        raise FaultyFacts("#/facts/exemption/until", f"is at most {last}, the day before the child is {years}")
    return facts.model_copy(update={"exemption": Exemption(reason=exemption.reason, until=exemption.until or last)})


def birthday(born: date, age: int) -> date:
    """The day on which somebody reaches an age; who was born on 29 February does so on 1 March in other years."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def unknown_areas(barriers: Iterable[str], pack: Pack) -> list[str]:
    """The barriers that are no area of life of this policy; a policy that names none takes none."""
    areas = pack.routing.fip.areas_of_life if pack.routing.fip else {}
    return [each for each in barriers if each not in areas]


@dataclass(frozen=True, slots=True)
class ExemptionChange:
    """What a decision does to the client's exemptions."""

    ends: bool
    grants: Exemption | None


def exemption_change(running: date | Literal["permanent"] | None, facts: Facts, on: date) -> ExemptionChange:
    """Compare the exemption that runs with the one in the facts: the same one goes on, another one replaces it."""
    wanted = facts.exemption if facts.exempted(on) else None
    if wanted is None:
        return ExemptionChange(ends=running is not None, grants=None)
    if running == (wanted.until or "permanent"):
        return ExemptionChange(ends=False, grants=None)
    return ExemptionChange(ends=running is not None, grants=wanted)


def traits(
    facts: Facts, known: Known, on: date, *, scheme: str, new: Standing, old: Standing | None, basis: Basis
) -> Traits:
    """What others may know of a decision."""
    exempted = facts.exemption if facts.exempted(on) else None
    return Traits.model_validate(
        {
            "scheme": scheme,
            "category": new.category,
            "track": new.track,
            "status": "decided",
            "basis": basis,
            "confirmed": "reconfirmed" if new == old else "changed",
            "indications": sorted(facts.indications),
            "exempted_until": exempted.until if exempted else None,
            "exempted_permanently": exempted is not None and exempted.permanent,
            "prospect_of_work": facts.prospect_of_work,
            "permit_holder": facts.permit_holder,
            "without_benefit": facts.without_benefit,
            "starting_qualification": facts.starting_qualification,
            "age_band": known.age_band,
        }
    )


def imported_exemption(case: CaseImported) -> bool:
    """Whether an imported case holds an exemption that still runs."""
    if case.exited_on is not None:
        return False
    return case.exempted_permanently or (case.exempted_until is not None and case.exempted_until >= case.occurred_on)


def imported_traits(case: CaseImported, known: Known, *, scheme: str, standing: Standing) -> Traits:
    """What others may know of a category that came along with an import."""
    exempted = imported_exemption(case)
    return Traits.model_validate(
        {
            "scheme": scheme,
            "category": standing.category,
            "track": standing.track,
            "status": "decided",
            "basis": "import",
            "confirmed": "changed",
            "indications": sorted(case.indications),
            "exempted_until": case.exempted_until if exempted else None,
            "exempted_permanently": exempted and case.exempted_permanently,
            "prospect_of_work": case.prospect_of_work,
            "permit_holder": known.permit_holder,
            "without_benefit": known.without_benefit,
            "starting_qualification": known.starting_qualification,
            "age_band": known.age_band,
        }
    )


def option_leads_here(pack: Pack, option: int | None) -> bool:
    """Whether a conversation that ended in this option asks for a new diagnosis (ROU-7)."""
    participation = pack.routing.participation
    if participation is None or option is None or option not in participation.options:
        return False
    return participation.options[option].leads_to == "diagnosis"


def handover_leads_here(pack: Pack, reason: str) -> bool:
    """Whether a handover waits for a new diagnosis: back to work, where the policy asks for one (ROU-5).

    Of the reasons for a handover only readiness leads back; the others follow a diagnosis or lead away from work.
    """
    return reason == "readiness" and pack.routing.handover.back_needs_new_diagnosis
