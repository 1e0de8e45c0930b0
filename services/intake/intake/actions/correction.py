"""Mistakes happen: identity data are corrected, and two registrations of one person become one (INT-13)."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from chassis.deadlines import Deadline, current
from chassis.problems import Invalid, pointer
from chassis.work import Work
from contracts.intake import ClientsMerged
from intake.actions import audit
from intake.actions.clients import stop_everything
from intake.actions.housing import house
from intake.actions.registration import band_anew, search_tokens
from intake.identity import Identity, bsn_index
from intake.people import CorrectedClient
from intake.problems import AlreadyRegistered, CannotMerge, RegistrationClosed
from intake.rules import Fault, birth_date_faults, bsn_faults, plain_bsn
from intake.tables import (
    GONE,
    Application,
    Attendance,
    AwaitedLetter,
    Client,
    ImportedCase,
    IntakeConversation,
    IntegrationPlan,
    LanguageTest,
    Letter,
    Notification,
    SearchToken,
    Standing,
    client_by_id,
    clients_by_bsn,
    standings_of,
)
from intake.vault import Vault

NEVER_EMPTY = ("bsn", "name", "birth_date", "secret_address")


async def correct(work: Work, vault: Vault, client: Client, corrected: CorrectedClient) -> None:
    """Correct what is given of a client's identity; a corrected birth date may move the age band."""
    if client.state in GONE:
        raise RegistrationClosed(f"The client is {client.state}.")
    given = {field: getattr(corrected, field) for field in corrected.model_fields_set}
    _refuse(_faults(work, given))
    identity = Identity(vault, client)
    if "bsn" in given:
        await _take_bsn(work, vault, client, plain_bsn(given["bsn"]))
        given["bsn"] = plain_bsn(given["bsn"])
    if "secret_address" in given:
        client.secret_address = given["secret_address"]
    if "name" in given:
        name = given["name"]
        identity.write(given=name.given, prefix=name.prefix, family=name.family)
    sealed = ("bsn", "birth_date", "address", "contact", "language")
    identity.write(**{field: given[field] for field in sealed if field in given})
    if "name" in given or "birth_date" in given:
        await _index_anew(work, vault, client, identity)
    if "housed_on" in given:
        await house(work, client, given["housed_on"])
    if "birth_date" in given and client.state == "registered":
        await band_anew(work, client, given["birth_date"])
    audit.record(work, "client.correct", client.municipality, client.id, ",".join(sorted(given)))


async def merge(work: Work, vault: Vault, client_id: UUID, into: UUID) -> Client:
    """Two registrations of one person become one: what the first has moves to the survivor, and its id points there."""
    gone, survivor = await client_by_id(work.session, client_id), await client_by_id(work.session, into)
    if gone.id == survivor.id:
        raise CannotMerge("Both ids are of the same client.")
    if gone.municipality != survivor.municipality:
        raise CannotMerge("They are registered in different municipalities.")
    if "undone" in {gone.state, survivor.state}:
        raise CannotMerge("One of them was undone.")
    await _move_application_reasons(work, vault, gone, survivor)
    for table in (Notification, Application, IntakeConversation, IntegrationPlan, LanguageTest, Letter):
        await work.session.execute(update(table).where(table.client_id == gone.id).values(client_id=survivor.id))
    await _move_unless_there(work, Attendance, Attendance.session_id, gone, survivor)
    await _move_unless_there(work, ImportedCase, ImportedCase.benefit_from, gone, survivor)
    await _move_unless_there(work, AwaitedLetter, AwaitedLetter.kind, gone, survivor)
    await _move_standing(work, gone, survivor)
    await _move_deadlines(work, gone, survivor)
    await _move_partner(work, gone, survivor)
    _fill_in(vault, gone, survivor)
    await work.session.execute(
        update(Client).where(Client.merged_into == gone.id).values(merged_into=survivor.id),
        execution_options={"synchronize_session": "fetch"},
    )
    gone.state, gone.merged_into, gone.ended_on = "merged", survivor.id, work.today
    await stop_everything(work, {gone.id})
    event = ClientsMerged(occurred_on=work.today, by=work.actor, into=survivor.id)
    work.publish(gone.id, gone.municipality, event)
    return survivor


