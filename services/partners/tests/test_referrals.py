from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts import Envelope, Event
from contracts.partners import ReferralDeclined, ReferralEnded, ReferralOverdue, ReferralSent
from contracts.routing import ReferralRequested, ReferralWithdrawn

if TYPE_CHECKING:
    from tests.conftest import IN_GROUPS, ONE_TO_ONE, Partners
else:
    from services.partners.tests.conftest import IN_GROUPS, ONE_TO_ONE, Partners

WOEJ = ("woej", "GM1916")


async def step(partners: Partners, referral: UUID, noun: str, **body: Any) -> int:
    answer = await partners.post(f"/referrals/{referral}/{noun}", body, headers=partners.as_partner(*WOEJ))
    return answer.status_code


async def test_a_referral_goes_one_to_one_to_the_partner_that_policy_names(partners: Partners) -> None:
    client = new_id()
    referral = await partners.refer(client)
    assert await partners.types(client) == ["referral-sent"]
    [sent] = await partners.said(ReferralSent)
    assert (sent.data.partner, sent.data.by, sent.municipality) == ("woej", "staff:s-1", "GM1916")
    shown = await partners.referral(referral)
    assert (shown["state"], shown["clientId"], shown["allowed"]) == ("sent", str(client), ["acknowledge"])


async def test_the_loop_closes_step_by_step(partners: Partners) -> None:
    client = new_id()
    referral = await partners.refer(client)
    assert await step(partners, referral, "acknowledgements") == 201
    assert await step(partners, referral, "acceptances") == 201
    assert await step(partners, referral, "starts") == 201
    assert await step(partners, referral, "progress-reports", note="Gaat goed") == 201
    assert await step(partners, referral, "holds", reason="Ziek") == 201
    assert await step(partners, referral, "starts") == 201
    assert await step(partners, referral, "ends", outcome="placed") == 201
    assert await partners.types(client) == [
        "referral-sent", "referral-acknowledged", "referral-accepted", "referral-started", "referral-progressed",
        "referral-held", "referral-started", "referral-ended",
    ]  # fmt: skip
    [ended] = await partners.said(ReferralEnded)
    assert (ended.data.outcome, ended.data.by) == ("placed", "partner:woej")
    shown = await partners.referral(referral)
    assert [each["reason"] for each in shown["steps"] if each["reason"]] == ["Gaat goed", "Ziek"]
    said: list[Envelope[Event]] = await partners.said()
    for envelope in said:
        assert "Ziek" not in envelope.data.model_dump_json()


async def test_an_illegal_jump_is_refused_with_what_is_allowed_now(partners: Partners) -> None:
    referral = await partners.refer()
    answer = await partners.post(f"/referrals/{referral}/starts", {}, headers=partners.as_partner(*WOEJ))
    assert answer.status_code == 409
    assert answer.json()["allowed"] == ["acknowledge"]
    assert await step(partners, referral, "ends", outcome="placed") == 409


async def test_an_answer_repeated_is_harmless(partners: Partners) -> None:
    client = new_id()
    referral = await partners.refer(client)
    assert await step(partners, referral, "acknowledgements") == 201
    assert await step(partners, referral, "acknowledgements") == 200
    assert await step(partners, referral, "acceptances") == 201
    assert await step(partners, referral, "starts") == 201
    assert await step(partners, referral, "ends", outcome="completed") == 201
    assert await step(partners, referral, "ends", outcome="completed") == 200
    assert await step(partners, referral, "ends", outcome="placed") == 409
    assert len(await partners.types(client)) == 5


@pytest.mark.parametrize("noun", ["refusals", "holds"])
async def test_a_reason_is_due(partners: Partners, noun: str) -> None:
    referral = await partners.refer()
    await step(partners, referral, "acknowledgements")
    assert await step(partners, referral, noun) == 400
    assert await step(partners, referral, noun, reason="  ") in {400, 409}


