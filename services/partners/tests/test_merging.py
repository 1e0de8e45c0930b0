"""A merger is undone: each client has their own referrals again, and a partner is told what goes on."""

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.diagnosis import ClientCategorised, Traits
from contracts.intake import CaseImported, ClientDeceased, ClientsMerged, MergerUndone
from contracts.partners import ReferralAcknowledged, ReferralClosed, ReferralSent
from contracts.routing import ClientExited, ReferralRequested, ReferralWithdrawn
from tests.support.as_if import differences, standing
from tests.support.parted import Lanes, in_any_order

if TYPE_CHECKING:
    from tests.conftest import IN_GROUPS, WELFARE, Partners, Receiver
else:
    from services.partners.tests.conftest import IN_GROUPS, WELFARE, Partners, Receiver

DAY = date(2024, 2, 1)
SAID: dict[str, Any] = {"occurred_on": DAY, "by": "staff:s-1"}
HERE = "GM1916"

pytestmark = pytest.mark.requirement("INT-13")


async def merge(partners: Partners, gone: UUID, into: UUID, municipality: str = HERE) -> UUID:
    [merger] = await partners.hear(gone, ClientsMerged(**SAID, into=into), municipality=municipality)
    return merger


async def undo(partners: Partners, merger: UUID, gone: UUID, into: UUID, municipality: str = HERE) -> UUID:
    undone = MergerUndone(**SAID, into=into, merger_id=merger)
    [undoing] = await partners.hear(gone, undone, municipality=municipality)
    async with partners.service.office.database.in_background() as session:
        assert (await session.scalars(text("SELECT error FROM parked"))).all() == []
    return undoing


def categorised(category: str) -> ClientCategorised:
    traits = Traits(
        scheme="distance", category=category, track="participation", status="decided", basis="assessment",
        confirmed="changed",
    )  # fmt: skip
    told = {"old_category": None, "old_track": None, "traits": traits, "receipt": None}
    return ClientCategorised(**SAID, assessment_id=uuid4(), **told)


async def test_each_client_has_their_own_referrals_and_traits_again(partners: Partners) -> None:
    gone, survivor = new_id(), new_id()
    await partners.hear(gone, categorised("3A"), municipality=HERE)
    await partners.refer(gone)
    await partners.refer(survivor, partner="sport-en-welzijn")
    before = await standing(partners.service)
    merger = await merge(partners, gone, survivor)

    await undo(partners, merger, gone, survivor)

    assert differences(before, await standing(partners.service)) == {}


async def test_a_referral_that_was_answered_meanwhile_goes_back_as_it_stands(partners: Partners) -> None:
    gone, survivor = new_id(), new_id()
    referral = await partners.refer(gone)
    merger = await merge(partners, gone, survivor)
    await partners.done(f"/referrals/{referral}/acknowledgements", headers=partners.as_partner("woej", HERE))
    own = await partners.refer(survivor, partner="sport-en-welzijn")

    await undo(partners, merger, gone, survivor)

    found = [await partners.referral(each) for each in (referral, own)]
    assert [(each["clientId"], each["state"]) for each in found] == [
        (str(gone), "acknowledged"), (str(survivor), "sent"),
    ]  # fmt: skip


