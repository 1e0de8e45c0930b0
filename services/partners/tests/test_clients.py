from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.diagnosis import ClientCategorised, Traits
from contracts.intake import (
    ClientDeceased,
    ClientErased,
    ClientMovedAway,
    ClientRegistrationUndone,
    ClientsMerged,
    IdentityCorrected,
    RegistrationRestored,
)
from contracts.partners import ReferralClosed, ReferredPersonCorrected
from contracts.routing import (
    ClientExited,
    ClientReturned,
    ConversationHeld,
    ExitReverted,
    ReferralRequested,
    ReferralWithdrawn,
)

if TYPE_CHECKING:
    from tests.conftest import ONE_TO_ONE, Partners, Receiver, status
else:
    from services.partners.tests.conftest import ONE_TO_ONE, Partners, Receiver, status

HERE = "GM1916"
DAY = date(2024, 2, 1)
SAID: dict[str, Any] = {"occurred_on": DAY, "by": "staff:s-9"}


def categorised(category: str = "3A", indications: tuple[str, ...] = ()) -> ClientCategorised:
    traits = Traits(
        scheme="distance", category=category, track="participation", status="decided", basis="assessment",
        confirmed="changed", indications=indications,
    )  # fmt: skip
    return ClientCategorised(
        **SAID, assessment_id=uuid4(), old_category=None, old_track=None, traits=traits, receipt=None
    )


@pytest.mark.parametrize(
    "event",
    [
        ClientDeceased(**SAID),
        ClientMovedAway(**SAID),
        ClientRegistrationUndone(**SAID),
        ClientExited(**SAID, exit_id=uuid4(), reason="work"),
        ClientErased(**SAID),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_everything_open_stops(partners: Partners, event: Any) -> None:
    client = new_id()
    first, second = await partners.refer(client), await partners.refer(client, partner="sport-en-welzijn")
    await partners.hear(client, event, municipality=HERE)
    assert {(await partners.referral(each))["state"] for each in (first, second)} == {"withdrawn"}
    closed = await partners.said(ReferralClosed)
    assert {each.data.referral_id for each in closed} == {first, second}
    assert {each.data.by for each in closed} == {"staff:s-9"}


@pytest.mark.parametrize("event", [ClientDeceased(**SAID), ClientRegistrationUndone(**SAID)])
async def test_a_request_that_comes_after_the_death_is_sent_to_nobody(partners: Partners, event: Any) -> None:
    client = new_id()
    await partners.hear(client, event, municipality=HERE)
    referral = await partners.refer(client)
    assert (await partners.referral(referral))["state"] == "requested"
    refused = await partners.post(f"/referrals/{referral}/assignments", {"partner": "woej"})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "referral-closed")
    withdrawn = ReferralWithdrawn(occurred_on=DAY, by="clock", referral_id=referral, reason="deceased")
    await partners.hear(client, withdrawn, municipality=HERE)  # as routing does of all that it asked
    assert await partners.types(client) == ["referral-closed"]
    answer = await partners.get(f"/referrals/{referral}", headers=partners.as_partner("woej", HERE))
    assert answer.status_code == 404


EXIT = uuid4()
BY_MISTAKE: list[Any] = [ClientDeceased(**SAID), RegistrationRestored(**SAID, ended_as="deceased")]


def orders(one: list[Any], other: list[Any]) -> list[list[Any]]:
    """Every way in which what two services say can be heard."""
    if not one or not other:
        return [one + other]
    return [[one[0], *rest] for rest in orders(one[1:], other)] + [[other[0], *rest] for rest in orders(one, other[1:])]


@pytest.mark.requirement("INT-14")
@pytest.mark.parametrize("order", orders([0, 1], ["exited", "reverted", "asked"]), ids=str)
async def test_after_a_death_that_was_a_mistake_partners_are_asked_anew_in_whatever_order(
    partners: Partners, order: list[Any]
) -> None:
    client, again = new_id(), new_id()
    before = await partners.refer(client)
    anew = ReferralRequested(
        occurred_on=DAY, by="staff:s-1", referral_id=again, purpose="participation", partner="woej",
        partner_kind="welfare",
    )  # fmt: skip
    of_routing: dict[str, Any] = {
        "exited": ClientExited(**SAID, exit_id=EXIT, reason="deceased"),
        "reverted": ExitReverted(**SAID, exit_id=EXIT),
        "asked": anew,
    }
    told = [*BY_MISTAKE, *of_routing.values()]  # routing heard both before it said so
    records = {id(each): partners.service.record(new_id(), client, each, HERE) for each in told}
    for each in order:
        event = BY_MISTAKE[each] if isinstance(each, int) else of_routing[each]
        await partners.service.consumer.handle([records[id(event)]])
    assert (await partners.referral(before))["state"] == "withdrawn"
    assert (await partners.referral(again))["state"] == "sent"


@pytest.mark.parametrize(
    ("reason", "told"),
    [("exit", "journey_ended"), ("deceased", "journey_ended"), ("moved_away", "journey_ended"),
     ("recategorised", "withdrawn"), ("other", "withdrawn")],
)  # fmt: skip
@pytest.mark.requirement("INT-14", "PAR-6")
async def test_a_partner_hears_that_it_ended_and_nothing_of_why(
    partners: Partners, receiver: Receiver, reason: Any, told: str
) -> None:
    made = await partners.endpoint(receiver)
    client = new_id()
    partners.people.people[client] = {"name": "Jansen"}
    referral = await partners.refer(client)
    await partners.sender.settle()
    withdrawn = ReferralWithdrawn(occurred_on=DAY, by="staff:s-9", referral_id=referral, reason=reason)
    await partners.hear(client, withdrawn, municipality=HERE)
    await partners.sender.settle()
    _, closed = receiver.verify(made["secret"])
    assert (closed["type"], closed["data"]["because"]) == ("nl.klantreizen.referral-closed", told)
    shown = await partners.referral(referral, headers=partners.as_partner("woej", HERE))
    assert (shown["withdrawnBecause"], shown["person"], shown["personStatus"]) == (told, None, "closed")
    assert "deceased" not in str(receiver.received) + str(shown)
    assert (await partners.referral(referral))["withdrawnBecause"] == reason


@pytest.mark.requirement("INT-14")
async def test_a_partner_that_had_not_heard_yet_never_hears(partners: Partners, receiver: Receiver) -> None:
    await partners.endpoint(receiver)
    client = new_id()
    await partners.refer(client)
    await partners.hear(client, ClientDeceased(**SAID), municipality=HERE)
    await partners.sender.settle()
    assert receiver.received == []
    [delivery] = await partners.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("called_back", 0)
    again = await partners.post(f"/deliveries/{delivery['id']}/replays", headers=partners.as_operator)
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "delivery-called-back")


