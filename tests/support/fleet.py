"""The five services as five processes on Apache Kafka, each with a database and roles of its own: as in production."""

import asyncio
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chassis.clock import morning_of
from opstap.databases import SERVICES, DatabaseUrls, load_passwords, provision
from opstap.issuer import Issuer
from opstap.postgres import EmbeddedPostgres, free_port
from opstap.system import keys
from tests.support.databases import MakeDatabase
from tests.support.gateway import Gateway
from tests.support.processes import COMPILED, LAST_WORDS, Process
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"
EVERYWHERE = ("GM0451", "GM0626", "GM0629", "GM1916", "GM1926")
SECONDS_TO_START = 90.0
SECONDS_TO_SETTLE = 90.0

Count = Counter[tuple[str, str]]
"""How many, by producer and type of event."""

_STATE = text("""
    SELECT 'said' AS what, '' AS producer, type, count(*) AS number FROM outbox GROUP BY type
    UNION ALL SELECT 'unrelayed', '', '', count(*) FROM outbox
        WHERE position > coalesce((SELECT position FROM relay_cursor), 0)
    UNION ALL SELECT 'heard', producer, type, count(*) FROM inbox GROUP BY producer, type
    UNION ALL SELECT 'parked', producer, coalesce(type, '?') || ': ' || coalesce(error, state), count(*) FROM parked
        GROUP BY 2, 3
    UNION ALL SELECT 'due', '', kind, count(*) FROM deadlines, civil_clock
        WHERE state = 'open' AND fires_on <= (moment AT TIME ZONE 'Europe/Amsterdam')::date GROUP BY kind
""")
_WEBHOOKS = text("""
    SELECT (SELECT count(*) FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id, civil_clock
            WHERE e.state = 'active' AND d.state = 'pending' AND d.next_attempt_at <= moment)
         + (SELECT count(*) FROM endpoints, civil_clock WHERE state = 'pending' AND handshake_at <= moment)
""")


@dataclass
class Pulse:
    """What every service has said, heard and still has to do, by the databases at about one moment."""

    said: Count = field(default_factory=Counter)
    heard: dict[str, Count] = field(default_factory=dict)
    unrelayed: dict[str, int] = field(default_factory=dict)
    due: Counter[str] = field(default_factory=Counter)
    parked: list[str] = field(default_factory=list)

    def unheard(self, hears: Mapping[str, frozenset[tuple[str, str]]]) -> Count:
        """How many events each hearer has yet to take in, by hearer and type."""
        return Counter(
            {
                (hearer, type): missing
                for hearer, concerns in hears.items()
                for producer, type in concerns
                if (missing := self.said[producer, type] - self.heard[hearer][producer, type]) > 0
            }
        )

    def under_way(self, hears: Mapping[str, frozenset[tuple[str, str]]]) -> dict[str, Any]:
        """What is not finished, empty when all is."""
        found: dict[str, Any] = {
            "unrelayed": dict(+Counter(self.unrelayed)),
            "unheard": dict(self.unheard(hears)),
            "due": dict(+self.due),
        }
        return {what: counts for what, counts in found.items() if counts}


