"""New assessments after a change of policy."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from chassis.models import AnswerModel, ApiModel, Code
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, Role, allow, in_scope
from diagnosis.actions.clients import decider, policy_of
from diagnosis.actions.reassessments import ask_anew

router = APIRouter(route_class=ServiceRoute, tags=["reassessments"])


class NewReassessments(ApiModel):
    """Whose category is to be looked at anew."""

    municipality: Annotated[str, Field(pattern=r"^GM\d{4}$")]
    categories: Annotated[tuple[Code, ...], Field(max_length=50, description="Those in these; without any, all")] = ()


class ReassessmentsAnswer(AnswerModel):
    """How many clients are due for a new assessment."""

    due: int


@router.post("/reassessments", dependencies=[allow(Role.TEAM_MANAGER, Role.POLICY_OFFICER)])
async def ask_for_reassessments(body: NewReassessments, work: WorkInHand, caller: Caller) -> ReassessmentsAnswer:
    """Ask for new assessments since the policy changed; each client is invited, and no category changes by it."""
    in_scope(caller, body.municipality)
    decider(work)
    known = policy_of(work, body.municipality, work.today).categories
    for index, category in enumerate(body.categories):
        if category not in known:
            raise Invalid.at(f"#/categories/{index}", f"is one of {', '.join(known)}")
    return ReassessmentsAnswer(due=await ask_anew(work, body.municipality, body.categories))
