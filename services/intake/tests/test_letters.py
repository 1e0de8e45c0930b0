from __future__ import annotations

import asyncio
from datetime import date
from itertools import permutations
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from chassis.ids import new_id
from contracts.diagnosis import ClientCategorised, Traits
from contracts.intake import LetterSent
from contracts.routing import CaseworkerAssigned, ClientExited, ClientReturned, HandoverAccepted
from tests.support.shuffle import interleavings

if TYPE_CHECKING:
    from tests.conftest import Intake

    from contracts import Event

TODAY = date(2024, 2, 1)


def categorised(category: str = "1A", track: str = "reintegration", **more: Any) -> ClientCategorised:
    told = {"basis": "assessment", "confirmed": "changed", "exempted_until": None, **more}
    by = told.pop("by", "staff:w-1")
    traits = Traits(scheme="distance", category=category, track=track, status="decided", **told)
    return ClientCategorised(
        occurred_on=TODAY, by=by, assessment_id=None, old_category=None, old_track=None, traits=traits, receipt=None
    )


def assigned(
    role: str, occasion: Any = "categorised", caseworker: str = "w-7", by: str = "staff:w-1"
) -> CaseworkerAssigned:
    return CaseworkerAssigned(occurred_on=TODAY, by=by, caseworker_id=caseworker, role=role, occasion=occasion)


def accepted(to_track: str = "participation") -> HandoverAccepted:
    return HandoverAccepted(occurred_on=TODAY, by="staff:p-1", handover_id=new_id(), to_track=to_track)


def exited(reason: Any = "work", by: str = "staff:w-1") -> ClientExited:
    return ClientExited(occurred_on=TODAY, by=by, exit_id=new_id(), reason=reason)


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.requirement("ROU-14")
async def test_a_letter_tells_track_and_caseworker_whichever_is_heard_first(
    intake: Intake, role_of: dict[str, str], order: tuple[int, ...]
) -> None:
    client = await intake.client()
    events: list[Event] = [categorised(), assigned(role_of["1A"])]

    for number in order:
        assert await intake.letters(client) == []
        await intake.hear(client, events[number])

    [letter] = await intake.letters(client)
    assert letter["kind"] == "categorised"
    assert letter["subject"] == "U hoort bij Re-integratie"
    assert "Beste Noor van der Ven,\n" in letter["body"]
    assert "(w-7)" in letter["body"]
    assert "Gemeente Voorschoten" in letter["body"]
    assert "{{" not in letter["body"]
    assert letter["template"] == "voorschoten-2024 1 categorised 2"
    [sent] = await intake.said(LetterSent, client)
    assert sent.data.model_dump() == {
        "occurred_on": TODAY, "by": "staff:w-1", "letter_id": sent.data.letter_id, "kind": "categorised",
        "corrects": None,
    }  # fmt: skip
    assert str(sent.data.letter_id) == letter["id"]


