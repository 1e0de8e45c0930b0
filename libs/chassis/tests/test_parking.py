"""What operators do with what could not be handled."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from chassis.bus import Record
from chassis.consumer import Consumer
from chassis.parking import NotParked, Parking, ReasonMissing
from chassis.trouble import DatabaseTrouble
from chassis.work import Work
from contracts import Envelope
from contracts.intake import ClientMovedAway
from tests.support.messaging import Poison, Service, client, moved, nothing_more


@pytest.fixture
def consumer(routing: Service) -> Consumer:
    routing.poisoned = {"poison"}
    return routing.consumer(ClientMovedAway)


@pytest.fixture
def parking(consumer: Consumer) -> Parking:
    return Parking(consumer)


async def test_a_retry_stops_at_the_first_that_fails_again(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna = client()
    await intake.say(anna, moved("poison"), moved("2"), moved("worse"), moved("4"))
    await consumer.handle(await intake.records())
    routing.poisoned = {"worse"}
    retried = await parking.retry("intake", str(anna))
    assert (retried.handled, retried.error) == (2, "Poison: worse")
    assert await routing.seen(anna) == ["poison", "2"]
    worse, fourth = await parking.find()
    assert (worse.state, worse.attempts, worse.error) == ("failed", 1, "Poison: worse")
    assert fourth.state == "waiting"


async def test_a_retry_of_all_helps_every_client_it_can(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna, bert = client(), client()
    routing.poisoned = {"poison", "worse"}
    await intake.say(anna, moved("worse"), moved("2"))
    await intake.say(bert, moved("poison"), moved("2"))
    await consumer.handle(await intake.records())
    routing.poisoned = {"worse"}
    outcomes = {retried.key: (retried.handled, retried.error) for retried in await parking.retry_all()}
    assert outcomes == {str(anna): (0, "Poison: worse"), str(bert): (2, None)}
    assert await routing.seen() == ["poison", "2"]


async def test_discarding_needs_a_reason_and_somebody(intake: Service, consumer: Consumer, parking: Parking) -> None:
    await intake.say(client(), moved("poison"))
    await consumer.handle(await intake.records())
    [record] = await parking.find()
    with pytest.raises(ReasonMissing):
        await parking.discard(record.id, by="staff:olga", because="  ")
    with pytest.raises(ReasonMissing):
        await parking.discard(record.id, by="", because="test record")
    assert [each.state for each in await parking.find()] == ["failed"]


async def test_a_discarded_record_stays_on_record_and_its_client_goes_on(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna = client()
    await intake.say(anna, moved("poison"), moved("2"))
    records = await intake.records()
    await consumer.handle(records)
    await parking.discard((await parking.find())[0].id, by="staff:olga", because="made by a test of the supplier")
    assert (await parking.retry("intake", str(anna))).handled == 1
    assert await routing.seen(anna) == ["2"]
    [kept] = await parking.find(state="discarded")
    assert (kept.discarded_by, kept.discarded_because) == ("staff:olga", "made by a test of the supplier")
    assert kept.value == records[0].value
    with pytest.raises(NotParked):
        await parking.discard(kept.id, by="staff:olga", because="again")


async def test_a_discarded_record_that_comes_again_is_not_handled_and_holds_nobody(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna = client()
    await intake.say(anna, moved("poison"))
    await consumer.handle(await intake.records())
    await parking.discard((await parking.find())[0].id, by="staff:olga", because="wrong")
    routing.poisoned = set()
    await intake.say(anna, moved("2"))
    await consumer.handle(await intake.records())
    assert await routing.seen(anna) == ["2"]


async def test_a_record_is_parked_once_however_often_it_comes(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna = client()
    await intake.say(anna, moved("0"))
    await intake.say(anna, moved("poison"), moved("2"))
    for _ in range(3):
        await consumer.handle(await intake.records())
    assert [record.state for record in await parking.find()] == ["failed", "waiting"]
    assert await routing.seen(anna) == ["0"]


async def test_what_was_handled_before_does_not_wait_when_it_comes_again(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna = client()
    await intake.say(anna, moved("1"), moved("poison"))
    await consumer.handle(await intake.records())
    await consumer.handle((await intake.records())[:1])
    assert len(await parking.find()) == 1
    assert await routing.seen(anna) == ["1"]


async def test_a_retried_record_that_comes_again_is_a_repeat(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna = client()
    await intake.say(anna, moved("poison"))
    await consumer.handle(await intake.records())
    routing.poisoned = set()
    await parking.retry("intake", str(anna))
    await consumer.handle(await intake.records())
    assert await routing.seen(anna) == ["poison"]
    assert await parking.find() == []


async def test_what_cannot_be_read_stays_parked_with_its_error_when_retried(
    intake: Service, consumer: Consumer, parking: Parking
) -> None:
    await consumer.handle([Record("intake", "nobody", b"{}", 1)])
    retried = await parking.retry("intake", "nobody")
    assert retried.handled == 0
    [record] = await parking.find()
    assert (record.attempts, record.state, record.value) == (2, "failed", b"{}")


async def test_trouble_of_the_database_during_a_retry_is_not_held_against_the_record(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    async def no_database(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        raise ConnectionError("away")

    anna = client()
    await intake.say(anna, moved("poison"))
    await consumer.handle(await intake.records())
    routing.poisoned, routing.then = set(), no_database
    with pytest.raises(DatabaseTrouble):
        await parking.retry("intake", str(anna))
    assert (await parking.find())[0].attempts == 3


async def test_nothing_slips_past_a_retry_that_runs_beside_the_consumer(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna = client()
    await intake.say(anna, moved("poison"), *(moved(str(number)) for number in range(40)))
    await consumer.handle((await intake.records())[:20])
    routing.poisoned = set()

    async def one_after_another() -> None:
        for record in (await intake.records())[20:]:
            await consumer.handle([record])

    retries = [parking.retry("intake", str(anna)) for _ in range(2)]
    await asyncio.gather(one_after_another(), *retries)
    await parking.retry("intake", str(anna))
    assert await routing.seen(anna) == ["poison", *(str(number) for number in range(40))]
    assert await parking.find() == []


async def test_an_error_is_told_without_the_values_in_it(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    async def insert_twice(work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        for _ in range(2):
            await work.session.execute(text("INSERT INTO bus_cursors VALUES (:name, 1)"), {"name": "Mevrouw De Vries"})

    routing.then = insert_twice
    await intake.say(client(), moved("1"))
    await consumer.handle(await intake.records())
    [record] = await parking.find()
    assert record.error is not None
    assert "duplicate key" in record.error
    assert "De Vries" not in record.error


async def test_counts_tell_how_many_wait_and_since_when(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    anna = client()
    await intake.say(anna, moved("poison"), moved("2"), moved("3"))
    await consumer.handle(await intake.records())
    counts = {count.state: count for count in await parking.count()}
    assert {state: count.records for state, count in counts.items()} == {"failed": 1, "waiting": 2}
    assert counts["waiting"].age >= 0
    labels = {"service": "routing", "producer": "intake", "state": "waiting"}
    assert REGISTRY.get_sample_value("opstap_parked_records", labels) == 2
    routing.poisoned, routing.then = set(), nothing_more
    await parking.retry("intake", str(anna))
    await parking.count()
    assert REGISTRY.get_sample_value("opstap_parked_records", labels) == 0


async def test_parked_records_are_found_by_client_producer_and_state_page_by_page(
    intake: Service, consumer: Consumer, parking: Parking
) -> None:
    anna, bert = client(), client()
    await intake.say(anna, moved("poison"), moved("2"))
    await intake.say(bert, moved("poison"))
    await consumer.handle(await intake.records())
    assert [record.key for record in await parking.find(key=str(bert))] == [str(bert)]
    assert len(await parking.find(state="failed")) == 2
    assert await parking.find(producer="routing") == []
    [first] = await parking.find(limit=1)
    assert len(await parking.find(after=first.id)) == 2


async def test_a_handler_that_fails_at_random_never_changes_a_clients_order(
    intake: Service, routing: Service, consumer: Consumer, parking: Parking
) -> None:
    clients = [client() for _ in range(6)]
    words = [str(number) for number in range(12)]
    for word in words:
        for someone in clients:
            await intake.say(someone, moved(word))
    calls = 0

    async def fail_at_random(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        nonlocal calls
        calls += 1
        if calls * 2654435761 % 7 < 2:
            raise Poison(str(calls))

    routing.then = fail_at_random
    records = await intake.records()
    for start in range(0, len(records), 9):
        await consumer.handle(records[start : start + 9])
        await parking.retry_all()
    routing.then = nothing_more
    await parking.retry_all()
    for someone in clients:
        assert await routing.seen(someone) == words
