"""Mistakes happen: identity data are corrected, and two registrations of one person become one (INT-13)."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from chassis import sight
from chassis.deadlines import Deadline, current
from chassis.problems import Invalid, pointer
from chassis.work import Work
from contracts.intake import ClientsMerged, IdentityCorrected
from intake.actions import audit, numbers
from intake.actions.clients import stop_everything
from intake.actions.households import name_partner, renumber
from intake.actions.housing import house
from intake.actions.letters import LastTold, tell_of_merger
from intake.actions.registration import band_anew, search_tokens
from intake.identity import Identity, bsn_index
from intake.people import CorrectedClient, IdentityField
from intake.problems import AnotherPerson, CannotMerge, RegistrationClosed
from intake.rules import BirthDate, Fault, birth_date_faults, bsn_faults, plain_bsn
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
    newest_letter,
    standings_of,
)
from intake.vault import Vault

NEVER_EMPTY = ("bsn", "name", "birth_date", "secret_address")
NUMBERS = ("bsn", "partner_bsn")
SEALED = ("bsn", "birth_date", "address", "contact", "language")
WHO_SOMEBODY_IS = frozenset({"bsn", "name", "birth_date"})

Given = dict[str, Any]
"""Values by the field that they are of, in the words of `CorrectedClient`."""


class NumberTaken(Exception):
    """Another client of the municipality has the BSN that a correction gives."""

    def __init__(self, client_id: UUID) -> None:
        super().__init__("another client has this BSN")
        self.client_id = client_id


async def correct(work: Work, vault: Vault, client: Client, corrected: CorrectedClient) -> None:
    """Correct what is given of a client's identity, and what followed from what was wrong.

    NumberTaken when the right BSN is another client's; AnotherPerson where the letters that were sent about this
    registration went to somebody else than who it would be of.
    """
    if client.state in GONE:
        raise RegistrationClosed(f"The client is {client.state}.")
    identity = Identity(vault, client)
    given = {field: getattr(corrected, field) for field in corrected.model_fields_set - {"same_person"}}
    _refuse(_faults(work, identity, given))
    given |= {field: plain_bsn(given[field]) for field in NUMBERS if given.get(field)}
    before = _known(client, identity)
    wrong = {field: value for field, value in given.items() if _as_kept(vault, client, field, value) != before[field]}
    if not wrong:
        return
    await _same_person(work, client, wrong, sure=corrected.same_person)
    async with sight.whole(work.session):  # who has the number, and who is whose partner, whoever guides them
        taken = await _whose(work, vault, client, wrong.get("bsn"))
        if taken is None:
            with work.session.no_autoflush:  # one correction is one version of the client
                await _set_right(work, vault, client, wrong)
    if taken is not None:
        raise NumberTaken(taken.id)
    audit.record(work, "client.correct", client.municipality, client.id, ",".join(sorted(wrong)))
    _say(work, client, before, _known(client, identity), wrong)


async def merge(work: Work, vault: Vault, client_id: UUID, into: UUID) -> Client:
    """Two registrations of one person become one: what the first has moves to the survivor, and its id points there."""
    gone, survivor = await client_by_id(work.session, client_id), await client_by_id(work.session, into)
    if gone.id == survivor.id:
        raise CannotMerge("Both ids are of the same client.")
    if gone.municipality != survivor.municipality:
        raise CannotMerge("They are registered in different municipalities.")
    if "undone" in {gone.state, survivor.state}:
        raise CannotMerge("One of them was undone.")
    standings = await standings_of(work.session, [gone, survivor])
    told = [await LastTold.of(work, each, standings[each.id]) for each in (gone, survivor)]
    await _move_application_reasons(work, vault, gone, survivor)
    for table in (Notification, Application, IntakeConversation, IntegrationPlan, LanguageTest, Letter):
        await work.session.execute(update(table).where(table.client_id == gone.id).values(client_id=survivor.id))
    await _move_unless_there(work, Attendance, Attendance.session_id, gone, survivor)
    await _move_unless_there(work, ImportedCase, ImportedCase.benefit_from, gone, survivor)
    await _move_standing(work, gone, survivor)
    await _move_deadlines(work, gone, survivor)
    await _move_partner(work, gone, survivor)
    _fill_in(vault, gone, survivor)
    await work.session.execute(
        update(Client).where(Client.merged_into == gone.id).values(merged_into=survivor.id),
        execution_options={"synchronize_session": "fetch"},
    )
    gone.state, gone.merged_into, gone.ended_on = "merged", survivor.id, work.today
    await stop_everything(work, {gone.id}, work.today)
    event = ClientsMerged(occurred_on=work.today, by=work.actor, into=survivor.id)
    work.publish(gone.id, gone.municipality, event)
    await tell_of_merger(work, survivor, standings[survivor.id], told)
    return survivor


def _faults(work: Work, identity: Identity, given: Given) -> list[Fault]:
    empty = [Fault(_camel(field), "cannot be taken away") for field in NEVER_EMPTY if given.get(field, ...) is None]
    mistyped = [fault for field in NUMBERS if given.get(field) for fault in bsn_faults(_camel(field), given[field])]
    own = given.get("bsn") or identity.bsn
    if not mistyped and given.get("partner_bsn") and plain_bsn(given["partner_bsn"]) == plain_bsn(own):
        mistyped = [Fault("partnerBsn", "is the client's own")]
    born = list(birth_date_faults(given["birth_date"], work.today)) if given.get("birth_date") else []
    housed = given.get("housed_on")
    early = [Fault("housedOn", f"lies after today, {work.today}")] if housed and housed > work.today else []
    return [*empty, *mistyped, *born, *early]


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(errors=[{"detail": each.detail, "pointer": pointer([each.field])} for each in faults])


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(map(str.capitalize, rest))


def _known(client: Client, identity: Identity) -> Given:
    """What is known now of every field that can be corrected; of the partner's BSN, the blind index."""
    return {
        "bsn": identity.bsn, "name": identity.name, "birth_date": identity.birth_date, "address": identity.address,
        "secret_address": client.secret_address, "contact": identity.contact, "language": identity.language,
        "partner_bsn": client.partner_index, "housed_on": client.housed_on,
    }  # fmt: skip


