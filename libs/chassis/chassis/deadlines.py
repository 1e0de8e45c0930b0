"""Durable deadlines: a row each, that fires once, can stand still any number of times, and explains its own date.

What is due fires on its day; what is missed, on the day after (CAL-3). Firing and what it leads to are one transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Boolean, Date, Text, Uuid, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.work import Office, Work
from policy.terms import Reckoned, Suspension, Term, reckon

LARGEST_SWEEP = 500
"""Deadlines that one transaction of the sweeper fires."""
CURRENT = ("open", "suspended")

_log = structlog.get_logger()


class _Base(DeclarativeBase):
    """Apart from the services' own tables: `chassis.migrations` makes this one."""


class Deadline(_Base):
    """A day by which something is due or missed."""

    __tablename__ = "deadlines"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    subject: Mapped[UUID] = mapped_column(Uuid)
    """Nearly always the client."""
    kind: Mapped[str] = mapped_column(Text)
    ref: Mapped[UUID | None] = mapped_column(Uuid)
    """What else it is about (a handover, a referral); one current deadline per subject, kind and ref."""
    reckoned_from: Mapped[date] = mapped_column(Date)
    term: Mapped[dict[str, Any]] = mapped_column(JSONB)
    suspensions: Mapped[list[list[str | None]]] = mapped_column(JSONB)
    due_on: Mapped[date | None] = mapped_column(Date)
    """Absent while it stands still."""
    original_due_on: Mapped[date] = mapped_column(Date)
    because: Mapped[list[str]] = mapped_column(JSONB)
    """How the day was reckoned, in Dutch."""
    rule: Mapped[str] = mapped_column(Text)
    """The rule of the policy pack that sets it."""
    owner: Mapped[str | None] = mapped_column(Text)
    fires_on: Mapped[date | None] = mapped_column(Date)
    set_on: Mapped[date] = mapped_column(Date)
    """The civil day on which it was last reckoned: one that is overdue from the start fires then."""
    missed: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(Text)
    moved_because: Mapped[str | None] = mapped_column(Text)
    fired_on: Mapped[date | None] = mapped_column(Date)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)

    def reckon(self, today: date) -> Reckoned:
        """Reckon the end from its parts, and take it over."""
        self.set_on = today
        reckoned = reckon(self.reckoned_from, Term(**self.term), [_read(s) for s in self.suspensions])
        self.due_on, self.original_due_on = reckoned.due_on, reckoned.original_due_on
        self.because = list(reckoned.because)
        self.fires_on = self._firing_day()
        self.state = "suspended" if reckoned.due_on is None else "open"
        return reckoned

    def _firing_day(self) -> date | None:
        if self.due_on is None:
            return None
        return self.due_on + timedelta(days=1) if self.missed else self.due_on


@dataclass(frozen=True)
class NewDeadline:
    """What a use case asks for: something is due a term after a day."""

    municipality: str
    subject: UUID
    kind: str
    start: date
    term: Term
    rule: str
    ref: UUID | None = None
    suspensions: tuple[Suspension, ...] = ()
    missed: bool = False
    """Fire on the day after, when the term has passed, instead of on its last day."""
    owner: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


async def set_deadlines(work: Work, new: Sequence[NewDeadline]) -> list[Deadline]:
    """Set these deadlines; a current one of the same subject, kind and ref gives way."""
    if not new:
        return []
    there = await current(work.session, {n.subject for n in new}, {n.kind for n in new})
    asked = {(n.subject, n.kind, n.ref) for n in new}
    for deadline in there:
        if (deadline.subject, deadline.kind, deadline.ref) in asked:
            deadline.state = "cancelled"
    await work.session.flush()
    made = [_made(work, n) for n in new]
    work.session.add_all(made)
    return made


async def set_deadline(work: Work, new: NewDeadline) -> Deadline:
    """Set one deadline."""
    return (await set_deadlines(work, [new]))[0]


async def current(
    session: AsyncSession, subjects: Collection[UUID], kinds: Collection[str] | None = None, ref: UUID | None = None,
    *, lock: bool = False,
) -> list[Deadline]:  # fmt: skip
    """The deadlines of these subjects that are open or stand still, by firing day."""
    query = select(Deadline).where(Deadline.subject.in_(subjects), Deadline.state.in_(CURRENT))
    if kinds is not None:
        query = query.where(Deadline.kind.in_(kinds))
    if ref is not None:
        query = query.where(Deadline.ref == ref)
    if lock:
        query = query.with_for_update()
    return list(await session.scalars(query.order_by(Deadline.fires_on, Deadline.id)))


