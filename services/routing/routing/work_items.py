"""What stands on a work list, and why it stands there: pure, from where a journey stands and the terms that run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID, uuid5

from chassis.deadlines import Deadline
from policy.instruments import INSTRUMENT_TERMS, LONGEST_USE, USUAL_USE
from policy.running import ALLOWANCES_CHECK, FIP, FIRST_CONVERSATION, LONGEST_STAY, REVIEW
from routing.rules import AGREEMENT
from routing.spoken import Agreement
from routing.tables import EmergencyAccess, Handover, IntakeDuty, Journey, Referral

Stored = Literal["due", "to_confirm", "waiting_for_partner", "handed_over", "without_caseworker"]
"""The kinds as kept: what is due becomes overdue by the passing of a day alone."""

PROPOSAL = "proposal"
HANDOVER = "handover"
ACCEPTANCE = "acceptance"
REFERRAL = "referral"
FIRST_MEETING = "first_meeting"
CASEWORKER = "caseworker"
EMERGENCY = "emergency_access"
LADDER_STEP = "ladder_step"
PENSION = "pension"

LASTING = frozenset({FIRST_CONVERSATION, REVIEW, FIP, ALLOWANCES_CHECK, *INSTRUMENT_TERMS})
"""The terms of which somebody sees that what they are about is done, in time or late."""
UNDATED = date(9999, 12, 31)
"""Where what has no day stands in the order: last."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a work list; `urgent_on` is its place in the order."""

    id: UUID
    client_id: UUID
    municipality: str
    kind: Stored
    what: str
    ref: UUID
    since: date
    due_on: date | None
    urgent_on: date
    state: str | None
    caseworker_id: str | None
    role: str | None


RoleOn = Callable[[str], str]
"""The role that guides the client on a track."""


def items_of(
    journey: Journey, terms: Iterable[Deadline], duties: Iterable[IntakeDuty], accesses: Iterable[EmergencyAccess],
    missed: Iterable[Agreement], role_on: RoleOn,
) -> Iterator[Item]:  # fmt: skip
    """All that stands on work lists about a client; nothing when it is over.

    `terms` are those that ran out or run, `duties` what intake waits for, `accesses` those at which nobody
    looked yet, `missed` the agreements after which a step of the ladder is still to be taken.
    """
    if journey.state not in {"active", "exited"}:
        return
    yield from _terms(journey, terms)
    yield from _accesses(journey, accesses)
    if not journey.active:
        return
    for duty in duties:
        yield _item(journey, "due", duty.kind, duty.id, since=duty.since, due_on=duty.due_on)
    yield from _steps(journey, missed)
    if journey.open_handover is not None:
        yield _handover(journey, journey.open_handover, role_on)
    for referral in journey.open_referrals:
        yield _referral(journey, referral)
    if journey.proposed_on is not None:
        yield _item(journey, "to_confirm", PROPOSAL, journey.client_id, since=journey.proposed_on)
    if journey.waiting_since is not None:
        yield _item(journey, "without_caseworker", CASEWORKER, journey.client_id, since=journey.waiting_since)
    if journey.pension_by is not None:
        yield _item(journey, "due", PENSION, journey.client_id, since=journey.pension_by, due_on=journey.pension_by)
    if journey.caseworker_id is not None and _to_meet(journey.handed_over_on, journey.spoken_on):
        assert journey.handed_over_on is not None
        yield _item(journey, "handed_over", FIRST_MEETING, journey.client_id, since=journey.handed_over_on)


def _accesses(journey: Journey, accesses: Iterable[EmergencyAccess]) -> Iterator[Item]:
    """Whether each was right is asked also of who has left."""
    for access in accesses:
        yield _item(journey, "to_confirm", EMERGENCY, access.id, since=access.taken_on)


def _steps(journey: Journey, missed: Iterable[Agreement]) -> Iterator[Item]:
    """The step of the ladder that follows each agreement that was not kept; `state` says which."""
    for each in missed:
        assert each.missed_on is not None
        yield _item(journey, "to_confirm", LADDER_STEP, each.id, since=each.missed_on, state=each.step)


def _to_meet(handed_over_on: date | None, spoken_on: date | None) -> bool:
    return handed_over_on is not None and (spoken_on is None or spoken_on < handed_over_on)


def _terms(journey: Journey, terms: Iterable[Deadline]) -> Iterator[Item]:
    """Most stays until it is done; the end of the longest stay, until the handover is due.

    An agreement is asked about when its day has passed.
    """
    for term in terms:
        ref = term.ref or term.id
        if term.due_on is None:
            continue
        if term.kind in LASTING or (term.kind == LONGEST_STAY and term.state == "open"):
            yield _item(journey, "due", term.kind, ref, since=term.reckoned_from, due_on=term.due_on)
        elif term.kind == AGREEMENT and term.state == "fired":
            yield _item(journey, "to_confirm", AGREEMENT, ref, since=term.due_on)