def _as_kept(vault: Vault, client: Client, field: str, value: Any) -> Any:
    return bsn_index(vault, client.municipality, value) if field == "partner_bsn" and value else value


async def _same_person(work: Work, client: Client, wrong: Given, *, sure: bool) -> None:
    """Nobody becomes somebody else after letters went out, for these cannot be called back under another name."""
    if sure or not wrong.keys() >= WHO_SOMEBODY_IS:
        return
    if await newest_letter(work.session, client.id) is not None:
        raise AnotherPerson(
            "Letters went to who this is registered as. Undo this registration and register the resident anew; or say"
            " `samePerson` when it is the same person, of whom all three were entered wrongly."
        )


async def _whose(work: Work, vault: Vault, client: Client, bsn: str | None) -> Client | None:
    """Which other client of the municipality has this BSN."""
    if bsn is None:
        return None
    index = bsn_index(vault, client.municipality, bsn)
    others = await clients_by_bsn(work.session, client.municipality, {index})
    return next((other for other in others if other.bsn_index == index and other.id != client.id), None)


async def _set_right(work: Work, vault: Vault, client: Client, wrong: Given) -> None:
    """Write what is right, and what follows from it: numbers, links, search, terms since housing, the age band."""
    identity = Identity(vault, client)
    old = client.bsn_index
    _write(client, identity, wrong)
    if "bsn" in wrong:
        await renumber(work, client, old, bsn_index(vault, client.municipality, wrong["bsn"]))
    if "name" in wrong or "birth_date" in wrong:
        await _index_anew(work, vault, client, identity)
        await numbers.forget(work, client)
    elif "bsn" in wrong:  # it was mistyped, so that a file may still name the client by it
        await numbers.keep(work, client, old)
    if "partner_bsn" in wrong:
        await name_partner(work, client, _as_kept(vault, client, "partner_bsn", wrong["partner_bsn"]))
    if "housed_on" in wrong:
        await house(work, client, wrong["housed_on"])
    if "birth_date" in wrong and client.state == "registered":
        await band_anew(work, client, wrong["birth_date"])


def _write(client: Client, identity: Identity, wrong: Given) -> None:
    if "secret_address" in wrong:
        client.secret_address = wrong["secret_address"]
    if "name" in wrong:
        name = wrong["name"]
        identity.write(given=name.given, prefix=name.prefix, family=name.family)
    identity.write(**{field: wrong[field] for field in SEALED if field in wrong})


def _say(work: Work, client: Client, before: Given, now: Given, wrong: Given) -> None:
    """Say which fields were wrong, and what of it partners may have been shown."""
    fields = tuple(sorted(wrong.keys() - {"housed_on"}))
    if fields:
        was, is_now = _shown(before), _shown(now)
        shown = tuple(sorted(field for field in was if was[field] != is_now[field]))
        event = IdentityCorrected(occurred_on=work.today, by=work.actor, fields=fields, shown=shown)
        work.publish(client.id, client.municipality, event)


def _shown(known: Given) -> dict[IdentityField, Any]:
    born = BirthDate.parse(known["birth_date"])
    return {
        "name": known["name"], "contact": known["contact"], "language": known["language"],
        "birth_year": born.year if born else None,
        "address": None if known["secret_address"] else known["address"],
    }  # fmt: skip


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
    """The standing of one of the two counts, whole, with the letters that it awaits; the other's is forgotten."""
    standings = await standings_of(work.session, [gone, survivor])
    heard, kept = standings[gone.id], standings[survivor.id]
    kept.diagnosed_on = kept.diagnosed_on or heard.diagnosed_on
    forgotten = gone
    if _counts(heard, kept):
        forgotten = survivor
        for field in set(Standing.__table__.columns.keys()) - {"client_id", "municipality", "diagnosed_on"}:
            setattr(kept, field, getattr(heard, field))
    await work.session.flush()
    await work.session.execute(delete(AwaitedLetter).where(AwaitedLetter.client_id == forgotten.id))
    moved = update(AwaitedLetter).where(AwaitedLetter.client_id == gone.id)
    await work.session.execute(moved.values(client_id=survivor.id))
    await work.session.execute(delete(Standing).where(Standing.client_id == gone.id))


def _counts(heard: Standing, kept: Standing) -> bool:
    """Whether it is who goes that is on a journey, where the other left or has no category: then that standing holds.

    So it is in routing, which goes on with the journey of that one.
    """
    nowhere = kept.category is None and heard.category is not None
    return heard.exited_on is None and (kept.exited_on is not None or nowhere)


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
