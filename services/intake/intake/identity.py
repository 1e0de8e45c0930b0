"""Sealing and opening the identity data of clients."""

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel

from intake.names import given_kept_under, kept_under
from intake.people import Address, Contact, Name
from intake.rules import BirthDate
from intake.tables import Client
from intake.vault import Seal, Vault

M = TypeVar("M", bound=BaseModel)
TABLE = Client.__tablename__


class Identity:
    """The identity data of one client, opened when they are asked for."""

    def __init__(self, vault: Vault, client: Client) -> None:
        self._client = client
        self.seal = vault.seal_of(client.id, client.key_id, client.wrapped_key)

    @property
    def bsn(self) -> str:
        """Nine digits."""
        return self._text("bsn") or ""

    @property
    def name(self) -> Name:
        """How they are called."""
        return Name(given=self._text("given"), prefix=self._text("prefix"), family=self._text("family") or "")

    @property
    def birth_date(self) -> str:
        """As it was written."""
        return self._text("birth_date") or ""

    @property
    def address(self) -> Address | None:
        """Where they live."""
        return self._model("address", Address)

    @property
    def contact(self) -> Contact | None:
        """How they are reached."""
        return self._model("contact", Contact)

    @property
    def language(self) -> str | None:
        """The language that they speak best."""
        return self._text("language")

    def write(self, **fields: str | BaseModel | None) -> None:
        """Seal these fields in the client's row; None takes one away."""
        for column, value in fields.items():
            setattr(self._client, column, sealed(self.seal, self._client, column, value))

    def _text(self, column: str) -> str | None:
        stored: bytes | None = getattr(self._client, column)
        return None if stored is None else self.seal.open(stored, TABLE, column, self._client.id)

    def _model(self, column: str, model: type[M]) -> M | None:
        text = self._text(column)
        return None if text is None else model.model_validate_json(text)


def sealed(seal: Seal, client: Client, column: str, value: str | BaseModel | None) -> bytes | None:
    """A value as it stands in a column of the client's row."""
    if value is None:
        return None
    text = value if isinstance(value, str) else value.model_dump_json(exclude_none=True)
    return seal.close(text, TABLE, column, client.id)


def bsn_index(vault: Vault, municipality: str, bsn: str) -> bytes:
    """The blind index of a BSN of nine digits."""
    return vault.index("bsn", municipality, bsn)


def name_indexes(vault: Vault, municipality: str, name: Name, born: BirthDate) -> Iterator[bytes]:
    """The blind indexes under which a name with a birth year is found."""
    for form in kept_under(name.prefix, name.family):
        yield name_index(vault, municipality, form, born.year)
    for form in given_kept_under(name.given):
        yield given_index(vault, municipality, form, born.year)


def given_index(vault: Vault, municipality: str, form: str, year: int) -> bytes:
    """The blind index of a given name with a birth year."""
    return vault.index("given", municipality, f"{form}\0{year}")


def name_index(vault: Vault, municipality: str, form: str, year: int) -> bytes:
    """The blind index of one form of a family name with a birth year."""
    return vault.index("name", municipality, f"{form}\0{year}")
