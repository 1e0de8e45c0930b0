"""Mistakes are taken back without a trace: two clients of whom the same is true stand the same, however it was entered.

Hypothesis makes the histories. They are not lived by a `RuleBasedStateMachine`, which lives one history after another:
every history would pass its own months on a clock that never goes back. Here a history is data, all of them are lived
at once in one run of the days, and what fails is made smaller in the same way: all smaller histories at once, until
none fails any more.
"""

import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from opstap.demo.api import Api
from opstap.demo.calendar import Calendar
from opstap.demo.drive import over_http
from opstap.demo.partners import PartnerDesk
from opstap.demo.world import Town, World
from opstap.system import System
from opstap.verify import verify
from tests.support.histories import Entry, History, histories
from tests.support.one_machine import POLICIES, system_on
from tests.support.twin_state import differences, state_of
from tests.support.twins import Twins

HERE, FIRST = "GM9902", date(2024, 1, 8)
ROLES = ("loods", "stuurman", "buurtmaat", "havenmeester")
NUMBER = int(os.environ.get("OPSTAP_HISTORIES", "100"))
SEED = os.environ.get("OPSTAP_HISTORIES_SEED")
"""Makes other histories; without it they are the same at every run."""
AT_ONCE = 200
ROUNDS = 12
"""How often a history that fails is made smaller."""


@dataclass
class Lived:
    """What came of a history."""

    history: History
    differs: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([repr(self.history), *self.differs, "as it went:", *self.log])


@dataclass
class Machine:
    """A system on which histories are lived."""

    system: System
    world: World

    @classmethod
    async def on(cls, system: System, api: Api) -> "Machine":
        """On this system, in a town of which the staff is entered."""
        world = World(api, Calendar(FIRST, date.max), PartnerDesk(), [Town(HERE, "Spoedhaven", ROLES, ())], seed=13)
        await world.open_town(world.towns[HERE])
        return cls(system, world)

    async def live(self, found: Sequence[History]) -> list[Lived]:
        """Live these histories at the same time; what came of each, in the same order."""
        calendar = self.world.calendar = Calendar(self.world.today, date.max)
        lived = [Lived(each) for each in found]
        for each in lived:
            calendar.begin(self._tell(each))
        await calendar.run(await over_http(self.world.api, ["intake"]))
        return lived

    async def _tell(self, lived: Lived) -> None:
        twins = Twins.born(self.world, self.world.towns[HERE])
        lived.log = twins.log
        try:
            await twins.live(lived.history)
            if lived.history.after:
                await twins.days_pass(lived.history.after)
            lived.differs += await self._differences(twins)
        except Exception as error:  # noqa: BLE001 - it is told with the history
            lived.differs.append(f"{type(error).__name__}: {error}")

    async def _differences(self, twins: Twins) -> list[str]:
        return list(differences(await state_of(self.system, twins.truth), await state_of(self.system, twins.other)))

    async def smallest(self, failed: Lived) -> Lived:
        """The same failure with less around it."""
        for _ in range(ROUNDS):
            candidates = list(failed.history.simpler())
            smaller = next((each for each in await self.live(candidates) if each.differs), None)
            if smaller is None:
                break
            failed = smaller
        return failed


@pytest.fixture(scope="module")
async def machine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machine]:
    folder = tmp_path_factory.mktemp("histories")
    policies = shutil.copytree(POLICIES, folder / "policies")
    shutil.copytree(Path(__file__).parent / "short_terms", policies, dirs_exist_ok=True)
    async with system_on(folder / "system", civil_date=FIRST, policies=policies) as system:
        api = Api(system.url)
        try:
            yield await Machine.on(system, api)
        finally:
            await api.close()


