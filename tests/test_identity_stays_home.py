"""Who somebody is stays in intake, encrypted: marked values in every identity field are found nowhere else."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from opstap.demo.cast import LV, Part
from opstap.demo.partners import PartnerDesk
from opstap.demo.stories import BEGUN, TAKEN, TOLD, ended
from opstap.demo.world import Client
from opstap.postgres import EmbeddedPostgres
from tests.support.databases import MakeDatabase
from tests.support.fleet import Fleet, databases, sailing
from tests.support.journeys import WEBHOOKS, assert_all_is_well, live
from tests.support.marks import Marks, tables
from tests.support.topics import everything, records

FIRST, LAST = date(2022, 3, 1), date(2022, 5, 20)

CLIENT = Marks("999941240", "Qzxclient", date(1977, 3, 13))
PARTNER = Marks("999941252", "Qzxpartner", date(1978, 4, 14))
IMPORTED = Marks("999941264", "Qzximported", date(1979, 5, 15))
REFUSED = Marks("999941241", "Qzxrefused", date(2019, 6, 16))
"""A number that fails the eleven-test, and a child's birth date: not let in, and mentioned nowhere."""
EVERYBODY = (CLIENT, PARTNER, IMPORTED, REFUSED)


class Listening(PartnerDesk):
    """Partners that keep everything they are sent."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[bytes] = []

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        headers = b"\n".join(name + b": " + value for name, value in request.raw_headers)
        self.heard.append(headers + b"\n\n" + await request.read())
        return await super()._receive(request)


class Travelled:
    """A story with everything in it that has to do with who somebody is."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        """What the story was shown of the client's identity, where it may be shown."""

    async def marked(self, client: Client) -> None:
        """Registered with a partner, guided to welfare, written to, reported on."""
        await self.arrives(client)
        await client.notifies()
        await client.days(1)
        await client.applies()
        await client.days(1)
        await client.is_categorised(distance_months=30)
        await client.has_intake()
        await client.days(14)
        await client.talks(option=1)
        await client.days(1)
        await self.is_referred(client)
        await self.is_written_to(client)
        client.walked("marked")

    async def arrives(self, client: Client) -> None:
        await client.registers(**CLIENT.registration(partnerBsn=PARTNER.bsn))
        partner = client.world.client(client.town.code)
        await partner.registers(**PARTNER.registration(partnerBsn=CLIENT.bsn))
        api, token = client.world.api, client.town.token
        again = await api.call("POST", "intake", "/clients", token, CLIENT.registration(), may_be=[409])
        assert again["status_code"] == 409
        refused = await api.call("POST", "intake", "/clients", token, REFUSED.registration(), may_be=[400])
        assert {each["pointer"] for each in refused["errors"]} == {"#/bsn", "#/birthDate"}
        imported = await api.call("POST", "intake", "/caseload-imports", token, IMPORTED.line(client.town.code))
        assert imported["registered"] == 1
        await client.post("intake", "/client-searches", {"bsn": CLIENT.bsn})
        await client.post("intake", "/client-searches", {"ids": [client.id]})
        await client.post("intake", "/client-searches", {"familyName": f"Family{CLIENT.word}", "birthYear": 1977})

    async def is_referred(self, client: Client) -> None:
        """The partner that was told asks who the client is."""
        referral = await client.referral("participation")
        await client.answers(referral, TOLD, TAKEN)
        token = await client.world.api.token(["partner"], [client.town.code], partner=referral["partner"])
        seen = await client.world.api.call("GET", "partners", f"/referrals/{referral['id']}", token)
        self.shown.append(str(seen["person"]))
        await client.answers(referral, BEGUN, ended("completed"))

    async def is_written_to(self, client: Client) -> None:
        letters = (await client.get("intake", f"/clients/{client.id}/letters"))["items"]
        for letter in letters:
            self.shown.append(str(await client.get("intake", f"/letters/{letter['id']}")))
        body = {"municipality": client.town.code, "level": "council", "from": str(FIRST), "to": str(client.world.today)}
        token = await client.world.api.token(["policy_officer"], [client.town.code], sub="policy")
        await client.world.api.call("POST", "reporting", "/reports", token, body)


def assert_unmarked(found: Mapping[str, bytes]) -> None:
    """None of the marked values stands in any of these."""
    leaks = {where: leak for where, text in found.items() for each in EVERYBODY if (leak := each.found_in(text))}
    assert not leaks


def test_a_marked_value_is_found_however_it_is_written() -> None:
    ways = [
        b"de heer Qzxclient", b"QZXCLIENT", b"\\x" + b"van Qzxclient".hex().encode(), b"eyJuYW1lIjoiUXp4Y2xpZW50In0=",
        b'{"born": "1977-03-13"}', b"13-03-1977", b"bsn=999941240&", b"d0d9d7",
    ]  # fmt: skip
    assert [bool(CLIENT.found_in(way)) for way in ways] == [True] * 7 + [False]


@pytest.mark.kafka
@pytest.mark.journey
async def test_identity_stays_in_intake(
    make_database: MakeDatabase, postgres_server: EmbeddedPostgres, kafka_bootstrap: str, tmp_path: Path
) -> None:
    urls, desk, story = await databases(make_database), Listening(), Travelled()
    cast = (Part(story.marked, LV, 1),)
    async with sailing(Fleet(tmp_path, urls, kafka_bootstrap, civil_date=FIRST, settings=WEBHOOKS)) as fleet:
        lived = await live(fleet, FIRST, LAST, cast, seed=1, desk=desk)
        on_topics = await records(kafka_bootstrap, [f"{fleet.prefix}.{name}" for name in urls])
        await assert_all_is_well(fleet, lived, cast)

    assert len(story.shown) >= 2
    assert all(CLIENT.word in each for each in story.shown)
    assert desk.heard
    assert len(on_topics) > 20
    assert_unmarked({f"{each.topic} {each.offset}": everything(each) for each in on_topics})
    assert_unmarked({f"webhook {number}": each for number, each in enumerate(desk.heard)})
    assert_unmarked(fleet.logs())
    assert_unmarked({postgres_server.log.name: postgres_server.log.read_bytes()})
    for name, each in urls.items():
        address = urlsplit(postgres_server.admin_url)._replace(path=f"/{each.name}").geturl()
        found = await tables(address)
        assert found["civil_clock"]
        assert_unmarked({f"{name} {table}": rows for table, rows in found.items()})
