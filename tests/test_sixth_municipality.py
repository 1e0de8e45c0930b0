"""A municipality whose policy differs in every respect is added by writing files, and guided with no code changed."""

import shutil
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from opstap.demo.api import Api
from opstap.demo.calendar import Calendar
from opstap.demo.drive import Move, over_http
from opstap.demo.partners import PartnerDesk
from opstap.demo.world import Client, Town, World
from opstap.system import System
from opstap.verify import verify
from policy import Library
from tests.support.one_machine import POLICIES, system_on

OWN = Path(__file__).parent / "municipalities"
HERE, FIRST = "GM9901", date(2022, 3, 1)


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policies, and the files of the sixth municipality beside them."""
    folder = shutil.copytree(POLICIES, tmp_path_factory.mktemp("six") / "policies")
    shutil.copytree(OWN, folder, dirs_exist_ok=True)
    return folder


class Life:
    """A client of the sixth municipality, on a system of which only the policies differ from any other."""

    def __init__(self, client: Client, calendar: Calendar, move: Move, system: System) -> None:
        self.client, self.calendar, self._move, self.settled = client, calendar, move, system.settle

    async def days(self, number: int) -> None:
        for _ in range(number):
            self.calendar.today += timedelta(days=1)
            await self._move(self.calendar.today)

    async def deadline(self, kind: str) -> dict[str, Any]:
        found = await self.client.get("routing", f"/clients/{self.client.id}/deadlines")
        latest: dict[str, Any] = [each for each in found["items"] if each["kind"] == kind][-1]
        return latest

    async def partner(self, referral: str, step: str, body: dict[str, Any] | None = None) -> None:
        token = await self.client.world.api.token(["partner"], [HERE], partner="de-schaaf")
        await self.client.world.api.call("POST", "partners", f"/referrals/{referral}/{step}", token, body or {})

    async def letters(self) -> list[dict[str, Any]]:
        listed = (await self.client.get("intake", f"/clients/{self.client.id}/letters"))["items"]
        return [await self.client.get("intake", f"/letters/{each['id']}") for each in reversed(listed)]


@pytest.fixture
async def life(policies: Path, tmp_path: Path) -> AsyncIterator[Life]:
    settings = {"webhook_allowed_networks": ["127.0.0.0/8"]}
    async with system_on(tmp_path, civil_date=FIRST, settings=settings, policies=policies) as system:
        api, desk, calendar = Api(system.url), PartnerDesk(), Calendar(FIRST, FIRST + timedelta(days=365))
        town = Town(HERE, "Veenhorst", ["vakmeester", "buurtmaat"], [])
        world = World(api, calendar, desk, [town], seed=6)
        await world.open_town(town)
        try:
            yield Life(world.client(HERE), calendar, await over_http(api, ["intake"]), system)
            await system.settle()
            assert not await verify({name: service.urls for name, service in system.services.items()})
        finally:
            await api.close()


def test_its_policy_differs_in_every_respect(policies: Path) -> None:
    library = Library.load(policies)
    own, others = library.in_force(HERE, FIRST), [pack for pack in library if pack.municipality != HERE]

    assert own.municipality not in {pack.municipality for pack in others}
    for names in ("tracks", "categories", "partners", "instruments"):
        assert not getattr(own, names).keys() & {name for pack in others for name in getattr(pack, names)}
    assert not own.roles.keys() & {role for pack in others for role in pack.roles}
    assert not own.scheme.facts - {"exempted"} & {fact for pack in others for fact in pack.scheme.facts}
    kinds = {partner.kind for pack in others for partner in pack.partners.values()}
    assert not {partner.kind for partner in own.partners.values()} & kinds
    theirs = {letter.body for pack in others for letter in pack.letters.values()}
    assert not {letter.body for letter in own.letters.values()} & theirs


@pytest.mark.journey
@pytest.mark.requirement("POL-1", "POL-7")
async def test_its_client_goes_all_the_way_under_its_own_policy(life: Life) -> None:
    client = life.client
    await client.registers()
    await life.settled()

    # Its own axis: a fact that no other municipality knows decides.
    offered = (await client.get("diagnosis", f"/choices?municipality={HERE}"))["facts"]
    assert [(each["id"], each["label"], each["answer"], each["decides"]) for each in offered if each["own"]] == [
        ("ladder_step", "Trede op de participatieladder (1 tot en met 6)", "number", True),
        ("wants_to_learn", "Wil eerst een vak leren", "yes_no", True),
    ]
    refused = await client.world.api.call(
        "POST", "diagnosis", f"/clients/{client.id}/assessments", client.town.token,
        {"questionnaire": "diagnose", "facts": {"own": {"ladder_step": "hoog", "shoe_size": 43}}}, may_be=[400],
    )  # fmt: skip
    assert [each["pointer"] for each in refused["errors"]] == ["#/facts/own/ladder_step", "#/facts/own/shoe_size"]
    proposal = await client.is_assessed(distance_months=3, own={"ladder_step": 2})
    assert (proposal["category"], proposal["track"], proposal["caseworkerRole"]) == ("wortel", "meemaken", "buurtmaat")
    await client.post("diagnosis", f"/proposals/{proposal['id']}/confirmations")
    await life.days(1)
    journey = await client.journey()
    assert (journey["category"], journey["track"], journey["caseworkerRole"]) == ("wortel", "meemaken", "buurtmaat")

    # Its own terms: two weeks to the first conversation, due on that very day.
    first = await life.deadline("first_conversation")
    assert (first["rule"], first["dueOn"]) == ("first-table", "2022-03-15")
    await life.days(14)
    assert (await life.deadline("first_conversation"))["firedOn"] == "2022-03-15"

    # Its own kind of partner, with its own limits; the last one is on the guidance itself.
    await client.talks(option=1)
    await life.settled()
    (referral,) = (await client.journey())["referrals"]
    assert (referral["partner"], referral["partnerKind"], referral["purpose"]) == (
        "de-schaaf",
        "makers_yard",
        "carpentry",
    )
    await life.days(2)
    assert (await client.journey())["referrals"][0]["overdueStep"] == "acknowledge"
    for step in ("acknowledgements", "acceptances", "starts"):
        await life.partner(referral["id"], step)
    await life.days(10)
    assert (await client.journey())["referrals"][0]["overdueStep"] == "end"
    await life.partner(referral["id"], "ends", {"outcome": "completed"})

    # Its own tracks: a new diagnosis towards work hands over, to its own role.
    await life.settled()
    await client.talks(option=2)
    again = await client.is_categorised(own={"ladder_step": 4})
    assert again["decidedCategory"] == "stam"
    await life.days(1)
    (handover,) = (await client.journey())["handovers"]
    assert (handover["toTrack"], handover["reason"], handover["state"]) == ("vak-leren", "readiness", "due")
    await client.prepared(handover["id"])
    await life.days(4)
    assert (await client.journey())["handovers"][0]["escalatedOn"] is not None
    await client.accepted(handover["id"])
    await life.days(1)
    assert (await client.journey())["caseworkerRole"] == "vakmeester"

    # Its own longest stay: six weeks from the first route, then on to the track that the pack names.
    started = life.calendar.today
    await client.starts("proeven")
    stay = await life.deadline("longest_stay")
    assert (stay["rule"], stay["dueOn"]) == ("longest-learning", str(started + timedelta(weeks=6)))
    await life.days(42)
    last = (await client.journey())["handovers"][-1]
    assert (last["toTrack"], last["reason"]) == ("vak-werken", "longest_stay")
    await client.prepared(last["id"])
    await client.accepted(last["id"])
    await life.days(1)

    left = await client.exits("work")
    assert left["aftercareUntil"] == str(life.calendar.today + timedelta(days=10))
    await life.days(1)

    # Its own letters, each with its template's version.
    letters = await life.letters()
    assert [each["template"] for each in letters] == [
        "veenhorst-2022 1 categorised 4", "veenhorst-2022 1 handover 2", "veenhorst-2022 1 handover 2",
        "veenhorst-2022 1 exit 1",
    ]  # fmt: skip
    assert "U begint bij Meemaken. U krijgt hulp van Buurtmaat" in letters[0]["body"]

    # Reports speak its words.
    api, today = client.world.api, life.calendar.today
    officer = await api.token(["policy_officer"], [HERE], sub="officer")
    before = await api.call("GET", "reporting", f"/figures?municipality={HERE}&on={today - timedelta(days=2)}", officer)
    assert (before["byCategory"], before["byTrack"]) == ({"stam": 1}, {"vak-werken": 1})
    assert [(each["fromTrack"], each["toTrack"]) for each in before["shifts"]] == [
        ("meemaken", "vak-leren"), ("vak-leren", "vak-werken"),
    ]  # fmt: skip
    targets = await api.call("GET", "reporting", f"/targets?municipality={HERE}&on={today}", officer)
    assert [(each["id"], each["value"], each["light"]) for each in targets["items"]] == [("yards", 1, "green")]
    body = {"municipality": HERE, "level": "management", "from": "2022-01-01", "to": str(today - timedelta(days=2))}
    report = await api.call("POST", "reporting", "/reports", officer, body)
    page = await api.text("reporting", f"/reports/{report['id']}/page", officer)
    assert "Stam: trede 3 en 4" in page
    assert "In het vak werken" in page
