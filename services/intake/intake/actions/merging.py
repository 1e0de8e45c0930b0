"""Two registrations of one person become one, and become two again when that was a mistake (INT-13)."""

from collections.abc import Collection, Mapping
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from chassis import sight
from chassis.consumer import Handlers
from chassis.deadlines import CURRENT, HALTED, Deadline, cancel, current, set_deadlines
from chassis.images import OfClients
from chassis.mergers import Merger as Merging
from chassis.mergers import Mergers, Undone, reversal_rule
from chassis.problems import Forbidden, NotFound
from chassis.work import Work
from contracts import Envelope
from contracts.intake import ClientErased, ClientsMerged, MergerUndone
from intake.actions import audit, terms
from intake.actions.clients import stop_everything
from intake.actions.gate import AT_THE_GATE
from intake.actions.letters import AwaitedLetters, LastTold, tell_of_merger
from intake.actions.registration import age_band_deadlines, ahead_of, band_anew
from intake.identity import Identity
from intake.problems import (
    AlreadyRegistered,
    CannotMerge,
    CannotUndoMerger,
    Ended,
    MergedSince,
    MergerTermOver,
)
from intake.rules import BirthDate
from intake.tables import (
    Application,
    Attendance,
    AwaitedLetter,
    Client,
    ImportedCase,
    IntakeConversation,
    IntegrationPlan,
    LanguageTest,
    Letter,
    Merger,
    Notification,
    Standing,
    client_by_id,
    clients_by_bsn,
    hold_standings_of,
    last,
    newest_letter,
    standings_of,
)
from intake.vault import Seal, Vault
from policy import reckon

AGE_BAND = "age_band"
"""The deadline that follows from a birth date, and not from whose it was."""
_MOVING = (Notification, Application, IntakeConversation, IntegrationPlan, LanguageTest, Letter)
_GUIDED_BY = ("caseworker_id", "caseworker_role", "handed_over_on")
_TABLES = (
    OfClients(Client, by=("id", "partner_id", "merged_into")),
    *(OfClients(each, also=("state",), told=True) for each in (Notification, Application)),
    *(OfClients(each, told=True) for each in _MOVING if each not in (Notification, Application)),
    *(OfClients(each) for each in (Attendance, ImportedCase)),
    OfClients(AwaitedLetter, also=("client_id", "awaits")),
    OfClients(Standing, together=(("category", "track", "assessment_id", "named_role"), _GUIDED_BY)),
    OfClients(Deadline, by=("subject",), also=("state",), where=f"kind <> '{AGE_BAND}'"),
)
_ERASED = text("SELECT EXISTS (SELECT FROM outbox WHERE subject = ANY (:clients) AND type = :erased)")


def mergers(heard: Handlers, vault: Vault | None = None) -> Mergers:
    """How intake merges, given what it hears; without a vault it only remembers what is heard of who had gone."""
    return Mergers(
        heard, *_TABLES, now=_now, hold=_hold, merge=partial(_merge, vault=vault), follow=partial(_follow, vault=vault)
    )


async def merge(work: Work, vault: Vault, heard: Handlers, client_id: UUID, into: UUID) -> Client:
    """Two registrations of one person become one: what the first has moves to the survivor, and its id points there."""
    gone, survivor = await _two_held(work, client_id, into)
    if gone.municipality != survivor.municipality:
        raise CannotMerge("They are registered in different municipalities.")
    _say_where_it_cannot_be_told_who_lives(gone, survivor)
    event = ClientsMerged(occurred_on=work.today, by=work.actor, into=survivor.id)
    said = _said(work, gone, event)
    async with sight.whole(work.session):  # a partner may be another team's client
        await mergers(heard, vault).merge(work, said)
    rule = reversal_rule(work, gone.municipality, work.today)
    work.session.add(
        Merger(
            id=said.id, municipality=gone.municipality, client_id=gone.id, into=survivor.id, merged_on=work.today,
            merged_by=work.actor, undo_until=reckon(work.today, rule.term).due_on if rule else None,
        )
    )  # fmt: skip
    audit.record(work, "client.merge", gone.municipality, gone.id, f"into {survivor.id}")
    return survivor


def _say_where_it_cannot_be_told_who_lives(gone: Client, survivor: Client) -> None:
    """A person decides who is dead, and who lives here: no merger does, nor does one bring a dead client back."""
    states = {gone.state, survivor.state}
    if "undone" in states:
        raise CannotMerge("One of them was undone.")
    if states == {"deceased", "registered"}:
        raise CannotMerge(
            "One is recorded as deceased, the other is not. Record the death of the other too, or take it back where"
            " it was a mistake; then merge them."
        )
    if survivor.state == "moved_away" and gone.state != "moved_away":
        raise CannotMerge(
            f"The registration that would stay is of who moved away, the other is {gone.state}: merge them the other"
            " way round."
        )


