"""Histories of any events whatever: the caseload always adds up."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import Event
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from contracts.intake import (
    ApplicationDiverted,
    ApplicationWithdrawn,
    CaseImported,
    ClientDeceased,
    ClientMovedAway,
    ClientRegistrationUndone,
    ClientsMerged,
    MergerUndone,
    NotificationReceived,
    RegistrationRestored,
)
from contracts.routing import ClientReturned, ExitReverted, HandoverAccepted
from reporting.events import WORDS
from reporting.rules.figures import caseload, figures
from reporting.rules.history import Fact, book, history
from reporting.rules.told import Span, Told
from tests.support.heard import STAFF, categorised, exited, granted, registered

FIRST = date(2023, 1, 1)
CLIENTS = [UUID(int=number) for number in range(1, 5)]
EVENTS = [UUID(int=1000 + number) for number in range(30)]
EXITS = [UUID(int=number) for number in range(100, 104)]
days = st.integers(0, 700).map(lambda number: FIRST + timedelta(days=number))
categories = st.sampled_from([("1A", "reintegration"), ("2A", "participation"), (None, None)])


def fact(client: UUID, event: Event, number: int, cause: UUID | None = None) -> Fact:
    """The event as it is read back."""
    words: dict[str, Any] = dict(WORDS[type(event)](event))
    return Fact(
        event_id=EVENTS[number], client_id=client, kind=type(event).__name__, occurred_on=event.occurred_on,
        recorded_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=number), known_on=event.occurred_on,
        cause=cause, **words,
    )  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> Event:
    on, other, by = draw(days), draw(st.none() | days), STAFF
    exit_id = draw(st.sampled_from(EXITS))
    made: list[Any] = [
        lambda: registered(on, household=draw(st.sampled_from(CLIENTS))),
        lambda: NotificationReceived(occurred_on=on, by=by),
        lambda: granted(on, other),
        lambda: exited(on, draw(st.sampled_from(["work", "moved_away", "other"])), exit_id),
        lambda: ExitReverted(occurred_on=on, by=by, exit_id=exit_id),
        lambda: ClientReturned(occurred_on=on, by=by),
        lambda: ClientDeceased(occurred_on=on, by=by),
        lambda: ClientMovedAway(occurred_on=on, by=by),
        lambda: RegistrationRestored(occurred_on=on, by=by, ended_as=draw(st.sampled_from(["deceased", "moved_away"]))),
        lambda: ApplicationDiverted(occurred_on=on, by=by, diverted_to="vacancy"),
        lambda: ApplicationWithdrawn(occurred_on=on, by=by, application_id=exit_id),
        lambda: ClientsMerged(occurred_on=on, by=by, into=draw(st.sampled_from(CLIENTS))),
        lambda: MergerUndone(
            occurred_on=on, by=by, into=draw(st.sampled_from(CLIENTS)), merger_id=draw(st.sampled_from(EVENTS))
        ),
        lambda: ClientRegistrationUndone(occurred_on=on, by=by),
        lambda: CaseImported(occurred_on=on, by="import", benefit_from=other, exited_on=draw(st.none() | days)),
        lambda: categorised(on, *draw(categories)),
        lambda: HandoverAccepted(occurred_on=on, by=by, handover_id=exit_id, to_track="participation"),
        lambda: ExemptionGranted(occurred_on=on, by=by, exemption_id=exit_id, until=other, effect="suspend"),
        lambda: ExemptionEnded(occurred_on=on, by=by, exemption_id=exit_id),
    ]
    found: Event = draw(st.sampled_from(made))()
    return found


told = st.lists(st.tuples(st.sampled_from(CLIENTS), events()), max_size=30).map(
    lambda pairs: [fact(client, event, number) for number, (client, event) in enumerate(pairs)]
)


@given(told, days, days)
def test_start_plus_inflow_less_outflow_is_end(facts: list[Fact], one: date, other: date) -> None:
    span = Span(min(one, other), max(one, other))
    known = book(facts)
    whole = caseload(known, Told(span))
    assert whole.start + whole.inflow - whole.outflow == whole.end
    assert sum(whole.outflow_by_reason.values()) == whole.outflow
    assert whole.end == sum(each.on_benefit(span.until) for each in known.histories.values())
    years = [caseload(known, Told(span), year) for year in span.years]
    assert [year.end for year in years[:-1]] == [year.start for year in years[1:]]
    assert sum(year.inflow for year in years) == whole.inflow


@given(told)
def test_periods_of_a_client_follow_each_other(facts: list[Fact]) -> None:
    for each in book(facts).histories.values():
        for periods in (list(each.of("benefit")), list(each.of("client")), each.placements):
            for before, after in itertools.pairwise(periods):
                assert before.until is not None
                assert before.since <= before.until <= after.since
        assert all(exempt.until is None or exempt.since <= exempt.until for exempt in each.exemptions)


@given(told, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(facts: list[Fact], random: Any) -> None:
    mixed = list(facts)
    random.shuffle(mixed)
    assert book(facts) == book(mixed)


@given(told, days)
def test_categories_add_up_to_clients(facts: list[Fact], on: date) -> None:
    found = figures("GM0626", book(facts), Told(Span(FIRST, max(on, FIRST))))
    assert sum(found.by_category.values()) == sum(found.by_track.values()) == found.clients
    assert found.households <= found.clients
    assert found.exemptions.clients <= found.clients
    assert sum(each.spoken + each.not_spoken for each in found.contact) <= found.clients


@pytest.mark.requirement("INT-13")
@given(told, told, st.data())
def test_a_merger_that_was_undone_is_as_if_it_had_never_been(
    before: list[Fact], after: list[Fact], data: st.DataObject
) -> None:
    """With whatever was said because of it, or once more because it was undone."""
    one, other = data.draw(st.permutations(CLIENTS))[:2]
    mergers = {"ClientsMerged", "MergerUndone"}
    told = [each for each in (*before, *after) if each.kind not in mergers]
    merged = replace(fact(one, ClientsMerged(occurred_on=FIRST, by=STAFF, into=other), 0), event_id=UUID(int=1))
    undone = fact(one, MergerUndone(occurred_on=FIRST, by=STAFF, into=other, merger_id=merged.event_id), 1)
    undone = replace(undone, event_id=UUID(int=2))
    fallen = [replace(each, event_id=UUID(int=3 + n), cause=UUID(int=1 + n % 2)) for n, each in enumerate(after)]
    as_if = [replace(each, event_id=UUID(int=2000 + n)) for n, each in enumerate(told)]
    assert book([*as_if, merged, *fallen, undone]) == book(as_if)


def test_a_circle_of_mergers_loses_nobody() -> None:
    one, other = CLIENTS[:2]
    facts = [
        fact(one, granted(FIRST), 0),
        fact(one, ClientsMerged(occurred_on=FIRST, by=STAFF, into=other), 1),
        fact(other, ClientsMerged(occurred_on=FIRST, by=STAFF, into=one), 2),
    ]
    assert caseload(book(facts), Told(Span(FIRST, FIRST))).end == 1


def test_a_late_exit_comes_before_an_earlier_known_return() -> None:
    client = CLIENTS[0]
    facts = [
        fact(client, granted(FIRST), 0),
        fact(client, ClientReturned(occurred_on=date(2023, 6, 1), by=STAFF), 1),
        fact(client, exited(date(2023, 3, 1)), 2),
    ]
    assert [(each.since, each.until) for each in history(client, facts).of("benefit")] == [
        (FIRST, date(2023, 3, 1)),
        (date(2023, 6, 1), None),
    ]


def test_a_death_that_was_a_mistake_counts_as_long_as_it_was_believed() -> None:
    client = CLIENTS[0]
    died = ClientDeceased(occurred_on=date(2023, 3, 1), by=STAFF)
    restored = RegistrationRestored(occurred_on=date(2023, 4, 1), by=STAFF, ended_as="deceased")
    believed = [fact(client, granted(FIRST), 0), fact(client, died, 1)]
    assert history(client, believed).deceased_on == date(2023, 3, 1)
    known = history(client, [*believed, fact(client, restored, 2)])
    assert (known.deceased_on, [each.until for each in known.of("benefit")]) == (None, [None])
    again = fact(client, ClientDeceased(occurred_on=date(2023, 3, 1), by=STAFF), 3)
    assert history(client, [*believed, fact(client, restored, 2), again]).deceased_on == date(2023, 3, 1)


def test_what_is_taken_back_is_the_last_death_or_departure_of_its_kind() -> None:
    client = CLIENTS[0]
    restored = RegistrationRestored(occurred_on=date(2023, 9, 1), by=STAFF, ended_as="moved_away")
    facts = [
        fact(client, granted(FIRST), 0),
        fact(client, ClientMovedAway(occurred_on=date(2023, 3, 1), by=STAFF), 1),
        fact(client, ClientReturned(occurred_on=date(2023, 6, 1), by=STAFF), 2),
        fact(client, ClientMovedAway(occurred_on=date(2023, 8, 1), by=STAFF), 3),
        fact(client, restored, 4),
    ]
    assert [(each.since, each.until) for each in history(client, facts).of("benefit")] == [
        (FIRST, date(2023, 3, 1)),
        (date(2023, 6, 1), None),
    ]