async def test_a_double_is_open_again_and_its_partner_is_told_once_more(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    gone, survivor = new_id(), new_id()
    kept, double = await partners.refer(gone), await partners.refer(survivor)
    await partners.sender.settle()
    await partners.done(f"/referrals/{kept}/acknowledgements", headers=partners.as_partner("woej", HERE))
    merger = await merge(partners, gone, survivor)
    assert (await partners.referral(double))["state"] == "withdrawn"

    undoing = await undo(partners, merger, gone, survivor)

    assert [(await partners.referral(each))["state"] for each in (kept, double)] == ["acknowledged", "sent"]
    sent = [each for each in await partners.said(ReferralSent) if each.data.referral_id == double]
    assert [(each.subject, each.cause) for each in sent] == [(survivor, None), (survivor, undoing)]
    [closed] = await partners.said(ReferralClosed)
    assert closed.cause == merger
    told = [each for each in await partners.deliveries() if each["subject"] == str(double)]
    assert sorted(each["eventType"].rsplit(".", 1)[1] for each in told) == ["referral-closed"] + ["referral-sent"] * 2


@pytest.mark.parametrize("first", ["undone", "asked again"])
async def test_what_routing_took_back_stands_as_it_did_whichever_is_heard_first(partners: Partners, first: str) -> None:
    gone, survivor = new_id(), new_id()
    referral = await partners.refer(gone)
    await partners.done(f"/referrals/{referral}/acknowledgements", headers=partners.as_partner("woej", HERE))
    merger = await merge(partners, gone, survivor)
    withdrawn = ReferralWithdrawn(**SAID, referral_id=referral, reason="merged")
    asked = ReferralRequested(**SAID, referral_id=referral, partner="woej", **WELFARE)

    async def by_routing() -> None:
        await partners.hear(gone, withdrawn, municipality=HERE, cause=merger)
        await partners.hear(gone, asked, municipality=HERE, cause=new_id())

    if first == "undone":
        await undo(partners, merger, gone, survivor)
        await by_routing()
    else:
        await by_routing()
        await undo(partners, merger, gone, survivor)

    found = await partners.referral(referral)
    assert (found["clientId"], found["state"]) == (str(gone), "acknowledged")
    assert (await partners.said(ReferralAcknowledged))[-1].subject in {gone, survivor}
    [limit] = await partners_limits(partners, referral)
    assert limit == "referral_accept"


async def partners_limits(partners: Partners, referral: UUID) -> list[str]:
    async with partners.service.office.database.in_background() as session:
        query = text("SELECT kind FROM deadlines WHERE subject = :id AND state = 'open'")
        return list(await session.scalars(query, {"id": referral}))


async def test_who_had_a_place_in_a_group_waits_for_the_next(partners: Partners) -> None:
    town = IN_GROUPS["municipality"]
    clients = [new_id() for _ in range(14)]
    asked = await partners.refer_all(clients, **IN_GROUPS)
    states = {client: (await partners.referral(referral))["state"] for client, referral in asked}
    placed = next(referral for client, referral in asked if states[client] == "sent")
    gone = next(client for client, referral in asked if referral == placed)
    merger = await merge(partners, gone, clients[1] if gone != clients[1] else clients[2], town)
    asked_again = ReferralRequested(**SAID, referral_id=placed, partner=IN_GROUPS["partner"], **WELFARE)
    if (await partners.referral(placed))["state"] != "withdrawn":
        withdrawn = ReferralWithdrawn(**SAID, referral_id=placed, reason="merged")
        await partners.hear(gone, withdrawn, municipality=town, cause=merger)
    await undo(partners, merger, gone, clients[1] if gone != clients[1] else clients[2], town)
    await partners.hear(gone, asked_again, municipality=town, cause=new_id())
    assert (await partners.referral(placed))["state"] == "waiting"


async def test_who_died_has_nothing_open_and_the_other_goes_on(partners: Partners) -> None:
    gone, survivor = new_id(), new_id()
    referral = await partners.refer(gone)
    await partners.hear(survivor, ClientDeceased(**SAID), municipality=HERE)
    merger = await merge(partners, gone, survivor)
    assert (await partners.referral(referral))["state"] == "withdrawn"

    await undo(partners, merger, gone, survivor)

    found = await partners.referral(referral)
    assert (found["clientId"], found["state"]) == (str(gone), "sent")


async def test_an_exit_heard_late_is_of_whom_it_was_about(partners: Partners) -> None:
    gone, survivor = new_id(), new_id()
    referral = await partners.refer(survivor)
    merger = await merge(partners, gone, survivor)
    await partners.hear(gone, ClientExited(**SAID, exit_id=uuid4(), reason="work"), municipality=HERE)
    assert (await partners.referral(referral))["state"] == "withdrawn"

    await undo(partners, merger, gone, survivor)

    assert (await partners.referral(referral))["state"] == "sent"
    late = await partners.refer(gone)
    assert (await partners.referral(late))["state"] == "withdrawn"


@pytest.mark.parametrize("seed", range(6))
async def test_it_ends_the_same_in_whatever_order_it_is_heard(partners: Partners, seed: int) -> None:
    gone, survivor = new_id(), new_id()
    asked = {
        client: ReferralRequested(**SAID, referral_id=new_id(), partner="woej", **WELFARE)
        for client in (gone, survivor)
    }
    late = ReferralRequested(**SAID, referral_id=new_id(), partner="sport-en-welzijn", **WELFARE)
    lanes: Lanes = {
        gone: [[CaseImported(**SAID, category="3B", track="participation")], [asked[gone], late], [categorised("3A")]],
        survivor: [[asked[survivor]], [categorised("2A")]],
    }
    for record in in_any_order(partners.service, lanes, municipality=HERE, on=DAY, seed=seed):
        await partners.service.consumer.handle([record])

    found = (await partners.get("/referrals", limit=200)).json()["items"]
    ends = sorted((each["id"], each["clientId"], each["state"]) for each in found)
    assert ends == sorted(
        [(str(asked[gone].referral_id), str(gone), "sent"), (str(late.referral_id), str(gone), "sent"),
         (str(asked[survivor].referral_id), str(survivor), "sent")]
    )  # fmt: skip
    async with partners.service.office.database.in_background() as session:
        rows = await session.execute(text("SELECT id, category FROM clients"))
        assert {row.id: row.category for row in rows} == {gone: "3A", survivor: "2A"}
        assert (await session.scalars(text("SELECT error FROM parked"))).all() == []
