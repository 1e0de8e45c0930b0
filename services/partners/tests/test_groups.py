from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.intake import ClientDeceased
from contracts.partners import GroupChanged, GroupFilled, GroupSessionHeld, ReferralScheduled, ReferralSent
from contracts.routing import ReferralWithdrawn

if TYPE_CHECKING:
    from tests.conftest import IN_GROUPS, Partners, Receiver
else:
    from services.partners.tests.conftest import IN_GROUPS, Partners, Receiver

HERE = "GM0629"


async def wait_for_group(partners: Partners, number: int) -> list[tuple[UUID, UUID]]:
    """So many clients in the queue: client and referral."""
    return await partners.refer_all([new_id() for _ in range(number)], **IN_GROUPS)


async def groups(partners: Partners) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await partners.get("/groups")).json()["items"]
    return found


async def members(partners: Partners, group: dict[str, Any]) -> set[str]:
    return set((await partners.get(f"/groups/{group['id']}")).json()["referralIds"])


async def withdraw(partners: Partners, client: UUID, referral: UUID) -> None:
    event = ReferralWithdrawn(occurred_on=partners.clock.today(), by="clock", referral_id=referral, reason="other")
    await partners.hear(client, event, municipality=HERE)


@pytest.mark.requirement("PAR-2")
async def test_clients_wait_until_the_group_is_full(partners: Partners) -> None:
    waiting = await wait_for_group(partners, 11)
    assert await partners.types(waiting[0][0]) == ["referral-waiting"]
    assert await groups(partners) == []
    [last] = await wait_for_group(partners, 1)
    [group] = await groups(partners)
    assert group["formedWith"] == 12
    assert await partners.types(last[0]) == ["referral-waiting", "referral-scheduled", "referral-sent"]
    [filled] = await partners.said(GroupFilled)
    assert (str(filled.subject), filled.data.size) == (group["id"], 12)
    assert {str(each.data.group_id) for each in await partners.said(ReferralSent)} == {group["id"]}
    assert await members(partners, group) == {str(referral) for _, referral in (*waiting, last)}


@pytest.mark.requirement("PAR-2")
async def test_ten_go_when_two_weeks_have_passed_since_the_tenth_came(partners: Partners) -> None:
    await wait_for_group(partners, 9)
    await partners.service.move_to(date(2024, 2, 5))
    await wait_for_group(partners, 1)
    await partners.service.move_to(date(2024, 2, 7))
    await wait_for_group(partners, 1)
    await partners.service.move_to(date(2024, 2, 18))
    assert await groups(partners) == []
    await partners.service.move_to(date(2024, 2, 19))
    [group] = await groups(partners)
    assert (group["formedWith"], group["formedOn"]) == (11, "2024-02-19")


async def test_nine_wait_however_long_it_takes(partners: Partners) -> None:
    await wait_for_group(partners, 9)
    await partners.service.move_to(date(2024, 4, 1))
    assert await groups(partners) == []


async def test_patience_begins_anew_when_somebody_leaves_the_queue(partners: Partners) -> None:
    waiting = await wait_for_group(partners, 10)
    await withdraw(partners, *waiting[3])
    assert (await partners.types(waiting[3][0]))[-1] == "referral-closed"
    await partners.service.move_to(date(2024, 2, 10))
    await wait_for_group(partners, 1)
    await partners.service.move_to(date(2024, 2, 23))
    assert await groups(partners) == []
    await partners.service.move_to(date(2024, 2, 24))
    assert len(await groups(partners)) == 1


async def test_who_falls_out_before_the_session_is_replaced_first_come_first_served(partners: Partners) -> None:
    in_group = await wait_for_group(partners, 12)
    queue = await wait_for_group(partners, 2)
    event = ClientDeceased(occurred_on=date(2024, 2, 1), by="staff:s-1")
    await partners.hear(in_group[0][0], event, municipality=HERE)
    assert (await partners.types(in_group[0][0]))[-1] == "referral-closed"
    assert (await partners.types(queue[0][0]))[-1] == "referral-sent"
    assert (await partners.types(queue[1][0]))[-1] == "referral-waiting"
    [group] = await groups(partners)
    expected = {str(referral) for _, referral in (*in_group[1:], queue[0])}
    assert await members(partners, group) == expected


