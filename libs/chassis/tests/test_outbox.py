"""Reading the outbox while others write to it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from chassis.ids import new_id
from chassis.outbox import OutboxLog, Selection, as_record
from contracts import decode
from contracts.intake import ClientMovedAway, NotificationReceived
from opstap.postgres import EmbeddedPostgres
from tests.support.messaging import MUNICIPALITY, TODAY, Service, client, kill_connections, moved

INSERT = text(
    "INSERT INTO outbox (event_id, municipality, subject, type, data, recorded_at)"
    " VALUES (:id, 'GM0363', :id, 'nl.klantreizen.client-moved-away', '{}', clock_timestamp())"
)


@pytest.fixture
def log(intake: Service) -> OutboxLog:
    return OutboxLog(intake.database, patience=0.2)


@asynccontextmanager
async def writing(service: Service) -> AsyncIterator[AsyncConnection]:
    """A transaction that has taken a position and not yet committed."""
    async with service.database.background.connect() as connection:
        transaction = await connection.begin()
        await insert(connection)
        yield connection
        if transaction.is_active:
            await transaction.rollback()


async def insert(connection: AsyncConnection) -> None:
    await connection.execute(INSERT, {"id": new_id()})


async def positions(log: OutboxLog, after: int = 0) -> list[int]:
    return [row.position for row in await log.read(after, 1000)]


async def test_rows_come_in_order_and_in_the_number_asked_for(intake: Service, log: OutboxLog) -> None:
    await intake.say(client(), *(moved(str(number)) for number in range(5)))
    assert [row.position for row in await log.read(0, 3)] == [1, 2, 3]
    assert [row.position for row in await log.read(3, 3)] == [4, 5]
    assert await log.read(5, 3) == []
    assert await log.head() == 5


async def test_a_late_commit_is_waited_for_at_its_hole_and_comes_first(intake: Service, log: OutboxLog) -> None:
    async with writing(intake) as late:
        await intake.say(client(), moved("2"))
        reading = asyncio.create_task(positions(log))
        _, waiting = await asyncio.wait({reading}, timeout=0.3)
        assert waiting, "position 1 may still come"
        await late.commit()
        assert await reading == [1, 2]


async def test_what_stands_before_a_hole_need_not_wait(intake: Service, log: OutboxLog) -> None:
    await intake.say(client(), moved("1"))
    async with writing(intake) as late:
        await intake.say(client(), moved("3"))
        assert await positions(log) == [1]
        await late.commit()
        assert await positions(log, after=1) == [2, 3]


async def test_a_hole_that_was_rolled_back_is_passed(intake: Service, log: OutboxLog) -> None:
    async with writing(intake) as late:
        await intake.say(client(), moved("2"))
        reading = asyncio.create_task(positions(log))
        await late.rollback()
        assert await reading == [2]


async def test_a_hole_of_a_killed_backend_is_passed(
    intake: Service, log: OutboxLog, postgres_server: EmbeddedPostgres
) -> None:
    with suppress(DBAPIError):
        async with writing(intake):
            await intake.say(client(), moved("2"))
            reading = asyncio.create_task(positions(log))
            await kill_connections(postgres_server.admin_url, intake.urls.name, like="INSERT INTO outbox%")
            assert await reading == [2]


async def test_a_writer_that_begins_after_the_hole_is_not_waited_for(intake: Service, log: OutboxLog) -> None:
    async with writing(intake) as rolled_back:
        await rolled_back.rollback()
        await intake.say(client(), moved("2"))
        async with writing(intake):
            await intake.say(client(), moved("4"))
            async with asyncio.timeout(2):
                assert await positions(log, after=1) == [2]


async def test_open_transactions_elsewhere_hold_up_nothing(intake: Service, routing: Service, log: OutboxLog) -> None:
    async with writing(intake) as rolled_back:
        await rolled_back.rollback()
    await intake.say(client(), moved("2"))
    async with writing(routing), intake.database.in_background() as same_database:
        await same_database.execute(text("INSERT INTO bus_cursors VALUES ('somebody', 1)"))
        async with asyncio.timeout(1):
            assert await positions(log) == [2]


class Writers:
    """Transactions that end in every way there is, at random but the same each time."""

    def __init__(self, service: Service) -> None:
        self.engine = create_async_engine(service.urls.background, pool_size=8, max_overflow=0, pool_pre_ping=True)
        self.chance = random.Random(7)
        self.committed: set[UUID] = set()
        self.done = asyncio.Event()

    async def run(self, count: int, transactions: int) -> None:
        await asyncio.gather(*(self._writer(transactions) for _ in range(count)))
        await self.engine.dispose()
        self.done.set()

    async def _writer(self, transactions: int) -> None:
        for _ in range(transactions):
            fate = self.chance.choices(["commit", "rollback", "savepoint", "killed"], [6, 2, 2, 0.3])[0]
            with suppress(DBAPIError):
                await self._transaction(fate)

    async def _transaction(self, fate: str) -> None:
        async with self.engine.connect() as connection, connection.begin() as transaction:
            ids = await self._write(connection, self.chance.randint(1, 3))
            if fate == "savepoint":
                async with connection.begin_nested() as savepoint:
                    await self._write(connection, 2)
                    await savepoint.rollback()
                ids |= await self._write(connection, 1)
            if fate == "rollback":
                await transaction.rollback()
            elif fate == "killed":
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            else:
                await transaction.commit()
                self.committed |= ids

    async def _write(self, connection: AsyncConnection, rows: int) -> set[UUID]:
        ids = {new_id() for _ in range(rows)}
        for event_id in ids:
            await connection.execute(INSERT, {"id": event_id})
            await asyncio.sleep(self.chance.random() * 0.002)
        return ids


async def read_by_the_rule(service: Service, writers: Writers) -> list[tuple[int, UUID]]:
    log, read, after = OutboxLog(service.database), [], 0
    while True:
        last_turn = writers.done.is_set()
        rows = await log.read(after, 50)
        read += [(row.position, row.event_id) for row in rows]
        after = rows[-1].position if rows else after
        if last_turn and not rows:
            return read


async def read_without_the_rule(service: Service, writers: Writers) -> set[UUID]:
    read: set[UUID] = set()
    after = 0
    while not writers.done.is_set():
        rows = await service.query("SELECT position, event_id FROM outbox WHERE position > :after", after=after)
        read |= {row.event_id for row in rows}
        after = max([after, *(row.position for row in rows)])
    return read


async def test_no_row_is_lost_and_none_read_twice_under_writers_that_fail_in_every_way(intake: Service) -> None:
    writers = Writers(intake)
    read, naive, _ = await asyncio.gather(
        read_by_the_rule(intake, writers), read_without_the_rule(intake, writers), writers.run(8, 60)
    )
    assert read == sorted(set(read))
    assert {event_id for _, event_id in read} == writers.committed
    assert len(read) < read[-1][0], "there were holes"
    assert naive < writers.committed, "a reader without the rule loses rows in the same run: this test can fail"


async def test_a_selection_is_read_by_subject_type_and_period(intake: Service, log: OutboxLog) -> None:
    anna, bert = client(), client()
    await intake.say(anna, moved("1"), NotificationReceived(occurred_on=TODAY, by="clock"))
    await intake.say(bert, moved("2"))

    async def selected(selection: Selection) -> list[int]:
        return [row.position async for rows in log.select(selection, batch=1) for row in rows]

    now = datetime.now(UTC)
    assert await selected(Selection()) == [1, 2, 3]
    assert await selected(Selection(subject=anna)) == [1, 2]
    assert await selected(Selection(types={ClientMovedAway.type()})) == [1, 3]
    assert await selected(Selection(types=())) == []
    assert await selected(Selection(since=now - timedelta(minutes=1), before=now)) == [1, 2, 3]
    assert await selected(Selection(before=now - timedelta(minutes=1))) == []
    assert await selected(Selection(since=now)) == []


async def test_a_feed_shows_a_token_its_own_municipalities_only(intake: Service, log: OutboxLog) -> None:
    await intake.say(client(), moved("1"))
    async with intake.office.in_background() as work:
        work.publish(client(), "GM0599", moved("2"))
    for municipality, position in ((MUNICIPALITY, 1), ("GM0599", 2)):
        async with intake.database.for_municipalities([municipality]) as session:
            assert [row.position for row in await log.feed(session, 0, 10)] == [position]


async def test_a_feed_never_goes_past_what_may_still_be_filled(intake: Service, log: OutboxLog) -> None:
    await intake.say(client(), moved("1"))
    async with intake.database.in_background() as session:
        assert [row.position for row in await log.feed(session, 0, 10)] == [1]
    async with writing(intake) as late:
        await intake.say(client(), moved("3"))
        async with intake.database.in_background() as session:
            assert await log.feed(session, 1, 10) == [], "the reader comes again"
        await late.commit()
    async with intake.database.in_background() as session:
        assert [row.position for row in await log.feed(session, 1, 10)] == [2, 3]


async def test_the_depth_tells_how_many_wait_and_since_when(intake: Service, log: OutboxLog) -> None:
    assert (await log.depth(0)).events == 0
    await intake.say(client(), moved("1"), moved("2"))
    depth = await log.depth(1)
    assert depth.events == 1
    assert depth.oldest is not None
    assert (await log.depth(0, most=1)).events == 1


async def test_a_record_carries_the_event_and_its_key(intake: Service, log: OutboxLog) -> None:
    anna = client()
    [event_id] = await intake.say(anna, moved("1"))
    [row] = await log.read(0, 1)
    record = as_record(row, "intake", "00000001234567890000")
    envelope = decode(record.value)
    assert (envelope.id, envelope.subject, envelope.sequence) == (event_id, anna, 1)
    assert b'"urn:nld:oin:00000001234567890000:systeem:opstap-intake"' in record.value
    assert (record.key, record.position) == (str(anna), 1)
    assert record.headers["content-type"].startswith("application/cloudevents+json")
