"""What happens to a client's registration: found, corrected, died, moved away, undone."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import delete, select

from chassis.deadlines import cancel, give_up, halt, restart
from chassis.problems import Invalid
from chassis.work import Work
from contracts.intake import (
    ClientDeceased,
    ClientMovedAway,
    ClientRegistrationUndone,
    HouseholdChanged,
    RegistrationRestored,
)
from contracts.model import Event, HouseholdKind
from intake.actions import audit, terms
from intake.actions.letters import withdraw
from intake.identity import Identity
from intake.problems import NothingToRestore, RegistrationClosed
from intake.rules import BirthDate
from intake.tables import Application, AwaitedLetter, Client, Notification, Standing, client_by_id
from intake.vault import Vault

EndedAs = Literal["deceased", "moved_away"]
"""How a registration ends that was none by mistake, and may turn out to be recorded by mistake."""
ON_BENEFIT = ("information_session", "intake", "language_test")
"""The deadlines of who is on benefit or asks for it; what began with housing goes on without."""
ALONE: Mapping[HouseholdKind, HouseholdKind] = {"couple": "single", "couple_with_children": "single_parent"}
"""The form of a household of which one of the two is left."""


async def open_client(work: Work, client_id: UUID) -> Client:
    """The client, whose registration must be open, and is locked: who clicks twice finds what the first click did."""
    client = await client_by_id(work.session, client_id)
    await work.session.refresh(client, with_for_update={"key_share": True})
    if client.state != "registered":
        raise RegistrationClosed(f"The client is {client.state.replace('_', ' ')}.")
    return client


async def decease(work: Work, vault: Vault, client_id: UUID, on: date) -> Client:
    """A client died: everything open stops, and no letter is sent."""
    client = await open_client(work, client_id)
    _in_their_life(vault, client, on)
    await _stop_for_now(work, client, "deceased", on, ClientDeceased(occurred_on=on, by=work.actor))
    return client


async def depart(work: Work, vault: Vault, client_id: UUID, on: date, to: str | None) -> Client:
    """A client left the municipality: everything open stops."""
    client = await open_client(work, client_id)
    _in_their_life(vault, client, on)
    if to == client.municipality:
        raise Invalid.at("#/toMunicipality", "is the municipality where the client lives: correct the address instead")
    event = ClientMovedAway(occurred_on=on, by=work.actor, to_municipality=to)
    await _stop_for_now(work, client, "moved_away", on, event)
    client.moved_to = to
    return client


async def undo(work: Work, vault: Vault, client_id: UUID, reason: str) -> Client:
    """A registration was a mistake: nothing of it remains open."""
    client = await open_client(work, client_id)
    await withdraw(work, client)
    Identity(vault, client).write(undone_because=reason)
    await _let_go_of_partner(work, client)
    await stop_everything(work, {client.id}, work.today)
    _end(work, client, "undone", work.today, ClientRegistrationUndone(occurred_on=work.today, by=work.actor))
    return client


async def restore(work: Work, vault: Vault, client_id: UUID, reason: str) -> Client:
    """A death or departure was recorded by mistake: everything goes on as it stood."""
    client = await client_by_id(work.session, client_id)
    ended_as: EndedAs | None = next((each for each in get_args(EndedAs) if each == client.state), None)
    if ended_as is None:
        raise NothingToRestore(f"The client is {client.state}.")
    Identity(vault, client).write(restored_because=reason)
    assert client.ended_on is not None, "it ended on a day"
    await _reopen(work, client, client.ended_on)
    client.state, client.ended_on = "registered", None
    event = RegistrationRestored(occurred_on=work.today, by=work.actor, ended_as=ended_as)
    work.publish(client.id, client.municipality, event)
    await _together_again(work, client)
    standing = await work.session.get(Standing, client.id)
    has_left = standing is not None and standing.exited_on is not None
    await restart(work, {client.id}, but=ON_BENEFIT if has_left else ())
    audit.record(work, "client.restore", client.municipality, client.id)
    return client


async def leave_benefit(work: Work, since: Mapping[UUID, date], *, for_good: Collection[UUID]) -> None:
    """Journeys ended, each on a day: nothing is due any more that goes with benefit.

    Of who left `for_good`, at pension age, nothing is asked any more either.
    """
    await halt(work, since, ON_BENEFIT, since)
    await _close_cases(work, {client_id: since[client_id] for client_id in for_good})


async def stay_on_benefit(work: Work, client: Client, left_on: date) -> None:
    """The end of the journey was a mistake: what it stopped goes on, unless the client is gone."""
    if client.state == "registered":
        await restart(work, {client.id})
        await _reopen(work, client, left_on)


async def begin_anew(work: Work, client: Client) -> None:
    """Who had moved away is back: what stopped then stays so, and the registration is open."""
    await terms.give_up(work, {client.id})
    client.state, client.ended_on = "registered", None


async def stop_everything(work: Work, client_ids: Collection[UUID], on: date) -> None:
    """Deadlines, notifications, applications and awaited letters of these clients end here, for good."""
    await cancel(work, client_ids)
    await give_up(work, client_ids)
    await work.session.execute(delete(AwaitedLetter).where(AwaitedLetter.client_id.in_(client_ids)))
    await _close_cases(work, dict.fromkeys(client_ids, on))


def _in_their_life(vault: Vault, client: Client, on: date) -> None:
    born = BirthDate.parse(Identity(vault, client).birth_date)
    if born is not None and on < born.first_possible:
        raise Invalid.at("#/on", "lies before the birth date")


async def _stop_for_now(work: Work, client: Client, state: EndedAs, on: date, event: Event) -> None:
    """Everything of the client stops, so that it can go on when this turns out to be a mistake."""
    await halt(work, {client.id})
    await work.session.execute(delete(AwaitedLetter).where(AwaitedLetter.client_id == client.id))
    await _close_cases(work, {client.id: on})
    partner = await _partner_at_home(work, client)
    _end(work, client, state, on, event)
    if partner is not None:
        alone: HouseholdKind | None = next(
            (left for both, left in ALONE.items() if both == partner.household_kind), None
        )
        _change_household(work, partner, alone or partner.household_kind, on)


def _end(work: Work, client: Client, state: str, on: date, event: Event) -> None:
    client.state, client.ended_on = state, on
    work.publish(client.id, client.municipality, event)


async def _partner_at_home(work: Work, client: Client) -> Client | None:
    """The client's partner, who is registered in the same household."""
    partner = await _partner_of_household(work, client)
    return partner if partner is not None and partner.state == "registered" else None


