"""Where a client stands over all five services, without what legitimately differs between twins.

`LEFT_OUT` says what that is, and why; everything else is compared.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import CURRENT, Deadline
from intake.tables import Standing
from opstap.system import System
from reporting import tables
from reporting.actions.reading import _FACT, _corrected
from reporting.rules.figures import figures
from reporting.rules.history import Fact, book
from reporting.rules.told import Span, Told
from tests.support.verbs import Twin

LEFT_OUT: Mapping[str, str] = {
    "ids": "each twin has its own: of the client, and of all that was entered of it",
    "caseworker": "who of a role has a client follows from the caseload on the day; the role is compared",
    "corrected rows": "what was entered wrongly stays to be seen, as corrected, cancelled, reverted or withdrawn",
    "reckoned anew": "the line with which a term says so, and why: of whom nothing was wrong it says nothing",
    "referrals sent": "a partner asked by mistake was asked, and told that it was taken back: both are counted;"
    " who is asked later answers later, and asked anew it takes its steps again",
    "corrections": "how many decisions correct another is counted, and a category says that it rests on one",
}

ANEW = "Opnieuw berekend"


async def state_of(system: System, twin: Twin) -> dict[str, Any]:
    """What every service says of a client now."""
    return {
        "routing": await _routing(twin),
        "diagnosis": await _diagnosis(twin),
        "partners": await _partners(twin),
        "intake": await _intake(system, twin),
        "reporting": await _reporting(system, twin),
    }


def differences(one: Any, other: Any, where: str = "") -> Iterable[str]:
    """Where two states differ, a line each."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}, key=str):
            yield from differences(one.get(key), other.get(key), f"{where}/{key}")
    elif isinstance(one, list) and isinstance(other, list):
        only = [each for each in one if each not in other], [each for each in other if each not in one]
        if any(only) or len(one) != len(other):
            yield f"{where}: truth {only[0] or one}, other {only[1] or other}"
    elif one != other:
        yield f"{where}: truth {one!r}, other {other!r}"


def _only(rows: Iterable[Mapping[str, Any]], *names: str) -> list[dict[str, Any]]:
    return sorted(({name: row[name] for name in names} for row in rows), key=str)


async def _routing(twin: Twin) -> dict[str, Any]:
    journey = await twin.journey()
    worklist = await twin.get("routing", f"/worklist?scope=municipality&clientId={twin.id}&limit=100")
    stands = {
        name: journey[name]
        for name in (
            "state", "track", "trackSince", "category", "categorySince", "caseworkerRole", "besides", "waitingSince",
            "lastConversationOn",
        )
    }  # fmt: skip
    running = [each for each in journey["deadlines"] if each["state"] in CURRENT]
    return stands | {
        "openRoutes": [each["id"] for each in journey["openRoutes"]],
        "routes": _only(journey["routes"], "route", "track", "startedOn", "suspendedOn", "endedOn", "outcome"),
        "suspensions": _only(journey["suspensions"], "reason", "start", "end"),
        "handovers": _only(
            (each for each in journey["handovers"] if each["state"] != "cancelled"),
            "fromTrack", "toTrack", "reason", "state", "dueOn", "preparedOn", "acceptBy", "escalatedOn", "closedOn",
        ),
        "referrals": _only(
            (each for each in journey["referrals"] if each["state"] in _UNDER_WAY),
            "purpose", "partner", "origin", "state",
        ),
        "exits": _only(
            (each for each in journey["exits"] if each["revertedOn"] is None),
            "reason", "on", "aftercare", "aftercareUntil", "allowancesCheck", "returnedOn",
        ),
        "conversations": _only(
            (each for each in journey["conversations"] if each["correctedOn"] is None),
            "kind", "heldOn", "option", "faceToFace", "homeVisit", "areas",
        ),
        "agreements": _only(
            (each for each in journey["agreements"] if each["state"] != "corrected"),
            "agreed", "agreedOn", "dueOn", "state", "keptOn", "continuedOn", "missedOn", "step", "stepTakenOn",
        ),
        "instruments": _only(journey["instruments"], "instrument", "startedOn", "endsBy", "endedOn", "outcome"),
        "measures": _only(journey["measures"], "percentage", "startsOn", "endsOn"),
        "partTimeWork": _only(
            (each for each in journey["partTimeWork"] if each["correctedOn"] is None),
            "monthFrom", "hoursPerWeek", "incomePerMonth", "endedOn",
        ),
        "deadlines": [
            {**each, "because": _because(each["because"])}
            for each in _only(
                running, "kind", "rule", "reckonedFrom", "dueOn", "originalDueOn", "state", "missed", "because"
            )
        ],
        "worklist": _only(
            (each for each in worklist["items"] if each["reason"] != "referral"), "kind",
            "reason", "why", "since", "dueOn", "overdue", "urgentOn", "role",
        ),
    }  # fmt: skip


