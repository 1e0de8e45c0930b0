"""The diagnosis instrument: versioned questionnaires in Dutch, each question leading to a fact (DIA-1)."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

from policy import Facts

FOLDER = Path(__file__).parent / "instruments"
WITH_CHOICES = ("choice", "choices")
Answer = Literal["yes_no", "number", "date", "choice", "choices", "exemption"]


class Question(BaseModel):
    """A question and the fact that its answer becomes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    fact: str
    text: str
    answer: Answer
    choices: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _leads_to_a_fact(self) -> Self:
        if self.fact not in Facts.model_fields:
            raise ValueError(f"question {self.id}: there is no fact {self.fact}")
        if bool(self.choices) != (self.answer in WITH_CHOICES):
            raise ValueError(f"question {self.id}: choices belong to {' and '.join(WITH_CHOICES)}, and only there")
        return self


class Questionnaire(BaseModel):
    """One version of a questionnaire; once used it stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    version: str
    title: str
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]


@cache
def questionnaires() -> tuple[Questionnaire, ...]:
    """All versions of all questionnaires, the newest version of each last."""
    yaml = YAML(typ="safe")
    read = [Questionnaire.model_validate(yaml.load(file)) for file in FOLDER.glob("*.yaml")]
    return tuple(sorted(read, key=lambda each: (each.id, int(each.version))))


def newest() -> Iterator[Question]:
    """The questions of each questionnaire in its newest version; of a fact that two ask for, the first."""
    latest = {each.id: each for each in questionnaires()}
    by_fact: dict[str, Question] = {}
    for each in latest.values():
        for question in each.questions:
            by_fact.setdefault(question.fact, question)
    yield from by_fact.values()


def questionnaire(name: str) -> Questionnaire | None:
    """By id, in its newest version, or by id and version: `diagnose` or `diagnose@1`."""
    id, _, version = name.partition("@")
    found = [each for each in questionnaires() if each.id == id and version in ("", each.version)]
    return found[-1] if found else None
