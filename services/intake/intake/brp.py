"""A person of the population register (BRP), as Haal Centraal tells of one, made into a person to register."""

from collections.abc import Mapping, Sequence
from typing import Any

Told = Mapping[str, Any]


def new_client(person: Told) -> dict[str, Any]:
    """The body of a registration, in the words of the API; what the register does not know is left out."""
    death = _at(person, "overlijden")
    contents = {
        "bsn": person.get("burgerservicenummer"),
        "name": _name(_at(person, "naam")),
        "birthDate": written_date(_at(person, "geboorte").get("datum")),
        "deceasedOn": (written_date(death.get("datum")) or "0000") if death else None,
        "address": _address(_at(person, "verblijfplaats")),
        "secretAddress": _is_secret(person.get("geheimhoudingPersoonsgegevens")),
        "partnerBsn": _partner(person),
    }
    return {field: value for field, value in contents.items() if value is not None}


def written_date(eight_digits: str | None) -> str | None:
    """`19750707` as `1975-07-07`, and as far as it is known where zeros stand: `1975-07`, `1975`, or nothing."""
    if not eight_digits or eight_digits[:4] == "0000":
        return None
    year, month, day = eight_digits[:4], eight_digits[4:6], eight_digits[6:8]
    if month == "00":
        return year
    return f"{year}-{month}" if day == "00" else f"{year}-{month}-{day}"


def _name(told: Told) -> dict[str, str]:
    parts = {"given": told.get("voornamen"), "prefix": told.get("voorvoegsel"), "family": told.get("geslachtsnaam")}
    return {part: " ".join(text.split()) for part, text in parts.items() if text and text.strip()}


def _address(told: Told) -> dict[str, Any] | None:
    additions = ("huisletter", "huisnummertoevoeging")
    number = " ".join(str(told[part]) for part in ("huisnummer", *additions) if told.get(part))
    parts = {
        "street": told.get("straat"),
        "houseNumber": number or None,
        "postcode": told.get("postcode"),
        "city": told.get("woonplaats"),
    }
    address: dict[str, Any] = {part: text for part, text in parts.items() if text}
    lines = [told[line] for line in ("regel1", "regel2", "regel3", "locatiebeschrijving") if told.get(line)]
    if lines:
        address["lines"] = lines[:3]
    return address or None


def _is_secret(told: object) -> bool:
    return str(told or "0") != "0"


def _partner(person: Told) -> str | None:
    """The present partner's BSN; a marriage that ended, and one to oneself, link nobody."""
    partners: Sequence[Told] = person.get("partners") or ()
    present = (each for each in partners if not each.get("ontbindingHuwelijkPartnerschap"))
    numbers = (each.get("burgerservicenummer") for each in present)
    return next((number for number in numbers if number and number != person.get("burgerservicenummer")), None)


def _at(person: Told, part: str) -> Told:
    found: Told = person.get(part) or {}
    return found
