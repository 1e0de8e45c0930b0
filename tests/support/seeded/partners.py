from collections.abc import Sequence
from typing import Any

from chassis.ids import new_id
from tests.support.seeded.house import LEIDSCHENDAM, NOBODY_LISTENS, VOORSCHOTEN, House, Ready
from tests.support.seeded.valid import plain, valid

plain("partners", "listPartners", "listReferrals", "listGroups", "listEndpoints", "listDeliveries")
plain("partners", "readDeliveryFigures")
plain("partners", "readPartner", path={"partner_id": "woej"}, query={"municipality": LEIDSCHENDAM})
plain(
    "partners", "registerEndpoint", path={"partner_id": "woej"},
    body={"municipality": LEIDSCHENDAM, "url": NOBODY_LISTENS, "events": ["nl.klantreizen.referral-sent"]},
)  # fmt: skip


@valid("partners", "registerPartner")
async def _register_partner(_: House) -> Ready:
    body = {
        "municipality": VOORSCHOTEN, "id": f"p-{new_id()}", "name": "Taalhuis", "kind": "language_school",
        "capacity": 20, "limits": {"acknowledge": "5 days", "accept": "2 weeks", "start": "6 weeks"},
        "purposes": {"language": {"label": "Taal", "fields": ["name", "language"]}},
    }  # fmt: skip
    return Ready(body=body)


@valid("partners", "readReferral")
async def _read_referral(house: House) -> Ready:
    return Ready({"referral_id": await house.referral()})


@valid("partners", "assignReferral")
async def _assign_referral(house: House) -> Ready:
    [referral] = await house.referrals(1, LEIDSCHENDAM, partner=None, partner_kind="nobody")
    return Ready({"referral_id": referral}, {"partner": "woej"})


_ACCEPTED = ("acknowledgements", "acceptances")
_STARTED = (*_ACCEPTED, "starts")


def _of_referral(operation: str, steps: Sequence[str], body: Any) -> None:
    """A partner's answer, after these."""

    async def build(house: House) -> Ready:
        return Ready({"referral_id": await house.referral(*steps)}, body, partner="woej")

    valid("partners", operation)(build)


_of_referral("acknowledgeReferral", (), {})
_of_referral("acceptReferral", ("acknowledgements",), {})
_of_referral("declineReferral", ("acknowledgements",), {"reason": "Geen plaats"})
_of_referral("startReferral", _ACCEPTED, {})
_of_referral("reportProgress", _STARTED, {"note": "Het gaat goed"})
_of_referral("holdReferral", _STARTED, {"reason": "Ziek"})
_of_referral("endReferral", _STARTED, {"outcome": "completed"})


@valid("partners", "sendSignal")
async def _send_signal(house: House) -> Ready:
    body = {"referralId": await house.referral(*_STARTED), "signal": "ready_for_next_step"}
    return Ready(body=body, partner="woej")


@valid("partners", "readGroup")
async def _read_group(house: House) -> Ready:
    return Ready({"group_id": (await house.group())["id"]})


@valid("partners", "recordSession")
async def _record_session(house: House) -> Ready:
    group = await house.group()
    return Ready({"group_id": group["id"]}, {"attendedReferralIds": group["referralIds"][:9]})


@valid("partners", "readEndpoint", "removeEndpoint", "approveEndpoint", "askConsent", "rotateSecret")
async def _endpoint(house: House) -> Ready:
    return Ready({"endpoint_id": await house.endpoint()})


@valid("partners", "replayEndpoint")
async def _replay_endpoint(house: House) -> Ready:
    body = {"since": f"{house.day(-1)}T00:00:00Z", "until": f"{house.day(1)}T00:00:00Z"}
    return Ready({"endpoint_id": await house.endpoint(active=True)}, body)


@valid("partners", "readDelivery", "replayDelivery")
async def _delivery(house: House) -> Ready:
    return Ready({"delivery_id": await house.delivery()})
