from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contracts.partners import WebhookEndpointDisabled, WebhookEndpointFailing
from partners.webhooks.schedule import DELAYS

if TYPE_CHECKING:
    from tests.conftest import Partners, Receiver, cut, huge, late, silence, status
else:
    from services.partners.tests.conftest import Partners, Receiver, cut, huge, late, silence, status


async def test_a_retry_has_the_same_id_and_bytes_and_a_signature_of_its_own(
    partners: Partners, receiver: Receiver
) -> None:
    secret = (await partners.endpoint(receiver))["secret"]
    receiver.behaviours.extend([status(500, "uit de lucht"), status(503)])
    await partners.refer()
    await partners.sender.settle()
    await partners.sender.settle()
    assert len(receiver.received) == 1  # not due before the civil clock says so
    await partners.attempts(2)
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
    await partners.attempts(1)
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
    await partners.attempts(len(DELAYS))
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
    await partners.attempts(3)
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
    await partners.attempts(3)
    assert len(receiver.received) == 1
    [waits] = await partners.deliveries(needsAttention=True)
    assert waits["state"] == "pending"