async def _two_held(work: Work, *ids: UUID) -> list[Client]:
    """The clients of two ids, locked as they stand now: who clicks twice merges once."""
    found = [await client_by_id(work.session, each) for each in ids]
    held = select(Client).where(Client.id.in_({each.id for each in found})).order_by(Client.id).with_for_update()
    await work.session.scalars(held.execution_options(populate_existing=True))
    if len({(await client_by_id(work.session, each)).id for each in ids}) == 1:
        raise CannotMerge("Both ids are of the same client.")
    if any(each.merged_into is not None for each in found):
        raise CannotMerge("Somebody merged one of them at this moment: look again who they are.")
    return found


async def undo(work: Work, vault: Vault, heard: Handlers, merger_id: UUID, reason: str) -> Merger:
    """The merger was a mistake: a named person says so within the term, and each client is their own again."""
    if not work.actor.startswith("staff:"):
        raise Forbidden("A person undoes a merger; the access token names none.")
    merger = await find(work, merger_id, lock=True)
    async with sight.whole(work.session):  # who had gone may be another team's client
        gone = await _undoable(work, merger)
        reason_sealed = Identity(vault, gone).seal.close(reason, Merger.__tablename__, "undone_because", merger.id)
        merger.undone_on, merger.undone_by, merger.undone_because = work.today, work.actor, reason_sealed
        event = MergerUndone(occurred_on=work.today, by=work.actor, into=merger.into, merger_id=merger.id)
        audit.record(work, "merger.undo", gone.municipality, gone.id, f"beside {merger.into}")
        await mergers(heard, vault).undo(work, _said(work, gone, event))
        await work.session.refresh(merger)
    return merger


async def find(work: Work, merger_id: UUID, *, lock: bool = False) -> Merger:
    """A merger; NotFound when its survivor is not in sight."""
    merger = await work.session.get(Merger, merger_id, with_for_update=lock or None)
    if merger is None:
        raise NotFound("There is no merger of this id.")
    return merger


async def _undoable(work: Work, merger: Merger) -> Client:
    """The client who had gone, where everything lets them be one again; each thing that does not is refused by name."""
    gone, survivor = (
        await work.session.get_one(Client, merger.client_id),
        await work.session.get_one(Client, merger.into),
    )
    if merger.undone_on is not None:
        raise Ended(f"The merger was undone on {merger.undone_on} already.")
    if merger.undo_until is None:
        raise CannotUndoMerger("The municipality's policy of that day has no term for it.")
    if work.today > merger.undo_until:
        raise MergerTermOver(f"The last day was {merger.undo_until}.", lastDay=merger.undo_until.isoformat())
    if survivor.merged_into is not None:
        raise MergedSince(f"Undo the merger of {survivor.id} first.")
    erased = {"clients": [gone.id, survivor.id], "erased": ClientErased.type()}
    if await work.session.scalar(_ERASED, erased):
        raise CannotUndoMerger("The identity of one of the two was erased since.")
    others = await clients_by_bsn(work.session, gone.municipality, {gone.bsn_index})
    if any(other.bsn_index == gone.bsn_index and other.id != gone.id for other in others):
        raise AlreadyRegistered("The BSN of the client who had gone was registered again since.")
    return gone


def _said(work: Work, about: Client, event: Any) -> Envelope[Any]:
    """Publish what happened; as others will hear it."""
    event_id = work.publish(about.id, about.municipality, event)
    return Envelope(event_id, about.id, about.municipality, work.clock.wall(), event)


async def _now(work: Work, ids: Collection[UUID]) -> dict[UUID, UUID]:
    merged = await work.session.execute(
        select(Client.id, Client.merged_into).where(Client.id.in_(ids), Client.merged_into.is_not(None))
    )
    return {old: new for old, new in merged if new is not None}


async def _hold(work: Work, clients: Mapping[UUID, str]) -> None:
    found = await work.session.scalars(
        select(Client).where(Client.id.in_(clients)).order_by(Client.id).with_for_update()
    )
    await hold_standings_of(work.session, found.all())


async def _merge(work: Work, merging: Merging, vault: Vault | None) -> None:
    assert vault is not None, "what is heard merges nobody here"
    gone, survivor = await _both(work, merging)
    standings = await standings_of(work.session, [gone, survivor])
    told = [await LastTold.of(work, each, standings[each.id]) for each in (gone, survivor)]
    seals = Identity(vault, gone).seal, Identity(vault, survivor).seal
    await _seal_reasons_anew(work, gone, *seals)
    for table in _MOVING:
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
    gone.state, gone.merged_into, gone.ended_on = "merged", survivor.id, merging.on
    await stop_everything(work, {gone.id}, merging.on)
    await tell_of_merger(work, survivor, standings[survivor.id], told)


async def _follow(work: Work, undone: Undone, vault: Vault | None) -> None:
    """Seals, age bands and partners; birthdays that passed meanwhile are told by the sweeper, each on its day."""
    assert vault is not None, "what is heard undoes nothing here"
    gone, survivor = await _both(work, undone.merger)
    await _seal_reasons_anew(work, gone, Identity(vault, survivor).seal, Identity(vault, gone).seal)
    for client in (gone, survivor):
        await _let_go_of_whose_partner_is_another(work, client)
    await _tell_survivor(work, undone, survivor)
    if gone.state == "registered":
        await _letters_wait(work, undone, gone)
        await _open_at_the_gate(work, undone)
        await _terms_run(work, undone)
        await _birthdays(work, vault, gone, undone.merger.on)
    if survivor.state == "registered":
        born = await _birthdays(work, vault, survivor, work.today)
        if survivor.age_band != born.band(work.today):  # a birthday of who had gone had moved it
            await band_anew(work, survivor, Identity(vault, survivor).birth_date)


