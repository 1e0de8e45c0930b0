"""Back to benefit after work: by the short form where policy has it, which reuses what is known."""

import pytest

from contracts.intake import ApplicationFiled, BenefitDecided, ClientRegistered
from contracts.routing import CaseworkerAssigned, ClientReturned
from tests.support.paths import PIJNACKER, SHARED, UITHOORN, VOORSCHOTEN, Traveller, path
from tests.support.standings import towards_work


@pytest.mark.requirement("INT-7")
@path(PIJNACKER)
async def test_who_worked_comes_back_by_the_short_form_and_tells_nothing_twice(client: Traveller) -> None:
    await client.enters(work_fit="yes")
    before = await client.get("intake", f"/clients/{client.id}")
    await client.exits("work")
    await client.days(120)
    await client.notifies()
    await client.applies(shortForm=True)
    await client.is_decided("granted")
    await client.post("routing", f"/clients/{client.id}/returns")
    await client.settles()
    await client.is_categorised(work_fit="yes")
    await client.settles()

    assert [each.short_form for each in await client.heard(ApplicationFiled)] == [False, True]
    assert [each.outcome for each in await client.heard(BenefitDecided)] == ["granted", "granted"]
    assert len(await client.heard(ClientReturned)) == len(await client.heard(ClientRegistered)) == 1
    after = await client.get("intake", f"/clients/{client.id}")
    assert {name: after[name] for name in ("name", "address", "birthDate")} == {
        name: before[name] for name in ("name", "address", "birthDate")
    }
    assert (await client.journey())["state"] == "active"
    assert len(await client.heard(CaseworkerAssigned)) == 2


@pytest.mark.requirement("INT-7")
@path(PIJNACKER)
async def test_who_was_never_on_benefit_cannot_apply_by_the_short_form(client: Traveller) -> None:
    await client.registers()
    await client.notifies()
    refused = await client.tries("intake", f"/clients/{client.id}/applications", {"shortForm": True})
    assert refused["type"].endswith("/short-form-unknown")
    await client.applies()
    assert [each.short_form for each in await client.heard(ApplicationFiled)] == [False]


@pytest.mark.requirement("INT-7")
@path(*SHARED, VOORSCHOTEN, UITHOORN)
async def test_where_policy_has_no_short_form_the_whole_application_is_filed(client: Traveller) -> None:
    await client.enters(**towards_work(client.place))
    await client.exits("work")
    await client.days(30)
    await client.notifies()
    refused = await client.tries("intake", f"/clients/{client.id}/applications", {"shortForm": True})
    assert refused["type"].endswith("/short-form-unknown")
    await client.applies()
    assert [each.short_form for each in await client.heard(ApplicationFiled)] == [False, False]