async def test_a_stop_needs_a_reason_and_a_placement_does_not(partners: Partners) -> None:
    referral = await partners.refer()
    for noun in ("acknowledgements", "acceptances", "starts"):
        await step(partners, referral, noun)
    assert await step(partners, referral, "ends", outcome="stopped") == 400
    assert await step(partners, referral, "ends", outcome="stopped", reason="Verhuisd") == 201


async def test_a_refusal_closes_the_loop(partners: Partners) -> None:
    referral = await partners.refer()
    await step(partners, referral, "acknowledgements")
    assert await step(partners, referral, "refusals", reason="Vol") == 201
    assert len(await partners.said(ReferralDeclined)) == 1
    assert (await partners.referral(referral))["allowed"] == []


async def test_an_answer_may_be_entered_late_but_never_early(partners: Partners) -> None:
    referral = await partners.refer()
    tomorrow = partners.clock.today() + timedelta(days=1)
    assert await step(partners, referral, "acknowledgements", on=tomorrow.isoformat()) == 400
    assert await step(partners, referral, "acknowledgements", on="2024-01-31") == 400  # before it was sent
    await partners.service.move_to(tomorrow)
    assert await step(partners, referral, "acknowledgements", on="2024-02-01") == 201


async def test_a_partner_sees_its_own_referrals_and_no_other(partners: Partners) -> None:
    referral = await partners.refer()
    of_another = partners.as_partner("sport-en-welzijn", "GM1916")
    elsewhere = partners.as_partner("woej", "GM0626")
    for headers in (of_another, elsewhere):
        assert (await partners.get(f"/referrals/{referral}", headers=headers)).status_code == 404
        assert (await partners.get("/referrals", headers=headers)).json()["items"] == []
        answer = await partners.post(f"/referrals/{referral}/acknowledgements", {}, headers=headers)
        assert answer.status_code == 404
    own = (await partners.get("/referrals", headers=partners.as_partner(*WOEJ), open=True)).json()["items"]
    assert [each["id"] for each in own] == [str(referral)]
    assert own[0]["clientId"] is None


async def test_a_request_heard_twice_is_one_referral(partners: Partners) -> None:
    client, referral = new_id(), new_id()
    asked = {name: value for name, value in ONE_TO_ONE.items() if name != "municipality"}
    event = ReferralRequested(occurred_on=date(2024, 2, 1), by="clock", referral_id=referral, **asked)
    await partners.hear(client, event, event, municipality="GM1916")
    assert await partners.types(client) == ["referral-sent"]


async def test_each_step_has_a_limit_and_passing_it_is_an_event(partners: Partners) -> None:
    client = new_id()
    referral = await partners.refer(client)
    await partners.service.move_to(date(2024, 2, 6))  # 5 days: the last one is the 6th
    assert await partners.said(ReferralOverdue) == []
    await partners.service.move_to(date(2024, 2, 7))
    [overdue] = await partners.said(ReferralOverdue)
    assert (overdue.data.step, overdue.data.due_on, overdue.subject) == ("acknowledge", date(2024, 2, 6), client)
    assert (await partners.referral(referral))["overdueStep"] == "acknowledge"
    await step(partners, referral, "acknowledgements")
    assert (await partners.referral(referral))["overdueStep"] is None
    await partners.service.move_to(date(2024, 2, 22))  # two weeks and a day after
    assert [each.data.step for each in await partners.said(ReferralOverdue)] == ["acknowledge", "accept"]
    await step(partners, referral, "acceptances")
    await step(partners, referral, "starts")
    await partners.service.move_to(date(2024, 4, 30))
    assert len(await partners.said(ReferralOverdue)) == 2


async def test_a_withdrawal_closes_the_referral_and_its_limits(partners: Partners) -> None:
    client = new_id()
    referral = await partners.refer(client)
    event = ReferralWithdrawn(
        occurred_on=date(2024, 2, 1), by="staff:s-2", referral_id=referral, reason="recategorised"
    )
    await partners.hear(client, event, event, municipality="GM1916")
    assert await partners.types(client) == ["referral-sent", "referral-closed"]
    shown = await partners.referral(referral)
    assert (shown["state"], shown["withdrawnBecause"]) == ("withdrawn", "recategorised")
    assert await step(partners, referral, "acknowledgements") == 409
    await partners.service.move_to(date(2024, 2, 20))
    assert await partners.said(ReferralOverdue) == []