async def test_a_partner_that_may_have_heard_is_told_of_the_end(partners: Partners, receiver: Receiver) -> None:
    made = await partners.endpoint(receiver)
    receiver.behaviours.append(status(500))
    client = new_id()
    await partners.refer(client)
    await partners.sender.settle()
    await partners.hear(client, ClientDeceased(**SAID), municipality=HERE)
    partners.wait(3600)
    await partners.sender.settle()
    types = [each["type"].rpartition(".")[2] for each in receiver.verify(made["secret"])]
    assert types == ["referral-sent", "referral-closed"]


async def test_who_comes_back_is_referred_again(partners: Partners) -> None:
    client = new_id()
    await partners.hear(client, ClientExited(**SAID, exit_id=uuid4(), reason="work"), municipality=HERE)
    await partners.hear(client, ClientReturned(**SAID), municipality=HERE)
    referral = await partners.refer(client)
    assert (await partners.referral(referral))["state"] == "sent"


async def test_a_merger_moves_the_referrals_and_later_events_follow(partners: Partners) -> None:
    gone, survivor = new_id(), new_id()
    referral = await partners.refer(gone)
    await partners.hear(gone, ClientsMerged(**SAID, into=survivor), municipality=HERE)
    assert (await partners.referral(referral))["clientId"] == str(survivor)
    found = (await partners.get("/referrals", clientId=str(gone))).json()["items"]
    assert [each["id"] for each in found] == [str(referral)]
    late = await partners.refer(gone, partner="sport-en-welzijn")
    assert (await partners.referral(late))["clientId"] == str(survivor)
    await partners.hear(gone, ClientDeceased(**SAID), municipality=HERE)
    assert (await partners.referral(referral))["state"] == "withdrawn"


async def test_mergers_in_a_chain_lead_to_the_last_in_either_order(partners: Partners) -> None:
    for order in ((0, 1), (1, 0)):
        a, b, c = new_id(), new_id(), new_id()
        referral = await partners.refer(a)
        merges = [(a, b), (b, c)]
        for index in order:
            gone, into = merges[index]
            await partners.hear(gone, ClientsMerged(**SAID, into=into), municipality=HERE)
        assert (await partners.referral(referral))["clientId"] == str(c)


