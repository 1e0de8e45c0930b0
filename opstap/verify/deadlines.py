"""Deadlines: each fired once, on its day; none that should have fired is open."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from contracts import Event
from contracts.intake import InformationSessionDue, IntakeDue, IntegrationPlanDue, LanguageTestDue
from contracts.partners import ReferralOverdue
from contracts.routing import ConversationDue, ConversationDueCancelled, InstrumentDue, ReviewDue
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Difference

_DEADLINES = """
    SELECT id, subject, kind, due_on, fires_on, set_on, fired_on, state FROM deadlines WHERE state IN ('open', 'fired')
"""

_SAID_ONCE: Mapping[str, tuple[str, ...]] = {
    "intake": ("information_session", "intake", "integration_plan", "language_test"),
    "routing": ("first_conversation", "fip", "review", "usual_use", "longest_use"),
    "partners": ("referral_acknowledge", "referral_accept", "referral_start", "referral_end"),
}
"""The kinds of deadline that say one event each, with the day on which it was due."""

_Firing = tuple[UUID, str, date | None]


async def on_their_day(evidence: Evidence) -> list[Difference]:
    """I10: nothing is open whose day has passed; what fired did so on its day, not before and not after."""
    differences: list[Difference] = []
    for service in evidence.connections:
        for row in await evidence.rows(service, _DEADLINES):
            differences += _off_its_day(evidence, service, row)
    return differences


async def fired_once(evidence: Evidence) -> list[Difference]:
    """I10: each deadline that fired said so once, and nothing was said to be due without a deadline that fired.

    Of a referral that is closed at that very moment partners says nothing any more. What was taken back, because it was
    never due, was said once more than it fired.
    """
    return [each for service in _SAID_ONCE for each in await _fired_once(evidence, service)]


def _off_its_day(evidence: Evidence, service: str, row: Mapping[str, Any]) -> Iterator[Difference]:
    """A late entry sets deadlines in the past: they fire on the day on which they were set."""
    day = max(row["fires_on"], row["set_on"])
    if row["state"] == "open":
        if day < evidence.civil_day:
            remedy = f"start {service}: its sweeper fires what is due; the log tells what cannot fire"
            yield _difference(evidence, service, row, f"fired on {day}", f"open on {evidence.civil_day}", remedy)
    elif row["fired_on"] < day:
        remedy = "check who moved the civil clock back; what fired is told in the client's events"
        yield _difference(evidence, service, row, f"fired on {day}", f"fired before it, on {row['fired_on']}", remedy)
    elif row["fired_on"] > day:
        remedy = "none: what followed from it followed late; see to it that the service runs every day"
        yield _difference(evidence, service, row, f"fired on {day}", f"fired after it, on {row['fired_on']}", remedy)


async def _fired_once(evidence: Evidence, service: str) -> Iterator[Difference]:
    kinds = ", ".join(f"'{kind}'" for kind in _SAID_ONCE[service])
    query = f"SELECT subject, kind, due_on FROM deadlines WHERE state = 'fired' AND kind IN ({kinds})"  # noqa: S608 - ours
    now = evidence.families.now
    fired = Counter((now(row["subject"]), row["kind"], row["due_on"]) for row in await evidence.rows(service, query))
    types: tuple[type[Event], ...] = (*SAID_OF, ConversationDue, InstrumentDue, ReferralOverdue)
    mine = tuple(each for each in types if each.producer == service)
    said = Counter(_said(now(each.subject), each.data) for each in evidence.events(*mine))
    if service == ConversationDueCancelled.producer:
        said -= Counter(
            (now(each.subject), each.data.kind, each.data.due_on) for each in evidence.events(ConversationDueCancelled)
        )
    return _unequal(service, fired, said)


def _unequal(service: str, fired: Counter[_Firing], said: Counter[_Firing]) -> Iterator[Difference]:
    for firing in sorted(fired.keys() | said.keys(), key=str):
        silent = service == "partners" and said[firing] < fired[firing]
        if fired[firing] != said[firing] and not silent:
            subject, kind, due_on = firing
            remedy = f"restore the outbox or the deadlines of {service} from the backup"
            yield Difference(
                "fired_once", service, f"deadline {kind} of {subject}, due on {due_on}", f"said {fired[firing]} times",
                f"said {said[firing]} times", remedy, subject,
            )  # fmt: skip


SAID_OF: Mapping[type[Event], str] = {
    InformationSessionDue: "information_session",
    IntakeDue: "intake",
    IntegrationPlanDue: "integration_plan",
    LanguageTestDue: "language_test",
    ReviewDue: "review",
}
"""The kind of deadline that an event says to be due, where it is one kind only."""


def _said(client: UUID, event: Any) -> _Firing:
    """Which deadline an event says to be due."""
    if isinstance(event, ReferralOverdue):
        return event.referral_id, f"referral_{event.step}", event.due_on
    return client, SAID_OF.get(type(event)) or event.kind, event.due_on


def _difference(
    evidence: Evidence, service: str, row: Mapping[str, Any], expected: str, found: str, remedy: str
) -> Difference:
    what = f"deadline {row['id']} ({row['kind']} of {row['subject']})"
    client = evidence.families.now(row["subject"])
    return Difference("on_their_day", service, what, expected, found, remedy, client)
