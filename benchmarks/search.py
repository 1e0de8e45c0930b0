"""How long a search for a client takes, among few and among many; and whether an answer's time tells who is elsewhere.

    uv run python benchmarks/search.py [CLIENTS]

Prints one table and writes `out/benchmarks/search.json`. The ratios are the point: times differ between machines. All
searches are measured in turn, so that what else the machine does falls on each alike.
"""

import asyncio
import base64
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from stdnum.nl import bsn

from chassis.clock import MachineClock
from chassis.database import Database
from chassis.migrations import upgrade
from chassis.security import FixedKeys, TokenVerifier
from chassis.work import Office
from intake.app import create
from intake.settings import IntakeSettings
from opstap.databases import DatabaseUrls, load_passwords, provision
from opstap.issuer import Issuer
from opstap.postgres import EmbeddedPostgres
from opstap.services import SERVICE_FOLDERS
from policy import Library

ROOT = Path(__file__).parents[1]
ROUNDS = 200
FEW = 1_000
HERE, ELSEWHERE = "GM0626", "GM1916"
VALID = [str(number) for number in range(999_900_000, 999_901_000) if bsn.is_valid(str(number))]

SEARCHES: dict[str, dict[str, Any]] = {
    "BSN, registered here": {"bsn": VALID[0]},
    "BSN, registered elsewhere": {"bsn": VALID[1]},
    "BSN, registered nowhere": {"bsn": VALID[2]},
    "name, one here": {"familyName": "van der Zeldzaam", "birthYear": 1985},
    "name, nobody": {"familyName": "van der Nergens", "birthYear": 1985},
}


@dataclass
class Desk:
    """Intake over HTTP, in this process."""

    http: httpx.AsyncClient
    issuer: Issuer
    office: Office
    urls: DatabaseUrls

    async def post(self, path: str, body: dict[str, Any], municipality: str) -> dict[str, Any]:
        """A POST of a caseworker, that must succeed."""
        token = self.issuer.issue("w-1", ["caseworker"], [municipality])
        answer = await self.http.post(f"/v1{path}", json=body, headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


async def main(clients: int) -> None:
    """Search among few, then among many."""
    with tempfile.TemporaryDirectory(prefix="opstap-bench-") as folder, EmbeddedPostgres(Path(folder)) as server:
        passwords = load_passwords(Path(folder) / "passwords.json")
        urls = await provision(server.admin_url, "intake", passwords)
        await asyncio.to_thread(upgrade, SERVICE_FOLDERS["intake"], urls.owner)
        async with desk_on(urls, Path(folder)) as desk:
            for number, municipality in enumerate((HERE, ELSEWHERE)):
                name = {"given": "Noor", "prefix": "van der", "family": "Zeldzaam"}
                person = {"municipality": municipality, "bsn": VALID[number], "name": name, "birthDate": "1985-05-17"}
                await desk.post("/clients", person, municipality)
            times = {}
            for size in (FEW, clients):
                await fill(desk, size)
                times[size] = await measure(desk)
    show(times)


@asynccontextmanager
async def desk_on(urls: DatabaseUrls, folder: Path) -> AsyncIterator[Desk]:
    """Intake on a database of its own."""
    issuer = Issuer(folder)
    keys: dict[str, Any] = {
        name: base64.b64encode(bytes([number]) * 32).decode() for number, name in enumerate(("key", "index_key"))
    }
    settings = IntakeSettings(
        database_url=urls.app, background_database_url=urls.background, policies=ROOT / "policies",
        jwks=issuer.jwks_file, environment="development", **keys,
    )  # fmt: skip
    database = Database(urls.app, urls.background)
    office = Office(database, MachineClock(), Library.load(ROOT / "policies"))
    verifier = TokenVerifier(issuer=issuer.url, audience=issuer.audience, keys=FixedKeys.from_file(issuer.jwks_file))
    transport = httpx.ASGITransport(create(settings, office, verifier))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as http:
        yield Desk(http, issuer, office, urls)
    await database.close()


async def fill(desk: Desk, size: int) -> None:
    """Copies of who is there, each with other indexes, until there are so many."""
    async with desk.office.database.in_background() as session:
        found = await session.scalars(
            text("SELECT column_name FROM information_schema.columns WHERE table_name = 'clients'")
        )
        columns = list(found)
        new = {"id": "gen_random_uuid()", "bsn_index": "sha256(gen_random_uuid()::text::bytea)"}
        await session.execute(
            text(
                f"WITH made AS (INSERT INTO clients ({', '.join(columns)})"
                f" SELECT {', '.join(new.get(name, name) for name in columns)}"
                " FROM (SELECT * FROM clients WHERE municipality = :here LIMIT 1) one, generate_series(1, :number)"
                " RETURNING id, municipality)"
                " INSERT INTO search_tokens (client_id, token, municipality)"
                " SELECT id, sha256((id::text || n)::bytea), municipality FROM made, generate_series(1, 3) n"
            ),
            {"here": HERE, "number": size - (await session.scalar(text("SELECT count(*) FROM clients")) or 0)},
        )
    owner = Database(desk.urls.owner, desk.urls.owner)
    async with owner.in_background() as session:
        await session.execute(text("ANALYZE clients, search_tokens"))
    await owner.close()


async def measure(desk: Desk) -> dict[str, list[float]]:
    """Milliseconds of each search, round by round."""
    times: dict[str, list[float]] = {name: [] for name in SEARCHES}
    for name, body in SEARCHES.items():
        found = (await desk.post("/client-searches", body, HERE))["items"]
        assert len(found) == name.endswith(" here"), name
    for _ in range(ROUNDS):
        for name, body in SEARCHES.items():
            began = time.perf_counter()
            await desk.post("/client-searches", body, HERE)
            times[name].append((time.perf_counter() - began) * 1000)
    return times


def show(times: dict[int, dict[str, list[float]]]) -> None:
    """The table, and the file."""
    few, many = times
    table = Table("search", *(f"{size:,} clients, ms" for size in times), "p99 of many", "many against few",
                  title=f"Median of {ROUNDS} searches")  # fmt: skip
    for name in SEARCHES:
        medians = [statistics.median(times[size][name]) for size in times]
        p99 = statistics.quantiles(times[many][name], n=100)[98]
        row = (*(f"{each:.2f}" for each in medians), f"{p99:.2f}", f"{medians[1] / medians[0]:.2f} x")
        table.add_row(name, *row)
    Console().print(table)
    elsewhere, nowhere = (statistics.median(times[many][f"BSN, registered {it}"]) for it in ("elsewhere", "nowhere"))
    Console().print(f"registered elsewhere against nowhere: {elsewhere / nowhere:.3f} x; few: {few:,}, many: {many:,}")
    file = ROOT / "out/benchmarks/search.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"rounds": ROUNDS, "milliseconds": times}, indent=2) + "\n")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
