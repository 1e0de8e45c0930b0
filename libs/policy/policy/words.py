"""How facts are called in Dutch, for texts that caseworkers and policy officers read."""

from collections.abc import Mapping
from typing import NamedTuple


class Unit(NamedTuple):
    """What a number counts: the word for one, and for any other number."""

    one: str
    many: str

    def of(self, number: int) -> str:
        """The number with its unit."""
        return f"{number} {self.one if number == 1 else self.many}"


FACT_NAMES: Mapping[str, str] = {
    "distance_months": "afstand tot werk",
    "work_capacity_pct": "arbeidsvermogen",
    "age": "leeftijd",
    "capacity_measured": "arbeidsvermogen gemeten door een deskundige",
    "indications": "indicaties",
    "exemption": "ontheffing",
    "exempted": "ontheffing die geldt",
    "work_fit": "kan nu werken",
    "can_volunteer": "kan vrijwilligerswerk of iets anders voor de samenleving doen",
    "starting_qualification": "startkwalificatie",
    "multiple_problems": "problemen op meer dan één leefgebied",
    "permit_holder": "statushouder",
    "single_parent": "alleenstaande ouder",
    "youngest_child_born": "geboortedatum van het jongste kind",
    "prospect_of_work": "uitzicht op werk",
    "without_benefit": "zonder uitkering",
    "in_doubt": "uitkomst in twijfel",
    "category": "categorie",
    "track": "spoor",
    "age_band": "leeftijdsgroep",
}
UNITS: Mapping[str, Unit] = {
    "distance_months": Unit("maand", "maanden"),
    "work_capacity_pct": Unit("procent", "procent"),
    "age": Unit("jaar", "jaar"),
}
_VALUES: Mapping[object, str] = {
    True: "ja",
    False: "nee",
    None: "niet bekend",
    "yes": "ja",
    "small_interventions": "ja, met wat hulp",
    "no": "nog niet",
    "sheltered_work_new": "beschut werk (nieuw)",
    "sheltered_work_alternative": "beschut werk (alternatief)",
    "job_agreement": "banenafspraak",
    "target_group_register": "doelgroepregister",
}


def value_in_words(fact: str, value: object) -> str:
    """A value of a fact that is no exemption, as people say it; what a policy's own fact holds is said as it is."""
    if isinstance(value, frozenset):
        return ", ".join(value_in_words(fact, each) for each in sorted(value)) or "geen"
    if isinstance(value, bool) or value is None or (fact in FACT_NAMES and isinstance(value, str)):
        return _VALUES[value]
    return UNITS[fact].of(value) if isinstance(value, int) and fact in UNITS else str(value)