def generated(number: int) -> list[History]:
    """As many histories as are asked for, the same at every run with a seed."""
    found: list[History] = []

    @settings(
        max_examples=number, phases=[Phase.generate], derandomize=SEED is None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(histories())
    def collect(history: History) -> None:
        found.append(history)

    (collect if SEED is None else seed(SEED)(collect))()
    return found


@pytest.mark.requirement("INT-13", "DIA-13", "ROU-19", "CAL-3")
async def test_a_history_with_mistakes_ends_as_the_history_without(machine: Machine) -> None:
    found = generated(NUMBER)
    failed: list[Lived] = []
    for start in range(0, len(found), AT_ONCE):
        failed += [each for each in await machine.live(found[start : start + AT_ONCE]) if each.differs]
    if failed:
        smallest = await machine.smallest(min(failed, key=lambda each: len(each.history.entries)))
        where = Counter(line.partition(":")[0] for each in failed for line in each.differs).most_common()
        pytest.fail(f"{len(failed)} of {len(found)} histories differ, in {where}. The smallest:\n{smallest}")


def while_exited_by_mistake(facts: str, *entries: Entry) -> History:
    """A client is categorised; then these entries, of which something is made right during an exit that was none."""
    left = Entry("leave", "other", true=False, later=20)
    return History((Entry("assess", {"facts": facts}), Entry("decide"), *entries, left), after=3)


def spoken(option: int | None) -> dict[str, Any]:
    return {"option": option, "kind": "review", "face_to_face": True, "agreements": 0}


DIAGNOSIS, REFERRAL = 5, 1
"""What the options of a conversation lead to in the policy of this place."""
WORK = {"hours": 4, "income": 150}
WHILE_EXITED = {
    "a conversation that asked for a diagnosis, and not for a partner": while_exited_by_mistake(
        "farther", Entry("speak", spoken(REFERRAL), wrongly=spoken(DIAGNOSIS), later=9)
    ),
    "a conversation that asked for a partner, and not for a diagnosis": while_exited_by_mistake(
        "farther", Entry("speak", spoken(DIAGNOSIS), wrongly=spoken(REFERRAL), later=9)
    ),
    "a conversation that never was, which asked for a partner": while_exited_by_mistake(
        "farther", Entry("speak", spoken(REFERRAL), true=False, later=9)
    ),
    "a conversation entered late, which asked for a partner": while_exited_by_mistake(
        "farther", Entry("speak", spoken(REFERRAL), later=9)
    ),
    "part-time work of which the income was another": while_exited_by_mistake(
        "near", Entry("work_part_time", WORK, wrongly={"hours": 4, "income": 900}, later=9)
    ),
    "part-time work entered late": while_exited_by_mistake("near", Entry("work_part_time", WORK, later=9)),
    "an illness entered late": while_exited_by_mistake(
        "near", Entry("start_route", 0), Entry("suspend", None, later=9)
    ),
    "an agreement that was another": while_exited_by_mistake(
        "near", Entry("agree", {"due_in": 9}, wrongly={"due_in": 3}, later=7)
    ),
}


@pytest.mark.requirement("INT-13", "ROU-19")
async def test_what_is_made_right_while_a_client_stands_as_exited_by_mistake_leaves_no_trace(machine: Machine) -> None:
    lived = await machine.live(list(WHILE_EXITED.values()))

    assert {what: each.differs for what, each in zip(WHILE_EXITED, lived, strict=True) if each.differs} == {}


EXITED_BY_MISTAKE = Entry("leave", "other", true=False, later=20)
FAR, NEAR = Entry("assess", {"facts": "farther"}), Entry("assess", {"facts": "near"})
EXEMPTED = (Entry("assess", {"facts": "exempted"}), Entry("decide"))
AFTER_THE_EXIT = {
    "a language test that was failed": (NEAR, Entry("decide"), EXITED_BY_MISTAKE, Entry("test_language", False)),
    "a language test that was passed after one that was failed": (
        NEAR, Entry("decide"), Entry("test_language", False), EXITED_BY_MISTAKE, Entry("test_language", True),
    ),
    "a language test that was due": (
        NEAR, Entry("decide"), Entry("intake", False), EXITED_BY_MISTAKE, Entry("test_language", True),
    ),
    "an exemption that ended by its last day": (*EXEMPTED, EXITED_BY_MISTAKE),
    "an exemption that was ended": (*EXEMPTED, EXITED_BY_MISTAKE, Entry("end_exemption")),
    "an assessment and a decision": (NEAR, Entry("decide"), EXITED_BY_MISTAKE, FAR, Entry("decide")),
    "an assessment": (NEAR, Entry("decide"), EXITED_BY_MISTAKE, FAR),
    "an intake": (NEAR, Entry("decide"), EXITED_BY_MISTAKE, Entry("intake", False)),
    "a proposal that waited": (NEAR, EXITED_BY_MISTAKE, Entry("decide")),
}  # fmt: skip


@pytest.mark.requirement("INT-13", "INT-10", "ROU-19")
async def test_what_happens_after_an_exit_that_was_a_mistake_is_followed_up_when_it_is_taken_back(
    machine: Machine,
) -> None:
    lived = await machine.live([History(entries, after=12) for entries in AFTER_THE_EXIT.values()])

    assert {what: each.differs for what, each in zip(AFTER_THE_EXIT, lived, strict=True) if each.differs} == {}


def while_registered_twice(*entries: Entry) -> History:
    """A client is categorised and registered once more; then these entries, before the two are merged."""
    double = Entry("double", true=False, later=9)
    return History((Entry("assess", {"facts": "near"}), Entry("decide"), double, *entries), after=12)


LEFT_WHILE_REGISTERED_TWICE = {
    "with a category": while_registered_twice(Entry("leave", "work")),
    "by mistake": while_registered_twice(Entry("leave", "other", true=False, later=2)),
    "by mistake, which is found after the merger": while_registered_twice(
        Entry("leave", "other", true=False, later=15)
    ),
    "with a route, entered late": while_registered_twice(Entry("start_route", 0), Entry("leave", "other", later=2)),
}


@pytest.mark.requirement("INT-13", "ROU-13")
async def test_an_exit_of_who_is_registered_twice_is_no_return_when_the_two_are_merged(machine: Machine) -> None:
    lived = await machine.live(list(LEFT_WHILE_REGISTERED_TWICE.values()))

    assert {
        what: each.differs for what, each in zip(LEFT_WHILE_REGISTERED_TWICE, lived, strict=True) if each.differs
    } == {}


@pytest.mark.requirement("INT-13", "ROU-19")
async def test_an_answer_that_never_was_falls_away_also_when_the_agreement_was_corrected_since(
    machine: Machine,
) -> None:
    agreed = Entry("agree", {"due_in": 9}, wrongly={"due_in": 8}, later=5)
    missed = Entry("answer", {"which": 0, "outcome": "missed"}, true=False, later=9)
    [lived] = await machine.live([History((NEAR, Entry("decide"), agreed, missed), after=12)])

    assert lived.differs == []


async def test_a_conversation_that_was_due_is_asked_no_more_in_a_category_without_it(machine: Machine) -> None:
    rests = replace(EXEMPTED[0], wait=40)
    [lived] = await machine.live([History((FAR, Entry("decide"), rests, Entry("decide")), after=2)])

    assert lived.differs == []
    await machine.system.settle()
    urls = {name: service.urls for name, service in machine.system.services.items()}
    assert not [str(each) for each in await verify(urls)]


async def test_the_services_agree_on_what_happened_in_every_history(machine: Machine) -> None:
    await machine.system.settle()
    urls = {name: service.urls for name, service in machine.system.services.items()}
    assert not [str(each) for each in await verify(urls)]
