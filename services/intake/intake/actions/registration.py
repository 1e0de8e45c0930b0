"""Registering people: each once in a municipality, partners linked, households shared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import NewDeadline, cancel, set_deadlines
from chassis.work import Work
from contracts.intake import AgeBandChanged, ClientRegistered, PensionAgeNears
from contracts.model import Actor, Origin
from intake.actions import terms
from intake.actions.clients import begin_anew
from intake.actions.housing import begin_guidance, since_housing
from intake.actions.numbers import known_by_merger
from intake.actions.policies import intake_policy
from intake.identity import Identity, bsn_index, name_indexes
from intake.people import Name, NewClient
from intake.rules import BirthDate, plain_bsn
from intake.tables import GONE, Client, SearchToken, clients_by_bsn, merged_by_bsn
from intake.vault import Vault
from policy import Term

PENSION = "pension_notice"
AT_ONCE = Term()
"""No term: the day itself."""


@dataclass(frozen=True)
class Registered:
    """What came of registering one person."""

    client: Client
    is_new: bool
    """False when the person was registered before."""


async def register(
    work: Work, vault: Vault, municipality: str, people: Sequence[NewClient], origin: Origin
) -> list[Registered]:
    """Register people whom the rules do not refuse, in their order; who is known stays as they are."""
    wanted = [named(vault, municipality, person) for person in people]
    every_index = {index for own, partner in wanted for index in (own, partner) if index}
    merged = await merged_by_bsn(work.session, [municipality], every_index)
    register = _Register(await clients_by_bsn(work.session, municipality, every_index), merged)
    by_merger = await known_by_merger(work, vault, municipality, people)
    results = []
    for place, (person, (own, partner)) in enumerate(zip(people, wanted, strict=True)):
        known = register.by_bsn.get(own) or by_merger.get(place)
        client = known or _new_client(work, vault, municipality, person, origin, own, partner)
        if known is None:
            register.admit(client, person.household_id)
        results.append(Registered(client, known is None))
    new = [(result.client, person) for result, person in zip(results, people, strict=True) if result.is_new]
    work.session.add_all(client for client, _ in new)
    await work.session.flush()
    work.session.add_all(_search_tokens(vault, new))
    deadlines: list[NewDeadline] = []
    for client, person in new:
        work.publish(client.id, municipality, _registered(work, client))
        begin_guidance(work, client)
        deadlines += _deadlines(work, client, person)
    await terms.begin(work, deadlines)
    return results


async def household_exists(work: Work, municipality: str, household_id: UUID) -> bool:
    """Whether a client of the municipality belongs to this household."""
    query = select(Client.id).where(
        Client.municipality == municipality, Client.household_id == household_id, Client.state.not_in(GONE)
    )
    return (await work.session.scalars(query.limit(1))).first() is not None


def age_band_deadlines(client: Client, ahead: Sequence[Sequence[str]]) -> list[NewDeadline]:
    """The next birthday that moves the client to another age band; it carries the ones after it along."""
    if not ahead:
        return []
    on = date.fromisoformat(ahead[0][0])
    carried = {"ahead": [list(each) for each in ahead]}
    return [NewDeadline(client.municipality, client.id, "age_band", on, AT_ONCE, "age-bands", data=carried)]


def foresee_pension(work: Work, client: Client, born: BirthDate) -> list[NewDeadline]:
    """Some months before pension age the caseworker is told, where the pack has it: later by a deadline, or now.

    On the first day of the month, so that the event tells the month of a birthday and not the day. Who was told to be
    near it by a birth date that was wrong is not.
    """
    rule, month = intake_policy(work, client.municipality).pension_notice, born.pension_day.replace(day=1)
    if client.pension_told not in {None, month}:
        tell_pension(work, client, None, work.today, work.actor)
    if rule is None or born.pension_day <= work.today or client.pension_told is not None:
        return []
    on = rule.term.before(month)
    if on <= work.today:
        tell_pension(work, client, month, work.today, work.actor)
        return []
    told = {"month": month.isoformat()}
    return [NewDeadline(client.municipality, client.id, PENSION, on, AT_ONCE, rule.id, data=told)]


def tell_pension(work: Work, client: Client, month: date | None, on: date, by: Actor) -> None:
    """Say in which month the client reaches pension age, or that it is not near after all."""
    client.pension_told = month
    work.publish(client.id, client.municipality, PensionAgeNears(occurred_on=on, by=by, reached_in=month))


def ahead_of(born: BirthDate, today: date) -> list[list[str]]:
    """The birthdays that move the age band from today on, each with its band."""
    return [[on.isoformat(), band] for on, band in born.bands_after(today)]


async def band_anew(work: Work, client: Client, birth_date: str) -> None:
    """Reckon the age band and its next change from a birth date that was corrected, or from that of who came back.

    The band is said to hold from the birthday that moved it, or from the registration where that was later.
    """
    born = BirthDate.parse(birth_date)
    assert born is not None, "the rules refuse whoever has no birth date"
    band = born.band(work.today)
    if band != client.age_band:
        moved = (on for on, _ in born.bands_after(client.registered_on) if on <= work.today)
        since = max(moved, default=client.registered_on)
        event = AgeBandChanged(occurred_on=since, by=work.actor, age_band=band, previous=client.age_band)
        client.age_band = band
        work.publish(client.id, client.municipality, event)
    await cancel(work, {client.id}, ("age_band", PENSION))
    ahead = age_band_deadlines(client, ahead_of(born, work.today))
    await set_deadlines(work, ahead + foresee_pension(work, client, born))


async def come_back(work: Work, vault: Vault, client: Client) -> None:
    """Who had moved away lives here again: the registration is open, and birthdays count."""
    await begin_anew(work, client)
    await band_anew(work, client, Identity(vault, client).birth_date)


class _Register:
    """Who is registered in a municipality, as far as the people in hand concern it."""

    def __init__(self, clients: Iterable[Client], merged: Iterable[tuple[Client, Client]]) -> None:
        self.by_bsn = {client.bsn_index: client for client in clients}
        self._survivors = {gone.bsn_index: survivor for gone, survivor in merged}
        self._by_partner = {client.partner_index: client for client in self.by_bsn.values() if client.partner_index}

    def admit(self, client: Client, household_id: UUID | None) -> None:
        """Take a new client in, linked to the partner when that one is here; they share the partner's household."""
        partner = self._partner_of(client)
        if household_id is not None:
            client.household_id = household_id
        if partner is not None:
            client.household_id = partner.household_id
            client.partner_id, partner.partner_id = partner.id, client.id
        self.by_bsn[client.bsn_index] = client
        if client.partner_index:
            self._by_partner[client.partner_index] = client

    def _partner_of(self, client: Client) -> Client | None:
        """Whom the client names, or who names the client; nobody who has or names another."""
        named = client.partner_index
        if named is None:
            found = self._by_partner.get(client.bsn_index)
        else:
            found = self.by_bsn.get(named) or self._survivors.get(named)
        if found is None or found.partner_id is not None:
            return None
        return found if found.partner_index in {None, client.bsn_index} else None


