"""A merger is undone: what was decided of each client is theirs again, and what a merger closed is open."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from contracts.intake import (
    ClientDeceased,
    ClientMovedAway,
    ClientRegistered,
    ClientsMerged,
    InformationSessionHeld,
    MergerUndone,
    RegistrationRestored,
)
from contracts.partners import PartnerSignalled
from contracts.routing import ClientExited, ConversationHeld, ExitReverted, RouteStarted
from tests.support.as_if import Standing, differences, standing
from tests.support.parted import Lanes, in_any_order

if TYPE_CHECKING:
    from tests.conftest import Diagnosis

DAY = date(2024, 2, 1)
HEAD: dict[str, Any] = {"occurred_on": DAY, "by": "staff:s-1"}

pytestmark = pytest.mark.requirement("INT-13")


async def merge(diagnosis: Diagnosis, gone: UUID, into: UUID) -> UUID:
    [merger] = await diagnosis.hear(gone, ClientsMerged(**HEAD, into=into))
    return merger


async def undo(diagnosis: Diagnosis, merger: UUID, gone: UUID, into: UUID) -> UUID:
    [undoing] = await diagnosis.hear(gone, MergerUndone(**HEAD, into=into, merger_id=merger))
    async with diagnosis.service.office.database.in_background() as session:
        assert (await session.scalars(text("SELECT error FROM parked"))).all() == []
    return undoing


async def stands(diagnosis: Diagnosis) -> Standing:
    return await standing(diagnosis.service)


def invited() -> InformationSessionHeld:
    return InformationSessionHeld(**HEAD, session_id=new_id(), attended=True)


async def test_where_both_had_one_each_has_their_own_again(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    for client, until in ((stays, "2024-03-01"), (gone, "2024-02-03")):
        await diagnosis.categorised(client, {"exemption": {"reason": "illness", "until": until}})
        await diagnosis.assess(client, {"distance_months": 8})
        await diagnosis.hear(client, invited())
    before = await stands(diagnosis)
    merger = await merge(diagnosis, gone, stays)
    [ended] = await diagnosis.said(ExemptionEnded)
    assert (ended.subject, ended.cause) == (stays, merger)

    undoing = await undo(diagnosis, merger, gone, stays)

    assert differences(before, await stands(diagnosis)) == {}
    again = (await diagnosis.said(ExemptionGranted, stays))[-1]
    assert (again.data.exemption_id, again.cause) == (ended.data.exemption_id, undoing)
    await diagnosis.move_to(date(2024, 3, 2))
    assert [each.subject for each in await diagnosis.said(ExemptionEnded)] == [stays, gone, stays]


async def test_a_decision_about_the_survivor_was_not_about_who_had_gone(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    await diagnosis.categorised(gone, {"exemption": {"reason": "illness", "until": "2024-06-01"}})
    await diagnosis.hear(gone, invited())
    await diagnosis.assess(gone, {"distance_months": 8})
    await diagnosis.hear(gone, invited())
    merger = await merge(diagnosis, gone, stays)
    await diagnosis.categorised(stays, {"distance_months": 2})
    before = await diagnosis.standing(stays)
    assert (before["category"], len(before["history"])) == ("1A", 2)

    await undo(diagnosis, merger, gone, stays)

    theirs, others = await diagnosis.standing(gone), await diagnosis.standing(stays)
    assert (theirs["category"], [each["category"] for each in theirs["history"]]) == ("3B", ["3B"])
    assert (others["category"], [each["category"] for each in others["history"]]) == ("1A", ["1A"])
    proposals = (await diagnosis.get("/proposals", clientId=str(gone))).json()["items"]
    assert [each["state"] for each in proposals] == ["confirmed", "open"]
    [exemption] = (await diagnosis.get(f"/clients/{gone}/exemptions")).json()["items"]
    assert exemption["endedOn"] is None
    assert len(await diagnosis.invitations(gone)) == 1
    await diagnosis.move_to(date(2024, 6, 2))
    assert (await diagnosis.types(gone)).count("exemption-ended") == 1


async def test_a_proposal_that_was_confirmed_meanwhile_is_open_again(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    proposal = await diagnosis.assess(gone, {"distance_months": 8})
    merger = await merge(diagnosis, gone, stays)
    await diagnosis.confirm(proposal)

    await undo(diagnosis, merger, gone, stays)

    [open_again] = (await diagnosis.get("/proposals", clientId=str(gone))).json()["items"]
    assert (open_again["id"], open_again["state"]) == (proposal["id"], "open")
    assert (await diagnosis.standing(stays))["category"] == "1B"
    await diagnosis.confirm(proposal)
    assert (await diagnosis.standing(gone))["category"] == "1B"


async def test_an_exemption_that_was_ended_by_hand_stays_so_and_others_hear_whose_it_was(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    await diagnosis.categorised(gone, {"exemption": {"reason": "illness"}})
    merger = await merge(diagnosis, gone, stays)
    [exemption] = (await diagnosis.get(f"/clients/{stays}/exemptions")).json()["items"]
    await diagnosis.done(f"/exemptions/{exemption['id']}/ends")

    await undo(diagnosis, merger, gone, stays)

    [theirs] = (await diagnosis.get(f"/clients/{gone}/exemptions")).json()["items"]
    assert theirs["endedOn"] == DAY.isoformat()
    said = await diagnosis.said(ExemptionEnded)
    assert [(each.subject, each.cause) for each in said] == [(stays, None), (gone, None)]


async def test_what_came_late_of_who_had_gone_is_theirs(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    await diagnosis.hear(stays, invited())
    before = await diagnosis.invitations(stays)
    merger = await merge(diagnosis, gone, stays)
    await diagnosis.hear(gone, ClientExited(**HEAD, exit_id=new_id(), reason="work"))
    await diagnosis.hear(gone, RouteStarted(**HEAD, route_id=new_id(), route="focus_op_werk", track="reintegration"))
    assert await diagnosis.invitations(stays) == []

    await undo(diagnosis, merger, gone, stays)

    assert await diagnosis.invitations(stays) == before
    rows = await travels(diagnosis)
    assert rows == {gone: 2}
    answer = await diagnosis.post(f"/clients/{gone}/assessments", {"questionnaire": "diagnose", "facts": {}})
    assert answer.status_code == 409
    await diagnosis.categorised(stays, {"distance_months": 2})


async def travels(diagnosis: Diagnosis) -> dict[UUID, int]:
    async with diagnosis.service.office.database.in_background() as session:
        rows = await session.execute(text("SELECT client_id, count(*) FROM travels GROUP BY 1"))
        return {row[0]: row[1] for row in rows}


async def test_who_died_stays_dead_and_the_other_goes_on(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    await diagnosis.hear(gone, invited())
    merger = await merge(diagnosis, gone, stays)
    await diagnosis.hear(stays, ClientDeceased(**HEAD))

    await undo(diagnosis, merger, gone, stays)

    assert len(await diagnosis.invitations(gone)) == 1
    await diagnosis.categorised(gone, {"distance_months": 2})
    answer = await diagnosis.post(f"/clients/{stays}/assessments", {"questionnaire": "diagnose", "facts": {}})
    assert answer.status_code == 409


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happened_before_an_undone_merger_changed_nothing(diagnosis: Diagnosis, seed: int) -> None:
    chance = Random(seed)
    clients = [await diagnosis.client() for _ in range(2)]
    for _ in range(20):
        await step(diagnosis, chance, chance.choice(clients))
    gone, stays = chance.sample(clients, 2)
    before = await stands(diagnosis)
    merger = await merge(diagnosis, gone, stays)
    await undo(diagnosis, merger, gone, stays)
    assert differences(before, await stands(diagnosis)) == {}


async def step(diagnosis: Diagnosis, chance: Random, client: UUID) -> None:
    """Something happens to a client; what is refused happens not."""
    today = diagnosis.service.clock.today()
    last_day = str(today + timedelta(days=chance.randint(1, 40)))
    facts: dict[str, Any] = chance.choice(
        [{"distance_months": 3}, {"distance_months": 8, "exemption": {"reason": "illness", "until": last_day}},
         {"exemption": {"reason": "illness"}}, {"distance_months": 8, "in_doubt": True}, {}]
    )  # fmt: skip
    head: dict[str, Any] = {"occurred_on": today, "by": "staff:s-1"}
    match chance.randrange(7):
        case 0 | 1:
            await diagnosis.post(f"/clients/{client}/assessments", {"questionnaire": "diagnose", "facts": facts})
        case 2 | 3:
            found = (await diagnosis.get("/proposals", clientId=str(client), limit=200)).json()["items"]
            if found:
                await diagnosis.post(f"/proposals/{found[-1]['id']}/confirmations")
        case 4:
            event = ConversationHeld(**head, conversation_id=new_id(), kind="review", option=5)
            await diagnosis.hear(client, event)
        case 5:
            left = ClientExited(**head, exit_id=new_id(), reason="work")
            await diagnosis.hear(client, *([left] if chance.random() < 0.4 else [invited()]))
        case 6:
            await diagnosis.move_to(today + timedelta(days=chance.randint(1, 9)))


@pytest.mark.parametrize("seed", range(6))
async def test_it_ends_the_same_in_whatever_order_it_is_heard(diagnosis: Diagnosis, seed: int) -> None:
    gone, stays = new_id(), new_id()
    told: dict[str, Any] = {
        "origin": "front_end", "household_id": new_id(), "household_kind": "single", "permit_holder": False,
        "without_benefit": False,
    }  # fmt: skip
    lanes: Lanes = {
        gone: [
            [ClientRegistered(**HEAD, **told, age_band="28-44"), invited()],
            [ClientExited(**HEAD, exit_id=new_id(), reason="work")],
            [PartnerSignalled(**HEAD, partner="woej", signal="needs_attention")],
        ],
        stays: [
            [ClientRegistered(**HEAD, **told, age_band="45-49"), invited()],
            [ConversationHeld(**HEAD, conversation_id=new_id(), kind="review", option=5)],
        ],
    }
    for record in in_any_order(diagnosis.service, lanes, municipality="GM0626", on=DAY, seed=seed):
        await diagnosis.service.consumer.handle([record])

    assert await diagnosis.invitations(gone) == []
    reasons = {each["reason"] for each in await diagnosis.invitations(stays)}
    assert reasons == {"information_session", "conversation"}
    async with diagnosis.service.office.database.in_background() as session:
        rows = await session.execute(text("SELECT id, age_band, ended FROM clients"))
        assert {row.id: (row.age_band, row.ended) for row in rows} == {
            gone: ("28-44", "exited"), stays: ("45-49", None),
        }  # fmt: skip
        assert (await session.scalars(text("SELECT error FROM parked"))).all() == []
    assert await travels(diagnosis) == {gone: 1, stays: 1}


async def test_what_closed_when_the_one_left_stays_closed_when_the_other_goes_on(diagnosis: Diagnosis) -> None:
    gone, stays = await diagnosis.client(), await diagnosis.client()
    await diagnosis.hear(gone, invited())
    await diagnosis.assess(gone, {"distance_months": 8})
    await diagnosis.hear(gone, ClientMovedAway(**HEAD, to_municipality=None))
    merger = await merge(diagnosis, gone, stays)
    left = ClientExited(**HEAD, exit_id=new_id(), reason="other")
    await diagnosis.hear(stays, left, ExitReverted(**HEAD, exit_id=left.exit_id))
    assert (await diagnosis.get("/proposals", state="open")).json()["items"] == []

    await undo(diagnosis, merger, gone, stays)

    await diagnosis.hear(gone, RegistrationRestored(**HEAD, ended_as="moved_away"))
    assert [each["clientId"] for each in (await diagnosis.get("/proposals", state="open")).json()["items"]] == [
        str(gone)
    ]
