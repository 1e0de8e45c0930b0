"""What a check says: where the databases do not balance, and what is open but known."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the events say, and what to do about it."""

    check: str
    service: str
    what: str
    """The client, event, delivery or deadline, with its id."""
    expected: str
    found: str
    remedy: str
    client: UUID | None = None
    """Whose it is, where it is a client's; of merged clients the one that stays."""


@dataclass(frozen=True)
class Findings:
    """What an examination of all databases brought."""

    differences: list[Difference]
    listed: list[Difference]
    """Known and waiting for somebody, with nothing lost: parked records, webhooks under way or given up."""
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many events each service published and handled, and how many deliveries stand in which state."""

    @property
    def balanced(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Comparison:
    """Holds what rows say against what events lead to, field by field."""

    check: str
    service: str
    kind: str
    """What a row is: client, handover, referral."""
    remedy: str

    def differ(
        self,
        expected: Mapping[UUID, Mapping[str, Collection[Any]]],
        found: Mapping[UUID, Mapping[str, Any]],
        clients: Mapping[UUID, UUID] | None = None,
    ) -> Iterator[Difference]:
        """Of each row the fields whose value is none of those that events may lead to; rows missing; rows of no event.

        `clients` tells whose a row is; without it each row is a client's own.
        """
        for id, fields in expected.items():
            row = found.get(id)
            if row is None:
                yield self.difference(id, "a row", "none", clients)
                continue
            for name, values in fields.items():
                if row[name] not in values:
                    yield self.difference(id, f"{name} {_words(values)}", f"{name} {_word(row[name])}", clients)
        for id in found.keys() - expected.keys():
            yield self.difference(id, "an event that leads to it", "none", clients)

    def difference(self, id: UUID, expected: str, found: str, clients: Mapping[UUID, UUID] | None) -> Difference:
        """One difference of this row."""
        client = id if clients is None else clients.get(id)
        return Difference(self.check, self.service, f"{self.kind} {id}", expected, found, self.remedy, client)


def only(rows: Iterable[Mapping[str, Any]], key: str = "id") -> dict[UUID, Mapping[str, Any]]:
    """Rows by their id."""
    return {row[key]: row for row in rows}


def _words(values: Collection[Any]) -> str:
    return " or ".join(sorted(map(_word, values)))


def _word(value: Any) -> str:
    return "none" if value is None else str(value)
