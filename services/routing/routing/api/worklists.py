"""A caseworker's day: what is due, overdue, to be confirmed, waited for, handed over, and without caseworker."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import ColumnElement, Select, func, select

from chassis.models import AnswerModel, CallAnswer, Code, Day, Items, OptionalDay
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand, service_of
from chassis.security import STAFF, Caller, Role, Token, allow
from chassis.work import Work
from policy.instruments import LONGEST_USE, USUAL_USE
from policy.running import ALLOWANCES_CHECK, FIP, FIRST_CONVERSATION, LONGEST_STAY, REVIEW
from routing.actions import receiving
from routing.actions.sight import Scope, sight_of
from routing.api.answers import ENTERS
from routing.rules import AGREEMENT
from routing.tables import WorkItem
from routing.work_items import (
    ACCEPTANCE,
    CASEWORKER,
    EMERGENCY,
    FIRST_MEETING,
    HANDOVER,
    LADDER_STEP,
    PENSION,
    PROPOSAL,
    REFERRAL,
    is_overdue,
    why,
)

router = APIRouter(route_class=ServiceRoute, tags=["work lists"])

Kind = Literal["due", "overdue", "to_confirm", "waiting_for_partner", "handed_over", "without_caseworker"]
KINDS: tuple[Kind, ...] = (
    "overdue", "due", "to_confirm", "waiting_for_partner", "handed_over", "without_caseworker",
)  # fmt: skip
COUNTED_TO = 1000
"""A count says no more than `at least` from here on, so that it takes as long for a town as for a city."""


class WorkItemAnswer(AnswerModel):
    """Something to see to; `reason` is for programs, `why` is for people. `urgentOn` is its place in the order."""

    id: UUID
    kind: Kind
    client_id: UUID
    municipality: str
    reason: str
    why: str
    since: date
    due_on: OptionalDay
    overdue: bool
    urgent_on: date
    caseworker_id: str | None
    role: str | None
    links: list[CallAnswer]


class CountAnswer(AnswerModel):
    """How many items of a kind there are, counted to 1,000: `more` says that there are more than that, not how many.

    `overdue` counts everything of which the last day has passed: what is late of another kind counts there as well.
    """

    kind: Kind
    count: int
    more: bool


class Asked:
    """Which work list, and which part of it."""

    def __init__(
        self,
        scope: Annotated[
            Scope,
            Query(
                description="`me`: one's own clients and those of whom one stands in for, what is handed to one's role,"
                " and what waits for a manager; `team`: of one's own team and the teams one manages, with who has no"
                " caseworker, and for a manager the clients of staff whom nobody manages; `municipality`: all, for"
                " managers and front-ends"
            ),
        ] = "me",
        municipality: Annotated[str | None, Query(pattern=r"^GM\d{4}$")] = None,
        due_before: Annotated[
            Day | None, Query(alias="dueBefore", description="Only what is or was to be done before this day")
        ] = None,
        role: Annotated[Code | None, Query(description="Only what somebody of this role sees to")] = None,
        client_id: Annotated[UUID | None, Query(alias="clientId")] = None,
    ) -> None:
        self.scope: Scope = scope
        self.municipality = municipality
        self.due_before, self.role, self.client_id = due_before, role, client_id

    async def query(self, work: Work, caller: Token) -> Select[WorkItem]:
        """The items that the caller asks for and may see."""
        query = select(WorkItem).where((await sight_of(work, caller, self.scope, self.municipality)).shows())
        if self.due_before is not None:
            query = query.where(WorkItem.urgent_on < self.due_before)
        if self.role is not None:
            query = query.where(WorkItem.role == self.role)
        if self.client_id is not None:
            query = query.where(WorkItem.client_id == self.client_id)
        return query


AskedFor = Annotated[Asked, Depends()]


@router.get("/worklist", dependencies=[allow(*ENTERS)])
async def read_worklist(
    request: Request,
    work: WorkInHand,
    caller: Caller,
    page: Page,
    asked: AskedFor,
    kind: Annotated[
        Kind | None, Query(description="Only items of this kind; `overdue`: all that is late, of whatever kind")
    ] = None,
) -> Items[WorkItemAnswer]:
    """What there is to see to, the most urgent first.

    Items stand in order of `urgentOn`: the day by which something is or was to be done, or for what has no such day
    since when it waits; what waits for a partner within the partner's term comes last. `overdue` is judged on the civil
    day of asking. `links` are the calls that the caller can make next.
    """
    query = await asked.query(work, caller)
    if kind is not None:
        query = query.where(*_of_kind(kind, work.today))
    found = await page.scalars(work.session, query, WorkItem.urgent_on, WorkItem.id)
    public = service_of(request).settings.public_url.rstrip("/")
    received = await receiving.offered(work, caller, found)
    return Items(items=[_shown(work, each, caller, public, received) for each in found])


@router.get("/worklist/counts", dependencies=[allow(*ENTERS)])
async def count_worklist(work: WorkInHand, caller: Caller, asked: AskedFor) -> Items[CountAnswer]:
    """How many items of each kind there are on a work list, each counted to 1,000.

    Of a kind with more the count is 1,000 and `more` is true, `overdue` too: show it as more than 1,000.
    """
    query = await asked.query(work, caller)
    counts = []
    for kind in KINDS:
        some = query.with_only_columns(WorkItem.id).where(*_of_kind(kind, work.today)).limit(COUNTED_TO + 1)
        number = await work.session.scalar(select(func.count()).select_from(some.subquery())) or 0
        counts.append(CountAnswer(kind=kind, count=min(number, COUNTED_TO), more=number > COUNTED_TO))
    return Items(items=counts)


def _of_kind(kind: Kind, today: date) -> list[ColumnElement[bool]]:
    if kind == "overdue":  # what has a last day stands in the order by that day
        return [WorkItem.due_on.is_not(None), WorkItem.urgent_on < today]
    if kind == "due":
        return [WorkItem.kind == "due", WorkItem.urgent_on >= today]
    return [WorkItem.kind == kind]


def _shown(work: Work, item: WorkItem, caller: Token, public: str, received: Collection[UUID]) -> WorkItemAnswer:
    today = work.today
    overdue = is_overdue(item.due_on, today)
    kind: Any = "overdue" if item.kind == "due" and overdue else item.kind
    named = {"client": item.client_id, "ref": item.ref, "municipality": item.municipality, "role": item.role}
    return WorkItemAnswer(
        id=item.id, kind=kind, client_id=item.client_id, municipality=item.municipality, reason=item.what,
        why=why(item.what, item.since, item.due_on, today, _rung(work, item)), since=item.since,
        due_on=item.due_on, overdue=overdue,
        urgent_on=item.urgent_on, caseworker_id=item.caseworker_id, role=item.role,
        links=[
            CallAnswer(rel=rel, method=method, href=public + path.format_map(named))
            for rel, method, path, roles in _calls(item, today, received)
            if caller.has(*roles)
        ],
    )  # fmt: skip


def _rung(work: Work, item: WorkItem) -> str | None:
    """The step of the ladder that follows, as the policy calls it."""
    if item.what != LADDER_STEP or item.state is None:
        return None
    return work.policies.in_force(item.municipality, work.today).routing.measures.label(item.state)


_Call = tuple[str, Literal["GET", "POST"], str, tuple[Role, ...]]
"""What may follow: its name, method, path with places to fill in, and who may."""

_CLIENT, _INTAKE = "/routing/v1/clients/{client}", "/intake/v1/clients/{client}"
_TALK: tuple[_Call, ...] = (("conversation", "POST", f"{_CLIENT}/conversations", ENTERS),)
_END: _Call = ("end", "POST", "/routing/v1/instruments/{ref}/ends", ENTERS)
_OFFERED: Mapping[str, tuple[_Call, ...]] = {
    **dict.fromkeys((FIRST_CONVERSATION, REVIEW, FIP, FIRST_MEETING), _TALK),
    LONGEST_STAY: (("exit", "POST", f"{_CLIENT}/exits", ENTERS),),
    AGREEMENT: (
        ("kept", "POST", "/routing/v1/agreements/{ref}/fulfilments", ENTERS),
        ("missed", "POST", "/routing/v1/agreements/{ref}/misses", ENTERS),
        ("extend", "POST", "/routing/v1/agreements/{ref}/extensions", ENTERS),
    ),
    LADDER_STEP: (("revert", "POST", "/routing/v1/agreements/{ref}/reversals", ENTERS),),
    USUAL_USE: (_END, ("extend", "POST", "/routing/v1/instruments/{ref}/extensions", ENTERS)),
    LONGEST_USE: (_END,),
    "information_session": (("sessions", "GET", "/intake/v1/information-sessions", ENTERS),),
    "intake": (("intake", "POST", f"{_INTAKE}/intakes", ENTERS),),
    "language_test": (("language_test", "POST", f"{_INTAKE}/language-tests", ENTERS),),
    "integration_plan": (("integration_plan", "POST", f"{_INTAKE}/integration-plans", ENTERS),),
    HANDOVER: (("prepare", "POST", "/routing/v1/handovers/{ref}/preparations", ENTERS),),
    ACCEPTANCE: (
        ("accept", "POST", "/routing/v1/handovers/{ref}/acceptances", ENTERS),
        ("return", "POST", "/routing/v1/handovers/{ref}/returns", ENTERS),
    ),
    ALLOWANCES_CHECK: (("check", "POST", "/routing/v1/exits/{ref}/allowances-checks", ENTERS),),
    EMERGENCY: (
        ("accesses", "GET", "/routing/v1/emergency-accesses?clientId={client}", (Role.TEAM_MANAGER,)),
        ("review", "POST", "/routing/v1/emergency-accesses/{ref}/reviews", (Role.TEAM_MANAGER,)),
    ),
    PROPOSAL: (("proposals", "GET", "/diagnosis/v1/proposals?clientId={client}&state=open", STAFF),),
    PENSION: (("client", "GET", _INTAKE, ENTERS),),
    CASEWORKER: (("staff", "GET", "/routing/v1/staff?municipality={municipality}&role={role}", ENTERS),),
}
_MEASURE: _Call = ("measure", "POST", f"{_CLIENT}/measures", STAFF)
_STEP: _Call = ("step", "POST", "/routing/v1/agreements/{ref}/steps", ENTERS)
_MOVABLE = frozenset({FIRST_CONVERSATION, REVIEW, FIP, LONGEST_STAY})


def _calls(item: WorkItem, today: date, received: Collection[UUID]) -> Iterator[_Call]:
    """What can be done next, and who may; nothing that the state of the item refuses."""
    yield "journey", "GET", f"{_CLIENT}/journey", ENTERS
    if item.what == LADDER_STEP:
        yield _MEASURE if item.state == "measure" else _STEP
    if item.what != ACCEPTANCE or item.ref in received:
        yield from _OFFERED.get(item.what, ())
    if item.what == REFERRAL and item.state != "requested":
        yield "referral", "GET", "/partners/v1/referrals/{ref}", STAFF
    if item.what in _MOVABLE and item.due_on and item.due_on > today:
        yield "move", "POST", "/routing/v1/deadlines/{ref}/moves", STAFF
