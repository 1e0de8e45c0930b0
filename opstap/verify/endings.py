"""Of who died, moved away, exited or was never a client nothing is open, in any service."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from contracts.intake import AgeBandChanged
from contracts.routing import ClientReturned
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Difference

_GONE = "SELECT id FROM clients WHERE state IN ('deceased', 'moved_away', 'undone')"
_EXITED = "SELECT client_id AS id FROM journeys WHERE state IN ('exited', 'undone')"
_BY_EXIT = "SELECT subject AS client_id, kind AS what, id FROM deadlines WHERE state IN ('open', 'suspended')"


@dataclass(frozen=True)
class Openness:
    """What may stand open about a client in a service, as SQL that gives whose it is, what it is and its id."""

    service: str
    query: str
    also_after_exit: bool = False
    """Whether it may stay open after an exit: only a death, a departure or a mistaken registration stops it."""


OPEN = (
    Openness("intake", _BY_EXIT, also_after_exit=True),
    Openness(
        "intake", "SELECT client_id, 'notification' AS what, id FROM notifications WHERE state = 'open'",
        also_after_exit=True,
    ),
    Openness(
        "intake", "SELECT client_id, 'application' AS what, id FROM applications WHERE state = 'filed'",
        also_after_exit=True,
    ),
    Openness("diagnosis", "SELECT client_id, 'invitation' AS what, id FROM invitations WHERE closed_on IS NULL"),
    Openness("diagnosis", "SELECT client_id, 'proposal' AS what, id FROM proposals WHERE state = 'open'"),
    Openness("diagnosis", _BY_EXIT),
    Openness("routing", "SELECT client_id, 'journey' AS what, client_id AS id FROM journeys WHERE state = 'active'"),
    Openness("routing", "SELECT client_id, 'route' AS what, id FROM routes WHERE ended_on IS NULL"),
    Openness(
        "routing",
        "SELECT client_id, 'handover' AS what, id FROM handovers WHERE state IN ('due', 'prepared', 'returned')",
    ),
    Openness(
        "routing",
        "SELECT client_id, 'referral' AS what, id FROM referrals WHERE state IN"
        " ('requested', 'waiting', 'scheduled', 'sent', 'acknowledged', 'accepted', 'started', 'held')",
    ),
    Openness(
        "routing", "SELECT client_id, 'instrument' AS what, id FROM instrument_uses WHERE ended_on IS NULL",
        also_after_exit=True,
    ),
    Openness(
        "routing",
        "SELECT client_id, 'part-time work' AS what, id FROM part_time_work"
        " WHERE ended_on IS NULL AND corrected_on IS NULL",
    ),
    Openness("routing", _BY_EXIT, also_after_exit=True),
    Openness(
        "routing",
        "SELECT client_id, what, id FROM work_items WHERE what NOT IN ('allowances_check', 'emergency_access')",
    ),
    Openness(
        "partners",
        "SELECT client_id, 'referral' AS what, id FROM referrals WHERE state IN"
        " ('requested', 'waiting', 'sent', 'acknowledged', 'accepted', 'started', 'held')",
    ),
    Openness(
        "partners",
        "SELECT r.client_id, 'step of a referral' AS what, d.id FROM deadlines d JOIN referrals r ON r.id = d.subject"
        " WHERE d.state IN ('open', 'suspended')",
    ),
    Openness(
        "partners",
        "SELECT r.client_id, 'message' AS what, d.id FROM deliveries d JOIN referrals r ON r.id = d.subject"
        " WHERE d.state = 'pending' AND d.attempts = 0 AND d.event_type = 'nl.klantreizen.referral-sent'",
    ),
)  # fmt: skip


async def nothing_open(evidence: Evidence) -> list[Difference]:
    """Nothing is open for who has ended: by intake's word nothing at all, by an exit nothing but what may follow it."""
    gone = {row["id"] for row in await evidence.rows("intake", _GONE)}
    exited = {row["id"] for row in await evidence.rows("routing", _EXITED)}
    differences: list[Difference] = []
    for each in OPEN:
        stopped = gone if each.also_after_exit else gone | exited
        differences += await _open_after_all(evidence, each, stopped)
    return differences


async def pensioned(evidence: Evidence) -> list[Difference]:
    """Routing: who reached pension age is on no journey, unless somebody recorded a return since."""
    heard: dict[UUID, str] = {}
    for client, events in evidence.by_client["routing"].items():
        for envelope in events:
            if isinstance(envelope.data, AgeBandChanged):
                heard[evidence.families.now(client)] = envelope.data.age_band
            elif isinstance(envelope.data, ClientReturned):
                heard.pop(evidence.families.now(client), None)
    rows = await evidence.rows("routing", "SELECT client_id FROM journeys WHERE state = 'active'")
    return [
        Difference(
            "pensioned", "routing", f"journey of {row['client_id']}", "exited at pension age", "active",
            "record the exit: POST /v1/clients/{client}/exits with reason pension_age", row["client_id"],
        )
        for row in rows
        if heard.get(row["client_id"]) == "pension"
    ]  # fmt: skip


async def _open_after_all(evidence: Evidence, kind: Openness, stopped: Collection[UUID]) -> list[Difference]:
    rows: list[Mapping[str, UUID]] = await evidence.rows(kind.service, kind.query)
    return [
        Difference(
            "nothing_open", kind.service, f"{row['what']} {row['id']} of {row['client_id']}",
            "stopped: the client has ended", "open", "let the service handle the client's events anew",
            evidence.families.now(row["client_id"]),
        )
        for row in rows
        if row["client_id"] in stopped
    ]  # fmt: skip
