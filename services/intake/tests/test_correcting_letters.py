"""A letter that turned out to be wrong is followed by one that says so, and what holds; once, and to nobody in vain."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from contracts.intake import LetterSent
from contracts.routing import CaseworkerMissing
from tests.support.heard import (
    STAFF,
    accepted,
    assigned,
    categorised,
    corrected,
    exited,
    reverted,
)
from tests.support.shuffle import interleavings

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Intake

    from contracts import Event

WORK, TAKING_PART = "reintegration", "participation"
FIRST, SECOND, THIRD = date(2024, 1, 10), date(2024, 1, 17), date(2024, 1, 24)
pytestmark = pytest.mark.requirement("ROU-14", "INT-13")


async def told(intake: Intake, client: UUID) -> list[tuple[str, int | None]]:
    """The kinds of the letters to a client, each with the number of the one that it corrects."""
    letters = await intake.letters(client)
    numbers = {each["id"]: number for number, each in enumerate(letters)}
    for number, each in enumerate(letters):
        corrects = numbers.get(each["corrects"])
        assert corrects is None or letters[corrects]["correctedBy"] == each["id"], number
    return [(each["kind"], numbers.get(each["corrects"])) for each in letters]


async def nothing_is_awaited(intake: Intake) -> None:
    assert await intake.rows("SELECT * FROM awaited_letters") == []
    assert await intake.rows("SELECT * FROM standings WHERE wrong_letter_id IS NOT NULL") == []


async def test_a_corrected_decision_corrects_the_letter_about_it(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    wrong = categorised(FIRST, "1A", WORK)
    await intake.hear(client, wrong, assigned(FIRST, role_of["1A"], "w-7"))

    await intake.hear(client, corrected(wrong, SECOND, "2A", TAKING_PART))
    assert await told(intake, client) == [("categorised", None)]  # until the handover that follows
    await intake.hear(client, accepted(THIRD, TAKING_PART), assigned(THIRD, role_of["2A"], "p-3", "handover"))

    assert await told(intake, client) == [("categorised", None), ("correction", 0)]
    first, second = await intake.letters(client)
    assert second["subject"] == "Onze brief van 1 februari 2024 klopt niet"
    assert 'Op 1 februari 2024 kreeg u een brief van ons: "U hoort bij Re-integratie".' in second["body"]
    assert "Beste Noor van der Ven,\n" in second["body"]
    assert "wij helpen u bij Participatie." in second["body"]
    assert "(p-3)" in second["body"]
    assert "{{" not in second["subject"] + second["body"]
    said = [(each.data.kind, each.data.corrects) for each in await intake.said(LetterSent, client)]
    assert [(kind, str(letter) if letter else None) for kind, letter in said] == [
        ("categorised", None), ("correction", first["id"]),
    ]  # fmt: skip
    await nothing_is_awaited(intake)


async def test_whichever_of_two_producers_is_ahead_the_letter_is_corrected_once(
    intake: Intake, role_of: dict[str, str]
) -> None:
    wrong = categorised(FIRST, "1A", WORK)
    diagnosis: list[Event] = [wrong, corrected(wrong, SECOND, "2A", TAKING_PART)]
    routing: list[Event] = [
        assigned(FIRST, role_of["1A"], "w-7"), accepted(THIRD, TAKING_PART),
        assigned(THIRD, role_of["2A"], "p-3", "handover"),
    ]  # fmt: skip
    for order in interleavings(diagnosis, routing):
        client = await intake.client()
        await intake.hear(client, *order)

        letters = await intake.letters(client)
        assert "Participatie" in letters[-1]["body"]
        was_told_wrong = "Re-integratie" in letters[0]["body"]
        assert [each["corrects"] for each in letters if each["corrects"]] == [letters[0]["id"]] * was_told_wrong
    await nothing_is_awaited(intake)
    kept = "SELECT DISTINCT category, track, caseworker_id, named_role FROM standings"
    assert await intake.rows(kept) == [("2A", TAKING_PART, "p-3", role_of["2A"])]


async def test_what_was_not_told_yet_is_told_rightly_at_once(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    wrong = categorised(FIRST, "2A", TAKING_PART)
    await intake.hear(client, wrong, corrected(wrong, SECOND, "1A", WORK))
    assert await told(intake, client) == []

    await intake.hear(client, assigned(SECOND, role_of["1A"], "w-7"))

    [letter] = await intake.letters(client)
    assert (letter["kind"], letter["corrects"]) == ("categorised", None)
    assert "Re-integratie" in letter["body"]


async def test_a_correction_that_leaves_what_was_told_as_it_is_needs_no_letter(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    first = categorised(FIRST, "1A", WORK)
    second = corrected(first, SECOND, "1B", WORK)  # another category of the same track, and the same caseworker
    await intake.hear(client, first, assigned(FIRST, role_of["1A"], "w-7"), second)
    assert await told(intake, client) == [("categorised", None)]

    third = corrected(second, SECOND, "2A", TAKING_PART)  # what was told of the second stood in the first letter
    await intake.hear(client, third, accepted(THIRD, TAKING_PART), assigned(THIRD, role_of["2A"], "p-3", "handover"))

    assert await told(intake, client) == [("categorised", None), ("correction", 0)]


async def test_a_correction_that_is_taken_back_before_it_was_told_needs_no_letter(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    first = categorised(FIRST, "1A", WORK)
    second = corrected(first, SECOND, "2A", TAKING_PART)
    await intake.hear(client, first, assigned(FIRST, role_of["1A"], "w-7"), second)

    await intake.hear(client, corrected(second, THIRD, "1A", WORK))

    assert await told(intake, client) == [("categorised", None)]
    await nothing_is_awaited(intake)


async def test_a_new_decision_is_told_as_such_and_still_corrects_what_was_wrong(
    intake: Intake, role_of: dict[str, str]
) -> None:
    same, other = await intake.client(), await intake.client()
    for client, category, track in ((same, "1A", WORK), (other, "2A", TAKING_PART)):
        first = categorised(FIRST, "1A", WORK)
        await intake.hear(client, first, assigned(FIRST, role_of["1A"], "w-7"))
        await intake.hear(client, corrected(first, SECOND, "2A", TAKING_PART), categorised(THIRD, category, track))
    await intake.hear(other, accepted(THIRD, TAKING_PART), assigned(THIRD, role_of["2A"], "p-3", "handover"))

    assert await told(intake, same) == [("categorised", None), ("categorised", None)]
    assert await told(intake, other) == [("categorised", None), ("correction", 0)]


async def test_corrections_in_a_chain_each_correct_the_letter_before(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    first = categorised(FIRST, "1A", WORK)
    second = corrected(first, FIRST, "2A", TAKING_PART)
    third = corrected(second, SECOND, "1A", WORK)
    await intake.hear(client, first, assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(client, second, accepted(FIRST, TAKING_PART), assigned(FIRST, role_of["2A"], "p-3", "handover"))
    await intake.hear(client, third, accepted(SECOND, WORK), assigned(SECOND, role_of["1A"], "w-8", "handover"))

    assert await told(intake, client) == [("categorised", None), ("correction", 0), ("correction", 1)]


async def test_a_handover_that_followed_from_a_mistake_is_corrected_when_the_client_is_back(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    wrong = categorised(SECOND, "2A", TAKING_PART)
    await intake.hear(client, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(client, wrong, accepted(SECOND, TAKING_PART), assigned(SECOND, role_of["2A"], "p-3", "handover"))

    await intake.hear(client, corrected(wrong, SECOND, "1A", WORK))  # found on the very day
    await intake.hear(client, accepted(THIRD, WORK), assigned(THIRD, role_of["1A"], "w-7", "handover"))

    assert await told(intake, client) == [("categorised", None), ("handover", None), ("correction", 1)]
    assert "Re-integratie" in (await intake.letters(client))[-1]["body"]


async def test_a_handover_after_the_longest_stay_was_no_mistake_of_the_diagnosis(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    first = categorised(FIRST, "1A", WORK)
    await intake.hear(client, first, assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(client, accepted(SECOND, TAKING_PART), assigned(SECOND, role_of["2A"], "p-3", "handover"))

    await intake.hear(client, corrected(first, THIRD, "1B", WORK))
    await intake.hear(client, accepted(THIRD, WORK), assigned(THIRD, role_of["1B"], "w-7", "handover"))

    assert await told(intake, client) == [("categorised", None), ("handover", None), ("handover", None)]


async def test_a_goodbye_by_mistake_is_taken_back(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    exit = exited(SECOND)
    await intake.hear(client, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"), exit)

    await intake.hear(client, reverted(exit, THIRD))

    assert await told(intake, client) == [("categorised", None), ("exit", None), ("correction", 1)]
    last = (await intake.letters(client))[-1]
    assert '"Onze hulp aan u stopt"' in last["body"]
    assert "wij helpen u bij Re-integratie." in last["body"]
    assert "(w-7)" in last["body"]
    await intake.hear(client, exited(THIRD))
    assert (await told(intake, client))[-1] == ("exit", None)


async def test_a_goodbye_that_was_taken_back_waits_for_who_guides_the_client_now(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    exit, role = exited(SECOND), role_of["1A"]
    await intake.hear(client, categorised(FIRST, "1A", WORK), assigned(FIRST, role, "w-7"), exit)
    await intake.hear(client, CaseworkerMissing(occurred_on=THIRD, by=STAFF, role=role), reverted(exit, THIRD))
    assert len(await told(intake, client)) == 2

    await intake.hear(client, assigned(THIRD, role, "w-9", "transfer"))

    assert (await told(intake, client))[2:] == [("correction", 1)]
    assert "(w-9)" in (await intake.letters(client))[-1]["body"]


async def test_a_goodbye_during_a_handover_is_corrected_at_once_and_the_handover_told_later(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    exit = exited(SECOND)
    await intake.hear(client, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(client, categorised(SECOND, "2A", TAKING_PART), exit, reverted(exit, SECOND))

    assert await told(intake, client) == [("categorised", None), ("exit", None), ("correction", 1)]
    _, goodbye, correction = await intake.letters(client)
    assert "Wij stoppen met onze hulp bij Re-integratie." in goodbye["body"], "of the other track nobody told them"
    assert "Re-integratie" in correction["body"]
    await intake.hear(client, accepted(THIRD, TAKING_PART), assigned(THIRD, role_of["2A"], "p-3", "handover"))
    assert (await told(intake, client))[3:] == [("handover", None)]
    await nothing_is_awaited(intake)


async def test_an_exit_without_a_goodbye_leaves_nothing_to_take_back_but_what_waited_goes_out(
    intake: Intake, role_of: dict[str, str]
) -> None:
    told_before, waited = await intake.client(), await intake.client()
    for client in (told_before, waited):
        exit = exited(SECOND, "moved_away")
        await intake.hear(client, categorised(FIRST, "1A", WORK))
        if client == told_before:
            await intake.hear(client, assigned(FIRST, role_of["1A"], "w-7"))
        await intake.hear(client, exit, reverted(exit, THIRD), assigned(THIRD, role_of["1A"], "w-7"))

    assert await told(intake, told_before) == await told(intake, waited) == [("categorised", None)]


async def test_who_takes_over_during_a_handover_is_not_named_as_who_guides_after_it(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    await intake.hear(client, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(client, categorised(SECOND, "2A", TAKING_PART))

    await intake.hear(client, assigned(SECOND, role_of["1A"], "w-8", "transfer"))

    assert await told(intake, client) == [("categorised", None)]


async def test_nobody_is_written_to_about_a_mistake_after_death_or_an_import(
    intake: Intake, role_of: dict[str, str]
) -> None:
    dead, imported = await intake.client(), await intake.client()
    first = categorised(FIRST, "1A", WORK)
    await intake.hear(dead, first, assigned(FIRST, role_of["1A"], "w-7"))
    await intake.done(f"/clients/{dead}/deaths")
    await intake.hear(dead, corrected(first, SECOND, "1B", WORK), assigned(SECOND, role_of["2A"], "w-8"))
    brought = categorised(FIRST, "1A", WORK, basis="import")
    await intake.hear(imported, brought, assigned(FIRST, role_of["1A"], "w-7", "import"))

    assert (await told(intake, dead), await told(intake, imported)) == ([("categorised", None)], [])


async def test_what_was_not_told_because_of_a_death_by_mistake_is_told_when_that_is_taken_back(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    exit = exited(SECOND, "deceased")
    await intake.hear(client, categorised(FIRST, "1A", WORK))
    await intake.done(f"/clients/{client}/deaths")
    await intake.hear(client, assigned(SECOND, role_of["1A"], "w-7"), exit)
    assert await told(intake, client) == []

    await intake.done(f"/clients/{client}/restorations", {"reason": "Een naamgenoot."})
    await intake.hear(client, reverted(exit, THIRD))

    assert await told(intake, client) == [("categorised", None)]
    await nothing_is_awaited(intake)


async def test_who_should_never_have_been_registered_hears_that_the_letters_do_not_hold(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client, never_told = await intake.client(), await intake.client()
    await intake.hear(client, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"))
    for each in (client, never_told):
        await intake.done(f"/clients/{each}/cancellations", {"reason": "verkeerde persoon"})

    assert await told(intake, client) == [("categorised", None), ("withdrawal", 0)]
    assert await told(intake, never_told) == []
    last = (await intake.letters(client))[-1]
    assert last["subject"] == "Onze brief van 1 februari 2024 geldt niet meer"
    assert "Eerdere brieven van ons gelden ook niet meer." in last["body"]
    await intake.hear(client, assigned(SECOND, role_of["1A"], "w-8"))
    assert len(await told(intake, client)) == 2


async def test_what_was_told_to_who_turned_out_to_be_another_is_corrected_where_it_does_not_hold(
    intake: Intake, role_of: dict[str, str]
) -> None:
    goes, stays, goes_left, stays_left = [await intake.client() for _ in range(4)]
    for client in (goes, goes_left, stays_left):
        await intake.hear(client, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(stays, categorised(FIRST, "2A", TAKING_PART), assigned(FIRST, role_of["2A"], "p-3"))
    await intake.hear(stays_left, exited(SECOND))

    for gone, into in ((goes, stays), (goes_left, stays_left)):
        await intake.done(f"/clients/{gone}/mergers", {"into": str(into)})

    assert await told(intake, stays) == [("categorised", None), ("categorised", None), ("correction", 0)]
    last = (await intake.letters(stays))[-1]
    assert "wij helpen u bij Participatie." in last["body"]
    assert "(p-3)" in last["body"]
    # who had left is guided after all, as the client who goes was
    assert (await told(intake, stays_left))[2:] == [("exit", None), ("correction", 2)]
    await intake.hear(stays_left, assigned(THIRD, role_of["1A"], "w-7", "transfer"))
    assert len(await told(intake, stays_left)) == 4
    await nothing_is_awaited(intake)


async def test_a_merger_that_leaves_what_either_was_told_as_it_is_needs_no_letter(
    intake: Intake, role_of: dict[str, str]
) -> None:
    new, known, waiting = [await intake.client() for _ in range(3)]
    await intake.hear(known, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(waiting, categorised(FIRST, "2A", TAKING_PART))

    await intake.done(f"/clients/{known}/mergers", {"into": str(new)})
    await intake.done(f"/clients/{waiting}/mergers", {"into": str(new)})
    await intake.hear(new, assigned(THIRD, role_of["1A"], "w-7", "transfer"))

    assert await told(intake, new) == [("categorised", None)]
    await nothing_is_awaited(intake)


async def test_a_letter_that_corrects_is_looked_at_before_it_is_sent(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    path = f"/clients/{client}/letter-previews"
    empty: dict[str, Any] = (await intake.post(path, {"kind": "correction", "track": WORK})).json()
    assert '"Onze hulp aan u stopt"' in empty["body"]
    assert (await intake.post(path, {"kind": "withdrawal"})).json()["complaints"] == []
    await intake.hear(client, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"))

    seen = (await intake.post(path, {"kind": "correction"})).json()
    assert '"U hoort bij Re-integratie"' in seen["body"]
    assert (seen["complaints"], "{{" in seen["body"]) == ([], False)
    draft = {"subject": "x", "body": "Sorry, {{ name }}."}
    wrong = await intake.post(path, {"kind": "correction", "template": draft})
    assert wrong.json()["errors"][0]["pointer"] == "#/template"
    assert "{{ letter_date }}" in wrong.json()["errors"][0]["detail"]


async def two_who_were_taken_for_one(intake: Intake, gone: UUID, survivor: UUID) -> None:
    """Two registrations are merged, and that is undone."""
    await intake.done(f"/clients/{gone}/mergers", {"into": str(survivor)})
    newest = (await intake.get(f"/clients/{survivor}/mergers")).json()["items"][0]["id"]
    await intake.done(f"/mergers/{newest}/reversals", {"reason": "twee zussen"})


async def test_a_letter_that_was_corrected_while_two_were_taken_for_one_is_corrected_for_whose_it_is(
    intake: Intake, role_of: dict[str, str]
) -> None:
    gone, survivor = await intake.client(), await intake.client()
    wrong = categorised(FIRST, "1A", WORK)
    await intake.hear(gone, wrong, assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(survivor, categorised(FIRST, "2A", TAKING_PART), assigned(FIRST, role_of["2A"], "p-3"))
    await two_who_were_taken_for_one(intake, gone, survivor)

    handed_over = accepted(THIRD, TAKING_PART), assigned(THIRD, role_of["2A"], "p-4", "handover")
    await intake.hear(gone, corrected(wrong, SECOND, "2A", TAKING_PART), *handed_over)

    assert await intake.rows("SELECT error FROM parked") == []
    assert await told(intake, gone) == [("categorised", None), ("correction", 0)]
    assert "(p-4)" in (await intake.letters(gone))[-1]["body"]
    await nothing_is_awaited(intake)


async def test_a_goodbye_that_was_corrected_while_two_were_taken_for_one_is_corrected_when_the_exit_was_none(
    intake: Intake, role_of: dict[str, str]
) -> None:
    gone, survivor = await intake.client(), await intake.client()
    left = exited(SECOND)
    await intake.hear(gone, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"), left)
    await intake.hear(survivor, categorised(FIRST, "2A", TAKING_PART), assigned(FIRST, role_of["2A"], "p-3"))
    await two_who_were_taken_for_one(intake, gone, survivor)

    await intake.hear(gone, reverted(left, THIRD))

    assert await intake.rows("SELECT error FROM parked") == []
    assert await told(intake, gone) == [("categorised", None), ("exit", None), ("correction", 1)]


async def test_who_is_taken_for_the_same_once_more_is_told_once(intake: Intake, role_of: dict[str, str]) -> None:
    gone, survivor = await intake.client(), await intake.client()
    await intake.hear(gone, categorised(FIRST, "1A", WORK), assigned(FIRST, role_of["1A"], "w-7"))
    await intake.hear(survivor, categorised(FIRST, "2A", TAKING_PART), assigned(FIRST, role_of["2A"], "p-3"))
    for _ in range(2):
        await two_who_were_taken_for_one(intake, gone, survivor)

    assert [kind for kind, _ in await told(intake, survivor)] == ["categorised", "correction"]


async def test_what_a_letter_waited_for_it_waits_for_again_when_two_were_no_one(
    intake: Intake, role_of: dict[str, str]
) -> None:
    gone, survivor = await intake.client(), await intake.client()
    await intake.hear(gone, categorised(FIRST, "1A", WORK))
    await intake.done(f"/clients/{gone}/mergers", {"into": str(survivor)})
    await intake.hear(survivor, assigned(SECOND, role_of["1A"], "w-7"))
    assert await told(intake, survivor) == [("categorised", None)]
    newest = (await intake.get(f"/clients/{survivor}/mergers")).json()["items"][0]["id"]
    await intake.done(f"/mergers/{newest}/reversals", {"reason": "twee zussen"})

    await intake.hear(gone, assigned(THIRD, role_of["1A"], "w-8"))

    assert await told(intake, gone) == [("categorised", None)]
    assert "(w-8)" in (await intake.letters(gone))[-1]["body"]
