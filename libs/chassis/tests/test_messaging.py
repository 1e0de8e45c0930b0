"""The contract of the bus: what holds on one machine holds on Kafka."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.consumer import Consumer
from chassis.outbox import Selection
from chassis.parking import Parking
from chassis.work import Work
from contracts import Envelope
from contracts.intake import ClientMovedAway
from contracts.routing import CaseworkerMissing
from opstap.postgres import EmbeddedPostgres
from tests.support.messaging import Service, client, kill_connections, missing, moved, nothing_more
from tests.support.nets import KafkaNet, LocalNet, Net
from tests.support.waiting import eventually

MakeNet = Callable[[Sequence[Service], Sequence[Consumer]], Net]


@pytest.fixture(params=["local", pytest.param("kafka", marks=pytest.mark.kafka)])
def make_net(request: pytest.FixtureRequest) -> MakeNet:
    if request.param == "local":
        return LocalNet
    bootstrap = request.getfixturevalue("kafka_bootstrap")
    return lambda services, consumers: KafkaNet(services, consumers, bootstrap)


@asynccontextmanager
async def running(net: Net) -> AsyncIterator[Net]:
    await net.start()
    try:
        yield net
    finally:
        await net.stop()


async def pass_on(work: Work, batch: Sequence[Envelope[Any]]) -> None:
    for envelope in batch:
        work.publish(envelope.subject, envelope.municipality, missing(envelope.data.to_municipality))


def saw(service: Service, words: Sequence[str], subject: UUID | None = None) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await service.seen(subject) == list(words)

    return check


def saw_count(service: Service, count: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await service.count("seen") >= count

    return check


async def test_every_subscriber_gets_every_event_in_order_per_client(
    make_net: MakeNet, intake: Service, routing: Service, reporting: Service
) -> None:
    clients, words = [client() for _ in range(5)], [str(number) for number in range(20)]
    consumers = [routing.consumer(ClientMovedAway), reporting.consumer(ClientMovedAway)]
    async with running(make_net([intake, routing, reporting], consumers)) as net:
        for word in words:
            await asyncio.gather(*(intake.say(someone, moved(word)) for someone in clients))
        for subscriber in (routing, reporting):
            for someone in clients:
                await eventually(saw(subscriber, words, someone), within=30)
        assert net.alive()


async def test_what_was_committed_while_the_bus_was_down_comes_when_it_starts(
    make_net: MakeNet, intake: Service, routing: Service
) -> None:
    words = [str(number) for number in range(50)]
    await intake.say(client(), *(moved(word) for word in words))
    async with running(make_net([intake, routing], [routing.consumer(ClientMovedAway)])):
        await eventually(saw(routing, words), within=30)


async def test_what_was_rolled_back_is_never_heard(make_net: MakeNet, intake: Service, routing: Service) -> None:
    anna = client()
    async with running(make_net([intake, routing], [routing.consumer(ClientMovedAway)])):
        await intake.say(anna, moved("said"))
        with pytest.raises(RuntimeError):
            await say_and_roll_back(intake, anna)
        await intake.say(anna, moved("said again"))
        await eventually(saw(routing, ["said", "said again"]), within=30)


async def test_what_a_handler_says_is_heard_by_the_next(
    make_net: MakeNet, intake: Service, routing: Service, reporting: Service
) -> None:
    routing.then = pass_on
    consumers = [routing.consumer(ClientMovedAway), reporting.consumer(CaseworkerMissing)]
    anna, words = client(), [str(number) for number in range(10)]
    async with running(make_net([intake, routing, reporting], consumers)):
        for word in words:
            await intake.say(anna, moved(word))
        await eventually(saw(reporting, words), within=30)


async def test_a_failing_subscriber_delays_no_other_and_catches_up(
    make_net: MakeNet, intake: Service, routing: Service, reporting: Service
) -> None:
    async def no_database(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        raise ConnectionError("the database is away")

    routing.then = no_database
    anna, words = client(), [str(number) for number in range(10)]
    consumers = [routing.consumer(ClientMovedAway), reporting.consumer(ClientMovedAway)]
    async with running(make_net([intake, routing, reporting], consumers)):
        for word in words:
            await intake.say(anna, moved(word))
        await eventually(saw(reporting, words), within=30)
        assert await routing.seen() == []
        routing.then = nothing_more
        await eventually(saw(routing, words), within=30)
        assert await routing.parked(consumers[0]) == []


async def test_a_poison_record_waits_with_its_client_and_a_retry_drains_in_order(
    make_net: MakeNet, intake: Service, routing: Service
) -> None:
    anna, bert = client(), client()
    routing.poisoned = {"poison"}
    consumer = routing.consumer(ClientMovedAway)
    parking = Parking(consumer)

    async def three_are_parked() -> bool:
        return len(await parking.find()) == 3

    async with running(make_net([intake, routing], [consumer])):
        await intake.say(anna, moved("1"), moved("poison"), moved("3"))
        await intake.say(bert, moved("hello"))
        await eventually(saw(routing, ["hello"], bert), within=30)
        await intake.say(anna, moved("4"))
        await eventually(three_are_parked, within=30)
        assert await routing.seen(anna) == ["1"]

        again = await parking.retry("intake", str(anna))
        assert (again.handled, again.error) == (0, "Poison: poison")
        routing.poisoned = set()
        assert (await parking.retry("intake", str(anna))).handled == 3
        await intake.say(anna, moved("5"))
        await eventually(saw(routing, ["1", "poison", "3", "4", "5"], anna), within=30)
        assert await parking.find() == []


async def test_stopping_finishes_the_batch_in_hand_and_the_next_start_goes_on(
    make_net: MakeNet, intake: Service, routing: Service
) -> None:
    words = [str(number) for number in range(30)]
    begun, released = asyncio.Event(), asyncio.Event()

    async def wait(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        begun.set()
        await released.wait()

    routing.then = wait
    anna = client()
    net = make_net([intake, routing], [routing.consumer(ClientMovedAway)])
    await net.start()
    for word in words:
        await intake.say(anna, moved(word))
    async with asyncio.timeout(30):
        await begun.wait()
    stopping = asyncio.create_task(net.stop())
    released.set()
    await stopping
    handled = await routing.seen()
    assert handled == words[: len(handled)]
    assert handled
    async with running(net):
        await eventually(saw(routing, words), within=30)


async def test_a_bus_stops_at_once_while_it_backs_off(make_net: MakeNet, intake: Service, routing: Service) -> None:
    failed = asyncio.Event()

    async def no_database(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        failed.set()
        raise ConnectionError("the database is away")

    routing.then = no_database
    net = make_net([intake, routing], [routing.consumer(ClientMovedAway)])
    await net.start()
    await intake.say(client(), moved("1"))
    async with asyncio.timeout(30):
        await failed.wait()
    async with asyncio.timeout(5):
        await net.stop()


async def test_a_crash_in_mid_batch_loses_nothing_and_doubles_nothing(
    make_net: MakeNet, intake: Service, routing: Service, reporting: Service
) -> None:
    words = [str(number) for number in range(60)]
    clients = [client() for _ in range(4)]
    routing.then = pass_on
    consumers = [routing.consumer(ClientMovedAway), reporting.consumer(CaseworkerMissing)]
    net = make_net([intake, routing, reporting], consumers)
    for crashes in range(1, 4):
        await net.start()
        for word in words[20 * (crashes - 1) : 20 * crashes]:
            await asyncio.gather(*(intake.say(someone, moved(word)) for someone in clients))
        await eventually(saw_count(routing, 20 * (crashes - 1) * len(clients) + 1), within=30)
        await net.crash()
    async with running(net):
        for someone in clients:
            await eventually(saw(routing, words, someone), within=30)
            await eventually(saw(reporting, words, someone), within=30)


async def test_killed_connections_of_a_subscriber_lose_double_and_park_nothing(
    make_net: MakeNet, intake: Service, routing: Service, postgres_server: EmbeddedPostgres
) -> None:
    anna, words = client(), [str(number) for number in range(30)]
    consumer = routing.consumer(ClientMovedAway)
    killings = iter(range(3))

    async def die_sometimes(work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        if next(killings, None) is not None:
            await kill_connections(postgres_server.admin_url, routing.urls.name, like="INSERT INTO seen%")
            await work.session.execute(text("SELECT 1"))

    routing.then = die_sometimes
    async with running(make_net([intake, routing], [consumer])):
        for word in words:
            await intake.say(anna, moved(word))
        await eventually(saw(routing, words), within=30)
        assert next(killings, None) != 0, "at least one was killed"
        assert await routing.parked(consumer) == []


async def test_a_replay_reaches_the_consumer_that_lost_it_and_changes_nothing_elsewhere(
    make_net: MakeNet, intake: Service, routing: Service, reporting: Service
) -> None:
    anna, bert = client(), client()
    consumers = [routing.consumer(ClientMovedAway), reporting.consumer(ClientMovedAway)]
    async with running(make_net([intake, routing, reporting], consumers)) as net:
        for word in ("1", "2", "3"):
            await intake.say(anna, moved(word))
            await intake.say(bert, moved(word))
        for subscriber in (routing, reporting):
            await eventually(saw_count(subscriber, 6), within=30)
        await routing.as_owner("TRUNCATE inbox, seen")  # it comes back from a backup of before
        assert await net.replay(intake, consumers[0], Selection(subject=anna)) == 3
        await eventually(saw(routing, ["1", "2", "3"]), within=30)
        assert await net.replay(intake, consumers[0]) == 6
        await eventually(saw(routing, ["1", "2", "3"], bert), within=30)
        assert await routing.seen(anna) == ["1", "2", "3"]
        assert await reporting.count("seen") == 6


async def say_and_roll_back(service: Service, subject: UUID) -> None:
    async with service.office.in_background() as work:
        work.publish(subject, "GM0363", moved("unsaid"))
        await work.write_events()
        raise RuntimeError
