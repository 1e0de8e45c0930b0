"""What can be chosen in a diagnosis."""

from collections.abc import Iterator
from typing import get_args

from fastapi import APIRouter, Response

from chassis.choices import KNOWN, AskedFor, Choice, PolicyChoices, named
from chassis.routes import ServiceRoute
from chassis.security import STAFF, Role, allow
from diagnosis.questionnaires import Answer, newest
from diagnosis.rules import SINGLE_PARENT
from policy import Indication, Pack
from policy.scheme import Aim
from policy.words import FACT_NAMES, value_in_words

router = APIRouter(route_class=ServiceRoute, tags=["choices"])


class CategoryChoice(Choice):
    """A category, and the track that it leads to."""

    track: str


class TrackChoice(Choice):
    """A track: where it leads, and what it means for the client, in words for the client."""

    aim: Aim
    meaning: str


class FactChoice(Choice):
    """Something that an assessment can record; what the policy asks besides the questionnaires goes under `own`."""

    answer: Answer
    choices: list[Choice]
    own: bool
    decides: bool
    """Whether the category follows from it by this policy."""


class ExemptionReasonChoice(Choice):
    """A reason for an exemption that ends by itself: the day before the youngest child is so many years old."""

    child_under: int


class DiagnosisChoices(PolicyChoices):
    """What forms of a diagnosis offer. An exemption can be for any other reason as well, in free text."""

    categories: list[CategoryChoice]
    tracks: list[TrackChoice]
    facts: list[FactChoice]
    indications: list[Choice]
    exemption_reasons: list[ExemptionReasonChoice]
    areas_of_life: list[Choice]
    """Where barriers lie."""
    when_in_doubt: list[Choice]
    """The instruments with which a doubtful outcome is looked into."""


@router.get(
    "/choices",
    response_model=DiagnosisChoices,
    responses=KNOWN,
    dependencies=[allow(Role.FRONT_END, *STAFF, Role.POLICY_OFFICER)],
)
async def list_choices(asked: AskedFor) -> Response:
    """What can be chosen in a diagnosis by the policy of a day, with the words of the municipality."""
    pack = asked.pack
    doubt, fip = pack.diagnosis.in_doubt, pack.routing.fip
    return asked.answer(
        DiagnosisChoices(
            **asked.of_policy,
            categories=[
                CategoryChoice(id=each.id, label=each.label, track=each.track) for each in pack.categories.values()
            ],
            tracks=[
                TrackChoice(id=each.id, label=each.label, aim=each.aim, meaning=each.meaning)
                for each in pack.tracks.values()
            ],
            facts=list(_facts(pack)),
            indications=[_of_value("indications", each) for each in get_args(Indication)],
            exemption_reasons=list(_exemption_reasons(pack)),
            areas_of_life=named(fip.areas_of_life if fip else {}),
            when_in_doubt=[
                Choice(id=id, label=pack.instruments[id].label) for id in (doubt.instruments if doubt else ())
            ],
        )
    )


def _facts(pack: Pack) -> Iterator[FactChoice]:
    """Those that the questionnaires ask, and those that only this policy knows."""
    decides = pack.scheme.facts | ({"exemption"} if "exempted" in pack.scheme.facts else frozenset())
    for question in newest():
        yield FactChoice(
            id=question.fact, label=_capital(FACT_NAMES[question.fact]), answer=question.answer,
            choices=named(question.choices), own=False, decides=question.fact in decides,
        )  # fmt: skip
    for fact in pack.facts.values():
        yield FactChoice(
            id=fact.id, label=fact.label, answer=fact.kind, own=True, decides=fact.id in decides,
            choices=[Choice(id=each, label=each) for each in fact.choices],
        )  # fmt: skip


def _exemption_reasons(pack: Pack) -> Iterator[ExemptionReasonChoice]:
    years = pack.diagnosis.exemption.single_parent_child_under
    if years is not None:
        label = f"{_capital(FACT_NAMES[SINGLE_PARENT])} met een kind jonger dan {years} jaar"
        yield ExemptionReasonChoice(id=SINGLE_PARENT, label=label, child_under=years)


def _of_value(fact: str, value: str) -> Choice:
    return Choice(id=value, label=_capital(value_in_words(fact, value)))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
