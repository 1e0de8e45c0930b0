"""Two registrations become one, and may turn out to be two: a service remembers what a merger did, to undo it.

Before and after a merger the rows of both clients are compared, and what differs is kept: so each service merges in
code of its own, and undoing is here, once. It puts back column by column what still stands as the merger left it; what
changed since, stays. An event that comes late about who had gone, or about the survivor of before the merger, is
remembered in the same way, so that it is handled anew for whom it was about.
See docs/decisions/0011-what-a-merger-did-is-remembered.md.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from chassis.consumer import Handler, Handlers
from chassis.deadlines import Deadline, Fired, NewDeadline, cancel, set_deadline
from chassis.images import Change, Image, OfClients, differences, image, put_back
from chassis.work import Work
from contracts import Envelope, decode, encode
from contracts.intake import ClientErased, ClientsMerged, MergerUndone
from policy import NoPolicyInForce, UnknownMunicipality, section

KIND = "merger_remembered"
"""The deadline after which a merger is forgotten; its subject is the merger."""
DAYS_FOR_WHAT_COMES_LATE = 28
"""A merger is remembered so much longer than it can be undone: the word of that may be late."""

_REMEMBER = text(
    "INSERT INTO remembered_mergers (event_id, merger_id, municipality, gone, survivor, said, changes) VALUES"
    " (:event_id, :merger_id, :municipality, :gone, :survivor, :said, CAST(:changes AS jsonb))"
)
_SINCE = text(
    "SELECT event_id, merger_id, gone, survivor, said, changes::text FROM remembered_mergers WHERE position >="
    " (SELECT position FROM remembered_mergers WHERE event_id = :merger) ORDER BY position"
)
_STANDING = text(
    "SELECT merger_id, gone, survivor, CAST(CAST(said AS jsonb) ->> 'time' AS timestamptz) FROM remembered_mergers"
    " WHERE (gone = ANY (:clients) OR survivor = ANY (:clients)) AND event_id = merger_id AND gone <> survivor"
    " ORDER BY position"
)
_FORGET_ONE = text("DELETE FROM remembered_mergers WHERE event_id = :event_id")
_FORGET = text("DELETE FROM remembered_mergers WHERE merger_id = ANY (:mergers)")
_FORGET_CLIENTS = text("DELETE FROM remembered_mergers WHERE gone = ANY (:clients) OR survivor = ANY (:clients)")


class NotRemembered(LookupError):
    """A merger is to be undone of which nothing is known here any more."""


@dataclass(frozen=True)
class Merger:
    """A client who goes on as another, both by the ids under which they go here."""

    id: UUID
    municipality: str
    gone: UUID
    survivor: UUID
    on: date
    by: str

    @property
    def clients(self) -> tuple[UUID, UUID]:
        """Both."""
        return self.gone, self.survivor


@dataclass(frozen=True)
class Undone:
    """What was undone: a merger, or what an event did that came late about who had gone."""

    merger: Merger
    changes: Sequence[Change]
    """All that it had changed."""
    put_back: Sequence[Change]
    """What stood as it was left, with those columns only."""
    on: date
    by: str

    def changed(self, table: type[DeclarativeBase]) -> Iterator[Change]:
        """What it had changed in a table."""
        return (each for each in self.changes if each.table == table.__table__.description)

    def restored(self, table: type[DeclarativeBase]) -> Iterator[Change]:
        """What was put back in a table."""
        return (each for each in self.put_back if each.table == table.__table__.description)


@dataclass(frozen=True)
class _Remembered:
    """A merger, or an event that came late while it stood."""

    event_id: UUID
    merger_id: UUID
    gone: UUID
    survivor: UUID
    envelope: Envelope[Any]
    changes: Sequence[Change]


@dataclass(frozen=True)
class _Standing:
    """A merger that can be undone, and when it was recorded."""

    merger_id: UUID
    gone: UUID
    survivor: UUID
    recorded_at: datetime

    def came_before(self, late: Envelope[Any]) -> bool:
        """Whether it was heard before something about who had gone, or about the survivor as they were until then."""
        return late.subject == self.gone or (late.subject == self.survivor and late.recorded_at < self.recorded_at)


Now = Callable[[Work, Collection[UUID]], Awaitable[Mapping[UUID, UUID]]]
Hold = Callable[[Work, Mapping[UUID, str]], Awaitable[None]]
Merge = Callable[[Work, Merger], Awaitable[None]]
Follow = Callable[[Work, Undone], Awaitable[None]]


class Mergers:
    """How a service merges two clients, and what follows when that is undone."""

    def __init__(self, heard: Handlers, *tables: OfClients, now: Now, hold: Hold, merge: Merge, follow: Follow) -> None:
        """`heard` are the service's other handlers.

        `now` tells as whom merged ids go on; `hold` makes what clients lack and locks them, by id and municipality;
        `merge` changes rows and says what others need; `follow` does what follows after rows were put back.
        """
        self._tables = {each.name: each for each in tables}
        self._now, self._hold, self._merge, self._follow = now, hold, merge, follow
        about_clients = {event: self._remembering(each) for event, each in heard.items() if event.about == "client"}
        self.remembering: Handlers = {**heard, **about_clients}
        """What the service hears, done so that what comes late about who had gone can be done anew."""
        self.handlers: Handlers = {
            **self.remembering, ClientsMerged: self._each(self.merge), MergerUndone: self._each(self.undo)
        }  # fmt: skip
        """The same, with mergers and their undoing."""

    async def merge(self, work: Work, envelope: Envelope[ClientsMerged]) -> None:
        """The subject goes on as another client; what that changes is remembered as long as it can be undone."""
        now = await self._now(work, {envelope.subject, envelope.data.into})
        gone, survivor = now.get(envelope.subject, envelope.subject), now.get(envelope.data.into, envelope.data.into)
        if gone == survivor:  # an earlier merger, heard before this one, had made them one
            await self._remember(work, envelope, _of(envelope.id, envelope, gone, survivor), ())
            return
        await self._hold(work, dict.fromkeys((gone, survivor), envelope.municipality))
        merger = _of(envelope.id, envelope, gone, survivor)
        before = await self._image(work.session, merger)
        with work.because_of(merger.id, merger.clients):
            await self._merge(work, merger)
        await self._remember(work, envelope, merger, await self._since(work.session, merger, before))

    async def undo(self, work: Work, envelope: Envelope[MergerUndone]) -> None:
        """Everything is as if there had been no merger. What met these clients after it is done anew, in order."""
        stack = await _from(work.session, envelope.data.merger_id)
        for each in reversed(stack):
            await self._take_apart(work, each, envelope)
        for each in stack[1:]:
            if each.envelope.cause == envelope.data.merger_id:
                continue  # it was said because of this merger only
            await self.handlers[type(each.envelope.data)](work, [each.envelope])

    def _each(self, handle: Callable[[Work, Envelope[Any]], Awaitable[None]]) -> Handler:
        async def one_by_one(work: Work, envelopes: Sequence[Envelope[Any]]) -> None:
            for each in envelopes:  # a merger may meet the one before it
                await handle(work, each)

        return one_by_one

    def _remembering(self, handler: Handler) -> Handler:
        """What comes late is done to the survivor, and what it did is remembered."""

        async def handle(work: Work, envelopes: Sequence[Envelope[Any]]) -> None:
            found = await work.session.execute(_STANDING, {"clients": [each.subject for each in envelopes]})
            standing = [_Standing(*row) for row in found]
            met = {each.id: merger for each in envelopes for merger in standing if merger.came_before(each)}
            in_time = [each for each in envelopes if each.id not in met]
            if in_time:
                await handler(work, in_time)
            for each in envelopes:
                if each.id in met:
                    await self._late(work, handler, each, met[each.id])
            erased = [each.subject for each in envelopes if isinstance(each.data, ClientErased)]
            if erased:
                await work.session.execute(_FORGET_CLIENTS, {"clients": erased})

        return handle

    async def _late(self, work: Work, handler: Handler, envelope: Envelope[Any], met: "_Standing") -> None:
        now = await self._now(work, {met.gone})
        merger = _of(met.merger_id, envelope, met.gone, now.get(met.gone, met.survivor))
        await self._hold(work, {merger.survivor: envelope.municipality})
        before = await self._image(work.session, merger)
        with work.because_of(met.merger_id, merger.clients):
            await handler(work, [envelope])
        await self._remember(work, envelope, merger, await self._since(work.session, merger, before))

    async def _image(self, session: AsyncSession, merger: Merger) -> Image:
        return await image(session, self._tables.values(), merger.clients)

    async def _since(self, session: AsyncSession, merger: Merger, before: Image) -> list[Change]:
        return list(differences(self._tables.values(), before, await self._image(session, merger)))

    async def _remember(self, work: Work, envelope: Envelope[Any], merger: Merger, changes: Sequence[Change]) -> None:
        """Keep what an event did, where it can be undone; a merger until the term for that is over."""
        rule = reversal_rule(work, envelope.municipality, envelope.data.occurred_on)
        if envelope.id == merger.id:
            if rule is None:
                return
            kept = replace(rule.term, days=rule.term.days + DAYS_FOR_WHAT_COMES_LATE)
            await set_deadline(
                work, NewDeadline(merger.municipality, merger.id, KIND, work.today, kept, rule.id, missed=True)
            )
        row = {
            "event_id": envelope.id, "merger_id": merger.id, "municipality": merger.municipality, "gone": merger.gone,
            "survivor": merger.survivor, "said": _written(envelope),
            "changes": json.dumps([asdict(each) for each in changes]),
        }  # fmt: skip
        await work.session.execute(_REMEMBER, row)

    async def _take_apart(self, work: Work, each: _Remembered, undone: Envelope[MergerUndone]) -> None:
        merger = _of(each.merger_id, each.envelope, each.gone, each.survivor)
        restored: Sequence[Change] = ()
        if each.gone != each.survivor:
            await self._hold(work, {each.survivor: merger.municipality})
            await work.session.flush()
            put = [await put_back(work, self._tables[change.table], change) for change in self._in_order(each)]
            restored = [change for change in put if change is not None]
            work.session.expire_all()
        await work.session.execute(_FORGET_ONE, {"event_id": each.event_id})
        await cancel(work, {each.event_id}, {KIND})
        with work.because_of(undone.id, merger.clients):
            await self._follow(work, Undone(merger, each.changes, restored, undone.data.occurred_on, undone.data.by))

    def _in_order(self, each: _Remembered) -> list[Change]:
        """What was made goes, what is not there comes, and who had gone gets theirs back before the rest."""

        def place(change: Change) -> tuple[bool, bool, bool]:
            was = change.was or {}
            goes_back = any(was.get(column) == str(each.gone) for column in self._tables[change.table].by)
            return not change.made, change.now is not None, not goes_back

        return sorted(each.changes, key=place)


def reversal_rule(work: Work, municipality: str, on: date) -> section.Deadline | None:
    """Within which term a merger of a day can be undone, by the policy of that day; None where it cannot."""
    try:
        return work.policies.in_force(municipality, on).intake.merger_reversal
    except (NoPolicyInForce, UnknownMunicipality):
        return None


async def forget(session: AsyncSession, merger_ids: Collection[UUID]) -> None:
    """Forget what these mergers did."""
    await session.execute(_FORGET, {"mergers": list(merger_ids)})


async def _term_is_over(work: Work, deadlines: Sequence[Deadline]) -> None:
    await forget(work.session, [each.subject for each in deadlines])


DEADLINES: Mapping[str, Fired] = {KIND: _term_is_over}
"""For the sweeper of each service that remembers mergers."""


async def _from(session: AsyncSession, merger_id: UUID) -> list[_Remembered]:
    """A merger, and in order what met its clients, or clients that these met, after it. NotRemembered without it."""
    rows = [_read(*row) for row in await session.execute(_SINCE, {"merger": merger_id})]
    if not rows:
        raise NotRemembered(f"Of merger {merger_id} nothing is known here any more.")
    met, stack = {rows[0].gone, rows[0].survivor}, list[_Remembered]()
    for each in rows:
        if met & {each.gone, each.survivor}:
            met |= {each.gone, each.survivor}
            stack.append(each)
    return stack


def _of(merger_id: UUID, envelope: Envelope[Any], gone: UUID, survivor: UUID) -> Merger:
    return Merger(merger_id, envelope.municipality, gone, survivor, envelope.data.occurred_on, envelope.data.by)


def _written(envelope: Envelope[Any]) -> str:
    return encode(
        id=envelope.id, subject=envelope.subject, municipality=envelope.municipality,
        recorded_at=envelope.recorded_at, type=envelope.data.type(),
        data=envelope.data.model_dump_json(by_alias=True), sequence=envelope.sequence,
        traceparent=envelope.traceparent, source="urn:opstap:remembered", cause=envelope.cause,
    ).decode()  # fmt: skip


def _read(event_id: UUID, merger_id: UUID, gone: UUID, survivor: UUID, said: str, changes: str) -> _Remembered:
    return _Remembered(
        event_id, merger_id, gone, survivor, decode(said.encode()), [Change(**each) for each in json.loads(changes)]
    )
