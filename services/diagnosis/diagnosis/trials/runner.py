"""Runs trials beside the requests: reads as of one moment in a transaction that cannot write, and keeps its own record.

A trial that was broken off begins anew at the next start; of several processes one runs it.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, text, update

from chassis.bus import Pump
from chassis.logs import traced
from chassis.trouble import DatabaseTrouble
from chassis.work import Office
from diagnosis.tables import PolicyTrial, TrialMove
from diagnosis.trials.caseload import caseload, number_of
from diagnosis.trials.cases import Case, Policy
from diagnosis.trials.drafts import read
from diagnosis.trials.tally import Move, Tally

log = structlog.get_logger("trials")

AHEAD = ("waiting", "running")
TOGETHER = 1000
"""Clients that are in memory at once."""
LONGEST_TRIAL = 3600.0

_INSERT = text(
    "INSERT INTO policy_trial_moves (trial_id, position, municipality, client_id, kind, what, before, after)"
    " SELECT :trial, :first + number - 1, :municipality, client_id, kind, what, before, after FROM unnest("
    "CAST(:clients AS uuid[]), CAST(:kinds AS text[]), CAST(:whats AS text[]), CAST(:befores AS text[]),"
    " CAST(:afters AS text[])) WITH ORDINALITY AS moves (client_id, kind, what, before, after, number)"
)


class TrialRunner:
    """Runs the trials that were asked for, one after another."""

    def __init__(self, office: Office, *, together: int = TOGETHER) -> None:
        self._office, self._together = office, together
        self._pump = Pump("policy trials", self.turn, longest_turn=LONGEST_TRIAL)
        self._leaving = False

    async def start(self) -> None:
        """Begin; what was broken off comes first."""
        self._leaving = False
        self._pump.start()

    async def stop(self) -> None:
        """Break off between two parts; the trial begins anew at the next start."""
        self._leaving = True
        await self._pump.stop()

    def alive(self) -> bool:
        """Whether it still looks for trials."""
        return self._pump.alive()

    async def turn(self) -> bool:
        """Run what waits; whether there was anything."""
        query = select(PolicyTrial.id, PolicyTrial.municipality).where(PolicyTrial.state.in_(AHEAD))
        async with self._office.database.glance.connect() as connection:
            ahead = (await connection.execute(query.order_by(PolicyTrial.id))).all()
        return any([await self._try(each.id, each.municipality) for each in ahead if not self._leaving])

    async def _try(self, id: UUID, municipality: str) -> bool:
        try:
            return await self.run(id, municipality)
        except (DatabaseTrouble, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hold up other trials
            log.warning("a trial failed", trial=str(id), **traced(error))
            await Record(self._office, id, municipality).end("failed")
            return True

    async def run(self, id: UUID, municipality: str) -> bool:
        """Run one trial to its end; False when another process has it, or it is over."""
        async with self._office.database.snapshot([municipality]) as session:
            if not await session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(str(id), 0)))):
                return False
            trial = await session.get(PolicyTrial, id)
            record = Record(self._office, id, municipality)
            if trial is None or not await record.begin(await number_of(session, municipality)):
                return False
            draft = (await asyncio.to_thread(read, trial.files)).in_force(municipality, trial.on_day)
            present = self._office.policies.in_force(municipality, trial.on_day)
            comparison = Comparison(Policy(present, trial.on_day), Policy(draft, trial.on_day))
            async for cases in caseload(session, municipality, trial.on_day, self._together):
                await record.add(await asyncio.to_thread(comparison.moves, cases), comparison.tally.clients)
                if self._leaving:
                    return False
        result = comparison.tally.result(present, draft)
        await record.end("finished", result.model_dump(mode="json", by_alias=True))
        return True


class Comparison:
    """Two policies on the same clients."""

    def __init__(self, before: Policy, after: Policy) -> None:
        self.before, self.after = before, after
        self.tally = Tally(before.on.year)

    def moves(self, cases: Sequence[Case]) -> list[Move]:
        """Count these clients; what changes for them."""
        found: list[Move] = []
        for case in cases:
            facts = case.facts()
            before, after = self.before.outcome(case, facts), self.after.outcome(case, facts)
            found += self.tally.add(case, before, after, self.after.pack)
        return found


class Record:
    """What a trial writes: its own progress and what it found, and nothing else."""

    def __init__(self, office: Office, id: UUID, municipality: str) -> None:
        self._office, self._id, self._municipality = office, id, municipality
        self._written = 0

    async def begin(self, clients: int) -> bool:
        """From the beginning, whatever an earlier try left; False when the trial is over."""
        return await self._update(anew=True, state="running", clients=clients, clients_done=0)

    async def add(self, moves: Sequence[Move], done: int) -> None:
        """Some clients further."""
        await self._update(moves=moves, clients_done=done)

    async def end(self, state: str, result: object = None) -> None:
        """It is over."""
        await self._update(state=state, result=result, finished_at=self._office.clock.wall())

    async def _update(self, *, anew: bool = False, moves: Sequence[Move] = (), **values: object) -> bool:
        mine = PolicyTrial.id == self._id
        async with self._office.for_municipalities([self._municipality], "clock") as work:
            changed = update(PolicyTrial).where(mine, PolicyTrial.state.in_(AHEAD)).values(**values)
            if await work.session.scalar(changed.returning(PolicyTrial.id)) is None:
                return False
            if anew:
                await work.session.execute(delete(TrialMove).where(TrialMove.trial_id == self._id))
            if moves:
                columns = {
                    "clients": [each.client_id for each in moves],
                    "kinds": [each.kind for each in moves],
                    "whats": [each.what for each in moves],
                    "befores": [each.before for each in moves],
                    "afters": [each.after for each in moves],
                }
                row = {"trial": self._id, "municipality": self._municipality, "first": self._written}
                await work.session.execute(_INSERT, row | columns)
                self._written += len(moves)
        return True