async def _partner_of_household(work: Work, client: Client) -> Client | None:
    """The client's partner, who shares the household, or did until they died or moved away."""
    partner = await work.session.get(Client, client.partner_id) if client.partner_id else None
    return partner if partner is not None and partner.household_id == client.household_id else None


async def _together_again(work: Work, client: Client) -> None:
    """The two are a household as before; where the partner is gone since, it is the client who is left."""
    partner = await _partner_of_household(work, client)
    if partner is None:
        return
    if partner.state == "registered":
        _change_household(work, partner, client.household_kind, work.today)
        return
    together: HouseholdKind | None = next((both for both in ALONE if both == client.household_kind), None)
    if together is not None:
        _change_household(work, partner, together, work.today)
        _change_household(work, client, ALONE[together], work.today)


def _change_household(work: Work, client: Client, kind: str, on: date) -> None:
    """The household has another form since this day; others hear it where they keep it."""
    if kind != client.household_kind:
        client.household_kind = kind
        event = HouseholdChanged.model_validate(
            {"occurred_on": on, "by": work.actor, "household_id": client.household_id, "household_kind": kind}
        )
        work.publish(client.id, client.municipality, event)


async def _let_go_of_partner(work: Work, client: Client) -> None:
    """A registration that was a mistake is nobody's partner; death and departure change nothing about who was."""
    if client.partner_id is not None:
        partner = await work.session.get(Client, client.partner_id)
        client.partner_id = None
        if partner is not None:
            partner.partner_id = None


async def _close_cases(work: Work, since: Mapping[UUID, date]) -> None:
    """Nothing is to come of open notifications and applications any more, of each client since a day."""
    for table, state in _CASES.items() if since else ():
        rows = await work.session.scalars(select(table).where(table.client_id.in_(since), table.state == state))
        for row in rows:
            row.state, row.ended_on = "closed", since[row.client_id]


async def _reopen(work: Work, client: Client, ended_on: date) -> None:
    """What an end on this day closed is open again."""
    for table, state in _CASES.items():
        closed = select(table).where(table.client_id == client.id, table.state == "closed", table.ended_on == ended_on)
        for row in await work.session.scalars(closed):
            row.state, row.ended_on = state, None


_CASES: Mapping[type[Any], str] = {Notification: "open", Application: "filed"}
"""What is open at the gate, and in which state."""
