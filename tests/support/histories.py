"""Histories of a client, as data: what happened, what was entered wrongly and for how long, what was entered late.

A history is a sequence of entries, one a day at most. An entry is of a verb of `tests.support.verbs`:

- `true` and neither late nor wrong: it happened, and was entered on its day;
- `late`: it happened, and was entered so many days after (or when what stood in its way was taken back);
- `wrongly`: it happened, and was entered otherwise; so many days later it was corrected;
- not `true`: it never happened, was entered, and so many days later taken back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

MOST_DAYS_LATER = 25


@dataclass(frozen=True)
class Entry:
    """Something that was entered, rightly or not."""

    verb: str
    told: Any = None
    """What is told of it: the parameters of the verb."""
    wait: int = 1
    """Days since the entry before it."""
    true: bool = True
    wrongly: Any = None
    """What was told instead, until the correction."""
    later: int = 0
    """After how many days it was entered, corrected or taken back."""

    @property
    def late(self) -> bool:
        """Whether it was entered after its day."""
        return self.true and self.wrongly is None and self.later > 0


@dataclass(frozen=True)
class History:
    """What happened to a client and what was entered; then days pass, and the twins are compared."""

    entries: tuple[Entry, ...]
    after: int = 0

    def __repr__(self) -> str:
        return f"History((\n{''.join(f'    {each!r},' + chr(10) for each in self.entries)}), after={self.after})"

    def simpler(self) -> Iterator["History"]:
        """Histories with a little less in them, the greatest steps first."""
        entries = self.entries
        half = len(entries) // 2
        if half > 1:
            yield replace(self, entries=entries[:half])
            yield replace(self, entries=entries[half:])
        for place in reversed(range(len(entries))):
            yield replace(self, entries=entries[:place] + entries[place + 1 :])
        for place, each in enumerate(entries):
            for plainer in _plainer(each):
                yield replace(self, entries=(*entries[:place], plainer, *entries[place + 1 :]))
        if self.after:
            yield replace(self, after=0)


def _plainer(entry: Entry) -> Iterator[Entry]:
    if entry.true and (entry.later or entry.wrongly is not None):
        yield replace(entry, wrongly=None, later=0)
    if entry.wait > 1:
        yield replace(entry, wait=1)
    if entry.later > 1:
        yield replace(entry, later=1)


AFTER = st.sampled_from((0, 3, 12, 30))
DAYS = st.one_of(st.integers(1, 4), st.integers(1, 4), st.integers(5, 18))
LATER = st.one_of(st.integers(1, 5), st.integers(6, MOST_DAYS_LATER))
FACTS = st.sampled_from(
    ("near", "under_way", "far", "farther", "indicated", "exempted", "exempted_for_good", "in_doubt")
)
ASSESSED = st.fixed_dictionaries({"facts": FACTS})
SPOKEN = st.fixed_dictionaries(
    {"option": st.sampled_from((None, 1, 2, 3, 4, 5)), "kind": st.sampled_from(("telephone", "review", "fip")),
     "face_to_face": st.booleans(), "agreements": st.integers(0, 1)}
)  # fmt: skip
WORKED = st.fixed_dictionaries({"hours": st.sampled_from((4, 12, 20)), "income": st.sampled_from((150, 420, 900))})
AGREED = st.fixed_dictionaries({"due_in": st.sampled_from((3, 9))})
ATTENDED = st.booleans()
WHICH = st.integers(0, 2)
ANSWERED = st.fixed_dictionaries({"which": WHICH, "outcome": st.sampled_from(("kept", "missed", "missed", "goes_on"))})
REASON = st.sampled_from(("work", "education", "other"))
DECIDED = st.sampled_from((None, None, None, "dichtbij", "ver", "beschut"))
"""By override to this category; None confirms what policy proposes."""


def _happened(verb: str, told: st.SearchStrategy[Any] | None = None, *, late: bool = True) -> st.SearchStrategy[Entry]:
    return st.builds(
        Entry, st.just(verb), told if told is not None else st.none(), DAYS,
        later=st.one_of(st.just(0), st.just(0), LATER) if late else st.just(0),
    )  # fmt: skip


def _misheard(verb: str, told: st.SearchStrategy[Any]) -> st.SearchStrategy[Entry]:
    return st.builds(Entry, st.just(verb), told, DAYS, wrongly=told, later=LATER)


def _never(verb: str, told: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Entry]:
    return st.builds(
        Entry, st.just(verb), told if told is not None else st.none(), DAYS, true=st.just(False), later=LATER
    )


def _together(*parts: st.SearchStrategy[Entry]) -> st.SearchStrategy[tuple[Entry, ...]]:
    """What follows on each other, so that the later ones have something to concern."""
    return st.tuples(*parts)


def _either(*choices: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(*choices)


_ASSESS = _either(_happened("assess", ASSESSED), _misheard("assess", ASSESSED), _misheard("assess", ASSESSED))
_DECIDE = _happened("decide", DECIDED)
_SPEAK = _either(_happened("speak", SPOKEN), _misheard("speak", SPOKEN), _never("speak", SPOKEN))
_AGREE = _either(_happened("agree", AGREED), _misheard("agree", AGREED))
_ANSWER = _either(_happened("answer", ANSWERED), _never("answer", ANSWERED))
_PREPARE = _happened("hand_over", st.just("prepare"))
_PARTNER = _happened("partner", st.sampled_from(("completed", "returned")), late=False)
EPISODES = st.one_of(
    _together(_ASSESS, _DECIDE),
    _together(_ASSESS, _DECIDE, _PREPARE, _happened("hand_over", st.sampled_from(("accept", "accept", "return")))),
    _together(_ASSESS, _SPEAK, _DECIDE, _either(_happened("end_exemption"), _happened("start_route", WHICH))),
    _together(_happened("start_route", WHICH), _either(_happened("end_route", WHICH), _SPEAK)),
    _together(_happened("suspend", st.sampled_from((None, 2, 6))), _happened("end_suspension", WHICH)),
    _together(_happened("suspend", st.none()), _ASSESS, _DECIDE, _happened("end_suspension", WHICH)),
    _together(_happened("use", st.sampled_from(("proef", "cursus"))), _happened("end_use", WHICH)),
    _together(_SPEAK),
    _together(_SPEAK, _PARTNER, _SPEAK, _PARTNER),
    _together(_SPEAK, _PARTNER, _happened("signal", late=False), _ASSESS, _DECIDE),
    _together(_AGREE, _ANSWER, _happened("climb")),
    _together(_AGREE, _AGREE, _ANSWER, _ANSWER, _happened("climb"), _happened("climb")),
    _together(_either(_happened("work_part_time", WORKED), _misheard("work_part_time", WORKED)),
              _happened("end_part_time", WHICH)),
    _together(_PREPARE, _happened("hand_over", st.sampled_from(("accept", "return")))),
    _together(_never("leave", REASON)),
    _together(_never("leave", REASON), _SPEAK, _DECIDE),
    _together(_happened("leave", REASON), _happened("check_allowances"), _happened("come_back"), _ASSESS, _DECIDE),
    _together(_happened("leave", REASON)),
    _together(_either(_never("double"), _never("stranger"))),
)  # fmt: skip

GATE = st.sampled_from(
    (
        (Entry("notify"), Entry("apply"), Entry("attend", True), Entry("assess", {"facts": "near"}), Entry("decide")),
        (Entry("assess", {"facts": "far"}), Entry("decide")),
        (Entry("notify"), Entry("apply"), Entry("assess", {"facts": "near"}), Entry("decide"), Entry("intake", True),
         Entry("grant", "granted"), Entry("start_route", 0)),
        (Entry("assess", {"facts": "near"}), Entry("decide"), Entry("start_route", 0)),
        (Entry("assess", {"facts": "farther"}), Entry("decide")),
        (Entry("notify"), Entry("apply"), Entry("attend", False, wrongly=True, later=3),
         Entry("assess", {"facts": "under_way"}, wrongly={"facts": "far"}, later=9), Entry("decide"),
         Entry("intake", False), Entry("test_language", False)),
    )
)  # fmt: skip


@st.composite
def histories(draw: st.DrawFn, *, most: int = 5) -> History:
    """A way in, and what happened and was entered after it."""
    episodes = draw(st.lists(EPISODES, min_size=1, max_size=most))
    return History((*draw(GATE), *(each for episode in episodes for each in episode)), draw(AFTER))
