"""Work lists: what stands on them, recomputed by SQL from where journeys, deadlines, handovers and referrals stand."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from contracts import Envelope, Event
from contracts.intake import (
    ApplicationWithdrawn,
    ClientsMerged,
    InformationSessionDue,
    InformationSessionHeld,
    IntakeDue,
    IntakeHeld,
    IntegrationPlanDue,
    IntegrationPlanMade,
    LanguageTestDue,
    LanguageTestTaken,
    TermSet,
)
from contracts.routing import ClientReturned
from opstap.verify.deadlines import SAID_OF
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Difference

_RUNNING = """
    SELECT d.subject AS client_id, d.kind AS what, coalesce(d.ref, d.id) AS ref, d.due_on, d.state = 'open'
        OR NOT EXISTS (SELECT FROM conversations c WHERE c.client_id = d.subject AND c.held_on >= d.reckoned_from)
           AND (j.state = 'active' AND j.track_since <= d.reckoned_from AND j.category_since <= d.set_on
                OR d.kind = 'allowances_check')
        OR u.id IS NOT NULL
        AS certain
    FROM deadlines d JOIN journeys j ON j.client_id = d.subject AND j.state IN ('active', 'exited')
    LEFT JOIN exits e ON e.id = d.ref
    LEFT JOIN instrument_uses u ON u.id = d.ref AND u.ended_on IS NULL AND j.state = 'active'
    WHERE (d.kind IN ('first_conversation', 'review', 'fip', 'longest_stay', 'allowances_check') OR u.id IS NOT NULL)
      AND d.due_on IS NOT NULL
      AND (d.state = 'open' OR d.state = 'fired' AND d.kind <> 'longest_stay')
      AND (d.kind <> 'allowances_check' OR e.allowances_check IN ('awaited', 'overdue'))
      AND NOT EXISTS (SELECT FROM deadlines n WHERE n.subject = d.subject AND n.kind = d.kind AND n.id > d.id
                      AND n.ref IS NOT DISTINCT FROM d.ref AND n.state <> 'cancelled')
"""
"""Terms that stand; of one that fired, a conversation or a category since says that by policy it may or may not be met.
"""

_OTHERS = """
    SELECT h.client_id, CASE WHEN h.prepared_on IS NULL THEN 'handover' ELSE 'acceptance' END AS what, h.id AS ref,
           coalesce(h.accept_by, h.due_on) AS due_on, true AS certain
    FROM handovers h JOIN journeys j USING (client_id)
    WHERE j.state = 'active' AND h.state IN ('due', 'prepared', 'returned')
    UNION ALL
    SELECT r.client_id, 'referral', r.id, r.overdue_on, true FROM referrals r JOIN journeys j USING (client_id)
    WHERE j.state = 'active'
      AND r.state IN ('requested', 'waiting', 'scheduled', 'sent', 'acknowledged', 'accepted', 'started', 'held')
    UNION ALL
    SELECT client_id, 'proposal', client_id, NULL, true FROM journeys
    WHERE state = 'active' AND proposed_on IS NOT NULL
    UNION ALL
    SELECT client_id, 'caseworker', client_id, NULL, true FROM journeys
    WHERE state = 'active' AND waiting_since IS NOT NULL
    UNION ALL
    SELECT client_id, 'pension', client_id, pension_by, true FROM journeys
    WHERE state = 'active' AND pension_by IS NOT NULL
    UNION ALL
    SELECT client_id, 'first_meeting', client_id, NULL, true FROM journeys
    WHERE state = 'active' AND caseworker_id IS NOT NULL AND coalesce(spoken_on, '-infinity') < handed_over_on
"""

_ASKED = """
    UNION ALL
    SELECT client_id, kind, id, due_on, true FROM intake_duties JOIN journeys j USING (client_id)
    WHERE j.state = 'active' AND closed_on IS NULL
    UNION ALL
    SELECT client_id, 'emergency_access', id, NULL, true FROM emergency_accesses JOIN journeys j USING (client_id)
    WHERE j.state IN ('active', 'exited') AND reviewed_on IS NULL
    UNION ALL
    SELECT client_id, 'agreement', id, NULL, true FROM agreements JOIN journeys j USING (client_id)
    WHERE j.state = 'active' AND due_on < '{today}'
      AND kept_on IS NULL AND missed_on IS NULL AND continued_on IS NULL AND corrected_on IS NULL
    UNION ALL
    SELECT client_id, 'ladder_step', id, NULL, true FROM agreements JOIN journeys j USING (client_id)
    WHERE j.state = 'active' AND missed_on IS NOT NULL AND step_taken_on IS NULL AND corrected_on IS NULL
