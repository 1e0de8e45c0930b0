"""What intake keeps. Columns of bytes are sealed with the person's own key, or blind indexes; see `vault`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    exists,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column

from chassis.database import NAMES
from chassis.problems import NotFound

GONE = ("merged", "undone")
"""States in which a registration counts no more, so that the same BSN may be registered."""


class Base(DeclarativeBase):
    """The tables of intake; each row belongs to a municipality."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own way
        str: Text, bytes: LargeBinary, date: Date, datetime: DateTime(timezone=True), bool: Boolean, int: Integer,
        UUID: Uuid, list[str]: ARRAY(Text),
    }  # fmt: skip


class Client(Base):
    """A person who is, or was, registered in a municipality, with their identity data."""

    __tablename__ = "clients"
    __table_args__ = (
        Index(
            "uq_clients_municipality_bsn_index", "municipality", "bsn_index", unique=True,
            postgresql_where=text("state NOT IN ('merged', 'undone')"),
        ),
        Index(
            "ix_clients_municipality_bsn_index_merged", "municipality", "bsn_index",
            postgresql_where=text("state = 'merged'"),
        ),
        Index("ix_clients_municipality_partner_index", "municipality", "partner_index"),
        Index("ix_clients_merged_into", "merged_into"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str]
    version: Mapped[int] = mapped_column()
    origin: Mapped[str]
    registered_on: Mapped[date]
    state: Mapped[str]
    """registered, deceased, moved_away, merged or undone."""
    ended_on: Mapped[date | None]
    moved_to: Mapped[str | None]
    """The municipality where who moved away lives now, when it was told."""
    merged_into: Mapped[UUID | None]
    household_id: Mapped[UUID]
    household_kind: Mapped[str]
    partner_id: Mapped[UUID | None]
    permit_holder: Mapped[bool]
    housed_on: Mapped[date | None]
    without_benefit: Mapped[bool]
    starting_qualification: Mapped[bool | None]
    secret_address: Mapped[bool]
    age_band: Mapped[str]
    pension_told: Mapped[date | None]
    """The first day of the month of pension age, once it was told to be near."""

    key_id: Mapped[str]
    wrapped_key: Mapped[bytes]
    bsn_index: Mapped[bytes]
    partner_index: Mapped[bytes | None]
    """The blind index of the partner's BSN, so that the two are linked when the partner is registered too."""
    bsn: Mapped[bytes]
    given: Mapped[bytes | None]
    prefix: Mapped[bytes | None]
    family: Mapped[bytes]
    birth_date: Mapped[bytes]
    address: Mapped[bytes | None]
    contact: Mapped[bytes | None]
    language: Mapped[bytes | None]
    undone_because: Mapped[bytes | None]
    restored_because: Mapped[bytes | None]
    """Why the death or departure that was recorded last was none."""

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way
    SHOWN_AS: ClassVar[Mapping[str, str]] = {
        "given": "name", "prefix": "name", "family": "name", "bsn_index": "bsn", "partner_index": "partnerBsn",
    }  # fmt: skip


class EarlierNumber(Base):
    """A BSN, as a blind index, under which somebody was registered by mistake: a file may still name them by it."""

    __tablename__ = "earlier_numbers"
    __table_args__ = (Index("ix_earlier_numbers_municipality_bsn_index", "municipality", "bsn_index"),)

    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    bsn_index: Mapped[bytes] = mapped_column(primary_key=True)
    municipality: Mapped[str]


class Merger(Base):
    """A registration that turned out to be of somebody who was registered already, and maybe was not after all."""

    __tablename__ = "mergers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The id of the event that said so."""
    municipality: Mapped[str]
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), index=True)
    """The registration that went."""
    into: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), index=True)
    """The one that stayed."""
    merged_on: Mapped[date]
    merged_by: Mapped[str]
    undo_until: Mapped[date | None]
    """The last day on which it can be undone, by the policy of the day of the merger; absent where it cannot."""
    undone_on: Mapped[date | None]
    undone_by: Mapped[str | None]
    undone_because: Mapped[bytes | None]
    """Sealed with the key of the client who had gone."""


class SearchToken(Base):
    """A form of a family or given name with a birth year, as a blind index: what a search by name looks for."""

    __tablename__ = "search_tokens"
    __table_args__ = (Index("ix_search_tokens_municipality_token", "municipality", "token"),)

    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    token: Mapped[bytes] = mapped_column(primary_key=True)
    municipality: Mapped[str]


class Standing(Base):
    """What intake heard of a client from diagnosis and routing: it decides when the intake is, and what letters say."""

    __tablename__ = "standings"

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str]
    diagnosed_on: Mapped[date | None]
    category: Mapped[str | None]
    track: Mapped[str | None]
    caseworker_id: Mapped[str | None]
    caseworker_role: Mapped[str | None]
    handed_over_on: Mapped[date | None]
    exited_on: Mapped[date | None]
    exit_id: Mapped[UUID | None]
    assessment_id: Mapped[UUID | None]
    """The one that the category and the track come from; none where an import or the longest stay led to them."""
    named_role: Mapped[str | None]
    """The role that the pack named at that decision: a letter waits until the caseworker has it."""
    wrong_letter_id: Mapped[UUID | None]
    """The letter that turned out to be wrong; the next one corrects it."""


