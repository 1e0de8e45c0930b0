from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts.intake import AgeBandChanged, ClientDeceased
from contracts.routing import CaseworkerAssigned, CaseworkerMissing

if TYPE_CHECKING:
    from tests.conftest import Routing


@pytest.mark.requirement("ROU-1")
async def test_clients_are_shared_by_the_hours_that_people_work(routing: Routing) -> None:
    for name, hours in (("full", 36), ("half", 18)):
        body = {"id": name, "municipalities": ["GM1916"], "roles": ["work_consultant"], "hoursPerWeek": hours}
        await routing.done("/staff", body)
    for _ in range(6):
        await routing.client()
    shared = Counter(each.data.caseworker_id for each in await routing.said(CaseworkerAssigned))
    assert shared == {"full": 4, "half": 2}


async def test_a_batch_is_shared_as_well_as_one_by_one(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"], bert=["work_consultant"])
    clients = [new_id() for _ in range(10)]
    records = [
        routing.service.record(new_id(), client, routing.categorised("1B", "reintegration"), "GM1916")
        for client in clients
    ]
    await routing.service.consumer.handle(records)
    shared = Counter(each.data.caseworker_id for each in await routing.said(CaseworkerAssigned))
    assert shared == {"anna": 5, "bert": 5}


async def test_an_event_that_comes_twice_is_handled_once(routing: Routing) -> None:
    await routing.staff()
    record = routing.service.record(new_id(), new_id(), routing.categorised("1B", "reintegration"), "GM1916")
    await routing.service.consumer.handle([record])
    await routing.service.consumer.handle([record, record])
    assert len(await routing.said(CaseworkerAssigned)) == 1


@pytest.mark.requirement("ROU-16")
async def test_nobody_is_unassigned_unseen(routing: Routing) -> None:
    client = await routing.client()
    assert [each.data.role for each in await routing.said(CaseworkerMissing, client)] == ["work_consultant"]
    await routing.hear(client, routing.categorised("1B", "reintegration", confirmed="reconfirmed"))
    assert len(await routing.said(CaseworkerMissing, client)) == 1
    listed = (await routing.get("/clients-without-caseworker", municipality="GM1916")).json()["items"]
    assert [(each["clientId"], each["caseworkerRole"]) for each in listed] == [(str(client), "work_consultant")]

    await routing.staff("GM0626", elsewhere=["work_consultant"])
    await routing.staff(other=["income_consultant"])
    assert len((await routing.get("/clients-without-caseworker")).json()["items"]) == 1
    await routing.staff(here=["work_consultant"])
    assigned = (await routing.said(CaseworkerAssigned, client))[0].data
    assert (assigned.caseworker_id, assigned.occasion) == ("here", "categorised")
    assert (await routing.get("/clients-without-caseworker")).json()["items"] == []


async def test_the_clients_of_a_leaver_are_handed_over_and_none_falls_off_the_list(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"])
    client = await routing.client()
    await routing.staff(bert=["work_consultant"])
    await routing.leaves("anna")
    moved = (await routing.said(CaseworkerAssigned, client))[-1].data
    assert (moved.caseworker_id, moved.previous_id, moved.occasion) == ("bert", "anna", "transfer")
    await routing.leaves("bert")
    assert (await routing.journey(client))["waitingSince"] == "2021-09-01"
    assert len(await routing.said(CaseworkerMissing, client)) == 1


async def test_who_leaves_the_journey_weighs_on_nobody(routing: Routing) -> None:
    await routing.staff(anna=["work_consultant"], bert=["work_consultant"])
    first, second = await routing.client(), await routing.client()
    gone = ClientDeceased(occurred_on=routing.today, by="app:front-end")
    await routing.hear(first, gone)
    await routing.hear(second, gone)
    await routing.client()
    assert (await routing.said(CaseworkerAssigned))[-1].data.caseworker_id == "anna"
    items = (await routing.get("/staff", role="work_consultant")).json()["items"]
    assert [(each["id"], each["clients"]) for each in items] == [("anna", 1), ("bert", 0)]


async def test_staff_of_another_municipality_cannot_be_entered(routing: Routing) -> None:
    body = {"id": "anna", "municipalities": ["GM0451"], "roles": ["client_manager"]}
    refused = await routing.post("/staff", body, headers=routing.token(municipalities=["GM1916"]))
    assert refused.status_code == 403


@pytest.mark.requirement("ROU-1", "INT-13")
async def test_a_corrected_birth_date_brings_the_caseworker_whom_policy_names_and_a_birthday_waits(
    routing: Routing,
) -> None:
    here = "GM0626"
    await routing.move_to(date(2024, 2, 1))
    await routing.staff(here, anna=["work_consultant"], leo=["learn_work_broker"])
    young: dict[str, Any] = {"age_band": "21-26", "starting_qualification": False}
    corrected, birthday = new_id(), new_id()
    for client in (corrected, birthday):
        await routing.hear(client, routing.registered(**young), municipality=here)
        await routing.hear(client, routing.categorised("1B", "reintegration"), municipality=here)
        assert (await routing.journey(client))["caseworkerId"] == "leo"

    told: dict[str, Any] = {"occurred_on": routing.today, "age_band": "28-44", "previous": "21-26"}
    await routing.hear(corrected, AgeBandChanged(by="staff:s-1", **told), municipality=here)
    await routing.hear(birthday, AgeBandChanged(by="clock", **told), municipality=here)

    assert (await routing.journey(corrected))["caseworkerId"] == "anna"
    assert (await routing.journey(birthday))["caseworkerId"] == "leo"
    [*_, said] = await routing.said(CaseworkerAssigned, corrected)
    assert (said.data.by, said.data.occasion, said.data.previous_id) == ("staff:s-1", "transfer", "leo")


@pytest.mark.requirement("ROU-1", "INT-13")
async def test_a_corrected_birth_date_tells_which_roles_guide_besides(routing: Routing) -> None:
    here = "GM0451"
    await routing.staff(here, klaas=["client_manager"])
    corrected, birthday = new_id(), new_id()
    for client in (corrected, birthday):
        told = routing.registered(age_band="28-44"), routing.categorised("1B", "reintegration")
        await routing.hear(client, *told, municipality=here)

    band: dict[str, Any] = {"occurred_on": routing.today, "age_band": "21-26", "previous": "28-44"}
    await routing.hear(corrected, AgeBandChanged(by="staff:s-1", **band), municipality=here)
    await routing.hear(birthday, AgeBandChanged(by="clock", **band), municipality=here)

    told_of = {
        each: [event.data.besides for event in await routing.said(CaseworkerAssigned, each)]
        for each in (corrected, birthday)
    }
    assert told_of == {corrected: [(), ("youth_coach",)], birthday: [()]}
    again = (await routing.said(CaseworkerAssigned, corrected))[-1].data
    assert (again.caseworker_id, again.previous_id, again.role) == ("klaas", "klaas", "client_manager")
    assert (await routing.journey(corrected))["caseworkerId"] == "klaas"
