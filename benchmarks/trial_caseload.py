"""A caseload for the benchmark of trials, put there through diagnosis' own handlers and use cases.

Registrations, routes, costs, referrals and conversations are real envelopes, handed to the service's consumer in sets;
assessments are entered, and confirmed or overridden, by the use cases behind the API.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from chassis.bus import Record
from chassis.clock import MovableClock
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.ids import new_id
from chassis.work import Office
from contracts import Event, encode
from contracts.intake import CaseImported, ClientRegistered
from contracts.routing import (
    CaseworkerAssigned,
    ConversationHeld,
    InstrumentStarted,
    ReferralRequested,
    RouteResumed,
    RouteStarted,
    RouteSuspended,
)
from diagnosis.actions.assessments import Findings, assess
from diagnosis.actions.proposals import confirm, look_at, override
from diagnosis.sealing import Seal
from opstap.databases import DatabaseUrls
from opstap.services import DEFINITIONS
from policy import Exemption, Facts, Library

TOWN = "GM0626"
TODAY = date(2024, 6, 3)
SET = 500
TOGETHER = 25
"""Clients whose assessments are decided in one transaction."""


def office_of(urls: DatabaseUrls, library: Library) -> Office:
    """Where the service works, on a civil day of its own."""
    return Office(Database(urls.app, urls.background, pool_size=4), MovableClock.at(TODAY), library)


async def fill(urls: DatabaseUrls, library: Library, clients: int, seed: int) -> None:
    """Let so many clients come in, be assessed, and travel."""
    office, chance = office_of(urls, library), random.Random(seed)
    consumer = Consumer("diagnosis", office, DEFINITIONS["diagnosis"].handlers)
    try:
        for start in range(0, clients, SET):
            ids = [new_id() for _ in range(min(SET, clients - start))]
            await consumer.handle([_record(id, _registered(chance)) for id in ids])
            imported = [id for id in ids if chance.random() < 0.04]
            await consumer.handle([_record(id, _imported(chance)) for id in imported])
            assessed = [id for id in ids if id not in set(imported)]
            parts = [assessed[part : part + TOGETHER] for part in range(0, len(assessed), TOGETHER)]
            facts = {id: _facts(chance) for id in assessed}
            await _in_turns(office, parts, facts)
            travelled = [_record(id, event) for id in ids for event in _travels(chance, _assessed_on(id))]
            await consumer.handle(travelled)
    finally:
        await office.database.close()


async def _in_turns(office: Office, parts: Sequence[Sequence[UUID]], facts: dict[UUID, Facts]) -> None:
    """Two transactions at a time."""
    room = asyncio.Semaphore(2)

    async def one(part: Sequence[UUID]) -> None:
        async with room, office.for_municipalities([TOWN], "staff:bench") as work:
            seal = Seal(bytes(32))
            for id in part:
                day = _assessed_on(id)
                proposal = await assess(work, seal, id, Findings(facts[id], "diagnose", "1", occurred_on=day))
                await look_at(work, proposal.id)
                if id.int % 25 == 0 and proposal.category != "1A":
                    await override(work, proposal.id, "1A", "Werk in zicht", day)
                else:
                    await confirm(work, proposal.id, day)

    await asyncio.gather(*(one(part) for part in parts))


def _assessed_on(client: UUID) -> date:
    return TODAY - timedelta(days=30 + client.int % 600)


def _record(subject: UUID, event: Event) -> Record:
    id = new_id()
    value = encode(
        id=id, subject=subject, municipality=TOWN, recorded_at=datetime.now(UTC), type=event.type(),
        data=event.model_dump_json(by_alias=True), sequence=id.int >> 64 & 0x7FFF_FFFF_FFFF, traceparent=None,
        source="urn:opstap:benchmark",
    )  # fmt: skip
    return Record(event.producer, str(subject), value, 0, {"type": event.type()})


def _registered(chance: random.Random) -> ClientRegistered:
    return ClientRegistered(
        occurred_on=date(2023, 1, 2), by="import", origin="import", household_id=new_id(), household_kind="single",
        age_band=chance.choice(("21-26", "28-44", "45-49", "55-pension")), permit_holder=chance.random() < 0.1,
        without_benefit=False, starting_qualification=chance.random() < 0.7,
    )  # fmt: skip


def _imported(chance: random.Random) -> CaseImported:
    return CaseImported(
        occurred_on=TODAY, by="import", category=chance.choice(("1B", "2A", "3A")), categorised_on=date(2023, 6, 1)
    )


def _facts(chance: random.Random) -> Facts:
    known: dict[str, Any] = {"distance_months": chance.randint(0, 80), "can_volunteer": chance.random() < 0.5}
    if chance.random() < 0.08:
        known["indications"] = frozenset({"job_agreement"})
    if chance.random() < 0.1:
        known["exemption"] = Exemption(reason="illness", until=date(2024, 12, 31))
    return Facts(**known)


def _travels(chance: random.Random, assessed_on: date) -> Iterator[Event]:
    head: dict[str, Any] = {"occurred_on": assessed_on + timedelta(days=chance.randint(0, 25)), "by": "staff:bench"}
    yield CaseworkerAssigned(**head, caseworker_id=f"w-{chance.randint(1, 400)}", role="work_consultant",
                             occasion="categorised")  # fmt: skip
    track = chance.choice(("reintegration", "participation"))
    route = new_id()
    yield RouteStarted(**head, route_id=route, route="development_route", track=track)
    if chance.random() < 0.1:
        yield RouteSuspended(**head, route_id=route, reason="other")
        yield RouteResumed(**head | {"occurred_on": TODAY - timedelta(days=3)}, route_id=route)
    if chance.random() < 0.5:
        yield ConversationHeld(**head, conversation_id=new_id(), kind="face_to_face", option=chance.choice((None, 1)))
    if chance.random() < 0.3:
        cost = Decimal(chance.randint(100, 4000))
        yield InstrumentStarted(**head, instrument_use_id=new_id(), instrument="schooling", goal="work", cost=cost)
    if chance.random() < 0.3:
        yield ReferralRequested(**head, referral_id=new_id(), purpose="participation", partner="voor-elkaar",
                                partner_kind="welfare")  # fmt: skip
