"""Client by client: what each service holds is what its events lead to.

A service's events are folded in the order in which they happened to it. Of clients who were merged, the fold of either
registration may have won, so a value is right when one of them leads to it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from contracts import Envelope, Event
from contracts.diagnosis import ClientCategorised
from contracts.intake import (
    CaseImported,
    ClientDeceased,
    ClientErased,
    ClientMovedAway,
    ClientRegistered,
    ClientRegistrationUndone,
    ClientsMerged,
    LetterSent,
    NotificationReceived,
    RegistrationRestored,
)
from contracts.routing import (
    CaseworkerAssigned,
    CaseworkerMissing,
    CaseworkerReleased,
    ClientExited,
    ClientReturned,
    ExitReverted,
    HandoverAccepted,
)
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Comparison, Difference, only

Fields = dict[str, Collection[Any]]
"""Of each field the values that events may lead to."""

_ALIASES = (
    ("intake", "SELECT id, merged_into AS now FROM clients WHERE merged_into IS NOT NULL"),
    ("diagnosis", 'SELECT id, "into" AS now FROM merged_clients'),
    ("routing", "SELECT client_id AS id, survivor_id AS now FROM merged_clients"),
    ("partners", 'SELECT id, "into" AS now FROM merged_clients'),
    ("reporting", "SELECT id, merged_into AS now FROM clients WHERE merged_into IS NOT NULL"),
)


async def aliases(evidence: Evidence) -> list[Difference]:
    """Every service knows who turned out to be whom."""
    families = evidence.families
    differences: list[Difference] = []
    for service, query in _ALIASES:
        parked = {each.event_id for each in evidence.parked[service]}
        heard = [each for each in evidence.standing(ClientsMerged) if each.id not in parked]
        expected: dict[UUID, Fields] = {each.subject: {"now": {families.now(each.subject)}} for each in heard}
        found = {row["id"]: {"now": families.now(row["now"])} for row in await evidence.rows(service, query)}
        comparison = Comparison("aliases", service, "merged client", _replay(service, "ClientsMerged"))
        clients = {id: families.now(id) for id in expected.keys() | found.keys()}
        differences += comparison.differ(expected, found, clients)
    return differences


async def registrations(evidence: Evidence) -> list[Difference]:
    """Intake: registered, deceased, moved away, merged or undone."""
    registered = [each.subject for each in evidence.events(ClientRegistered)]
    expected: dict[UUID, Fields] = {client: {"state": _registration(evidence, client)} for client in registered}
    found = only(await evidence.rows("intake", "SELECT id, state FROM clients"))
    comparison = Comparison("registrations", "intake", "client", _restore("intake", "clients"))
    return list(comparison.differ(expected, {id: found[id] for id in found.keys() & expected.keys()}))


_TOLD = """
    SELECT s.client_id, s.category, s.caseworker_id, l.kind, l.track,
        EXISTS (SELECT FROM awaited_letters a WHERE a.client_id = s.client_id) AS awaits
    FROM standings s
    LEFT JOIN LATERAL (SELECT * FROM letters WHERE client_id = s.client_id ORDER BY id DESC LIMIT 1) l ON true
