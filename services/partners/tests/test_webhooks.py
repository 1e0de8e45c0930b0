import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chassis.ids import new_id
from contracts.intake import IdentityCorrected
from contracts.partners import ReferralSent
from contracts.routing import ReferralWithdrawn

if TYPE_CHECKING:
    from tests.conftest import IN_GROUPS, Partners, Receiver
else:
    from services.partners.tests.conftest import IN_GROUPS, Partners, Receiver


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


@pytest.mark.requirement("PAR-6", "INT-13")
async def test_a_corrected_person_is_told_of_by_the_names_of_the_fields(partners: Partners, receiver: Receiver) -> None:
    secret = (await partners.endpoint(receiver))["secret"]
    client = new_id()
    referral = await partners.refer(client)
    day = partners.clock.today()
    corrected = IdentityCorrected(occurred_on=day, by="staff:s-9", fields=("bsn", "name"), shown=("name",))
    await partners.hear(client, corrected, municipality="GM1916")
    await partners.sender.settle()

    told = {event["type"]: event for event in receiver.verify(secret)}["nl.klantreizen.referred-person-corrected"]
    assert (told["subject"], told["sequence"]) == (str(referral), "3")
    assert told["data"] == {
        "referralId": str(referral), "partner": "woej", "purpose": "participation", "step": "sent",
        "occurredOn": "2024-02-01", "fields": ["name"],
    }  # fmt: skip


async def test_one_changed_byte_spoils_the_signature(partners: Partners, receiver: Receiver) -> None:
    secret = (await partners.endpoint(receiver))["secret"]
    await partners.refer()
    await partners.sender.settle()
    [told] = receiver.received
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(told.body.decode().replace(":", ": ", 1), told.headers)


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
