"""Reporting: what it counts and projects is a fold over all outboxes from zero (I9).

The histories are folded by reporting's own rules (pure, and indifferent to the order in which things became known),
from the events in the outboxes; the categories are folded here once more, by other words.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts import Envelope, Event
from contracts.diagnosis import ClientCategorised
from contracts.intake import CaseImported, ClientRegistered, ClientRegistrationUndone
from contracts.routing import ClientReturned
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Comparison, Difference, only
from opstap.verify.standing import Fields
from reporting.actions.counting import said
from reporting.events import WORDS
from reporting.rules.history import STANDING, Book, Fact, History, book

UNDECIDED = "undecided"
ONE_DAY = timedelta(days=1)
COUNTED = frozenset(field.name for field in fields(Fact))
"""What of an event's words is counted; the rest is for the time line."""

_WORDS = (
    "kind", "client_id", "occurred_on", "category", "track", "what", "partner", "instrument", "goal",
    "amount", "ref", "corrects", "cause",
)  # fmt: skip
_PERIODS = {
    "spells": ("since", "until", "kind", "began_by", "reason", "ended_by"),
    "placements": ("since", "until", "category", "track", "advised_track", "status", "basis", "event_id"),
    "exemptions": ("since", "until", "permanent", "exemption_id", "event_id"),
}


async def counted(evidence: Evidence) -> list[Difference]:
    """Each event that reporting counts is counted once, in the words of the event."""
    expected: dict[UUID, Fields] = {}
    clients: dict[UUID, UUID] = {}
    for each in _heard(evidence):
        fact = _fact(each)
        fields: Fields = {name: (getattr(fact, name),) for name in _WORDS}
        whole = {"by": (each.data.by,), "said": (said(each.data),)}
        expected[each.id] = {**fields, **whole, "municipality": (each.municipality,)}
        clients[each.id] = evidence.families.now(each.subject)
    columns = ", ".join(["event_id", "municipality", *_WORDS, "by", "said"])
    rows = await evidence.rows("reporting", f"SELECT {columns} FROM happenings")  # noqa: S608 - ours
    rows = [{**row, "said": json.loads(row["said"])} for row in rows]
    comparison = Comparison("counted", "reporting", "counted event", _restore("happenings"))
    return list(comparison.differ(expected, only(rows, "event_id"), clients))


async def projected(evidence: Evidence) -> list[Difference]:
    """Each client of the projection, with spells, placements and exemptions, stands where all events lead to."""
    known = _book(evidence)
    ids = known.histories.keys() | known.into.keys() | known.undone
    expected: dict[UUID, Fields] = {id: {name: {it} for name, it in _client(known, id).items()} for id in ids}
    columns = next(iter(expected.values()), {}).keys()
    rows = await evidence.rows("reporting", f"SELECT {', '.join(['id', *columns])} FROM clients")  # noqa: S608 - ours
    comparison = Comparison("projected", "reporting", "client", _restore("clients"))
    differences = list(comparison.differ(expected, only(rows)))
    return differences + [each for table in _PERIODS for each in await _periods(evidence, known, table)]


async def by_category(evidence: Evidence) -> list[Difference]:
    """Per municipality the clients by category, which add up to the clients there are."""
    expected: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for municipality, events in _clients(evidence):
        expected[municipality][_category(events) or UNDECIDED] += 1
    query = (
        "SELECT municipality, coalesce(category, 'undecided') AS category, count(*) AS clients FROM clients"
        " WHERE merged_into IS NULL AND NOT undone GROUP BY 1, 2"
    )
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in await evidence.rows("reporting", query):
        found[row["municipality"]][row["category"]] = row["clients"]
    return [
        _figure(f"clients of {municipality} {name}", expected[municipality][name], found[municipality][name])
        for municipality in sorted(expected.keys() | found.keys())
        for name in sorted(expected[municipality].keys() | found[municipality].keys())
        if expected[municipality][name] != found[municipality][name]
    ]


async def stock(evidence: Evidence) -> list[Difference]:
    """Per municipality and kind of spell: those that began less those that ended are those that run."""
    municipalities = {each.subject: each.municipality for each in evidence.events(ClientRegistered)}
    expected: Counter[tuple[str, str, str]] = Counter()
    for id, history in _book(evidence).histories.items():
        for spell in history.spells:
            place = municipalities.get(id, "unknown")
            expected.update([(place, spell.kind, "begun"), (place, spell.kind, "ended" if spell.until else "running")])
    found: Counter[tuple[str, str, str]] = Counter()
    query = "SELECT municipality, kind, until IS NOT NULL AS ended, count(*) AS spells FROM spells GROUP BY 1, 2, 3"
    for row in await evidence.rows("reporting", query):
        place, kind = row["municipality"], row["kind"]
        found[place, kind, "begun"] += row["spells"]
        found[place, kind, "ended" if row["ended"] else "running"] += row["spells"]
    return [
        _figure(f"{kind} spells of {place} {what}", expected[place, kind, what], found[place, kind, what])
        for place, kind, what in sorted(expected.keys() | found.keys())
        if expected[place, kind, what] != found[place, kind, what]
    ]


