"""Clients who were registered more than once, as the events of intake tell it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from contracts import Envelope, Event
from contracts.intake import ClientsMerged


class Families:
    """Ids that are one client."""

    def __init__(self, into: Mapping[UUID, UUID]) -> None:
        self.into = into
        self._members: defaultdict[UUID, set[UUID]] = defaultdict(set)
        for gone in into:
            self._members[self.now(gone)] |= {gone, self.now(gone)}

    @classmethod
    def of(cls, said: Iterable[Envelope[Event]]) -> "Families":
        """As intake said."""
        return cls({each.subject: each.data.into for each in said if isinstance(each.data, ClientsMerged)})

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
