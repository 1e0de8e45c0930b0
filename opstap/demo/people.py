"""Fictitious residents, the same for the same seed: names from Faker, BSNs from the range set apart for tests."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from faker import Faker
from stdnum.nl import bsn

FIRST_FICTITIOUS = 999_900_000


@dataclass
class Person:
    """A resident as a front-end would enter one."""

    bsn: str
    given: str
    family: str
    birth_date: date
    street: str
    house_number: str
    postcode: str
    city: str


class People:
    """An endless supply of residents."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._faker = Faker("nl_NL")
        self._faker.seed_instance(seed)
        self._numbers = iter(n for n in range(FIRST_FICTITIOUS, 1_000_000_000) if bsn.is_valid(str(n)))

    def person(self, city: str, on: date, youngest: int = 29, oldest: int = 62) -> Person:
        """Somebody whose age on a day lies between two ages, both included."""
        age_in_days = self._random.randint(youngest * 366, (oldest + 1) * 365 - 10)
        return Person(
            bsn=str(next(self._numbers)),
            given=self._faker.first_name(),
            family=self._faker.last_name(),
            birth_date=on - timedelta(days=age_in_days),
            street=self._faker.street_name(),
            house_number=str(self._random.randint(1, 200)),
            postcode=self._faker.postcode().replace(" ", ""),
            city=city,
        )
