"""The front-end developer's walk-through works as written: every command is run, and says what the page says.

On one machine as the page starts it, and on five processes that meet on Apache Kafka; there the rest of a caseworker's
days follows: an exit taken back with the letter that corrects, a double registration, a death, a departure with its
transfer file that was none, and an emergency.
"""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from opstap.databases import DatabaseUrls
from opstap.demo.api import Api
from opstap.verify import verify
from tests.support import walkthrough
from tests.support.databases import MakeDatabase
from tests.support.fleet import Fleet, databases, sailing
from tests.support.one_machine import system_on
from tests.support.untested import untested

PAGE = walkthrough.DOCS / "front-end.md"
MONDAY = date(2024, 6, 3)
VOORSCHOTEN = "GM0626"


@pytest.fixture(scope="module", autouse=True)
def walked_with() -> None:
    """The programs of the page."""
    missing = [each for each in ("bash", "curl", "jq") if shutil.which(each) is None]
    if missing:
        untested(f"THE PAGE FOR FRONT-ENDS IS NOT WALKED. There is no {' and no '.join(missing)} here.")


async def walked(folder: Path, url: str, settle: Callable[[], Awaitable[None]]) -> None:
    """Go through the page, and find that it is true."""
    port = urlsplit(url).port
    assert port
    said = await walkthrough.walk(PAGE, folder, port, settle)
    differs = walkthrough.differences(said, PAGE)
    assert not differs, differs


async def balances(urls: Mapping[str, DatabaseUrls]) -> None:
    assert await verify(urls) == []


async def test_the_walk_through_works_as_written(tmp_path: Path) -> None:
    async with system_on(tmp_path / "system", civil_date=MONDAY) as system:
        await walked(tmp_path, system.url, system.settle)
        await balances({name: each.urls for name, each in system.services.items()})


@pytest.mark.kafka
async def test_it_works_on_kafka_with_all_that_can_go_wrong(
    make_database: MakeDatabase, kafka_bootstrap: str, tmp_path: Path
) -> None:
    urls = await databases(make_database)
    async with sailing(Fleet(tmp_path / "fleet", urls, kafka_bootstrap, civil_date=MONDAY)) as fleet:
        await walked(tmp_path, fleet.address, fleet.settle)
        desk = Desk(Api(fleet.address), fleet)
        try:
            await desk.sits_down()
            await desk.takes_back_the_exit()
            await desk.merges_a_double()
            await desk.hears_of_a_death_and_a_departure()
            await desk.helps_somebody_elses_client()
        finally:
            await desk.api.close()
        await balances(urls)


