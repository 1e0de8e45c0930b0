"""The consumer by itself: records go in as a bus hands them over."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import trace
from chassis.bus import Record
from chassis.parking import Parking
from chassis.trouble import DatabaseTrouble
from chassis.work import Work
from contracts import Envelope
from contracts.intake import ClientMovedAway, NotificationReceived
from contracts.routing import CaseworkerMissing
from opstap.postgres import EmbeddedPostgres
from tests.support.messaging import TODAY, Poison, Service, client, kill_connections, missing, moved, nothing_more

MOVED = ClientMovedAway.type()


async def test_each_clients_events_are_handled_in_order_and_in_big_sets(intake: Service, routing: Service) -> None:
    anna, bert, carl = client(), client(), client()
    for word in ("1", "2", "3"):
        for someone in (anna, bert, carl):
            await intake.say(someone, moved(word))
    await routing.consumer(ClientMovedAway).handle(await intake.records())
    assert routing.batches == [3, 3, 3]
    for someone in (anna, bert, carl):
        assert await routing.seen(someone) == ["1", "2", "3"]


async def test_types_are_handled_apart_without_changing_a_clients_order(intake: Service, routing: Service) -> None:
    anna = client()
    await intake.say(anna, moved("1"), NotificationReceived(occurred_on=TODAY, by="clock"), moved("2"))
    await routing.consumer(ClientMovedAway, NotificationReceived).handle(await intake.records())
    assert await routing.seen(anna) == ["1", NotificationReceived.type(), "2"]


async def test_repeats_are_handled_once_within_a_batch_and_later(intake: Service, routing: Service) -> None:
    anna = client()
    await intake.say(anna, moved("1"), moved("2"))
    records = await intake.records()
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle([*records, *records])
    await consumer.handle(records)
    await consumer.handle(records[:1])
    assert await routing.seen(anna) == ["1", "2"]


async def test_an_old_event_that_comes_after_newer_ones_is_handled(intake: Service, routing: Service) -> None:
    anna = client()
    await intake.say(anna, moved("1"), moved("2"))
    first, second = await intake.records()
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle([second])
    await consumer.handle([first])
    assert await routing.seen(anna) == ["2", "1"]


async def test_a_type_nobody_here_handles_leaves_no_trace(intake: Service, routing: Service) -> None:
    await intake.say(client(), NotificationReceived(occurred_on=TODAY, by="clock"))
    await routing.consumer(ClientMovedAway).handle(await intake.records())
    assert await routing.count("inbox") == 0
    assert await routing.count("parked") == 0


async def test_a_poison_record_is_parked_its_client_waits_and_others_go_on(intake: Service, routing: Service) -> None:
    anna, bert = client(), client()
    await intake.say(anna, moved("before"))
    await intake.say(bert, moved("hello"))
    await intake.say(anna, moved("poison"), moved("after"))
    await intake.say(bert, moved("goodbye"))
    routing.poisoned = {"poison"}
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle(await intake.records())
    assert await routing.seen(anna) == ["before"]
    assert await routing.seen(bert) == ["hello", "goodbye"]
    assert await routing.parked(consumer) == [(MOVED, "failed"), (MOVED, "waiting")]
    [failed, waiting] = await Parking(consumer).find()
    assert (failed.key, failed.attempts, failed.error) == (str(anna), 3, "Poison: poison")
    assert (waiting.attempts, waiting.error) == (0, None)


async def test_a_failing_record_is_tried_three_times_with_pauses_between(intake: Service, routing: Service) -> None:
    for _ in range(5):
        await intake.say(client(), moved("poison"))
    routing.poisoned = {"poison"}
    await routing.consumer(ClientMovedAway).handle(await intake.records())
    assert routing.naps == [0.1, 0.5], "the pauses are shared by all that fails, however much that is"
    assert len(routing.batches) == 1 + 3 * 5


async def test_a_record_that_fails_once_is_handled_at_its_next_try(intake: Service, routing: Service) -> None:
    anna = client()
    await intake.say(anna, moved("1"), moved("2"), moved("3"))
    failures = iter([Poison("for now"), Poison("still")])

    async def fail_for_now(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        if failure := next(failures, None):
            raise failure

    routing.then = fail_for_now
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle(await intake.records())
    assert await routing.seen(anna) == ["1", "2", "3"]
    assert await routing.parked(consumer) == []


async def test_what_its_client_says_in_later_batches_waits_too(intake: Service, routing: Service) -> None:
    anna, bert = client(), client()
    await intake.say(anna, moved("poison"))
    routing.poisoned = {"poison"}
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle(await intake.records())
    await intake.say(anna, moved("later"))
    await intake.say(bert, moved("hello"))
    await consumer.handle(await intake.records(after=1))
    assert await routing.seen() == ["hello"]
    assert await routing.parked(consumer) == [(MOVED, "failed"), (MOVED, "waiting")]


async def test_a_client_who_waits_for_one_producer_is_served_for_another(
    intake: Service, routing: Service, reporting: Service
) -> None:
    anna = client()
    await intake.say(anna, moved("poison"))
    await routing.say(anna, missing("coach"))
    reporting.poisoned = {"poison"}
    consumer = reporting.consumer(ClientMovedAway, CaseworkerMissing)
    await consumer.handle(await intake.records())
    await consumer.handle(await routing.records())
    assert await reporting.seen(anna) == ["coach"]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (b"\xff\x00 no text", "UndecodableEvent"),
        (b"[1, 2]", "UndecodableEvent"),
        (b'{"type": "nl.klantreizen.client-moved-away", "subject": 7}', "UndecodableEvent"),
        (b'{"type": "nl.klantreizen.made-tomorrow", "id": "0199aaaa-0000-7000-8000-000000000001"}', "UnknownEventType"),
    ],
)
async def test_what_is_no_event_of_ours_is_parked_once_and_its_client_waits(
    intake: Service, routing: Service, value: bytes, error: str
) -> None:
    anna, bert = client(), client()
    await intake.say(anna, moved("later"))
    await intake.say(bert, moved("hello"))
    records = [Record("intake", str(anna), value, 0), *await intake.records()]
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle(records)
    await consumer.handle(records)
    assert await routing.seen() == ["hello"]
    failed, waiting = await Parking(consumer).find()
    assert failed.error is not None
    assert failed.error.startswith(error)
    assert (failed.value, failed.state, waiting.state) == (value, "failed", "waiting")
    assert routing.naps == [], "trying again would not help"


async def test_a_failed_batch_leaves_nothing_behind_but_its_good_records(intake: Service, routing: Service) -> None:
    async def answer(work: Work, batch: Sequence[Envelope[Any]]) -> None:
        for envelope in batch:
            work.publish(envelope.subject, envelope.municipality, missing("coach"))

    anna, bert = client(), client()
    await intake.say(anna, moved("good"))
    await intake.say(bert, moved("poison"))
    routing.poisoned, routing.then = {"poison"}, answer
    await routing.consumer(ClientMovedAway).handle(await intake.records())
    assert [row[0] for row in await routing.query("SELECT subject FROM outbox")] == [anna]
    assert [row[0] for row in await routing.query("SELECT subject FROM inbox")] == [anna]


async def test_an_event_published_while_handling_goes_on_in_the_trace_of_its_cause(
    intake: Service, routing: Service
) -> None:
    async def answer(work: Work, batch: Sequence[Envelope[Any]]) -> None:
        for envelope in batch:
            work.publish(envelope.subject, envelope.municipality, missing("coach"))

    clients = [client() for _ in range(3)]
    for someone in clients:
        with trace.following(None):
            await intake.say(someone, moved("1"))
    routing.then = answer
    await routing.consumer(ClientMovedAway).handle(await intake.records())
    statement = "SELECT subject, split_part(traceparent, '-', 2) FROM outbox ORDER BY subject"
    assert routing.batches == [3]
    causes, effects = await intake.query(statement), await routing.query(statement)
    assert len({trace_id for _, trace_id in causes}) == 3
    assert causes == effects


async def test_a_lost_connection_parks_nothing_and_the_same_records_can_come_again(
    intake: Service, routing: Service, postgres_server: EmbeddedPostgres
) -> None:
    await intake.say(client(), moved("1"))
    await intake.say(client(), moved("2"))

    async def die_on_the_way(work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        await kill_connections(postgres_server.admin_url, routing.urls.name)
        await work.session.execute(text("SELECT 1"))

    routing.then = die_on_the_way
    consumer = routing.consumer(ClientMovedAway)
    with pytest.raises(DatabaseTrouble):
        await consumer.handle(await intake.records())
    assert await routing.parked(consumer) == []
    routing.then = nothing_more
    await consumer.handle(await intake.records())
    assert await routing.seen() == ["1", "2"]


async def test_a_handlers_own_error_on_a_dead_connection_is_trouble_of_the_database(
    intake: Service, routing: Service, postgres_server: EmbeddedPostgres
) -> None:
    await intake.say(client(), moved("1"))

    async def die_and_complain(work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        await kill_connections(postgres_server.admin_url, routing.urls.name)
        try:
            await work.session.execute(text("SELECT 1"))
        except DBAPIError:
            raise ValueError("no such thing as a client") from None

    routing.then = die_and_complain
    consumer = routing.consumer(ClientMovedAway)
    with pytest.raises(DatabaseTrouble):
        await consumer.handle(await intake.records())
    assert await routing.parked(consumer) == []


async def test_a_connection_lost_at_the_commit_is_trouble_of_the_database(
    intake: Service, routing: Service, postgres_server: EmbeddedPostgres
) -> None:
    await intake.say(client(), moved("1"))

    async def save(_session: AsyncSession) -> None:
        await kill_connections(postgres_server.admin_url, routing.urls.name)

    consumer = routing.consumer(ClientMovedAway)
    with pytest.raises(DatabaseTrouble):
        await consumer.handle(await intake.records(), save)
    assert await routing.parked(consumer) == []
    await consumer.handle(await intake.records())
    assert await routing.seen() == ["1"]


@pytest.mark.parametrize("state", ["40001", "40P01", "53100", "57014", "58030", "25006"])
async def test_what_passes_by_itself_is_never_parked(intake: Service, routing: Service, state: str) -> None:
    await intake.say(client(), moved("1"))

    async def raise_it(work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        await work.session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"))

    routing.then = raise_it
    consumer = routing.consumer(ClientMovedAway)
    with pytest.raises(DatabaseTrouble):
        await consumer.handle(await intake.records())
    assert await routing.parked(consumer) == []


@pytest.mark.parametrize("statement", ["SELECT 1/0", "SELECT nothing", "INSERT INTO relay_cursor VALUES (false, 1)"])
async def test_a_statement_that_can_never_work_is_parked(intake: Service, routing: Service, statement: str) -> None:
    await intake.say(client(), moved("1"))

    async def raise_it(work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        await work.session.execute(text(statement))

    routing.then = raise_it
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle(await intake.records())
    assert await routing.parked(consumer) == [(MOVED, "failed")]


async def test_a_value_that_the_driver_refuses_is_parked_and_does_not_spin(intake: Service, routing: Service) -> None:
    await intake.say(client(), moved("1"))

    async def raise_it(work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        await work.session.execute(text("SELECT CAST(:number AS integer)"), {"number": 2**40})

    routing.then = raise_it
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle(await intake.records())
    assert await routing.parked(consumer) == [(MOVED, "failed")]


async def test_a_right_that_was_not_granted_parks_nothing(intake: Service, routing: Service) -> None:
    await intake.say(client(), moved("1"))
    consumer = routing.consumer(ClientMovedAway)
    await routing.as_owner("REVOKE INSERT ON inbox FROM routing_background")
    with pytest.raises(DatabaseTrouble):
        await consumer.handle(await intake.records())
    assert await routing.parked(consumer) == []
    await routing.as_owner("GRANT INSERT ON inbox TO routing_background")
    await consumer.handle(await intake.records())
    assert await routing.seen() == ["1"]


async def test_an_error_with_a_character_that_postgresql_refuses_can_be_parked(
    intake: Service, routing: Service
) -> None:
    await intake.say(client(), moved("poison"))

    async def complain(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        raise Poison("a\0b")

    routing.then = complain
    consumer = routing.consumer(ClientMovedAway)
    await consumer.handle(await intake.records())
    assert [record.error for record in await Parking(consumer).find()] == ["Poison: a\ufffdb"]


async def test_where_the_bus_has_come_is_saved_with_what_was_handled(intake: Service, routing: Service) -> None:
    await intake.say(client(), moved("poison"))
    await intake.say(client(), moved("good"))
    routing.poisoned = {"poison"}

    async def save(session: AsyncSession) -> None:
        await session.execute(text("INSERT INTO bus_cursors VALUES ('intake', 2)"))

    await routing.consumer(ClientMovedAway).handle(await intake.records(), save)
    assert await routing.query("SELECT position FROM bus_cursors") == [(2,)]
    assert await routing.seen() == ["good"]


async def test_a_record_for_another_service_is_left_alone(intake: Service, routing: Service) -> None:
    await intake.say(client(), moved("1"))
    [record] = await intake.records()
    addressed = Record(record.producer, record.key, record.value, 1, {**record.headers, "for": "reporting"})
    await routing.consumer(ClientMovedAway).handle([addressed])
    assert await routing.seen() == []
    assert await routing.count("inbox") == 0
