"""What an event says to a caseworker: one Dutch sentence, in the labels of the municipality's pack.

A sentence is a template over the fields of its event: `{due_on:day}` is a day as it is read, `{to_track:track}` the
label of a track. What follows the colon is one of `_LABELS`, or a list of codes in `_CODES`. Where the words depend on
what the event says, a function gives the template.
"""

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from contracts import Event, diagnosis, intake, partners, routing
from contracts.words import word
from policy import Pack
from policy.dutch import day, euros, in_words

Template = str | Callable[[Any], str]

_CODES: Mapping[str, Mapping[str, str]] = {
    "invited": {
        "information_session": "na de voorlichting", "rest_period": "na de rustperiode",
        "conversation": "na een gesprek", "handover": "bij de overdracht", "reassessment": "voor een nieuwe diagnose",
        "partner_signal": "na een signaal van een partner",
    },
    "reassessed": {
        "exemption_ended": "de ontheffing is afgelopen", "indication_decided": "er is over een indicatie beslist",
        "policy_changed": "het beleid is veranderd", "conversation": "na een gesprek",
        "partner_signal": "na een signaal van een partner", "handover": "bij de overdracht",
    },
    "basis": {
        "assessment": "na een diagnose", "override": "maatwerk, anders dan het voorstel",
        "correction": "verbetering van een eerdere diagnose", "import": "overgenomen bij de invoer",
    },
    "indication": {
        "sheltered_work_new": "beschut werk (nieuw)", "sheltered_work_alternative": "beschut werk (alternatief)",
        "job_agreement": "de banenafspraak", "target_group_register": "het doelgroepregister",
    },
    "diverted": {
        "vacancy": "een vacature", "employer_service_point": "het werkgeversservicepunt", "other": "andere hulp",
    },
    "awaited": {
        "information_session": "de voorlichting", "intake": "de intake", "integration_plan": "het integratieplan",
        "language_test": "de taaltoets",
    },
    "occasion": {
        "categorised": "na de indeling", "handover": "na een overdracht", "transfer": "na een wisseling",
        "import": "overgenomen bij de invoer",
    },
    "stands_still": {
        "exemption": "een ontheffing", "illness": "ziekte", "stay_abroad": "verblijf in het buitenland",
        "other": "een andere reden",
    },
    "route_outcome": {
        "completed": "afgerond", "exit": "uitgestroomd", "handover": "overgedragen",
        "recategorised": "opnieuw ingedeeld", "stopped": "gestopt",
    },
    "handed_over": {
        "longest_stay": "de langste termijn is bereikt", "categorised": "de indeling is veranderd",
        "readiness": "toe aan een volgende stap", "permanent_exemption": "blijvende ontheffing",
    },
    "withdrawn": {
        "exit": "uitstroom", "deceased": "overlijden", "moved_away": "verhuizing", "merged": "dubbele inschrijving",
        "recategorised": "nieuwe indeling", "undone": "inschrijving was een vergissing", "other": "andere reden",
    },
    "referral_outcome": {
        "placed": "geplaatst", "completed": "afgerond", "stopped": "gestopt", "returned": "teruggekeerd",
        "failed": "niet gelukt",
    },
    "step": {
        "acknowledge": "ontvangst te melden", "accept": "aan te nemen of af te wijzen", "start": "te beginnen",
        "end": "af te ronden",
    },
    "signal": {"ready_for_next_step": "toe aan een volgende stap", "needs_attention": "vraagt aandacht"},
    "ended_as": {"deceased": "het overlijden", "moved_away": "de verhuizing"},
    "household": {
        "single": "alleenstaand", "single_parent": "alleenstaande ouder", "couple": "samen met een partner",
        "couple_with_children": "samen met een partner en kinderen",
    },
    "identity": {
        "bsn": "het BSN", "name": "de naam", "birth_date": "de geboortedatum", "birth_year": "het geboortejaar",
        "address": "het adres", "secret_address": "de geheimhouding van het adres", "contact": "telefoon of e-mail",
        "language": "de taal", "partner_bsn": "de partner",
    },
    "letter": {
        "categorised": "de indeling en de consulent", "handover": "de overdracht",
        "exit": "het einde van de begeleiding", "correction": "wat in een eerdere brief niet klopte",
        "withdrawal": "eerdere brieven, die niet gelden",
    },
}  # fmt: skip


