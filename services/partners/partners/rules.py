"""The closed loop of a referral, the filling of groups, and what a partner may see. Pure decisions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar, get_args

from policy import Partner, Term

State = Literal[
    "requested", "waiting", "sent", "acknowledged", "accepted", "declined", "started", "held", "ended", "withdrawn"
]
Step = Literal["acknowledge", "accept", "decline", "start", "progress", "hold", "end"]
Outcome = Literal["placed", "completed", "stopped", "returned", "failed"]
TimedStep = Literal["acknowledge", "accept", "start", "end"]
TIMED_STEPS: tuple[TimedStep, ...] = get_args(TimedStep)

OPEN: frozenset[State] = frozenset({"requested", "waiting", "sent", "acknowledged", "accepted", "started", "held"})
"""The loop is not closed yet."""
TOLD: frozenset[State] = OPEN - {"requested", "waiting"}
"""Open, and the partner knows of it."""
KNOWN_TO_PARTNER: frozenset[State] = frozenset(TOLD | {"declined", "ended", "withdrawn"})

FALLEN_OUT: frozenset[State] = frozenset({"withdrawn", "declined"})
"""Of a group: who does not come to its session."""
BEGUN: frozenset[State] = frozenset({"started", "held", "ended"})
"""Of a group: after its session."""
_GOES_ON = frozenset({"recategorised", "merged", "other"})
"""Why a referral is withdrawn of a client whose journey goes on."""

Because = Literal["journey_ended", "withdrawn"]


def told_partner(reason: str) -> Because:
    """What a partner may know of why a referral was withdrawn: nothing of a death, a move or an exit."""
    return "withdrawn" if reason in _GOES_ON else "journey_ended"


_FROM: dict[Step, frozenset[State]] = {
    "acknowledge": frozenset({"sent"}),
    "accept": frozenset({"acknowledged"}),
    "decline": frozenset({"acknowledged"}),
    "start": frozenset({"accepted", "held"}),
    "progress": frozenset({"started"}),
    "hold": frozenset({"started"}),
    "end": frozenset({"started", "held"}),
}
_TO: dict[Step, State] = {
    "acknowledge": "acknowledged",
    "accept": "accepted",
    "decline": "declined",
    "start": "started",
    "progress": "started",
    "hold": "held",
    "end": "ended",
}
_REASON_DUE: frozenset[str] = frozenset({"decline", "hold", "stopped", "failed"})
_NEXT_TIMED: dict[State, TimedStep] = {
    "sent": "acknowledge", "acknowledged": "accept", "accepted": "start", "started": "end",
}  # fmt: skip


class IllegalStep(ValueError):
    """The loop does not go that way; `allowed` are the steps that it can take now."""

    def __init__(self, state: State, step: Step) -> None:
        self.allowed = steps_from(state)
        ways = f"now it can: {', '.join(self.allowed)}" if self.allowed else "it takes no more steps"
        super().__init__(f"A referral that is {state} cannot {step}; {ways}.")


class ReasonMissing(ValueError):
    """An answer that needs a reason came without."""


def steps_from(state: State) -> list[Step]:
    """The steps that a partner can take from here."""
    return [step for step, states in _FROM.items() if state in states]


def take(state: State, step: Step, *, outcome: str | None = None, ended_as: str | None = None) -> State | None:
    """The state after a step; None when it is the answer that was given already. IllegalStep otherwise.

    `outcome` is the one that an end brings, `ended_as` the one that the referral has.
    """
    if state in _FROM[step]:
        return _TO[step]
    if step != "progress" and state == _TO[step] and outcome == ended_as:
        return None
    raise IllegalStep(state, step)


def check_reason(step: Step, outcome: str | None, reason: str | None) -> None:
    """ReasonMissing where the partner owes one: declining, holding, and an end by stopping or failing."""
    if {step, outcome} & _REASON_DUE and not (reason and reason.strip()):
        raise ReasonMissing(f"A reason is due when a referral is {outcome or 'declined or put on hold'}.")


def timed_step(state: State) -> TimedStep | None:
    """The step that the partner now owes within a limit."""
    return _NEXT_TIMED.get(state)


@dataclass(frozen=True)
class Limit:
    """How long a step may take, and the rule that says so."""

    term: Term
    rule: str


@dataclass(frozen=True)
class GroupSize:
    """A group is sent at `max` clients at once, or at `min` when the first of them have waited for the patience."""

    min: int
    max: int
    patience: Term


@dataclass(frozen=True)
class Terms:
    """What was agreed with a partner: by policy, or with a provider that joined the open house."""

    id: str
    name: str
    kind: str
    group: GroupSize | None
    """Absent where each client is referred on their own."""
    limits: Mapping[TimedStep, Limit]
    """A step without one, as an end may be, has no set length."""
    purposes: Mapping[str, tuple[str, ...]]
    """The fields that the partner may see, by purpose."""
    labels: Mapping[str, str]
    """What each purpose is called."""
    origin: Literal["policy", "open_house"]
    capacity: int | None = None
    contract_from: date | None = None
    contract_to: date | None = None

    def takes(self, purpose: str, on: date, open_referrals: int) -> bool:
        """Whether a client can go there now for this purpose."""
        under_contract = (self.contract_from or on) <= on <= (self.contract_to or on)
        return purpose in self.purposes and under_contract and (self.capacity is None or open_referrals < self.capacity)


def of_policy(partner: Partner) -> Terms:
    """The terms as the municipality's policy pack states them."""
    written = {step: getattr(partner.limits, step) for step in TIMED_STEPS}
    steps = {step: Limit(limit.term, limit.id) for step, limit in written.items() if limit is not None}
    group = None
    if partner.protocol.form == "group":
        group = GroupSize(partner.protocol.min, partner.protocol.max, partner.protocol.patience)
    purposes = {purpose.id: tuple(purpose.fields) for purpose in partner.purposes.values()}
    labels = {purpose.id: purpose.label for purpose in partner.purposes.values()}
    return Terms(partner.id, partner.name, partner.kind, group, steps, purposes, labels, "policy")


def choose(candidates: Iterable[Terms], purpose: str, on: date, open_referrals: Mapping[str, int]) -> Terms | None:
    """Among the partners that can take the client, the one with the fewest open referrals."""
    able = [each for each in candidates if each.takes(purpose, on, open_referrals.get(each.id, 0))]
    return min(able, key=lambda each: (open_referrals.get(each.id, 0), each.id), default=None)


W = TypeVar("W")


def full_groups(waiting: Sequence[W], size: GroupSize, *, patience_over: bool = False) -> list[Sequence[W]]:
    """The groups that can be formed now; first come, first served."""
    groups: list[Sequence[W]] = []
    rest = waiting
    while len(rest) >= size.max:
        groups.append(rest[: size.max])
        rest = rest[size.max :]
    if patience_over and len(rest) >= size.min:
        groups.append(rest)
    return groups


def visible(fields: Collection[str], person: Mapping[str, object], traits: Mapping[str, object]) -> dict[str, object]:
    """What a partner sees: the fields of the purpose, from intake and from what is known here; nothing else."""
    known = {**traits, **person}
    return {field: known[field] for field in fields if known.get(field) is not None}