class Fleet:
    """Five processes, five databases, one broker, and a gateway before them."""

    def __init__(
        self,
        folder: Path,
        urls: Mapping[str, DatabaseUrls],
        bootstrap: str,
        *,
        civil_date: date,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`settings` are further variables of the environment, for all services."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.urls, self.bootstrap = folder, urls, bootstrap
        self.today = civil_date
        self.prefix = f"test-{uuid4().hex[:8]}"
        self.gateway = Gateway(lambda url: Issuer(folder / "issuer", url=url))
        self._held = {name: _hold_port() for name in urls}
        self.ports = {name: int(held.getsockname()[1]) for name, held in self._held.items()}
        self._common = self._environment(settings or {})
        self.processes = {name: self._service(name) for name in urls}
        self.hears = {name: _heard_by(name) for name in urls}
        self._engines = {name: _engine(each.background) for name, each in urls.items()}
        self._session: aiohttp.ClientSession | None = None

    @property
    def issuer(self) -> Issuer:
        return self.gateway.issuer

    @property
    def address(self) -> str:
        """The one address of all services and the issuer, for `opstap.demo.api.Api`."""
        return self.gateway.url

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    async def start(self) -> None:
        """Databases and topics first, as the jobs of docker-compose.yml do; then the services."""
        self.gateway.services = {name: self.url(name) for name in self.urls}
        await self.gateway.start()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        jobs = [self._job("topics", "topics", {})]
        jobs += [
            self._job(f"migrate-{name}", f"migrate {name}", {"OPSTAP_OWNER_DATABASE_URL": each.owner})
            for name, each in self.urls.items()
        ]
        await asyncio.gather(*(job.run() for job in jobs))
        for name, process in self.processes.items():
            self._held.pop(name).close()
            process.start()
        await self.ready()

    async def stop(self) -> None:
        for held in self._held.values():
            held.close()
        await asyncio.gather(*(process.stop() for process in self.processes.values()))
        await self.gateway.stop()
        if self._session:
            await self._session.close()
        for engine in self._engines.values():
            await engine.dispose()

    def kill(self, name: str) -> None:
        """kill -9."""
        self.processes[name].kill()

    async def restart(self, name: str) -> None:
        """Start what was killed; the others go on meanwhile."""
        await self.processes[name].stop()
        self.processes[name].start()

    async def ready(self) -> None:
        """Wait until every service can be called."""
        for name in self.urls:
            await eventually(lambda name=name: self._is_ready(name), within=SECONDS_TO_START, every=0.1)  # type: ignore[misc]

    async def move_to(self, moment: datetime) -> None:
        """Put the civil clock of every service there; a service that is away is asked until it answers."""
        token = self.issuer.issue("operator", ["operator"], list(EVERYWHERE))
        headers = {"Authorization": f"Bearer {token}"}
        await asyncio.gather(*(self._move(name, moment, headers) for name in self.urls))
        self.today = moment.date()

    async def next_day(self, day: date) -> None:
        """Today ends, a day passes, and what it brings is done."""
        await self.settle()
        while self.today < day:
            await self.move_to(morning_of(self.today + timedelta(days=1)))
            await self.settle()

    async def settle(self, within: float = SECONDS_TO_SETTLE) -> None:
        """Wait until every event is relayed and handled by all who hear it, and no deadline or webhook is due."""
        found: dict[str, Any] = {}

        async def settled() -> bool:
            try:
                before = await self.pulse()
                found["under way"] = before.under_way(self.hears)
                assert not before.parked, f"parked: {before.parked}"
                return not found["under way"] and (await self.pulse()).said == before.said
            except (DBAPIError, OSError) as away:
                found["under way"] = repr(away)
                return False

        try:
            await eventually(settled, within=within, every=0.01)
        except AssertionError as late:
            raise AssertionError(f"{late}; {found}") from None

    async def pulse(self) -> Pulse:
        """What the databases say now. Outboxes are read before inboxes: what is heard was said."""
        pulse = Pulse()
        for name, rows in await self._rows(_STATE):
            pulse.heard[name] = Counter({(row.producer, row.type): row.number for row in rows if row.what == "heard"})
            pulse.said.update({(name, row.type): row.number for row in rows if row.what == "said"})
            pulse.due.update({f"{name} {row.type}": row.number for row in rows if row.what == "due"})
            pulse.parked += [f"{name} {row.producer} {row.type}" for row in rows if row.what == "parked"]
            pulse.unrelayed[name] = sum(row.number for row in rows if row.what == "unrelayed")
        async with self._engines["partners"].connect() as connection:
            pulse.due["partners webhook"] = int(await connection.scalar(_WEBHOOKS) or 0)
        return pulse

    async def query(self, name: str, statement: str, **parameters: Any) -> list[Any]:
        """What a statement finds in a service's database, seen over all municipalities."""
        async with self._engines[name].connect() as connection:
            return list((await connection.execute(text(statement), parameters)).all())

    def logs(self) -> dict[str, bytes]:
        """Everything the processes wrote."""
        return {file.name: file.read_bytes() for file in sorted(self.folder.glob("*.log"))}

    def last_words(self) -> str:
        """The end of what each process wrote, without what went well."""
        return "\n".join(f"--- {file.name}\n{_troubles(file)}" for file in sorted(self.folder.glob("*.log")))

    async def _rows(self, statement: Any) -> list[tuple[str, list[Any]]]:
        async def of(name: str) -> tuple[str, list[Any]]:
            async with self._engines[name].connect() as connection:
                return name, list((await connection.execute(statement)).all())

        return await asyncio.gather(*(of(name) for name in self.urls))

    async def _is_ready(self, name: str) -> bool:
        code = self.processes[name].exit_code
        assert code is None, f"{name} ended with {code}:\n{self.processes[name].last_words()}"
        assert self._session
        try:
            async with self._session.get(f"{self.url(name)}/health/ready") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _move(self, name: str, moment: datetime, headers: Mapping[str, str]) -> None:
        async def moved() -> bool:
            assert self._session
            body = {"moment": moment.isoformat()}
            try:
                async with self._session.put(f"{self.url(name)}/v1/civil-clock", json=body, headers=headers) as answer:
                    assert answer.status in {200, 503}, f"{name}: {answer.status} {await answer.text()}"
                    return answer.status == 200
            except (aiohttp.ClientError, TimeoutError):
                return False

        await eventually(moved, within=SECONDS_TO_START, every=0.05)

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """What all services are told; the secret keys are made here, once for the folder."""
        secrets = {f"OPSTAP_{name.upper()}": key for name, key in keys(self.folder / "keys.json").items()}
        tokens = {name: self.folder / f"{name}-token" for name in ("partners", "intake")}
        for name, file in tokens.items():
            file.write_text(self.issuer.issue(None, ["service"], list(EVERYWHERE), azp=name, lifetime=6 * 3600))
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OPSTAP_", "PYTHON"))},
            "PYTHONPYCACHEPREFIX": str(COMPILED),
            "OPSTAP_ENVIRONMENT": "development",
            "OPSTAP_MOVABLE_CLOCK": "true",
            "OPSTAP_CIVIL_DATE": self.today.isoformat(),
            "OPSTAP_POLICIES": str(POLICIES),
            "OPSTAP_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "OPSTAP_TOPIC_PREFIX": self.prefix,
            "OPSTAP_ISSUER": self.issuer.url,
            "OPSTAP_JWKS": str(self.issuer.jwks_file),
            "OPSTAP_PUBLIC_URL": self.gateway.url,
            "OPSTAP_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "OPSTAP_INTAKE_URL": f"http://127.0.0.1:{self.ports['intake']}",
            "OPSTAP_INTAKE_TOKEN_FILE": str(tokens["partners"]),
            "OPSTAP_ROUTING_URL": f"http://127.0.0.1:{self.ports['routing']}",
            "OPSTAP_DIAGNOSIS_URL": f"http://127.0.0.1:{self.ports['diagnosis']}",
            "OPSTAP_SERVICE_TOKEN_FILE": str(tokens["intake"]),
            **secrets,
            **settings,
        }

    def _service(self, name: str) -> Process:
        mine = {
            "OPSTAP_KAFKA_MEMBER": name,
            "OPSTAP_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "OPSTAP_DATABASE_URL": self.urls[name].app,
            "OPSTAP_BACKGROUND_DATABASE_URL": self.urls[name].background,
        }
        return self._job(name, f"serve {name} --host 127.0.0.1 --port {self.ports[name]}", mine)

    def _job(self, name: str, command: str, mine: Mapping[str, str]) -> Process:
        whole = [sys.executable, "-m", "chassis", *command.split()]
        return Process(name, whole, self._common | dict(mine), self.folder / f"{name}.log")


