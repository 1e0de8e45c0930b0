"""Dutch words for the codes that events carry; labels of categories, tracks and instruments come from the pack."""

from collections.abc import Mapping
from decimal import Decimal

from policy.dutch import number

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


def percent(value: Decimal | int) -> str:
    """A percentage."""
    return f"{number(value)} %"