def _faults(work: Work, given: dict[str, Any]) -> list[Fault]:
    empty = [Fault(_camel(field), "cannot be taken away") for field in NEVER_EMPTY if given.get(field, ...) is None]
    bsn = list(bsn_faults("bsn", given["bsn"])) if given.get("bsn") else []
    born = list(birth_date_faults(given["birth_date"], work.today)) if given.get("birth_date") else []
    housed = given.get("housed_on")
    early = [Fault("housedOn", f"lies after today, {work.today}")] if housed and housed > work.today else []
    return [*empty, *bsn, *born, *early]


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(errors=[{"detail": each.detail, "pointer": pointer([each.field])} for each in faults])


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(map(str.capitalize, rest))


async def _take_bsn(work: Work, vault: Vault, client: Client, bsn: str) -> None:
    index = bsn_index(vault, client.municipality, bsn)
    others = await clients_by_bsn(work.session, client.municipality, {index})
    if any(other.bsn_index == index and other.id != client.id for other in others):
        raise AlreadyRegistered("Another client has this BSN; merge the two registrations.")
    client.bsn_index = index


async def _index_anew(work: Work, vault: Vault, client: Client, identity: Identity) -> None:
    await work.session.execute(delete(SearchToken).where(SearchToken.client_id == client.id))
    work.session.add_all(search_tokens(vault, client, identity.name, identity.birth_date))


async def _move_application_reasons(work: Work, vault: Vault, gone: Client, survivor: Client) -> None:
    """What was sealed with the one's key is sealed anew with the other's."""
    old, new = Identity(vault, gone).seal, Identity(vault, survivor).seal
    table = Application.__tablename__
    query = select(Application).where(Application.client_id == gone.id, Application.reason.is_not(None))
    for application in await work.session.scalars(query):
        assert application.reason is not None
        reason = old.open(application.reason, table, "reason", application.id)
        application.reason = new.close(reason, table, "reason", application.id)
    await work.session.flush()


async def _move_unless_there(
    work: Work, table: type[Any], key: InstrumentedAttribute[Any], gone: Client, survivor: Client
) -> None:
    there = aliased(table)
    same = getattr(there, key.key).is_not_distinct_from(key)
    double = exists().where(there.client_id == survivor.id, same)
    await work.session.execute(
        delete(table).where(table.client_id == gone.id, double), execution_options={"synchronize_session": False}
    )
    await work.session.execute(update(table).where(table.client_id == gone.id).values(client_id=survivor.id))


async def _move_standing(work: Work, gone: Client, survivor: Client) -> None:
    """The survivor keeps what was heard of it; what was heard of the other only, it takes over."""
    standings = await standings_of(work.session, [gone, survivor])
    heard, kept = standings[gone.id], standings[survivor.id]
    for field in set(Standing.__table__.columns.keys()) - {"client_id", "municipality"}:
        if getattr(kept, field) is None:
            setattr(kept, field, getattr(heard, field))
    await work.session.flush()
    await work.session.execute(delete(Standing).where(Standing.client_id == gone.id))


async def _move_deadlines(work: Work, gone: Client, survivor: Client) -> None:
    """What is due for the one is due for the other, once."""
    there = {(each.kind, each.ref) for each in await current(work.session, {survivor.id})}
    for deadline in await current(work.session, {gone.id}):
        if (deadline.kind, deadline.ref) not in there:
            deadline.subject = survivor.id
    await work.session.flush()
    await work.session.execute(
        update(Deadline).where(Deadline.subject == gone.id, Deadline.state == "open").values(state="cancelled")
    )


async def _move_partner(work: Work, gone: Client, survivor: Client) -> None:
    """Whose partner the one was is the other's, when that has none; nobody becomes their own."""
    partner = await work.session.get(Client, gone.partner_id) if gone.partner_id else None
    gone.partner_id = None
    if partner is None:
        return
    partner.partner_id = None
    if survivor.partner_id is None and partner.id != survivor.id:
        survivor.partner_id, partner.partner_id = partner.id, survivor.id


def _fill_in(vault: Vault, gone: Client, survivor: Client) -> None:
    """What the survivor's registration lacks, it takes from the other."""
    old, kept = Identity(vault, gone), Identity(vault, survivor)
    lacking = [field for field in ("address", "contact", "language") if getattr(kept, field) is None]
    kept.write(**{field: getattr(old, field) for field in lacking})
    survivor.secret_address = survivor.secret_address or gone.secret_address
    if survivor.housed_on is None:
        survivor.housed_on = gone.housed_on
    if survivor.starting_qualification is None:
        survivor.starting_qualification = gone.starting_qualification
