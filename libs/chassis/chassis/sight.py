"""Which clients a member of staff sees: own, the team's, those of whom they stand in for, and those without caseworker.

A manager sees those of whom nobody manages as well: what is no team's concern is every manager's.
Routing says who guides whom and who is in which team; every service keeps that in four tables of its own, and the
database leaves out of every query what the caller does not see (`fence` makes the policies). So no route can forget it.
See docs/decisions/0007-permissions-follow-from-staff.md.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.security import STAFF, Role, Token
from contracts import Envelope, Event
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
from policy import Library, NoPolicyInForce

SETTING = "opstap.sees"
"""Whose clients the transaction sees, as `GM0626/anna`, `GM0626/role:coach`, `GM0626/*`, or `access:` with the id of an
emergency access; empty for all."""
_NARROWED = "whose clients are seen"

Fact = tuple[UUID, str, Event]
"""What an event is about, in which municipality, and what it says."""

_GUIDED = text(
    "INSERT INTO guided (client_id, municipality, caseworker, besides) VALUES (:client, :municipality, :caseworker,"
    " CAST(:besides AS text[])"
    " || ARRAY(SELECT 'access:' || id FROM openings WHERE client_id = :client AND until > clock_timestamp()))"
    " ON CONFLICT (client_id) DO UPDATE SET municipality = excluded.municipality, caseworker = excluded.caseworker,"
    " besides = excluded.besides"
)
_RECEIVED = text(
    "INSERT INTO guided (client_id, municipality, receiving) VALUES (:client, :municipality, :receiving)"
    " ON CONFLICT (client_id) DO UPDATE SET receiving = excluded.receiving"
)
_COLLEAGUE = text(
    "INSERT INTO colleagues (municipality, staff_id, team, manages, roles, active)"
    " VALUES (:municipality, :staff_id, :team, CAST(:manages AS text[]), CAST(:roles AS text[]), :active)"
    " ON CONFLICT (municipality, staff_id) DO UPDATE SET team = excluded.team, manages = excluded.manages,"
    " roles = excluded.roles, active = excluded.active"
)
_STANDS_IN = text(
    "INSERT INTO stand_ins (id, municipality, staff_id, deputy_id, first_day, last_day)"
    " VALUES (:id, :municipality, :staff_id, :deputy_id, :first_day, :last_day) ON CONFLICT (id) DO UPDATE"
    " SET deputy_id = excluded.deputy_id, first_day = excluded.first_day, last_day = excluded.last_day"
)
_RELEASED = text("UPDATE stand_ins SET last_day = first_day - 1 WHERE id = :id")
"""Over before it began: whose deputy was released has none on any day."""
_OPENED = text("""
    WITH opened AS (
        INSERT INTO openings (id, client_id, municipality, staff_id, until)
        VALUES (:id, :client, :municipality, :staff_id, :until) ON CONFLICT (id) DO NOTHING RETURNING id
    )
    UPDATE guided SET besides = besides || ARRAY(SELECT 'access:' || id FROM opened) WHERE client_id = :client
