"""The result of a trial, as it is kept and shown."""

from chassis.models import AnswerModel
from policy import Pack


class Label(AnswerModel):
    """A code of the policy, as people read it."""

    id: str
    label: str


class PackOf(AnswerModel):
    """A pack, with the words that a result is shown in."""

    id: str
    version: str
    digest: str
    name: str
    categories: list[Label]
    """In the order of the pack."""
    partners: list[Label]

    @classmethod
    def of(cls, pack: Pack) -> "PackOf":
        """As it was when it was tried."""
        return cls(
            id=pack.id,
            version=pack.version,
            digest=pack.digest,
            name=pack.name,
            categories=[Label(id=id, label=each.label) for id, each in pack.categories.items()],
            partners=[Label(id=id, label=each.name) for id, each in pack.partners.items()],
        )


class Flow(AnswerModel):
    """How many clients go from one category to another, or stay; null where there is no category, and why."""

    before: str | None
    after: str | None
    status_before: str
    status_after: str
    clients: int


class TermFlow(AnswerModel):
    """For how many clients a term would end earlier or later, begin, end, or come to stand still or go on."""

    term: str
    earlier: int
    later: int
    begins: int
    ends: int
    stands_still: int


class ReferralFlow(AnswerModel):
    """For how many clients another partner is asked: on the category, after the last conversation, or under way now."""

    what: str
    before: str | None
    after: str | None
    clients: int


class Workload(AnswerModel):
    """How many clients a caseworker's role has, and how many conversations a year the policy asks of it."""

    role: str
    label: str
    clients_before: int
    clients_after: int
    conversations_before: int
    conversations_after: int


class TrackCosts(AnswerModel):
    """How many clients a track has, with what was spent on them this year, in euros."""

    track: str | None
    label: str | None
    clients_before: int
    clients_after: int
    costs_before: float
    costs_after: float


class BudgetLine(AnswerModel):
    """What the policy gives for the year, in euros; null where it has no such line or no such year."""

    id: str
    label: str
    track: str | None
    before: float | None
    after: float | None


class InstrumentLost(AnswerModel):
    """An instrument in use that the draft does not have."""

    instrument: str
    uses: int


class RouteLost(AnswerModel):
    """A route that clients are on and that the draft does not have."""

    route: str
    clients: int


class Otherwise(AnswerModel):
    """Clients whose recorded category is not what the present policy decides on the day, and how it came about."""

    recorded: str
    redecided: str | None
    basis: str
    clients: int


class Result(AnswerModel):
    """All sums of a trial."""

    year: int
    present: PackOf
    draft: PackOf
    clients: int
    without_decision: int
    not_assessed: int
    moved: int
    matrix: list[Flow]
    deadlines: list[TermFlow]
    referrals: list[ReferralFlow]
    workload: list[Workload]
    costs: list[TrackCosts]
    budgets: list[BudgetLine]
    instruments_lost: list[InstrumentLost]
    routes_lost: list[RouteLost]
    recorded_otherwise: list[Otherwise]