async def _tell_survivor(work: Work, undone: Undone, survivor: Client) -> None:
    """What letters told of the standing that the survivor had of who had gone is corrected."""
    standing = (await hold_standings_of(work.session, [survivor]))[survivor.id]
    back = next((each for each in undone.restored(Standing) if each.key["client_id"] == str(survivor.id)), None)
    if back is not None and back.was is not None and back.now is not None:
        track, caseworker = [
            back.now[name] if name in back.was else getattr(standing, name) for name in ("track", "caseworker_id")
        ]
        told = LastTold(await newest_letter(work.session, survivor.id), (track, caseworker))
        await tell_of_merger(work, survivor, standing, [told])


async def _letters_wait(work: Work, undone: Undone, gone: Client) -> None:
    """A letter that went to the survivor meanwhile told who had gone nothing: it waits for what it waited for."""
    letters = await AwaitedLetters.of(work, [gone.id])
    for change in undone.changed(AwaitedLetter):
        kind, was = change.key["kind"], change.before
        if was.get("client_id") == str(gone.id) and not letters.awaited(gone, kind):
            letters.wait(gone, kind, was["awaits"])


async def _birthdays(work: Work, vault: Vault, client: Client, since: date) -> BirthDate:
    """The next birthday that moves the age band, from a day on, is this client's own."""
    born = BirthDate.parse(Identity(vault, client).birth_date)
    assert born is not None, "the rules refuse whoever has no birth date"
    await cancel(work, {client.id}, (AGE_BAND,))
    await set_deadlines(work, age_band_deadlines(client, ahead_of(born, since)))
    return born


async def _open_at_the_gate(work: Work, undone: Undone) -> None:
    """What an application or the end of the survivor closed of who had gone is open: that was not theirs."""
    at_the_gate: tuple[tuple[type[Any], str], ...] = ((Notification, "open"), (Application, "filed"))
    for table, state in at_the_gate:
        theirs = [each.id for each in undone.changed(table) if each.before.get("state") == state]
        closed = (table.id.in_(theirs), table.client_id == undone.merger.gone, table.state.in_(("applied", "closed")))
        for row in await work.session.scalars(select(table).where(*closed)):
            row.state, row.ended_on = state, None


async def _terms_run(work: Work, undone: Undone) -> None:
    """What ended for the survivor meanwhile runs on; at the gate, for who still waits for a decision."""
    gone = undone.merger.gone
    waits = await last(work.session, Application, gone, Application.filed_on, Application.state == "filed")
    ran = {each.id: each.before["state"] for each in undone.changed(Deadline) if each.before.get("state") in CURRENT}
    there = {(each.kind, each.ref) for each in await current(work.session, {gone})}
    cancelled = select(Deadline).where(Deadline.id.in_(ran), Deadline.subject == gone, Deadline.state == "cancelled")
    stopped = [each for each in await work.session.scalars(cancelled) if (each.kind, each.ref) not in there]
    decided = [each for each in stopped if each.kind in AT_THE_GATE and waits is None]
    for deadline in stopped:
        if deadline not in decided:
            deadline.state, deadline.set_on = ran[deadline.id], work.today
            deadline.data = {name: value for name, value in deadline.data.items() if name != HALTED}
    terms.tell_none_waits(work, decided)


async def _both(work: Work, merging: Merging) -> tuple[Client, Client]:
    gone, survivor = [await work.session.get_one(Client, each, populate_existing=True) for each in merging.clients]
    return gone, survivor


async def _let_go_of_whose_partner_is_another(work: Work, client: Client) -> None:
    """A partner who found another partner meanwhile keeps that one."""
    partner = await work.session.get(Client, client.partner_id) if client.partner_id else None
    if partner is not None and partner.partner_id != client.id:
        client.partner_id = None


async def _seal_reasons_anew(work: Work, applications_of: Client, old: Seal, new: Seal) -> None:
    """What was sealed with the one's key is sealed anew with the other's; what that opens already stays as it is."""
    table = Application.__tablename__
    query = select(Application).where(Application.client_id == applications_of.id, Application.reason.is_not(None))
    for application in await work.session.scalars(query):
        assert application.reason is not None
        if not new.opens(application.reason, table, "reason", application.id):
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
        if _was_there_at_exit(gone, heard, kept):
            moves = {"exited_on", "exit_id"}
        else:
            moves = set(Standing.__table__.columns.keys()) - {"client_id", "municipality", "diagnosed_on"}
        for field in moves:
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


def _was_there_at_exit(gone: Client, heard: Standing, kept: Standing) -> bool:
    """Whether who goes was registered when the other left, and nothing was decided of them: then the category stays.

    Ids sort by the moment at which they were made.
    """
    return heard.category is None and kept.exit_id is not None and gone.id < kept.exit_id


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
