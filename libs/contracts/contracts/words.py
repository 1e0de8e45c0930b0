"""Dutch words for the codes that events carry; labels of categories, tracks and instruments come from the pack."""

from collections.abc import Mapping

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
    # time in which terms stand still
    "exemption": "Ontheffing",
    "illness": "Ziekte",
    "stay_abroad": "Verblijf in het buitenland",
    # how something ended
    "completed": "Afgerond",
    "stopped": "Gestopt",
    # at the gate
    "vacancy": "Een vacature",
    "employer_service_point": "Het werkgeversservicepunt",
    "granted": "Toegekend",
    "refused": "Afgewezen",
    # conversations
    "review": "Jaarlijks heronderzoek",
    "fip": "FIP-gesprek",
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


def word(code: str) -> str:
    """The Dutch word for a code or a band of numbers; the code itself, made readable, where there is none."""
    if code[:1].isdigit():
        return code.replace("-", " t/m ").replace("+", " of meer")
    return WORDS.get(code) or code.replace("_", " ").replace("-", " ").capitalize()
