"""What only the local bus promises: cursors that move with the work, and `settle`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chassis.bus import BackOff
from chassis.consumer import Consumer
from chassis.local import LocalBus, NotSettled
from chassis.work import Work
from contracts import Envelope
from contracts.intake import ClientMovedAway
from contracts.routing import CaseworkerMissing
from tests.support.messaging import Service, client, missing, moved, nothing_more
from tests.support.waiting import eventually


@asynccontextmanager
async def running(services: Sequence[Service], *consumers: Consumer, **options: Any) -> AsyncIterator[LocalBus]:
    bus = LocalBus(
        {service.name: service.database for service in services},
        {consumer.service: consumer for consumer in consumers},
        **({"back_off": BackOff(0.01, 0.05)} | options),
    )
    for service in services:
        service.wake = lambda name=service.name: bus.wake(name)  # type: ignore[misc]
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


async def pass_on(work: Work, batch: Sequence[Envelope[Any]]) -> None:
    for envelope in batch:
        work.publish(envelope.subject, envelope.municipality, missing(envelope.data.to_municipality))


async def test_settle_waits_for_what_handling_adds(intake: Service, routing: Service, reporting: Service) -> None:
    routing.then = pass_on
    consumers = routing.consumer(ClientMovedAway), reporting.consumer(CaseworkerMissing)
    async with running([intake, routing, reporting], *consumers) as bus:
        for number in range(20):
            await intake.say(client(), moved(str(number)))
        await bus.settle()
        assert sorted(await reporting.seen(), key=int) == [str(number) for number in range(20)]


async def test_settle_says_who_is_late(intake: Service, routing: Service) -> None:
    released = asyncio.Event()

    async def wait(_work: Work, _batch: Sequence[Envelope[Any]]) -> None:
        await released.wait()

    routing.then = wait
    async with running([intake, routing], routing.consumer(ClientMovedAway)) as bus:
        await intake.say(client(), moved("1"))
        with pytest.raises(NotSettled, match="intake -> routing"):
            await bus.settle(timeout=0.3)
        released.set()
        await bus.settle()


async def test_a_service_that_handles_nothing_of_a_producer_has_no_cursor_on_it(
    intake: Service, routing: Service, reporting: Service
) -> None:
    async with running([intake, routing, reporting], reporting.consumer(CaseworkerMissing)) as bus:
        await intake.say(client(), moved("1"))
        await routing.say(client(), missing("1"))
        await bus.settle()
    assert await reporting.query("SELECT producer, position FROM bus_cursors") == [("routing", 1)]


async def test_a_bus_that_breaks_off_in_mid_batch_goes_on_where_it_was(intake: Service, routing: Service) -> None:
    words = [str(number) for number in range(100)]
    anna = client()
    await intake.say(anna, *(moved(word) for word in words))
    hanging = asyncio.Event()

    async def hang(_work: Work, batch: Sequence[Envelope[Any]]) -> None:
        if batch[0].data.to_municipality == "57":
            hanging.set()
            await asyncio.Event().wait()

    routing.then = hang
    consumer = routing.consumer(ClientMovedAway)
    bus = LocalBus({"intake": intake.database}, {"routing": consumer}, batch=10)
    await bus.start()
    await hanging.wait()
    await asyncio.gather(*(pump.stop(within=0.01) for pump in bus._pumps))
    assert await routing.seen() == words[:50]
    routing.then = nothing_more
    async with running([intake, routing], consumer, batch=10) as again:
        await again.settle()
    assert await routing.seen() == words


async def test_two_buses_on_one_subscriber_double_nothing(intake: Service, routing: Service) -> None:
    words = [str(number) for number in range(200)]
    anna = client()
    consumer = routing.consumer(ClientMovedAway)
    async with running([intake, routing], consumer, batch=7) as one, running([intake, routing], consumer, batch=5):
        for word in words:
            await intake.say(anna, moved(word))
        await one.settle()
    assert await routing.seen() == words


async def test_the_poll_finds_what_another_process_published(intake: Service, routing: Service) -> None:
    async with running([intake, routing], routing.consumer(ClientMovedAway), poll=0.05) as bus:
        intake.wake = lambda: None
        await intake.say(client(), moved("1"))
        await eventually(lambda: _is(routing, ["1"]))
        assert bus.alive()


async def _is(service: Service, words: list[str]) -> bool:
    return await service.seen() == words
