import asyncio
import json
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chassis.ids import new_id
from contracts.partners import ReferralSent, WebhookEndpointDisabled, WebhookEndpointFailing
from contracts.routing import ReferralWithdrawn
from partners.webhooks.schedule import DELAYS
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.conftest import IN_GROUPS, Partners, Receiver, cut, huge, late, silence, status
else:
    from services.partners.tests.conftest import IN_GROUPS, Partners, Receiver, cut, huge, late, silence, status


async def attempts(partners: Partners, number: int) -> None:
    """So many more attempts, each when it is due."""
    for delay in DELAYS[:number]:
        partners.wait(delay.total_seconds())
        await partners.sender.settle()


async def test_a_referral_is_told_signed_and_thin(partners: Partners, receiver: Receiver) -> None:
    secret = (await partners.endpoint(receiver))["secret"]
    client = new_id()
    referral = await partners.refer(client)
    await partners.sender.settle()
    [sent] = await partners.said(ReferralSent)
    [told] = receiver.received
    [event] = receiver.verify(secret)
    assert told.id == event["id"] == str(sent.id)
    assert event["type"] == "nl.klantreizen.referral-sent"
    assert event["specversion"] == "1.0"
    assert event["source"] == "urn:nld:oin:00000000000000000000:systeem:partners" or event["source"].startswith(
        "urn:nld"
    )
    assert event["subject"] == str(referral)
    assert event["dataref"].endswith(f"/partners/v1/referrals/{referral}")
    assert event["data"] == {
        "referralId": str(referral), "partner": "woej", "purpose": "participation", "step": "sent",
        "occurredOn": "2024-02-01",
    }  # fmt: skip
    assert str(client) not in told.body.decode()
    assert told.headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    assert told.headers["webhook-request-origin"] == "opstap.example"
    assert "authorization" not in told.headers
    assert len(told.body) < 20_000
    [delivery] = await partners.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)


async def test_one_changed_byte_spoils_the_signature(partners: Partners, receiver: Receiver) -> None:
    secret = (await partners.endpoint(receiver))["secret"]
    await partners.refer()
    await partners.sender.settle()
    [told] = receiver.received
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(told.body.decode().replace(":", ": ", 1), told.headers)


async def test_a_retry_has_the_same_id_and_bytes_and_a_signature_of_its_own(
    partners: Partners, receiver: Receiver
) -> None:
    secret = (await partners.endpoint(receiver))["secret"]
    receiver.behaviours.extend([status(500, "uit de lucht"), status(503)])
    await partners.refer()
    await partners.sender.settle()
    await partners.sender.settle()
    assert len(receiver.received) == 1  # not due before the civil clock says so
    await attempts(partners, 2)
    assert len(receiver.received) == 3
    assert len({each.id for each in receiver.received}) == 1
    assert len({each.body for each in receiver.received}) == 1
    assert len(receiver.verify(secret)) == 3
    [delivery] = await partners.deliveries(state="delivered")
    log = await partners.log(delivery)
    assert [(each["status"], each["failure"]) for each in log] == [(500, "500"), (503, "500"), (204, None)]
    assert log[0]["response"] == "uit de lucht"


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (status(500), "500"),
        (status(429), "429"),
        (silence, "timeout"),
        (cut, "reset"),
        (status(404), "other"),
        (status(415), "other"),
        (status(302, Location="http://127.0.0.1:1/other"), "redirect"),
    ],
    ids=["500", "429", "silence", "cut", "404", "415", "redirect"],
)
async def test_each_failure_is_named_and_tried_again(
    partners: Partners, receiver: Receiver, behaviour: Any, failure: str
) -> None:
    await partners.endpoint(receiver)
    receiver.behaviours.append(behaviour)
    await partners.refer()
    await partners.sender.settle()
    [delivery] = await partners.deliveries(state="pending")
    assert [each["failure"] for each in await partners.log(delivery)] == [failure]
    figures = (await partners.get("/delivery-figures", headers=partners.as_operator)).json()
    assert figures == {"delivered": 0, "pending": 1, "exhausted": 0, "failedAttempts": {failure: 1}}
    await attempts(partners, 1)
    assert (await partners.deliveries(state="delivered"))[0]["attempts"] == 2


@pytest.mark.parametrize("code", [200, 201, 202, 204])
async def test_2xx_is_success(partners: Partners, receiver: Receiver, code: int) -> None:
    await partners.endpoint(receiver)
    receiver.behaviours.append(status(code))
    await partners.refer()
    await partners.sender.settle()
    assert len(await partners.deliveries(state="delivered")) == 1


