"""Values that occur nowhere else, planted in identity fields, and how they are found again however they are written."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg

from opstap.demo.people import Person


@dataclass(frozen=True)
class Marks:
    """The identity of somebody; every value is findable."""

    bsn: str
    word: str
    """Stands in every text."""
    born: date

    def registration(self, **more: Any) -> dict[str, Any]:
        """As a front-end registers them."""
        word = self.word
        return {
            "bsn": self.bsn,
            "name": {"given": f"Given{word}", "prefix": f"van {word}", "family": f"Family{word}"},
            "birthDate": self.born.isoformat(),
            "address": {
                "street": f"Street{word}",
                "houseNumber": f"7{word}",
                "postcode": f"12{word}",
                "city": f"City{word}",
                "lines": [f"Line{word}"],
            },
            "contact": {"email": f"mail@{word}.example", "phone": f"06{word}"},
            "language": f"lang-{word}",
            "secretAddress": True,
            **more,
        }

    def line(self, municipality: str) -> bytes:
        """As a line of a caseload file, with its header."""
        word = self.word
        values = {
            "municipality": municipality, "bsn": self.bsn, "given_names": f"Given{word}", "prefix": f"van {word}",
            "family_name": f"Family{word}", "birth_date": self.born.isoformat(), "street": f"Street{word}",
            "house_number": f"7{word}", "postcode": f"12{word}", "city": f"City{word}",
            "email": f"mail@{word}.example", "phone": f"06{word}", "language": f"lang-{word}",
        }  # fmt: skip
        return f"{','.join(values)}\n{','.join(values.values())}\n".encode()

    def person(self) -> Person:
        """As the demonstration's stories know a person."""
        word = self.word
        return Person(self.bsn, word, word, self.born, word, word, word, word)

    def needles(self) -> Iterator[bytes]:
        """What may stand nowhere: the values, in the ways in which somebody may have written them, in small letters."""
        for value in (self.bsn, self.word, self.born.isoformat(), f"{self.born:%d-%m-%Y}", f"{self.born:%Y%m%d}"):
            yield from _written(value)
        for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):  # an unsalted digest of a BSN is a BSN
            yield digest(self.bsn.encode()).hexdigest().encode()

    def found_in(self, text: bytes) -> list[str]:
        """Which of them stand in it."""
        small = text.lower()
        return [needle.decode() for needle in self.needles() if needle in small]


def _written(value: str) -> Iterator[bytes]:
    plain = value.encode()
    yield plain.lower()
    for cased in {plain, plain.lower(), plain.upper()}:
        yield cased.hex().encode()
        for shift in range(3):  # base64 reads three bytes at a time: whatever stands before the value shifts it
            whole = base64.b64encode(bytes(shift) + cased)
            yield whole[-(-shift * 8 // 6) : -4].lower()


async def tables(url: str) -> Mapping[str, bytes]:
    """Everything that stands in the tables of a database, by table; bytes as hexadecimal digits."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        names = [
            row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        found = {}
        for name in names:
            rows = await connection.fetch(f'SELECT row_to_json(t)::text FROM "{name}" AS t')
            found[name] = "\n".join(row[0] for row in rows).encode()
        return found
    finally:
        await connection.close()
