"""The journey as in production: five services in five processes on Apache Kafka, each with its own database.

Then its events once more, to each service alone, with its topics shuffled against each other.
"""

import base64
import os
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from chassis.bus import Record
from opstap.databases import SERVICES, DatabaseUrls
from opstap.demo import mistakes, stories
from opstap.demo.caseload import Group
from opstap.demo.cast import AMSTEL, FIRST, LAST, LV, VOORSCHOTEN, WASSENAAR, Part
from opstap.postgres import EmbeddedPostgres
from opstap.services import DEFINITIONS
from opstap.system import KEYS
from tests.support.databases import MakeDatabase
from tests.support.fleet import Fleet, databases, sailing
from tests.support.journeys import WEBHOOKS, Lived, assert_all_is_well, live
from tests.support.marks import tables
from tests.support.service import migrated_database, running
from tests.support.shuffle import Digest, Row, copy, differences, digest, in_order, interleaved, told

SEED = 8
ORDERS = [int(seed) for seed in os.environ.get("OPSTAP_SHUFFLE_SEEDS", "1 2 3").split()]
"""The seeds of the orders in which a service hears its topics."""
SECRETS: Mapping[str, Any] = {name: base64.b64encode(bytes([number]) * 32).decode() for number, name in enumerate(KEYS)}

CAST = (
    Part(stories.work_within_3_months, LV, 1),
    Part(stories.work_within_3_months, VOORSCHOTEN, 1, first_day=30),
    Part(stories.development_route_to_work, WASSENAAR, 1),
    Part(stories.handover_to_participation, LV, 1),
    Part(stories.handover_to_participation, VOORSCHOTEN, 1),
    Part(stories.handover_returned, LV, 2),
    Part(stories.handover_escalated, LV, 1),
    Part(stories.welfare_one_to_one, LV, 2),
    Part(stories.welfare_declined, LV, 1),
    Part(stories.welfare_group, WASSENAAR, 10),
    Part(stories.option_5_back_to_reintegration, LV, 1),
    Part(stories.option_5_back_to_reintegration, WASSENAAR, 1),
    Part(stories.am_match_placed, AMSTEL, 2),
    Part(stories.am_match_returned, AMSTEL, 2),
    Part(stories.sheltered_dzb, VOORSCHOTEN, 2),
    Part(stories.diverted_at_gate, AMSTEL, 2),
    Part(stories.benefit_refused, LV, 2),
    Part(stories.suspended_and_resumed, LV, 2),
    Part(stories.overridden, LV, 2),
    Part(mistakes.corrected, LV, 2),
    Part(mistakes.merged, LV, 2),
    Part(stories.deceased, LV, 2),
)
"""A few clients on each path of the demonstration."""

CASELOAD = {
    LV: (Group(4, "1C", "development_route"), Group(3, "3A"), Group(2, "3B", exempted=True)),
    VOORSCHOTEN: (Group(2, "2B", "route_2b", indications="job_agreement"),),
    AMSTEL: (Group(3, "40-70"), Group(2, "")),
}
"""And some who were there before."""

ENTERED = {"intake": ("clients", "applications", "intakes")}
"""What a service must have from its own users before it can make anything of what it hears."""

pytestmark = [pytest.mark.kafka, pytest.mark.journey]


@dataclass
class Journey:
    """What happened, and what stands in the databases at its end."""

    fleet: Fleet
    lived: Lived
    records: Sequence[Record]
    reporting: Digest


@pytest.fixture(scope="module")
async def journey(
    make_database: MakeDatabase,
    postgres_server: EmbeddedPostgres,
    kafka_bootstrap: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Journey]:
    urls, folder = await databases(make_database), tmp_path_factory.mktemp("fleet")
    async with sailing(Fleet(folder, urls, kafka_bootstrap, civil_date=FIRST, settings=WEBHOOKS)) as fleet:
        lived = await live(fleet, FIRST, LAST, CAST, seed=SEED, baseline=CASELOAD)
        records = await told(urls)
        yield Journey(fleet, lived, records, await seen(postgres_server, urls["reporting"], records))


def seen_by_all(server: EmbeddedPostgres, urls: DatabaseUrls) -> str:
    """The address of a database for a role that no row is hidden from."""
    return urlsplit(server.admin_url)._replace(path=f"/{urls.name}").geturl()


async def test_every_path_is_walked_on_kafka_and_nothing_is_lost_or_doubled(journey: Journey) -> None:
    await assert_all_is_well(journey.fleet, journey.lived, CAST)


@pytest.mark.parametrize("name", SERVICES)
async def test_a_service_makes_the_same_of_its_topics_in_whatever_order_they_come(
    name: str, journey: Journey, make_database: MakeDatabase, postgres_server: EmbeddedPostgres
) -> None:
    hear = partial(heard, name, journey, make_database, postgres_server)
    first = await hear(list(in_order(journey.records)))
    assert sum(rows.total() for rows in first.values()) > 0
    found = {}
    for seed in ORDERS:
        batches = list(interleaved(journey.records, random.Random(seed)))
        other = await hear(batches)
        found[f"OPSTAP_SHUFFLE_SEEDS={seed}"] = differences(first, other)
    assert not {seed: each for seed, each in found.items() if each}
    if name == "reporting":  # it makes nothing but what it hears
        assert not differences(journey.reporting, first)


async def heard(
    name: str,
    journey: Journey,
    make_database: MakeDatabase,
    server: EmbeddedPostgres,
    batches: Sequence[Sequence[Record]],
) -> Digest:
    """What a service that heard nothing yet makes of these batches."""
    urls, definition = await migrated_database(make_database, name), DEFINITIONS[name]
    lived = seen_by_all(server, journey.fleet.urls[name])
    await copy(ENTERED.get(name, ()), lived, seen_by_all(server, urls))
    async with running(
        name, urls=urls, settings=definition.settings, create=definition.create,
        handlers=definition.handlers, deadlines=definition.deadlines, on=LAST, **SECRETS,
    ) as service:  # fmt: skip
        for batch in batches:
            if batch[0].producer in service.consumer.producers:
                await service.consumer.handle(batch)
        parked = (await tables(seen_by_all(server, urls)))["parked"]
        assert not parked, parked.decode()
        return await seen(server, urls, journey.records)


async def seen(server: EmbeddedPostgres, urls: DatabaseUrls, records: Sequence[Record]) -> Digest:
    return await digest(seen_by_all(server, urls), records, matters)


def matters(table: str, row: Row) -> Row | None:
    """What was over when it was heard leaves less behind: an invitation, a caseworker to be found, a letter between."""
    if table == "client_changes":
        return None  # what screens were told on the way, which differs with the order
    if table == "invitations" and row["closed_on"] is not None:
        return None  # whoever had left by then was not invited
    if table == "letters":  # a letter after a handover tells what came before it; `verify` holds them to that
        return {"client_id": row["client_id"], "kind": "exit"} if row["kind"] == "exit" else None
    if table == "journeys" and row["state"] == "exited":
        return {name: value for name, value in row.items() if name != "caseworker_role"}
    return row
