"""How a client's time here ends: everything open stops in all services on the day, once, and nothing begins again.

What each ending stops, and what stays:

| ending | stops | stays |
| --- | --- | --- |
| deceased, moved_away | everything, also aftercare and what began with housing | what happened; the transfer file |
| pension_age | as an exit, and what is asked at the gate | what began with housing |
| enforcement, other | what is on the journey; proposals and invitations | the ground; measures |
| work, self_employment, education | the same, but for instruments that support further | aftercare, allowances check |
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from contracts.intake import AgeBandChanged, LetterSent, PensionAgeNears, RegistrationRestored
from contracts.routing import AftercareEnded, ClientExited, ExitReverted, ReferralRequested
from opstap.demo.people import Person
from policy import Term
from tests.support.paths import LEIDSCHENDAM, UITHOORN, VOORSCHOTEN, Traveller, path

OPEN_REFERRAL = frozenset({"requested", "waiting", "scheduled", "sent", "acknowledged", "accepted", "started", "held"})
BY_EXIT = {
    "route", "instrument", "part-time work", "handover", "referral", "deadline", "work item", "proposal",
    "referral at the partner",
}  # fmt: skip
EVERYTHING = BY_EXIT | {"notification"}
SUPPORTED_FURTHER = {"instrument", "notification"}


async def gets_busy(client: Traveller) -> None:
    """Has something open of every kind, in all services."""
    await client.enters(work_capacity_pct=50, prospect_of_work=True)
    await client.starts("am_match")
    use = {"instrument": "work_place_adjustment", "goal": "work", "cost": 100}
    await client.post("routing", f"/clients/{client.id}/instruments", use)
    await client.post("routing", f"/clients/{client.id}/part-time-work", {"hoursPerWeek": 8, "incomePerMonth": 200})
    await client.settles()
    await client.is_categorised(work_capacity_pct=20, indications=["sheltered_work_new"])
    await client.settles()
    await client.prepared((await client.handover("due"))["id"])
    await client.is_assessed(work_capacity_pct=30)
    await client.notifies()
    await client.settles()


async def open_things(client: Traveller) -> set[str]:
    """What the services show to be open."""
    journey = await client.journey()
    items = await client.get("routing", f"/worklist?scope=municipality&clientId={client.id}")
    proposals = await client.get("diagnosis", f"/proposals?clientId={client.id}&state=open")
    at_partner = await client.get("partners", f"/referrals?clientId={client.id}&open=true")
    notifications = await client.get("intake", f"/clients/{client.id}/notifications")
    found = {
        "route": [each for each in journey["routes"] if not each["endedOn"]],
        "instrument": [each for each in journey["instruments"] if not each["endedOn"]],
        "part-time work": [each for each in journey["partTimeWork"] if not each["endedOn"]],
        "handover": [each for each in journey["handovers"] if each["state"] in {"due", "prepared", "returned"}],
        "referral": [each for each in journey["referrals"] if each["state"] in OPEN_REFERRAL],
        "deadline": [each for each in journey["deadlines"] if each["state"] in {"open", "suspended"}],
        "work item": items["items"],
        "proposal": proposals["items"],
        "referral at the partner": at_partner["items"],
        "notification": [each for each in notifications["items"] if each["state"] == "open"],
    }
    return {name for name, rows in found.items() if rows}


async def ends(client: Traveller, how: str) -> dict[str, Any]:
    """The ending is entered, or comes by itself."""
    if how == "deceased":
        return await client.post("intake", f"/clients/{client.id}/deaths")
    if how == "moved_away":
        return await client.post("intake", f"/clients/{client.id}/departures", {"toMunicipality": "GM0518"})
    ground = {"ground": "Verzwegen inkomsten"} if how == "enforcement" else {}
    return await client.post("routing", f"/clients/{client.id}/exits", {"reason": how, **ground})


def everything_stops(how: str, stays: set[str]) -> Any:
    """The story of an ending in which nothing is a mistake."""

    async def story(client: Traveller) -> None:
        await gets_busy(client)
        assert await open_things(client) == EVERYTHING
        await ends(client, how)
        await client.settles()
        assert await open_things(client) == stays
        [exited] = await client.heard(ClientExited)
        assert (exited.reason, exited.occurred_on) == (how, client.today)
        said = await client.number_said()
        refused = await client.tries("routing", f"/clients/{client.id}/routes", {"route": "am_match"})
        assert refused["type"].endswith("/not-on-journey")
        refused = await client.tries(
            "diagnosis", f"/clients/{client.id}/assessments", {"questionnaire": "diagnose", "facts": {}}
        )
        assert refused["type"].endswith("/journey-ended")
        await client.days(200)
        assert await open_things(client) == stays
        assert await client.number_said() == said

    story.__name__ = story.__qualname__ = f"test_everything_stops_at_the_ending_{how}"
    return pytest.mark.requirement("INT-14", "ROU-13")(path(UITHOORN)(story))


test_everything_stops_when_somebody_dies = everything_stops("deceased", set())
test_everything_stops_when_somebody_moves = everything_stops("moved_away", set())
test_everything_stops_by_enforcement = everything_stops("enforcement", {"notification"})
test_everything_stops_for_another_reason = everything_stops("other", {"notification"})
test_what_supports_further_goes_on_after_education = everything_stops("education", SUPPORTED_FURTHER)
test_what_supports_further_goes_on_with_an_own_business = everything_stops("self_employment", SUPPORTED_FURTHER)
test_what_supports_further_goes_on_after_work = everything_stops("work", SUPPORTED_FURTHER)


@pytest.mark.requirement("INT-14", "ROU-13")
@path(UITHOORN)
async def test_pension_age_is_seen_coming_and_ends_everything_on_its_day(client: Traveller) -> None:
    client.person = Person(**{**vars(client.person), "birth_date": date(1957, 2, 20)})
    await gets_busy(client)
    assert await open_things(client) == EVERYTHING
    [nears] = await client.heard(PensionAgeNears)
    assert nears.reached_in == date(2023, 12, 1)
    items = (await client.get("routing", f"/worklist?scope=municipality&clientId={client.id}"))["items"]
    [item] = [each for each in items if each["reason"] == "pension"]
    assert item["dueOn"] == "2023-12-31"
    await client.until(date(2023, 12, 19))
    assert "route" in await open_things(client)
    await client.until(date(2023, 12, 20))
    await client.settles()
    assert await open_things(client) == set()
    [exited] = await client.heard(ClientExited)
    assert (exited.reason, exited.by, exited.occurred_on) == ("pension_age", "clock", date(2023, 12, 20))
    assert [each.age_band for each in await client.heard(AgeBandChanged)] == ["pension"]
    assert [each.kind for each in await client.heard(LetterSent)][-1] == "exit"


@pytest.mark.requirement("INT-14")
@path(UITHOORN)
async def test_a_death_entered_late_takes_back_what_the_clock_did_since(client: Traveller) -> None:
    client.person = Person(**{**vars(client.person), "birth_date": date(1957, 1, 5)})
    await client.enters(work_capacity_pct=50, prospect_of_work=True)
    await client.until(date(2023, 11, 8))
    await client.post("intake", f"/clients/{client.id}/deaths", {"on": "2023-10-30"})
    await client.settles()
    standing = [each for each in (await client.journey())["exits"] if not each["revertedOn"]]
    assert [(each["reason"], each["on"]) for each in standing] == [("deceased", "2023-10-30")]


def goes_on(how: str) -> Any:
    """The story of an ending that was recorded by mistake."""

    async def story(client: Traveller) -> None:
        await gets_busy(client)
        before = await client.journey()
        await ends(client, how)
        await client.days(9)
        await client.post("intake", f"/clients/{client.id}/restorations", {"reason": "De verkeerde Jansen"})
        await client.settles()
        assert [each.ended_as for each in await client.heard(RegistrationRestored)] == [how]
        assert len(await client.heard(ExitReverted)) == 1
        assert await open_things(client) == EVERYTHING
        after = await client.journey()
        assert (after["caseworkerId"], after["category"]) == (before["caseworkerId"], before["category"])
        assert len(await client.heard(ReferralRequested)) == 3
        timeline = (await client.get("reporting", f"/clients/{client.id}/timeline?limit=200"))["items"]
        [line] = [each for each in timeline if each["kind"] == "RegistrationRestored"]
        corrected = [each["kind"] for each in timeline if each["eventId"] in line["corrects"]]
        assert corrected == ["ClientDeceased" if how == "deceased" else "ClientMovedAway"]
        await ends(client, how)
        await client.settles()
        assert await open_things(client) == set()

    story.__name__ = story.__qualname__ = f"test_everything_goes_on_when_the_ending_{how}_was_a_mistake"
    return pytest.mark.requirement("INT-13", "INT-14", "ROU-19")(path(UITHOORN)(story))


test_everything_goes_on_when_nobody_died = goes_on("deceased")
test_everything_goes_on_when_nobody_moved = goes_on("moved_away")


@pytest.mark.requirement("INT-14", "ROU-13")
@path(VOORSCHOTEN)
async def test_aftercare_stays_after_work_and_ends_with_a_death(client: Traveller) -> None:
    await client.enters(distance_months=2)
    await client.exits("work")
    await client.days(10)
    assert [each["kind"] for each in (await client.journey())["deadlines"] if each["state"] == "open"]
    await client.post("intake", f"/clients/{client.id}/deaths")
    await client.settles()
    assert len(await client.heard(AftercareEnded)) == 1
    assert not [each for each in (await client.journey())["deadlines"] if each["state"] == "open"]
    assert [each.reason for each in await client.heard(ClientExited)] == ["work"]


@pytest.mark.requirement("INT-14")
@path(LEIDSCHENDAM)
async def test_who_is_left_goes_on_alone(client: Traveller) -> None:
    await client.registers(householdKind="couple")
    partner = client.somebody_else()
    await partner.registers(householdKind="couple", partnerBsn=client.person.bsn)
    await client.post("intake", f"/clients/{client.id}/deaths")
    await client.settles()
    alone = await partner.get("intake", f"/clients/{partner.id}")
    assert (alone["state"], alone["householdKind"]) == ("registered", "single")
    assert (await partner.journey())["state"] == "active"


MONTHS_THERE, MONTHS_HERE, GAP = Term(months=14), Term(months=10), timedelta(days=6)


@pytest.mark.requirement("INT-14", "INT-15", "ROU-4")
@path(VOORSCHOTEN)
async def test_who_moves_takes_along_what_the_next_municipality_needs(client: Traveller) -> None:
    await client.enters(distance_months=8)
    await client.starts("focus_op_werk")
    began = client.today
    agreed = {"agreed": "Inschrijven bij een uitzendbureau", "dueOn": (began + timedelta(days=600)).isoformat()}
    await client.post("routing", f"/clients/{client.id}/agreements", agreed)
    await client.until(MONTHS_THERE.after(began))
    early = await client.tries("intake", f"/clients/{client.id}/transfer-file?purpose=transfer", method="GET")
    assert early["type"].endswith("/not-moved-away")
    await client.post("intake", f"/clients/{client.id}/departures", {"toMunicipality": "GM1916"})
    left = client.today
    await client.settles()
    await client.until(left + GAP)

    file = await client.get("intake", f"/clients/{client.id}/transfer-file?purpose=transfer")
    assert (file["toMunicipality"], file["movedOn"], file["person"]["bsn"]) == (
        "GM1916", left.isoformat(), client.person.bsn,
    )  # fmt: skip
    assert (file["category"], file["track"], file["route"]) == ("1B", "reintegration", "focus_op_werk")
    assert file["stay"] == {"beganOn": began.isoformat(), "monthsUsed": 14}
    assert [each["agreed"] for each in file["agreements"]] == [agreed["agreed"]]
    assert client.person.street not in json.dumps(file)

    line = await client.world.api.text(
        "intake", f"/clients/{client.id}/transfer-file?purpose=transfer", client.town.token, accept="text/csv"
    )
    there = client.world.towns["GM1916"]
    imported = await client.world.api.call("POST", "intake", "/caseload-imports", there.token, line.encode())
    assert (imported["registered"], imported["cases"], imported["refused"]) == (1, 1, [])
    await client.settles()
    [found] = await _search(client, there.token)
    journey = await client.world.api.call("GET", "routing", f"/clients/{found}/journey", there.token)
    [stay] = [each for each in journey["deadlines"] if each["kind"] == "longest_stay" and each["state"] == "open"]
    assert stay["dueOn"] == (MONTHS_HERE.after(left) + GAP).isoformat()
    assert (journey["category"], journey["track"], journey["state"]) == ("1B", "reintegration", "active")


async def _search(client: Traveller, token: str) -> list[str]:
    body: Mapping[str, Any] = {"bsn": client.person.bsn}
    found = await client.world.api.call("POST", "intake", "/client-searches", token, body)
    return [each["id"] for each in found["items"]]
