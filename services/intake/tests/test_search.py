"""Somebody is found by BSN or as their name sounds, in the caller's municipalities only; and every look is recorded."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from chassis.database import Database
from chassis.ids import new_id
from intake.names import given_kept_under, given_looked_under, kept_under, looked_under
from tests.support.databases import statements
from tests.support.given import DATA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Intake

    from tests.support.databases import Statement

VOORSCHOTEN, ELSEWHERE = "GM0626", "GM1916"


@pytest.mark.parametrize(
    "spellings",
    [
        "Jansen Janssen Janszen Jánsen JANSSEN", "Meijer Meyer Meier Meÿer", "Smit Smid Smidt Schmidt Schmitt",
        "Kuiper Kuijper Kuyper", "Hendriks Hendrix Hendrickx Hendricks", "Dijkstra Dykstra",
        "Klaassen Claassen Claessen",
        "Bos Bosch", "Jong Jongh", "Thijssen Tijssen Tyssen", "Wouters Wauters", "Vos Fos", "Maas Maes", "Groot Grood",
        "Müller Muller Moeller", "Quist Kwist", "Phillips Filips", "Backer Bakker", "Verhagen Verhaegen",
        "Huijgen Huygen Huigen", "Bruijn Bruyn Bruin", "Ooijen Ooyen Oijen", "Zwart Swart", "Çelik Celik",
        "Y\u0131lmaz Yilmaz Ijlmaz",
    ],
)  # fmt: skip
def test_what_the_dutch_write_in_more_ways_than_one_sounds_alike(spellings: str) -> None:
    assert len({looked_under(each)[0] for each in spellings.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Jansen", "Hansen"), ("Bos", "Vos"), ("Bakker", "Dekker"), ("Meijer", "Maas"), ("Wit", "Wind")]
)
def test_other_names_stay_other_names(one: str, other: str) -> None:
    assert not set(looked_under(one)) & set(kept_under(None, other))


@pytest.mark.parametrize(
    ("prefix", "family", "typed"),
    [
        ("van der", "Ven", "van der Ven"), ("van der", "Ven", "Ven"), ("van der", "Ven", "Vander Ven"),
        (None, "Van Der Ven", "ven"), ("van den", "Berg", "Vandenberg"), (None, "Vandenberg", "van den Berg"),
        ("d'", "Angelo", "D'Angelo"), ("d'", "Angelo", "dangelo"),
        (None, "d'Angelo-Huis in 't Veld", "Huis in 't Veld"),
        (None, "d'Angelo-Huis in 't Veld", "angelo"), ("'t", "Hart", "'t Hart"), (None, "DeMeester", "de Meester"),
        (None, "Jansen-de Vries", "de Vries"), ("de", "Vries-Jansen", "de Vries"), (None, "Ørsted", "orsted"),
        (None, "O'Neill", "oneil"), (None, "De", "de"), (None, "İpek", "ipek"), ("Van", "Dyck", "van Dijk"),
    ],
)  # fmt: skip
def test_prefixes_are_left_out_or_typed_along(prefix: str | None, family: str, typed: str) -> None:
    assert set(looked_under(typed)) & set(kept_under(prefix, family))


@pytest.mark.parametrize(
    ("family", "typed"),
    [
        ("Schröder", "Schroeder"), ("Schroeder", "Schröder"), ("Schro\u0308der", "Schroeder"),
        ("Sørensen", "Soerensen"), ("Bäcker", "Baecker"), ("Müller-Özdemir", "Oezdemir"), ("Özdemir", "Ozdemir"),
        ("Gürbüz", "Guerbuez"), ("Guðmundsdóttir", "Gudmundsdottir"), ("Þórsson", "Thorsson"), ("Þórsson", "Torsson"),
        ("Sæther", "Saether"),
    ],
)  # fmt: skip
def test_letters_that_no_dutch_keyboard_has_are_found_as_clerks_and_passports_write_them(
    family: str, typed: str
) -> None:
    assert set(looked_under(typed)) & set(kept_under(None, family))


@pytest.mark.parametrize(
    ("registered", "typed"),
    [
        ("Sjoerd Jan", "sjoert"), ("Jan Piet", "J."), ("Jan Piet", "j"), ("J.P.", "Jan"), ("J.P.", "J"), ("J", "J.P."),
        ("Theodorus", "Th."), ("Th.", "Theo"), ("Özlem", "Oezlem"), ("Özlem", "O."), ("Chr.", "Christiaan"),
    ],
)  # fmt: skip
def test_a_given_name_is_found_as_it_sounds_and_by_its_initial(registered: str, typed: str) -> None:
    assert set(given_looked_under(typed)) & set(given_kept_under(registered))


@pytest.mark.parametrize(
    ("registered", "typed"), [("Jannie", "Jan"), ("Jan", "Jannie"), ("Jan", "P."), ("J.", "Piet"), (None, "J.")]
)
def test_another_given_name_is_not_found_for_its_initial_alone(registered: str | None, typed: str) -> None:
    assert not set(given_looked_under(typed)) & set(given_kept_under(registered))


def test_without_a_given_name_there_is_nothing_to_narrow_by() -> None:
    assert given_looked_under(" ") == given_looked_under(None) == ()


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=20), st.integers(0, 19))
def test_an_accent_or_a_capital_makes_no_difference(word: str, place: int) -> None:
    accented = unicodedata.normalize("NFC", f"{word[: place + 1]}\u0301{word[place + 1 :]}")
    assert looked_under(accented) == looked_under(word.upper()) == looked_under(word)


@pytest.mark.skipif(not (DATA / "brp-test-persons.json").exists(), reason="no test persons here")
def test_every_test_person_of_the_population_register_is_found_as_clerks_type_them() -> None:
    persons = json.loads((DATA / "brp-test-persons.json").read_text())
    names = [each["naam"] for each in persons if each.get("naam", {}).get("geslachtsnaam", "").strip()]
    assert len(names) > 1000
    for name in names:
        prefix, family = name.get("voorvoegsel"), name["geslachtsnaam"]
        plain = "".join(each for each in unicodedata.normalize("NFKD", family) if not unicodedata.combining(each))
        for typed in (family, family.upper(), family.lower(), f"{prefix or ''} {family}", plain):
            assert set(looked_under(typed)) & set(kept_under(prefix, family)), (prefix, family, typed)


async def find(intake: Intake, headers: dict[str, str] | None = None, **sought: Any) -> list[str]:
    found = await intake.done("/client-searches", sought, **({"headers": headers} if headers else {}))
    return [each["id"] for each in found["items"]]


async def test_a_name_is_found_as_it_sounds_and_narrowed_by_the_given_name(intake: Intake) -> None:
    sjoerd = await intake.client(name={"given": "Sjoerd", "prefix": "van den", "family": "Janssen"})
    anna = await intake.client(name={"given": "Anna", "prefix": None, "family": "Jansen"})
    both = [str(anna), str(sjoerd)]

    assert await find(intake, familyName="Jansen", birthYear=1985) == both
    assert await find(intake, familyName="van den Jansen", birthYear=1985) == both
    assert await find(intake, familyName="jansen", birthYear=1985, givenName="Sjoert") == [str(sjoerd)]
    assert await find(intake, familyName="jansen", birthYear=1985, givenName="S.") == [str(sjoerd)]
    assert await find(intake, familyName="jansen", birthYear=1985, givenName="Piet") == []
    assert await find(intake, familyName="jansen", birthYear=1984) == []
    await intake.refused("/client-searches", {"bsn": "999990019", "givenName": "Anna"}, 400)


async def test_everyone_whom_a_search_shows_is_recorded_and_it_says_when_there_are_more(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.actions.search.MOST_FOUND", 2)
    clients = [await intake.client() for _ in range(3)]
    here = intake.token("caseworker", municipalities=[VOORSCHOTEN], sub="w-9")

    found = await intake.done("/client-searches", {"familyName": "Ven", "birthYear": 1985}, headers=here)
    few = await intake.done("/client-searches", {"familyName": "Fen", "birthYear": 1986}, headers=here)

    assert ([each["id"] for each in found["items"]], found["more"]) == ([str(clients[2]), str(clients[1])], True)
    assert (few["items"], few["more"]) == ([], False)
    logged = await intake.rows("SELECT action, client_id FROM audit_entries WHERE actor = 'staff:w-9' ORDER BY id")
    assert logged == [
        ("client.search", None), ("client.found", clients[2]), ("client.found", clients[1]), ("client.search", None),
    ]  # fmt: skip


async def test_a_list_gets_its_names_in_one_call_and_each_of_them_is_recorded(intake: Intake) -> None:
    clients = [await intake.client() for _ in range(3)]
    elsewhere = await intake.client(municipality=ELSEWHERE)
    gone = await intake.client()
    await intake.done(f"/clients/{gone}/mergers", {"into": str(clients[0])})
    here = intake.token("caseworker", municipalities=[VOORSCHOTEN], sub="w-8")
    asked = [str(each) for each in (clients[1], elsewhere, new_id(), gone)]

    assert await find(intake, here, ids=asked) == [str(clients[1]), str(clients[0])]

    shown = await intake.rows("SELECT client_id FROM audit_entries WHERE actor = 'staff:w-8' AND client_id IS NOT NULL")
    assert {row[0] for row in shown} == {clients[0], clients[1]}
    await intake.refused("/client-searches", {"ids": []}, 400)
    await intake.refused("/client-searches", {"ids": asked, "bsn": next(intake.bsns)}, 400)


async def test_who_is_registered_elsewhere_is_answered_as_who_is_registered_nowhere(intake: Intake) -> None:
    elsewhere, nowhere = next(intake.bsns), next(intake.bsns)
    name = {"given": "Noor", "prefix": None, "family": "Zeldzaam"}
    await intake.client(bsn=elsewhere, municipality=ELSEWHERE, name=name)
    here = intake.token("caseworker", municipalities=[VOORSCHOTEN])
    seen = []
    for sought in (
        {"bsn": elsewhere}, {"bsn": nowhere},
        {"familyName": "Zeldzaam", "birthYear": 1985}, {"familyName": "Zomaariets", "birthYear": 1985},
    ):  # fmt: skip
        with statements(intake.service.office.database.app) as asked:
            answer = await intake.post("/client-searches", sought, headers=here)
        seen.append((answer.status_code, answer.content, _shape(asked)))

    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert seen[0][:2] == (200, b'{"items":[],"outOfSight":[],"more":false}')


def _shape(asked: Sequence[Statement]) -> list[tuple[str, list[str]]]:
    """The statements, and the kinds and lengths of their values: the same work."""
    return [(statement, [f"{type(each)} {len(str(each))}" for each in flat(values)]) for statement, values in asked]


def flat(values: Any) -> list[Any]:
    """Values without bytes, whose text is now longer, now shorter; of one row, or of several."""
    rows = values if isinstance(values, list) else [values]
    return [each for row in rows for each in row if not isinstance(each, bytes)]


async def test_a_search_goes_by_the_index_in_a_full_table(intake: Intake) -> None:
    bsn = next(intake.bsns)
    await intake.client(bsn=bsn)
    here = intake.token("caseworker", municipalities=[VOORSCHOTEN])
    await _fill(intake, 3_000)
    for sought in ({"bsn": bsn}, {"familyName": "Ven", "birthYear": 1985, "givenName": "Noor"}):
        with statements(intake.service.office.database.app) as asked:
            assert len(await find(intake, here, **sought)) == 1
        queries = [each for each in asked if "FROM clients" in each[0]]
        assert queries
        for query in queries:
            plan = await _plan(intake, *query)
            assert "Index" in plan, plan
            assert "Seq Scan" not in plan, plan


async def _fill(intake: Intake, number: int) -> None:
    """So many copies of the client who is there, each with other indexes and a caseworker."""
    columns = await intake.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'clients' ORDER BY ordinal_position"
    )
    new = {"id": "gen_random_uuid()", "bsn_index": "sha256(gen_random_uuid()::text::bytea)"}
    names = [name for (name,) in columns]
    values = ", ".join(new.get(name, name) for name in names)
    async with intake.service.office.database.in_background() as session:
        await session.execute(
            text(f"INSERT INTO clients ({', '.join(names)}) SELECT {values} FROM clients, generate_series(1, :n)"),
            {"n": number},
        )
        await session.execute(
            text(
                "INSERT INTO search_tokens (client_id, token, municipality) SELECT id, sha256(random()::text::bytea),"
                " municipality FROM clients, generate_series(1, 3) WHERE random() >= 0"
            )
        )
        await session.execute(
            text(
                "INSERT INTO guided (client_id, municipality, caseworker) SELECT id, municipality, 'anna' FROM clients"
                " ON CONFLICT DO NOTHING"
            )
        )
    owner = Database(intake.service.urls.owner, intake.service.urls.owner)
    async with owner.in_background() as session:
        await session.execute(text("ANALYZE clients, search_tokens, guided"))
    await owner.close()


async def _plan(intake: Intake, statement: str, parameters: Any) -> str:
    async with intake.service.office.database.for_municipalities([VOORSCHOTEN]) as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(row[0] for row in rows)
