"""Questionnaires, assessments and their corrections."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from chassis.models import AnswerModel, ApiModel, Code, Items, OptionalDay, Text
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, Role, allow
from diagnosis.actions.assessments import SEALED, Findings, assess, assessment_of, assessments_of, correct
from diagnosis.api.proposals import ProposalAnswer, shown_whole
from diagnosis.questionnaires import questionnaire, questionnaires
from diagnosis.sealing import Seal
from diagnosis.tables import Assessment
from policy import Facts

router = APIRouter(route_class=ServiceRoute, tags=["assessments"])

ENTERED_BY = (Role.FRONT_END, *STAFF)


async def _seal(request: Request) -> Seal:
    seal: Seal = request.app.state.seal
    return seal


SealInHand = Annotated[Seal, Depends(_seal)]


class QuestionAnswer(AnswerModel):
    """A question, and the fact that its answer becomes."""

    id: str
    fact: str
    text: str
    answer: str
    choices: dict[str, str]


class QuestionnaireAnswer(AnswerModel):
    """One version of a questionnaire."""

    id: str
    version: str
    title: str
    questions: list[QuestionAnswer]


class NewAssessment(ApiModel):
    """What an assessment found; a fact that is left out is not known."""

    questionnaire: Annotated[
        str,
        Field(pattern=r"^[a-z-]{1,64}(@\d{1,9})?$", description="By id, or by id and version", examples=["diagnose@1"]),
    ]
    occurred_on: OptionalDay = None
    facts: Facts
    setting: Literal["alone", "group"] = "alone"
    barriers: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    impression: Text | None = None


class NewCorrection(ApiModel):
    """The facts as they should have been entered."""

    facts: Facts
    reason: Annotated[Text, Field(min_length=1)]
    occurred_on: OptionalDay = None
    barriers: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    impression: Text | None = None


class AssessmentAnswer(AnswerModel):
    """An assessment, with all its facts: for those who guide the client."""

    id: UUID
    client_id: UUID
    municipality: str
    questionnaire: str
    questionnaire_version: str
    setting: str
    occurred_on: date
    facts: dict[str, Any]
    barriers: list[str]
    impression: str | None
    corrects: UUID | None
    correction_reason: str | None
    entered_by: str
    entered_at: datetime


def _answer(assessment: Assessment, seal: Seal) -> AssessmentAnswer:
    answer = AssessmentAnswer.model_validate(assessment)
    born = seal.open(assessment.child_birth_date, assessment.id)
    if born is not None:
        answer.facts = {**answer.facts, SEALED: born.isoformat()}
    return answer


@router.get("/questionnaires", dependencies=[allow(*ENTERED_BY, Role.POLICY_OFFICER)])
async def list_questionnaires(work: WorkInHand) -> Items[QuestionnaireAnswer]:  # noqa: ARG001 - a route has a transaction
    """The diagnosis instrument, in all its versions."""
    return Items(items=[QuestionnaireAnswer.model_validate(each.model_dump()) for each in questionnaires()])


@router.post("/clients/{client_id}/assessments", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def make_assessment(
    client_id: UUID, body: NewAssessment, work: WorkInHand, seal: SealInHand, response: Response
) -> ProposalAnswer:
    """Enter an assessment; the answer is what policy proposes on it."""
    asked = questionnaire(body.questionnaire)
    if asked is None:
        raise Invalid.at("#/questionnaire", "is not a questionnaire that there is")
    findings = Findings.by(
        asked,
        body.facts,
        occurred_on=body.occurred_on,
        setting=body.setting,
        barriers=body.barriers,
        impression=body.impression,
    )
    proposal = await assess(work, seal, client_id, findings)
    response.headers["Location"] = f"/v1/proposals/{proposal.id}"
    return await shown_whole(work, proposal)


@router.get("/clients/{client_id}/assessments", dependencies=[allow(Role.CASEWORKER)])
async def list_assessments(client_id: UUID, work: WorkInHand, seal: SealInHand) -> Items[AssessmentAnswer]:
    """The assessments of a client, the latest first."""
    return Items(items=[_answer(each, seal) for each in await assessments_of(work, client_id)])


@router.get("/assessments/{assessment_id}", dependencies=[allow(Role.CASEWORKER)])
async def read_assessment(assessment_id: UUID, work: WorkInHand, seal: SealInHand) -> AssessmentAnswer:
    """One assessment."""
    return _answer(await assessment_of(work, assessment_id), seal)


@router.post("/assessments/{assessment_id}/corrections", status_code=201, dependencies=[allow(*STAFF)])
async def correct_assessment(
    assessment_id: UUID, body: NewCorrection, work: WorkInHand, seal: SealInHand, response: Response
) -> ProposalAnswer:
    """Replace an assessment that was entered wrongly; a new decision follows."""
    findings = Findings(
        body.facts,
        occurred_on=body.occurred_on,
        barriers=body.barriers,
        impression=body.impression,
        correction_reason=body.reason,
    )
    proposal = await correct(work, seal, assessment_id, findings)
    response.headers["Location"] = f"/v1/proposals/{proposal.id}"
    return await shown_whole(work, proposal)