"""
"""What intake waits for, agreements of which the day has passed, and those after which a step is to be taken."""

_FOUND = """
    SELECT w.client_id, w.what, w.ref, w.due_on, w.caseworker_id, j.caseworker_id AS guide
    FROM work_items w JOIN journeys j USING (client_id)
"""


DUE = (TermSet, InformationSessionDue, IntakeDue, IntegrationPlanDue, LanguageTestDue)


async def work_lists(evidence: Evidence) -> list[Difference]:
    """Routing: everything that is to be seen to stands on a work list, once, with the caseworker; nothing else does."""
    others = _OTHERS + _ASKED.format(today=evidence.civil_day)
    rows = [*await evidence.rows("routing", _RUNNING), *await evidence.rows("routing", others)]
    wanted = {_key(row): row["certain"] for row in rows}
    found = {_key(row): row for row in await evidence.rows("routing", _FOUND)}
    return list(_differ(evidence, wanted, found))


async def waited_for_at_intake(evidence: Evidence) -> list[Difference]:
    """I9: routing waits for what intake said to wait for and did not say to be done, and for nothing else."""
    rows = await evidence.rows("routing", "SELECT client_id, kind, due_on FROM intake_duties WHERE closed_on IS NULL")
    found = {(row["client_id"], row["kind"], row["due_on"]) for row in rows}
    wanted = _still_due(evidence)
    remedy = "let routing handle the client's events of intake anew"
    return [
        Difference(
            "waited_for_at_intake", "routing", f"{kind} of {client}, due on {due_on}",
            *(("waited for", "not waited for") if (client, kind, due_on) in wanted else ("done", "waited for")),
            remedy, evidence.families.now(client),
        )
        for client, kind, due_on in sorted(found ^ wanted, key=str)
    ]  # fmt: skip


def _still_due(evidence: Evidence) -> set[tuple[UUID, str, date]]:
    """What was said to be due, less what was done or called off since; a return begins the way to the intake anew."""
    due: set[tuple[UUID, str, date]] = set()
    parked = {each.event_id for each in evidence.parked["routing"]}
    told: list[Envelope[Any]] = [*evidence.said["intake"], *evidence.events(ClientReturned)]
    for envelope in sorted(told, key=lambda each: each.recorded_at):
        client, event = envelope.subject, envelope.data
        if envelope.id in parked or not evidence.families.stands(envelope):
            continue
        if isinstance(event, ClientsMerged):
            there = {kind for whose, kind, _ in due if whose == event.into}
            due = {each for each in due if not (each[0] == client and each[1] in there)}
            due = {(event.into if whose == client else whose, kind, day) for whose, kind, day in due}
        kind = event.kind if isinstance(event, TermSet) else SAID_OF.get(type(event))
        ends = {kind} if isinstance(event, DUE) else _ends(event)
        if ends:
            due = {each for each in due if not (each[0] == client and each[1] in ends)}
        if isinstance(event, DUE) and event.due_on is not None:
            due.add((client, str(kind), event.due_on))
    return due


def _ends(event: Event) -> Collection[str]:
    """What nobody waits for any more after an event."""
    match event:
        case InformationSessionHeld(attended=True):
            return {"information_session"}
        case IntakeHeld():
            return {"intake"}
        case IntegrationPlanMade():
            return {"integration_plan"}
        case LanguageTestTaken():
            return {"language_test"}
        case ApplicationWithdrawn() | ClientReturned():
            return {"information_session", "intake"}
    return ()


def _differ(
    evidence: Evidence, wanted: Mapping[tuple[Any, ...], bool], found: Mapping[tuple[Any, ...], Mapping[str, Any]]
) -> Iterator[Difference]:
    for key in sorted((key for key, certain in wanted.items() if certain and key not in found), key=str):
        yield _difference(evidence, key, "on a work list", "on none")
    for key in sorted(found.keys() - wanted.keys(), key=str):
        yield _difference(evidence, key, "on no work list", "on one")
    for key, row in found.items():
        if row["caseworker_id"] != row["guide"]:
            yield _difference(evidence, key, f"with caseworker {row['guide']}", f"with {row['caseworker_id']}")


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["client_id"], row["what"], row["ref"], row["due_on"]


def _difference(evidence: Evidence, key: tuple[Any, ...], expected: str, found: str) -> Difference:
    client, what, ref, due_on = key
    remedy = "change the client anew, such as by an event handled again: routing then keeps the items as they stand"
    told = f"{what} {ref} of {client}, due on {due_on}"
    return Difference("work_lists", "routing", told, expected, found, remedy, evidence.families.now(client))
