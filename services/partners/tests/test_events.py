import random
from collections import Counter, defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts import Event
from contracts.diagnosis import ClientCategorised, Traits
from contracts.intake import CaseImported, ClientDeceased, ClientRegistered, ClientsMerged
from contracts.routing import ConversationHeld, ReferralRequested, ReferralWithdrawn
from partners.events import DEADLINES, HANDLERS

if TYPE_CHECKING:
    from tests.conftest import WELFARE, Partners
else:
    from services.partners.tests.conftest import WELFARE, Partners

DAY = date(2024, 2, 1)
SAID: dict[str, Any] = {"occurred_on": DAY, "by": "staff:s-1"}
HERE = "GM1916"


def journeys() -> tuple[dict[UUID, dict[str, list[Event]]], dict[str, UUID]]:
    """By client and producer, what is heard in that order; and the clients by name."""
    people = {name: new_id() for name in ("plain", "double", "survivor", "dead", "withdrawn", "imported")}
    referrals = {name: new_id() for name in people}
    traits = Traits(
        scheme="distance", category="3A", track="participation", status="decided", basis="assessment",
        confirmed="changed",
    )  # fmt: skip
    heard: dict[UUID, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for name, client in people.items():
        asked = {"partner": "woej", **WELFARE}
        heard[client]["routing"] = [
            ConversationHeld(**SAID, conversation_id=uuid4(), kind="first", option=1),
            ReferralRequested(**SAID, referral_id=referrals[name], **asked),
        ]
        heard[client]["diagnosis"] = [
            ClientCategorised(
                **SAID, assessment_id=uuid4(), old_category=None, old_track=None, traits=traits, receipt=None
            )
        ]
    heard[people["double"]]["intake"] = [ClientsMerged(**SAID, into=people["survivor"])]
    heard[people["dead"]]["intake"] = [ClientDeceased(**SAID)]
    heard[people["dead"]]["routing"].append(  # routing hears of the death as well, and takes back what it asked
        ReferralWithdrawn(**SAID, referral_id=referrals["dead"], reason="deceased")
    )
    heard[people["imported"]]["intake"] = [CaseImported(**SAID, category="3B", track="participation")]
    heard[people["withdrawn"]]["routing"].append(
        ReferralWithdrawn(**SAID, referral_id=referrals["withdrawn"], reason="recategorised")
    )
    return heard, people


@pytest.mark.parametrize("seed", range(6))
async def test_every_interleaving_of_the_producers_leads_to_the_same_end(partners: Partners, seed: int) -> None:
    heard, people = journeys()
    lanes = [(client, lane) for client, by_producer in heard.items() for lane in by_producer.values()]
    chance = random.Random(seed)
    records = []
    while lanes:
        client, lane = chance.choice(lanes)
        records.append(partners.service.record(new_id(), client, lane.pop(0), HERE))
        lanes = [each for each in lanes if each[1]]
    for record in records:
        await partners.service.consumer.handle([record])
    await partners.service.consumer.handle(records)  # and once more: nothing is done twice
    found = (await partners.get("/referrals", limit=200)).json()["items"]
    ends = Counter((each["clientId"], each["state"]) for each in found)
    survivor = str(people["survivor"])
    assert ends == {
        (str(people["plain"]), "sent"): 1,
        (str(people["imported"]), "sent"): 1,
        (str(people["dead"]), "withdrawn"): 1,
        (str(people["withdrawn"]), "withdrawn"): 1,
        (survivor, "sent"): 1,
        (survivor, "withdrawn"): 1,
    }
    async with partners.service.office.database.in_background() as session:
        rows = await session.execute(text("SELECT id, category, conversation_option FROM clients ORDER BY id"))
        clients = {row.id: (row.category, row.conversation_option) for row in rows}
        assert await session.scalar(text("SELECT count(*) FROM parked")) == 0
    assert people["double"] not in clients
    assert set(clients.values()) == {("3A", 1)}


async def test_after_a_merger_no_more_than_one_referral_for_the_same_is_open(partners: Partners) -> None:
    """Also when routing asks for the double's after the merger was heard."""
    gone, survivor = new_id(), new_id()
    await partners.hear(gone, ClientsMerged(**SAID, into=survivor), municipality=HERE)
    first, second = await partners.refer(survivor), await partners.refer(gone)
    states = [(await partners.referral(each))["state"] for each in (first, second)]
    assert states == ["sent", "withdrawn"]


def test_what_is_heard_and_what_falls_due_is_readable_at_a_glance() -> None:
    assert ClientRegistered not in HANDLERS
    assert {event.producer for event in HANDLERS} == {"intake", "diagnosis", "routing"}
    assert set(DEADLINES) == {
        "referral_acknowledge",
        "referral_accept",
        "referral_start",
        "referral_end",
        "group_patience",
    }


async def test_the_migration_makes_the_tables_that_the_code_maps(partners: Partners) -> None:
    from partners.tables import Base  # noqa: PLC0415 - used here only

    async with partners.service.office.database.in_background() as session:
        rows = await session.execute(
            text(
                "SELECT table_name, column_name, data_type, is_nullable = 'YES' AS nullable"
                " FROM information_schema.columns WHERE table_schema = 'public'"
            )
        )
        made = {(row.table_name, row.column_name): row.nullable for row in rows}
        fenced = {
            row.relname
            for row in await session.execute(
                text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
            )
        }
    for table in Base.metadata.sorted_tables:
        mapped = {column.name: bool(column.nullable) for column in table.columns}
        assert mapped == {column: nullable for (name, column), nullable in made.items() if name == table.name}
        assert table.name in fenced
