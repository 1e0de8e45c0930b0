"""The instruments under contract, each with the conditions under which a client may have it (ROU-10)."""

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from policy.conditions import Miss
from policy.references import InstrumentWhen
from policy.section import ById, Id, Length, Section, Source, Text
from policy.situation import Situation
from policy.terms import Term

InstrumentTerm = Literal["usual_use", "longest_use"]
INSTRUMENT_TERMS = get_args(InstrumentTerm)
USUAL_USE, LONGEST_USE = INSTRUMENT_TERMS


class InstrumentFact(Section):
    """Something that must be known about a client for an instrument and that no assessment records."""

    id: Id
    label: Text
    kind: Literal["yes_no", "number"]


class InstrumentCondition(Section):
    """What must hold of the client, and what is said when it does not."""

    id: Id
    requires: InstrumentWhen
    refusal: Text
    source: Source


class Refused(Section):
    """The condition that refuses an instrument, and the fact it fell on."""

    rule: Id
    refusal: Text
    reason: Text
    source: Source


class Instrument(Section):
    """Something a municipality can offer a client on the way to work or to taking part."""

    id: Id
    label: Text
    conditions: tuple[InstrumentCondition, ...] = ()
    duration: Length | None = None
    """How long it lasts as a rule."""
    max_duration: Length | None = None
    source: Source

    def terms(self) -> Iterator[tuple[InstrumentTerm, Term]]:
        """How long a use of it may last: by its end somebody looks whether it ends or goes on."""
        if self.duration is not None:
            yield "usual_use", self.duration
        if self.max_duration is not None:
            yield "longest_use", self.max_duration

    def check(self, situation: Situation, facts: Mapping[str, object]) -> Refused | None:
        """None when the client may have it, else the condition that refuses it; an unknown fact refuses."""
        values = situation.values() | dict(facts)
        for condition in self.conditions:
            miss: Miss | None = condition.requires.miss(values)
            if miss is not None:
                return Refused(rule=condition.id, refusal=condition.refusal, reason=str(miss), source=condition.source)
        return None


Instruments = ById[Instrument]
