"""Dutch words for the codes that events carry; labels of categories, tracks and instruments come from the pack."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

MONTHS = (
    "januari", "februari", "maart", "april", "mei", "juni",
    "juli", "augustus", "september", "oktober", "november", "december",
)  # fmt: skip

WORDS: Mapping[str, str] = {
    # places
    "undecided": "Nog geen categorie",
    "in_doubt": "In twijfel: eerst een proefperiode of keuring",
    # exits
    "work": "Werk",
    "self_employment": "Zelfstandig ondernemer",
    "education": "Opleiding",
    "enforcement": "Handhaving",
    "moved_away": "Verhuisd",
    "pension_age": "Pensioenleeftijd",
    "deceased": "Overleden",
    "benefit_refused": "Uitkering afgewezen",
    "diverted": "Geholpen aan de poort",
    "withdrawn": "Aanvraag ingetrokken",
    "other": "Anders",
    # participation
    "volunteer": "Vrijwilligerswerk",
    "informal_care": "Mantelzorg",
    "social_activity": "Andere maatschappelijke activiteit",
    "none": "Tijdelijk geen van deze",
    # goals
    "participation": "Meedoen in de samenleving",
    "language": "Taal",
    "diagnosis": "Diagnose",
    # the ladder of measures
    "talk": "Gesprek",
    "influence": "Positieve beïnvloeding",
    "measure": "Maatregel",
}

LIGHTS: Mapping[str, str] = {"green": "gehaald", "amber": "bijna gehaald", "red": "niet gehaald", "none": "niet bekend"}


def word(code: str) -> str:
    """The Dutch word for a code or a band of numbers; the code itself, made readable, where there is none."""
    if code[:1].isdigit():
        return code.replace("-", " t/m ").replace("+", " of meer")
    return WORDS.get(code) or code.replace("_", " ").replace("-", " ").capitalize()


def day(on: date) -> str:
    """A day as it is read: 1 januari 2024."""
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def number(value: Decimal | int) -> str:
    """A number in Dutch: a point for thousands, a comma for parts."""
    return f"{value:,}".replace(",", "\0").replace(".", ",").replace("\0", ".")


def euros(value: Decimal | int) -> str:
    """An amount in whole euros."""
    return f"€ {number(round(value))}"


def percent(value: Decimal | int) -> str:
    """A percentage."""
    return f"{number(value)} %"