""")
_SEES = text("""
    WITH stood_in_for AS (
        SELECT municipality, staff_id FROM stand_ins
        WHERE deputy_id = :me AND first_day <= :today AND (last_day IS NULL OR last_day >= :today)
    ), me AS (
        SELECT municipality, staff_id, team, roles, manages || ARRAY(
            SELECT unnest(manager.manages) FROM colleagues manager JOIN stood_in_for USING (municipality, staff_id)
            WHERE manager.active AND manager.municipality = own.municipality
        ) AS manages
        FROM colleagues own WHERE staff_id = :me AND active
    ), in_teams AS (
        SELECT municipality FROM unnest(CAST(:municipalities AS text[])) AS here (municipality)
        WHERE EXISTS (
            SELECT FROM colleagues them WHERE them.municipality = here.municipality AND active AND team IS NOT NULL
        )
    ), managed AS (
        SELECT DISTINCT municipality, unnest(manages) AS team FROM colleagues WHERE active
    ), led AS (
        SELECT municipality FROM me WHERE cardinality(manages) > 0
        UNION
        SELECT municipality FROM in_teams
        WHERE :manager AND municipality NOT IN (SELECT municipality FROM managed)
    ), nobodys AS (
        SELECT them.municipality, them.staff_id, them.roles, them.active
        FROM colleagues them JOIN led USING (municipality) JOIN in_teams USING (municipality)
        LEFT JOIN managed USING (municipality, team)
        WHERE managed.team IS NULL AND EXISTS (SELECT FROM led)
    )
    SELECT municipality, NULL AS sees FROM in_teams
    UNION
    SELECT municipality, municipality || '/' || staff_id FROM nobodys
    UNION
    SELECT municipality, municipality || '/role:' || unnest(roles) FROM nobodys WHERE active
    UNION
    SELECT them.municipality, them.municipality || '/' || them.staff_id
    FROM me JOIN colleagues them ON them.municipality = me.municipality AND them.team = ANY (me.manages || me.team)
    UNION
    SELECT municipality, municipality || '/' || them.staff_id
    FROM stood_in_for them JOIN colleagues USING (municipality, staff_id) JOIN me USING (municipality)
    UNION
    SELECT municipality, municipality || '/role:' || unnest(roles) FROM me
    UNION
    SELECT them.municipality, them.municipality || '/role:' || unnest(them.roles)
    FROM me JOIN colleagues them ON them.municipality = me.municipality AND them.team = ANY (me.manages)
    WHERE them.active
    UNION
    SELECT municipality, 'access:' || o.id FROM openings o JOIN me USING (municipality)
    WHERE o.staff_id = :me AND o.until > :now
""")


async def follow(session: AsyncSession, facts: Sequence[Fact]) -> None:
    """Keep up who guides whom, who is in which team and who stands in, from what routing said."""
    for subject, municipality, event in facts:
        found = _row(subject, municipality, event)
        if found is not None:
            await session.execute(*found)


async def heard(work: Any, envelopes: Sequence[Envelope[Any]]) -> None:
    """A handler that does nothing else."""
    await follow(work.session, [(each.subject, each.municipality, each.data) for each in envelopes])


def with_sight(handlers: Mapping[type[Event], Callable[..., Awaitable[None]]]) -> dict[type[Event], Any]:
    """A service's handlers, and before each the keeping up of who sees whom."""
    followed = {event: _both(handlers.get(event)) for event in FOLLOWED}
    return {**handlers, **followed}


async def narrow(session: AsyncSession, token: Token, policies: Library, today: date, now: datetime) -> None:
    """Let the transaction of a member of staff see what they may see; of any other caller it stays as it is."""
    if not token.has(*STAFF) or token.subject is None or token.subject == token.client:
        return
    asked = {
        "me": token.subject, "manager": token.has(Role.TEAM_MANAGER), "today": today, "now": now,
        "municipalities": sorted(token.municipalities),
    }  # fmt: skip
    rows = (await session.execute(_SEES, asked)).all()
    in_teams = {row.municipality for row in rows if row.sees is None}
    whole = {each for each in token.municipalities if each not in in_teams or _open(policies, each, today)}
    sees = {row.sees for row in rows if row.sees is not None}
    sees |= {f"{each}/*" for each in whole} | {f"{each}/{token.subject}" for each in token.municipalities}
    session.info[_NARROWED] = ",".join(sorted(sees)) or "nobody"
    await _see(session, session.info[_NARROWED])


@asynccontextmanager
async def whole(session: AsyncSession) -> AsyncIterator[None]:
    """For a rule that must reckon with clients whom the caller does not see, such as caseloads or who is known.

    One within another is part of it.
    """
    narrowed = session.info.pop(_NARROWED, None)
    if narrowed is None:
        yield
        return
    await session.flush()
    await _see(session, "")
    try:
        yield
    finally:
        session.info[_NARROWED] = narrowed
    await session.flush()
    await _see(session, narrowed)


