"""Route 2B: an indication is suspected, asked of UWV and decided on; how mediable the client is tells the rest."""

from typing import Any

import pytest

from contracts.diagnosis import (
    ClientCategorised,
    DiagnosisInvited,
    IndicationDecided,
    IndicationRequested,
    ReassessmentDue,
)
from contracts.partners import ReferralSent
from contracts.routing import HandoverDue, InstrumentStarted, ReferralRequested
from tests.support.paths import SHARED, UITHOORN, VOORSCHOTEN, Traveller, path


async def is_asked_for(client: Traveller, kind: str = "job_agreement") -> str:
    """A suspicion leads to a request at UWV."""
    asked: str = (await client.post("diagnosis", f"/clients/{client.id}/indication-requests", {"kind": kind}))["id"]
    return asked


async def uwv_decides(client: Traveller, request: str, *, granted: bool) -> None:
    await client.post("diagnosis", f"/indication-requests/{request}/decisions", {"granted": granted})
    await client.settles()


async def is_handed_over_if_due(client: Traveller) -> None:
    """Where 2B belongs to another track, the other team takes the client over."""
    if await client.heard(HandoverDue):
        await client.is_handed_over()


@pytest.mark.requirement("DIA-10", "ROU-9")
@path(*SHARED, VOORSCHOTEN)
async def test_an_indication_that_uwv_grants_moves_the_client_into_2b(client: Traveller) -> None:
    await client.enters(distance_months=10)
    request = await is_asked_for(client)
    await client.days(40)
    assert [each.kind for each in await client.heard(IndicationRequested)] == ["job_agreement"]
    journey = await client.journey()
    assert (journey["category"], journey["caseworkerRole"]) == ("1B", "work_consultant"), "nothing changes meanwhile"
    await uwv_decides(client, request, granted=True)
    assert [each.granted for each in await client.heard(IndicationDecided)] == [True]
    assert [each.reason for each in await client.heard(ReassessmentDue)] == ["indication_decided"]
    assert (await client.heard(DiagnosisInvited))[-1].reason == "reassessment"
    await client.is_categorised(distance_months=10, indications=["job_agreement"])
    await client.settles()
    await is_handed_over_if_due(client)
    journey = await client.journey()
    assert (journey["category"], journey["caseworkerRole"]) == ("2B", "consultant_2b")
    assert "route_2b" in await client.open_routes()


@pytest.mark.requirement("DIA-10", "ROU-9")
@path(*SHARED, VOORSCHOTEN)
async def test_an_indication_that_uwv_refuses_leaves_the_client_on_the_regular_route(client: Traveller) -> None:
    await client.enters(distance_months=10)
    await uwv_decides(client, await is_asked_for(client), granted=False)
    await client.is_categorised(distance_months=10)
    await client.settles()
    journey = await client.journey()
    assert (journey["category"], journey["caseworkerRole"]) == ("1B", "work_consultant")
    refused = await client.tries("routing", f"/clients/{client.id}/routes", {"route": "route_2b"})
    assert refused["type"].endswith("/route-not-open")


@pytest.mark.requirement("DIA-10")
@path(*SHARED)
async def test_an_indication_that_uwv_does_not_renew_moves_the_client_out_of_2b(client: Traveller) -> None:
    await client.enters(distance_months=10, indications=["job_agreement"])
    await uwv_decides(client, await is_asked_for(client), granted=False)
    await client.is_categorised(distance_months=10)
    await client.settles()
    assert [each.traits.category for each in await client.heard(ClientCategorised)] == ["2B", "1B"]
    assert (await client.journey())["caseworkerRole"] == "work_consultant"


@pytest.mark.requirement("ROU-1")
@path(VOORSCHOTEN)
async def test_a_matchmaker_helps_clients_of_the_job_agreement(client: Traveller) -> None:
    await client.enters(distance_months=10, indications=["job_agreement"])
    assert (await client.journey())["besides"] == ["matchmaker"]


