"""One service as its users meet it: over HTTP, by the events it hears and says, and through days that pass."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI
from sqlalchemy import text

from chassis.bus import Record
from chassis.clock import MovableClock, morning_of
from chassis.consumer import Consumer, Handlers
from chassis.deadlines import Fired, Sweeper
from chassis.ids import new_id
from chassis.migrations import upgrade
from chassis.security import FixedKeys, TokenVerifier
from chassis.settings import ServiceSettings
from chassis.work import Office
from contracts import Envelope, Event, decode, encode
from opstap.databases import DatabaseUrls
from opstap.issuer import Issuer
from policy import Library
from tests.support.databases import MakeDatabase, opened

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"
EVERYWHERE = ("GM0451", "GM0626", "GM0629", "GM1916", "GM1926")
SOURCE = "urn:nld:oin:00000000000000000000:systeem:opstap-test"

E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=ServiceSettings)
_templates: dict[str, DatabaseUrls] = {}
_given_back: dict[str, list[DatabaseUrls]] = defaultdict(list)


@cache
def library(policies: Path) -> Library:
    """The policies, read once a session: that takes a second, and nothing changes them."""
    return Library.load(policies)


async def migrated_database(make_database: MakeDatabase, service: str) -> DatabaseUrls:
    """A database with the service's tables, all empty: one that an earlier test gave back, or a copy."""
    if _given_back[service]:
        return await _emptied(_given_back[service].pop())
    if service not in _templates:
        template = await make_database(service, "template")
        await asyncio.to_thread(upgrade, ROOT / "services" / service, template.owner)
        _templates[service] = template
    return await make_database(service, copy_of=_templates[service])


async def _emptied(urls: DatabaseUrls) -> DatabaseUrls:
    """The database without rows. Tables that take no room have none, and to truncate one costs as much as any other."""
    owner = await asyncpg.connect(urls.owner.replace("+asyncpg", ""))
    filled = await owner.fetch(
        "SELECT quote_ident(relname) AS name FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'"
        " AND pg_relation_size(oid) > 0"
    )
    if filled:
        await owner.execute(f"TRUNCATE {', '.join(row['name'] for row in filled)} RESTART IDENTITY CASCADE")
    await owner.close()
    return urls


@cache
def _issuer() -> Issuer:
    """One issuer a session: its key takes a while to make."""
    return Issuer(Path(tempfile.mkdtemp(prefix="opstap-issuer-")))


@dataclass
class ServiceUnderTest:
    """A running service without its bus: the test is the bus."""

    name: str
    app: FastAPI
    office: Office
    clock: MovableClock
    issuer: Issuer
    http: httpx.AsyncClient
    consumer: Consumer
    sweeper: Sweeper
    urls: DatabaseUrls
    _heard: int = 0
    _positions: dict[str, int] = field(default_factory=dict)

    def token(
        self,
        *roles: str,
        municipalities: Sequence[str] = EVERYWHERE,
        sub: str | None = "s-1",
        partner: str | None = None,
        azp: str = "front-end",
    ) -> dict[str, str]:
        """Headers with a token of these roles; by default a caseworker's and team manager's for all municipalities."""
        roles = roles or ("caseworker", "team_manager", "front_end")
        value = self.issuer.issue(sub, list(roles), list(municipalities), azp=azp, partner=partner)
        return {"Authorization": f"Bearer {value}"}

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Any) -> httpx.Response:
        """GET under /v1, as a caseworker unless headers say otherwise."""
        return await self.http.get(f"/v1{path}", headers=headers or self.token(), params=query or None)

    async def post(
        self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """POST JSON under /v1, as a caseworker unless headers say otherwise."""
        return await self.http.post(
            f"/v1{path}", json={} if body is None else body, headers=headers or self.token(), **more
        )

    async def done(self, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """POST that must succeed; its answer."""
        answer = await self.post(path, body, **more)
        assert answer.is_success, f"POST {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def hear(
        self, subject: UUID, *events: Event, municipality: str = "GM0626", cause: UUID | None = None
    ) -> list[UUID]:
        """Let the service handle events about a subject, as if they came over the bus. Returns the events' ids."""
        ids = [new_id() for _ in events]
        for event_id, event in zip(ids, events, strict=True):
            await self.consumer.handle([self.record(event_id, subject, event, municipality, cause)])
        return ids

    def record(
        self, event_id: UUID, subject: UUID, event: Event, municipality: str = "GM0626", cause: UUID | None = None
    ) -> Record:
        """An event as the bus would carry it."""
        self._heard += 1
        value = encode(
            id=event_id, subject=subject, municipality=municipality, recorded_at=datetime.now(UTC), type=event.type(),
            data=event.model_dump_json(by_alias=True), sequence=self._heard, traceparent=None,
            source=SOURCE, cause=cause,
        )  # fmt: skip
        return Record(producer=event.producer, key=str(subject), value=value, position=self._heard)

    async def said(self, event: type[E] | None = None, subject: UUID | None = None) -> list[Envelope[E]]:
        """What the service published so far, of one kind and about one subject when asked, in order."""
        async with self.office.database.in_background() as session:
            rows = (await session.execute(text("SELECT * FROM outbox ORDER BY position"))).mappings().all()
        found: list[Envelope[Any]] = [
            decode(
                encode(
                    id=row["event_id"], subject=row["subject"], municipality=row["municipality"],
                    recorded_at=row["recorded_at"], type=row["type"], data=row["data"], sequence=row["position"],
                    traceparent=row["traceparent"], source=SOURCE, cause=row["cause"],
                )
            )
            for row in rows
        ]  # fmt: skip
        return [e for e in found if (event is None or isinstance(e.data, event)) and subject in (None, e.subject)]

    async def move_to(self, day: date) -> None:
        """Let days pass, each with its sweep."""
        while self.clock.today() < day:
            self.clock.move_to(morning_of(self.clock.today() + timedelta(days=1)))
            await self.sweeper.sweep()
        await self.sweeper.sweep()


@asynccontextmanager
async def running(
    name: str,
    *,
    urls: DatabaseUrls,
    settings: Callable[..., S],
    create: Callable[[S, Office, TokenVerifier], FastAPI],
    handlers: Handlers,
    deadlines: Mapping[str, Fired],
    on: date = date(2024, 2, 1),
    policies: Path = POLICIES,
    **more: Any,
) -> AsyncIterator[ServiceUnderTest]:
    """A service on a database of its own, on a civil day; the database is given back for the next test."""
    issuer = _issuer()
    made = settings(
        database_url=urls.app, background_database_url=urls.background, policies=policies, jwks=issuer.jwks_file,
        environment="development", movable_clock=True, **more,
    )  # fmt: skip
    clock = MovableClock.at(on)
    office = Office(opened(urls), clock, library(policies))
    verifier = TokenVerifier(issuer=issuer.url, audience=issuer.audience, keys=FixedKeys.from_file(issuer.jwks_file))
    app = create(made, office, verifier)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield ServiceUnderTest(
            name, app, office, clock, issuer, http, Consumer(name, office, handlers, pauses=(0, 0)),
            Sweeper(office, deadlines), urls,
        )  # fmt: skip
    _given_back[name].append(urls)
