"""The whole of Opstap on one machine: one PostgreSQL, five databases, five services in one process, the bus in it."""

import asyncio
import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from chassis.background import Background, Repeated
from chassis.clock import MachineClock, MovableClock, load_civil_moment, morning_of, save_civil_moment
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.deadlines import Sweeper
from chassis.local import LocalBus
from chassis.migrations import upgrade
from chassis.process import Bell, Definition
from chassis.security import FixedKeys, TokenVerifier
from chassis.settings import ServiceSettings
from chassis.work import Office
from opstap.databases import DatabaseUrls, load_passwords, provision
from opstap.issuer import HOUR, Issuer
from opstap.postgres import EmbeddedPostgres
from opstap.services import DEFINITIONS, SERVICE_FOLDERS
from partners.webhooks.sender import Sender
from policy import Library

SECONDS_TO_SETTLE = 120.0


@dataclass
class Running:
    """One service of the system, as it runs."""

    name: str
    urls: DatabaseUrls
    database: Database
    office: Office
    consumer: Consumer
    sweeper: Sweeper
    app: FastAPI
    background: Sequence[Background]


class System:
    """Everything in one process, on one folder; what was committed when it was killed goes on at the next start."""

    def __init__(
        self,
        folder: Path,
        *,
        policies: Path,
        url: str = "http://127.0.0.1:8000",
        civil_date: date | None = None,
        settings: Mapping[str, Any] | None = None,
        durable: bool = True,
    ) -> None:
        """With `civil_date` the civil clock can be moved, from that day or where it stood; `settings` go to all."""
        self.folder = folder
        self.policies = policies
        self.url = url
        self.civil_date = civil_date
        self.postgres = EmbeddedPostgres(folder / "postgres", durable=durable)
        self.issuer = Issuer(folder / "issuer", url=f"{url}/issuer")
        self._tokens = {name: folder / f"{name}-token" for name in ("partners", "intake")}
        self._private: dict[str, Any] = {
            "intake_url": f"{url}/intake",
            "intake_token_file": self._tokens["partners"],
            "routing_url": f"{url}/routing",
            "diagnosis_url": f"{url}/diagnosis",
            "service_token_file": self._tokens["intake"],
            **keys(folder / "keys.json"),
            **(settings or {}),
        }
        self.services: dict[str, Running] = {}
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Start PostgreSQL, bring the databases up to date, and let the services run."""
        library = Library.load(self.policies)
        self._stack.push_async_callback(asyncio.to_thread, self.postgres.stop)
        await _to_its_end(self.postgres.start)  # and with it the folder is ours
        self._renew_tokens(library)
        urls = await self._databases()
        databases = {name: Database(each.app, each.background, pool_size=6) for name, each in urls.items()}
        self.clock = await self._clock(databases)
        bell = Bell()
        for name, definition in DEFINITIONS.items():
            self._stack.push_async_callback(databases[name].close)
            office = Office(databases[name], self.clock, library, on_published=bell)
            self.services[name] = self._service(definition, urls[name], office)
        self.bus = LocalBus(databases, {name: service.consumer for name, service in self.services.items()})
        bell.wakes(self.bus.wake)
        watch = Repeated("postgres", 1.0, lambda: asyncio.to_thread(self.postgres.ensure_running))
        token = Repeated("service tokens", HOUR / 2, lambda: asyncio.to_thread(self._renew_tokens, library))
        for task in (watch, token, self.bus):
            self._stack.push_async_callback(task.stop)
            await task.start()
        for service in self.services.values():
            await self._stack.enter_async_context(service.app.router.lifespan_context(service.app))

    async def stop(self) -> None:
        """Finish what is in hand, then stop everything."""
        await self._stack.aclose()

    @property
    def app(self) -> Starlette:
        """All services under their names, and the development issuer."""
        mounts = [Mount(f"/{name}", service.app) for name, service in self.services.items()]
        return Starlette(routes=[*mounts, Mount("/issuer", self.issuer.app())])

    async def settle(self) -> None:
        """Wait until nothing is left to handle, to fire or to deliver at this civil moment."""
        busy = True
        async with asyncio.timeout(SECONDS_TO_SETTLE):
            while busy:
                await self.bus.settle(SECONDS_TO_SETTLE)
                swept = await asyncio.gather(*(service.sweeper.sweep() for service in self.services.values()))
                busy = any(swept) | any([await task.settle() for task in self._senders()])

    def _senders(self) -> list[Sender]:
        tasks = [task for service in self.services.values() for task in service.background]
        return [task for task in tasks if isinstance(task, Sender)]

    def _renew_tokens(self, library: Library) -> None:
        """The tokens with which services ask each other about clients of all municipalities that have a policy."""
        for name, file in self._tokens.items():
            file.touch(mode=0o600)
            file.write_text(self.issuer.issue(name, ["service"], sorted(library.municipalities), azp=name))

    async def _databases(self) -> dict[str, DatabaseUrls]:
        passwords = load_passwords(self.folder / "passwords.json")
        urls = {name: await provision(self.postgres.admin_url, name, passwords) for name in DEFINITIONS}
        for name, each in urls.items():  # one by one: Alembic's context is one for the process
            await _to_its_end(upgrade, SERVICE_FOLDERS[name], each.owner)
        return urls

    async def _clock(self, databases: Mapping[str, Database]) -> MachineClock | MovableClock:
        if self.civil_date is None:
            return MachineClock()
        saved = [moment for database in databases.values() if (moment := await load_civil_moment(database.app))]
        if saved:
            return MovableClock(max(saved))
        clock = MovableClock(morning_of(self.civil_date))
        await asyncio.gather(*(save_civil_moment(database.app, clock.now()) for database in databases.values()))
        return clock

    def _service(self, definition: Definition[ServiceSettings], urls: DatabaseUrls, office: Office) -> Running:
        settings = definition.settings(
            database_url=urls.app,
            background_database_url=urls.background,
            policies=self.policies,
            issuer=self.issuer.url,
            jwks=self.issuer.jwks_file,
            environment="development",
            movable_clock=self.civil_date is not None,
            public_url=self.url,
            **self._private,
        )
        verifier = TokenVerifier(
            issuer=self.issuer.url, audience=self.issuer.audience, keys=FixedKeys.from_file(self.issuer.jwks_file)
        )
        sweeper = Sweeper(office, definition.deadlines)
        background = [sweeper, *definition.background(settings, office)]
        return Running(
            name=definition.name,
            urls=urls,
            database=office.database,
            office=office,
            consumer=Consumer(definition.name, office, definition.handlers),
            sweeper=sweeper,
            app=definition.create(settings, office, verifier, background=background, settle=self.settle),
            background=background,
        )


async def _to_its_end(step: Callable[..., object], *arguments: Any) -> None:
    """Take a step in a thread, and wait for its end also when told to stop meanwhile: a thread cannot be stopped."""
    taking = asyncio.create_task(asyncio.to_thread(step, *arguments))
    try:
        await asyncio.shield(taking)
    finally:
        await asyncio.wait([taking])


KEYS = ("key", "index_key", "diagnosis_key", "partners_key")
"""The secret keys of the services' settings, 32 random bytes each."""


def keys(file: Path) -> dict[str, str]:
    """The secret keys of this folder, made at first start and readable by their owner only."""
    if file.exists():
        kept: dict[str, str] = json.loads(file.read_text())
        return kept
    made = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in KEYS}
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(made, out, indent=2)
    return made