async def test_of_two_referrals_for_the_same_the_one_furthest_along_remains(partners: Partners) -> None:
    gone, survivor = new_id(), new_id()
    kept, double = await partners.refer(gone), await partners.refer(survivor)
    await partners.done(f"/referrals/{kept}/acknowledgements", headers=partners.as_partner("woej", HERE))
    await partners.hear(gone, ClientsMerged(**SAID, into=survivor), municipality=HERE)
    assert (await partners.referral(kept))["state"] == "acknowledged"
    assert (await partners.referral(double))["withdrawnBecause"] == "merged"


async def test_a_client_merged_into_one_who_died_has_nothing_open(partners: Partners) -> None:
    gone, survivor = new_id(), new_id()
    referral = await partners.refer(gone)
    await partners.hear(survivor, ClientDeceased(**SAID), municipality=HERE)
    await partners.hear(gone, ClientsMerged(**SAID, into=survivor), municipality=HERE)
    assert (await partners.referral(referral))["state"] == "withdrawn"


async def test_the_traits_that_a_purpose_names_come_from_what_was_heard(partners: Partners) -> None:
    client = new_id()
    conversation = ConversationHeld(**SAID, conversation_id=uuid4(), kind="first", option=2)
    await partners.hear(client, conversation, municipality=HERE)
    await partners.hear(client, categorised(indications=("sheltered_work_new",)), municipality=HERE)
    partners.people.people[client] = {"name": "Jansen"}
    referral = await partners.refer(client)
    shown = await partners.referral(referral, headers=partners.as_partner("woej", HERE))
    assert shown["person"] == {"name": "Jansen", "conversation_option": 2}


async def test_erasure_takes_reasons_and_the_way_back_to_the_client(partners: Partners) -> None:
    client = new_id()
    referral = await partners.refer(client)
    headers = partners.as_partner("woej", HERE)
    await partners.done(f"/referrals/{referral}/acknowledgements", headers=headers)
    await partners.done(f"/referrals/{referral}/refusals", {"reason": "Mevrouw is ziek"}, headers=headers)
    await partners.hear(client, ClientErased(**SAID), municipality=HERE)
    shown = await partners.referral(referral)
    assert shown["clientId"] != str(client)
    assert all(each["reason"] is None for each in shown["steps"])
    async with partners.service.office.database.in_background() as session:
        for table in ("clients", "referrals"):
            column = "id" if table == "clients" else "client_id"
            left = await session.scalar(text(f"SELECT count(*) FROM {table} WHERE {column} = :id"), {"id": client})
            assert left == 0


async def test_no_municipality_in_the_token_means_no_rows(partners: Partners) -> None:
    referral: UUID = await partners.refer()
    async with partners.service.office.database.for_municipalities([]) as session:
        for table in ("referrals", "referral_steps", "clients", "deliveries", "endpoints"):
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    elsewhere = partners.token("caseworker", municipalities=("GM0626",))
    assert (await partners.get(f"/referrals/{referral}", headers=elsewhere)).status_code == 404
    assert ONE_TO_ONE["municipality"] == HERE


@pytest.mark.requirement("PAR-6", "INT-13")
async def test_a_partner_is_told_of_what_was_corrected_if_it_may_see_it_and_while_the_referral_is_open(
    partners: Partners,
) -> None:
    client, other = new_id(), new_id()
    seen, ended = await partners.refer(client), await partners.refer(other)
    await partners.hear(other, ClientExited(**SAID, exit_id=uuid4(), reason="work"), municipality=HERE)

    for each in (client, other):
        corrected = IdentityCorrected(**SAID, fields=("bsn", "name"), shown=("name",))
        await partners.hear(each, corrected, municipality=HERE)
    await partners.hear(client, IdentityCorrected(**SAID, fields=("bsn",)), municipality=HERE)

    [told] = await partners.said(ReferredPersonCorrected)
    assert (told.subject, told.data.referral_id, told.data.fields) == (client, seen, ("name",))
    assert (await partners.referral(seen))["state"] == "sent"
    assert [each["step"] for each in (await partners.referral(seen))["steps"]][-1] == "corrected"
    assert (await partners.referral(ended))["state"] == "withdrawn"


async def test_a_partner_hears_nothing_of_what_it_may_not_see(partners: Partners) -> None:
    client = new_id()
    await partners.refer(client)

    corrected = IdentityCorrected(**SAID, fields=("address", "birth_date"), shown=("address", "birth_year"))
    await partners.hear(client, corrected, municipality=HERE)

    assert await partners.said(ReferredPersonCorrected) == []
