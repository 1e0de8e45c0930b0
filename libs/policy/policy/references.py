"""Names in a pack that must point at something else in it, checked while the pack is read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from policy.conditions import Choice, Domain, Kinds, Number, Vocabulary, When, WrongCell, yes_no
from policy.facts import Indication, WorkFit
from policy.situation import AGE_BANDS

INDICATIONS: tuple[str, ...] = get_args(Indication)
WORK_FIT: tuple[str, ...] = get_args(WorkFit)

# What a category scheme may look at. Facts that no scheme uses do not give a category (POL-8).
FACTS: Vocabulary = {
    "distance_months": Number(),
    "work_capacity_pct": Number(),
    "age": Number(),
    "capacity_measured": yes_no(),
    "indications": Kinds(INDICATIONS),
    "exempted": yes_no(),
    "work_fit": Choice(WORK_FIT),
    "can_volunteer": yes_no(),
    "starting_qualification": yes_no(),
    "multiple_problems": yes_no(),
    "permit_holder": yes_no(),
    "single_parent": yes_no(),
    "prospect_of_work": yes_no(),
    "without_benefit": yes_no(),
}


ROW = "x-row"


@dataclass(frozen=True, slots=True)
class Names:
    """What a pack defines, by kind; the context in which it is validated."""

    known: Mapping[str, frozenset[str]]
    situation: Vocabulary
    instrument: Vocabulary
    own: Vocabulary = field(default_factory=dict)
    vocabularies: Mapping[str, Vocabulary] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "vocabularies",
            {"facts": {**FACTS, **self.own}, "situation": self.situation, "instrument": self.instrument},
        )

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Names":
        """Collect the names that a pack's data define, whether or not the rest of it is in order."""
        kinds = ("categories", "tracks", "roles", "partners", "instruments", "sources")
        known = {kind: _keys(data.get(kind)) for kind in kinds}
        purposes = (_keys(partner.get("purposes")) for partner in _mappings(data.get("partners")))
        known["purposes"] = frozenset().union(*purposes)
        situation: dict[str, Any] = {
            "category": Choice(tuple(sorted(known["categories"]))),
            "track": Choice(tuple(sorted(known["tracks"]))),
            "age_band": Choice(AGE_BANDS, unknown=True),
            "starting_qualification": yes_no(unknown=True),
            "permit_holder": yes_no(unknown=True),
            "without_benefit": yes_no(unknown=True),
            "prospect_of_work": yes_no(unknown=True),
            "indications": Kinds(INDICATIONS),
            "exempted": yes_no(),
        }
        asked = data.get("instrument_facts")
        declared = {
            name: Number() if isinstance(fact, Mapping) and fact.get("kind") == "number" else yes_no(unknown=True)
            for name, fact in (asked.items() if isinstance(asked, Mapping) else ())
        }
        return cls(known, situation, situation | declared, dict(_own(data.get("facts"))))


def _keys(value: object) -> frozenset[str]:
    return frozenset(str(key) for key in value) if isinstance(value, Mapping) else frozenset()


def _own(facts: object) -> Iterator[tuple[str, Domain]]:
    """The domains of the facts that a pack adds; one that is written wrongly is told of where it stands."""
    for name, fact in facts.items() if isinstance(facts, Mapping) else ():
        if not isinstance(fact, Mapping) or name in FACTS:
            continue
        choices = fact.get("choices")
        if fact.get("kind") == "number":
            yield str(name), Number()
        elif fact.get("kind") == "choice":
            yield str(name), Choice(tuple(map(str, choices)) if isinstance(choices, list) else ())
        else:
            yield str(name), yes_no()


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value.values() if isinstance(item, Mapping)] if isinstance(value, Mapping) else []


def _names(info: ValidationInfo) -> Names:
    if not isinstance(info.context, Names):
        raise TypeError("a pack is validated in the context of its own names")
    return info.context


def _known(kind: str, called: str) -> Callable[[str, ValidationInfo], str]:
    def check(name: str, info: ValidationInfo) -> str:
        known = _names(info).known[kind]
        if name not in known:
            raise PydanticCustomError(
                "unknown_reference",
                "no {called} of that name; defined are: {known}",
                {"called": called, "known": ", ".join(sorted(known)) or "none"},
            )
        return name

    return check


def _row(vocabulary: str) -> Callable[[object, ValidationInfo], When]:
    def read(written: object, info: ValidationInfo) -> When:
        if not isinstance(written, Mapping):
            raise PydanticCustomError("wrong_row", "write the conditions as fact: value, or leave them out")
        try:
            return When.parse(written, _names(info).vocabularies[vocabulary])
        except WrongCell as fault:
            raise PydanticCustomError(
                "wrong_cell", "{fact}: {remedy}", {"fact": fault.fact, "remedy": fault.remedy}
            ) from fault

    return read


def _written_as(vocabulary: str) -> WithJsonSchema:
    """A mark for the schema of packs, which says what a row over this vocabulary may hold."""
    return WithJsonSchema({ROW: vocabulary})


CategoryId = Annotated[str, AfterValidator(_known("categories", "category"))]
TrackId = Annotated[str, AfterValidator(_known("tracks", "track"))]
RoleId = Annotated[str, AfterValidator(_known("roles", "caseworker role"))]
PartnerId = Annotated[str, AfterValidator(_known("partners", "partner"))]
PurposeId = Annotated[str, AfterValidator(_known("purposes", "purpose of a partner"))]
InstrumentId = Annotated[str, AfterValidator(_known("instruments", "instrument"))]
DocumentId = Annotated[str, AfterValidator(_known("sources", "source document"))]

# Conditions over the facts of an assessment, over a client's situation, and over that with the facts of an instrument.
FactsWhen = Annotated[When, PlainValidator(_row("facts")), _written_as("facts")]
SituationWhen = Annotated[When, PlainValidator(_row("situation")), _written_as("situation")]
InstrumentWhen = Annotated[When, PlainValidator(_row("instrument")), _written_as("instrument")]
