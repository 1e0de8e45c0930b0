import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from chassis.clock import MovableClock, MovedTooFar, load_civil_moment, morning_of, save_civil_moment
from chassis.deadlines import (
    Deadline,
    NewDeadline,
    Sweeper,
    cancel,
    current,
    give_up,
    halt,
    move,
    restart,
    resume,
    set_deadline,
    suspend,
)
from chassis.work import Office, Work
from policy.terms import Suspension, Term
from tests.support.messaging import MUNICIPALITY, Service

START = date(2024, 2, 29)
LONGEST = Term(months=24)


class Firings:
    """What fired, in order; a subject that is poisoned cannot fire."""

    def __init__(self) -> None:
        self.fired: list[tuple[UUID, str, date]] = []
        self.poisoned: set[UUID] = set()

    async def __call__(self, work: Work, due: Sequence[Deadline]) -> None:
        for deadline in due:
            if deadline.subject in self.poisoned:
                raise ValueError("cannot fire")
            self.fired.append((deadline.subject, deadline.kind, work.today))


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock.at(START)


@pytest.fixture
def office(intake: Service, clock: MovableClock) -> Office:
    return replace(intake.office, clock=clock)


@pytest.fixture
def firings() -> Firings:
    return Firings()


@pytest.fixture
def sweeper(office: Office, firings: Firings) -> Sweeper:
    return Sweeper(office, {"longest_stay": firings, "acceptance": firings})


def new(subject: UUID, term: Term = LONGEST, kind: str = "longest_stay", *, missed: bool = False) -> NewDeadline:
    return NewDeadline(MUNICIPALITY, subject, kind, START, term, "a-rule", missed=missed)


async def on(clock: MovableClock, day: date, sweeper: Sweeper) -> int:
    """Let days pass, each with its sweep; how many fired."""
    fired = 0
    while clock.today() < day:
        clock.move_to(morning_of(clock.today() + timedelta(days=1)))
        fired += await sweeper.sweep()
    return fired


async def test_what_is_due_fires_once_on_its_day(
    office: Office, clock: MovableClock, sweeper: Sweeper, firings: Firings
) -> None:
    client = uuid4()
    async with office.in_background() as work:
        await set_deadline(work, new(client, Term(days=10)))
    await on(clock, date(2024, 3, 20), sweeper)
    assert firings.fired == [(client, "longest_stay", date(2024, 3, 10))]


async def test_what_is_missed_fires_on_the_day_after(
    office: Office, clock: MovableClock, sweeper: Sweeper, firings: Firings
) -> None:
    client = uuid4()
    async with office.in_background() as work:
        await set_deadline(work, new(client, Term(days=10), "acceptance", missed=True))
    await on(clock, date(2024, 3, 20), sweeper)
    assert firings.fired == [(client, "acceptance", date(2024, 3, 11))]


async def test_what_is_overdue_from_the_start_fires_at_the_next_sweep_and_once(
    office: Office, clock: MovableClock, sweeper: Sweeper, firings: Firings
) -> None:
    async with office.in_background() as work:
        made = await set_deadline(work, replace(new(uuid4(), Term(days=10)), start=date(2023, 1, 1)))
    assert await sweeper.sweep() == 1
    assert await sweeper.sweep() == 0
    assert made.set_on == clock.today()


async def test_two_sweepers_at_once_fire_each_deadline_once(office: Office, firings: Firings) -> None:
    async with office.in_background() as work:
        for _ in range(40):
            await set_deadline(work, replace(new(uuid4(), Term(days=1)), start=date(2024, 1, 1)))
    sweepers = [Sweeper(office, {"longest_stay": firings}) for _ in range(3)]
    fired = await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
    assert sum(fired) == 40
    assert len({subject for subject, _, _ in firings.fired}) == 40


async def test_one_that_cannot_fire_holds_up_no_other_and_stays_open(
    office: Office, sweeper: Sweeper, firings: Firings
) -> None:
    subjects = [uuid4() for _ in range(3)]
    async with office.in_background() as work:
        for subject in subjects:
            await set_deadline(work, replace(new(subject, Term(days=1)), start=date(2024, 1, 1)))
    firings.poisoned = {subjects[1]}
    assert await sweeper.sweep() == 2
    firings.poisoned = set()
    assert await sweeper.sweep() == 1


async def test_a_new_deadline_of_the_same_kind_takes_the_place_of_the_old(office: Office) -> None:
    client = uuid4()
    async with office.in_background() as work:
        await set_deadline(work, new(client, Term(days=10)))
        await set_deadline(work, new(client, Term(days=20)))
    async with office.in_background() as work:
        assert [each.due_on for each in await current(work.session, {client})] == [date(2024, 3, 20)]


