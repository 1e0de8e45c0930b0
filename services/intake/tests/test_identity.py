"""Who a client is, stays here: sealed in the tables, told to who may know, written in no event and no log."""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from chassis.ids import new_id
from contracts.diagnosis import ClientCategorised, Traits
from contracts.routing import CaseworkerAssigned
from intake.tables import Client
from intake.vault import Broken, Vault

if TYPE_CHECKING:
    from tests.conftest import Intake

MARKED: dict[str, Any] = {
    "name": {"given": "Merkgiven", "prefix": "van merk", "family": "Merkfamily"},
    "birthDate": "1981-11-23",
    "address": {
        "street": "Merkstraat", "houseNumber": "Merk9", "postcode": "9999MK", "city": "Merkstad", "lines": ["Merklijn"],
    },
    "contact": {"email": "merk@example.org", "phone": "0699999999"},
    "language": "merkspraak",
}  # fmt: skip
MARKS = ("erkgiven", "van merk", "erkfamily", "1981-11-23", "erkstraat", "Merk9", "9999MK", "erkstad", "erklijn",
         "merk@example", "0699999999", "merkspraak", "merkreden", "merkfam")  # fmt: skip


async def test_no_identity_leaves_the_sealed_columns(
    intake: Intake, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bsn, partner, corrected = (next(intake.bsns) for _ in range(3))
    client, application = await intake.applicant(bsn=bsn, partnerBsn=partner, secretAddress=True, **MARKED)
    await intake.refused("/clients", intake.person(bsn=bsn, **MARKED))
    await intake.refused("/clients", intake.person(**{**MARKED, "birthDate": "2020-11-23", "nope": "merkreden"}), 400)
    await intake.done("/client-searches", {"bsn": bsn})
    await intake.done("/client-searches", {"familyName": "Merkfamily", "birthYear": 1981})
    traits = Traits(scheme="s", category="1A", track="reintegration", status="decided", basis="assessment",
                    confirmed="changed")  # fmt: skip
    day = date(2024, 2, 1)
    await intake.hear(
        client,
        CaseworkerAssigned(occurred_on=day, by="clock", caseworker_id="w", role="r", occasion="categorised"),
        ClientCategorised(occurred_on=day, by="staff:x", assessment_id=new_id(), old_category=None, old_track=None,
                          traits=traits, receipt=None),
        CaseworkerAssigned(occurred_on=day, by="clock", caseworker_id="w", role="r", occasion="categorised"),
    )  # fmt: skip
    letters = (await intake.get(f"/clients/{client}/letters")).json()["items"]
    assert "Merkgiven van merk Merkfamily" in (await intake.get(f"/letters/{letters[0]['id']}")).json()["body"]
    headers = intake.token() | {"If-Match": "*"}
    await intake.service.http.patch(f"/v1/clients/{client}", json={"bsn": corrected}, headers=headers)
    await intake.done(f"/applications/{application}/decisions", {"outcome": "refused", "reason": "merkreden"})
    await intake.done(f"/clients/{client}/cancellations", {"reason": "merkreden"})

    everything = await _every_table(intake)
    logged = "".join((*capsys.readouterr(), caplog.text))

    assert len(await intake.said(subject=client)) >= 6
    assert "letter-sent" in everything
    assert "route=/clients" in logged
    for mark in (*MARKS, bsn, partner, corrected):
        assert mark not in everything, mark
        assert mark not in logged, mark


async def _every_table(intake: Intake) -> str:
    """Every row of every table, bytes also as text."""
    names = await intake.rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    found = []
    for (name,) in names:
        for row in await intake.rows(f"SELECT * FROM {name}"):
            found += [str(cell, "latin-1") if isinstance(cell, bytes) else str(cell) for cell in row]
    return "\n".join(found)


async def test_a_service_gets_the_fields_that_it_asks_for(intake: Intake) -> None:
    open_, secret = await intake.client(**MARKED), await intake.client(**MARKED, secretAddress=True)
    service = intake.token("service", sub=None, azp="partners")
    fields = "name,contact,birth_year,address,language"

    some = await intake.get(f"/clients/{open_}/identity", headers=service, fields="name,contact", purpose="welfare")
    every = await intake.get(f"/clients/{open_}/identity", headers=service, fields=fields)
    without = await intake.get(f"/clients/{secret}/identity", headers=service, fields=fields)

    assert some.json() == {"id": str(open_), "name": MARKED["name"], "contact": MARKED["contact"]}
    assert every.json()["birth_year"] == 1981
    assert every.json()["address"] == MARKED["address"]
    assert set(without.json()) == {"id", "name", "contact", "birth_year", "language"}
    logged = await intake.rows(
        "SELECT actor, action, detail FROM audit_entries WHERE client_id = :id ORDER BY id", id=open_
    )
    assert logged[0] == ("app:partners", "client.identity", "welfare: contact,name")


async def test_identity_is_for_services_only_and_while_the_registration_is_open(intake: Intake) -> None:
    client = await intake.client()
    service = intake.token("service", sub=None, azp="partners")
    path = f"/clients/{client}/identity"

    assert (await intake.get(path, fields="name")).status_code == 403
    assert (await intake.get(path, headers=service, fields="bsn")).status_code == 400
    assert (await intake.get(path, headers=service)).status_code == 400
    assert (await intake.get(f"/clients/{client}", headers=service)).status_code == 403
    await intake.done(f"/clients/{client}/deaths")
    assert (await intake.get(path, headers=service, fields="name")).status_code == 404


async def test_every_look_and_every_search_is_recorded_without_its_value(intake: Intake) -> None:
    client = await intake.client()
    here = intake.token("caseworker", municipalities=["GM0626"], sub="w-9")
    await intake.get(f"/clients/{client}", headers=here)
    await intake.done("/client-searches", {"familyName": "Ven", "birthYear": 1985}, headers=here)
    await intake.done("/client-searches", {"bsn": next(intake.bsns)}, headers=here)

    logged = await intake.rows("SELECT actor, action, client_id, detail FROM audit_entries ORDER BY id")

    assert logged == [
        ("staff:w-9", "client.read", client, None),
        ("staff:w-9", "client.search", None, "name and birth year"),
        ("staff:w-9", "client.found", client, "name and birth year"),
        ("staff:w-9", "client.search", None, "bsn"),
    ]


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(32), bytes(range(32)))


