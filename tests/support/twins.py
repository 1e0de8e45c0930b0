"""Twins: two clients with the same traits. One lives what truly happened; of the other it is entered wrongly or late.

What is true is decided on the clean twin: an entry that the system refuses there did not happen. What stands in the way
of a true entry on the other (a mistake not yet taken back, something not yet entered) delays it: it is tried again on
every day on which something changes, with the day on which it happened.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from opstap.demo.world import Town, World
from tests.support.histories import Entry, History
from tests.support.verbs import VERBS, Corrigible, NotNow, Revocable, Told, Twin, Verb, somebody_like

DIAGNOSED = frozenset({"assess", "decide"})
SETTLED_BEFORE: Mapping[str, Collection[str]] = {
    "assess": DIAGNOSED,
    "leave": DIAGNOSED,
    "come_back": DIAGNOSED | {"leave", "check_allowances"},
}
"""Only the latest assessment is corrected, while the journey lasts; only the exit by which a client stands exited;
and what follows an exit is looked at before the client returns."""


@dataclass(frozen=True)
class Waiting:
    """Something that is still to be done to the other twin, not before a day."""

    from_day: date
    does: Callable[[Twin, Told], Awaitable[None]]
    entry: Told
    what: str

    @property
    def order(self) -> tuple[date, int]:
        return self.entry.on, self.entry.number


@dataclass
class Twins:
    """Both, and what is still to be entered or taken back of the other."""

    world: World
    truth: Twin
    other: Twin
    log: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    stands_wrongly: set[int] = field(default_factory=set)
    """The assessments that are not yet corrected."""
    decisions: dict[int, Told] = field(default_factory=dict)
    """By assessment, the decision on it."""

    @classmethod
    def born(cls, world: World, town: Town) -> "Twins":
        """Two people alike in all but their BSN."""
        one = Twin(world, town, world.people.person(town.name, world.today))
        return cls(world, one, Twin(world, town, somebody_like(one)))

    async def live(self, history: History) -> None:
        """Both live the history; in the end nothing of a mistake stands, and nothing is left to enter."""
        await self.truth.registers()
        await self.other.registers()
        await self.world.calendar.later_today()
        for number, entry in enumerate(history.entries):
            await self._days(entry.wait)
            await self._happens(number, entry)
            await self.world.calendar.later_today()
        await self._make_right()

    async def days_pass(self, days: int) -> None:
        """Let days pass."""
        await self._days(days)
        await self.world.calendar.later_today()

    async def _days(self, days: int) -> None:
        """Let days pass, and enter on each what was waited with."""
        until = self.world.today + timedelta(days=days)
        while self.world.today < until:
            ahead = [each.from_day for each in self.waiting if each.from_day > self.world.today]
            await self.world.calendar.until(min([until, *ahead]))
            await self._enter_waiting()

    async def _happens(self, number: int, entry: Entry) -> None:
        verb, today = VERBS[entry.verb], self.world.today
        if entry.true:
            await self._settle(SETTLED_BEFORE.get(entry.verb, frozenset()))
        try:
            concerns = await verb.concerns(self.truth, entry.told)
            told = Told(number, entry.told, concerns, today)
            if entry.true:
                await verb.enter(self.truth, told)
        except NotNow as reason:
            self._note(f"{number} {entry.verb}: did not happen: {reason}")
            return
        self._note(f"{number} {entry}: concerns {concerns}")
        if entry.late:
            self._wait(today + timedelta(days=entry.later), verb.enter, told, f"late {entry.verb}")
            return
        if entry.true and entry.wrongly is None:
            self._wait(today, verb.enter, told, entry.verb)
            await self._enter_waiting()
            return
        await self._mistake(verb, entry, told)

    async def _mistake(self, verb: Verb, entry: Entry, told: Told) -> None:
        wrong = told
        if entry.true:
            assert isinstance(verb, Corrigible), entry
            wrong = replace(told, told=verb.mistaken(told.told, entry.wrongly))
        day = told.on + timedelta(days=entry.later)
        try:
            await verb.enter(self.other, wrong)
        except NotNow as reason:  # nobody can make this mistake now
            self._note(f"{told.number} {entry.verb}: cannot be mistaken: {reason}")
            if entry.true:
                self._wait(day, verb.enter, told, f"late {entry.verb}")
            return
        if not entry.true:
            assert isinstance(verb, Revocable), entry
            self._wait(day, verb.take_back, told, f"take back {entry.verb}")
            return
        assert isinstance(verb, Corrigible), entry
        self._wait(day, verb.correct, told, f"correct {entry.verb}")
        if entry.verb == "assess":
            self.stands_wrongly.add(told.number)

    def _wait(self, day: date, does: Callable[[Twin, Told], Awaitable[None]], told: Told, what: str) -> None:
        self.waiting.append(Waiting(day, does, told, what))
        self.waiting.sort(key=lambda each: each.order)

    async def _enter_waiting(self) -> None:
        """Whatever can be entered now that its day has come, until nothing more can."""
        tried = True
        while tried:
            tried = False
            for each in [each for each in self.waiting if each.from_day <= self.world.today]:
                try:
                    await each.does(self.other, each.entry)
                except NotNow as reason:
                    self._note(f"  {each.what} {each.entry.number} waits: {reason}")
                    continue
                self.waiting.remove(each)
                self._note(f"  {each.what} {each.entry.number} entered for {each.entry.on}")
                self._follow(each)
                if any(left.from_day <= self.world.today for left in self.waiting):
                    await self.world.calendar.later_today()
                tried = True
                break

    def _follow(self, done: Waiting) -> None:
        """A decision on an assessment that turns out wrong is taken anew."""
        verb, entry = done.what.split()[-1], done.entry
        if verb == "decide":
            self.decisions[entry.concerns] = entry
        elif verb == "assess" and entry.number in self.stands_wrongly:
            self.stands_wrongly.discard(entry.number)
            if entry.number in self.decisions:
                self._wait(self.world.today, VERBS["decide"].enter, self.decisions[entry.number], "again decide")

    async def _settle(self, verbs: Collection[str]) -> None:
        """Enter and make right what cannot be any more after what happens now."""
        for each in [each for each in self.waiting if each.what.split()[-1] in verbs]:
            self.waiting.remove(each)
            self._wait(self.world.today, each.does, each.entry, each.what)
        await self._enter_waiting()

    async def _make_right(self) -> None:
        """Take back and enter all that is left; what still cannot be is a fault."""
        self.waiting = [Waiting(self.world.today, each.does, each.entry, each.what) for each in self.waiting]
        self._note("all is made right")
        await self._enter_waiting()
        await self.world.calendar.later_today()
        assert not self.waiting, "left: " + "; ".join(f"{each.what} {each.entry}" for each in self.waiting)

    def _note(self, line: str) -> None:
        self.log.append(f"{self.world.today} {line}")