async def test_without_anybody_waiting_the_group_goes_on(partners: Partners) -> None:
    in_group = await wait_for_group(partners, 12)
    await withdraw(partners, *in_group[5])
    [group] = await groups(partners)
    assert len(await members(partners, group)) == 11
    await wait_for_group(partners, 1)
    assert len(await members(partners, group)) == 11


async def test_the_session_is_held_and_each_referral_answered_as_usual(partners: Partners) -> None:
    in_group = await wait_for_group(partners, 12)
    [group] = await groups(partners)
    headers = partners.as_partner("vrijwilligerscentrale", HERE)
    came = [str(referral) for _, referral in in_group[:11]]
    path, body = f"/groups/{group['id']}/sessions", {"heldOn": "2024-02-01", "attendedReferralIds": came}
    assert (await partners.post(path, body, headers=headers)).status_code == 201
    assert (await partners.post(path, body, headers=headers)).status_code == 200
    assert (await partners.post(path, body | {"attendedReferralIds": []}, headers=headers)).status_code == 409
    [held] = await partners.said(GroupSessionHeld)
    assert (str(held.subject), held.data.attended) == (group["id"], 11)
    answer = await partners.post(f"/referrals/{came[0]}/acknowledgements", {}, headers=headers)
    assert answer.status_code == 201


async def test_after_the_session_nobody_is_replaced(partners: Partners) -> None:
    in_group = await wait_for_group(partners, 12)
    [group] = await groups(partners)
    await partners.done(f"/groups/{group['id']}/sessions", {"attendedReferralIds": []})
    queue = await wait_for_group(partners, 1)
    await withdraw(partners, *in_group[0])
    assert await partners.types(queue[0][0]) == ["referral-waiting"]


async def test_a_session_is_refused_with_every_fault(partners: Partners) -> None:
    in_group = await wait_for_group(partners, 12)
    [group] = await groups(partners)
    path = f"/groups/{group['id']}/sessions"
    strangers = [str(new_id()), str(in_group[0][1]), str(new_id())]
    answer = await partners.post(path, {"attendedReferralIds": strangers})
    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == [
        "#/attendedReferralIds/0",
        "#/attendedReferralIds/2",
    ]
    for held_on in ("2024-01-31", "2024-02-02"):
        answer = await partners.post(path, {"heldOn": held_on, "attendedReferralIds": []})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "#/heldOn"


async def test_a_partner_sees_its_own_groups_only(partners: Partners) -> None:
    await wait_for_group(partners, 12)
    [group] = await groups(partners)
    other = partners.as_partner("voor-elkaar", HERE)
    assert (await partners.get("/groups", headers=other)).json()["items"] == []
    assert (await partners.get(f"/groups/{group['id']}", headers=other)).status_code == 404
    own = partners.as_partner("vrijwilligerscentrale", HERE)
    assert len((await partners.get("/groups", headers=own)).json()["items"]) == 1


async def test_many_at_once_make_several_groups(partners: Partners) -> None:
    await wait_for_group(partners, 25)
    assert [group["formedWith"] for group in await groups(partners)] == [12, 12]
    assert len(await partners.said(ReferralScheduled)) == 24


async def test_who_falls_out_after_answering_is_replaced_too(partners: Partners) -> None:
    in_group = await wait_for_group(partners, 12)
    queue = await wait_for_group(partners, 2)
    headers = partners.as_partner("vrijwilligerscentrale", HERE)
    for _, referral in in_group[:2]:
        await partners.done(f"/referrals/{referral}/acknowledgements", headers=headers)
    await withdraw(partners, *in_group[0])
    await partners.done(f"/referrals/{in_group[1][1]}/refusals", {"reason": "Past niet"}, headers=headers)
    [group] = await groups(partners)
    assert await members(partners, group) == {str(referral) for _, referral in (*in_group[2:], *queue)}


@pytest.mark.requirement("INT-14", "PAR-2")
async def test_the_partner_hears_what_a_group_has_become_also_when_nobody_waits(
    partners: Partners, receiver: Receiver
) -> None:
    made = await partners.endpoint(receiver, "vrijwilligerscentrale", HERE, events=["nl.klantreizen.group-changed"])
    in_group = await wait_for_group(partners, 12)
    await withdraw(partners, *in_group[0])
    await wait_for_group(partners, 1)
    await withdraw(partners, *in_group[1])
    await partners.sender.settle()
    heard = [(each["data"]["size"], each["data"]["vacant"]) for each in receiver.verify(made["secret"])]
    assert sorted(heard) == [(11, 1), (11, 1)]
    [group] = await groups(partners)
    shown = (await partners.get(f"/groups/{group['id']}")).json()
    assert (len(shown["referralIds"]), shown["vacant"]) == (11, 1)


