"""A client goes on with somebody else, with a warm note: one by hand, or all of who leaves or loses a role (ROU-16)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import select

from chassis import sight
from chassis.logs import traced
from chassis.problems import Invalid, NotFound
from chassis.work import Work
from routing.actions import caseworkers, journeys, roster
from routing.actions.caseworkers import Assignment
from routing.actions.journeys import Act
from routing.actions.roster import Roster
from routing.problems import NotCategorised
from routing.tables import Journey, Staff, Transfer

log = structlog.get_logger("transfers")


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who leaves a municipality, or some roles there, who receives the clients, and what is said of each."""

    staff_id: str
    municipality: str
    receivers: Collection[str]
    """The least loaded of these has each client; without any, of all in the role that policy names."""
    note: str
    notes: Mapping[UUID, str]
    """What is said of some clients instead of the note for all."""
    roles: Collection[str] = ()
    """Only the clients guided in these are handed over, and who guides them stays without these roles."""


async def transfer(work: Work, leaving: Leaving) -> tuple[Sequence[Transfer], Sequence[UUID]]:
    """Hand all clients of a leaver over; also gives whose handover failed.

    One that fails leaves the others be; the same again takes up those, and moves nobody twice.
    """
    async with sight.whole(work.session):  # a leaver's clients are handed over, all of them
        return await _transfer(work, leaving)


async def _transfer(work: Work, leaving: Leaving) -> tuple[Sequence[Transfer], Sequence[UUID]]:
    theirs = await _clients_of(work, leaving)
    await _check(work, leaving, theirs)
    await caseworkers.release(work, leaving.staff_id, leaving.municipality, leaving.roles)
    failed = []
    for client_id in theirs:
        try:
            async with work.attempt():
                journey = (await journeys.load(work.session, [client_id]))[client_id]
                await _hand_over(work, journey, leaving.notes.get(client_id, leaving.note), leaving.receivers)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other clients go on
            log.warning("transfer failed", client=str(client_id), **traced(error))
            failed.append(client_id)
    return await _transferred(work, leaving), failed


async def give(work: Work, client_id: UUID, to_id: str, note: str) -> Transfer:
    """Hand one client over to a colleague who is there and has the role; the client's caseworker stays on the staff."""
    journey = await journeys.find_active(work, client_id)
    if journey.caseworker_role is None:
        raise NotCategorised
    people = await roster.today(work, [journey.municipality])
    if fault := _unfit_for(work, journey, to_id, people):
        raise Invalid.at("#/toId", fault)
    async with sight.whole(work.session):  # the receiver may be of a team whose clients the caller does not see
        return await _hand_over(work, journey, note, [to_id])


def _unfit_for(work: Work, journey: Journey, to_id: str, people: Roster) -> str:
    if to_id == journey.caseworker_id:
        return "guides the client already"
    place, role = (journey.municipality, to_id), caseworkers.role_for(work, journey)
    if absent := people.not_there(place):
        return absent
    return "" if role in people.people[place].roles else f"does not have the role that guides the client: {role}"


async def _hand_over(work: Work, journey: Journey, note: str, receivers: Collection[str]) -> Transfer:
    act, before = Act(work.today, work.actor), journey.caseworker_id
    await caseworkers.assign(work, [Assignment(journey, "transfer", act, among=receivers)])
    transfer = Transfer(
        id=work.ids(), municipality=journey.municipality, client_id=journey.client_id, entered_by=act.by,
        from_id=before, to_id=journey.caseworker_id, on=act.on, note=note,
    )  # fmt: skip
    work.session.add(transfer)
    await work.session.flush()
    return transfer


async def _clients_of(work: Work, leaving: Leaving) -> Sequence[UUID]:
    theirs = select(Journey.client_id).where(
        Journey.caseworker_id == leaving.staff_id, Journey.municipality == leaving.municipality,
        Journey.state == "active",
    )  # fmt: skip
    if leaving.roles:
        theirs = theirs.where(Journey.caseworker_role.in_(leaving.roles))
    return (await work.session.scalars(theirs.order_by(Journey.client_id))).all()


async def _transferred(work: Work, leaving: Leaving) -> Sequence[Transfer]:
    found = await work.session.scalars(
        select(Transfer)
        .where(Transfer.from_id == leaving.staff_id, Transfer.municipality == leaving.municipality)
        .order_by(Transfer.id)
    )
    return found.all()


async def _check(work: Work, leaving: Leaving, theirs: Sequence[UUID]) -> None:
    """All faults at once; NotFound for a leaver who never worked here."""
    people = await roster.today(work, [leaving.municipality])
    known = people.people.get((leaving.municipality, leaving.staff_id))
    if known is None:
        raise NotFound(f"Nobody of this id is on the staff of {leaving.municipality}.")
    moved = {each.client_id for each in await _transferred(work, leaving)}
    faults = [
        {"pointer": f"#/to/{place}", "detail": detail}
        for place, receiver in enumerate(leaving.receivers)
        if (detail := _unfit(receiver, leaving, people))
    ]
    faults += [
        {"pointer": f"#/notes/{place}/clientId", "detail": f"is no client of {leaving.staff_id}"}
        for place, client_id in enumerate(leaving.notes)
        if client_id not in moved and client_id not in theirs
    ]
    faults += _faults_in_roles(work, leaving, known, known.roles if not theirs and not moved else leaving.roles)
    if faults:
        raise Invalid(errors=faults)


def _faults_in_roles(work: Work, leaving: Leaving, known: Staff, held: Collection[str]) -> list[dict[str, str]]:
    """Roles that there are not, that the leaver does not hold, or without which nothing is left to do.

    Who handed clients over already may ask the same again, and holds the roles no longer: then `held` is what is asked.
    """
    unknown = {role: f"is no role of {known.id}, who guides nobody in it" for role in leaving.roles if role not in held}
    unknown |= caseworkers.faults_in_roles(work, leaving.municipality, leaving.roles)
    places = {role: place for place, role in enumerate(leaving.roles)}
    faults = [{"pointer": f"#/roles/{places[role]}", "detail": detail} for role, detail in unknown.items()]
    if leaving.roles and not known.manages and places.keys() >= set(known.roles):
        everything = f"is all that {known.id} does; leave it out when {known.id} leaves, or enter another role first"
        faults.append({"pointer": "#/roles", "detail": everything})
    return faults


def _unfit(receiver: str, leaving: Leaving, people: Roster) -> str:
    if receiver == leaving.staff_id:
        return "is who leaves; name somebody else"
    return people.not_there((leaving.municipality, receiver))
