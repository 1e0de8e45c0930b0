"""A client's time line: every event in a sentence, corrections beside what they correct, merged clients joined."""

from __future__ import annotations

import itertools
import re
from datetime import date
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts import EVENTS, Event, Model, ReceiptReference
from contracts.diagnosis import AssessmentCompleted
from contracts.intake import (
    ClientDeceased,
    ClientRegistrationUndone,
    ClientsMerged,
    IdentityCorrected,
    LetterSent,
    MergerUndone,
    RegistrationRestored,
)
from contracts.partners import GroupFilled
from contracts.routing import (
    AgreementMissed,
    AgreementReopened,
    ConversationCancelled,
    ConversationHeld,
    ExitReverted,
)
from reporting.rules.sentences import SENTENCES, sentence
from reporting.rules.timeline import REPLACES
from tests.support.heard import STAFF, categorised, exited, granted
from tests.support.service import POLICIES, library

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Reporting

    from policy import Pack

JAN, FEB, MAR = date(2023, 1, 2), date(2023, 2, 1), date(2023, 3, 1)
ABOUT_CLIENTS = [event for event in EVENTS.values() if event.about == "client"]
PACKS = [pack for packs in library(POLICIES).packs.values() for pack in packs]
CODE = re.compile(r"[a-z]_[a-z]|[{}]|None|\b(work|handover|stopped|completed|transfer)\b")


def test_every_event_about_clients_has_a_sentence() -> None:
    assert set(SENTENCES) == set(ABOUT_CLIENTS)


