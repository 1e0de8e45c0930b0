"""Mistakes happen: identity data are corrected (INT-13)."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete

from chassis import sight
from chassis.problems import Invalid, pointer
from chassis.work import Work
from contracts.intake import IdentityCorrected
from intake.actions import audit, numbers
from intake.actions.households import name_partner, renumber
from intake.actions.housing import house
from intake.actions.registration import band_anew, search_tokens
from intake.identity import Identity, bsn_index
from intake.people import CorrectedClient, IdentityField
from intake.problems import AnotherPerson, RegistrationClosed
from intake.rules import BirthDate, Fault, birth_date_faults, bsn_faults, partner_faults, plain_bsn
from intake.tables import (
    GONE,
    Client,
    SearchToken,
    clients_by_bsn,
    newest_letter,
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


def _faults(work: Work, identity: Identity, given: Given) -> list[Fault]:
    empty = [Fault(_camel(field), "cannot be taken away") for field in NEVER_EMPTY if given.get(field, ...) is None]
    own, partner = given.get("bsn"), given.get("partner_bsn")
    mistyped = [
        *(bsn_faults("bsn", own) if own else ()),
        *(partner_faults("partnerBsn", partner, own or identity.bsn) if partner else ()),
    ]
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