def _purpose(pack: Pack, code: str) -> str:
    found = (each.purposes[code].label for each in pack.partners.values() if code in each.purposes)
    return next(found, word(code))


def _rung(pack: Pack, code: str) -> str:
    return next((each.label for each in pack.routing.measures.ladder if each.id == code), word(code))


def _conversation(pack: Pack, code: str) -> str:
    kinds = pack.routing.participation.kinds if pack.routing.participation else {}
    return kinds.get(code, word(code))


def _option(pack: Pack, number: int) -> str:
    options = pack.routing.participation.options if pack.routing.participation else {}
    return options[number].label if number in options else f"optie {number}"


_LABELS: Mapping[str, Callable[[Pack, Any], str]] = {
    "": lambda _, value: str(value),
    "day": lambda _, value: day(value),
    "euros": lambda _, value: euros(value),
    "word": lambda _, value: word(value).lower(),
    "band": lambda _, value: "AOW-leeftijd" if value == "pension" else word(value.replace("pension", "AOW-leeftijd")),
    "track": lambda pack, value: pack.tracks[value].label if value in pack.tracks else word(value),
    "category": lambda pack, value: pack.categories[value].label if value in pack.categories else value,
    "role": lambda pack, value: pack.roles[value].label if value in pack.roles else word(value),
    "route": lambda pack, value: pack.routing.routes[value].label if value in pack.routing.routes else word(value),
    "instrument": lambda pack, value: pack.instruments[value].label if value in pack.instruments else word(value),
    "partner": lambda pack, value: pack.partners[value].name if value in pack.partners else value,
    "partner_kind": lambda _, value: word(value).lower(),
    "purpose": _purpose,
    "rung": _rung,
    "conversation": _conversation,
    "option": _option,
}


def _told(start: str, **further: str) -> Callable[[Any], str]:
    """A template that goes on with what is said of each of these fields, where the event has one."""
    return lambda event: (
        "".join([start, *(more for name, more in further.items() if getattr(event, name) not in (None, "", ()))]) + "."
    )


def _categorised(event: diagnosis.ClientCategorised) -> str:
    if event.traits.category is None:
        return "De indeling is in twijfel ({traits.basis:basis})."
    again = "Opnieuw ingedeeld" if event.traits.confirmed == "reconfirmed" else "Ingedeeld"
    track = " Spoor: {traits.track:track}." if event.traits.track else ""
    return f"{again} in {{traits.category:category}} ({{traits.basis:basis}}).{track}"


def _exempted(event: diagnosis.ExemptionGranted) -> str:
    until = "blijvend" if event.until is None else "tot en met {until:day}"
    return f"Ontheffing van de arbeidsplicht verleend, {until}."


def _session(event: intake.InformationSessionHeld) -> str:
    return "Was bij de voorlichting." if event.attended else "Was uitgenodigd voor de voorlichting en kwam niet."


def _language(event: intake.LanguageTestTaken) -> str:
    return "Taaltoets gemaakt: gehaald." if event.passed else "Taaltoets gemaakt: niet gehaald."


def _indicated(event: diagnosis.IndicationDecided) -> str:
    return f"UWV heeft een indicatie voor {{kind:indication}} {'toegekend' if event.granted else 'afgewezen'}."


def _benefit(event: intake.BenefitDecided) -> str:
    if event.outcome == "refused":
        return "Uitkering afgewezen."
    return "Uitkering toegekend" + (" vanaf {benefit_from:day}." if event.benefit_from else ".")


