"""Taking a caseload in: a batch of lines in one transaction, each person and each spell of benefit once."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.problems import Conflict
from chassis.work import Work
from intake import caseload
from intake.actions.planning import Import, Planned
from intake.actions.registration import register
from intake.caseload import Case
from intake.problems import BeingTakenIn
from intake.tables import CaseloadFile, CaseloadImport, Client, ImportedCase, RefusedLine, standings_of
from intake.vault import Vault

MOST_SHOWN = 1000
"""Refused lines that a report shows; their number it always tells."""


class Overtaken(Conflict):
    """Somebody was registered by another while the batch was planned: it is planned anew."""

    slug = "import-overtaken"
    title = "Others keep registering the same people at the same time"


@dataclass(frozen=True)
class Mark:
    """How far a file was read: the last line, and the digest of all up to its end."""

    line: int = 0
    digest: bytes = b""


@dataclass(frozen=True)
class Report:
    """What came of an import so far."""

    id: UUID
    rows: int
    registered: int
    cases: int
    known: int
    refused_lines: int
    refused: Sequence[RefusedLine]
    finished: bool


async def begun(work: Work, digest: bytes, municipalities: Collection[str]) -> tuple[UUID, Mark] | None:
    """The import of the very same file for the same municipalities that was not finished, and how far it is."""
    query = select(CaseloadFile).where(
        CaseloadFile.digest == digest,
        CaseloadFile.municipalities == sorted(municipalities),
        CaseloadFile.finished.is_(False),
    )
    found = (await work.session.scalars(query.order_by(CaseloadFile.id.desc()).limit(1))).first()
    return None if found is None else (found.id, Mark(found.line, found.read))


async def begin(work: Work, under_way: Import, digest: bytes) -> None:
    """Remember that this file is being taken in."""
    work.session.add(
        CaseloadFile(
            id=under_way.id, municipality=under_way.home, digest=digest, line=0, read=b"", finished=False,
            municipalities=sorted(under_way.municipalities),
        )
    )  # fmt: skip
    await _add_up(work, under_way, under_way.home, [])


async def carry_out(work: Work, vault: Vault, planned: Sequence[Planned]) -> None:
    """Do what was planned; Overtaken when somebody was registered meanwhile."""
    sound: dict[str, list[Planned]] = defaultdict(list)
    for each in planned:
        if not each.faults:
            sound[each.municipality].append(each)
    for municipality, lines in sound.items():
        await _take_in(work, vault, municipality, lines)


async def count(work: Work, under_way: Import, planned: Sequence[Planned], before: Mark, now: Mark) -> None:
    """Count what came of a batch, and that the file was read so far; BeingTakenIn when another did at this moment."""
    for municipality in sorted({under_way.home, *(each.municipality for each in planned)}):
        lines = [each for each in planned if each.municipality == municipality]
        work.session.add_all(
            RefusedLine(
                id=work.ids(), import_id=under_way.id, municipality=municipality, line=each.number,
                column=fault.column, detail=fault.detail,
            )
            for each in lines
            for fault in each.faults
        )  # fmt: skip
        await _add_up(work, under_way, municipality, lines)
    moved = update(CaseloadFile).where(CaseloadFile.id == under_way.id, CaseloadFile.line == before.line)
    done = await work.session.execute(moved.values(line=now.line, read=now.digest))
    if cast(CursorResult[Any], done).rowcount == 0:
        raise BeingTakenIn


async def finish(work: Work, under_way: Import) -> None:
    """The whole file was read."""
    for table in (CaseloadImport, CaseloadFile):
        await work.session.execute(update(table).where(table.id == under_way.id).values(finished=True))


async def report(work: Work, import_id: UUID) -> Report | None:
    """What came of an import, in the municipalities that the token holds."""
    rows = (await work.session.scalars(select(CaseloadImport).where(CaseloadImport.id == import_id))).all()
    if not rows:
        return None
    return Report(
        id=import_id,
        rows=sum(row.rows for row in rows),
        registered=sum(row.registered for row in rows),
        cases=sum(row.cases for row in rows),
        known=sum(row.known for row in rows),
        refused_lines=sum(row.refused for row in rows),
        refused=await refused(work, import_id, MOST_SHOWN),
        finished=all(row.finished for row in rows),
    )


async def refused(work: Work, import_id: UUID, most: int | None = None) -> Sequence[RefusedLine]:
    """What is wrong in the refused lines, in their order."""
    query = select(RefusedLine).where(RefusedLine.import_id == import_id).order_by(RefusedLine.line, RefusedLine.id)
    return (await work.session.scalars(query.limit(most))).all()


async def _take_in(work: Work, vault: Vault, municipality: str, planned: Sequence[Planned]) -> None:
    people = [each.line.person for each in planned if each.line is not None]
    found = await register(work, vault, municipality, people, "import")
    standings = await standings_of(work.session, {each.client.id: each.client for each in found}.values())
    for each, (registered, client) in zip(planned, ((one.is_new, one.client) for one in found), strict=True):
        if registered != each.registers:
            raise Overtaken
        if each.case is not None:
            work.session.add(_spell(work, client, each.case))
            event = caseload.imported(each.case, work.today, work.ids, runs_here=each.runs_here)
            work.publish(client.id, municipality, event)
            if each.case.exited_on is None:
                standings[client.id].diagnosed_on = each.case.categorised_on
            _close(client, each.case, new=each.registers)


def _spell(work: Work, client: Client, case: Case) -> ImportedCase:
    return ImportedCase(
        id=work.ids(), client_id=client.id, municipality=client.municipality, benefit_from=case.benefit_from,
        exited_on=case.exited_on,
    )  # fmt: skip


def _close(client: Client, case: Case, *, new: bool) -> None:
    """A spell that ended by death or departure closes the registration that it brought along, until another runs."""
    state = caseload.ENDED_STATES.get(case.exit_reason or "")
    if new and state:
        client.state, client.ended_on = state, case.exited_on
    elif case.exited_on is None and client.state == "moved_away":
        client.state, client.ended_on = "registered", None


async def _add_up(work: Work, under_way: Import, municipality: str, lines: Sequence[Planned]) -> None:
    counts = {
        "rows": len(lines),
        "registered": sum(each.registers for each in lines),
        "cases": sum(each.case is not None for each in lines),
        "known": sum(each.known for each in lines),
        "refused": sum(bool(each.faults) for each in lines),
    }
    row = {"id": under_way.id, "municipality": municipality, "started_on": work.today, "by": under_way.by}
    new = insert(CaseloadImport).values(**row, **counts, finished=False)
    added = {name: getattr(CaseloadImport, name) + new.excluded[name] for name in counts}
    await work.session.execute(new.on_conflict_do_update(index_elements=["id", "municipality"], set_=added))
