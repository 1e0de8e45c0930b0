"""The language requirement (Wet Taaleis): without proof a test is due, and lessons follow one that was not passed."""

from datetime import date

import pytest

from contracts.intake import LanguageTestDue, LanguageTestTaken
from contracts.partners import ReferralEnded
from contracts.routing import ReferralRequested
from policy import Term
from tests.support.paths import SHARED, VOORSCHOTEN, Traveller, path

EIGHT_WEEKS = Term(weeks=8)


async def enters_without_proof(client: Traveller) -> date:
    """Comes in, and can show no proof of language at the intake; the day of the intake."""
    await client.registers()
    await client.notifies()
    await client.applies()
    await client.is_informed()
    await client.settles()
    await client.is_categorised(distance_months=20)
    await client.settles()
    await client.has_intake(languageProof=False)
    await client.settles()
    return client.today


@pytest.mark.requirement("INT-10")
@path(VOORSCHOTEN)
async def test_without_proof_a_test_is_due_and_lessons_follow_until_it_is_passed(client: Traveller) -> None:
    asked = await enters_without_proof(client)
    await client.until(EIGHT_WEEKS.after(asked))
    await client.settles()
    [due] = await client.heard(LanguageTestDue)
    assert due.due_on >= EIGHT_WEEKS.after(asked)
    assert "language_test" in await client.stands()
    await client.days(3)
    await client.post("intake", f"/clients/{client.id}/language-tests", {"passed": False})
    await client.settles()
    assert "language_test" not in await client.stands()
    [lessons] = await client.heard(ReferralRequested)
    assert (lessons.partner, lessons.purpose, lessons.rule) == (
        "language-provider", "language_lessons", "language-lessons",
    )  # fmt: skip
    await client.post("intake", f"/clients/{client.id}/language-tests", {"passed": False})
    await client.settles()
    assert len(await client.heard(ReferralRequested)) == 1, "lessons are asked for once"

    referral = await client.referral("language_lessons")
    await client.answers(referral, ("acknowledgements", {}), ("acceptances", {}), ("starts", {}))
    await client.days(180)
    await client.answers(referral, ("ends", {"outcome": "completed"}))
    await client.post("intake", f"/clients/{client.id}/language-tests", {"passed": True})
    await client.settles()
    assert [each.outcome for each in await client.heard(ReferralEnded)] == ["completed"]
    assert [each.passed for each in await client.heard(LanguageTestTaken)] == [False, False, True]
    assert (await client.referral("language_lessons"))["state"] == "ended"


@pytest.mark.requirement("INT-10")
@path(VOORSCHOTEN)
async def test_lessons_that_have_not_begun_are_called_off_when_the_test_is_passed(client: Traveller) -> None:
    await enters_without_proof(client)
    await client.days(10)
    await client.post("intake", f"/clients/{client.id}/language-tests", {"passed": False})
    await client.settles()
    assert (await client.referral("language_lessons"))["state"] != "withdrawn"
    await client.days(2)
    await client.post("intake", f"/clients/{client.id}/language-tests", {"passed": True})
    await client.settles()
    assert (await client.referral("language_lessons"))["state"] == "withdrawn"
    await client.days(60)
    assert not await client.heard(LanguageTestDue)


@pytest.mark.requirement("INT-10")
@path(*SHARED)
async def test_elsewhere_no_test_is_due(client: Traveller) -> None:
    await enters_without_proof(client)
    await client.days(70)
    assert not await client.heard(LanguageTestDue)
