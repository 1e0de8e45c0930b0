"""What would change a proposal: how near another category is, for whoever is to decide on it."""

from uuid import UUID

from fastapi import APIRouter

from chassis.models import AnswerModel, Items, OptionalDay
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, Role, allow
from diagnosis.actions.proposals import explained
from policy import Alternative, Change, Exemption

router = APIRouter(route_class=ServiceRoute, tags=["proposals"])


class LastDayAnswer(AnswerModel):
    """Of an exemption, its last day alone; without one it is permanent."""

    until: OptionalDay


FactValue = bool | int | str | list[str] | LastDayAnswer | None


class ChangeAnswer(AnswerModel):
    """One fact that would be otherwise."""

    fact: str
    before: FactValue
    after: FactValue
    steps: int
    """Months, percentage points, years, indications, days of an exemption, or one."""
    in_words: str
    """In Dutch, for the caseworker."""

    @classmethod
    def of(cls, change: Change) -> "ChangeAnswer":
        """The change as it is shown."""
        return cls(
            fact=change.fact, before=_shown(change.before), after=_shown(change.after),
            steps=change.steps, in_words=str(change),
        )  # fmt: skip


class WayAnswer(AnswerModel):
    """Facts that would all be otherwise."""

    changes: list[ChangeAnswer]


class AlternativeAnswer(AnswerModel):
    """Another category, and the smallest ways to it; without any, no change of facts leads there."""

    category: str
    label: str
    track: str
    nearest: bool
    """No other category is nearer."""
    ways: list[WayAnswer]

    @classmethod
    def of(cls, alternative: Alternative, *, nearest: bool) -> "AlternativeAnswer":
        """The alternative as it is shown."""
        ways = [WayAnswer(changes=[ChangeAnswer.of(change) for change in way.changes]) for way in alternative.ways]
        return cls(
            category=alternative.category, label=alternative.label, track=alternative.track, nearest=nearest, ways=ways
        )


class AlternativesAnswer(Items[AlternativeAnswer]):
    """All other categories, the nearest first; with what the policy decides on the facts as they are."""

    proposal_id: UUID
    receipt_id: UUID
    pack_id: str
    version: str
    digest: str
    status: str
    category: str | None


@router.get("/proposals/{proposal_id}/alternatives", dependencies=[allow(*STAFF, Role.POLICY_OFFICER)])
async def list_alternatives(proposal_id: UUID, work: WorkInHand) -> AlternativesAnswer:
    """What would lead to another category: the fewest facts, then the smallest steps. It does not count as opening."""
    proposal, explanation = await explained(work, proposal_id)
    nearest = explanation.nearest
    pack = explanation.decision.receipt.pack
    return AlternativesAnswer(
        items=[AlternativeAnswer.of(each, nearest=each.category in nearest) for each in explanation.alternatives],
        proposal_id=proposal.id,
        receipt_id=proposal.receipt_id,
        pack_id=pack.id,
        version=pack.version,
        digest=pack.digest,
        status=explanation.decision.status,
        category=explanation.decision.category,
    )


def _shown(value: object) -> FactValue:
    if isinstance(value, Exemption):
        return LastDayAnswer(until=value.until)
    if isinstance(value, frozenset):
        return sorted(value)
    assert value is None or isinstance(value, bool | int | str)
    return value