class Notification(Base):
    """A first contact at the gate."""

    __tablename__ = "notifications"
    __table_args__ = (Index("ix_notifications_client_id", "client_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    municipality: Mapped[str]
    received_on: Mapped[date]
    state: Mapped[str]
    """open, diverted, applied or closed."""
    diverted_to: Mapped[str | None]
    diverted_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    """The day on which it was closed, because the client was gone."""


class Application(Base):
    """An application for social assistance."""

    __tablename__ = "applications"
    __table_args__ = (Index("ix_applications_client_id", "client_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    municipality: Mapped[str]
    version: Mapped[int] = mapped_column()
    filed_on: Mapped[date]
    short_form: Mapped[bool]
    state: Mapped[str]
    """filed, withdrawn, granted, refused or closed."""
    ended_on: Mapped[date | None]
    """The day of the withdrawal or the decision, or on which it was closed because the client was gone."""
    decided_by: Mapped[str | None]
    benefit_from: Mapped[date | None]
    reason: Mapped[bytes | None]

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way


class InformationSession(Base):
    """A session on rights and duties."""

    __tablename__ = "information_sessions"
    __table_args__ = (Index("ix_information_sessions_municipality_held_on", "municipality", "held_on"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str]
    held_on: Mapped[date]
    place: Mapped[str]
    capacity: Mapped[int]
    language: Mapped[str]


class Attendance(Base):
    """Whether somebody who was invited to an information session came."""

    __tablename__ = "attendances"
    __table_args__ = (Index("ix_attendances_client_id", "client_id"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("information_sessions.id"), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    municipality: Mapped[str]
    attended: Mapped[bool]


class IntakeConversation(Base):
    """An intake with the income consultant."""

    __tablename__ = "intakes"
    __table_args__ = (Index("ix_intakes_client_id", "client_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    municipality: Mapped[str]
    held_on: Mapped[date]
    signals: Mapped[list[str]]
    language_proof: Mapped[bool | None]


class LanguageTest(Base):
    """A language test that was taken."""

    __tablename__ = "language_tests"
    __table_args__ = (Index("ix_language_tests_client_id", "client_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    municipality: Mapped[str]
    taken_on: Mapped[date]
    passed: Mapped[bool]


class IntegrationPlan(Base):
    """A permit holder's personal integration plan (PIP) that was made."""

    __tablename__ = "integration_plans"
    __table_args__ = (Index("ix_integration_plans_client_id", "client_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    municipality: Mapped[str]
    made_on: Mapped[date]


class Letter(Base):
    """A letter as it was written, with the name left open: it is filled in when the letter is read."""

    __tablename__ = "letters"
    __table_args__ = (Index("ix_letters_client_id", "client_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    municipality: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    template: Mapped[str]
    """The pack, its version, and the version of the template in it."""
    pack_digest: Mapped[str]
    """Of the pack's very text, so that it can be shown later which words were sent under which policy."""
    sent_on: Mapped[date]
    corrects: Mapped[UUID | None] = mapped_column(ForeignKey("letters.id"), index=True)
    """The letter that was wrong. It is corrected once for each client: of two who were taken for one, for both."""
    tells_of: Mapped[UUID | None]
    """The assessment or the exit that it tells of, so that a correction of that finds it."""
    track: Mapped[str | None]
    """Where it says that the client is guided; none where it says that this ended."""
    caseworker_id: Mapped[str | None]
    caseworker_role: Mapped[str | None]


class AwaitedLetter(Base):
    """A letter of which one of the two events that it tells of was heard, and the other is awaited."""

    __tablename__ = "awaited_letters"

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    municipality: Mapped[str]
    awaits: Mapped[str]
    """caseworker, acceptance or category."""


class ImportedCase(Base):
    """A spell of benefit that an import brought along; the same spell comes in once."""

    __tablename__ = "imported_cases"
    __table_args__ = (
        Index(
            "uq_imported_cases_client_id_benefit_from", "client_id", "benefit_from", unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    municipality: Mapped[str]
    benefit_from: Mapped[date | None]
    exited_on: Mapped[date | None]


class CaseloadImport(Base):
    """How far an import came in one municipality."""

    __tablename__ = "caseload_imports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str] = mapped_column(primary_key=True)
    started_on: Mapped[date]
    by: Mapped[str]
    rows: Mapped[int]
    registered: Mapped[int]
    cases: Mapped[int]
    known: Mapped[int]
    refused: Mapped[int]
    finished: Mapped[bool]


class CaseloadFile(Base):
    """A file that is being taken in, known by its content: an import that was cut off goes on where it was."""

    __tablename__ = "caseload_files"
    __table_args__ = (Index("ix_caseload_files_digest", "digest", postgresql_where=text("NOT finished")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The import's."""
    municipality: Mapped[str]
    municipalities: Mapped[list[str]] = mapped_column(ARRAY(Text))
    digest: Mapped[bytes]
    """SHA-256 of the whole file, as its sender announced it; empty when nobody did."""
    line: Mapped[int]
    """The last line of which all that follows was done."""
    read: Mapped[bytes]
    """SHA-256 of the file up to the end of that line."""
    finished: Mapped[bool]


class RefusedLine(Base):
    """What is wrong in a line of an import; never what the line said."""

    __tablename__ = "refused_lines"
    __table_args__ = (Index("ix_refused_lines_import_id_line", "import_id", "line"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID]
    municipality: Mapped[str]
    line: Mapped[int]
    column: Mapped[str]
    detail: Mapped[str]


class AuditEntry(Base):
    """Who looked at or searched for whom, and why; never what was found or searched for."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_client_id_at", "client_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    municipality: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    client_id: Mapped[UUID | None]
    detail: Mapped[str | None]
    trace_id: Mapped[str | None]


async def client_by_id(session: AsyncSession, client_id: UUID) -> Client:
    """The client of this id, or the one it was merged into; NotFound when the token's municipalities hold neither."""
    client = await session.get(Client, client_id)
    if client is not None and client.merged_into is not None:
        client = await session.get(Client, client.merged_into)
    if client is None:
        raise NotFound("No client of this id is registered in your municipalities.")
    return client


async def clients_by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Client]:
    """The clients of these ids, by the id that was asked, which may be one that was merged into them."""
    merged = await session.execute(
        select(Client.id, Client.merged_into).where(Client.id.in_(ids), Client.merged_into.is_not(None))
    )
    survivors: dict[UUID, UUID] = {old: new for old, new in merged if new is not None}
    wanted = {survivors.get(id, id) for id in ids}
    found = {client.id: client for client in await session.scalars(select(Client).where(Client.id.in_(wanted)))}
    return {id: found[survivors.get(id, id)] for id in ids if survivors.get(id, id) in found}


async def clients_by_bsn(session: AsyncSession, municipality: str, indexes: Collection[bytes]) -> Sequence[Client]:
    """The clients whose BSN, or whose partner's BSN, has one of these blind indexes."""
    named = Client.bsn_index.in_(indexes) | Client.partner_index.in_(indexes)
    query = select(Client).where(Client.municipality == municipality, Client.state.not_in(GONE), named)
    return (await session.scalars(query)).all()


async def merged_by_bsn(
    session: AsyncSession, municipalities: Collection[str], indexes: Collection[bytes]
) -> Sequence[tuple[Client, Client]]:
    """The registrations under these numbers that were merged, each with the client who stays.

    Not where somebody is registered under the number now: it is theirs.
    """
    gone, survivor, holder = aliased(Client), aliased(Client), aliased(Client)
    held = exists().where(
        holder.municipality == gone.municipality, holder.bsn_index == gone.bsn_index, holder.state.not_in(GONE)
    )
    query = (
        select(gone, survivor)
        .join(survivor, survivor.id == gone.merged_into)
        .where(gone.municipality.in_(municipalities), gone.bsn_index.in_(indexes), gone.state == "merged", ~held)
        .where(survivor.state.not_in(GONE))
        .order_by(gone.id)
    )
    return [(one, other) for one, other in await session.execute(query)]


async def standings_of(session: AsyncSession, clients: Collection[Client]) -> dict[UUID, Standing]:
    """What was heard of each of these clients; who was never heard of gets an empty standing."""
    query = select(Standing).where(Standing.client_id.in_([client.id for client in clients]))
    standings = {standing.client_id: standing for standing in await session.scalars(query)}
    for client in clients:
        if client.id not in standings:
            standings[client.id] = Standing(client_id=client.id, municipality=client.municipality)
            session.add(standings[client.id])
    return standings


async def hold_standings_of(session: AsyncSession, clients: Collection[Client]) -> dict[UUID, Standing]:
    """The same, held until the transaction ends: of two events that a letter waits for, one sees the other."""
    of = {each.id: each.municipality for each in clients}
    if not of:
        return {}
    rows = [{"client_id": id, "municipality": of[id]} for id in sorted(of)]
    await session.execute(insert(Standing).on_conflict_do_nothing(), rows)
    query = select(Standing).where(Standing.client_id.in_(of))
    held = await session.scalars(query.order_by(Standing.client_id).with_for_update())
    return {standing.client_id: standing for standing in held}


async def newest_letter(session: AsyncSession, client_id: UUID, *conditions: Any) -> Letter | None:
    """The letter that went out last to a client, of those that meet the conditions."""
    query = select(Letter).where(Letter.client_id == client_id, *conditions).order_by(Letter.id.desc())
    return (await session.scalars(query.limit(1))).first()


async def last(session: AsyncSession, table: type[Any], client_id: UUID, order: Any, *conditions: Any) -> Any:
    """The newest row of a client in a table, by a column and then by id; None when there is none."""
    query = select(table).where(table.client_id == client_id, *conditions).order_by(order.desc(), table.id.desc())
    return (await session.scalars(query.limit(1))).first()