def _held(what: str) -> Callable[[Any], str]:
    def template(event: routing.ConversationHeld | routing.ReviewHeld) -> str:
        how = "op huisbezoek" if event.home_visit else "" if event.face_to_face else "op afstand"
        came_of_it = " Uitkomst: {option:option}." if event.option is not None else ""
        again = " Dit verbetert een eerder verslag." if event.corrects else ""
        return f"{what} gevoerd{f', {how}' if how else ''}.{came_of_it}{again}"

    return template


SENTENCES: Mapping[type[Event], Template] = {
    # intake
    intake.ClientRegistered: lambda event: (
        "Ingeschreven bij de invoer van het klantenbestand." if event.origin == "import" else "Ingeschreven als klant."
    ),
    intake.AgeBandChanged: "Ging van leeftijdsgroep {previous:band} naar {age_band:band}.",
    intake.IdentityCorrected: _told("Persoonsgegevens verbeterd", fields=": {fields:identity}"),
    intake.ClientsMerged: "Bleek dubbel ingeschreven: samengevoegd met een andere inschrijving.",
    intake.MergerUndone: "De samenvoeging was een vergissing en is teruggedraaid: weer een eigen inschrijving.",
    intake.ClientRegistrationUndone: "De inschrijving was een vergissing en is ongedaan gemaakt.",
    intake.ClientDeceased: "Overleden.",
    intake.ClientMovedAway: _told("Verhuisd", to_municipality=" naar gemeente {to_municipality}"),
    intake.RegistrationRestored: "Per vergissing ingevoerd: {ended_as:ended_as}. De begeleiding gaat verder.",
    intake.HouseholdChanged: "Het huishouden is veranderd: {household_kind:household}.",
    intake.PensionAgeNears: lambda event: (
        "Bereikt over enkele maanden de AOW-leeftijd." if event.reached_in
        else "Bereikt de AOW-leeftijd nog niet: de geboortedatum is verbeterd."
    ),
    intake.ClientErased: "De persoonsgegevens zijn vernietigd.",
    intake.NotificationReceived: "Meldde zich voor een uitkering.",
    intake.ApplicationFiled: lambda event: (
        "Verkorte aanvraag ingediend." if event.short_form else "Aanvraag ingediend."
    ),
    intake.ApplicationWithdrawn: "Trok de aanvraag in.",
    intake.ApplicationDiverted: "Geholpen aan de poort met {diverted_to:diverted}.",
    intake.TermSet: lambda event: (
        "Termijn: {kind:awaited} uiterlijk {due_on:day}." if event.due_on
        else "Termijn vervallen: {kind:awaited}."
    ),
    intake.InformationSessionDue: "De voorlichting had uiterlijk {due_on:day} moeten zijn.",
    intake.InformationSessionHeld: _session,
    intake.IntakeDue: "De intake had uiterlijk {due_on:day} moeten zijn.",
    intake.IntakeHeld: "Intakegesprek gevoerd.",
    intake.BenefitDecided: _benefit,
    intake.RestPeriodEnded: "De rustperiode na huisvesting is voorbij.",
    intake.SocialGuidanceStarted: "Maatschappelijke begeleiding begonnen, tot {until:day}.",
    intake.SocialGuidanceEnded: "De maatschappelijke begeleiding is afgelopen.",
    intake.IntegrationPlanDue: "Het persoonlijk integratieplan moet er zijn op {due_on:day}.",
    intake.IntegrationPlanMade: "Persoonlijk integratieplan gemaakt.",
    intake.LanguageTestDue: "De taaltoets had uiterlijk {due_on:day} moeten zijn.",
    intake.LanguageTestTaken: _language,
    intake.LetterSent: "Brief verstuurd over {kind:letter}.",
    intake.CaseImported: _told(
        "Lopend dossier ingevoerd", category=", in {category:category}", route=", route {route:route}",
        exited_on=", uitgestroomd op {exited_on:day}",
    ),
    # diagnosis
    diagnosis.DiagnosisInvited: "Uitgenodigd voor een diagnose ({reason:invited}).",
    diagnosis.AssessmentCompleted: lambda event: (
        "Diagnose opnieuw ingevoerd, als verbetering van een eerdere." if event.corrects else "Diagnose ingevuld."
    ),
    diagnosis.AssessmentInDoubt: "De uitkomst van de diagnose is in twijfel: eerst een proefperiode of keuring.",
    diagnosis.ClientCategorised: _categorised,
    diagnosis.IndicationRequested: "Indicatie voor {kind:indication} aangevraagd bij UWV.",
    diagnosis.IndicationDecided: _indicated,
    diagnosis.ExemptionGranted: _exempted,
    diagnosis.ExemptionEnded: "De ontheffing van de arbeidsplicht is afgelopen.",
    diagnosis.ReassessmentDue: "Een nieuwe diagnose is nodig: {reason:reassessed}.",
    # routing
    routing.CaseworkerAssigned: "Consulent toegewezen: {role:role} ({occasion:occasion}).",
    routing.CaseworkerMissing: "Geen {role:role} beschikbaar: staat op de lijst van de teammanager.",
    routing.CaseworkerReleased: "Heeft geen consulent meer, nu de samenvoeging is teruggedraaid.",
    routing.EmergencyAccessTaken: "Een collega die de klant niet begeleidt, nam met spoed toegang tot het dossier.",
    routing.RouteStarted: "Route {route:route} begonnen.",
    routing.RouteSuspended: "De route staat stil door {reason:stands_still}.",
    routing.RouteResumed: _told("De route gaat verder", due_on="; de langste termijn loopt tot {due_on:day}"),
    routing.RouteEnded: "Route {route:route} geëindigd: {outcome:route_outcome}.",
    routing.InstrumentStarted: "{instrument:instrument} ingezet ({cost:euros}).",
    routing.InstrumentDue: lambda event: (
        "De termijn voor {instrument:instrument} eindigt op {due_on:day}."
        if event.kind == "usual_use" else "{instrument:instrument} kan niet langer duren dan tot {due_on:day}."
    ),
    routing.InstrumentEnded: "{instrument:instrument} geëindigd: {outcome:route_outcome}.",
    routing.HandoverDue: lambda event: (
        "Overdracht naar {to_track:track} nodig voor {due_on:day}: {reason:handed_over}."
        + (" Dit verbetert een eerder bericht." if event.corrects else "")
    ),
    routing.HandoverPrepared: "Overdracht voorbereid; te aanvaarden voor {accept_by:day}.",
    routing.HandoverAccepted: "Overdracht naar {to_track:track} aanvaard.",
    routing.HandoverReturned: "Teruggegeven na een overdracht naar {to_track:track}.",
    routing.HandoverEscalated: "Overdracht niet op tijd aanvaard: voorgelegd aan de teammanager.",
    routing.HandoverCancelled: lambda event: (
        "De overdracht was niet nodig: dat volgt uit een verbetering of een late invoer."
        if event.corrects
        else "De overdracht is niet meer nodig."
    ),
    routing.ConversationDue: "Een gesprek had uiterlijk {due_on:day} moeten zijn ({kind:conversation}).",
    routing.ConversationDueCancelled: "Het gesprek van {due_on:day} was toch niet te laat ({kind:conversation}).",
    routing.ConversationHeld: _held("Gesprek ({kind:conversation})"),
    routing.ReviewDue: "Het jaarlijkse heronderzoek had uiterlijk {due_on:day} moeten zijn.",
    routing.ReviewHeld: _held("Heronderzoek"),
    routing.ConversationCancelled: "Een gesprek was verkeerd ingevoerd: het is er niet geweest.",
    routing.ParticipationRecorded: "Doet mee in de vorm van: {form:word}.",
    routing.PartTimeWorkRecorded: "Werkt deeltijd: {hours_band:word} uur per week, € {income_band:word} per maand.",
    routing.PartTimeWorkEnded: "Werkt niet meer deeltijd.",
    routing.AgreementMade: lambda event: (
        ("Afspraak verbeterd" if event.corrects else "Afspraak gemaakt")
        + (", te doen voor {due_on:day}." if event.due_on else ".")
    ),
    routing.AgreementKept: "Afspraak nagekomen.",
    routing.AgreementContinued: _told("Afspraak loopt door", due_on=" tot {due_on:day}"),
    routing.AgreementReopened: "Of de afspraak was nagekomen, was verkeerd ingevoerd: de afspraak staat weer open.",
    routing.AgreementCancelled: "De afspraak was verkeerd ingevoerd en vervalt.",
    routing.LadderStepTaken: "Na een afspraak die niet is nagekomen: {step:rung}.",
    routing.AgreementMissed: "Afspraak niet nagekomen; wat volgt: {step:rung}.",
    routing.MeasureImposed: "Maatregel opgelegd.",
    routing.ReferralRequested: lambda event: (
        "Verwijzing aangevraagd bij " + ("{partner:partner}" if event.partner else "een {partner_kind:partner_kind}")
        + ": {purpose:purpose}."
    ),
    routing.ReferralWithdrawn: "Verwijzing ingetrokken ({reason:withdrawn}).",
    routing.ClientExited: "Uitgestroomd: {reason:word}.",
    routing.ExitReverted: "De uitstroom was een vergissing en is teruggedraaid.",
    routing.AftercareStarted: "Nazorg begonnen, tot {until:day}.",
    routing.AllowancesCheckDone: "Toeslagencheck gedaan.",
    routing.AftercareEnded: "Nazorg afgerond.",
    routing.ClientReturned: "Kwam terug in de uitkering.",
    # partners
    partners.ReferralWaiting: "Wacht tot de groep bij {partner:partner} vol is.",
    partners.ReferralSent: "Verwijzing verstuurd aan {partner:partner}.",
    partners.ReferralAcknowledged: "{partner:partner} heeft de verwijzing ontvangen.",
    partners.ReferralAccepted: "{partner:partner} neemt de klant aan.",
    partners.ReferralDeclined: "{partner:partner} neemt de klant niet aan.",
    partners.ReferralStarted: "Begonnen bij {partner:partner}.",
    partners.ReferralProgressed: "{partner:partner} meldt voortgang.",
    partners.ReferralHeld: "{partner:partner} heeft de verwijzing stilgezet.",
    partners.ReferralEnded: "Geëindigd bij {partner:partner}: {outcome:referral_outcome}.",
    partners.ReferralClosed: "{partner:partner} is gemeld dat de verwijzing is ingetrokken.",
    partners.ReferralOverdue: "{partner:partner} had uiterlijk {due_on:day} {step:step}.",
    partners.ReferralScheduled: _told(
        "Ingepland voor een groepsbijeenkomst bij {partner:partner}", session_on=" op {session_on:day}"
    ),
    partners.ReferredPersonCorrected: _told(
        "Aan {partner:partner} gemeld dat gegevens zijn verbeterd", fields=": {fields:identity}"
    ),
    partners.PartnerSignalled: "{partner:partner} geeft een signaal: {signal:signal}.",
}  # fmt: skip


class _InDutch(Formatter):
    """Fills a template in; codes and labels by the word after the colon."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def format_field(self, value: Any, spec: str) -> str:
        """The value by its kind; a code that no list holds is made readable."""
        if isinstance(value, tuple):
            return in_words([self.format_field(each, spec) for each in value])
        if spec in _CODES:
            return _CODES[spec].get(value) or word(value).lower()
        return _LABELS[spec](self._pack, value)


def sentence(event: Event, pack: Pack) -> str:
    """What the event says, in the labels of this pack."""
    template = SENTENCES[type(event)]
    text = template if isinstance(template, str) else template(event)
    return _InDutch(pack).format(text, **{name: getattr(event, name) for name in type(event).model_fields})