"""


async def letters_tell(evidence: Evidence) -> list[Difference]:
    """Intake: what letters will say is what was heard, and the last letter tells where the client stands."""
    found = only(await evidence.rows("intake", _TOLD), "client_id")
    expected: dict[UUID, Fields] = {}
    for client, events in _whole_clients(evidence, "intake"):
        heard = {"category": _last_decided(events), "caseworker_id": _last_caseworker(events)}
        if any(heard.values()):
            expected[client] = {name: {value} for name, value in heard.items()}
        if client in expected and client in found and _registration(evidence, client) == {"registered"}:
            expected[client]["track"] = _may_be_told(events, found[client])
    known = {id: found[id] for id in found.keys() & expected.keys()}
    comparison = Comparison("letters_tell", "intake", "client", _restore("intake", "standings"))
    return list(comparison.differ(expected, known)) + await _corrections(evidence)


def _may_be_told(events: Iterable[Envelope[Event]], row: Mapping[str, Any]) -> Collection[str | None]:
    """The track that the last letter may tell: where the client is, or is handed over to by the last decision.

    Anything while a letter is awaited; and a goodbye tells none, unless the exit was taken back.
    """
    track = Journey.of(events).track
    moves = [each.data for each in events if isinstance(each.data, ClientExited | ExitReverted | ClientReturned)]
    wrong_goodbye = row["kind"] == "exit" and bool(moves) and isinstance(moves[-1], ExitReverted)
    tells = row["track"] is not None or wrong_goodbye
    settled = tells and track is not None and not row["awaits"]
    return {track, _last_track(events)} if settled else {row["track"]}


async def _corrections(evidence: Evidence) -> list[Difference]:
    """Intake: each letter corrects the one that its event says."""
    sent = {each.data.letter_id: each for each in evidence.events(LetterSent)}
    expected: dict[UUID, Fields] = {id: {"corrects": {each.data.corrects}} for id, each in sent.items()}
    found = only(await evidence.rows("intake", "SELECT id, corrects FROM letters"))
    comparison = Comparison("letters_tell", "intake", "letter", _restore("intake", "letters"))
    clients = {id: evidence.families.now(each.subject) for id, each in sent.items()}
    known = {id: found[id] for id in found.keys() & expected.keys()}
    return list(comparison.differ({id: expected[id] for id in known}, known, clients))


async def categories(evidence: Evidence) -> list[Difference]:
    """Diagnosis: the present category and track of each client are those of the last decision."""
    expected: dict[UUID, Fields] = {}
    for each in evidence.standing(ClientCategorised):
        traits = each.data.traits
        expected[evidence.families.now(each.subject)] = {"category": {traits.category}, "track": {traits.track}}
    rows = await evidence.rows("diagnosis", "SELECT client_id, category, track FROM categories WHERE until IS NULL")
    comparison = Comparison("categories", "diagnosis", "client", _restore("diagnosis", "categories"))
    return list(comparison.differ(expected, only(rows, "client_id")))


@dataclass
class Journey:
    """Where a client stands by routing."""

    state: str = "active"
    category: str | None = None
    track: str | None = None
    caseworker_id: str | None = None

    @classmethod
    def of(cls, events: Iterable[Envelope[Event]]) -> "Journey":
        """Where these events, in their order, lead to."""
        said = [envelope.data for envelope in events]
        journey = cls()
        for event in said:
            journey.happened(event)
        if journey.state == "undone":
            journey.caseworker_id = None
        journey.category, journey.track = _placed(said)
        return journey

    def happened(self, event: Event) -> None:
        """What an event changes. Nothing comes after a registration that was a mistake, or was merged."""
        match event:
            case ClientsMerged():
                self.state = "merged"
            case ClientRegistrationUndone():
                self.state = "undone"
            case ClientExited() | ExitReverted() | ClientReturned() if self.state in {"active", "exited"}:
                self.state = "exited" if isinstance(event, ClientExited) else "active"
        match event:
            case CaseworkerAssigned():
                self.caseworker_id = event.caseworker_id
            case CaseworkerMissing() | CaseworkerReleased() | ClientReturned():
                self.caseworker_id = None


def _placed(said: Sequence[Event]) -> tuple[str | None, str | None]:
    """The category and the track to which events lead, each on its day, without what was corrected."""
    corrected = {each.corrects for each in said if isinstance(each, ClientCategorised)} - {None}
    category: str | None = None
    track: str | None = None
    for event in sorted(said, key=_day_of):
        match event:
            case ClientCategorised(traits=traits, assessment_id=decided_on) if decided_on not in corrected:
                if traits.category is not None and traits.track is not None:
                    category, track = traits.category, track or traits.track
            case CaseImported(exited_on=None):
                category, track = category or event.category, track or event.track
            case HandoverAccepted():
                track = event.to_track
            case ClientReturned():
                category = track = None
    return category, track


def _day_of(event: Event) -> tuple[date, bool]:
    """The day on which it happened; who comes back does so before anything else of that day."""
    if isinstance(event, CaseImported) and event.categorised_on is not None:
        return event.categorised_on, True
    return event.occurred_on, not isinstance(event, ClientReturned)


async def journeys(evidence: Evidence) -> list[Difference]:
    """Routing: category, track, caseworker, and whether the client is on the journey."""
    timelines = evidence.by_client["routing"]
    expected = {client: _journey(evidence, timelines, client) for client in timelines}
    rows = await evidence.rows("routing", "SELECT client_id, state, category, track, caseworker_id FROM journeys")
    comparison = Comparison("journeys", "routing", "client", _restore("routing", "journeys"))
    return list(comparison.differ(expected, only(rows, "client_id")))


async def partners_know(evidence: Evidence) -> list[Difference]:
    """Partners: what may be told of where a client stands."""
    erased = {each.subject for each in evidence.events(ClientErased)}
    expected: dict[UUID, Fields] = {
        client: {"category": {_last_category(events)}}
        for client, events in _whole_clients(evidence, "partners")
        if _last_category(events) and client not in erased
    }
    found = only(await evidence.rows("partners", "SELECT id, category FROM clients"))
    comparison = Comparison("partners_know", "partners", "client", _restore("partners", "clients"))
    return list(comparison.differ(expected, {id: found[id] for id in found.keys() & expected.keys()}))


async def left_in_diagnosis(evidence: Evidence) -> list[Difference]:
    """Diagnosis: who exited is not asked for anything; who is on the journey can be."""
    expected: dict[UUID, Fields] = {}
    for client, events in _whole_clients(evidence, "diagnosis"):
        told = [each.data for each in events if isinstance(each.data, _ENDS)]
        if told:
            expected[client] = {"ended": {_has_ended(told)}}
    rows = await evidence.rows("diagnosis", "SELECT id, ended IS NOT NULL AS ended FROM clients")
    found = only(rows)
    comparison = Comparison("left_in_diagnosis", "diagnosis", "client", _restore("diagnosis", "clients"))
    return list(comparison.differ(expected, {id: found[id] for id in found.keys() & expected.keys()}))


_ENDS = (
    ClientDeceased, ClientMovedAway, ClientRegistrationUndone, RegistrationRestored, NotificationReceived,
    ClientExited, ExitReverted, ClientReturned, CaseImported,
)  # fmt: skip


def _has_ended(told: Iterable[Event]) -> bool:
    """Whether intake or routing ended it, by the last word of each."""
    registration: str | None = None
    exited: date | None = None
    for event in told:
        match event:
            case ClientDeceased():
                registration = "deceased"
            case ClientMovedAway():
                registration = "moved_away"
            case ClientRegistrationUndone():
                registration = "undone"
            case RegistrationRestored(ended_as=ended_as):
                registration = None if registration == ended_as else registration
            case NotificationReceived():
                registration = None if registration == "moved_away" else registration
            case CaseImported(exited_on=date(), runs_here=False):
                exited = event.exited_on
            case CaseImported() if exited is not None and exited <= (event.benefit_from or event.occurred_on):
                exited = None
            case ClientExited() | ExitReverted() | ClientReturned():
                exited = event.occurred_on if isinstance(event, ClientExited) else None
    return registration is not None or exited is not None


def _last_track(events: Iterable[Envelope[Event]]) -> str | None:
    traits = [each.data.traits for each in events if isinstance(each.data, ClientCategorised)]
    return next((each.track for each in reversed(traits) if each.category and each.track), None)


def _last_decided(events: Iterable[Envelope[Event]]) -> str | None:
    traits = [each.data.traits for each in events if isinstance(each.data, ClientCategorised)]
    return next((each.category for each in reversed(traits) if each.category and each.track), None)


def _last_category(events: Iterable[Envelope[Event]]) -> str | None:
    """The category that was decided last; where none was decided, the one that an import brought along."""
    imported = [
        each.data.category for each in events if isinstance(each.data, CaseImported) and each.data.exited_on is None
    ]
    return _last_decided(events) or next(filter(None, imported), None)


def _last_caseworker(events: Iterable[Envelope[Event]]) -> str | None:
    """Who guides the client; nobody while none is available, and after a return until somebody is found."""
    found = None
    for envelope in events:
        match envelope.data:
            case CaseworkerAssigned(caseworker_id=caseworker):
                found = caseworker
            case CaseworkerMissing() | ClientReturned():
                found = None
    return found


def _registration(evidence: Evidence, client: UUID) -> set[str]:
    state = "registered"
    for envelope in evidence.by_client["intake"].get(client, ()):
        match envelope.data:
            case ClientsMerged():
                state = "merged"
            case ClientDeceased():
                state = "deceased"
            case ClientRegistrationUndone():
                state = "undone"
            case ClientMovedAway():
                state = "moved_away"
            case NotificationReceived() if state == "moved_away":
                state = "registered"
            case RegistrationRestored(ended_as=ended_as) if state == ended_as:
                state = "registered"
            case CaseImported(exit_reason="deceased" | "moved_away" as reason) if state == "registered":
                state = reason
    return {state, "registered"} if _imported_ends(evidence, client) else {state}


def _imported_ends(evidence: Evidence, client: UUID) -> bool:
    """An imported spell that ended closes the registration only where it came with it."""
    events = evidence.by_client["intake"].get(client, ())
    return any(isinstance(each.data, CaseImported) and each.data.exit_reason for each in events)


def _journey(evidence: Evidence, timelines: Mapping[UUID, Iterable[Envelope[Event]]], client: UUID) -> Fields:
    own = Journey.of(timelines[client])
    if evidence.families.gone(client):
        return {"state": {"merged"}}
    members = evidence.families.members(client)
    if len(members) == 1:
        return {name: {value} for name, value in asdict(own).items()}
    told = [
        [each for each in timelines.get(member, ()) if not isinstance(each.data, ClientsMerged)] for member in members
    ]
    together = sorted((each for events in told for each in events), key=lambda each: each.recorded_at)
    possible = [asdict(Journey.of(events)) for events in [*told, together]]
    return {name: {each[name] for each in possible} for name in asdict(own)}


def _whole_clients(evidence: Evidence, service: str) -> Iterator[tuple[UUID, Iterable[Envelope[Event]]]]:
    """The clients who were registered once, each with what the service said and heard."""
    for client, events in evidence.by_client[service].items():
        if evidence.families.members(client) == {client} and not evidence.families.gone(client):
            yield client, events


def _replay(service: str, event: str) -> str:
    return f"opstap events replay --to {service} --type {event}"


def _restore(service: str, table: str) -> str:
    return f"`opstap events list --client ID` tells what happened; restore {table} of {service} from its backup"
