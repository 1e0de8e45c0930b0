"""What goes through steps of its own, as referrals and handovers do: each row stands where its events left it."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from uuid import UUID

from contracts import Envelope
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from contracts.intake import CaseImported
from contracts.partners import (
    GroupFilled,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralClosed,
    ReferralDeclined,
    ReferralEnded,
    ReferralEvent,
    ReferralHeld,
    ReferralProgressed,
    ReferralScheduled,
    ReferralSent,
    ReferralStarted,
    ReferralWaiting,
)
from contracts.routing import (
    ClientExited,
    ExitReverted,
    HandoverAccepted,
    HandoverCancelled,
    HandoverDue,
    HandoverPrepared,
    HandoverReturned,
    ReferralRequested,
    ReferralWithdrawn,
    RouteEnded,
    RouteStarted,
)
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Comparison, Difference, only
from opstap.verify.standing import Fields

_Handover = HandoverDue | HandoverPrepared | HandoverAccepted | HandoverReturned | HandoverCancelled
_HANDOVER: dict[type[_Handover], str] = {
    HandoverDue: "due",
    HandoverPrepared: "prepared",
    HandoverAccepted: "accepted",
    HandoverReturned: "returned",
    HandoverCancelled: "cancelled",
}
_REFERRAL: dict[type[ReferralEvent], str] = {
    ReferralWaiting: "waiting",
    ReferralSent: "sent",
    ReferralAcknowledged: "acknowledged",
    ReferralAccepted: "accepted",
    ReferralDeclined: "declined",
    ReferralStarted: "started",
    ReferralProgressed: "started",
    ReferralHeld: "held",
    ReferralEnded: "ended",
    ReferralClosed: "withdrawn",
}
_STEPS: tuple[type[ReferralEvent], ...] = (*_REFERRAL, ReferralScheduled)


async def handovers(evidence: Evidence) -> list[Difference]:
    """Routing: due, prepared, returned, accepted or cancelled."""
    expected: dict[UUID, Fields] = {}
    clients: dict[UUID, UUID] = {}
    for each in evidence.events(*_HANDOVER):
        expected[each.data.handover_id] = {"state": {_HANDOVER[type(each.data)]}}
        clients[each.data.handover_id] = evidence.families.now(each.subject)
    found = only(await evidence.rows("routing", "SELECT id, state FROM handovers"))
    return list(_comparison("handovers", "routing", "handover").differ(expected, found, clients))


async def routes(evidence: Evidence) -> list[Difference]:
    """Routing: under way or ended; an exit that was a mistake lets its routes go on."""
    expected: dict[UUID, Fields] = {}
    clients: dict[UUID, UUID] = {}
    just_ended: defaultdict[UUID, list[UUID]] = defaultdict(list)
    by_exit: defaultdict[UUID, list[UUID]] = defaultdict(list)
    reversals = {each.id for each in _reversals(evidence)}
    for each in evidence.events(RouteStarted, RouteEnded, ClientExited, ExitReverted):
        match each.data:
            case RouteStarted(route_id=route):
                expected[route] = {"ended": {False}}
                clients[route] = evidence.families.now(each.subject)
            case RouteEnded(route_id=route, outcome=outcome):
                expected[route] = {"ended": {True}}
                just_ended[each.subject] += [route] if outcome == "exit" else []
            case ClientExited(exit_id=exit):
                by_exit[exit] += just_ended.pop(each.subject, [])
            case ExitReverted(exit_id=exit) if each.id in reversals:
                expected |= {route: {"ended": {False}} for route in by_exit.get(exit, ())}
    found = only(await evidence.rows("routing", "SELECT id, ended_on IS NOT NULL AS ended FROM routes"))
    return list(_comparison("routes", "routing", "route").differ(expected, found, clients))


async def exits(evidence: Evidence) -> list[Difference]:
    """Routing: an exit stands or was reverted."""
    reverted = {each.data.exit_id for each in _reversals(evidence)}
    said = list(evidence.events(ClientExited))
    expected: dict[UUID, Fields] = {
        each.data.exit_id: {"reverted": {each.data.exit_id in reverted}, "reason": {each.data.reason}} for each in said
    }
    clients = {each.data.exit_id: evidence.families.now(each.subject) for each in said}
    found = only(await evidence.rows("routing", "SELECT id, reason, reverted_on IS NOT NULL AS reverted FROM exits"))
    return list(_comparison("exits", "routing", "exit").differ(expected, found, clients))


def _reversals(evidence: Evidence) -> Iterator[Envelope[ExitReverted]]:
    """Exits that were taken back; not those of one registration that only ended another's journey until they parted."""
    first: dict[UUID, UUID] = {}
    for left in evidence.events(ClientExited):
        first.setdefault(left.data.exit_id, left.subject)
    for each in evidence.events(ExitReverted):
        if each.cause is None or first.get(each.data.exit_id) == each.subject:
            yield each


