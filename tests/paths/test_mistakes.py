"""Mistakes that the client was told of are put right: by a letter, and with everybody who read what was wrong."""

import pytest

from contracts.intake import IdentityCorrected, LetterSent
from contracts.partners import ReferredPersonCorrected
from tests.support.paths import EVERYWHERE, LEIDSCHENDAM, WASSENAAR, Traveller, path
from tests.support.standings import in_participation, towards_work


@pytest.mark.requirement("INT-13", "ROU-14")
@path(*EVERYWHERE)
async def test_a_client_is_told_that_the_letter_on_a_wrong_diagnosis_does_not_hold(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    [first] = await client.heard(LetterSent)
    await client.days(10)

    body = {"facts": in_participation(client.place), "reason": "De verkeerde klant voor ogen gehad."}
    proposal = await client.post("diagnosis", f"/assessments/{client.assessment}/corrections", body)
    await client.get("diagnosis", f"/proposals/{proposal['id']}")
    await client.post("diagnosis", f"/proposals/{proposal['id']}/confirmations")
    await client.settles()
    await client.days(1)

    handovers = (await client.journey())["handovers"]
    assert all(each["state"] == "cancelled" for each in handovers), "nobody was ever to be handed over"
    [second] = [each for each in await client.heard(LetterSent) if each.corrects is not None]
    assert (second.kind, second.corrects) == ("correction", first.letter_id)
    letter = await client.get("intake", f"/letters/{second.letter_id}")
    assert (letter["corrects"], (await client.get("intake", f"/letters/{first.letter_id}"))["correctedBy"]) == (
        str(first.letter_id), letter["id"],
    )  # fmt: skip
    lines = (await client.get("reporting", f"/clients/{client.id}/timeline?kind=LetterSent"))["items"]
    of = {each["details"]["letterId"]: each for each in lines}
    assert of[letter["id"]]["corrects"] == [of[str(first.letter_id)]["eventId"]]


@pytest.mark.requirement("INT-13", "ROU-14", "ROU-19")
@path(*EVERYWHERE)
async def test_a_client_whose_goodbye_was_a_mistake_is_told_so(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    left = await client.exits("other")
    await client.days(3)
    goodbye = (await client.heard(LetterSent))[-1]
    assert goodbye.kind == "exit"

    await client.post("routing", f"/exits/{left['id']}/reversals", {"reason": "Bij de verkeerde klant ingevoerd."})
    await client.settles()

    sent = (await client.heard(LetterSent))[-1]
    assert (sent.kind, sent.corrects) == ("correction", goodbye.letter_id)


@pytest.mark.requirement("INT-13", "PAR-6")
@path(LEIDSCHENDAM, WASSENAAR)
async def test_a_wrong_number_and_name_are_corrected_and_who_reads_the_name_is_told(client: Traveller) -> None:
    right, wrong = client.person.bsn, client.somebody_else().person.bsn
    client.person.bsn = wrong
    await client.enters(**in_participation(client.place))
    await client.days(30)
    await client.talks(option=1)
    await client.settles()
    referral = await client.referral("participation")

    corrected = {"bsn": right, "name": {"given": "Sanne", "family": "Waterman"}}
    await client.patch("intake", f"/clients/{client.id}", corrected)
    await client.settles()

    [said] = await client.heard(IdentityCorrected)
    assert (said.fields, said.shown) == (("bsn", "name"), ("name",))
    assert not (await client.post("intake", "/client-searches", {"bsn": wrong}))["items"]
    told = await client.heard(ReferredPersonCorrected)
    assert [(str(each.referral_id), each.fields) for each in told] == (
        [(referral["id"], ("name",))] if client.place == LEIDSCHENDAM else []  # elsewhere it waits for a group
    )
    [line] = (await client.get("reporting", f"/clients/{client.id}/timeline?kind=IdentityCorrected"))["items"]
    assert line["sentence"] == "Persoonsgegevens verbeterd: het BSN en de naam."