async def test_where_policy_names_a_kind_the_partner_with_the_fewest_open_referrals_is_chosen(
    partners: Partners,
) -> None:
    await partners.refer(partner="sport-en-welzijn")
    chosen = await partners.refer(partner=None)
    assert (await partners.referral(chosen))["partner"] == "woej"


async def test_where_nobody_can_take_the_client_staff_assign(partners: Partners) -> None:
    referral = await partners.refer(partner=None, partner_kind="language_school")
    shown = await partners.referral(referral)
    assert (shown["state"], shown["partner"]) == ("requested", None)
    unknown = await partners.post(f"/referrals/{referral}/assignments", {"partner": "nobody"})
    assert unknown.status_code == 400
    done = await partners.done(f"/referrals/{referral}/assignments", {"partner": "woej"})
    assert (done["state"], done["partner"]) == ("sent", "woej")
    again = await partners.post(f"/referrals/{referral}/assignments", {"partner": "woej"})
    assert again.status_code == 409


async def test_a_partner_signals_readiness_for_the_client_of_an_open_referral(partners: Partners) -> None:
    client = new_id()
    referral = await partners.refer(client)
    body = {"referralId": str(referral), "signal": "ready_for_next_step"}
    answer = await partners.post("/signals", body, headers=partners.as_partner(*WOEJ))
    assert answer.status_code == 201
    assert (await partners.types(client))[-1] == "partner-signalled"
    of_another = partners.as_partner("sport-en-welzijn", "GM1916")
    assert (await partners.post("/signals", body, headers=of_another)).status_code == 404


async def test_the_partner_sees_the_fields_of_the_purpose_and_only_while_open(partners: Partners) -> None:
    client = new_id()
    partners.people.people[client] = {"name": "Jansen", "language": "nl", "address": "Dorpsstraat 1", "bsn": "x"}
    referral = await partners.refer(client)
    headers = partners.as_partner(*WOEJ)
    shown = await partners.referral(referral, headers=headers)
    assert (shown["person"], shown["personStatus"]) == ({"name": "Jansen", "language": "nl"}, "given")
    [(municipality, asked_for, fields, purpose)] = partners.people.asked
    assert (municipality, asked_for, purpose) == ("GM1916", client, "participation")
    assert fields == {"name", "contact", "language"}
    assert (await partners.referral(referral))["person"] is None  # staff
    await step(partners, referral, "acknowledgements")
    await step(partners, referral, "refusals", reason="Vol")
    shown = await partners.referral(referral, headers=headers)
    assert (shown["person"], shown["personStatus"]) == (None, "closed")


async def test_a_silent_intake_leaves_the_referral_without_a_person(partners: Partners) -> None:
    partners.people.away = True
    referral = await partners.refer()
    answer = await partners.get(f"/referrals/{referral}", headers=partners.as_partner(*WOEJ))
    assert answer.status_code == 200
    assert (answer.json()["person"], answer.json()["personStatus"]) == (None, "unavailable")


async def test_what_waits_for_a_group_is_not_shown_to_the_partner(partners: Partners) -> None:
    referral = await partners.refer(**IN_GROUPS)
    headers = partners.as_partner("vrijwilligerscentrale", "GM0629")
    assert (await partners.get(f"/referrals/{referral}", headers=headers)).status_code == 404
    assert (await partners.referral(referral))["state"] == "waiting"


async def test_pages_follow_the_cursor(partners: Partners) -> None:
    made = [str(await partners.refer()) for _ in range(3)]
    first = await partners.get("/referrals", limit=2)
    assert [each["id"] for each in first.json()["items"]] == made[:2]
    link = first.headers["link"].partition("<")[2].partition(">")[0]
    rest = await partners.service.http.get(link, headers=partners.token())
    assert [each["id"] for each in rest.json()["items"]] == made[2:]
