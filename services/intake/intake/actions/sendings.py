"""A caseload file on its way in: batch after batch as it comes, each in a transaction of its own, or tried out only."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from chassis.csvfiles import Digest, Record
from chassis.security import Token
from chassis.work import Office, Work
from intake.actions import caseload
from intake.actions.caseload import Mark, Overtaken, Report
from intake.actions.dry_run import DryRun
from intake.actions.planning import Import, forecasts, plan
from intake.forecast import Here
from intake.problems import FileChanged
from intake.remembered import Remembered
from intake.vault import Vault

LARGEST_BATCH = 500
MOST_TRIES = 3
IMPORT = "import"
"""Who acts in what follows from an import."""


@dataclass(frozen=True)
class Sending:
    """One sending of a file. Its lines are held against each other, so memory is of this sending only."""

    office: Office
    vault: Vault
    caller: Token
    memory: Remembered
    announced: bytes = b""
    """The digest of the whole file, when the sender told."""
    read: Digest = field(default_factory=Digest)
    """Of what has come so far."""

    async def take_in(self, header: tuple[str, ...], rows: AsyncIterator[Record]) -> tuple[Report, int]:
        """Take the file in, or what was not yet; also gives the line after which it went on.

        FileChanged when it is not the file that was announced; BeingTakenIn when it comes twice at a time.
        """
        under_way, done = await self._begun(header)
        mark = done
        async for batch in _batches(rows, done.line):
            now = Mark(batch[-1].line, self.read.value)
            if now.line > done.line:
                await self._take_in(under_way, batch, mark, now)
                mark = now
            else:
                await self._pass_over(under_way, batch)
                _check(now.line < done.line or now.digest == done.digest, done)
        if self.announced:
            _check(self.read.value == self.announced, mark)
        async with self._at_work() as work:
            await caseload.finish(work, under_way)
            made = await caseload.report(work, under_way.id)
        assert made is not None, "every import has a row"
        return made, done.line

    async def try_out(self, header: tuple[str, ...], rows: AsyncIterator[Record], found: DryRun) -> None:
        """Find what would come of the file, in transactions that cannot write."""
        under_way = self._import(header)
        here: dict[str, Here] = {}
        async for batch in _batches(rows):
            async with self.office.database.snapshot(self.caller.municipalities) as session:
                work = Work(session, self.office.clock, self.office.policies, IMPORT, self.office.ids)
                planned, recalled = await plan(work, self.vault, under_way, self.memory, batch)
                for each in planned:
                    if each.case is not None and each.municipality not in here:
                        here[each.municipality] = await forecasts(work, each.municipality)
                    found.add(each, here.get(each.municipality))
            self.memory.keep(recalled)
        if self.announced:
            _check(self.read.value == self.announced, Mark())

    def _at_work(self) -> AbstractAsyncContextManager[Work]:
        return self.office.for_municipalities(self.caller.municipalities, IMPORT)

    def _import(self, header: tuple[str, ...]) -> Import:
        return Import(self.office.ids(), header, self.caller.municipalities, self.caller.actor)

    async def _begun(self, header: tuple[str, ...]) -> tuple[Import, Mark]:
        """The import of this very file that was cut off, or a new one."""
        under_way = self._import(header)
        async with self._at_work() as work:
            found = await caseload.begun(work, self.announced, self.caller.municipalities) if self.announced else None
            if found is None:
                await caseload.begin(work, under_way, self.announced)
                return under_way, Mark()
        return Import(found[0], header, self.caller.municipalities, self.caller.actor), found[1]

    async def _take_in(self, under_way: Import, batch: list[Record], before: Mark, now: Mark) -> None:
        """A batch in one transaction; who was registered by somebody else at that moment is known the next time."""
        for attempt in range(1, MOST_TRIES + 1):
            try:
                async with self._at_work() as work:
                    planned, recalled = await plan(work, self.vault, under_way, self.memory, batch)
                    await caseload.carry_out(work, self.vault, planned)
                    await caseload.count(work, under_way, planned, before, now)
            except (IntegrityError, Overtaken):
                if attempt == MOST_TRIES:
                    raise
            else:
                self.memory.keep(recalled)
                return

    async def _pass_over(self, under_way: Import, batch: list[Record]) -> None:
        """A batch that was taken in before: later lines are held against it."""
        async with self.office.database.snapshot(self.caller.municipalities) as session:
            work = Work(session, self.office.clock, self.office.policies, IMPORT, self.office.ids)
            _, recalled = await plan(work, self.vault, under_way, self.memory, batch)
        self.memory.keep(recalled)


async def _batches(rows: AsyncIterator[Record], cut_after: int = 0) -> AsyncIterator[list[Record]]:
    """Records by so many, with a cut after the line to which the file was read before."""
    batch: list[Record] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == LARGEST_BATCH or row.line == cut_after:
            yield batch
            batch = []
    if batch:
        yield batch


def _check(same: bool, mark: Mark) -> None:
    if not same:
        so_far = f" Up to line {mark.line} it was taken in." if mark.line else ""
        raise FileChanged(f"It is not the file that its Content-Digest announced; send it anew as it is now.{so_far}")
