"""What reporting makes of what it hears, in the tables."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts import EVENTS, Event
from contracts.diagnosis import AssessmentInDoubt, ExemptionEnded, ExemptionGranted
from contracts.intake import (
    AgeBandChanged,
    ApplicationDiverted,
    ApplicationFiled,
    BenefitDecided,
    CaseImported,
    ClientDeceased,
    ClientMovedAway,
    ClientRegistrationUndone,
    ClientsMerged,
    HouseholdChanged,
    MergerUndone,
    NotificationReceived,
    RegistrationRestored,
)
from contracts.partners import GroupFilled
from contracts.routing import (
    ClientReturned,
    ConversationHeld,
    ExitReverted,
    HandoverAccepted,
    RouteEnded,
    RouteStarted,
)
from reporting.actions.reading import read_book, read_told
from reporting.events import HANDLERS
from reporting.rules.history import Book
from reporting.rules.told import Span
from tests.support.databases import statements
from tests.support.heard import STAFF, categorised, exited, granted, registered

if TYPE_CHECKING:
    from tests.conftest import Reporting

JAN, FEB, MAR, APR = date(2023, 1, 2), date(2023, 2, 1), date(2023, 3, 1), date(2023, 4, 1)
TODAY = date(2024, 2, 1)


def test_every_event_about_clients_is_heard() -> None:
    of_others = {
        "ReportPublished", "WebhookEndpointFailing", "WebhookEndpointDisabled", "StaffChanged", "DeputyChosen",
        "DeputyReleased",
    }  # fmt: skip
    assert {event.__name__ for event in EVENTS.values()} - {event.__name__ for event in HANDLERS} == of_others


async def test_a_client_is_registered_and_granted_benefit(reporting: Reporting) -> None:
    household = new_id()
    client = await reporting.client(granted(FEB, JAN), household=household)
    row = await reporting.row(client)
    assert (row["registered_on"], row["household_id"], row["age_band"]) == (JAN, household, "28-44")
    assert (row["benefit"], row["on_benefit_since"], row["on_benefit_until"]) == ("granted", JAN, None)
    assert (row["category"], row["status"]) == (None, "undecided")


async def test_a_category_before_the_registration(reporting: Reporting) -> None:
    client = new_id()
    await reporting.hear(client, categorised(FEB, "1A", "reintegration", indications=("job_agreement",)))
    assert (await reporting.row(client))["category"] == "1A"
    await reporting.hear(client, registered(JAN))
    row = await reporting.row(client)
    assert (row["category"], row["track"], row["registered_on"]) == ("1A", "reintegration", JAN)
    assert row["indications"] == ["job_agreement"]


async def test_the_track_follows_the_handover_not_the_category(reporting: Reporting) -> None:
    client = await reporting.client(categorised(JAN, "1C", "reintegration"), categorised(FEB, "2A", "participation"))
    row = await reporting.row(client)
    assert (row["category"], row["track"], row["advised_track"]) == ("2A", "reintegration", "participation")
    await reporting.hear(
        client, HandoverAccepted(occurred_on=MAR, by=STAFF, handover_id=new_id(), to_track="participation")
    )
    assert (await reporting.row(client))["track"] == "participation"


async def test_in_doubt(reporting: Reporting) -> None:
    client = await reporting.client(AssessmentInDoubt(occurred_on=JAN, by=STAFF, assessment_id=new_id()))
    assert (await reporting.row(client))["status"] == "in_doubt"


async def test_an_exit_and_its_reversal(reporting: Reporting) -> None:
    exit_id = new_id()
    client = await reporting.client(granted(JAN), exited(FEB, exit_id=exit_id))
    row = await reporting.row(client)
    assert (row["benefit"], row["on_benefit_until"], row["exited_reason"], row["exited_on"]) == (
        "ended",
        FEB,
        "work",
        FEB,
    )
    await reporting.hear(client, ExitReverted(occurred_on=MAR, by=STAFF, exit_id=exit_id))
    row = await reporting.row(client)
    assert (row["benefit"], row["on_benefit_until"], row["exited_reason"]) == ("granted", None, None)


async def test_a_departure_that_was_a_mistake_is_taken_back_with_the_exit_that_followed(reporting: Reporting) -> None:
    exit_id = new_id()
    client = await reporting.client(
        granted(JAN), ClientMovedAway(occurred_on=FEB, by=STAFF), exited(FEB, "moved_away", exit_id),
        ExitReverted(occurred_on=MAR, by=STAFF, exit_id=exit_id),
    )  # fmt: skip
    assert (await reporting.row(client))["benefit"] == "ended"
    await reporting.hear(client, RegistrationRestored(occurred_on=MAR, by=STAFF, ended_as="moved_away"))
    assert (await reporting.row(client))["benefit"] == "granted"
    assert await spells(reporting, client) == [(JAN, None)]


async def test_the_form_of_a_household_is_the_one_told_last(reporting: Reporting) -> None:
    household = new_id()
    client = await reporting.client(registered(JAN, household=household))
    changed = HouseholdChanged(occurred_on=FEB, by=STAFF, household_id=household, household_kind="single_parent")
    await reporting.hear(client, changed)
    row = await reporting.row(client)
    assert (row["household_id"], row["household_kind"]) == (household, "single_parent")


@pytest.mark.requirement("INT-13")
async def test_the_age_band_is_the_one_told_last_also_when_it_holds_since_earlier(reporting: Reporting) -> None:
    client = await reporting.client()
    wrong = AgeBandChanged(occurred_on=MAR, by="clock", age_band="45-49", previous="28-44")
    right = AgeBandChanged(occurred_on=FEB, by=STAFF, age_band="27", previous="45-49")
    await reporting.hear(client, wrong)
    await reporting.hear(client, right)
    assert (await reporting.row(client))["age_band"] == "27"


async def test_a_return_begins_anew(reporting: Reporting) -> None:
    client = await reporting.client(
        granted(JAN), categorised(JAN, "1A", "reintegration"), exited(FEB), ClientReturned(occurred_on=MAR, by=STAFF)
    )
    row = await reporting.row(client)
    assert (row["benefit"], row["on_benefit_since"], row["category"], row["track"]) == ("granted", MAR, None, None)
    assert await spells(reporting, client) == [(JAN, FEB), (MAR, None)]


async def test_nothing_begins_after_death(reporting: Reporting) -> None:
    client = await reporting.client(
        granted(JAN), ClientDeceased(occurred_on=FEB, by=STAFF),
        ApplicationFiled(occurred_on=MAR, by=STAFF, application_id=new_id()), granted(MAR),
    )  # fmt: skip
    row = await reporting.row(client)
    assert (row["deceased_on"], row["benefit"], row["exited_reason"]) == (FEB, "ended", "deceased")


async def test_benefit_granted_from_a_day_on_which_the_client_had_gone(reporting: Reporting) -> None:
    client = await reporting.client(granted(JAN, MAR), exited(FEB, "moved_away"))
    assert await spells(reporting, client) == []


async def test_an_imported_case(reporting: Reporting) -> None:
    client = new_id()
    await reporting.hear(
        client,
        CaseImported(
            occurred_on=date(2023, 9, 1), by="import", benefit_from=JAN, category="3B", track="participation",
            categorised_on=FEB, exempted_until=date(2024, 6, 30), indications=("sheltered_work_new",),
        ),
        registered(date(2023, 9, 1), origin="import"),
    )  # fmt: skip
    row = await reporting.row(client)
    assert (row["on_benefit_since"], row["category"], row["basis"]) == (JAN, "3B", "import")
    assert (row["exempted_until"], row["indications"]) == (date(2024, 6, 30), ["sheltered_work_new"])


async def test_an_imported_spell_that_had_ended(reporting: Reporting) -> None:
    client = new_id()
    case = CaseImported(occurred_on=date(2023, 9, 1), by="import", benefit_from=JAN, exited_on=FEB, exit_reason="work")
    await reporting.hear(client, registered(date(2023, 9, 1), origin="import"), case)
    assert await spells(reporting, client) == [(JAN, FEB)]
    row = await reporting.row(client)
    assert (row["benefit"], row["exited_reason"], row["exited_on"]) == ("ended", "work", FEB)


async def test_an_exemption_ends_early(reporting: Reporting) -> None:
    exemption = new_id()
    client = await reporting.client(
        ExemptionGranted(occurred_on=JAN, by=STAFF, exemption_id=exemption, until=date(2023, 12, 31), effect="suspend"),
        ExemptionEnded(occurred_on=MAR, by=STAFF, exemption_id=exemption),
    )
    found = await reporting.rows("SELECT since, until, permanent FROM exemptions WHERE client_id = :id", id=client)
    assert found == [{"since": JAN, "until": MAR, "permanent": False}]


async def test_merged_clients_are_one_from_the_beginning(reporting: Reporting) -> None:
    gone = await reporting.client(granted(FEB, JAN), age_band="18-20")
    stays = await reporting.client(categorised(FEB, "1A", "reintegration"), granted(MAR))
    await reporting.hear(gone, ClientsMerged(occurred_on=MAR, by=STAFF, into=stays))
    assert (await reporting.row(gone))["merged_into"] == stays
    assert await spells(reporting, gone) == []
    assert await spells(reporting, stays) == [(JAN, None)]
    await reporting.hear(gone, exited(date(2023, 4, 1)))
    row = await reporting.row(stays)
    assert (row["age_band"], row["exited_reason"]) == ("28-44", "work")


async def undone_merger(reporting: Reporting, gone: UUID, stays: UUID) -> tuple[UUID, UUID]:
    """Two clients are merged, which ends a route of who goes, and are two again; the ids of the two events."""
    route = {"route_id": new_id(), "route": "focus_op_werk"}
    await reporting.hear(gone, RouteStarted(occurred_on=FEB, by=STAFF, track="reintegration", **route))
    [merger] = await reporting.hear(gone, ClientsMerged(occurred_on=MAR, by=STAFF, into=stays))
    ended = RouteEnded(occurred_on=MAR, by=STAFF, outcome="stopped", **route)
    await reporting.hear(gone, ended, cause=merger)
    undone = MergerUndone(occurred_on=APR, by=STAFF, into=stays, merger_id=merger)
    [undoing] = await reporting.hear(gone, undone)
    return merger, undoing


@pytest.mark.requirement("INT-13")
async def test_who_was_merged_by_mistake_counts_for_themselves_again(reporting: Reporting) -> None:
    gone = await reporting.client(granted(FEB, JAN))
    stays = await reporting.client(granted(MAR))
    merger, undoing = await undone_merger(reporting, gone, stays)
    await reporting.hear(stays, exited(MAR), cause=merger)
    await reporting.hear(gone, exited(APR), cause=undoing)
    assert [(await reporting.row(each))["merged_into"] for each in (gone, stays)] == [None, None]
    assert [await spells(reporting, each) for each in (gone, stays)] == [[(JAN, None)], [(MAR, None)]]


@pytest.mark.requirement("INT-13", "REP-9")
async def test_figures_of_before_an_undoing_stay_as_they_were_known(reporting: Reporting) -> None:
    gone, stays = new_id(), new_id()
    for client in (gone, stays):
        for event in (registered(JAN), granted(FEB)):
            await reporting.hear_of_old(client, event, days_ago=40)
    merger = await reporting.hear_of_old(gone, ClientsMerged(occurred_on=MAR, by=STAFF, into=stays), days_ago=20)
    undone = MergerUndone(occurred_on=APR, by=STAFF, into=stays, merger_id=merger)
    await reporting.hear_of_old(gone, undone, days_ago=10)
    for days_ago, clients in ((30, 2), (20, 1), (11, 1), (10, 2), (0, 2)):
        known_on = TODAY - timedelta(days=days_ago)
        as_known = await reporting.caseload(JAN, TODAY, knownOn=known_on.isoformat())
        assert as_known["end"] == clients, known_on
    assert (await reporting.caseload(JAN, TODAY))["end"] == 2


@pytest.mark.requirement("INT-13")
async def test_what_a_merger_ended_is_open_again_in_later_figures(reporting: Reporting) -> None:
    gone, stays = await reporting.client(granted(FEB)), await reporting.client(granted(FEB))
    merger, _ = await undone_merger(reporting, gone, stays)
    async with reporting.service.office.in_background() as work:
        told = await read_told(work.session, reporting.municipality, Span(date(2023, 6, 1), TODAY))
        as_merged = await read_told(work.session, reporting.municipality, Span(JAN, TODAY))
    assert [each.kind for each in told.before] == ["RouteStarted"]
    assert not [each for each in as_merged.within if each.cause == merger]


async def test_a_merger_heard_before_what_was_merged(reporting: Reporting) -> None:
    gone, stays = new_id(), new_id()
    await reporting.hear(gone, ClientsMerged(occurred_on=MAR, by=STAFF, into=stays))
    await reporting.hear(gone, categorised(FEB, "1B", "reintegration"), registered(JAN))
    assert (await reporting.row(stays))["category"] == "1B"


async def test_a_registration_undone_never_counted(reporting: Reporting) -> None:
    client = await reporting.client(granted(JAN), ClientRegistrationUndone(occurred_on=MAR, by=STAFF))
    assert (await reporting.row(client))["undone"] is True
    assert await spells(reporting, client) == []
    assert (await reporting.figures(date(2023, 2, 5)))["clients"] == 0


async def test_a_group_is_no_client(reporting: Reporting) -> None:
    group = new_id()
    await reporting.hear(group, GroupFilled(occurred_on=JAN, by="clock", partner="voor-elkaar", size=11))
    assert await reporting.rows("SELECT id FROM clients") == []
    assert (await reporting.rows("SELECT kind, amount FROM happenings"))[0]["amount"] == 11


JOURNEY: list[Event] = [
    registered(JAN, household=UUID(int=7)),
    NotificationReceived(occurred_on=JAN, by=STAFF),
    ApplicationFiled(occurred_on=date(2023, 1, 9), by=STAFF, application_id=UUID(int=1)),
    granted(FEB, date(2023, 1, 9)),
    categorised(FEB, "1C", "reintegration"),
    AgeBandChanged(occurred_on=FEB, by="clock", age_band="45-49", previous="28-44"),
    ExemptionGranted(occurred_on=MAR, by=STAFF, exemption_id=UUID(int=2), until=date(2023, 6, 30), effect="suspend"),
    ExemptionEnded(occurred_on=date(2023, 7, 1), by="clock", exemption_id=UUID(int=2)),
    HandoverAccepted(occurred_on=date(2023, 8, 1), by=STAFF, handover_id=UUID(int=3), to_track="participation"),
    exited(date(2023, 9, 1), exit_id=UUID(int=4)),
    ExitReverted(occurred_on=date(2023, 9, 5), by=STAFF, exit_id=UUID(int=4)),
    exited(date(2023, 10, 1), "education"),
    ClientReturned(occurred_on=date(2023, 12, 1), by=STAFF),
]


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_arrival_and_repeats_lead_to_the_same_end(reporting: Reporting, seed: int) -> None:
    shuffled = random.Random(seed).sample(JOURNEY, len(JOURNEY))
    straight, mixed = new_id(), new_id()
    await reporting.hear(straight, *JOURNEY)
    records = {id(event): reporting.service.record(new_id(), mixed, event, "GM0626") for event in JOURNEY}
    for event in [*shuffled, *shuffled[:5]]:
        await reporting.service.consumer.handle([records[id(event)]])
    for table in ("spells", "placements", "exemptions"):
        columns = "since, until"
        query = f"SELECT {columns} FROM {table} WHERE client_id = :id ORDER BY id"
        assert await reporting.rows(query, id=mixed) == await reporting.rows(query, id=straight), (seed, table)
    one, other = await reporting.row(straight), await reporting.row(mixed)
    assert {**one, "id": None} == {**other, "id": None}


async def test_tables_say_what_the_happenings_say(reporting: Reporting) -> None:
    """The stored histories, and those made anew of all happenings, are one."""
    clients = [await reporting.client(*JOURNEY[1:8]) for _ in range(3)]
    await reporting.hear(clients[0], ClientsMerged(occurred_on=MAR, by=STAFF, into=clients[1]))
    await reporting.hear(clients[2], exited(MAR))
    async with reporting.service.office.database.in_background() as session:
        stored = await read_book(session, "GM0626")
        anew = await read_book(session, "GM0626", date(2024, 12, 31))
    assert _comparable(stored) == _comparable(anew)


def _comparable(book: Book) -> tuple[Any, ...]:
    return dict(book.histories), dict(book.into), book.undone


async def test_a_batch_of_five_hundred_asks_the_database_no_more_often_than_one_of_five(reporting: Reporting) -> None:
    asked_often: dict[int, list[int]] = {}
    held = ConversationHeld(occurred_on=FEB, by=STAFF, conversation_id=new_id(), kind="telephone")
    for number in (5, 500):
        clients = [new_id() for _ in range(number)]
        asked_often[number] = []
        for event in (registered(JAN), categorised(JAN, "1A", "reintegration"), granted(FEB), exited(MAR), held):
            with statements(reporting.service.office.database.background) as asked:
                await reporting.hear_all([(client, event) for client in clients])
            asked_often[number].append(len(asked))
    assert asked_often[500] == asked_often[5]
    assert (await reporting.figures(MAR))["exits"] == {"work": 505}


async def test_the_gate(reporting: Reporting) -> None:
    for diverted in (True, False, False):
        later: Event = (
            ApplicationDiverted(occurred_on=FEB, by=STAFF, diverted_to="vacancy")
            if diverted
            else ApplicationFiled(occurred_on=FEB, by=STAFF, application_id=new_id())
        )
        await reporting.client(NotificationReceived(occurred_on=JAN, by=STAFF), later)
    refused = await reporting.client(BenefitDecided(occurred_on=FEB, by=STAFF, outcome="refused"))
    assert (await reporting.row(refused))["benefit"] == "refused"
    gate = (await reporting.figures(MAR))["gate"]
    assert gate == {
        "notifications": 3, "applications": 2, "diverted": 1, "withdrawn": 0, "granted": 0, "refused": 1,
        "divertedSharePct": 33.3,
    }  # fmt: skip


async def spells(reporting: Reporting, client: UUID) -> list[tuple[date, date | None]]:
    query = "SELECT since, until FROM spells WHERE client_id = :id AND kind = 'benefit' ORDER BY since"
    return [(row["since"], row["until"]) for row in await reporting.rows(query, id=client)]
