"""What is told about a person when they are registered or corrected."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from chassis.models import ApiModel, Line, OptionalDay
from contracts.model import HouseholdKind

Bsn = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{8,9}$"), Field(description="Citizen service number", examples=["999990019"])
]
WrittenBirthDate = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"),
    Field(
        description="As far as it is known: 1980-05-01, 1980-05 or 1980; kept as it is",
        examples=["1980-05"],
        json_schema_extra={"format": "partial-date"},
    ),
]
Municipality = Annotated[str, StringConstraints(pattern=r"^GM[0-9]{4}$")]


class Name(ApiModel):
    """How somebody is called."""

    given: Line | None = None
    prefix: Line | None = None
    family: Line

    @property
    def whole(self) -> str:
        """As it stands in a letter."""
        return " ".join(filter(None, (self.given, self.prefix, self.family)))


class Address(ApiModel):
    """Where somebody lives; `lines` for an address abroad or a place without an address."""

    street: Line | None = None
    house_number: Line | None = None
    postcode: Line | None = None
    city: Line | None = None
    lines: Annotated[list[Line], Field(max_length=3, default_factory=list)]


class Contact(ApiModel):
    """How somebody is reached."""

    email: Line | None = None
    phone: Line | None = None


class NewClient(ApiModel):
    """A person to register."""

    bsn: Bsn
    name: Name
    birth_date: WrittenBirthDate | None = None
    deceased_on: Annotated[
        str | None,
        Field(
            max_length=10,
            description="Whoever died is refused as a client",
            json_schema_extra={"format": "partial-date"},
        ),
    ] = None
    address: Address | None = None
    secret_address: bool = False
    contact: Contact | None = None
    language: Line | None = None
    partner_bsn: Bsn | None = None
    household_id: UUID | None = None
    household_kind: HouseholdKind = "single"
    permit_holder: bool = False
    housed_on: OptionalDay = None
    without_benefit: bool = False
    starting_qualification: bool | None = None


class CorrectedClient(ApiModel):
    """What is corrected or completed; what is left out stays as it is, null takes away."""

    bsn: Bsn | None = None
    name: Name | None = None
    birth_date: WrittenBirthDate | None = None
    address: Address | None = None
    secret_address: bool | None = None
    contact: Contact | None = None
    language: Line | None = None
    partner_bsn: Bsn | None = None
    housed_on: OptionalDay = None
    same_person: Annotated[
        bool, Field(description="Says that BSN, name and birth date were all wrong, and still of the same person")
    ] = False


IdentityField = Literal["name", "contact", "language", "birth_year", "address"]
"""What a partner may see of somebody's identity, when its purpose asks for it; in the words of the policy packs."""