_UNDER_WAY = ("requested", "waiting", "scheduled", "sent", "acknowledged", "accepted", "started", "held")


def _because(lines: Collection[str]) -> list[str]:
    return [line for line in lines if not line.startswith(ANEW)]


async def _diagnosis(twin: Twin) -> dict[str, Any]:
    stands = await twin.get("diagnosis", f"/clients/{twin.id}/category")
    exemptions = await twin.get("diagnosis", f"/clients/{twin.id}/exemptions")
    proposals = await twin.get("diagnosis", f"/proposals?clientId={twin.id}&state=open")
    invitations = await twin.get("diagnosis", f"/invitations?clientId={twin.id}")
    return {
        **{name: stands[name] for name in ("status", "category", "track", "since")},
        "history": _only(
            (each for each in stands["history"] if not each["corrected"]),
            "category", "track", "since", "until",
        ),
        "exemptions": _only(
            (each for each in exemptions["items"] if each["endedOn"] != each["grantedOn"]),
            "grantedOn", "until", "permanent", "effect", "endedOn",
        ),
        "proposals": _only(proposals["items"], "status", "category", "track", "assessedOn", "caseworkerRole"),
        "invitations": _only(invitations["items"], "reason", "invitedOn"),
    }  # fmt: skip


async def _partners(twin: Twin) -> dict[str, Any]:
    return {"open": _only(await twin.referrals(), "partner", "purpose", "state")}


async def _intake(system: System, twin: Twin) -> dict[str, Any]:
    client = await twin.get("intake", f"/clients/{twin.id}")
    applications = await twin.get("intake", f"/clients/{twin.id}/applications")
    notifications = await twin.get("intake", f"/clients/{twin.id}/notifications")
    id = UUID(twin.id)
    async with system.services["intake"].database.in_background() as session:
        terms = await session.scalars(select(Deadline).where(Deadline.subject == id, Deadline.state.in_(CURRENT)))
        deadlines = [
            {"kind": each.kind, "from": each.reckoned_from, "due": each.due_on, "because": _because(each.because)}
            for each in terms
        ]
        heard = await session.get(Standing, id)
    return {
        **{name: client[name] for name in ("state", "endedOn", "registeredOn", "ageBand", "partnerId", "housedOn")},
        "applications": _only(applications["items"], "filedOn", "state", "endedOn", "benefitFrom"),
        "notifications": _only(notifications["items"], "receivedOn", "state", "divertedOn"),
        "deadlines": sorted(deadlines, key=str),
        "heard": {name: getattr(heard, name, None) for name in ("diagnosed_on", "category", "handed_over_on")},
    }


async def _reporting(system: System, twin: Twin) -> dict[str, Any]:
    """What is counted of this twin alone, with whoever was registered by mistake."""
    family = [UUID(each) for each in (twin.id, *twin.others)]
    async with system.services["reporting"].database.in_background() as session:
        own = select(*tables.Client.__table__.columns).where(tables.Client.id == family[0])
        row = (await session.execute(own)).one()
        periods = {}
        for table, names in _PERIODS.items():
            found = await session.scalars(select(table).where(table.client_id.in_(family)))
            rows = [{name: getattr(each, name) for name in names} for each in found]
            periods[table.__tablename__] = list(_joined(sorted(rows, key=str)))
        counts = await session.execute(select(*_FACT).where(tables.Happening.client_id.in_(family), ~_corrected(None)))
        facts = sorted((Fact(*each) for each in counts), key=lambda fact: fact.order)
        everything = await session.execute(select(*_FACT).where(tables.Happening.client_id.in_(family)))
        known = book(Fact(*each) for each in everything)
    told = Told(Span(date(2024, 1, 1), twin.world.today), tuple(facts))
    counted = figures(twin.town.code, known, told)
    row_now = {name: value for name, value in row._mapping.items() if name not in {"id", "household_id", "basis"}}
    return {
        "client": row_now,
        **periods,
        "figures": {
            name: value for name, value in vars_of(counted).items() if name not in {"costs", "referrals", "assessments"}
        },
        "assessments": {name: number for name, number in counted.assessments.items() if name != "corrected"},
        "costs": [
            (each.instrument, each.goal, each.track, each.category, each.uses, each.amount) for each in counted.costs
        ],
    }


def _joined(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Periods that differ in nothing but that the later one rests on a correction are one."""
    last: dict[str, Any] | None = None
    for row in rows:
        if last is not None and last["until"] == row["since"] and {**last, "since": 0, "until": 0} == {
            **row, "since": 0, "until": 0,
        }:  # fmt: skip
            last["until"] = row["until"]
            continue
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield last


_PERIODS: Mapping[Any, tuple[str, ...]] = {
    tables.Spell: ("kind", "since", "until", "reason"),
    tables.Placement: ("since", "until", "category", "track", "advised_track", "status"),
    tables.Exempt: ("since", "until", "permanent"),
}


def vars_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass with slots."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
