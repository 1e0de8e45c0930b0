import asyncio
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from sqlalchemy import text

from chassis.ids import new_id
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.conftest import Partners, Receiver, late, silence, status
else:
    from services.partners.tests.conftest import Partners, Receiver, late, silence, status


async def test_no_more_than_the_receiver_allows_in_a_minute(partners: Partners, receiver: Receiver) -> None:
    receiver.consent = {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "2"}
    await partners.pending_endpoint(receiver)
    await partners.sender.settle()
    await partners.refer_all([new_id() for _ in range(5)])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await partners.sender.settle()
    assert len(receiver.received) == 2


async def test_an_endpoint_has_four_slots_and_a_failing_one_a_single(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    receiver.always = late
    await partners.refer_all([new_id() for _ in range(12)])
    await partners.sender.settle()
    assert receiver.most_at_once == 4
    receiver.always = silence
    await partners.refer_all([new_id() for _ in range(5)])
    await partners.sender.settle()
    receiver.most_at_once, receiver.always = 0, status(500)
    await partners.attempts(1)
    assert receiver.most_at_once == 1


async def test_a_silent_endpoint_holds_up_no_other(partners: Partners, receiver: Receiver) -> None:
    """It is silent until the other has received everything, which would never come if that waited for it."""
    others_have_theirs = asyncio.Event()

    async def silence_until_then(_: web.Request) -> web.Response:
        await others_have_theirs.wait()
        return web.Response(status=204)

    async with Receiver() as silent:
        silent.always = silence_until_then
        await partners.endpoint(silent, "sport-en-welzijn")
        await partners.endpoint(receiver)
        await partners.refer_all([new_id() for _ in range(8)], partner="sport-en-welzijn")
        await partners.refer_all([new_id() for _ in range(8)])
        settling = asyncio.create_task(partners.another_sender(webhook_timeout=30).settle())
        await eventually(lambda: len(receiver.received) == 8, within=20)
        others_have_theirs.set()
        await settling
        assert len(await partners.deliveries(state="delivered")) == 16


async def test_two_instances_send_each_message_once(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    await partners.refer_all([new_id() for _ in range(40)])
    other = partners.another_sender()
    await asyncio.gather(partners.sender.settle(), other.settle())
    assert len(receiver.received) == 40
    assert len({each.id for each in receiver.received}) == 40


async def test_what_a_killed_instance_had_in_hand_is_sent_again(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    await partners.refer()
    async with partners.service.office.database.in_background() as session:
        await session.execute(text("UPDATE deliveries SET leased_until = clock_timestamp() + interval '0.5 seconds'"))
    settling = asyncio.create_task(partners.sender.settle())
    async with asyncio.timeout(5):
        await settling
    assert len(receiver.received) == 1
    [delivery] = await partners.deliveries(state="delivered")
    assert delivery["attempts"] == 1


async def test_the_running_sender_delivers_by_itself_and_finishes_when_stopped(
    partners: Partners, receiver: Receiver
) -> None:
    await partners.endpoint(receiver)
    receiver.always = late
    await partners.sender.start()
    assert partners.sender.alive()
    await partners.refer()
    partners.sender.wake()
    await eventually(lambda: receiver.received)
    await partners.sender.stop()
    assert not partners.sender.alive()
    assert len(await partners.deliveries(state="delivered")) == 1


async def test_an_address_that_became_private_is_not_dialled(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    await partners.refer()
    strict = partners.another_sender(webhook_allowed_networks=(ip_network("192.0.2.0/24"),))
    await strict.settle()
    assert receiver.received == []
    [delivery] = await partners.deliveries(state="pending")
    assert [each["failure"] for each in await partners.log(delivery)] == ["forbidden_address"]
