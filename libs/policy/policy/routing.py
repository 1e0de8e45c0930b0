"""Routes, terms on a track, handovers, conversations, measures and what follows exit (ROU)."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import Field

from policy.conditions import When
from policy.references import CategoryId, InstrumentId, RoleId, SituationWhen, TrackId
from policy.section import ById, Deadline, Id, Length, Section, Source, Text
from policy.situation import Situation

ParticipationForm = Literal["volunteer", "informal_care", "social_activity", "none"]
RouteKind = Literal["preparation", "training", "meeting", "mediation", "development", "activation"]


class Route(Section):
    """A path a client can be put on, and in which situation."""

    id: Id
    label: Text
    track: TrackId
    kind: RouteKind
    when: SituationWhen = When()
    before_others: bool = False
    """Whether it comes first for who may have it: the others open when the client has been on it."""
    instruments: tuple[InstrumentId, ...] = ()
    """The instruments that it is made of."""
    duration: Length | None = None
    source: Source


class LongestOnTrack(Section):
    """How long a client may stay on a track, from the first route in it, and to which track it hands them over."""

    id: Id
    term: Length
    track: TrackId
    hands_over_to: TrackId
    starts_with: Literal["first_route"] = "first_route"
    except_categories: tuple[CategoryId, ...] = ()
    counts_suspended: bool = False
    source: Source

    def applies_to(self, track: str, category: str | None) -> bool:
        """Whether a client of this track and category has the term."""
        return track == self.track and category not in self.except_categories


class Handover(Section):
    """How a client passes from one track to the other (ROU-5)."""

    acceptance: Deadline
    escalates_to: RoleId
    back_needs_new_diagnosis: bool = False


class ConversationOption(Section):
    """One way in which a participation conversation can end (ROU-7)."""

    label: Text
    form: ParticipationForm | None = None
    """How the client then takes part; left out where the option leads elsewhere."""
    leads_to: Literal["referral", "diagnosis", "none"]
    partner_kind: Id | None = None


class Participation(Section):
    """Conversations with clients who take part in society (ROU-6, ROU-7)."""

    first_conversation: Deadline
    review: Deadline
    face_to_face_per_year: Annotated[int, Field(ge=0)] = 1
    kinds: dict[Id, Text]
    options: Mapping[int, ConversationOption]


class ConversationKinds(Section):
    """Which kinds of conversation are the one that is due (ROU-6, ROU-8): others may be had, and are not it."""

    first_conversation: tuple[Id, ...] | None = None
    """Left out: every kind."""
    review: tuple[Id, ...] = ("review",)
    fip: tuple[Id, ...] = ("fip",)


class Fip(Section):
    """Frequent, intensive, personal conversations, by area of life (ROU-8)."""

    per_year: Annotated[int, Field(ge=1, le=12)]
    categories: tuple[CategoryId, ...]
    areas_of_life: dict[Id, Text]
    source: Source


class MeasureStep(Section):
    """A rung of the ladder that ends in a measure (ROU-12)."""

    id: Literal["talk", "influence", "measure"]
    label: Text


class Measures(Section):
    """What happens, in this order, when an agreement is not kept."""

    ladder: tuple[MeasureStep, ...]
    source: Source

    def label(self, step: str) -> str:
        """What a rung is called; one that the ladder does not have any more, by its id."""
        return next((each.label for each in self.ladder if each.id == step), step)


class Routing(Section):
    """All of the above."""

    first_route: Id | None = None
    routes: ById[Route]
    longest_on_track: LongestOnTrack | None = None
    handover: Handover
    participation: Participation | None = None
    fip: Fip | None = None
    conversation_kinds: ConversationKinds = ConversationKinds()
    measures: Measures
    aftercare: Deadline | None = None
    allowances_check: Deadline | None = None

    def kinds_of_conversation(self) -> tuple[str, ...]:
        """Those that the policy names, those that are due by themselves, and any other: that may be had everywhere."""
        participation = (*self.participation.kinds, "review") if self.participation else ()
        return (*participation, *(("fip",) if self.fip else ()), "other")

    def routes_for(self, situation: Situation, been_on: Collection[str] = ()) -> tuple[Route, ...]:
        """The routes that are open to a client who is or was on these, in the pack's order (ROU-3)."""
        values = situation.values()
        found = tuple(route for route in self.routes.values() if route.when.holds(values))
        return tuple(route for route in found if route.before_others and route.id not in been_on) or found
