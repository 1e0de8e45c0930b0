"""Whose clients are whose: what every service keeps of who guides whom, held against what routing said."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from contracts import Envelope
from contracts.routing import (
    CaseworkerAssigned,
    CaseworkerMissing,
    CaseworkerReleased,
    DeputyChosen,
    DeputyReleased,
    EmergencyAccessTaken,
    HandoverAccepted,
    HandoverCancelled,
    HandoverPrepared,
    HandoverReturned,
    StaffChanged,
)
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Difference

Row = dict[str, Any]
Tables = Mapping[str, dict[tuple[Any, ...], Row]]
"""Rows by their key, by table."""

_KEPT = {
    "guided": (
        ("client_id",),
        """
        SELECT client_id, municipality, caseworker, receiving,
               ARRAY(SELECT each FROM unnest(besides) each WHERE each NOT LIKE 'access:%') AS besides FROM guided
        """,
    ),
    "openings": (("id",), "SELECT id, client_id, municipality, staff_id, until FROM openings"),
    "colleagues": (
        ("municipality", "staff_id"),
        "SELECT municipality, staff_id, team, manages, roles, active FROM colleagues",
    ),
    "stand_ins": (("id",), "SELECT id, municipality, staff_id, deputy_id, first_day, last_day FROM stand_ins"),
}
_UNGUIDED: Row = {"caseworker": None, "besides": [], "receiving": None}


async def kept_alike(evidence: Evidence) -> list[Difference]:
    """I9: each service knows of each client who sees them, of all staff their teams, and who stands in for whom."""
    differences: list[Difference] = []
    for service in evidence.connections:
        expected = _expected(evidence, service)
        for table, (key, query) in _KEPT.items():
            found = {tuple(row[name] for name in key): dict(row) for row in await evidence.rows(service, query)}
            differences += _differ(evidence, service, table, expected[table], found)
    return differences


def _expected(evidence: Evidence, service: str) -> Tables:
    """The fold of what routing said and this service did not park."""
    parked = {each.event_id for each in evidence.parked[service]}
    tables: Tables = {table: {} for table in _KEPT}
    for envelope in evidence.said["routing"]:
        if envelope.id not in parked:
            _follow(tables, envelope)
    return tables


def _follow(tables: Tables, envelope: Envelope[Any]) -> None:
    about, here, event = envelope.subject, envelope.municipality, envelope.data
    match event:
        case StaffChanged():
            told: Row = event.model_dump(include={"staff_id", "team", "manages", "roles", "active"})
            lists = {name: list(told[name]) for name in ("manages", "roles")}
            tables["colleagues"][here, event.staff_id] = {"municipality": here, **told, **lists}
        case DeputyChosen():
            told = event.model_dump(include={"staff_id", "deputy_id", "first_day", "last_day"})
            tables["stand_ins"][(about,)] = {"id": about, "municipality": here, **told}
        case DeputyReleased():
            row = tables["stand_ins"].get((about,))
            if row is not None:
                row["last_day"] = row["first_day"] - timedelta(days=1)
        case EmergencyAccessTaken():
            told = {"client_id": about, "municipality": here, "staff_id": event.staff_id, "until": event.until}
            tables["openings"][(event.access_id,)] = {"id": event.access_id, **told}
        case CaseworkerAssigned():
            besides = [f"{here}/role:{each}" for each in event.besides]
            _guide(tables, envelope, caseworker=f"{here}/{event.caseworker_id}", besides=besides)
        case CaseworkerMissing() | CaseworkerReleased():
            _guide(tables, envelope, caseworker=None, besides=[])
        case HandoverPrepared(to_role=str(role)):
            _guide(tables, envelope, receiving=f"{here}/role:{role}")
        case HandoverAccepted() | HandoverReturned() | HandoverCancelled():
            _guide(tables, envelope, receiving=None)


def _guide(tables: Tables, envelope: Envelope[Any], **told: Any) -> None:
    row = tables["guided"].setdefault((envelope.subject,), {"client_id": envelope.subject, **_UNGUIDED})
    row.update(municipality=envelope.municipality, **told)


def _differ(
    evidence: Evidence, service: str, table: str, expected: Mapping[tuple[Any, ...], Row],
    found: Mapping[tuple[Any, ...], Row],
) -> Iterator[Difference]:  # fmt: skip
    remedy = f"opstap events replay --to {service}, for the staff and the client's events of routing"
    for key in sorted(expected.keys() | found.keys(), key=str):
        wanted, row = expected.get(key), found.get(key)
        if wanted != row:
            client = evidence.families.now(key[0]) if table == "guided" else None
            what = f"{table} {'/'.join(map(str, key))}"
            yield Difference("kept_alike", service, what, _said(wanted, row), _said(row, wanted), remedy, client)


def _said(row: Row | None, other: Row | None) -> str:
    """What differs of a row, or the whole of one that has no counterpart."""
    if row is None:
        return "no row"
    told = {name: value for name, value in row.items() if other is None or other[name] != value}
    return ", ".join(f"{name} {value}" for name, value in told.items())