async def newest(work: Work, subject: UUID, kind: str) -> Deadline | None:
    """The deadline of a kind that was set last, whatever came of it."""
    of_kind = select(Deadline).where(Deadline.subject == subject, Deadline.kind == kind)
    found: Deadline | None = await work.session.scalar(of_kind.order_by(Deadline.id.desc()).limit(1))
    return found


async def cancel(
    work: Work, subjects: Collection[UUID], kinds: Collection[str] | None = None, ref: UUID | None = None
) -> None:
    """Stop these deadlines for good."""
    if not subjects:
        return
    await work.session.flush()
    statement = update(Deadline).where(Deadline.subject.in_(subjects), Deadline.state.in_(CURRENT))
    if kinds is not None:
        statement = statement.where(Deadline.kind.in_(kinds))
    if ref is not None:
        statement = statement.where(Deadline.ref == ref)
    await work.session.execute(statement.values(state="cancelled"), execution_options={"synchronize_session": "fetch"})


HALTED = "halted"
"""In the data of a deadline: it was stopped so that it can go on."""
_HALTED = {HALTED: True}


async def halt(
    work: Work,
    subjects: Collection[UUID],
    kinds: Collection[str] | None = None,
    since: Mapping[UUID, date] = MappingProxyType({}),
) -> None:
    """Stop these deadlines as `cancel` does, so that `restart` can take it back.

    Of a subject that has a day in `since`, those that are reckoned from later go on.
    """
    for deadline in await current(work.session, subjects, kinds, lock=True):  # it may fire at this moment
        if deadline.reckoned_from <= since.get(deadline.subject, date.max):
            deadline.state, deadline.data = "cancelled", deadline.data | _HALTED


async def restart(work: Work, subjects: Collection[UUID], *, but: Collection[str] = ()) -> None:
    """Let what was halted go on, reckoned anew: what should have fired meanwhile fires now.

    What was set anew meanwhile stands instead, and of what was halted twice the later.
    """
    there = {(each.subject, each.kind, each.ref) for each in await current(work.session, subjects)}
    for deadline in reversed(await _halted(work, subjects)):
        key = deadline.subject, deadline.kind, deadline.ref
        if deadline.kind not in but:
            _forget_halt(deadline)
            if key not in there:
                deadline.reckon(work.today)
                there.add(key)


async def give_up(work: Work, subjects: Collection[UUID], kinds: Collection[str] | None = None) -> list[Deadline]:
    """What was halted stays stopped for good: all of it, or of these kinds. Returns those deadlines."""
    given_up = [each for each in await _halted(work, subjects) if kinds is None or each.kind in kinds]
    for deadline in given_up:
        _forget_halt(deadline)
    return given_up


def _forget_halt(deadline: Deadline) -> None:
    deadline.data = {name: value for name, value in deadline.data.items() if name not in _HALTED}


async def _halted(work: Work, subjects: Collection[UUID]) -> Sequence[Deadline]:
    await work.session.flush()
    query = select(Deadline).where(
        Deadline.subject.in_(subjects), Deadline.state == "cancelled", Deadline.data.contains(_HALTED)
    )
    return (await work.session.scalars(query.order_by(Deadline.id).with_for_update())).all()


async def suspend(work: Work, subject: UUID, kinds: Collection[str], start: date) -> list[Deadline]:
    """Let these deadlines stand still from a day on."""
    stood = await current(work.session, {subject}, kinds)
    for deadline in stood:
        if not any(end is None for _, end in deadline.suspensions):
            deadline.suspensions = [*deadline.suspensions, [start.isoformat(), None]]
            deadline.reckon(work.today)
    return stood


async def resume(work: Work, subject: UUID, kinds: Collection[str], on: date) -> list[Deadline]:
    """Let what stands still go on from a day: its end shifts by the days in between."""
    went_on = await current(work.session, {subject}, kinds)
    for deadline in went_on:
        deadline.suspensions = [
            [start, on.isoformat() if end is None else end]
            for start, end in deadline.suspensions
            if end is not None or str(start) <= on.isoformat()
        ]
        deadline.reckon(work.today)
    return went_on


