"""The caseload that is there on the first day: a file per town, with the shares that the policy papers give.

Leidschendam-Voorburg, Voorschoten and Wassenaar: 42 % re-integration, 6 % sheltered work and the like, 52 %
participation; 27 % of all are exempted (implementation plan 2019, baseline and task force). Uithoorn: 151, 118, 118
and 11 in the bands of work capacity, and 2 unknown (re-integration policy 2021-2025, figure 6).
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from opstap.demo.people import People, Person

COLUMNS = (
    "municipality", "bsn", "given_names", "family_name", "birth_date", "street", "house_number", "postcode", "city",
    "benefit_from", "category", "categorised_on", "route", "route_started_on", "indications", "exempted_until",
    "exempted_permanently", "last_conversation_on", "exited_on", "exit_reason",
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """So many clients who stand in the same place."""

    number: int
    category: str
    route: str = ""
    indications: str = ""
    exempted: bool = False


def shared_baseline(size: int) -> Sequence[Group]:
    """The baseline of the three municipalities that share a plan, for a caseload of a size."""
    reintegration, sheltered, exempted = round(size * 0.42), round(size * 0.06), round(size * 0.27)
    participation = size - reintegration - sheltered
    near = reintegration // 6
    return (
        Group(near, "1A", "academy"),
        Group((reintegration - near) // 2, "1B", "development_route"),
        Group(reintegration - near - (reintegration - near) // 2, "1C", "development_route"),
        Group(sheltered, "2B", "route_2b", indications="job_agreement"),
        Group(exempted, "3B", exempted=True),
        Group((participation - exempted) // 2, "2A"),
        Group(participation - exempted - (participation - exempted) // 2, "3A"),
    )


UITHOORN = (Group(151, "0-40"), Group(118, "40-70"), Group(118, "70-100"), Group(11, "100"), Group(2, ""))


def caseload_file(
    code: str, town: str, groups: Sequence[Group], ended: int, people: People, chance: Random, on: date
) -> bytes:
    """A caseload as CSV, with `ended` spells of benefit of before."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(_rows(code, town, groups, ended, people, chance, on))
    return out.getvalue().encode()


def _rows(
    code: str, town: str, groups: Sequence[Group], ended: int, people: People, chance: Random, on: date
) -> Iterator[dict[str, str]]:
    for group in groups:
        for _ in range(group.number):
            person = people.person(town, on)
            yield _who(code, person) | _where(group, chance, on)
    for _ in range(ended):
        person = people.person(town, on)
        began = on - timedelta(days=chance.randint(500, 900))
        left = began + timedelta(days=chance.randint(100, 400))
        spell = {"benefit_from": began, "exited_on": left, "exit_reason": chance.choice(["work", "education", "other"])}
        yield _who(code, person) | {name: str(value) for name, value in spell.items()}


def _who(code: str, person: Person) -> dict[str, str]:
    return {
        "municipality": code,
        "bsn": person.bsn,
        "given_names": person.given,
        "family_name": person.family,
        "birth_date": person.birth_date.isoformat(),
        "street": person.street,
        "house_number": person.house_number,
        "postcode": person.postcode,
        "city": person.city,
    }


def _where(group: Group, chance: Random, on: date) -> dict[str, str]:
    began = on - timedelta(days=chance.randint(30, 600))
    row = {"benefit_from": str(began)}
    if group.category:
        row |= {"category": group.category, "categorised_on": str(began)}
    if group.route:
        row |= {"route": group.route, "route_started_on": str(began)}
    if group.indications:
        row |= {"indications": group.indications}
    if group.exempted:
        row |= {"exempted_permanently": "true"}
    elif group.category and not group.route:
        row |= {"last_conversation_on": str(on - timedelta(days=chance.randint(10, 300)))}
    return row