def _heard(evidence: Evidence) -> Iterator[Envelope[Event]]:
    """What reporting counts, as far as it is not parked there."""
    parked = {each.event_id for each in evidence.parked["reporting"]}
    for told in evidence.said.values():
        yield from (each for each in told if type(each.data) in WORDS and each.id not in parked)


def _fact(each: Envelope[Event]) -> Fact:
    words = WORDS[type(each.data)](each.data)
    return Fact(
        each.id, each.subject, type(each.data).__name__, each.data.occurred_on, each.recorded_at,
        known_on=each.data.occurred_on, cause=each.cause, **{name: words[name] for name in words.keys() & COUNTED},
    )  # fmt: skip


def _book(evidence: Evidence) -> Book:
    facts = (_fact(each) for each in _heard(evidence))
    return book(fact for fact in facts if fact.kind in STANDING)


def _client(known: Book, id: UUID) -> dict[str, Any]:
    """The row of a client by its history."""
    own = known.histories.get(id, History(id))
    placed = next((each for each in own.placements[-1:] if each.until is None), None)
    spells = list(own.of("client"))
    ended = next((each for each in spells[-1:] if each.until is not None), None)
    exemption = next(iter(own.exemptions[-1:]), None)
    return {
        "registered_on": own.registered_on,
        "household_id": own.traits.household_id,
        "age_band": own.traits.age_band,
        "category": placed.category if placed else None,
        "track": placed.track if placed else None,
        "status": placed.status if placed else UNDECIDED,
        "basis": placed.basis if placed else None,
        "exempted_until": exemption.until - ONE_DAY if exemption and exemption.until else None,
        "benefit": own.benefit,
        "exited_reason": ended.reason if ended else None,
        "exited_on": ended.until if ended else None,
        "deceased_on": own.deceased_on,
        "merged_into": known.into.get(id),
        "undone": id in known.undone,
    }


async def _periods(evidence: Evidence, known: Book, table: str) -> list[Difference]:
    """Where a client's periods in a table are not those of the history."""
    columns = _PERIODS[table]
    rows = await evidence.rows("reporting", f"SELECT client_id, {', '.join(columns)} FROM {table}")  # noqa: S608 - ours
    found: defaultdict[UUID, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for row in rows:
        found[row["client_id"]].update([tuple(row[name] for name in columns)])
    expected = {
        id: Counter(tuple(getattr(each, name) for name in columns) for each in getattr(history, table))
        for id, history in known.histories.items()
    }
    return [
        Difference(
            "projected", "reporting", f"{table} of client {id}", _told(expected.get(id)), _told(found[id]),
            _restore(table), id,
        )
        for id in sorted(expected.keys() | found.keys())
        if expected.get(id, Counter()) != found[id]
    ]  # fmt: skip


def _told(periods: Counter[tuple[Any, ...]] | None) -> str:
    told = sorted(", ".join(map(str, each[:-1])) for each in (periods or Counter()).elements())
    return "; ".join(told) or "none"


def _clients(evidence: Evidence) -> Iterator[tuple[str, list[Envelope[Any]]]]:
    """Municipality and events of every client who counts: once who was merged, never who was registered by mistake."""
    undone = {each.subject for each in evidence.events(ClientRegistrationUndone)}
    told: defaultdict[UUID, list[Envelope[Any]]] = defaultdict(list)
    for each in evidence.standing(ClientCategorised, CaseImported, ClientReturned):
        told[evidence.families.now(each.subject)].append(each)
    for registered in evidence.events(ClientRegistered):
        if not evidence.families.gone(registered.subject) and registered.subject not in undone:
            yield registered.municipality, told[registered.subject]


def _category(events: Iterable[Envelope[Any]]) -> str | None:
    """Where a client stands by the day on which it happened, which is not always the order of telling."""
    category: str | None = None
    for each in sorted(events, key=_by_day):
        match each.data:
            case ClientCategorised(traits=traits):
                category = traits.category
            case CaseImported() if each.data.category is not None or each.data.track is not None:
                category = each.data.category
            case ClientReturned():
                category = None
    return category


def _by_day(each: Envelope[Any]) -> tuple[Any, ...]:
    day = each.data.occurred_on
    if isinstance(each.data, CaseImported):
        day = each.data.categorised_on or each.data.benefit_from or day
    return day, each.data.occurred_on, each.recorded_at, each.id


def _figure(what: str, expected: int, found: int) -> Difference:
    return Difference("figures", "reporting", what, str(expected), str(found), _restore("clients"))


def _restore(table: str) -> str:
    return f"restore {table} of reporting from its backup, or empty inbox, cursors and projections and let it hear anew"
