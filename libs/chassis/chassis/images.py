"""Rows of clients as they stand, what differs between two moments, and putting back what was different.

A row is JSON as PostgreSQL writes and reads it, so that whatever a column holds comes back as it was.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from chassis import changes
from chassis.deadlines import CURRENT, Deadline
from chassis.work import Work

Row = Mapping[str, Any]
Key = tuple[str, ...]
Image = Mapping[str, Mapping[Key, Row]]
"""By table and primary key."""


@dataclass(frozen=True)
class OfClients:
    """A table with clients in it."""

    of: type[DeclarativeBase]
    by: Sequence[str] = ("client_id",)
    """The columns that name a client."""
    only: Collection[str] = ()
    """The columns that count; all of them where none is named."""
    where: str = "true"
    """Which rows count, as SQL."""
    also: Collection[str] = ()
    """Columns that are remembered of every row that changed, as they stood before."""
    together: Sequence[Collection[str]] = ()
    """Columns that mean something together only: when one of them changed since, all stay."""
    followed: Collection[str] = ()
    """Columns that are remembered, and that the service itself sees to when they are to go back."""
    told: bool = False
    """Events tell of its rows, so that one that was made stays."""

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.of.__table__.description)

    @property
    def key(self) -> Sequence[str]:
        """The columns of the primary key."""
        return [column.name for column in self.of.__table__.primary_key]

    @property
    def version(self) -> str | None:
        """The column that counts changes: it never goes back."""
        counted = self.of.__mapper__.version_id_col
        return None if counted is None else counted.name


@dataclass(frozen=True)
class Change:
    """What happened to a row: `was` and `now` hold the columns that differ; None where there was no row, or is none."""

    table: str
    key: Row
    """The primary key of the row as it is, or as it was where it is no more."""
    was: Row | None
    now: Row | None
    before: Row = field(default_factory=dict)
    """What is remembered besides of the row as it was."""

    @property
    def id(self) -> UUID:
        """The row, of a table whose key is an id."""
        return UUID(self.key["id"])

    @property
    def made(self) -> bool:
        """Whether there was no such row before."""
        return self.was is None

    def touched(self, column: str) -> bool:
        """Whether a column of a row that was there, and is, differs."""
        return self.was is not None and self.now is not None and column in self.now


async def image(session: AsyncSession, tables: Collection[OfClients], clients: Collection[UUID]) -> Image:
    """All rows of these clients."""
    await session.flush()
    found = {}
    for table in tables:
        named = " OR ".join(f'"{column}" = ANY (:clients)' for column in table.by)
        query = text(f"SELECT to_jsonb(t)::text FROM {table.name} t WHERE ({named}) AND ({table.where})")  # noqa: S608 - ours
        rows = [json.loads(row) for row in await session.scalars(query, {"clients": list(clients)})]
        found[table.name] = {_key_of(table, row): row for row in rows}
    return found


def differences(tables: Collection[OfClients], before: Image, after: Image) -> Iterator[Change]:
    """What differs between two images."""
    for table in tables:
        yield from _differences(table, before[table.name], after[table.name])


async def put_back(work: Work, table: OfClients, change: Change) -> Change | None:
    """Undo a change as far as it stands: what was put back, None when that is nothing.

    A column that is not as the change left it stays as it is, and so does a row in whose place another stands now.
    """
    try:
        async with work.session.begin_nested():
            if change.now is None:
                return await _insert(work, table, change)
            return await _reset(work, table, change)
    except IntegrityError:
        return None


def _differences(table: OfClients, before: Mapping[Key, Row], after: Mapping[Key, Row]) -> Iterator[Change]:
    """A row whose key names the client is the same row under the key of another client."""
    moved = {_apart_from_client(table, row): key for key, row in after.items() if key not in before}
    came = dict(after)
    for key, row in before.items():
        found = key if key in after else moved.get(_apart_from_client(table, row))
        if found is not None and found in came:
            yield from _changed(table, row, came.pop(found))
        else:
            yield Change(table.name, _named(table.key, row), row, None)
    for row in came.values():
        yield Change(table.name, _named(table.key, row), None, row)


def _changed(table: OfClients, was: Row, now: Row) -> Iterator[Change]:
    counting = set(table.only or now) - {table.version}
    columns = [name for name in now if name in counting and was[name] != now[name]]
    if columns:
        before = _named(table.also, was)
        yield Change(table.name, _named(table.key, now), _named(columns, was), _named(columns, now), before)


def _named(columns: Collection[str], row: Row) -> Row:
    return {name: row[name] for name in columns}


def _key_of(table: OfClients, row: Row) -> Key:
    return tuple(str(row[name]) for name in table.key)


def _apart_from_client(table: OfClients, row: Row) -> Key:
    return tuple("" if name in table.by else str(row[name]) for name in table.key)


async def _insert(work: Work, table: OfClients, change: Change) -> Change | None:
    made = await work.session.execute(_inserting(table), {"row": json.dumps(change.was)})
    return change if made.first() else None


async def _reset(work: Work, table: OfClients, change: Change) -> Change | None:
    assert change.now is not None
    key = {"key": json.dumps(change.key)}
    found = await work.session.scalar(_finding(table), key)
    stands: Row = json.loads(found) if found else {}
    changed = {column for column, value in change.now.items() if column not in stands or stands[column] != value}
    changed |= set(table.followed)
    changed |= {column for group in table.together if changed & set(group) for column in group}
    left = [column for column in change.now if column not in changed]
    if change.was is None:
        return await _take_away(work, table, change) if len(left) == len(change.now) else None
    if stands and table.of is Deadline and _fired_since(stands, change):
        return await _set_again(work, table, change, stands)
    if not left:
        return None
    row = _named(left, change.was)
    version = (await work.session.execute(_updating(table, left), {**key, "row": json.dumps(row)})).scalar_one()
    if table.version is not None:
        await changes.sign(work, table.of, change.key, version, stands["municipality"], left)
    if table.of is Deadline:
        await work.session.execute(_SET_TODAY, {"today": work.today, "id": UUID(stands["id"])})
    return Change(
        table.name, {**change.key, **_named([each for each in table.key if each in row], row)}, row, change.now
    )


async def _take_away(work: Work, table: OfClients, change: Change) -> Change | None:
    """A row that was made and stands as it was made: gone, or where its table keeps all that ever was, not open."""
    if table.told:
        return None
    statement = _CANCEL if table.of is Deadline else _deleting(table)
    await work.session.execute(statement, {"key": json.dumps(change.key)})
    return change


def _fired_since(stands: Row, change: Change) -> bool:
    return stands["state"] == "fired" and (change.now or {}).get("state", CURRENT[0]) in CURRENT


async def _set_again(work: Work, table: OfClients, change: Change, fired: Row) -> Change | None:
    """A deadline that fired meanwhile did so for whose it was; for whose it is again it is set once more."""
    anew = {**fired, "state": "open", **(change.was or {}), "id": str(work.ids()), "fired_on": None}
    anew["set_on"] = work.today.isoformat()
    return await _insert(work, table, Change(table.name, _named(table.key, anew), anew, None))


_CANCEL = text(
    "UPDATE deadlines SET state = 'cancelled' WHERE state IN ('open', 'suspended')"
    " AND id = CAST(CAST(:key AS jsonb) ->> 'id' AS uuid)"
)
_SET_TODAY = text("UPDATE deadlines SET set_on = :today WHERE id = :id AND state = 'open' AND fires_on < :today")
"""One whose day has passed meanwhile fires today."""


def _here(table: OfClients) -> str:
    columns = _list(table.key)
    return f"({columns}) = (SELECT {columns} FROM jsonb_populate_record(NULL::{table.name}, CAST(:key AS jsonb)))"  # noqa: S608 - ours


def _list(columns: Collection[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _finding(table: OfClients) -> TextClause:
    return text(f"SELECT to_jsonb(t)::text FROM {table.name} t WHERE {_here(table)} FOR UPDATE")  # noqa: S608 - ours


def _inserting(table: OfClients) -> TextClause:
    return text(
        f"INSERT INTO {table.name} OVERRIDING SYSTEM VALUE"  # noqa: S608 - ours
        f" SELECT * FROM jsonb_populate_record(NULL::{table.name}, CAST(:row AS jsonb))"
        " ON CONFLICT DO NOTHING RETURNING 1"
    )


def _deleting(table: OfClients) -> TextClause:
    return text(f"DELETE FROM {table.name} WHERE {_here(table)}")  # noqa: S608 - ours


def _updating(table: OfClients, columns: Collection[str]) -> TextClause:
    counted = f', "{table.version}" = "{table.version}" + 1' if table.version else ""
    return text(
        f"UPDATE {table.name} SET ({_list(columns)}) ="  # noqa: S608 - ours
        f" (SELECT {_list(columns)} FROM jsonb_populate_record(NULL::{table.name}, CAST(:row AS jsonb)))"
        f"{counted} WHERE {_here(table)} RETURNING {table.version or 1}"
    )