def _heard_by(name: str) -> frozenset[tuple[str, str]]:
    """Which events a service handles, by producer and type."""
    return frozenset((event.producer, event.type()) for event in import_module(f"{name}.app").SERVICE.handlers)


def _hold_port() -> socket.socket:
    """A free port, bound so that nobody else finds it free until the service is started."""
    held = socket.socket()
    held.bind(("127.0.0.1", free_port()))
    return held


def _troubles(file: Path) -> str:
    lines = [line for line in file.read_text(errors="replace").splitlines() if '"level": "info"' not in line]
    return "\n".join(lines)[-LAST_WORDS:]


def _engine(url: str) -> AsyncEngine:
    return create_async_engine(url, pool_size=2, pool_pre_ping=True, isolation_level="AUTOCOMMIT")


async def databases(make_database: MakeDatabase) -> dict[str, DatabaseUrls]:
    """Five empty databases on the session's PostgreSQL."""
    return {name: await make_database(name, "fleet") for name in SERVICES}


async def databases_on(postgres: EmbeddedPostgres) -> dict[str, DatabaseUrls]:
    """Five empty databases on a PostgreSQL that may be killed."""
    passwords = load_passwords(postgres.data_folder / "passwords.json")
    return {name: await provision(postgres.admin_url, name, passwords) for name in SERVICES}


@asynccontextmanager
async def sailing(fleet: Fleet) -> AsyncIterator[Fleet]:
    """The fleet from start to stop; what goes wrong meanwhile is told with the processes' last words."""
    try:
        await fleet.start()
        yield fleet
    except BaseException as wrong:
        wrong.add_note(fleet.last_words())
        raise
    finally:
        await fleet.stop()