async def exemptions(evidence: Evidence) -> list[Difference]:
    """Diagnosis: an exemption runs until an event ends it."""
    ended: dict[UUID, bool] = {}
    for told in evidence.said["diagnosis"]:
        if isinstance(told.data, ExemptionGranted | ExemptionEnded):
            ended[told.data.exemption_id] = isinstance(told.data, ExemptionEnded)
    said = list(evidence.events(ExemptionGranted))
    expected: dict[UUID, Fields] = {
        each.data.exemption_id: {"ended": {ended[each.data.exemption_id]}, "until": {each.data.until}} for each in said
    }
    clients = {each.data.exemption_id: evidence.families.now(each.subject) for each in said}
    found = only(await evidence.rows("diagnosis", "SELECT id, until, ended_on IS NOT NULL AS ended FROM exemptions"))
    return list(_comparison("exemptions", "diagnosis", "exemption").differ(expected, found, clients))


async def referrals_at_partners(evidence: Evidence) -> list[Difference]:
    """Partners: how far each referral is; one that nobody could take may be withdrawn without a word."""
    parked = {each.event_id for each in evidence.parked["partners"]}
    expected: dict[UUID, Fields] = {}
    clients: dict[UUID, UUID] = {}
    for asked in evidence.events(ReferralRequested):
        if asked.id not in parked:
            expected[asked.data.referral_id] = {"state": {"requested", "withdrawn"}}
            clients[asked.data.referral_id] = evidence.families.now(asked.subject)
    _add_imported(evidence, parked, expected, clients)
    for step in evidence.events(*_REFERRAL):
        expected[step.data.referral_id] = {"state": {_REFERRAL[type(step.data)]}}
    found = only(await evidence.rows("partners", "SELECT id, state FROM referrals"))
    return list(_comparison("referrals_at_partners", "partners", "referral").differ(expected, found, clients))


async def referrals_at_routing(evidence: Evidence) -> list[Difference]:
    """Routing: how far the partner is, by what partners said; what was closed first stays closed so."""
    parked = {each.event_id for each in evidence.parked["routing"]}
    withdrawn: set[UUID] = set()
    for told in evidence.said["routing"]:
        if isinstance(told.data, ReferralWithdrawn):
            withdrawn.add(told.data.referral_id)
        elif isinstance(told.data, ReferralRequested):  # maybe once more
            withdrawn.discard(told.data.referral_id)
    expected: dict[UUID, Fields] = {}
    clients: dict[UUID, UUID] = {}
    for asked in evidence.events(ReferralRequested):
        expected[asked.data.referral_id] = {"state": {"requested"}}
        clients[asked.data.referral_id] = evidence.families.now(asked.subject)
    _add_imported(evidence, parked, expected, clients)
    for step in evidence.events(*_STEPS):
        state = "scheduled" if isinstance(step.data, ReferralScheduled) else _REFERRAL.get(type(step.data))
        if state is not None and step.id not in parked:
            expected[step.data.referral_id] = {"state": {state}}
    for referral in withdrawn & expected.keys():
        expected[referral] = {"state": {"withdrawn"}}
    found = only(await evidence.rows("routing", "SELECT id, state FROM referrals"))
    return list(_comparison("referrals_at_routing", "routing", "referral").differ(expected, found, clients))


def _add_imported(
    evidence: Evidence, parked: Collection[UUID | None], expected: dict[UUID, Fields], clients: dict[UUID, UUID]
) -> None:
    """The referrals that were under way when a client came in."""
    for each in evidence.events(CaseImported):
        for referral in each.data.open_referrals if each.id not in parked else ():
            expected[referral.referral_id] = {"state": {referral.state}}
            clients[referral.referral_id] = evidence.families.now(each.subject)


async def groups(evidence: Evidence) -> list[Difference]:
    """Partners: a group began with as many clients as was said, and nobody else was ever placed in it."""
    placed: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for each in evidence.events(ReferralScheduled):
        placed[each.data.group_id].add(each.data.referral_id)
    expected: dict[UUID, Fields] = {
        each.subject: {"formed_with": {each.data.size}, "strangers": {0}} for each in evidence.events(GroupFilled)
    }
    members = defaultdict(set)
    for row in await evidence.rows("partners", "SELECT id, group_id FROM referrals WHERE group_id IS NOT NULL"):
        members[row["group_id"]].add(row["id"])
    rows = await evidence.rows("partners", "SELECT id, formed_with FROM partner_groups")
    found = {
        row["id"]: {"formed_with": row["formed_with"], "strangers": len(members[row["id"]] - placed[row["id"]])}
        for row in rows
    }
    return list(_comparison("groups", "partners", "group").differ(expected, found, {}))


def _comparison(check: str, service: str, kind: str) -> Comparison:
    remedy = f"`opstap events list --client ID` tells what happened; restore the row of {service} from its backup"
    return Comparison(check, service, kind, remedy)