async def opened(client: Traveller, route: str) -> dict[str, Any]:
    """A route as it is open to the client."""
    found: dict[str, Any] = next(each for each in (await client.journey())["openRoutes"] if each["id"] == route)
    return found


async def uses_all_of(client: Traveller, route: str) -> list[str]:
    """Goes the route, with every instrument that it is made of."""
    instruments = (await opened(client, route))["instruments"]
    await client.starts(route)
    for instrument in instruments:
        body = {"instrument": instrument, "goal": "work"}
        await client.post("routing", f"/clients/{client.id}/instruments", body)
    return [each.instrument for each in await client.heard(InstrumentStarted)]


@pytest.mark.requirement("ROU-9")
@path(*SHARED, VOORSCHOTEN)
async def test_who_is_mediable_gets_a_cv_mediation_and_a_wage_value_measurement(client: Traveller) -> None:
    await client.enters(distance_months=10, indications=["job_agreement"])
    used = await uses_all_of(client, "mediable_2b")
    assert {"cv_support", "mediation", "wage_value_measurement"} <= set(used)


@pytest.mark.requirement("ROU-9")
@path(*SHARED, VOORSCHOTEN)
async def test_for_who_is_less_mediable_barriers_go_first_and_mediation_follows(client: Traveller) -> None:
    await client.enters(distance_months=10, indications=["target_group_register"])
    used = await uses_all_of(client, "less_mediable_2b")
    assert set(used) == {"exercise", "wmo_support", "social_participation"}
    await client.days(28)
    await client.starts("mediable_2b")


@pytest.mark.requirement("ROU-9")
@path(*SHARED, VOORSCHOTEN)
async def test_for_who_is_not_mediable_barriers_are_taken_away(client: Traveller) -> None:
    await client.enters(distance_months=60, indications=["target_group_register"])
    used = await uses_all_of(client, "not_mediable_2b")
    assert set(used) == {"exercise", "wmo_support", "social_participation"}


SHELTERED = {"sheltered_work_new": "sheltered_new", "sheltered_work_alternative": "sheltered_alternative"}


@pytest.mark.requirement("ROU-9")
@path(*SHARED, VOORSCHOTEN)
async def test_sheltered_work_new_and_alternative_each_have_a_route_that_leads_on_to_mediation(
    client: Traveller,
) -> None:
    for indication, route in SHELTERED.items():
        await client.enters(distance_months=30, indications=[indication])
        found = await client.open_routes()
        assert route in found
        assert not (set(SHELTERED.values()) - {route}) & set(found), "the other form is not for this client"
        assert "mediation" in (await opened(client, route))["instruments"]
        await client.starts(route)
        client = client.somebody_else()


async def works_sheltered(client: Traveller, partner: str, **facts: Any) -> None:
    for indication in SHELTERED:
        await client.enters(indications=[indication], **facts)
        referral = await client.referral("sheltered_work")
        assert referral["partner"] == partner
        assert [each.purpose for each in await client.heard(ReferralRequested)] == ["sheltered_work"]
        assert [each.partner for each in await client.heard(ReferralSent)] == [partner]
        await client.answers(referral, ("acknowledgements", {}), ("acceptances", {}), ("starts", {}))
        await client.days(30)
        await client.answers(referral, ("ends", {"outcome": "placed"}))
        assert (await client.referral("sheltered_work"))["state"] == "ended"
        client = client.somebody_else()


@pytest.mark.requirement("ROU-9", "PAR-5")
@path(VOORSCHOTEN)
async def test_sheltered_work_new_and_alternative_are_done_at_dzb(client: Traveller) -> None:
    await works_sheltered(client, "dzb", distance_months=30)


@pytest.mark.requirement("ROU-9", "PAR-4")
@path(UITHOORN)
async def test_sheltered_work_new_and_alternative_are_done_at_am_match(client: Traveller) -> None:
    await works_sheltered(client, "am-match", work_capacity_pct=25)
