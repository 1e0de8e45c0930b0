"""Referrals that were under way when their client came in (INT-15)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts.intake import CaseImported, ClientDeceased, ImportedReferral
from contracts.partners import PartnersEvent, ReferralAccepted, ReferralClosed, ReferralOverdue

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Partners, Receiver

HERE, PURPOSE, PARTNER = "GM0451", "guidance_to_work", "am-match"
DAY = date(2024, 2, 1)

pytestmark = pytest.mark.requirement("INT-15")


def case(referral: UUID, state: Any, since: date) -> CaseImported:
    told = ImportedReferral(referral_id=referral, purpose=PURPOSE, partner=PARTNER, state=state, since=since)
    return CaseImported(occurred_on=DAY, by="import", category="40-70", track="reintegration", open_referrals=(told,))


async def bring_in(partners: Partners, state: Any, since: date) -> tuple[UUID, UUID]:
    client, referral = new_id(), new_id()
    await partners.service.hear(client, case(referral, state, since), municipality=HERE)
    return client, referral


async def test_a_referral_stands_where_it_stood_and_the_partner_is_told_nothing(
    partners: Partners, receiver: Receiver
) -> None:
    await partners.endpoint(receiver, partner=PARTNER, municipality=HERE)
    client, referral = await bring_in(partners, "started", date(2024, 1, 15))

    found = await partners.referral(referral, **partners.as_partner(PARTNER, HERE))
    assert (found["state"], found["purpose"], found["since"]) == ("started", PURPOSE, "2024-01-15")
    assert await partners.deliveries() == []
    assert await partners.service.said(PartnersEvent, client) == []


async def test_its_partner_goes_on_from_there(partners: Partners) -> None:
    client, referral = await bring_in(partners, "acknowledged", date(2024, 1, 31))

    as_partner = partners.as_partner(PARTNER, HERE)
    await partners.service.done(f"/referrals/{referral}/acceptances", {"on": "2024-02-01"}, headers=as_partner)

    said = await partners.service.said(ReferralAccepted, client)
    assert [each.data.referral_id for each in said] == [referral]


async def test_a_step_that_was_late_already_shows_here_and_reminds_nobody(
    partners: Partners, receiver: Receiver
) -> None:
    await partners.endpoint(receiver, partner=PARTNER, municipality=HERE)
    late, _ = await bring_in(partners, "sent", date(2023, 11, 1))
    soon, _ = await bring_in(partners, "sent", DAY)

    await partners.service.move_to(DAY)
    overdue = await partners.service.said(ReferralOverdue, late)
    assert [each.data.step for each in overdue] == ["acknowledge"]
    assert overdue[0].data.due_on < DAY
    assert await partners.deliveries() == []

    await partners.service.move_to(date(2024, 3, 1))
    assert len(await partners.service.said(ReferralOverdue, late)) == 1
    assert len(await partners.service.said(ReferralOverdue, soon)) == 1
    assert [each["eventType"] for each in await partners.deliveries()] == ["nl.klantreizen.referral-overdue"]


async def test_the_referral_of_somebody_who_left_is_closed_whichever_is_heard_first(partners: Partners) -> None:
    for death_first in (True, False):
        client, referral = new_id(), new_id()
        events = [case(referral, "accepted", DAY), ClientDeceased(occurred_on=DAY, by="staff:s-1")]
        await partners.service.hear(client, *(reversed(events) if death_first else events), municipality=HERE)
        assert (await partners.referral(referral))["state"] == "withdrawn"
        assert len(await partners.service.said(ReferralClosed, client)) == 1