def test_a_sealed_field_opens_in_its_own_place_only(vault: Vault) -> None:
    person, other = uuid4(), uuid4()
    seal = vault.new_seal(person)
    sealed = seal.close("Noor", "clients", "given", person)

    again = vault.seal_of(person, seal.key_id, seal.wrapped)
    assert again.open(sealed, "clients", "given", person) == "Noor"
    assert sealed != seal.close("Noor", "clients", "given", person)
    for table, column, row in (
        ("letters", "given", person),
        ("clients", "family", person),
        ("clients", "given", other),
    ):
        with pytest.raises(Broken):
            seal.open(sealed, table, column, row)
    with pytest.raises(Broken):
        seal.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "clients", "given", person)
    with pytest.raises(Broken):
        vault.seal_of(other, seal.key_id, seal.wrapped)


def test_an_earlier_key_still_opens_and_a_stranger_does_not(vault: Vault) -> None:
    person = uuid4()
    seal = vault.new_seal(person)
    sealed = seal.close("Noor", "clients", "given", person)
    replaced = Vault(bytes([7] * 32), bytes(range(32)), earlier=[bytes(32)])
    stranger = Vault(bytes([7] * 32), bytes(range(32)))

    assert replaced.seal_of(person, seal.key_id, seal.wrapped).open(sealed, "clients", "given", person) == "Noor"
    assert replaced.new_seal(person).key_id != seal.key_id
    with pytest.raises(Broken):
        stranger.seal_of(person, seal.key_id, seal.wrapped)


def test_a_blind_index_is_of_one_kind_municipality_and_key(vault: Vault) -> None:
    index = vault.index("bsn", "GM0626", "999990019")

    assert index == vault.index("bsn", "GM0626", "999990019")
    others = (
        vault.index("bsn", "GM1916", "999990019"), vault.index("name", "GM0626", "999990019"),
        vault.index("bsn", "GM0626", "999990020"),
        Vault(bytes(32), bytes([9] * 32)).index("bsn", "GM0626", "999990019"),
    )  # fmt: skip
    assert index not in others


@pytest.mark.parametrize("keys", [(bytes(31), bytes([1] * 32)), (bytes(32), b""), (bytes(32), bytes(32))])
def test_a_vault_has_whole_keys_with_one_purpose_each(keys: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        Vault(*keys)


async def test_rows_of_other_municipalities_do_not_exist_for_the_application(intake: Intake) -> None:
    client = await intake.client()
    async with intake.service.office.for_municipalities(["GM1916"], "staff:x") as work:
        assert await work.session.get(Client, client) is None