def named(vault: Vault, municipality: str, person: NewClient) -> tuple[bytes, bytes | None]:
    """The blind indexes of a person's BSN and of the partner's."""
    own = bsn_index(vault, municipality, plain_bsn(person.bsn))
    return own, bsn_index(vault, municipality, plain_bsn(person.partner_bsn)) if person.partner_bsn else None


def _new_client(
    work: Work, vault: Vault, municipality: str, person: NewClient, origin: Origin, own: bytes, partner: bytes | None
) -> Client:
    born = BirthDate.parse(person.birth_date)
    assert born is not None, "the rules refuse whoever has no birth date"
    id = work.ids()
    seal = vault.new_seal(id)
    client = Client(
        id=id, municipality=municipality, origin=origin, registered_on=work.today, state="registered",
        household_id=work.ids(), household_kind=person.household_kind, partner_id=None, partner_index=partner,
        permit_holder=person.permit_holder, housed_on=person.housed_on, without_benefit=person.without_benefit,
        starting_qualification=person.starting_qualification, secret_address=person.secret_address,
        age_band=born.band(work.today), key_id=seal.key_id, wrapped_key=seal.wrapped, bsn_index=own,
    )  # fmt: skip
    Identity(vault, client).write(
        bsn=plain_bsn(person.bsn), given=person.name.given, prefix=person.name.prefix, family=person.name.family,
        birth_date=person.birth_date, address=person.address, contact=person.contact, language=person.language,
    )  # fmt: skip
    return client


def _search_tokens(vault: Vault, new: Iterable[tuple[Client, NewClient]]) -> list[SearchToken]:
    return [token for client, person in new for token in search_tokens(vault, client, person.name, person.birth_date)]


def search_tokens(vault: Vault, client: Client, name: Name, birth_date: str | None) -> list[SearchToken]:
    """What a client is found by when somebody searches by name and birth year."""
    born = BirthDate.parse(birth_date)
    if born is None:
        return []
    indexes = dict.fromkeys(name_indexes(vault, client.municipality, name, born))
    return [SearchToken(client_id=client.id, municipality=client.municipality, token=index) for index in indexes]


def _deadlines(work: Work, client: Client, person: NewClient) -> list[NewDeadline]:
    born = BirthDate.parse(person.birth_date)
    assert born is not None, "the rules refuse whoever has no birth date"
    return [
        *age_band_deadlines(client, ahead_of(born, work.today)),
        *foresee_pension(work, client, born),
        *since_housing(work, client),
    ]


def _registered(work: Work, client: Client) -> ClientRegistered:
    return ClientRegistered(
        occurred_on=work.today, by=work.actor, origin=client.origin, age_band=client.age_band,
        household_id=client.household_id, household_kind=client.household_kind, permit_holder=client.permit_holder,
        without_benefit=client.without_benefit, starting_qualification=client.starting_qualification,
    )  # fmt: skip