def move(deadline: Deadline, to: date, reason: str) -> None:
    """Move a deadline by hand, with the reason; the date as reckoned is kept."""
    deadline.because = [*deadline.because, f"Verzet naar {to:%d-%m-%Y}: {reason}"]
    deadline.due_on, deadline.moved_because = to, reason
    deadline.fires_on = deadline._firing_day()  # noqa: SLF001 - the same module
    deadline.state = "open"


Fired = Callable[[Work, Sequence[Deadline]], Awaitable[None]]
"""What happens when deadlines of one kind fire, in the sweeper's transaction."""


class Sweeper:
    """Fires what is due by the civil clock; any number of them share the work, and each deadline fires once."""

    def __init__(self, office: Office, handlers: Mapping[str, Fired], *, every: float = 1.0) -> None:
        self._office, self._handlers, self._every = office, handlers, every
        self._task: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Sweep from now on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the sweep in hand and stop."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def alive(self) -> bool:
        """Whether it still sweeps."""
        return self._task is not None and not self._task.done()

    async def sweep(self) -> int:
        """Fire everything that is due today; returns how many fired. One that cannot fire holds up no other.

        Who asks while a sweep is in hand waits for that one, so that nothing is due any more when this returns.
        """
        async with self._one_at_a_time:
            return await self._sweep()

    async def _sweep(self) -> int:
        fired, failed = 0, set[UUID]()
        while due := await self._due(failed):
            try:
                fired += await self._fire(due)
            except Exception:  # noqa: BLE001 - whatever it is, the others go on, one by one
                for deadline_id in due:
                    fired += await self._fire_alone(deadline_id, failed)
        return fired

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:  # noqa: BLE001 - a database that is away comes back
                _log.exception("sweep failed")
            await asyncio.sleep(self._every)

    async def _due(self, failed: Collection[UUID]) -> list[UUID]:
        query = select(Deadline.id).where(
            Deadline.state == "open",
            Deadline.fires_on <= self._office.clock.today(),
            Deadline.kind.in_(self._handlers),
        )
        if failed:
            query = query.where(Deadline.id.not_in(failed))
        async with self._office.database.glance.connect() as connection:
            found = await connection.scalars(query.order_by(Deadline.fires_on, Deadline.id).limit(LARGEST_SWEEP))
            return list(found)

    async def _fire(self, due: Sequence[UUID]) -> int:
        async with self._office.in_background() as work:
            deadlines = await work.session.scalars(
                select(Deadline)
                .where(Deadline.id.in_(due), Deadline.state == "open", Deadline.fires_on <= work.today)
                .order_by(Deadline.fires_on, Deadline.id)
                .with_for_update(skip_locked=True)
            )
            by_kind: dict[str, list[Deadline]] = {}
            for deadline in deadlines:
                deadline.state, deadline.fired_on = "fired", work.today
                by_kind.setdefault(deadline.kind, []).append(deadline)
            for kind, of_kind in by_kind.items():
                await self._handlers[kind](work, of_kind)
            return sum(map(len, by_kind.values()))

    async def _fire_alone(self, deadline_id: UUID, failed: set[UUID]) -> int:
        try:
            return await self._fire([deadline_id])
        except Exception:  # noqa: BLE001 - it stays open, is logged, and is tried again at the next sweep
            _log.exception("deadline cannot fire", deadline=str(deadline_id))
            failed.add(deadline_id)
            return 0


def _made(work: Work, new: NewDeadline) -> Deadline:
    term = {"years": new.term.years, "months": new.term.months, "weeks": new.term.weeks, "days": new.term.days}
    deadline = Deadline(
        id=work.ids(), municipality=new.municipality, subject=new.subject, kind=new.kind, ref=new.ref,
        reckoned_from=new.start, term={**term, "ground": new.term.ground},
        suspensions=[_write(s) for s in new.suspensions], rule=new.rule, missed=new.missed,
        owner=new.owner, data=dict(new.data),
    )  # fmt: skip
    deadline.reckon(work.today)
    return deadline


def _write(suspension: Suspension) -> list[str | None]:
    return [suspension.start.isoformat(), suspension.end.isoformat() if suspension.end else None]


def _read(stored: Sequence[str | None]) -> Suspension:
    start, end = stored
    assert start is not None
    return Suspension(date.fromisoformat(start), date.fromisoformat(end) if end else None)