async def test_what_is_cancelled_never_fires(office: Office, clock: MovableClock, sweeper: Sweeper) -> None:
    client = uuid4()
    async with office.in_background() as work:
        await set_deadline(work, new(client, Term(days=3)))
        await cancel(work, {client})
    assert await on(clock, date(2024, 3, 10), sweeper) == 0


async def test_what_is_halted_fires_late_when_that_was_a_mistake_and_never_when_it_was_none(
    office: Office, clock: MovableClock, sweeper: Sweeper, firings: Firings
) -> None:
    kept, given_up = uuid4(), uuid4()
    async with office.in_background() as work:
        for each in (kept, given_up):
            await set_deadline(work, new(each, Term(days=3)))
        await halt(work, {kept, given_up})
    assert await on(clock, date(2024, 3, 10), sweeper) == 0
    async with office.in_background() as work:
        await give_up(work, {given_up})
        for _ in range(2):
            await restart(work, {kept, given_up})
    assert await sweeper.sweep() == 1
    assert firings.fired == [(kept, "longest_stay", date(2024, 3, 10))]


async def test_what_was_set_anew_meanwhile_stands_instead_of_what_was_halted(office: Office) -> None:
    client = uuid4()
    async with office.in_background() as work:
        await set_deadline(work, new(client, Term(days=10)))
        await halt(work, {client}, since={client: START - timedelta(days=1)})
        assert len(await current(work.session, {client})) == 1
        await halt(work, {client})
        assert await current(work.session, {client}) == []
        await set_deadline(work, new(client, Term(days=20)))
        await restart(work, {client})
    async with office.in_background() as work:
        assert [each.due_on for each in await current(work.session, {client})] == [date(2024, 3, 20)]


async def test_of_what_was_halted_twice_for_the_same_only_the_later_goes_on(office: Office) -> None:
    client = uuid4()
    async with office.in_background() as work:
        for days in (10, 20):
            await set_deadline(work, new(client, Term(days=days)))
            await halt(work, {client})
        await restart(work, {client})
    async with office.in_background() as work:
        assert [each.due_on for each in await current(work.session, {client})] == [date(2024, 3, 20)]


async def test_a_suspended_deadline_stands_still_and_shifts_by_the_real_days(
    office: Office, clock: MovableClock, sweeper: Sweeper, firings: Firings
) -> None:
    client = uuid4()
    async with office.in_background() as work:
        await set_deadline(work, new(client, Term(days=10)))
        [still] = await suspend(work, client, {"longest_stay"}, date(2024, 3, 5))
        assert (still.state, still.due_on) == ("suspended", None)
    await on(clock, date(2024, 4, 1), sweeper)
    assert firings.fired == []
    async with office.in_background() as work:
        [goes_on] = await resume(work, client, {"longest_stay"}, date(2024, 4, 1))
        assert goes_on.due_on == date(2024, 3, 10) + timedelta(days=27)
        assert goes_on.original_due_on == date(2024, 3, 10)
        assert any("Opgeschort" in line for line in goes_on.because)


async def test_a_deadline_can_be_suspended_many_times(office: Office) -> None:
    client = uuid4()
    async with office.in_background() as work:
        await set_deadline(work, replace(new(client), suspensions=(Suspension(date(2024, 4, 1), date(2024, 4, 11)),)))
        for month in (5, 6, 7):
            await suspend(work, client, {"longest_stay"}, date(2024, month, 1))
            await resume(work, client, {"longest_stay"}, date(2024, month, 6))
        [deadline] = await current(work.session, {client})
        assert deadline.due_on == date(2026, 2, 28) + timedelta(days=10 + 3 * 5)


async def test_a_deadline_moved_by_hand_keeps_the_reason(office: Office) -> None:
    client = uuid4()
    async with office.in_background() as work:
        deadline = await set_deadline(work, new(client, Term(days=10)))
        move(deadline, date(2024, 4, 1), "op verzoek van de klant")
        assert (deadline.fires_on, deadline.moved_because) == (date(2024, 4, 1), "op verzoek van de klant")
        assert "op verzoek van de klant" in deadline.because[-1]


@pytest.mark.requirement("CAL-4")
def test_the_civil_clock_moves_forward_by_a_day_at_most(clock: MovableClock) -> None:
    clock.move_to(morning_of(date(2024, 3, 1)))
    with pytest.raises(MovedTooFar, match="a day at most"):
        clock.move_to(morning_of(date(2024, 3, 3)))
    with pytest.raises(MovedTooFar, match="never goes back"):
        clock.move_to(morning_of(START))
    assert clock.today() == date(2024, 3, 1)


async def test_the_civil_clock_is_where_it_was_after_a_restart(intake: Service, clock: MovableClock) -> None:
    assert await load_civil_moment(intake.database.app) is None
    await save_civil_moment(intake.database.app, clock.now())
    await save_civil_moment(intake.database.app, morning_of(date(2024, 3, 1)))
    assert await load_civil_moment(intake.database.app) == morning_of(date(2024, 3, 1))
