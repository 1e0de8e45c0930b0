"""Which line of a time line takes the place of which: a correction is shown beside what it corrects, never over it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

REPLACES: Mapping[str, tuple[str, ...]] = {
    "AssessmentCompleted": ("AssessmentCompleted", "AssessmentInDoubt"),
    "ClientCategorised": ("ClientCategorised",),
    "ClientRegistrationUndone": ("ClientRegistered",),
    "MergerUndone": ("ClientsMerged",),
    "ExitReverted": ("ClientExited",),
    "RegistrationRestored": ("ClientDeceased", "ClientMovedAway"),
    "LetterSent": ("LetterSent",),
    "HandoverDue": (
        "HandoverDue", "HandoverPrepared", "HandoverReturned", "HandoverEscalated", "HandoverCancelled",
    ),
    "HandoverCancelled": ("HandoverDue", "HandoverPrepared", "HandoverReturned", "HandoverEscalated"),
    "ConversationDueCancelled": ("ConversationDue", "ReviewDue"),
    "ConversationHeld": ("ConversationHeld", "ReviewHeld", "ParticipationRecorded"),
    "ReviewHeld": ("ConversationHeld", "ReviewHeld", "ParticipationRecorded"),
    "ConversationCancelled": ("ConversationHeld", "ReviewHeld", "ParticipationRecorded"),
    "PartTimeWorkRecorded": ("PartTimeWorkRecorded",),
    "AgreementMade": ("AgreementMade",),
    "AgreementMissed": ("AgreementMissed",),
    "AgreementReopened": ("AgreementKept", "AgreementMissed", "AgreementContinued"),
    "AgreementCancelled": ("AgreementMade",),
}  # fmt: skip
"""By kind of event the kinds that it can take the place of, where it says so; `_replaces` tells which."""

LAST_ONLY = frozenset({"RegistrationRestored", "ConversationDueCancelled"})
"""What takes back the last one that stands, and names none: a registration ends, a conversation falls due once."""


@dataclass(frozen=True, slots=True)
class Line:
    """What of an event tells which others it replaces."""

    event_id: UUID
    client_id: UUID
    kind: str
    ref: UUID | None
    """What the event is a step of: an assessment, an exit."""
    corrects: UUID | None
    """What the event says that it corrects."""
    cause: UUID | None
    """The merger because of which it was said."""


@dataclass(frozen=True, slots=True)
class Links:
    """By event, the events that it corrects, and those that correct it."""

    corrects: Mapping[UUID, list[UUID]]
    corrected_by: Mapping[UUID, list[UUID]]


def links(lines: Iterable[Line]) -> Links:
    """What corrects what, of lines in the order of recording."""
    all_lines = list(lines)
    corrects: defaultdict[UUID, list[UUID]] = defaultdict(list)
    corrected_by: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for number, line in enumerate(all_lines):
        before = [other for other in all_lines[:number] if _replaces(line, other)]
        if line.kind == "MergerUndone":  # whenever it was recorded: a service may have heard of it late
            before = [other for other in all_lines if line.ref in (other.event_id, other.cause)]
        if line.kind in LAST_ONLY:
            before = [other for other in before if other.event_id not in corrected_by][-1:]
        for other in before:
            corrects[line.event_id].append(other.event_id)
            corrected_by[other.event_id].append(line.event_id)
    return Links(corrects, corrected_by)


def _replaces(line: Line, other: Line) -> bool:
    if other.kind not in REPLACES.get(line.kind, ()):
        return False
    match line.kind:
        case "ClientRegistrationUndone" | "RegistrationRestored" | "ConversationDueCancelled":
            return other.client_id == line.client_id
        case "ExitReverted" | "ConversationCancelled" | "AgreementReopened" | "AgreementCancelled":
            return other.ref == line.ref
        case _:
            return line.corrects is not None and other.ref == line.corrects
