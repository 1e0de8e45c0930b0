"""The instruments under contract, each with the conditions under which a client may have it (ROU-10)."""

from collections.abc import Mapping
from typing import Literal

from policy.conditions import Miss
from policy.references import InstrumentWhen
from policy.section import ById, Id, Length, Section, Source, Text
from policy.situation import Situation


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
    max_duration: Length | None = None
    source: Source

    def check(self, situation: Situation, facts: Mapping[str, object]) -> Refused | None:
        """None when the client may have it, else the condition that refuses it; an unknown fact refuses."""
        values = situation.values() | dict(facts)
        for condition in self.conditions:
            miss: Miss | None = condition.requires.miss(values)
            if miss is not None:
                return Refused(rule=condition.id, refusal=condition.refusal, reason=str(miss), source=condition.source)
        return None


Instruments = ById[Instrument]