def values(kind: Any) -> Iterator[Any]:
    """Values of a type of a field: all of a list of codes, one of what is open."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from values(get_args(kind)[0])
    elif origin is Literal:
        yield from get_args(kind)
    elif origin is tuple:
        yield ()
    elif origin in (Union, UnionType):
        yield from itertools.chain.from_iterable(map(values, get_args(kind)))
    elif isinstance(kind, type) and issubclass(kind, Model):
        yield from every(kind)
    else:
        yield {UUID: new_id(), date: JAN, bool: True, int: 1, type(None): None}.get(kind, "1")


def every(model: type[Model]) -> Iterator[Any]:
    """A model with each value of each field once."""
    fields = {name: list(values(field.annotation)) for name, field in model.model_fields.items()}
    fields |= {"by": [STAFF]} if "by" in fields else {}
    for number in range(max(map(len, fields.values()))):
        yield model.model_validate({name: each[number % len(each)] for name, each in fields.items()})


@pytest.mark.parametrize("event", ABOUT_CLIENTS, ids=lambda event: event.__name__)
def test_a_sentence_is_dutch_whatever_the_event_says(event: type[Event]) -> None:
    pack: Pack
    for pack, said in itertools.product(PACKS, every(event)):
        told = sentence(said, pack)
        assert re.fullmatch(r"[A-Z€1-9].*\.", told), told
        assert not CODE.search(told), told


async def test_lines_say_what_happened_when_by_whom_and_under_which_policy(reporting: Reporting) -> None:
    receipt = ReceiptReference(receipt_id=new_id(), pack_id="voorschoten", version="1", digest="d", rule="r-1B")
    decided = categorised(FEB, "1B", "reintegration").model_copy(update={"receipt": receipt})
    client = await reporting.client(decided, granted(MAR, FEB))

    lines = await timeline(reporting, client)

    assert [(each["kind"], each["occurredOn"], each["by"]) for each in lines] == [
        ("BenefitDecided", "2023-03-01", STAFF), ("ClientCategorised", "2023-02-01", STAFF),
        ("ClientRegistered", "2023-01-02", "app:front-end"),
    ]  # fmt: skip
    assert lines[0]["sentence"] == "Uitkering toegekend vanaf 1 februari 2023."
    assert lines[0]["policy"]["by"] == "in_force"
    assert lines[0]["details"] == {"outcome": "granted", "applicationId": None, "benefitFrom": "2023-02-01"}
    assert lines[1]["sentence"] == (
        "Ingedeeld in 1B: bemiddelbaar binnen 4-12 maanden (na een diagnose). Spoor: Re-integratie."
    )
    assert lines[1]["policy"] == {"id": "voorschoten", "version": "1", "digest": "d", "by": "receipt"}
    assert lines[1]["receipt"] == {"receiptId": str(receipt.receipt_id), "rule": "r-1B"}
    assert {each["knownOn"] for each in lines} == {reporting.service.clock.today().isoformat()}


async def test_a_correction_stands_beside_what_it_corrects(reporting: Reporting) -> None:
    wrong, right, exit_id = new_id(), new_id(), new_id()
    corrected = categorised(MAR, "2A", "participation", basis="correction")
    client = await reporting.client(
        AssessmentCompleted(occurred_on=JAN, by=STAFF, assessment_id=wrong),
        categorised(FEB, "1B", "reintegration").model_copy(update={"assessment_id": wrong}),
        AssessmentCompleted(occurred_on=FEB, by=STAFF, assessment_id=right, corrects=wrong),
        corrected.model_copy(update={"assessment_id": right, "corrects": wrong}),
        exited(MAR, exit_id=exit_id),
        ExitReverted(occurred_on=MAR, by=STAFF, exit_id=exit_id),
        ClientRegistrationUndone(occurred_on=MAR, by=STAFF),
    )
    lines = {each["eventId"]: each for each in await timeline(reporting, client)}

    of = {id: (each["kind"], each["details"].get("assessmentId")) for id, each in lines.items()}
    pairs = [(*of[each["eventId"]], *of[other]) for each in lines.values() for other in each["corrects"]]
    assert sorted(pairs, key=str) == sorted([
        ("AssessmentCompleted", str(right), "AssessmentCompleted", str(wrong)),
        ("ClientCategorised", str(right), "ClientCategorised", str(wrong)),
        ("ClientRegistrationUndone", None, "ClientRegistered", None),
        ("ExitReverted", None, "ClientExited", None),
    ], key=str)  # fmt: skip
    for each in lines.values():
        assert all(each["eventId"] in lines[other]["correctedBy"] for other in each["corrects"])
        assert all(each["eventId"] in lines[other]["corrects"] for other in each["correctedBy"])


async def test_each_end_that_was_taken_back_is_linked_to_what_takes_it_back(reporting: Reporting) -> None:
    restored = RegistrationRestored(occurred_on=MAR, by=STAFF, ended_as="deceased")
    died = ClientDeceased(occurred_on=FEB, by=STAFF)
    client = await reporting.client(died, restored, died, restored)
    lines = {each["eventId"]: each for each in await timeline(reporting, client)}
    back = [each for each in lines.values() if each["kind"] == "RegistrationRestored"]
    assert [[lines[other]["kind"] for other in each["corrects"]] for each in back] == [["ClientDeceased"]] * 2
    assert len({other for each in back for other in each["corrects"]}) == 2


def test_every_event_that_can_correct_another_is_linked_to_it() -> None:
    can = {event.__name__ for event in ABOUT_CLIENTS if "corrects" in event.model_fields}
    assert can <= REPLACES.keys() <= {event.__name__ for event in ABOUT_CLIENTS}


async def test_conversations_and_agreements_are_linked_to_what_they_correct(reporting: Reporting) -> None:
    first, second, agreement = new_id(), new_id(), new_id()

    def missed(corrects: UUID | None = None) -> AgreementMissed:
        return AgreementMissed(occurred_on=MAR, by=STAFF, agreement_id=agreement, step="talk", corrects=corrects)

    client = await reporting.client(
        ConversationHeld(occurred_on=JAN, by=STAFF, conversation_id=first, kind="face_to_face"),
        ConversationHeld(occurred_on=JAN, by=STAFF, conversation_id=second, kind="face_to_face", corrects=first),
        ConversationCancelled(occurred_on=JAN, by=STAFF, conversation_id=second),
        missed(),
        missed(agreement),
        AgreementReopened(occurred_on=MAR, by=STAFF, agreement_id=agreement),
        missed(),
    )
    lines = await timeline(reporting, client)
    recorded = sorted(lines, key=lambda each: (each["recordedAt"], each["eventId"]))
    order = {each["eventId"]: number for number, each in enumerate(recorded)}

    assert [[order[other] for other in each["corrects"]] for each in recorded] == [
        [], [], [1], [2], [], [4], [4, 5], [],
    ]  # fmt: skip


@pytest.mark.requirement("INT-13", "ROU-14")
async def test_a_correcting_letter_and_corrected_identity_data_are_on_the_time_line(reporting: Reporting) -> None:
    first, second = new_id(), new_id()
    client = await reporting.client(
        LetterSent(occurred_on=FEB, by=STAFF, letter_id=first, kind="categorised"),
        LetterSent(occurred_on=MAR, by=STAFF, letter_id=second, kind="correction", corrects=first),
        IdentityCorrected(occurred_on=MAR, by=STAFF, fields=("bsn", "name", "secret_address")),
    )

    corrected, later, earlier, _ = await timeline(reporting, client)

    assert corrected["sentence"] == ("Persoonsgegevens verbeterd: het BSN, de naam en de geheimhouding van het adres.")
    assert (later["corrects"], earlier["correctedBy"]) == ([earlier["eventId"]], [later["eventId"]])
    assert later["sentence"] == "Brief verstuurd over wat in een eerdere brief niet klopte."


async def test_a_correction_on_another_page_is_linked_all_the_same(reporting: Reporting) -> None:
    exit_id = new_id()
    client = await reporting.client(
        exited(JAN, exit_id=exit_id), granted(FEB), ExitReverted(occurred_on=MAR, by=STAFF, exit_id=exit_id)
    )
    pages = await pages_of(reporting, client, limit=1)
    reverted, _, left, _ = [page[0] for page in pages]
    assert (reverted["corrects"], left["correctedBy"]) == ([left["eventId"]], [reverted["eventId"]])


async def test_lines_of_who_was_merged_are_joined_whichever_id_is_asked(reporting: Reporting) -> None:
    first, second, third, other = [await reporting.client(granted(FEB)) for _ in range(4)]
    await reporting.hear(first, ClientsMerged(occurred_on=MAR, by=STAFF, into=second))
    await reporting.hear(second, ClientsMerged(occurred_on=MAR, by=STAFF, into=third))

    asked = [await timeline(reporting, client) for client in (first, second, third)]

    assert asked[0] == asked[1] == asked[2]
    assert {UUID(each["clientId"]) for each in asked[0]} == {first, second, third}
    assert len(asked[0]) == 8
    assert len(await timeline(reporting, other)) == 2


@pytest.mark.requirement("INT-13", "ROU-18")
async def test_an_undone_merger_is_linked_both_ways_and_each_has_only_their_own_lines(reporting: Reporting) -> None:
    gone, stays = [await reporting.client(granted(FEB)) for _ in range(2)]
    [merger] = await reporting.hear(gone, ClientsMerged(occurred_on=MAR, by=STAFF, into=stays))
    [assigned] = await reporting.hear(stays, exited(MAR), cause=merger)
    undone = MergerUndone(occurred_on=MAR, by=STAFF, into=stays, merger_id=merger)
    [undoing] = await reporting.hear(gone, undone)

    theirs, others = [{each["eventId"]: each for each in await timeline(reporting, client)} for client in (gone, stays)]

    assert {each["clientId"] for each in theirs.values()} == {str(gone)}
    assert {each["clientId"] for each in others.values()} == {str(stays)}
    assert set(theirs[str(undoing)]["corrects"]) == {str(merger), str(assigned)} - {str(assigned)}
    assert theirs[str(merger)]["correctedBy"] == [str(undoing)]
    assert others[str(assigned)]["correctedBy"] == [str(undoing)]


async def test_pages_follow_each_other_and_late_entries_stand_on_their_day(reporting: Reporting) -> None:
    client = await reporting.client(*(granted(date(2023, 2, day)) for day in (3, 1, 2, 2, 2)))
    pages = await pages_of(reporting, client, limit=2)
    assert [len(page) for page in pages] == [2, 2, 2]
    found = [each for page in pages for each in page]
    assert [each["occurredOn"] for each in found] == sorted((each["occurredOn"] for each in found), reverse=True)
    assert len({each["eventId"] for each in found}) == 6


async def test_a_time_line_is_asked_by_day_and_by_kind(reporting: Reporting) -> None:
    talk = ConversationHeld(occurred_on=MAR, by=STAFF, conversation_id=new_id(), kind="review")
    client = await reporting.client(granted(FEB), talk, exited(MAR))

    assert [each["kind"] for each in await timeline(reporting, client, since="2023-03-01")] == [
        "ClientExited", "ConversationHeld",
    ]  # fmt: skip
    assert {each["kind"] for each in await timeline(reporting, client, kind=["BenefitDecided", "ClientExited"])} == {
        "BenefitDecided", "ClientExited",
    }  # fmt: skip
    refused = await reporting.get(f"/clients/{client}/timeline", staff(reporting), kind=["BenefitDecided", "Nothing"])
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#query/kind")


async def test_nobody_elsewhere_sees_a_time_line_and_a_group_has_none(reporting: Reporting) -> None:
    client, group = await reporting.client(granted(FEB)), new_id()
    await reporting.hear(group, GroupFilled(occurred_on=FEB, by="clock", partner="p", size=10))
    elsewhere = reporting.service.token("caseworker", municipalities=["GM0451"])

    assert (await reporting.get(f"/clients/{client}/timeline", elsewhere)).status_code == 404
    assert (await reporting.get(f"/clients/{group}/timeline", staff(reporting))).status_code == 404
    assert (await reporting.get(f"/clients/{client}/timeline", reporting.council)).status_code == 403


def staff(reporting: Reporting) -> dict[str, str]:
    return reporting.service.token("caseworker")


async def timeline(reporting: Reporting, client: UUID, **query: Any) -> list[dict[str, Any]]:
    answer = await reporting.get(f"/clients/{client}/timeline", staff(reporting), **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def pages_of(reporting: Reporting, client: UUID, limit: int) -> list[list[dict[str, Any]]]:
    url: str | None = f"/v1/clients/{client}/timeline?limit={limit}"
    pages = []
    while url:
        answer = await reporting.service.http.get(url, headers=staff(reporting))
        pages.append(answer.json()["items"])
        url = answer.links.get("next", {}).get("url")
    return pages
