"""The loop under everything that carries."""

import asyncio

from chassis.bus import BackOff, Pump
from tests.support.waiting import eventually


def test_a_back_off_doubles_to_its_bound() -> None:
    back_off = BackOff(first=0.1, most=1.0)
    assert [back_off.after(failures) for failures in (1, 2, 3, 4, 5, 1000)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


async def test_a_pump_turns_again_at_once_while_there_is_work_and_then_when_woken() -> None:
    work, turns = iter([True, True, False]), 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        return next(work, False)

    pump = Pump("test", turn, poll=60.0)
    pump.start()
    await eventually(lambda: turns == 3)
    pump.wake()
    await eventually(lambda: turns == 4)
    async with asyncio.timeout(5):
        await pump.stop()


async def test_a_wake_that_comes_during_a_turn_is_not_lost() -> None:
    turns, begun, released = 0, asyncio.Event(), asyncio.Event()

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        begun.set()
        await released.wait()
        return False

    pump = Pump("test", turn, poll=60.0)
    pump.start()
    await begun.wait()
    pump.wake()
    released.set()
    await eventually(lambda: turns == 2)
    await pump.stop()


async def test_a_failure_is_tried_again_and_a_wake_does_not_shorten_the_back_off() -> None:
    turns = 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        raise RuntimeError("no")

    pump = Pump("test", turn, back_off=BackOff(first=60.0, most=60.0))
    pump.start()
    await eventually(lambda: turns == 1)
    for _ in range(10):
        pump.wake()
        await asyncio.sleep(0)
    assert turns == 1
    assert pump.alive(), "failing is not hanging"
    async with asyncio.timeout(5):
        await pump.stop()
    assert not pump.alive()


async def test_a_turn_without_end_is_not_alive_and_is_broken_off_when_it_must_stop() -> None:
    broken_off = False

    async def turn() -> bool:
        nonlocal broken_off
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            broken_off = True
            raise
        return False

    pump = Pump("test", turn, longest_turn=0.05)
    pump.start()
    assert pump.alive()
    await eventually(lambda: not pump.alive())
    await pump.stop(within=0.05)
    assert broken_off
