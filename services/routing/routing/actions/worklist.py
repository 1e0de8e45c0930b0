"""Keeps the work lists: at the end of each unit of work, what stands about the clients that it changed."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import delete, inspect, select
from sqlalchemy.dialects.postgresql import insert

from chassis import sight
from chassis.work import Work
from routing.actions import journeys, outstanding
from routing.tables import ClientChange, Journey, WorkItem
from routing.work_items import ACCEPTANCE, Item, items_of

_COLUMNS = tuple(column.name for column in WorkItem.__table__.columns)


def changed(work: Work, *client_ids: UUID) -> None:
    """What stands about these clients may differ: their work items follow at the end of this work."""
    work.at_the_end(keep, *client_ids)


async def keep(work: Work, client_ids: Collection[UUID]) -> None:
    """Set the items of these clients as they stand now, and tell the change feed that something changed.

    Whoever changed something: it may be on the list of somebody whose clients the caller does not see.
    """
    async with sight.whole(work.session):
        await _keep(work, client_ids)


async def _keep(work: Work, client_ids: Collection[UUID]) -> None:
    await work.session.flush()
    found = await _journeys(work, client_ids)
    wanted = {item.id: asdict(item) for item in await _items(work, found.values())}
    rows = await work.session.execute(select(WorkItem.__table__).where(WorkItem.client_id.in_(client_ids)))
    there = {row.id: dict(row._mapping) for row in rows}  # noqa: SLF001 - SQLAlchemy's public name for it
    gone = there.keys() - wanted.keys()
    if gone:
        await work.session.execute(delete(WorkItem).where(WorkItem.id.in_(gone)))
    new = [wanted[each] for each in sorted(wanted) if wanted[each] != there.get(each)]
    if new:
        await _write(work, new)
    await _tell(work, found.values(), [*there.values(), *wanted.values()])


async def _journeys(work: Work, client_ids: Collection[UUID]) -> dict[UUID, Journey]:
    """The journeys as this work has them in hand; what it has not whole is read."""
    whole = {
        each.client_id: each
        for each in work.session
        if isinstance(each, Journey) and not inspect(each).unloaded and each.client_id in client_ids
    }
    missing = set(client_ids) - whole.keys()
    return {**whole, **(await journeys.load(work.session, missing, lock=False) if missing else {})}


async def _items(work: Work, found: Collection[Journey]) -> list[Item]:
    clients = {each.client_id: each for each in found if each.state in {"active", "exited"}}
    active = [client_id for client_id, each in clients.items() if each.active]
    standing, accesses = await outstanding.terms(work, clients.values()), await outstanding.accesses(work, clients)
    waiting, missed = await outstanding.duties(work, active), await outstanding.missed_agreements(work, active)
    return [
        item
        for journey in found
        for item in items_of(
            journey,
            standing.get(journey.client_id, ()),
            waiting.get(journey.client_id, ()),
            accesses.get(journey.client_id, ()),
            missed.get(journey.client_id, ()),
            partial(_role_on, work, journey),
        )
    ]


def _role_on(work: Work, journey: Journey, track: str) -> str:
    situation = replace(journey.situation(work.today), track=track)
    return journeys.pack_of(work, journey).caseworker_role(situation)


async def _write(work: Work, rows: list[dict[str, Any]]) -> None:
    new = insert(WorkItem)
    changed = {name: new.excluded[name] for name in _COLUMNS if name != "id"}
    await work.session.execute(new.on_conflict_do_update(index_elements=[WorkItem.id], set_=changed), rows)


async def _tell(work: Work, found: Iterable[Journey], items: Collection[dict[str, Any]]) -> None:
    """One line per client, with all whose work list it was or is on; `items` are those before and after."""
    rows = []
    for each in sorted(found, key=lambda journey: journey.client_id):
        theirs = [item for item in items if item["client_id"] == each.client_id]
        guides = {each.caseworker_id, *(item["caseworker_id"] for item in theirs)}
        roles = {item["role"] for item in theirs if item["what"] == ACCEPTANCE}
        rows.append(
            {
                "client_id": each.client_id,
                "municipality": each.municipality,
                "caseworkers": sorted(filter(None, guides)),
                "roles": sorted(filter(None, roles)),
            }
        )
    if rows:
        await work.session.execute(insert(ClientChange), rows)