async def sees(session: AsyncSession, client_id: UUID) -> bool:
    """Whether the caller sees a client: for what no policy of the database fences."""
    return bool(await session.scalar(_SEEN, {"client": client_id}))


def predicate(column: str) -> str:
    """Whether the transaction sees the client in this column, in SQL.

    What is set is taken apart once a query, and who guides a client is looked up by key, for the rows that are asked
    for: NOT EXISTS would read who guides every client of the city, for a page of a work list.
    """
    setting = f"current_setting('{SETTING}', true)"
    seen_by = "ARRAY[guided.caseworker, guided.municipality || '/*', guided.receiving] || guided.besides"
    open_to_caller = f"guided.caseworker IS NULL OR {seen_by} && (SELECT string_to_array({setting}, ','))"
    of_client = f"SELECT {open_to_caller} FROM guided WHERE guided.client_id = {column}"  # noqa: S608 - ours
    return f"(SELECT coalesce({setting}, '') = '') OR coalesce(({of_client}), true)"


_SEEN = text(f"SELECT {predicate('asked.client_id')} FROM (SELECT CAST(:client AS uuid) AS client_id) asked")  # noqa: S608 - ours


def _open(policies: Library, municipality: str, today: date) -> bool:
    try:
        return policies.in_force(municipality, today).caseworkers.access == "municipality"
    except NoPolicyInForce:
        return False


async def _see(session: AsyncSession, whom: str) -> None:
    await session.execute(text("SELECT set_config(:setting, :whom, true)"), {"setting": SETTING, "whom": whom})


def _row(subject: UUID, municipality: str, event: Event) -> tuple[Any, dict[str, Any]] | None:
    """What to keep of an event."""
    match event:
        case StaffChanged():
            told = event.model_dump(include={"staff_id", "team", "manages", "roles", "active"})
            return _COLLEAGUE, {"municipality": municipality, **told}
        case DeputyChosen():
            told = event.model_dump(include={"staff_id", "deputy_id", "first_day", "last_day"})
            return _STANDS_IN, {"id": subject, "municipality": municipality, **told}
        case DeputyReleased():
            return _RELEASED, {"id": subject}
    return _row_of_client({"client": subject, "municipality": municipality}, event)


def _row_of_client(of: dict[str, Any], event: Event) -> tuple[Any, dict[str, Any]] | None:
    role = f"{of['municipality']}/role:"
    match event:
        case CaseworkerAssigned():
            caseworker = f"{of['municipality']}/{event.caseworker_id}"
            return _GUIDED, {**of, "caseworker": caseworker, "besides": [role + each for each in event.besides]}
        case EmergencyAccessTaken():
            told = event.model_dump(include={"staff_id", "until"})
            return _OPENED, {**of, "id": event.access_id, **told}
        case CaseworkerMissing() | CaseworkerReleased():
            return _GUIDED, {**of, "caseworker": None, "besides": []}
        case HandoverPrepared(to_role=str(receives)):
            return _RECEIVED, {**of, "receiving": role + receives}
        case HandoverAccepted() | HandoverReturned() | HandoverCancelled():
            return _RECEIVED, {**of, "receiving": None}
    return None


def _both(then: Callable[..., Awaitable[None]] | None) -> Callable[..., Awaitable[None]]:
    if then is None:
        return heard

    async def handle(work: Any, envelopes: Sequence[Envelope[Any]]) -> None:
        await heard(work, envelopes)
        await then(work, envelopes)

    return handle


FOLLOWED: tuple[type[Event], ...] = (
    CaseworkerAssigned,
    CaseworkerMissing,
    CaseworkerReleased,
    HandoverPrepared,
    HandoverAccepted,
    HandoverReturned,
    HandoverCancelled,
    StaffChanged,
    DeputyChosen,
    DeputyReleased,
    EmergencyAccessTaken,
)
