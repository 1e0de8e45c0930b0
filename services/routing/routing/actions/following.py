"""The change feed: what is written to it, how it is read, and which of it somebody is told (ROU-17)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from chassis.database import Database
from chassis.feed import Log
from chassis.security import Token
from chassis.work import Office, Work
from routing.actions.sight import Scope, sight_of
from routing.tables import ClientChange


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed: about a client, or without one about who is on the staff, away, or stands in."""

    position: int
    client_id: UUID | None
    municipality: str
    caseworkers: tuple[str, ...]
    """Whose list the client is or was on."""
    roles: tuple[str, ...]
    """The roles that a handover of the client waits or waited for."""

    def event(self) -> tuple[str, str]:
        """As it is told."""
        told = {"clientId": str(self.client_id), "municipality": self.municipality}
        return "client-changed", json.dumps(told)


def log_of(database: Database) -> Log[Change]:
    """The log of changes of a database."""
    line = ClientChange
    columns = (line.position, line.client_id, line.municipality, line.caseworkers, line.roles)

    async def read(after: int, up_to: int, most: int) -> list[Change]:
        newest = select(*columns).where(line.position > after, line.position <= up_to)
        async with database.in_background() as session:
            rows = await session.execute(newest.order_by(line.position.desc()).limit(most))
            found = [Change(*row[:3], tuple(row.caseworkers), tuple(row.roles)) for row in rows]
        return found[::-1]

    return Log(database, line.__tablename__, read)


def staff_changed(work: Work, municipality: str, staff_id: str) -> None:
    """Who works with whom is otherwise: whoever listens in the municipality may see other clients from now on."""
    work.session.add(ClientChange(municipality=municipality, client_id=None, caseworkers=[staff_id], roles=[]))


class OfWorkList:
    """Is told of the clients on a work list; to load it anew when it may be another list than before."""

    def __init__(self, office: Office, caller: Token, scope: Scope, municipality: str | None) -> None:
        self._office, self._caller = office, caller
        self._asked = scope, municipality
        self._began_at = 0
        """What happened to the staff up to here, the sight that it began with knows of, and who comes back may not."""
        self._came_back_another_day = False

    @property
    def mark(self) -> str:
        """The civil day that the list is of."""
        return self._day.isoformat()

    async def begin(self, work: Work, mark: str | None = None) -> None:
        """Know the list as it is now; `mark` is of the list that who comes back has. Forbidden as for the work list."""
        self._began_at = await work.session.scalar(select(func.max(ClientChange.position))) or 0
        await self._look(work)
        self._came_back_another_day = mark not in (None, self.mark)

    async def choose(self, lines: Sequence[Change]) -> Sequence[Change] | None:
        """Those of clients who are or were on the list."""
        staff = [each.position for each in lines if self._about_staff(each)]
        outdated = self._came_back_another_day or (staff and staff[0] <= self._began_at)
        if outdated:
            self._came_back_another_day, self._began_at = False, 0
        another = (staff or self._day != self._office.clock.today()) and await self._is_another()
        if outdated or another:
            return None
        return [each for each in lines if each.client_id and self._sight.tells(each)]

    async def _look(self, work: Work) -> None:
        self._day, self._sight = work.today, await sight_of(work, self._caller, *self._asked)

    async def _is_another(self) -> bool:
        before = self._day, self._sight
        async with self._office.for_municipalities(self._caller.municipalities, self._caller.actor) as work:
            await self._look(work)
        return before != (self._day, self._sight)

    def _about_staff(self, line: Change) -> bool:
        return line.client_id is None and line.municipality in self._caller.municipalities


class OfClient:
    """Is told of one client."""

    mark = None

    def __init__(self, client_id: UUID) -> None:
        self._client_id = client_id

    async def choose(self, lines: Sequence[Change]) -> Sequence[Change]:
        """Those about the client."""
        return [each for each in lines if each.client_id == self._client_id]
