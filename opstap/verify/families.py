"""Clients who were registered more than once, as the events of intake tell it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from contracts import Envelope, Event
from contracts.intake import ClientsMerged, MergerUndone


class Families:
    """Ids that are one client."""

    def __init__(self, into: Mapping[UUID, UUID], undone: Collection[UUID] = ()) -> None:
        self.into, self._undone = into, frozenset(undone)
        self._members: defaultdict[UUID, set[UUID]] = defaultdict(set)
        for gone in into:
            self._members[self.now(gone)] |= {gone, self.now(gone)}

    @classmethod
    def of(cls, said: Iterable[Envelope[Event]]) -> "Families":
        """As intake said; a merger that was undone made nobody one."""
        events = list(said)
        undone = {each.data.merger_id for each in events if isinstance(each.data, MergerUndone)}
        mergers = (each for each in events if isinstance(each.data, ClientsMerged) and each.id not in undone)
        return cls({each.subject: each.data.into for each in mergers}, undone)  # type: ignore[attr-defined]

    def stands(self, said: Envelope[Any]) -> bool:
        """Whether it is no merger that was undone, and was not said because of one."""
        return not {said.id, said.cause} & self._undone

    def now(self, client: UUID) -> UUID:
        """As whom a client goes on."""
        seen = {client}
        while (following := self.into.get(client)) is not None and following not in seen:
            seen.add(following)
            client = following
        return client

    def members(self, client: UUID) -> set[UUID]:
        """All ids of the client who stays, its own included."""
        return self._members.get(client) or {client}

    def gone(self, client: UUID) -> bool:
        """Whether the id goes on as another."""
        return client in self.into
