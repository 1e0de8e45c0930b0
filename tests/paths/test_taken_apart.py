"""Merged by mistake, and taken apart again: two people of one name were taken for one (INT-13)."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.intake import ClientsMerged, MergerUndone
from contracts.routing import ClientExited, RouteEnded
from policy import Term
from tests.support.paths import LEIDSCHENDAM, PIJNACKER, UITHOORN, VOORSCHOTEN, Place, Traveller, path
from tests.support.standings import in_participation, towards_work

TERMS = {LEIDSCHENDAM: Term(months=3), VOORSCHOTEN: Term(months=3), UITHOORN: Term(weeks=6), PIJNACKER: Term(months=2)}
"""How long a merger can be undone, by place."""
SHOWN = ("state", "track", "category", "caseworkerId", "routes", "handovers", "exits", "suspensions", "conversations")


async def merged(gone: Traveller, into: Traveller) -> str:
    """One is taken for the other; the merger."""
    await gone.post("intake", f"/clients/{gone.id}/mergers", {"into": str(into.id)})
    await gone.settles()
    [merger] = (await gone.get("intake", f"/clients/{into.id}/mergers"))["items"]
    made: str = merger["id"]
    return made


async def taken_apart(client: Traveller, merger: str) -> None:
    await client.post("intake", f"/mergers/{merger}/reversals", {"reason": "Twee mensen met dezelfde naam"})
    await client.settles()


async def standing(client: Traveller) -> dict[str, Any]:
    """Where routing and diagnosis have the client."""
    journey = await client.journey()
    referrals = [(each["id"], each["state"]) for each in journey["referrals"]]
    running = [(each["kind"], each["dueOn"]) for each in journey["deadlines"] if each["state"] == "open"]
    category = await client.get("diagnosis", f"/clients/{client.id}/category")
    shown = {name: journey[name] for name in SHOWN}
    return {**shown, "referrals": referrals, "running": sorted(running), "diagnosed": category["category"]}


async def lines_of(client: Traveller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("reporting", f"/clients/{client.id}/timeline?limit=200"))["items"]
    return found


@pytest.mark.requirement("INT-13", "ROU-18")
@path(*TERMS)
async def test_two_who_were_taken_for_one_go_on_as_they_stood(client: Traveller) -> None:
    other = client.somebody_else()
    for each, facts in ((client, towards_work), (other, in_participation)):
        await each.enters(**facts(each.place))
    await client.days(3)
    before = [await standing(each) for each in (client, other)]
    merger = await merged(client, other)
    assert (await client.get("intake", f"/clients/{client.id}"))["id"] == str(other.id)
    await client.days(10)

    await taken_apart(client, merger)

    assert [await standing(each) for each in (client, other)] == before
    assert [str(each.merger_id) for each in await client.heard(MergerUndone)] == [merger]
    theirs, others = await lines_of(client), await lines_of(other)
    assert {each["clientId"] for each in theirs} == {str(client.id)}
    assert {each["clientId"] for each in others} == {str(other.id)}
    by_kind = {each["kind"]: each for each in theirs}
    assert by_kind["ClientsMerged"]["correctedBy"] == [by_kind["MergerUndone"]["eventId"]]
    assert by_kind["ClientsMerged"]["eventId"] in by_kind["MergerUndone"]["corrects"]


@pytest.mark.requirement("INT-13")
@path(*TERMS)
async def test_what_happened_to_one_meanwhile_did_not_happen_to_the_other(client: Traveller) -> None:
    other = client.somebody_else()
    for each in (client, other):
        await each.enters(**towards_work(each.place))
    merger = await merged(client, other)
    await client.days(2)
    await other.exits("work")
    await other.settles()

    await taken_apart(client, merger)

    assert [(await each.journey())["state"] for each in (client, other)] == ["active", "exited"]
    assert await client.heard(ClientExited) == []
    assert not [each for each in await client.heard(RouteEnded) if each.outcome == "exit"]
    await client.is_categorised(**in_participation(client.place))


@pytest.mark.requirement("INT-13", "PAR-3")
@path(UITHOORN)
async def test_of_two_referrals_for_one_purpose_the_one_that_is_furthest_stays(client: Traveller) -> None:
    other = client.somebody_else()
    for each in (client, other):
        await each.enters(work_capacity_pct=50, prospect_of_work=True)
    await client.answers(await client.referral("guidance_to_work"), ("acknowledgements", {}), ("acceptances", {}))
    theirs, others = [(await each.referral("guidance_to_work"))["id"] for each in (client, other)]

    merger = await merged(client, other)

    there = {each["id"]: each["state"] for each in (await other.journey())["referrals"]}
    assert there == {theirs: "accepted", others: "withdrawn"}
    at_partners = (await other.get("partners", f"/referrals?clientId={other.id}&open=true"))["items"]
    assert [each["id"] for each in at_partners] == [theirs]
    await taken_apart(client, merger)
    assert (await client.referral("guidance_to_work"))["state"] == "accepted"
    assert (await other.referral("guidance_to_work"))["state"] == "sent"


@pytest.mark.requirement("INT-13", "POL-1")
@path(*TERMS)
async def test_after_the_term_of_the_municipality_they_stay_one(client: Traveller) -> None:
    other = client.somebody_else()
    for each in (client, other):
        await each.registers()
    merger = await merged(client, other)
    last_day = _term_of(client.place).after(client.today)
    await client.until(last_day + timedelta(days=1))

    refused = await client.tries("intake", f"/mergers/{merger}/reversals", {"reason": "Te laat"})

    assert refused["type"].endswith("/merger-term-over")
    assert refused["lastDay"] == last_day.isoformat()
    assert len(await client.heard(ClientsMerged)) == 1


def _term_of(place: Place) -> Term:
    return TERMS[place]
