"""Trying a draft of the policy on the present caseload before it is adopted."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints
from sqlalchemy import select
from starlette.responses import HTMLResponse

from chassis.models import AnswerModel, ApiModel, Items, Moment, OptionalDay, OptionalMoment
from chassis.pages import prefers_page
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand, service_of
from chassis.security import Caller, Role, allow, in_scope
from chassis.work import Work
from contracts.model import Municipality
from diagnosis.actions.policy_trials import ask, trial_of
from diagnosis.tables import PolicyTrial, TrialMove
from diagnosis.trials.page import SHOWN, page_of
from diagnosis.trials.result import Result
from diagnosis.trials.tally import Kind

router = APIRouter(route_class=ServiceRoute, tags=["policy trials"])

ASKED_BY = (Role.POLICY_OFFICER, Role.TEAM_MANAGER)
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}/[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.yaml$")]
FileText = Annotated[str, StringConstraints(max_length=500_000, pattern=r"^[^\x00]*$")]
State = Literal["waiting", "running", "finished", "failed"]


class NewTrial(ApiModel):
    """A draft to be tried."""

    municipality: Municipality
    on: Annotated[OptionalDay, Field(description="The day as of which is decided; today when left out")] = None
    files: Annotated[
        dict[FileName, FileText],
        Field(
            min_length=1,
            max_length=100,
            description="The YAML files of the draft by name, as in the folder of policies; a base in `_shared` that is"
            " left out is the one in use",
            examples=[{"town/2026-01-01.yaml": "id: town-2026\n"}],
        ),
    ]


class TriedPack(AnswerModel):
    """A pack, as it was when it was tried."""

    id: str
    version: str
    digest: str


class TrialInShort(AnswerModel):
    """A trial in a list."""

    id: UUID
    municipality: str
    state: State
    on: date = Field(validation_alias="on_day")
    draft: TriedPack
    present: TriedPack
    asked_by: str
    asked_at: Moment
    clients: int | None
    """How many there are; null before it runs."""
    clients_done: int
    finished_at: OptionalMoment


class TrialAnswer(TrialInShort):
    """A trial; its result once it is finished."""

    result: Result | None


class MoveAnswer(AnswerModel):
    """Something that would change for a client, in the codes of the policy; null where there is nothing."""

    client_id: UUID
    kind: Kind
    what: str
    """The term of a deadline; when a referral is asked for; how a category came about that is recorded otherwise."""
    before: str | None
    after: str | None


@router.post("/policy-trials", status_code=202, dependencies=[allow(*ASKED_BY)])
async def ask_for_policy_trial(
    body: NewTrial, work: WorkInHand, caller: Caller, request: Request, response: Response
) -> TrialAnswer:
    """Try a draft of the policy on the whole present caseload; nothing changes by it. The trial says how far it is."""
    in_scope(caller, body.municipality)
    policies = service_of(request).settings.policies
    trial = await ask(work, policies, body.municipality, body.on or work.today, body.files)
    response.headers["Location"] = f"/v1/policy-trials/{trial.id}"
    return TrialAnswer.model_validate(trial)


@router.get("/policy-trials", dependencies=[allow(*ASKED_BY)])
async def list_policy_trials(
    work: WorkInHand, page: Page, municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None
) -> Items[TrialInShort]:
    """The trials that were asked for, the newest first."""
    query = select(PolicyTrial)
    if municipality is not None:
        query = query.where(PolicyTrial.municipality == municipality)
    found = await page.scalars(work.session, query, PolicyTrial.id, descending=True)
    return Items(items=[TrialInShort.model_validate(each) for each in found])


@router.get(
    "/policy-trials/{trial_id}",
    dependencies=[allow(*ASKED_BY)],
    response_model=TrialAnswer,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def read_policy_trial(trial_id: UUID, work: WorkInHand, request: Request) -> Any:
    """A trial with its result: as JSON, or as a web page in Dutch for who accepts `text/html` rather."""
    trial = await trial_of(work, trial_id)
    if not prefers_page(request):
        return TrialAnswer.model_validate(trial)
    moves = {kind: await _first(work, trial_id, kind) for kind in ("category", "recorded_otherwise")}
    return HTMLResponse(*page_of(trial, moves))


@router.get("/policy-trials/{trial_id}/moves", dependencies=[allow(*ASKED_BY)])
async def list_policy_trial_moves(
    trial_id: UUID, work: WorkInHand, page: Page, kind: Annotated[Kind | None, Query()] = None
) -> Items[MoveAnswer]:
    """What would change for whom."""
    await trial_of(work, trial_id)
    query = select(TrialMove).where(TrialMove.trial_id == trial_id)
    if kind is not None:
        query = query.where(TrialMove.kind == kind)
    found = await page.scalars(work.session, query, TrialMove.position)
    return Items(items=[MoveAnswer.model_validate(each) for each in found])


async def _first(work: Work, trial_id: UUID, kind: str) -> list[TrialMove]:
    mine = TrialMove.trial_id == trial_id, TrialMove.kind == kind
    return list(await work.session.scalars(select(TrialMove).where(*mine).order_by(TrialMove.position).limit(SHOWN)))
