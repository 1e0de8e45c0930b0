"""Where a client stands: pure, from what was decided, which handovers were accepted, and when the client came back.

Normally each step follows the one before it. After a correction, or when something is entered late, the steps are taken
anew in the order in which they happened: so it makes no difference when they became known (INT-13, ROU-19).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

HandoverReason = Literal["longest_stay", "categorised", "readiness", "permanent_exemption"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The other track, to which a decision asks to hand the client over: since when, why, and whose decision it is."""

    track: str
    since: date
    reason: HandoverReason
    by: str


@dataclass(frozen=True, slots=True)
class Place:
    """Category and track of a client, and whether they are to go to another track."""

    category: str | None = None
    category_since: date | None = None
    track: str | None = None
    track_since: date | None = None
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of diagnosis: a category with its track, or an exemption for good, with the track that it asks for."""

    on: date
    by: str
    track: str
    category: str | None = None
    """Absent where it is an exemption, which by itself puts nobody in a category."""
    track_since: date | None = None
    """Where an import tells since when the client is on the track."""
    reason: HandoverReason | None = None
    """Why the client is handed over when on another track; None where an exemption only stands still."""

    def after(self, place: Place) -> Place:
        """Where the client stands from then on."""
        if self.category is not None and self.category != place.category:
            place = replace(place, category=self.category, category_since=self.on)
        if self.track_since is not None:
            return replace(place, track=self.track, track_since=self.track_since, asked=None)
        if place.track is None:
            return replace(place, track=self.track, track_since=self.on) if self.category is not None else place
        if self.track == place.track:
            return replace(place, asked=None)
        if self.reason is None or (place.asked is not None and place.asked.track == self.track):
            return place
        return replace(place, asked=Asked(self.track, self.on, self.reason, self.by))


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The team of the other track accepted the client."""

    on: date
    track: str

    def after(self, place: Place) -> Place:
        """On the other track, to which nobody asks to go any more."""
        return replace(place, track=self.track, track_since=self.on, asked=None)


@dataclass(frozen=True, slots=True)
class CameBack:
    """A new spell of benefit: a new diagnosis will say where the client stands."""

    on: date

    def after(self, place: Place) -> Place:  # noqa: ARG002 - as the other steps
        """Nowhere yet."""
        return Place()


Step = Decided | HandedOver | CameBack


def place_of(steps: Iterable[Step], until: date | None = None) -> Place:
    """Where these steps, in order of time, lead; only those up to and including a day, when that is given."""
    place = Place()
    for step in steps:
        if until is None or step.on <= until:
            place = step.after(place)
    return place
