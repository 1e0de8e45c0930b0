"""Who takes part: the towns, their caseload on the first day, and how many clients walk each path."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from opstap.demo import endings, mistakes, stories
from opstap.demo.caseload import UITHOORN, Group, shared_baseline
from opstap.demo.stories import Story
from opstap.demo.world import Town

FIRST, LAST = date(2021, 9, 1), date(2024, 2, 29)
LV, WASSENAAR, VOORSCHOTEN, AMSTEL = "GM1916", "GM0629", "GM0626", "GM0451"


def towns() -> list[Town]:
    """The four municipalities, with the roles and partners of their policies over the whole time."""
    shared = ("work_consultant", "income_consultant", "consultant_2b")
    later = ("participation_consultant", "learn_work_broker", "matchmaker")
    return [
        Town(LV, "Leidschendam-Voorburg", shared, ("woej", "sport-en-welzijn")),
        Town(WASSENAAR, "Wassenaar", shared, ("vrijwilligerscentrale",)),
        Town(VOORSCHOTEN, "Voorschoten", (*shared, *later), ("voor-elkaar", "dzb")),
        Town(AMSTEL, "Uithoorn", ("client_manager",), ("am-match",)),
    ]


BASELINE: Mapping[str, Sequence[Group]] = {
    LV: shared_baseline(200),
    WASSENAAR: shared_baseline(50),
    VOORSCHOTEN: shared_baseline(50),
    AMSTEL: UITHOORN,
}
ENDED_BEFORE = {LV: 30, WASSENAAR: 8, VOORSCHOTEN: 8, AMSTEL: 40}


@dataclass(frozen=True)
class Part:
    """So many clients of a town who walk a path, beginning some days after each other."""

    story: Story
    town: str
    number: int
    first_day: int = 0
    apart: int = 3


CAST: Sequence[Part] = (
    Part(stories.work_within_3_months, LV, 8, apart=40),
    Part(stories.work_within_3_months, VOORSCHOTEN, 3, apart=60),
    Part(stories.development_route_to_work, LV, 6, apart=20),
    Part(stories.development_route_to_work, WASSENAAR, 2),
    Part(stories.handover_to_participation, LV, 5),
    Part(stories.handover_to_participation, VOORSCHOTEN, 2),
    Part(stories.handover_returned, LV, 5, first_day=2),
    Part(stories.handover_escalated, LV, 5, first_day=1),
    Part(stories.welfare_one_to_one, LV, 6, apart=25),
    Part(stories.welfare_declined, LV, 5, apart=40),
    Part(stories.welfare_group, VOORSCHOTEN, 27, apart=7),
    Part(stories.welfare_group, WASSENAAR, 27, apart=7),
    Part(stories.option_5_back_to_reintegration, LV, 5, apart=15),
    Part(stories.option_5_back_to_reintegration, WASSENAAR, 1),
    Part(stories.am_match_placed, AMSTEL, 6, apart=20),
    Part(stories.am_match_returned, AMSTEL, 6, apart=20, first_day=7),
    Part(stories.sheltered_dzb, VOORSCHOTEN, 6, apart=25),
    Part(stories.diverted_at_gate, AMSTEL, 7, apart=30),
    Part(stories.diverted_at_gate, LV, 2, apart=30),
    Part(stories.benefit_refused, LV, 4, apart=35),
    Part(stories.benefit_refused, WASSENAAR, 2, apart=35),
    Part(stories.suspended_and_resumed, LV, 6, apart=20),
    Part(stories.overridden, LV, 5, apart=25),
    Part(mistakes.corrected, LV, 5, apart=25),
    Part(mistakes.merged, LV, 5, apart=30),
    Part(mistakes.taken_apart, LV, 5, apart=30, first_day=11),
    Part(mistakes.wrong_bsn, LV, 5, apart=30, first_day=4),
    Part(mistakes.registered_by_mistake, LV, 5, apart=30, first_day=9),
    Part(mistakes.conversation_corrected, LV, 5, apart=25, first_day=3),
    Part(mistakes.conversation_cancelled, LV, 5, apart=25, first_day=6),
    Part(mistakes.exit_reverted, LV, 5, apart=20, first_day=5),
    Part(mistakes.entered_late, LV, 5, apart=20, first_day=8),
    Part(mistakes.exit_entered_late, LV, 5, apart=10, first_day=1),
    Part(stories.deceased, LV, 5, apart=30),
    Part(endings.death_taken_back, LV, 5, apart=30, first_day=7),
    Part(endings.moved_away, LV, 5, apart=30, first_day=10),
    Part(endings.pension_age_reached, LV, 5, apart=40, first_day=2),
    Part(endings.enforced, LV, 5, apart=30, first_day=12),
)


def beginnings(cast: Sequence[Part] = CAST) -> Iterator[tuple[int, Part]]:
    """Each client's part with the day on which it begins, counted from the first."""
    for part in cast:
        for number in range(part.number):
            yield part.first_day + number * part.apart, part
