"""A toy service, to try the HTTP side of the chassis on: notes of a municipality."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, DateTime, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.app import create_app
from chassis.background import Background
from chassis.clock import MovableClock
from chassis.database import Database
from chassis.etags import IfMatch, etag
from chassis.migrations import enable_tenancy
from chassis.models import AnswerModel, ApiModel, Count, Day, Items, Line, Moment, OptionalDay, Text
from chassis.pagination import Page
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand, location
from chassis.security import Caller, Role, TokenVerifier, allow, in_scope, public
from chassis.settings import ServiceSettings
from chassis.work import Office, Work
from contracts.partners import ReferralSent
from opstap.databases import DatabaseUrls
from opstap.issuer import Issuer
from policy import Library
from tests.support.databases import toy_tables

SERVICE = "partners"  # whose roles it borrows
FRONT_END = "https://desk.example"
_municipalities = itertools.count(1)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy's own way


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]
    written_on: Mapped[date]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way


class Author(ApiModel):
    family_name: Line
    born_on: OptionalDay = None


class NewNote(ApiModel):
    municipality: Line
    title: Line
    text: Text = ""
    written_on: Day
    read_at: Moment | None = None
    stars: Count = 0
    author: Author | None = None
    more: dict[str, Any] | None = None


class ChangedNote(ApiModel):
    text: Text


class NoteAnswer(AnswerModel):
    id: UUID
    municipality: str
    title: str
    text: str
    written_on: date
    changed_at: datetime


router = APIRouter(route_class=ServiceRoute, tags=["notes"])
STAFF = (Role.CASEWORKER, Role.TEAM_MANAGER)


@router.post("/notes", status_code=201, dependencies=[allow(*STAFF)])
async def make_note(
    body: NewNote, work: WorkInHand, caller: Caller, request: Request, response: Response
) -> NoteAnswer:
    """Write a note."""
    in_scope(caller, body.municipality)
    note = Note(
        id=work.ids(),
        **body.model_dump(include={"municipality", "title", "text", "written_on"}),
        changed_at=work.clock.wall(),
    )
    work.session.add(note)
    await work.session.flush()
    sent = ReferralSent(occurred_on=work.today, by=work.actor, referral_id=note.id, partner="p-1")
    work.publish(note.id, note.municipality, sent)
    response.headers["Location"] = location(request, note.id)
    response.headers["ETag"] = etag(note.version)
    return NoteAnswer.model_validate(note)


@router.get("/notes", dependencies=[allow(*STAFF)])
async def list_notes(
    work: WorkInHand,
    page: Page,
    title: Annotated[str | None, Query()] = None,
    written_on: Annotated[Day | None, Query(alias="writtenOn")] = None,
    newest_first: Annotated[bool, Query(alias="newestFirst")] = False,
) -> Items[NoteAnswer]:
    """The notes, by day."""
    query = select(Note)
    if title is not None:
        query = query.where(Note.title == title)
    if written_on is not None:
        query = query.where(Note.written_on == written_on)
    rows = await page.scalars(work.session, query, Note.written_on, Note.id, descending=newest_first)
    return Items(items=[NoteAnswer.model_validate(row) for row in rows])


async def find(work: Work, note_id: UUID) -> Note:
    note = await work.session.get(Note, note_id)
    if note is None:
        raise NotFound
    return note


@router.get("/notes/{note_id}", dependencies=[allow(*STAFF)])
async def read_note(note_id: UUID, work: WorkInHand, response: Response) -> NoteAnswer:
    """One note."""
    note = await find(work, note_id)
    response.headers["ETag"] = etag(note.version)
    return NoteAnswer.model_validate(note)


@router.put("/notes/{note_id}", dependencies=[allow(*STAFF)])
async def change_note(
    note_id: UUID, body: ChangedNote, work: WorkInHand, condition: IfMatch, response: Response
) -> NoteAnswer:
    """Change a note."""
    note = await find(work, note_id)
    await condition.check(work.session, note)
    note.text, note.changed_at = body.text, work.clock.wall()
    await work.session.flush()
    response.headers["ETag"] = etag(note.version)
    return NoteAnswer.model_validate(note)


@router.delete("/notes/{note_id}", status_code=204, dependencies=[allow(Role.TEAM_MANAGER)])
async def drop_note(note_id: UUID, work: WorkInHand, condition: IfMatch) -> None:
    """Drop a note."""
    note = await find(work, note_id)
    await condition.check(work.session, note)
    await work.session.delete(note)


@router.post("/refusals", dependencies=[allow(*STAFF)])
async def write_and_refuse(body: NewNote, work: WorkInHand) -> Response:
    """Writes, and then answers that it cannot be."""
    await work.session.execute(
        text(
            "INSERT INTO notes (id, municipality, title, text, written_on, changed_at, version)"
            " VALUES (:id, :municipality, :title, '', :on, now(), 1)"
        ),
        {"id": work.ids(), "municipality": body.municipality, "title": body.title, "on": body.written_on},
    )
    return JSONResponse({"title": "no"}, status_code=409)


@router.get("/faults", dependencies=[allow(*STAFF)])
async def fail(work: WorkInHand) -> None:
    """Fails as no endpoint should."""
    raise RuntimeError("Mevrouw De Vries, BSN 123456782, was not expected")


@router.get("/numbers/{number}", dependencies=[allow(*STAFF)])
async def store_number(number: int, work: WorkInHand) -> int:
    """A number as PostgreSQL would have it."""
    return int(await work.session.scalar(text("SELECT abs(CAST(:number AS bigint))"), {"number": number}) or 0)


@router.get("/greetings", dependencies=[public()])
async def greet() -> str:
    """For everybody."""
    return "hello"


def create_tables(connection: Connection) -> None:
    with toy_tables(connection, SERVICE):
        connection.exec_driver_sql(
            """
            CREATE TABLE notes (
                id uuid PRIMARY KEY,
                municipality text NOT NULL,
                title text NOT NULL,
                text text NOT NULL,
                written_on date NOT NULL,
                changed_at timestamptz NOT NULL,
                version integer NOT NULL,
                UNIQUE (municipality, title)
            )
            """
        )
        enable_tenancy(SERVICE, "notes", app="SELECT, INSERT, UPDATE, DELETE")


@dataclass
class Notes:
    """The toy service, running."""

    app: FastAPI
    http: httpx.AsyncClient
    office: Office
    issuer: Issuer
    clock: MovableClock
    settings: ServiceSettings
    urls: DatabaseUrls
    settled: list[datetime]

    def token(self, *roles: str, sub: str | None = "jan", **more: Any) -> str:
        return self.issuer.issue(sub, **({"roles": list(roles or ("caseworker",)), "municipalities": []} | more))

    def bearer(self, *roles: str, **more: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*roles, **more)}"}

    async def rows(self, municipality: str) -> list[Note]:
        """What the database really holds, as the background role sees it."""
        async with self.office.in_background() as work:
            found = select(Note).where(Note.municipality == municipality).order_by(Note.id)
            return list((await work.session.scalars(found)).all())

    async def stored_answers(self) -> list[dict[str, Any]]:
        async with self.office.in_background() as work:
            found = await work.session.execute(text("SELECT * FROM idempotency_keys"))
            return [dict(row) for row in found.mappings().all()]


@asynccontextmanager
async def running(urls: DatabaseUrls, folder: Path, **more: Any) -> AsyncIterator[Notes]:
    """The toy service on a database that has its tables."""
    issuer = Issuer(folder)
    settings = ServiceSettings(
        database_url=urls.app,
        background_database_url=urls.background,
        policies=folder,
        issuer=issuer.url,
        jwks=issuer.jwks_file,
        environment="development",
        movable_clock=True,
        public_url="https://opstap.test",
        allowed_origins=(FRONT_END,),
    )
    clock = MovableClock.at(date(2026, 1, 5))
    database = Database(urls.app, urls.background, pool_size=8)
    office = Office(database, clock, Library({}))
    settled: list[datetime] = []

    async def settle() -> None:
        settled.append(clock.now())

    background: Sequence[Background] = more.pop("background", ())
    app = create_app(
        service=SERVICE,
        title="Notes",
        description="Notes of a municipality.",
        routers=[router],
        office=office,
        settings=settings,
        verifier=TokenVerifier.from_settings(settings),
        background=background,
        settle=settle,
        **more,
    )
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield Notes(app, http, office, issuer, clock, settings, urls, settled)
    await database.close()


async def make_tables(urls: DatabaseUrls) -> None:
    engine = create_async_engine(urls.owner)
    async with engine.begin() as connection:
        await connection.run_sync(create_tables)
    await engine.dispose()


def new_municipality() -> str:
    """A municipality that no other test uses."""
    return f"GM{next(_municipalities):04d}"


async def all_of(*requests: Any) -> list[httpx.Response]:
    """The answers to requests sent at the same time."""
    return list(await asyncio.gather(*requests))