async def test_who_comes_to_wait_completes_a_group_that_is_below_the_smallest_size(partners: Partners) -> None:
    in_group = await wait_for_group(partners, 12)
    for each in in_group[:3]:
        await withdraw(partners, *each)
    [group] = await groups(partners)
    assert len(await members(partners, group)) == 9
    newcomers = await wait_for_group(partners, 2)
    assert await members(partners, group) == {str(referral) for _, referral in (*in_group[3:], newcomers[0])}
    assert await partners.types(newcomers[1][0]) == ["referral-waiting"]


async def test_nobody_joins_a_group_with_which_the_partner_has_begun(partners: Partners) -> None:
    in_group = await wait_for_group(partners, 12)
    headers = partners.as_partner("vrijwilligerscentrale", HERE)
    for step in ("acknowledgements", "acceptances", "starts"):
        await partners.done(f"/referrals/{in_group[0][1]}/{step}", headers=headers)
    for each in in_group[1:4]:
        await withdraw(partners, *each)
    [newcomer] = await wait_for_group(partners, 1)
    assert await partners.types(newcomer[0]) == ["referral-waiting"]


class Queueing:
    """Any course of a queue and its groups: clients come and fall out, sessions are held, days pass."""

    def __init__(self, partners: Partners, seed: int) -> None:
        self.partners, self.chance = partners, Random(seed)
        self.asked: list[tuple[UUID, UUID]] = []

    async def step(self) -> None:
        await self.chance.choice(
            [self.come, self.come, self.fall_out, self.fall_out, self.die, self.decline, self.day]
        )()

    async def come(self) -> None:
        self.asked += await wait_for_group(self.partners, self.chance.randint(1, 5))

    async def fall_out(self) -> None:
        if self.asked:
            await withdraw(self.partners, *self.asked.pop(self.chance.randrange(len(self.asked))))

    async def die(self) -> None:
        if self.asked:
            client, _ = self.asked.pop(self.chance.randrange(len(self.asked)))
            event = ClientDeceased(occurred_on=self.partners.clock.today(), by="staff:s-1")
            await self.partners.hear(client, event, municipality=HERE)

    async def decline(self) -> None:
        if self.asked:
            _, referral = self.chance.choice(self.asked)
            headers = self.partners.as_partner("vrijwilligerscentrale", HERE)
            await self.partners.post(f"/referrals/{referral}/acknowledgements", headers=headers)
            await self.partners.post(f"/referrals/{referral}/refusals", {"reason": "Past niet"}, headers=headers)

    async def day(self) -> None:
        await self.partners.service.move_to(self.partners.clock.today() + timedelta(days=self.chance.randint(1, 9)))
        found = await groups(self.partners)
        if found and self.chance.random() < 0.2:
            group = self.chance.choice(found)
            await self.partners.post(f"/groups/{group['id']}/sessions", {"attendedReferralIds": []})

    async def holds(self) -> None:
        """Nobody waits while a group before its session is too small, and who came first went first."""
        async with self.partners.service.office.database.in_background() as session:
            rows = (await session.execute(text("SELECT * FROM referrals ORDER BY requested_on, id"))).mappings().all()
        waiting = [row for row in rows if row["state"] == "waiting"]
        assert len(waiting) < 12
        for group in await groups(self.partners):
            size = len(await members(self.partners, group))
            assert size <= group["formedWith"] <= 12
            assert group["sessionHeldOn"] or size >= 10 or not waiting, (size, len(waiting))
        placed = [row for row in rows if row["group_id"] is not None]
        assert not [(one["id"], other["id"]) for one in waiting for other in placed if order(other) > order(one)]


def order(row: Any) -> tuple[date, UUID]:
    return row["requested_on"], row["id"]


@pytest.mark.requirement("INT-14", "PAR-2")
@pytest.mark.parametrize("seed", range(6))
async def test_places_go_to_who_waits_longest_and_no_group_is_too_small_while_others_wait(
    partners: Partners, seed: int
) -> None:
    queueing = Queueing(partners, seed)
    queueing.asked = await wait_for_group(partners, 14)
    for _ in range(40):
        await queueing.step()
        await queueing.holds()
    assert await partners.said(GroupChanged)