async def test_who_keeps_the_caseworker_hears_at_once(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    assert role_of["1A"] == role_of["1B"]
    await intake.hear(client, categorised("1A"), assigned(role_of["1A"]), categorised("1B"))

    assert [each["kind"] for each in await intake.letters(client)] == ["categorised", "categorised"]


async def test_a_temporary_exemption_that_only_suspends_leaves_track_and_caseworker(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client = await intake.client()
    await intake.hear(client, categorised("1A"), assigned(role_of["1A"]))
    await intake.hear(client, categorised("3B", "participation", exempted_until=date(2024, 6, 1)))

    _, second = await intake.letters(client)
    assert "Re-integratie" in second["body"]


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_after_a_handover_one_letter_tells_it_all(
    intake: Intake, role_of: dict[str, str], order: tuple[int, ...]
) -> None:
    client = await intake.client()
    await intake.hear(client, categorised("1A"), assigned(role_of["1A"]))
    await intake.hear(client, categorised("2A", "participation"))
    events: list[Event] = [accepted(), assigned(role_of["2A"], "handover", "p-3", by="staff:p-1")]

    for number in order:
        assert len(await intake.letters(client)) == 1
        await intake.hear(client, events[number])

    _, letter = await intake.letters(client)
    assert letter["kind"] == "handover"
    assert "U gaat verder bij Participatie." in letter["body"]
    assert "(p-3)" in letter["body"]
    assert await intake.rows("SELECT * FROM awaited_letters") == []


async def test_every_order_of_the_two_producers_ends_with_the_handover_told(
    intake: Intake, role_of: dict[str, str]
) -> None:
    diagnosis: list[Event] = [categorised("1A"), categorised("2A", "participation")]
    routing: list[Event] = [
        assigned(role_of["1A"]), accepted(), assigned(role_of["2A"], "handover", "p-3", by="staff:p-1"),
    ]  # fmt: skip
    for order in interleavings(diagnosis, routing):
        client = await intake.client()
        await intake.hear(client, *order)

        told = await intake.letters(client)
        assert [each["kind"] for each in told if each["kind"] == "handover"] == ["handover"]
        assert len(told) <= 2
        assert "Participatie" in told[-1]["body"]
    assert await intake.rows("SELECT * FROM awaited_letters") == []
    standings = await intake.rows("SELECT DISTINCT category, track, caseworker_id FROM standings")
    assert standings == [("2A", "participation", "p-3")]


async def test_a_change_of_caseworker_alone_is_no_letter(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    await intake.hear(client, categorised(), assigned(role_of["1A"]), assigned(role_of["1A"], "transfer", "w-8"))

    assert len(await intake.letters(client)) == 1


async def test_a_letter_says_goodbye_but_not_to_the_dead(intake: Intake, role_of: dict[str, str]) -> None:
    working, dead, left, never_guided = [await intake.client() for _ in range(4)]
    for client in (working, dead, left):
        await intake.hear(client, categorised(), assigned(role_of["1A"]))
    await intake.done(f"/clients/{dead}/deaths")

    await intake.hear(working, exited())
    await intake.hear(dead, exited("deceased", by="clock"))
    await intake.hear(left, exited("moved_away"))
    await intake.hear(never_guided, exited("benefit_refused"))

    kinds = [[each["kind"] for each in await intake.letters(client)] for client in (working, dead, left, never_guided)]
    assert kinds == [["categorised", "exit"], ["categorised"], ["categorised"], []]
    assert (await intake.letters(working))[1]["subject"] == "Onze hulp aan u stopt"


async def test_a_goodbye_that_is_heard_before_the_category_goes_out_with_it(
    intake: Intake, role_of: dict[str, str]
) -> None:
    client, returned = await intake.client(), await intake.client()
    await intake.hear(client, assigned(role_of["1A"]), exited())
    await intake.hear(returned, exited(), ClientReturned(occurred_on=TODAY, by="staff:w-1"))
    assert await intake.letters(client) == []

    await intake.hear(client, categorised(), categorised("1B"))
    await intake.hear(returned, categorised(), assigned(role_of["1A"]))

    assert [each["kind"] for each in await intake.letters(client)] == ["exit"]
    assert [each["kind"] for each in await intake.letters(returned)] == ["categorised"]


@pytest.mark.requirement("ROU-14")
async def test_nobody_writes_to_the_dead(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    await intake.hear(client, categorised())
    await intake.done(f"/clients/{client}/deaths")

    await intake.hear(client, assigned(role_of["1A"]), categorised("1B"), accepted(), exited())

    assert await intake.letters(client) == []


async def test_an_import_is_no_reason_for_a_letter(intake: Intake, role_of: dict[str, str]) -> None:
    client = await intake.client()
    await intake.hear(client, categorised(basis="import", by="import"))
    await intake.hear(client, assigned(role_of["1A"], "import", by="import"), exited(by="import"))

    assert await intake.letters(client) == []


async def test_what_is_heard_of_somebody_unknown_does_no_harm(intake: Intake) -> None:
    nobody = uuid4()
    await intake.hear(nobody, categorised(), assigned("r"), accepted(), exited())

    assert await intake.said() == []


async def test_what_is_heard_of_two_producers_at_the_same_moment_still_makes_one_letter(
    intake: Intake, role_of: dict[str, str]
) -> None:
    for client in [await intake.client() for _ in range(25)]:
        await intake.hear(client, ClientReturned(occurred_on=TODAY, by="staff:w-1"))
        await asyncio.gather(
            intake.hear(client, categorised()),
            intake.hear(client, assigned(role_of["1A"])),
        )
        assert len(await intake.letters(client)) == 1


@pytest.mark.requirement("ROU-14")
async def test_a_letter_is_looked_at_before_it_is_sent(intake: Intake) -> None:
    client = await intake.client()
    path, asked = f"/clients/{client}/letter-previews", {"kind": "handover"}
    missing = await intake.post(path, asked)
    assert missing.json()["errors"] == [{"detail": "is needed: this client is on no track yet", "pointer": "#/track"}]

    seen = (await intake.post(path, {**asked, "track": "participation"})).json()
    assert (seen["template"], seen["complaints"]) == ("voorschoten-2024 1 handover 2", [])
    assert "U gaat verder bij Participatie." in seen["body"]
    assert "{{" not in seen["body"]
    assert seen["packDigest"] == intake.service.office.policies.in_force("GM0626", TODAY).digest
    assert await intake.letters(client) == []


async def test_a_draft_of_a_letter_is_looked_at_and_complained_of(intake: Intake) -> None:
    path = f"/clients/{await intake.client()}/letter-previews"
    asked: dict[str, Any] = {"kind": "exit", "track": "participation"}
    draft = {"subject": "Dag {{ name }}", "body": "Uw begeleiding wordt door ons beëindigd en gestopt."}
    seen = (await intake.post(path, {**asked, "template": draft})).json()
    assert seen["template"].endswith("draft")
    assert any("lijdende vorm" in each for each in seen["complaints"])

    wrong = await intake.post(path, {**asked, "template": {"subject": "x", "body": "{{ bsn }}"}})
    assert wrong.status_code == 400
    assert "unknown placeholder bsn" in wrong.json()["errors"][0]["detail"]
    elsewhere = await intake.post(path, {**asked, "track": "nowhere"})
    assert elsewhere.json()["errors"][0]["pointer"] == "#/track"


async def test_there_is_no_letter_to_look_at_for_the_dead(intake: Intake) -> None:
    client = await intake.client()
    await intake.done(f"/clients/{client}/deaths")
    assert (await intake.post(f"/clients/{client}/letter-previews", {"kind": "exit"})).status_code == 409
