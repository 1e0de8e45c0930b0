"""How journeys end by another's word, and how such an end is taken back (ROU-13, INT-14)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.intake import (
    AgeBandChanged,
    ClientDeceased,
    ClientErased,
    ClientMovedAway,
    HouseholdChanged,
    NotificationReceived,
    PensionAgeNears,
    RegistrationRestored,
)
from contracts.routing import (
    AftercareStarted,
    ClientExited,
    ExitReverted,
    InstrumentEnded,
    PartTimeWorkEnded,
    ReferralRequested,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

HERE = "GM0451"
VOORSCHOTEN = "GM0626"
BY = "staff:s-9"


def gone(how: str, on: date) -> ClientDeceased | ClientMovedAway:
    return (ClientDeceased if how == "deceased" else ClientMovedAway)(occurred_on=on, by=BY)


def restored(how: Any, on: date) -> RegistrationRestored:
    return RegistrationRestored(occurred_on=on, by=BY, ended_as=how)


async def under_way(routing: Routing) -> UUID:
    """On a route, with an instrument, part-time work, a prepared handover and a partner asked."""
    await routing.staff(HERE)
    client = await routing.client("40-70", municipality=HERE, prospect_of_work=True)
    await routing.done(f"/clients/{client}/routes", {"route": "am_match"})
    await routing.done(
        f"/clients/{client}/instruments", {"instrument": "work_place_adjustment", "goal": "work", "cost": 100}
    )
    await routing.done(f"/clients/{client}/part-time-work", {"hoursPerWeek": 8, "incomePerMonth": 200})
    decided = routing.categorised("0-40", "participation", indications=("sheltered_work_new",))
    await routing.hear(client, decided, municipality=HERE)
    handover = (await routing.handover(client))["id"]
    await routing.done(f"/handovers/{handover}/preparations", {"note": "The file"})
    return client


async def open_things(routing: Routing, client: UUID) -> set[str]:
    journey = await routing.journey(client)
    items = (await routing.get("/worklist", scope="municipality", clientId=str(client))).json()["items"]
    return {
        *(["route"] if any(not each["endedOn"] for each in journey["routes"]) else []),
        *(["instrument"] if any(not each["endedOn"] for each in journey["instruments"]) else []),
        *(["part-time work"] if any(not each["endedOn"] for each in journey["partTimeWork"]) else []),
        *(["handover"] if any(each["state"] in {"due", "prepared"} for each in journey["handovers"]) else []),
        *(["referral"] if any(each["state"] == "requested" for each in journey["referrals"]) else []),
        *(["deadline"] if any(each["state"] in {"open", "suspended"} for each in journey["deadlines"]) else []),
        *(["work item"] if items else []),
    }


ALL = {"route", "instrument", "part-time work", "handover", "referral", "deadline", "work item"}


@pytest.mark.requirement("INT-14", "ROU-13")
@pytest.mark.parametrize(
    ("reason", "stays"),
    [
        ("deceased", set()), ("moved_away", set()), ("pension_age", set()), ("enforcement", set()), ("other", set()),
        ("work", {"instrument"}), ("self_employment", {"instrument"}), ("education", {"instrument"}),
    ],
)  # fmt: skip
async def test_all_that_is_open_stops_on_the_day_and_goes_on_when_the_end_was_a_mistake(
    routing: Routing, reason: str, stays: set[str]
) -> None:
    client = await under_way(routing)
    before = await open_things(routing, client)
    assert before == ALL
    await routing.move_to(date(2021, 9, 8))
    on, found = date(2021, 9, 6), None
    if reason in {"deceased", "moved_away"}:
        await routing.hear(client, gone(reason, on), municipality=HERE)
    elif reason == "pension_age":
        band = AgeBandChanged(occurred_on=on, by="clock", age_band="pension", previous="55-pension")
        await routing.hear(client, band, municipality=HERE)
    else:
        ground = {"ground": "Verzwegen inkomsten"} if reason == "enforcement" else {}
        found = await routing.done(f"/clients/{client}/exits", {"reason": reason, "on": on.isoformat(), **ground})
    [exited] = await routing.said(ClientExited, client)
    assert (exited.data.reason, exited.data.occurred_on) == (reason, on)
    assert await open_things(routing, client) == stays
    assert [each.data.occurred_on for each in await routing.said(PartTimeWorkEnded, client)] == [on]
    assert [each.data.occurred_on for each in await routing.said(InstrumentEnded, client)] == ([] if stays else [on])

    if reason in {"deceased", "moved_away"}:
        await routing.hear(client, restored(reason, routing.today), municipality=HERE)
    elif reason == "pension_age":
        band = AgeBandChanged(occurred_on=routing.today, by=BY, age_band="55-pension", previous="pension")
        await routing.hear(client, band, municipality=HERE)
    else:
        assert found is not None
        await routing.done(f"/exits/{found['id']}/reversals", {"reason": "Another client was meant"})
    assert len(await routing.said(ExitReverted, client)) == 1
    assert await open_things(routing, client) == before
    assert (await routing.handover(client))["state"] == "prepared", "it goes on as it stood"


@pytest.mark.parametrize("how", ["deceased", "moved_away"])
async def test_what_intake_ended_is_not_taken_back_here(routing: Routing, how: str) -> None:
    client = await routing.client()
    await routing.hear(client, gone(how, routing.today))
    [exited] = await routing.said(ClientExited, client)
    for path, body in (
        (f"/exits/{exited.data.exit_id}/reversals", {"reason": "Leeft nog"}), (f"/clients/{client}/returns", {}),
    ):  # fmt: skip
        refused = await routing.post(path, body)
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "registration-ended")
    if how == "moved_away":  # a new notification brings back
        await routing.hear(client, NotificationReceived(occurred_on=routing.today, by=BY))
        await routing.done(f"/clients/{client}/returns")


async def test_a_death_that_is_taken_back_twice_is_heard_twice(routing: Routing) -> None:
    client = await routing.client()
    for _ in range(2):
        await routing.hear(client, gone("deceased", routing.today), restored("deceased", routing.today))
    assert len(await routing.said(ExitReverted, client)) == 2
    assert (await routing.journey(client))["state"] == "active"


async def test_aftercare_that_a_mistaken_death_stopped_goes_on(routing: Routing) -> None:
    routing.service.clock.restore(routing.service.clock.now().replace(year=2024, month=2, day=1))
    client = await routing.client(municipality=VOORSCHOTEN)
    await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    await routing.hear(client, gone("deceased", routing.today), municipality=VOORSCHOTEN)
    assert await routing.deadline(client, "allowances_check") is None
    await routing.hear(client, restored("deceased", routing.today), municipality=VOORSCHOTEN)
    assert [each.data.until for each in await routing.said(AftercareStarted, client)] == [date(2024, 8, 1)] * 2
    assert await routing.due_on(client, "aftercare") == "2024-08-01"
    assert await routing.due_on(client, "allowances_check") == "2024-03-01"
    [left] = (await routing.journey(client))["exits"]
    assert (left["aftercare"], left["allowancesCheck"], left["revertedOn"]) == ("running", "awaited", None)


async def test_an_instrument_that_went_on_after_an_exit_goes_on_when_a_death_was_none(routing: Routing) -> None:
    client = await under_way(routing)
    await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    await routing.hear(client, gone("deceased", routing.today), municipality=HERE)
    assert [each["outcome"] for each in (await routing.journey(client))["instruments"]] == ["stopped"]

    await routing.hear(client, restored("deceased", routing.today), municipality=HERE)

    journey = await routing.journey(client)
    assert [each["endedOn"] for each in journey["instruments"]] == [None]
    assert [each["endedOn"] for each in journey["partTimeWork"]] == [routing.today.isoformat()]


async def test_pension_age_that_passed_during_a_mistaken_exit_ends_the_journey_after_all(routing: Routing) -> None:
    client = await routing.client(municipality=HERE)
    left = await routing.done(f"/clients/{client}/exits", {"reason": "other"})
    band = AgeBandChanged(occurred_on=routing.today, by="clock", age_band="pension", previous="55-pension")
    await routing.hear(client, band, municipality=HERE)

    await routing.done(f"/exits/{left['id']}/reversals", {"reason": "Vergissing"})

    journey = await routing.journey(client)
    assert (journey["state"], [each["reason"] for each in journey["exits"] if not each["revertedOn"]]) == (
        "exited", ["pension_age"],
    )  # fmt: skip


async def test_what_was_decided_while_somebody_counted_as_dead_is_asked_when_that_was_a_mistake(
    routing: Routing,
) -> None:
    await routing.staff(HERE)
    client = await routing.client("70-100", municipality=HERE)
    late = routing.categorised("40-70", "reintegration", prospect_of_work=True)
    await routing.hear(client, gone("deceased", routing.today), late, municipality=HERE)
    assert await routing.said(ReferralRequested, client) == []
    await routing.hear(client, restored("deceased", routing.today), municipality=HERE)
    assert len(await routing.said(ReferralRequested, client)) == 1


@pytest.mark.requirement("INT-14")
async def test_a_death_entered_late_comes_before_pension_age_that_passed_in_between(routing: Routing) -> None:
    client = await routing.client()
    band = AgeBandChanged(occurred_on=routing.today, by="clock", age_band="pension", previous="55-pension")
    await routing.hear(client, band, gone("deceased", date(2021, 8, 20)))
    standing = [each for each in (await routing.journey(client))["exits"] if not each["revertedOn"]]
    assert [(each["reason"], each["on"]) for each in standing] == [("deceased", "2021-08-20")]
    await routing.hear(client, restored("deceased", routing.today))
    standing = [each for each in (await routing.journey(client))["exits"] if not each["revertedOn"]]
    assert [each["reason"] for each in standing] == ["pension_age"]


@pytest.mark.requirement("INT-14", "ROU-17")
async def test_pension_age_is_seen_coming_and_ends_the_journey_on_the_day(routing: Routing) -> None:
    client = await routing.client()
    nears = PensionAgeNears(occurred_on=routing.today, by="clock", reached_in=date(2021, 12, 1))
    await routing.hear(client, nears)
    [item] = (await routing.get("/worklist", clientId=str(client), scope="municipality", kind="due")).json()["items"]
    assert (item["reason"], item["dueOn"], item["overdue"]) == ("pension", "2021-12-31", False)
    assert item["why"].startswith("De klant bereikt uiterlijk 31-12-2021 de AOW-leeftijd.")
    assert [each["rel"] for each in item["links"]] == ["journey", "client"]
    band = AgeBandChanged(occurred_on=date(2021, 9, 1), by="clock", age_band="pension", previous="55-pension")
    await routing.hear(client, band)
    [exited] = await routing.said(ClientExited, client)
    assert (exited.data.reason, exited.data.by) == ("pension_age", "clock")
    assert await open_things(routing, client) == set()


async def test_who_turns_out_younger_is_not_near_pension_age(routing: Routing) -> None:
    client = await routing.client()
    on = {"occurred_on": routing.today, "by": BY}
    await routing.hear(client, PensionAgeNears(**on, reached_in=date(2021, 12, 1)), PensionAgeNears(**on))
    items = (await routing.get("/worklist", clientId=str(client), scope="municipality")).json()["items"]
    assert "pension" not in {each["reason"] for each in items}


@pytest.mark.requirement("ROU-13")
async def test_an_exit_by_enforcement_is_a_named_persons_and_its_ground_stays_here(routing: Routing) -> None:
    client = await routing.client()
    path, whole = f"/clients/{client}/exits", {"reason": "enforcement", "ground": "Verzwegen inkomsten"}
    refused = await routing.post(path, {"reason": "enforcement"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/ground")
    assert (await routing.post(path, whole | {"reason": "other"})).status_code == 400
    application = routing.token("front_end", sub=None)
    assert (await routing.post(path, whole, headers=application)).json()["type"].endswith("/person-needed")
    made = await routing.done(path, whole)
    assert (made["reason"], made["ground"]) == ("enforcement", "Verzwegen inkomsten")
    async with routing.service.office.database.in_background() as session:
        said = (await session.scalars(text("SELECT data FROM outbox"))).all()
    assert "Verzwegen" not in " ".join(map(str, said))
    await routing.hear(client, ClientErased(occurred_on=routing.today, by=BY))
    [left] = (await routing.journey(client))["exits"]
    assert left["ground"] is None


async def test_the_form_of_the_household_is_kept(routing: Routing) -> None:
    client, household = await routing.client(), new_id()
    on = {"occurred_on": routing.today, "by": BY}
    await routing.hear(client, HouseholdChanged(**on, household_id=household, household_kind="single_parent"))
    async with routing.service.office.database.in_background() as session:
        found = (await session.execute(text("SELECT household_id, household_kind FROM journeys"))).all()
    assert [tuple(row) for row in found] == [(household, "single_parent")]