def _handover(journey: Journey, handover: Handover, role_on: RoleOn) -> Item:
    """To be prepared by who has the client; once prepared, it is handed to who has the role that receives."""
    if handover.prepared_on is None:
        return _item(
            journey, "due", HANDOVER, handover.id, since=handover.due_on, due_on=handover.due_on, state=handover.state
        )
    return _item(
        journey, "handed_over", ACCEPTANCE, handover.id, since=handover.prepared_on, due_on=handover.accept_by,
        state=handover.state, role=role_on(handover.to_track),
    )  # fmt: skip


def _referral(journey: Journey, referral: Referral) -> Item:
    """A partner has its own terms; what is within them is not urgent."""
    late = referral.overdue_on if referral.overdue_step is not None else None
    return _item(
        journey, "waiting_for_partner", REFERRAL, referral.id, since=referral.state_since, due_on=late,
        urgent_on=late or UNDATED, state=referral.state,
    )  # fmt: skip


def _item(
    journey: Journey, kind: Stored, what: str, ref: UUID, *, since: date, due_on: date | None = None,
    urgent_on: date | None = None, state: str | None = None, role: str | None = None,
) -> Item:  # fmt: skip
    return Item(
        id=uuid5(ref, what), client_id=journey.client_id, municipality=journey.municipality, kind=kind, what=what,
        ref=ref, since=since, due_on=due_on, urgent_on=urgent_on or due_on or since, state=state,
        caseworker_id=journey.caseworker_id, role=role or journey.caseworker_role,
    )  # fmt: skip


def is_overdue(due_on: date | None, today: date) -> bool:
    """Whether the last day has passed; on the day itself it has not."""
    return due_on is not None and due_on < today


_DUE = {
    FIRST_CONVERSATION: "Het eerste gesprek moet uiterlijk {day} gehouden zijn.",
    REVIEW: "Het jaarlijkse heronderzoek moet uiterlijk {day} gehouden zijn.",
    FIP: "Het volgende FIP-gesprek moet uiterlijk {day} gehouden zijn.",
    LONGEST_STAY: "De langste tijd op dit spoor eindigt op {day}; daarna volgt een overdracht.",
    ALLOWANCES_CHECK: "De toeslagencheck na uitstroom naar werk moet uiterlijk {day} gedaan zijn.",
    USUAL_USE: "Het instrument wordt als regel tot {day} ingezet; daarna eindigt het, of het gaat door.",
    LONGEST_USE: "Het instrument mag niet langer dan tot {day} worden ingezet.",
    "information_session": "De klant moet uiterlijk {day} bij een voorlichting zijn geweest.",
    "intake": "De intake moet uiterlijk {day} gehouden zijn.",
    "language_test": "De taaltoets moet uiterlijk {day} gemaakt zijn.",
    "integration_plan": "Het plan voor de inburgering moet er uiterlijk {day} zijn.",
    HANDOVER: "De klant moet sinds {day} worden overgedragen; het dossier is nog niet klaar.",
    ACCEPTANCE: "Het dossier is overgedragen; het ontvangende team moet uiterlijk {day} aanvaarden.",
    REFERRAL: "De partner had uiterlijk {day} moeten antwoorden.",
    PENSION: "De klant bereikt uiterlijk {day} de AOW-leeftijd. Regel de overgang naar de SVB (AOW en zo nodig AIO).",
}
_SINCE = {
    AGREEMENT: "Een afspraak met de klant liep tot en met {day}. Is die nagekomen?",
    LADDER_STEP: "Een afspraak met de klant is niet nagekomen, bleek op {day}. Zet de volgende stap: {step}.",
    EMERGENCY: "Op {day} nam een collega met spoed toegang tot deze klant. Iemand kijkt na of dat terecht was.",
    PROPOSAL: "Na de diagnose van {day} heeft nog niemand over het voorstel beslist.",
    CASEWORKER: "Sinds {day} is er voor deze klant geen medewerker met de juiste rol.",
    FIRST_MEETING: "De klant is op {day} overgedragen en nog niet gesproken.",
    REFERRAL: "De aanmelding ligt sinds {day} bij de partner; de termijn van de partner loopt.",
}


def why(what: str, since: date, due_on: date | None, today: date, step: str | None = None) -> str:
    """Why something stands on the list and where: a sentence for caseworkers; `step` as the policy calls it."""
    if due_on is None:
        return _SINCE[what].format(day=_written(since), step=step)
    sentence = _DUE[what].format(day=_written(due_on))
    late = (today - due_on).days
    return f"{sentence} Dat is {late} {'dag' if late == 1 else 'dagen'} te laat." if late > 0 else sentence


def _written(day: date) -> str:
    return f"{day:%d-%m-%Y}"
