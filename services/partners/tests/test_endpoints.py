from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Partners, Receiver
else:
    from services.partners.tests.conftest import Partners, Receiver


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
