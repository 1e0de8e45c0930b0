"""The events of a finished journey, handed to one service in any order that Kafka allows; and what it makes of them."""

import io
import json
import random
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.bus import Record
from chassis.migrations import CHASSIS_TABLES
from chassis.outbox import OutboxLog, as_record
from contracts import Event
from opstap.databases import DatabaseUrls
from tests.support.marks import tables

LARGEST_BATCH = 12
OWN = frozenset({"version", "position", "known_on"})
"""Columns that count a service's own doings, or tell when it heard."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*")
_SEALED = re.compile(r"\\x[0-9a-f]*")

Digest = Mapping[str, Counter[str]]
"""The rows of each table, without the ids, moments and nonces that a service makes itself."""
Row = dict[str, Any]


async def told(urls: Mapping[str, DatabaseUrls]) -> list[Record]:
    """Everything that was published, in the order in which it was recorded."""
    found = []
    for producer, each in urls.items():
        engine = create_async_engine(each.background)
        async for rows in OutboxLog(engine).select():
            found += [(row.recorded_at, row.position, as_record(row, producer, "0" * 20)) for row in rows]
        await engine.dispose()
    return [record for _, _, record in sorted(found, key=lambda each: each[:2])]


def interleaved(records: Sequence[Record], chance: random.Random) -> Iterator[list[Record]]:
    """Batches of one producer each: what one says of one client stays in order, and nothing else does.

    Each producer has a pace of its own, so that one may be months ahead of another.
    """
    queues: defaultdict[str, defaultdict[str, deque[Record]]] = defaultdict(lambda: defaultdict(deque))
    for record in records:
        queues[record.producer][record.key].append(record)
    paces = {producer: chance.random() ** 3 for producer in sorted(queues)}
    while queues:
        [producer] = chance.choices(list(queues), [paces[each] for each in queues])
        yield [_next(queues[producer], chance) for _ in range(chance.randint(1, LARGEST_BATCH)) if queues[producer]]
        if not queues[producer]:
            del queues[producer]


def interleavings(one: list[Event], other: list[Event]) -> list[list[Event]]:
    """Every order that keeps the order of each of two producers."""
    if not one or not other:
        return [one + other]
    with_one = [[one[0], *rest] for rest in interleavings(one[1:], other)]
    return with_one + [[other[0], *rest] for rest in interleavings(one, other[1:])]


def in_order(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Batches in the order in which the records were made."""
    for _, run in groupby(records, key=lambda record: record.producer):
        yield list(run)


async def digest(url: str, records: Sequence[Record], matters: Callable[[str, Row], Row | None]) -> Digest:
    """What stands in a service's own tables, apart from what it makes itself: ids that the events do not know.

    `matters` says what of a row of a table is to be the same.
    """
    known = {found.group() for record in records for found in _ID.finditer(record.value.decode())}
    found = await tables(url)
    return {
        table: Counter(
            json.dumps(_plain(row, known), sort_keys=True)
            for line in text.decode().splitlines()
            if (row := matters(table, json.loads(line))) is not None
        )
        for table, text in found.items()
        if table not in CHASSIS_TABLES | {"alembic_version"}
    }


def differences(one: Digest, other: Digest) -> dict[str, Any]:
    """By table, the rows that only one of them has."""
    return {
        table: {
            "only here": list((one[table] - other[table]).elements()),
            "only there": list((other[table] - one[table]).elements()),
        }
        for table in one
        if one[table] != other[table]
    }


def _next(of_producer: defaultdict[str, deque[Record]], chance: random.Random) -> Record:
    key = chance.choice(list(of_producer))
    record = of_producer[key].popleft()
    if not of_producer[key]:
        del of_producer[key]
    return record


def _plain(value: Any, known: set[str]) -> Any:
    if isinstance(value, dict):
        told = {
            name: each for name, each in value.items() if name not in OWN and not (name == "id" and type(each) is int)
        }
        return {name: _plain(each, known) for name, each in told.items()}
    if isinstance(value, list):
        return [_plain(each, known) for each in value]
    if isinstance(value, str):
        own = (_ID.fullmatch(value) and value not in known) or _MOMENT.fullmatch(value) or _SEALED.fullmatch(value)
        return "*" if own else value
    return value


async def copy(tables: Sequence[str], source: str, target: str) -> None:
    """Copy the rows of tables from one database into the same tables of another."""
    giving, taking = await asyncpg.connect(source), await asyncpg.connect(target)
    try:
        for table in tables:
            rows = io.BytesIO()
            await giving.copy_from_table(table, output=rows, format="binary")
            rows.seek(0)
            await taking.copy_to_table(table, source=rows, format="binary")
    finally:
        await giving.close()
        await taking.close()
