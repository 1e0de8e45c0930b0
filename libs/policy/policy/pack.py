"""A policy pack: what one municipality decided for one period, ready to be asked."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property, partial
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints

from policy.caseworkers import Caseworkers, Role
from policy.compiled import CompiledTables, Tables
from policy.conditions import Vocabulary
from policy.decide import IN_DOUBT_NOTE, Categorised, Decision, categorise
from policy.diagnosis import Diagnosis, ExemptionEffect
from policy.facts import Facts
from policy.instruments import Instrument, InstrumentFact
from policy.intake import Intake
from policy.letters import Letter, LetterId
from policy.own_facts import OwnFact
from policy.partners import Partner
from policy.receipt import Choice, PackReference, Receipt
from policy.references import FACTS, Names
from policy.referrals import ReferralRule, Referrals
from policy.remember import Answer, remembered
from policy.reporting import Budget, Reporting, Target
from policy.routing import Routing
from policy.scheme import Aim, Category, Scheme, Track, values_of
from policy.section import ById, Id, Keyed, Text
from policy.situation import Situation, age_band_of
from policy.tables import facts_of, first_that_holds

MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^GM\d{4}$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)*$")]


class Pack(BaseModel):
    """Everything that differs between municipalities, or between one year and the next (POL-1)."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    id: Id
    version: Version
    extends: str | None = None
    municipality: MunicipalityCode
    name: Text
    valid_from: date
    valid_to: date | None = None
    sources: dict[Id, Text]
    facts: ById[OwnFact] = Field(default_factory=dict)
    tracks: ById[Track]
    categories: ById[Category]
    scheme: Scheme
    diagnosis: Diagnosis
    roles: ById[Role]
    caseworkers: Caseworkers
    intake: Intake
    routing: Routing
    instrument_facts: ById[InstrumentFact] = Field(default_factory=dict)
    instruments: ById[Instrument]
    partners: ById[Partner]
    referrals: Referrals
    letters: Annotated[dict[LetterId, Letter], Keyed]
    targets: tuple[Target, ...] = ()
    budgets: tuple[Budget, ...] = ()
    reporting: Reporting
    _digest: str = PrivateAttr(default="")
    _vocabulary: Vocabulary = PrivateAttr(default_factory=lambda: FACTS)

    @classmethod
    def read(cls, data: Mapping[str, Any], digest: str) -> Self:
        """Make a pack of the data of a file; ValidationError tells all that is wrong with them."""
        names = Names.of(data)
        pack = cls.model_validate(data, context=names)
        pack._digest, pack._vocabulary = digest, names.vocabularies["facts"]  # noqa: SLF001 - its own
        return pack

    @property
    def digest(self) -> str:
        """SHA-256 over the pack and the base it extends."""
        return self._digest

    def in_force(self, on: date) -> bool:
        """Whether the pack holds on this day; its last day is inclusive."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def track_of(self, category: str) -> str:
        """The track a category belongs to."""
        return self.categories[category].track

    def aim_of(self, track: str | None) -> Aim | None:
        """Where a track leads; None where the client is on no track of this pack."""
        known = None if track is None else self.tracks.get(track)
        return None if known is None else known.aim

    def track_towards(self, aim: Aim) -> str | None:
        """The first track with this aim, if there is one."""
        return next((track.id for track in self.tracks.values() if track.aim == aim), None)

    def exemption_effect(self, permanent: bool) -> ExemptionEffect:
        """What an exemption does to a route (DIA-9)."""
        return self.diagnosis.exemption.permanent if permanent else self.diagnosis.exemption.temporary

    def decide(self, facts: Facts, on: date) -> Decision:
        """Category, track, caseworker role and referral on these facts, with the receipt (POL-3, POL-8)."""
        exempted = facts.exempted(on)
        used = self._facts_used(facts)
        if facts.in_doubt:
            choice = Choice("category", None, None, None, ())
            receipt = Receipt(self.reference, on, "in_doubt", used, (choice,), (IN_DOUBT_NOTE,))
            return Decision("in_doubt", None, None, None, None, receipt)
        values = values_of(facts, exempted)
        rule, rejected, notes = self._category(values)
        if rule is None:
            choice = Choice("category", None, None, None, rejected)
            receipt = Receipt(self.reference, on, "undecided", used, (choice,))
            return Decision("undecided", None, None, None, None, receipt)
        category = Choice("category", rule.category, rule.id, rule.source, rejected)
        caseworker, referral = self._follows(facts, on, rule.category)
        receipt = Receipt(self.reference, on, "decided", used, (category, caseworker, referral), notes)
        return Decision(
            "decided", rule.category, self.track_of(rule.category), caseworker.outcome, referral.outcome, receipt
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """What the category scheme may look at: the facts of every assessment, and this policy's own."""
        return self._vocabulary

    def strange_facts(self, facts: Facts) -> Iterator[tuple[str, str]]:
        """Own facts that this policy does not know or that are written wrongly: the name, and what would be right."""
        for name, value in facts.own.items():
            fact = self.facts.get(name)
            if fact is None:
                yield name, f"is no fact of this policy; its own facts are {', '.join(self.facts) or 'none'}"
            elif (remedy := fact.remedy(value)) is not None:
                yield name, remedy

    def repeat(self, receipt: Mapping[str, Any]) -> Decision:
        """Decide again on the facts of a stored receipt."""
        return self.decide(Facts.model_validate(receipt["facts"]), date.fromisoformat(receipt["on"]))

    def situation(self, facts: Facts, on: date, category: str) -> Situation:
        """What the later tables look at, once the category is known."""
        return Situation(
            category=category,
            track=self.track_of(category),
            age_band=age_band_of(facts),
            starting_qualification=facts.starting_qualification,
            permit_holder=facts.permit_holder,
            without_benefit=facts.without_benefit,
            prospect_of_work=facts.prospect_of_work,
            indications=facts.indications,
            exempted=facts.exempted(on),
        )

    def caseworker_role(self, situation: Situation) -> str:
        """The role of the caseworker who guides a client in this situation (ROU-1)."""
        role = self._caseworker(situation.values()).outcome
        if role is None:
            raise ValueError(f"{self.id} names no caseworker role for {situation}")
        return role

    def caseworker_receipt(self, situation: Situation) -> Receipt:
        """Why a caseworker of that role."""
        return self._receipt(situation, self._caseworker(situation.values()))

    def extra_caseworker_roles(self, situation: Situation) -> tuple[str, ...]:
        """The roles that guide a client besides the caseworker (ROU-1)."""
        values = situation.values()
        return tuple(dict.fromkeys(rule.role for rule in self.caseworkers.besides if rule.when.holds(values)))

    def referral_on_categorisation(self, situation: Situation) -> ReferralRule | None:
        """The partner that the category calls for at once (PAR-4, PAR-5)."""
        values = situation.values()
        return next((rule for rule in self.referrals.on_categorisation if rule.when.holds(values)), None)

    def referral_receipt(self, situation: Situation) -> Receipt:
        """Why a referral to that partner, or none."""
        return self._receipt(situation, self._referral(situation.values()))

    def referral_for_option(self, option: int, situation: Situation) -> ReferralRule | None:
        """The partner after a conversation that ended in this option (ROU-7)."""
        values = situation.values()
        for rule in self.referrals.after_conversation:
            if option in rule.options and rule.when.holds(values):
                return rule
        return None

    def referral_for_language(self, situation: Situation) -> ReferralRule | None:
        """The partner who gives lessons after a language test that was not passed (INT-10)."""
        values = situation.values()
        rules = self.referrals.after_failed_language_test
        return next((rule for rule in rules if rule.when.holds(values)), None)

    @cached_property
    def reference(self) -> PackReference:
        """How receipts name this pack."""
        return PackReference(self.id, self.version, self.digest, self.municipality, self.sources)

    @cached_property
    def _category(self) -> Answer[Categorised]:
        return remembered(self.scheme.facts, partial(categorise, self.scheme))

    @cached_property
    def _caseworker(self) -> Answer[Choice]:
        rules = self.caseworkers.assigned
        rows = tuple((rule, rule.role) for rule in rules)
        return remembered(facts_of(rules), partial(first_that_holds, "caseworker_role", rows))

    @cached_property
    def _referral(self) -> Answer[Choice]:
        rules = self.referrals.on_categorisation
        rows = tuple((rule, rule.partner) for rule in rules)
        return remembered(facts_of(rules), partial(first_that_holds, "referral_partner", rows))

    def _follows(self, facts: Facts, on: date, category: str) -> tuple[Choice, Choice]:
        known = self.situation(facts, on, category).values()
        return self._caseworker(known), self._referral(known)

    @cached_property
    def compiled(self) -> CompiledTables:
        """The same decisions and receipts by look-up: for who asks them of a whole caseload."""
        later = facts_of(self.caseworkers.assigned) | facts_of(self.referrals.on_categorisation)
        tables = Tables(
            self.reference, self.scheme, self._looked_at, own=self.scheme.facts & self.facts.keys(),
            asked_later=later, track_of=self.track_of, follows=self._follows,
        )  # fmt: skip
        return CompiledTables(tables)

    @cached_property
    def _looked_at(self) -> tuple[str, ...]:
        """The facts that decide something in this pack; no other fact has business in a receipt."""
        asked = {"in_doubt", "exemption"} | self.scheme.facts
        asked |= facts_of(self.caseworkers.assigned) | facts_of(self.referrals.on_categorisation)
        if "age_band" in asked:
            asked.add("age")
        return tuple(name for name in Facts.model_fields if name in asked)

    def _facts_used(self, facts: Facts) -> Mapping[str, Any]:
        used = {name: value for name in self._looked_at if (value := getattr(facts, name)) is not None}
        if facts.exemption is not None:
            used["exemption"] = facts.exemption.model_dump(mode="json", exclude_none=True)
        if "indications" in used:
            used["indications"] = sorted(facts.indications)
        own = {name: value for name, value in facts.own.items() if name in self.scheme.facts}
        return {**used, "own": own} if own else used

    def _receipt(self, situation: Situation, choice: Choice) -> Receipt:
        facts = {name: value for name, value in situation.values().items() if value is not None}
        facts["indications"] = sorted(situation.indications)
        return Receipt(self.reference, None, "decided", facts, (choice,))
