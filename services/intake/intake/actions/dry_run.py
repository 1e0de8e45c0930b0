"""What a caseload file would lead to: the report of a dry run, which writes nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from chassis.csvfiles import Fault, Told
from intake.actions.caseload import MOST_SHOWN
from intake.actions.planning import Planned
from intake.caseload import Case, Line
from intake.forecast import Here
from intake.rules import BirthDate


@dataclass
class Guidance:
    """The clients of a role, by how they come to a caseworker."""

    named: int = 0
    """With the caseworker whom the file names."""
    assigned: int = 0
    """With another of the role, the least loaded."""
    waiting: int = 0
    """With nobody: they stand with the team's manager."""


@dataclass
class DryRun:
    """What would come of a file. Of lines it shows the first of each kind, and counts all."""

    most_shown: int | None = MOST_SHOWN
    rows: int = 0
    registered: int = 0
    cases: int = 0
    ended: int = 0
    """Spells that ended, among those taken in."""
    known: int = 0
    known_lines: list[int] = field(default_factory=list)
    refused_lines: int = 0
    refused: list[Told] = field(default_factory=list)
    remarked_lines: int = 0
    remarks: list[Told] = field(default_factory=list)
    categories: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    guidance: dict[str, Guidance] = field(default_factory=dict)
    overdue: Counter[str] = field(default_factory=Counter)
    open_referrals: int = 0

    def add(self, planned: Planned, here: Here | None) -> None:
        """Count what comes of a line; `here` is where it is taken in."""
        self.rows += 1
        if planned.faults:
            self.refused_lines += 1
            self._show(self.refused, planned, planned.faults)
            return
        self.registered += planned.registers
        if planned.known:
            self.known += 1
            if self._has_room(self.known_lines):
                self.known_lines.append(planned.number)
        if planned.case is not None:
            assert planned.line is not None
            assert here is not None
            self._take(planned, planned.line, planned.case, here)

    def _take(self, planned: Planned, line: Line, case: Case, here: Here) -> None:
        self.cases += 1
        if case.exited_on is not None:
            self.ended += 1
            return
        self.categories.update(filter(None, [case.category]))
        self.routes.update(filter(None, [case.route]))
        self.open_referrals += len(case.open_referrals)
        born = BirthDate.parse(line.person.birth_date)
        assert born is not None, "the rules refuse whoever has no birth date"
        follows = here.forecast(case, line.person, born.band(here.today))
        self.overdue.update(follows.overdue.keys())
        if follows.role is not None:
            guided = self.guidance.setdefault(follows.role, Guidance())
            guided.named += follows.named
            guided.waiting += follows.waits
            guided.assigned += not follows.named and not follows.waits
        if remarks := list(follows.remarks(case)):
            self.remarked_lines += 1
            self._show(self.remarks, planned, remarks)

    def _show(self, shown: list[Told], planned: Planned, faults: Iterable[Fault]) -> None:
        shown.extend(Told(planned.number, each.column, each.detail) for each in faults if self._has_room(shown))

    def _has_room(self, shown: list[Told] | list[int]) -> bool:
        return self.most_shown is None or len(shown) < self.most_shown