async def test_a_late_answer_is_an_answer(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    receiver.behaviours.append(late)
    await partners.refer()
    await partners.sender.settle()
    assert len(await partners.deliveries(state="delivered")) == 1


async def test_a_huge_answer_is_cut(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    receiver.behaviours.append(huge)
    await partners.refer()
    await partners.sender.settle()
    [delivery] = await partners.deliveries(state="delivered")
    [attempt] = await partners.log(delivery)
    assert len(attempt["response"]) == 1000


async def test_retry_after_is_obeyed_within_bounds(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    receiver.behaviours.extend([status(429, Retry_After="8"), status(503, Retry_After="86400")])
    await partners.refer()
    await partners.sender.settle()
    partners.wait(7)
    await partners.sender.settle()
    assert len(receiver.received) == 1
    partners.wait(1)
    await partners.sender.settle()
    assert len(receiver.received) == 2
    partners.wait(2 * 300)  # a day was asked; twice the delay is the most
    await partners.sender.settle()
    assert len(receiver.received) == 3


async def test_after_the_last_attempt_a_message_is_listed_until_somebody_replays_it(
    partners: Partners, receiver: Receiver
) -> None:
    secret = (await partners.endpoint(receiver))["secret"]
    receiver.always = status(500)
    await partners.refer()
    await partners.sender.settle()
    await attempts(partners, len(DELAYS))
    assert len(receiver.received) == 10
    [delivery] = await partners.deliveries(needsAttention=True)
    assert (delivery["state"], delivery["attempts"], delivery["nextAttemptAt"]) == ("exhausted", 10, None)
    receiver.always = None
    await partners.done(f"/deliveries/{delivery['id']}/replays", headers=partners.as_operator)
    await partners.sender.settle()
    assert await partners.deliveries(needsAttention=True) == []
    assert len({(each.id, each.body) for each in receiver.received}) == 1
    assert len(receiver.verify(secret)) == 11


async def test_what_an_endpoint_missed_in_a_period_is_replayed(partners: Partners, receiver: Receiver) -> None:
    endpoint = await partners.endpoint(receiver)
    for _ in range(3):
        await partners.refer()
    await partners.sender.settle()
    now = partners.clock.now()
    path = f"/endpoints/{endpoint['id']}/replays"
    since, until = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    period: dict[str, Any] = {"since": since, "until": until}
    assert await partners.done(path, period, headers=partners.as_operator) == {"deliveries": 0}
    again = await partners.done(path, period | {"states": ["delivered"]}, headers=partners.as_operator)
    assert again == {"deliveries": 3}
    await partners.sender.settle()
    assert sorted(each.id for each in receiver.received) == sorted(2 * list({each.id for each in receiver.received}))
    assert (
        await partners.post(path, {"since": until, "until": since}, headers=partners.as_operator)
    ).status_code == 400


async def test_an_endpoint_that_keeps_failing_is_told_of_once_and_switched_off_after_days(
    partners: Partners, receiver: Receiver
) -> None:
    endpoint = await partners.endpoint(receiver)
    receiver.always = status(500)
    await partners.refer()
    await partners.sender.settle()
    await attempts(partners, 3)
    [failing] = await partners.said(WebhookEndpointFailing)
    assert str(failing.subject) == endpoint["id"]
    for _ in range(5):
        partners.wait(24 * 3600)
        await partners.refer()
        await partners.sender.settle()
    [disabled] = await partners.said(WebhookEndpointDisabled)
    assert (str(disabled.subject), disabled.data.partner) == (endpoint["id"], "woej")
    assert len(await partners.said(WebhookEndpointFailing)) == 1
    shown = (await partners.get(f"/endpoints/{endpoint['id']}", headers=partners.as_operator)).json()
    assert (shown["state"], shown["disabledBecause"]) == ("disabled", "kept_failing")
    before = len(receiver.received)
    await partners.refer()
    await partners.sender.settle()
    assert len(receiver.received) == before
    assert len(await partners.deliveries(needsAttention=True)) > 0
    receiver.always = None
    await partners.done(f"/endpoints/{endpoint['id']}/approvals", headers=partners.as_operator)
    await partners.sender.settle()
    assert await partners.deliveries(state="pending") == []


async def test_410_switches_an_endpoint_off_at_once(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    receiver.always = status(410)
    await partners.refer()
    await partners.sender.settle()
    assert len(await partners.said(WebhookEndpointDisabled)) == 1
    await attempts(partners, 3)
    assert len(receiver.received) == 1
    [waits] = await partners.deliveries(needsAttention=True)
    assert waits["state"] == "pending"


async def test_during_rotation_both_secrets_verify_and_then_only_the_new(
    partners: Partners, receiver: Receiver
) -> None:
    endpoint = await partners.endpoint(receiver)
    path = f"/endpoints/{endpoint['id']}/rotations"
    turned = await partners.done(path, headers=partners.as_operator)
    assert turned["secret"].startswith("whsec_")
    await partners.refer()
    await partners.sender.settle()
    assert len(receiver.received[0].headers["webhook-signature"].split(" ")) == 2
    assert receiver.verify(endpoint["secret"]) == receiver.verify(turned["secret"])
    partners.wait(24 * 3600)
    await partners.refer()
    await partners.sender.settle()
    receiver.received.pop(0)
    assert len(receiver.verify(turned["secret"])) == 1
    with pytest.raises(WebhookVerificationError):
        receiver.verify(endpoint["secret"])


async def test_secrets_and_tokens_are_sealed_and_shown_once(partners: Partners, receiver: Receiver) -> None:
    endpoint = await partners.endpoint(receiver, accessToken="geheim-van-woej")
    other = await partners.endpoint(receiver)
    assert endpoint["secret"] != other["secret"]
    shown = await partners.get(f"/endpoints/{endpoint['id']}", headers=partners.as_operator)
    assert "secret" not in shown.json()
    async with partners.service.office.database.in_background() as session:
        rows = await session.execute(text("SELECT CAST(e AS text) FROM endpoints e"))
        stored = "".join(row[0] for row in rows)
    assert endpoint["secret"] not in stored
    assert b"geheim-van-woej".hex() not in stored
    await partners.refer()
    await partners.sender.settle()
    assert [told.headers.get("authorization") for told in receiver.received].count("Bearer geheim-van-woej") == 1


async def test_a_pending_endpoint_hears_nothing_and_then_what_it_missed(partners: Partners, receiver: Receiver) -> None:
    endpoint = await partners.pending_endpoint(receiver)
    referral = await partners.refer()
    closed = await partners.refer()
    event = ReferralWithdrawn(occurred_on=partners.clock.today(), by="clock", referral_id=closed, reason="other")
    await partners.hear(new_id(), event, municipality="GM1916")
    await partners.sender.settle()
    assert receiver.received == []
    assert receiver.asked[0]["webhook-request-origin"] == "opstap.example"  # consent was asked, and not given
    await partners.done(f"/endpoints/{endpoint['id']}/approvals", headers=partners.as_operator)
    await partners.sender.settle()
    assert [event["data"]["referralId"] for event in receiver.verify(endpoint["secret"])] == [str(referral)]


@pytest.mark.parametrize(
    ("consent", "state"),
    [
        ({"WebHook-Allowed-Origin": "opstap.example", "WebHook-Allowed-Rate": "120"}, "active"),
        ({"WebHook-Allowed-Origin": "*"}, "active"),
        ({"WebHook-Allowed-Origin": "somebody.else.example"}, "pending"),
        ({}, "pending"),
    ],
)
async def test_consent_by_handshake_is_a_header_and_nothing_else(
    partners: Partners, receiver: Receiver, consent: dict[str, str], state: str
) -> None:
    receiver.consent = consent
    endpoint = await partners.pending_endpoint(receiver)
    await partners.sender.settle()
    shown = (await partners.get(f"/endpoints/{endpoint['id']}", headers=partners.as_operator)).json()
    assert shown["state"] == state
    assert shown["rate"] == (120 if "WebHook-Allowed-Rate" in consent else None)


async def test_a_handshake_is_asked_again_on_request(partners: Partners, receiver: Receiver) -> None:
    endpoint = await partners.pending_endpoint(receiver)
    await partners.sender.settle()
    receiver.consent = {"WebHook-Allowed-Origin": "*"}
    path = f"/endpoints/{endpoint['id']}/handshakes"
    assert (await partners.post(path, headers=partners.as_operator)).status_code == 202
    await partners.sender.settle()
    assert (await partners.post(path, headers=partners.as_operator)).status_code == 409


async def test_no_more_than_the_receiver_allows_in_a_minute(partners: Partners, receiver: Receiver) -> None:
    receiver.consent = {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "2"}
    await partners.pending_endpoint(receiver)
    await partners.sender.settle()
    await partners.refer_all([new_id() for _ in range(5)])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await partners.sender.settle()
    assert len(receiver.received) == 2


async def test_a_group_is_told_once_and_each_client_as_well(partners: Partners, receiver: Receiver) -> None:
    secret = (await partners.endpoint(receiver, "vrijwilligerscentrale", "GM0629"))["secret"]
    await partners.refer_all([new_id() for _ in range(12)], **IN_GROUPS)
    await partners.sender.settle()
    types = [event["type"].removeprefix("nl.klantreizen.") for event in receiver.verify(secret)]
    assert sorted(types) == ["group-filled", *["referral-sent"] * 12]


async def test_an_endpoint_hears_only_what_it_asked_for(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver, events=["nl.klantreizen.referral-closed"])
    client = new_id()
    referral = await partners.refer(client)
    event = ReferralWithdrawn(occurred_on=partners.clock.today(), by="clock", referral_id=referral, reason="deceased")
    await partners.hear(client, event, municipality="GM1916")
    await partners.sender.settle()
    [told] = receiver.received
    body = json.loads(told.body)
    assert body["type"] == "nl.klantreizen.referral-closed"
    assert body["sequence"] > "1"
    assert "deceased" not in told.body.decode()


async def test_another_partner_hears_nothing(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver, "sport-en-welzijn")
    await partners.refer()
    await partners.sender.settle()
    assert receiver.received == []


async def test_an_endpoint_has_four_slots_and_a_failing_one_a_single(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    receiver.always = late
    await partners.refer_all([new_id() for _ in range(12)])
    await partners.sender.settle()
    assert receiver.most_at_once == 4
    receiver.always = silence
    await partners.refer_all([new_id() for _ in range(5)])
    await partners.sender.settle()
    receiver.most_at_once, receiver.always = 0, status(500)
    await attempts(partners, 1)
    assert receiver.most_at_once == 1


async def test_a_silent_endpoint_holds_up_no_other(partners: Partners, receiver: Receiver) -> None:
    async with Receiver() as silent:
        silent.always = silence
        await partners.endpoint(silent, "sport-en-welzijn")
        await partners.endpoint(receiver)
        await partners.refer_all([new_id() for _ in range(8)], partner="sport-en-welzijn")
        await partners.refer_all([new_id() for _ in range(8)])
        settling = asyncio.create_task(partners.sender.settle())
        await eventually(lambda: len(receiver.received) == 8, within=0.8)  # before the silent one timed out twice
        await settling
        assert len(await partners.deliveries(state="delivered")) == 8


async def test_two_instances_send_each_message_once(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    await partners.refer_all([new_id() for _ in range(40)])
    other = partners.another_sender()
    await asyncio.gather(partners.sender.settle(), other.settle())
    assert len(receiver.received) == 40
    assert len({each.id for each in receiver.received}) == 40


async def test_what_a_killed_instance_had_in_hand_is_sent_again(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    await partners.refer()
    async with partners.service.office.database.in_background() as session:
        await session.execute(text("UPDATE deliveries SET leased_until = clock_timestamp() + interval '0.5 seconds'"))
    settling = asyncio.create_task(partners.sender.settle())
    async with asyncio.timeout(5):
        await settling
    assert len(receiver.received) == 1
    [delivery] = await partners.deliveries(state="delivered")
    assert delivery["attempts"] == 1


async def test_the_running_sender_delivers_by_itself_and_finishes_when_stopped(
    partners: Partners, receiver: Receiver
) -> None:
    await partners.endpoint(receiver)
    receiver.always = late
    await partners.sender.start()
    assert partners.sender.alive()
    await partners.refer()
    partners.sender.wake()
    await eventually(lambda: receiver.received)
    await partners.sender.stop()
    assert not partners.sender.alive()
    assert len(await partners.deliveries(state="delivered")) == 1


async def test_an_address_that_became_private_is_not_dialled(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    await partners.refer()
    strict = partners.another_sender(webhook_allowed_networks=(ip_network("192.0.2.0/24"),))
    await strict.settle()
    assert receiver.received == []
    [delivery] = await partners.deliveries(state="pending")
    assert [each["failure"] for each in await partners.log(delivery)] == ["forbidden_address"]


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1/hook", "https://192.168.1.1/hook", "https://u:p@partner.example/", "ftp://partner.example/"],
)
async def test_a_forbidden_url_is_refused_at_registration(partners: Partners, url: str) -> None:
    body = {"municipality": "GM1916", "url": url}
    answer = await partners.post("/partners/woej/endpoints", body, headers=partners.as_operator)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "#/url"


async def test_a_partner_keeps_its_own_endpoints_and_approves_none(partners: Partners, receiver: Receiver) -> None:
    own, other = partners.as_partner("woej", "GM1916"), partners.as_partner("sport-en-welzijn", "GM1916")
    body = {"municipality": "GM1916", "url": receiver.url}
    made = await partners.done("/partners/woej/endpoints", body, headers=own)
    path = f"/endpoints/{made['id']}"
    assert (await partners.post("/partners/woej/endpoints", body, headers=other)).status_code == 403
    assert (await partners.get(path, headers=other)).status_code == 404
    assert (await partners.post(f"{path}/approvals", headers=own)).status_code == 403
    assert (await partners.service.http.delete(f"/v1{path}", headers=own)).status_code == 204
    assert (await partners.post(f"{path}/approvals", headers=partners.as_operator)).status_code == 409


async def test_an_unknown_partner_has_no_endpoints(partners: Partners, receiver: Receiver) -> None:
    body = {"municipality": "GM1916", "url": receiver.url}
    answer = await partners.post("/partners/nobody/endpoints", body, headers=partners.as_operator)
    assert answer.status_code == 404
