"""What is agreed with clients, whether it is kept, and what follows when it is not."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select

from chassis.models import ApiModel, Code, Items, OptionalDay, Text
from chassis.pagination import Page
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from chassis.work import Work
from routing.actions import agreements, journeys
from routing.actions.agreements import Answer, Promise, faults_in_areas
from routing.actions.journeys import Act, pack_of
from routing.api.answers import ENTERS, AgreementAnswer, ClientId, located
from routing.spoken import Agreement
from routing.tables import Journey

router = APIRouter(route_class=ServiceRoute, tags=["agreements"])

Reason = Annotated[Text, Field(min_length=1)]
Agreed = Annotated[Text, Field(min_length=1)]


class NewAgreement(ApiModel):
    """What the client agreed to do, about which area of life (as the pack names it), and by when."""

    agreed: Agreed
    area: Code | None = None
    due_on: OptionalDay = None
    agreed_on: OptionalDay = None


class AgreementCorrection(NewAgreement):
    """The agreement as it was, and why it was entered otherwise; `agreedOn` stays when it is left out."""

    reason: Reason


class OnDay(ApiModel):
    """The day on which it happened or turned out."""

    on: OptionalDay = None


class NewExtension(ApiModel):
    """The day by which it is to be done now, when that is another one."""

    due_on: OptionalDay = None
    on: OptionalDay = None


class NewStep(ApiModel):
    """The rung of the ladder that was taken."""

    step: Literal["talk", "influence"]
    on: OptionalDay = None


class NewReversal(ApiModel):
    """Why what was recorded is a mistake."""

    reason: Reason


@router.post("/clients/{client_id}/agreements", status_code=201, dependencies=[allow(*ENTERS)])
async def agree(client_id: ClientId, body: NewAgreement, work: WorkInHand, response: Response) -> AgreementAnswer:
    """Record what is agreed with the client."""
    act = Act.entered(work, body.agreed_on, "#/agreedOn")
    journey = await journeys.find_on(work, client_id, act.on)
    made = await agreements.make(work, journey, _promise(work, journey, body, act), act)
    located(response, f"/clients/{client_id}/agreements")
    return AgreementAnswer.model_validate(made)


@router.get("/clients/{client_id}/agreements", dependencies=[allow(*ENTERS)])
async def list_agreements(
    client_id: ClientId,
    work: WorkInHand,
    page: Page,
    state: Annotated[Literal["open", "kept", "missed", "continued", "corrected"] | None, Query()] = None,
) -> Items[AgreementAnswer]:
    """What was agreed, the oldest first: with those that are open the next conversation begins."""
    journey = await journeys.find(work, client_id, lock=False)
    query = select(Agreement).where(Agreement.client_id == journey.client_id)
    if state is not None:
        query = query.where(Agreement.in_state(state))
    found = await page.scalars(work.session, query, Agreement.agreed_on, Agreement.id)
    return Items(items=[AgreementAnswer.model_validate(each) for each in found])


@router.post("/agreements/{agreement_id}/fulfilments", status_code=201, dependencies=[allow(*ENTERS)])
async def keep_agreement(agreement_id: UUID, body: OnDay, work: WorkInHand, response: Response) -> AgreementAnswer:
    """Record that the client did what was agreed."""
    return await _answered(work, Answer(agreement_id, "kept"), Act.entered(work, body.on, "#/on"), response)


@router.post("/agreements/{agreement_id}/misses", status_code=201, dependencies=[allow(*ENTERS)])
async def miss_agreement(agreement_id: UUID, body: OnDay, work: WorkInHand, response: Response) -> AgreementAnswer:
    """Record that an agreement was not kept; `step` is what follows by the pack's ladder."""
    return await _answered(work, Answer(agreement_id, "missed"), Act.entered(work, body.on, "#/on"), response)


@router.post("/agreements/{agreement_id}/extensions", status_code=201, dependencies=[allow(*ENTERS)])
async def extend_agreement(
    agreement_id: UUID, body: NewExtension, work: WorkInHand, response: Response
) -> AgreementAnswer:
    """Let an agreement go on: another, which names it, stands in its place."""
    act = Act.entered(work, body.on, "#/on")
    if body.due_on is not None and body.due_on < act.on:
        raise Invalid.at("#/dueOn", f"lies before the day on which it goes on, {act.on}")
    return await _answered(work, Answer(agreement_id, "goes_on", body.due_on), act, response)


@router.post("/agreements/{agreement_id}/steps", status_code=201, dependencies=[allow(*ENTERS)])
async def take_step(agreement_id: UUID, body: NewStep, work: WorkInHand, response: Response) -> AgreementAnswer:
    """Record that the rung took place that follows this agreement that was not kept; no rung is skipped."""
    act = Act.entered(work, body.on, "#/on")
    stepped = await agreements.take_step(work, agreement_id, body.step, act)
    located(response, f"/clients/{stepped.client_id}/agreements")
    return AgreementAnswer.model_validate(stepped)


@router.post("/agreements/{agreement_id}/corrections", status_code=201, dependencies=[allow(*ENTERS)])
async def correct_agreement(
    agreement_id: UUID, body: AgreementCorrection, work: WorkInHand, response: Response
) -> AgreementAnswer:
    """Correct an agreement that was entered wrongly: another stands in its place, with what became of it."""
    journey, mistaken = await agreements.find(work, agreement_id)
    act = Act.entered(work, body.agreed_on or mistaken.agreed_on, "#/agreedOn")
    right = await agreements.correct(work, agreement_id, _promise(work, journey, body, act), act, body.reason)
    located(response, f"/clients/{right.client_id}/agreements")
    return AgreementAnswer.model_validate(right)


@router.post("/agreements/{agreement_id}/reversals", status_code=201, dependencies=[allow(*ENTERS)])
async def revert_agreement(
    agreement_id: UUID, body: NewReversal, work: WorkInHand, response: Response
) -> AgreementAnswer:
    """Take back that an agreement was kept, or was not: it is open again, and what was to follow does not."""
    reverted = await agreements.revert(work, agreement_id, Act(work.today, work.actor), body.reason)
    located(response, f"/clients/{reverted.client_id}/agreements")
    return AgreementAnswer.model_validate(reverted)


def _promise(work: Work, journey: Journey, body: NewAgreement, act: Act) -> Promise:
    fip = pack_of(work, journey, act.on).routing.fip
    faults = faults_in_areas(fip.areas_of_life if fip else {}, {"#/area": body.area})
    if body.due_on is not None and body.due_on < act.on:
        faults.append({"detail": f"lies before the day of the agreement, {act.on}", "pointer": "#/dueOn"})
    if faults:
        raise Invalid(errors=faults)
    return Promise(body.agreed, body.area, body.due_on)


async def _answered(work: Work, given: Answer, act: Act, response: Response) -> AgreementAnswer:
    answered = await agreements.enter(work, given, act)
    located(response, f"/clients/{answered.client_id}/agreements")
    return AgreementAnswer.model_validate(answered)