class Desk:
    """The team manager, after the page."""

    def __init__(self, api: Api, fleet: Fleet) -> None:
        self.api, self.fleet = api, fleet
        self.token = ""

    async def sits_down(self) -> None:
        """Signs in."""
        self.token = await self.api.token(["team_manager", "caseworker"], [VOORSCHOTEN], sub="mia")

    async def does(self, service: str, path: str, body: Any = None) -> dict[str, Any]:
        """A step, and what it brings about in all services."""
        done = await self.api.call("POST", service, path, self.token, {} if body is None else body)
        await self.fleet.settle()
        return done

    async def sees(self, service: str, path: str) -> dict[str, Any]:
        """A look."""
        return await self.api.call("GET", service, path, self.token)

    async def finds(self, family: str, born: int) -> str:
        """The id of a client."""
        [found] = (await self.does("intake", "/client-searches", {"familyName": family, "birthYear": born}))["items"]
        return str(found["id"])

    async def stands(self, client: str) -> list[str]:
        """What is on the work list about a client."""
        items = (await self.sees("routing", f"/worklist?scope=municipality&clientId={client}"))["items"]
        return [each["reason"] for each in items]

    async def told(self, client: str) -> list[str]:
        """The kinds of line on the time line of a client, the newest first."""
        return [each["kind"] for each in (await self.sees("reporting", f"/clients/{client}/timeline"))["items"]]

    async def takes_back_the_exit(self) -> None:
        """Eva did not leave after all: the journey goes on with the caseworker she had."""
        eva = await self.finds("Smit", 1991)
        [left] = (await self.sees("routing", f"/clients/{eva}/journey"))["exits"]
        assert await self.stands(eva) == ["allowances_check"]
        await self.does("routing", f"/exits/{left['id']}/reversals", {"reason": "Het contract ging niet door"})
        journey = await self.sees("routing", f"/clients/{eva}/journey")
        assert (journey["state"], journey["caseworkerId"]) == ("active", "bert")
        assert "ExitReverted" in await self.told(eva)
        right, goodbye, *_ = (await self.sees("intake", f"/clients/{eva}/letters"))["items"]
        assert (goodbye["kind"], right["kind"]) == ("exit", "correction")
        assert (goodbye["correctedBy"], right["corrects"]) == (right["id"], goodbye["id"])

    async def merges_a_double(self) -> None:
        """Sem was registered twice: one client is left, with one time line, by either id."""
        sem = await self.finds("Boer", 1979)
        again = {"bsn": "999990056", "name": {"given": "Sem", "family": "Boer"}, "birthDate": "1979-11-02"}
        double = (await self.does("intake", "/clients", {**again, "municipality": VOORSCHOTEN}))["id"]
        await self.does("routing", f"/clients/{double}/agreements", {"agreed": "Brengt het paspoort mee"})
        path = f"/clients/{double}/mergers"
        await self.does("intake", path, {"into": sem})
        [merger] = (await self.sees("intake", f"/clients/{sem}/mergers"))["items"]
        await self.does("intake", f"/mergers/{merger['id']}/reversals", {"reason": "Toch eerst het paspoort zien"})
        of_sem = (await self.sees("routing", f"/clients/{sem}/agreements"))["items"]
        assert "Brengt het paspoort mee" not in {each["agreed"] for each in of_sem}
        await self.does("intake", path, {"into": sem})
        assert await self.finds("Boer", 1979) == sem
        agreed = (await self.sees("routing", f"/clients/{double}/agreements"))["items"]
        assert "Brengt het paspoort mee" in {each["agreed"] for each in agreed}
        assert await self.told(double) == await self.told(sem)

    async def hears_of_a_death_and_a_departure(self) -> None:
        """Nothing is left of the two on any list, and nobody hears from us."""
        dead, gone = await self.finds("Ven", 1985), await self.finds("Yilmaz", 1990)
        for client, path, body in ((dead, "deaths", {}), (gone, "departures", {"toMunicipality": "GM0599"})):
            assert await self.stands(client)
            await self.does("intake", f"/clients/{client}/{path}", body)
            assert await self.stands(client) == []
            assert (await self.sees("routing", f"/clients/{client}/journey"))["state"] == "exited"
            assert "ClientExited" in await self.told(client)
        file = await self.sees("intake", f"/clients/{gone}/transfer-file?purpose=transfer")
        journey = await self.sees("routing", f"/clients/{gone}/journey")
        assert (file["toMunicipality"], file["person"]["name"]["family"]) == ("GM0599", "Yilmaz")
        assert (file["category"], file["track"]) == (journey["category"], journey["track"])
        await self.does("intake", f"/clients/{gone}/restorations", {"reason": "De verhuizing ging niet door"})
        assert (await self.sees("routing", f"/clients/{gone}/journey"))["state"] == "active"
        assert await self.stands(gone)

    async def helps_somebody_elses_client(self) -> None:
        """Rik of another team opens Eva in all services for a while, and mia looks at it afterwards."""
        eva = await self.finds("Smit", 1991)
        rik = {"id": "rik", "municipalities": [VOORSCHOTEN], "roles": ["job_coach"], "team": "zuid"}
        operator = await self.api.token(["operator"], [VOORSCHOTEN], sub="ole")
        await self.api.call("POST", "routing", "/staff", operator, rik)
        await self.fleet.settle()
        token, why = (
            await self.api.token(["caseworker"], [VOORSCHOTEN], sub="rik"),
            "Staat aan de balie zonder onderdak",
        )

        async def opens() -> set[int]:
            doors = (
                ("intake", ""), ("diagnosis", "/category"), ("routing", "/journey"), ("reporting", "/timeline")
            )  # fmt: skip
            answers = [
                await self.api.call("GET", service, f"/clients/{eva}{door}", token, may_be=(404,))
                for service, door in doors
            ]
            return {each["status_code"] for each in answers}

        assert await opens() == {404}
        body = {"municipality": VOORSCHOTEN, "reason": why}
        taken = await self.api.call("POST", "routing", f"/clients/{eva}/emergency-accesses", token, body)
        await self.fleet.settle()
        assert await opens() == {200}
        assert "emergency_access" in await self.stands(eva)
        await self.does("routing", f"/emergency-accesses/{taken['id']}/reviews", {"justified": True})
        assert "emergency_access" not in await self.stands(eva)
        assert "EmergencyAccessTaken" in await self.told(eva)
