"""Taking a caseload in: a batch of lines in one transaction, each person and each spell of benefit once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.work import Work
from intake import caseload
from intake.actions.numbers import known_otherwise
from intake.actions.policies import pack_of
from intake.actions.registration import register
from intake.caseload import BrokenLine, Case, Line
from intake.csvlines import Record
from intake.problems import NoPolicy
from intake.rules import Fault, refusals
from intake.tables import CaseloadImport, Client, ImportedCase, RefusedLine, standings_of
from intake.vault import Vault

LARGEST_BATCH = 500
MOST_SHOWN = 1000
"""Refused lines that a report shows; their number it always tells."""
CORRECTED = Fault("bsn", "was wrong and was corrected: this person is a client under another number; take that over")


@dataclass
class Tally:
    """What came of the lines of one municipality."""

    registered: int = 0
    cases: int = 0
    known: int = 0
    refused: list[tuple[int, Fault]] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What came of an import so far."""

    id: UUID
    registered: int
    cases: int
    known: int
    refused_lines: int
    refused: Sequence[RefusedLine]
    finished: bool


@dataclass(frozen=True)
class Import:
    """An import under way."""

    id: UUID
    header: tuple[str, ...]
    municipalities: frozenset[str]
    by: str

    @property
    def home(self) -> str:
        """Where a line is counted that names no municipality of the token."""
        return min(self.municipalities)


async def take_in(work: Work, vault: Vault, under_way: Import, records: Sequence[Record], *, finished: bool) -> None:
    """Take in a batch of lines: register who is new, publish each spell that is new, count the rest."""
    tallies: dict[str, Tally] = defaultdict(Tally, {under_way.home: Tally()})
    accepted: dict[str, list[tuple[int, Line]]] = defaultdict(list)
    for record in records:
        read = _read(under_way, record)
        if isinstance(read, BrokenLine):
            tallies[under_way.home].refused += [(record.line, fault) for fault in read.faults]
        elif faults := _faults(work, under_way, read):
            home = read.municipality if read.municipality in under_way.municipalities else under_way.home
            tallies[home].refused += [(record.line, fault) for fault in faults]
        else:
            accepted[read.municipality].append((record.line, read))
    for municipality, lines in accepted.items():
        otherwise = await known_otherwise(work, vault, municipality, [line.person for _, line in lines])
        tallies[municipality].refused += [(lines[place][0], CORRECTED) for place in otherwise]
        right = [line for place, (_, line) in enumerate(lines) if place not in otherwise]
        await _take_in(work, vault, municipality, right, tallies[municipality])
    await _count(work, under_way, tallies, finished=finished)


async def report(work: Work, import_id: UUID) -> Report | None:
    """What came of an import, in the municipalities that the token holds."""
    rows = (await work.session.scalars(select(CaseloadImport).where(CaseloadImport.id == import_id))).all()
    if not rows:
        return None
    query = select(RefusedLine).where(RefusedLine.import_id == import_id).order_by(RefusedLine.line, RefusedLine.id)
    return Report(
        id=import_id,
        registered=sum(row.registered for row in rows),
        cases=sum(row.cases for row in rows),
        known=sum(row.known for row in rows),
        refused_lines=sum(row.refused for row in rows),
        refused=(await work.session.scalars(query.limit(MOST_SHOWN))).all(),
        finished=all(row.finished for row in rows),
    )


def _read(under_way: Import, record: Record) -> Line | BrokenLine:
    if record.fault:
        return BrokenLine([Fault("", record.fault)])
    return caseload.read(under_way.header, record.cells)


def _faults(work: Work, under_way: Import, line: Line) -> list[Fault]:
    """Why a line cannot be taken in, by column."""
    if line.municipality not in under_way.municipalities:
        return [Fault("municipality", "is none of the access token's")]
    person = [Fault(caseload.as_column(each.field), each.detail) for each in refusals(line.person, work.today)]
    try:
        pack = pack_of(work, line.municipality)
    except NoPolicy as problem:
        return [*person, Fault("municipality", problem.detail)]
    return [*person, *caseload.case_faults(line.case, pack, work.today)]


async def _take_in(work: Work, vault: Vault, municipality: str, lines: Sequence[Line], tally: Tally) -> None:
    found = await register(work, vault, municipality, [line.person for line in lines], "import")
    spells = await _Spells.of(work, [each.client for each in found])
    standings = await standings_of(work.session, {each.client.id: each.client for each in found}.values())
    pack = pack_of(work, municipality)
    for each, line in zip(found, lines, strict=True):
        taken = spells.take(work, each.client, line.case)
        if taken:
            work.publish(each.client.id, municipality, caseload.imported(line.case, pack, work.today))
            if line.case.exited_on is None:
                standings[each.client.id].diagnosed_on = line.case.categorised_on
            _close(each.client, line.case, new=each.is_new)
        tally.registered += each.is_new
        tally.cases += taken
        tally.known += not each.is_new and not taken


def _close(client: Client, case: Case, *, new: bool) -> None:
    """A spell that ended by death or departure closes the registration that it brought along."""
    state = caseload.ENDED_STATES.get(case.exit_reason or "")
    if new and state:
        client.state, client.ended_on = state, case.exited_on


class _Spells:
    """The spells of benefit that imports brought along for the clients in hand."""

    def __init__(self, cases: Sequence[ImportedCase]) -> None:
        self._known = {(case.client_id, case.benefit_from) for case in cases}
        self._current = {case.client_id for case in cases if case.exited_on is None}

    @classmethod
    async def of(cls, work: Work, clients: Sequence[Client]) -> "_Spells":
        """Those of these clients."""
        query = select(ImportedCase).where(ImportedCase.client_id.in_({client.id for client in clients}))
        return cls((await work.session.scalars(query)).all())

    def take(self, work: Work, client: Client, case: Case) -> bool:
        """Take a spell in that is new; a journey that runs here already, or that an import began, stands as it is."""
        ended = case.exited_on is not None
        if (client.id, case.benefit_from) in self._known:
            return False
        if not ended and (client.origin != "import" or client.id in self._current):
            return False
        self._known.add((client.id, case.benefit_from))
        if not ended:
            self._current.add(client.id)
        work.session.add(
            ImportedCase(
                id=work.ids(), client_id=client.id, municipality=client.municipality, benefit_from=case.benefit_from,
                exited_on=case.exited_on,
            )
        )  # fmt: skip
        return True


async def _count(work: Work, under_way: Import, tallies: dict[str, Tally], *, finished: bool) -> None:
    for municipality, tally in sorted(tallies.items()):
        work.session.add_all(
            RefusedLine(
                id=work.ids(), import_id=under_way.id, municipality=municipality, line=line, column=fault.field,
                detail=fault.detail,
            )
            for line, fault in tally.refused
        )  # fmt: skip
        counts = {
            "registered": tally.registered, "cases": tally.cases, "known": tally.known,
            "refused": len({line for line, _ in tally.refused}),
        }  # fmt: skip
        row = {"id": under_way.id, "municipality": municipality, "started_on": work.today, "by": under_way.by}
        new = insert(CaseloadImport).values(**row, **counts, finished=False)
        added = {name: getattr(CaseloadImport, name) + new.excluded[name] for name in counts}
        await work.session.execute(new.on_conflict_do_update(index_elements=["id", "municipality"], set_=added))
    if finished:
        mine = CaseloadImport.id == under_way.id
        await work.session.execute(update(CaseloadImport).where(mine).values(finished=True))
