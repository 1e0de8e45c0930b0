"""Referrals: read by staff and by the partner that was told, answered by the partner."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Code, Day, Items, OptionalDay, Text
from chassis.pagination import Page
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, Caller, Role, Token, allow
from chassis.work import Work
from partners.actions import referrals
from partners.actions.clients import survivors_of
from partners.actions.referrals import Answer
from partners.actions.registry import partners_of
from partners.api.tools import READERS, Tools, ToolsInHand, day_of, referral_of, visible_referrals
from partners.identities import FIELDS
from partners.rules import OPEN, TOLD, Outcome, State, steps_from, told_partner, visible
from partners.tables import Client, Referral, ReferralStep

router = APIRouter(route_class=ServiceRoute, tags=["referrals"])

REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "This answer had been given: nothing changed"}}


class StepAnswer(AnswerModel):
    """A step that was taken."""

    number: int
    step: str
    on: Day
    by: str
    reason: str | None


class ReferralAnswer(AnswerModel):
    """A referral, and what can be done with it now."""

    id: UUID
    municipality: str
    client_id: UUID | None
    """Staff only: a partner knows a referral, not a client."""
    partner: str | None
    partner_kind: str
    purpose: str
    state: State
    requested_on: Day
    sent_on: OptionalDay
    since: Day
    group_id: UUID | None
    overdue_step: str | None
    outcome: Outcome | None
    withdrawn_because: str | None
    """For a partner no more than `journey_ended` or `withdrawn`."""
    allowed: list[str]
    """The steps that the partner can take now."""


class ReferralInFull(ReferralAnswer):
    """A referral with its history and, for the partner while it is open, the person as far as the purpose needs."""

    steps: list[StepAnswer]
    person: dict[str, Any] | None
    person_status: Literal["given", "unavailable", "closed", "not_for_staff"]
    """unavailable: intake gave no answer in time, ask again; closed: a person is shown while a referral is open."""


class AnswerBody(ApiModel):
    """When it happened; today unless entered late."""

    on: OptionalDay = None


class ReasonedBody(AnswerBody):
    """With the reason, which stays with the municipality."""

    reason: Annotated[Text, Field(min_length=1)]


class ReportBody(AnswerBody):
    """Progress, in words that stay with the municipality."""

    note: Text | None = None


class EndBody(AnswerBody):
    """How it ended; a reason is due where it stopped or failed."""

    outcome: Outcome
    reason: Text | None = None


class AssignmentBody(ApiModel):
    """The partner that a caseworker chose."""

    partner: Code


class SignalBody(ApiModel):
    """What a partner sees in the client of an open referral."""

    referral_id: UUID
    signal: Literal["ready_for_next_step", "needs_attention"]
    on: OptionalDay = None


class SignalAnswer(AnswerModel):
    """A signal as it was recorded."""

    id: UUID
    referral_id: UUID
    signal: str
    on: Day


@router.get("/referrals", dependencies=[allow(*READERS)])
async def list_referrals(
    work: WorkInHand,
    caller: Caller,
    page: Page,
    open: Annotated[bool | None, Query(description="Only those whose loop is open, or closed")] = None,
    state: Annotated[State | None, Query(description="Only those in this state")] = None,
    partner: Annotated[Code | None, Query(description="Only those of this partner")] = None,
    municipality: Annotated[str | None, Query(pattern=r"^GM[0-9]{4}$")] = None,
    client_id: Annotated[UUID | None, Query(alias="clientId", description="Only this client's; for staff")] = None,
    group_id: Annotated[UUID | None, Query(alias="groupId")] = None,
    overdue: Annotated[bool, Query(description="Only those with a step that is overdue")] = False,
) -> Items[ReferralAnswer]:
    """Referrals in the order of their requests. A partner sees its own: with `open=true`, to compare with its books."""
    query = select(Referral).where(*visible_referrals(caller))
    if open is not None:
        query = query.where(Referral.state.in_(OPEN) if open else Referral.state.not_in(OPEN))
    if overdue:
        query = query.where(Referral.overdue_step.is_not(None), Referral.state.in_(OPEN))
    if client_id is not None and caller.partner is None:
        client_id = (await survivors_of(work, [client_id])).get(client_id, client_id)
        query = query.where(Referral.client_id == client_id)
    exact = {
        Referral.state: state,
        Referral.partner: partner,
        Referral.municipality: municipality,
        Referral.group_id: group_id,
    }
    for column, wanted in exact.items():
        if wanted is not None:
            query = query.where(column == wanted)
    rows = await page.scalars(work.session, query, Referral.requested_on, Referral.id)
    return Items(items=[ReferralAnswer(**_fields(row, caller)) for row in rows])


@router.get("/referrals/{referral_id}", dependencies=[allow(*READERS)])
async def read_referral(referral_id: UUID, work: WorkInHand, caller: Caller, tools: ToolsInHand) -> ReferralInFull:
    """A referral with its history. The partner sees the person, by its purpose, while the referral is open."""
    referral = await referral_of(work, caller, referral_id)
    return await _in_full(work, caller, tools, referral)


@router.post("/referrals/{referral_id}/assignments", status_code=201, dependencies=[allow(*STAFF)])
async def assign_referral(
    referral_id: UUID, body: AssignmentBody, work: WorkInHand, caller: Caller, response: Response
) -> ReferralAnswer:
    """Choose the partner for a referral that no partner of the kind had room for."""
    referral = await referral_of(work, caller, referral_id, lock=True)
    partners = await partners_of(work, referral.municipality)
    if body.partner not in partners:
        raise Invalid.at("#/partner", f"is not a partner of {referral.municipality}")
    await referrals.assign(work, referral, partners[body.partner])
    return _created(referral, caller, response)


@router.post(
    "/referrals/{referral_id}/acknowledgements",
    status_code=201, responses=REPEATED, dependencies=[allow(Role.PARTNER)],
)  # fmt: skip
async def acknowledge_referral(
    referral_id: UUID, body: AnswerBody, work: WorkInHand, caller: Caller, response: Response
) -> ReferralAnswer:
    """The partner has it."""
    return await _take(work, caller, response, referral_id, Answer("acknowledge", day_of(work, body.on)))


@router.post(
    "/referrals/{referral_id}/acceptances", status_code=201, responses=REPEATED, dependencies=[allow(Role.PARTNER)]
)
async def accept_referral(
    referral_id: UUID, body: AnswerBody, work: WorkInHand, caller: Caller, response: Response
) -> ReferralAnswer:
    """The partner takes the client on."""
    return await _take(work, caller, response, referral_id, Answer("accept", day_of(work, body.on)))


@router.post(
    "/referrals/{referral_id}/refusals", status_code=201, responses=REPEATED, dependencies=[allow(Role.PARTNER)]
)
async def decline_referral(
    referral_id: UUID, body: ReasonedBody, work: WorkInHand, caller: Caller, response: Response
) -> ReferralAnswer:
    """The partner does not take the client on, and says why."""
    return await _take(work, caller, response, referral_id, Answer("decline", day_of(work, body.on), body.reason))


@router.post("/referrals/{referral_id}/starts", status_code=201, responses=REPEATED, dependencies=[allow(Role.PARTNER)])
async def start_referral(
    referral_id: UUID, body: AnswerBody, work: WorkInHand, caller: Caller, response: Response
) -> ReferralAnswer:
    """The partner began, or goes on after a hold."""
    return await _take(work, caller, response, referral_id, Answer("start", day_of(work, body.on)))


@router.post("/referrals/{referral_id}/progress-reports", status_code=201, dependencies=[allow(Role.PARTNER)])
async def report_progress(
    referral_id: UUID, body: ReportBody, work: WorkInHand, caller: Caller, response: Response
) -> ReferralAnswer:
    """The partner reports progress."""
    return await _take(work, caller, response, referral_id, Answer("progress", day_of(work, body.on), body.note))


@router.post("/referrals/{referral_id}/holds", status_code=201, responses=REPEATED, dependencies=[allow(Role.PARTNER)])
async def hold_referral(
    referral_id: UUID, body: ReasonedBody, work: WorkInHand, caller: Caller, response: Response
) -> ReferralAnswer:
    """The partner puts it on hold, and says why."""
    return await _take(work, caller, response, referral_id, Answer("hold", day_of(work, body.on), body.reason))


@router.post("/referrals/{referral_id}/ends", status_code=201, responses=REPEATED, dependencies=[allow(Role.PARTNER)])
async def end_referral(
    referral_id: UUID, body: EndBody, work: WorkInHand, caller: Caller, response: Response
) -> ReferralAnswer:
    """The loop is closed: placed, completed, stopped, returned without placement, or failed."""
    given = Answer("end", day_of(work, body.on), body.reason, body.outcome)
    return await _take(work, caller, response, referral_id, given)


@router.post(
    "/signals",
    status_code=201,
    responses={404: {"description": "The partner has no such referral"}},
    dependencies=[allow(Role.PARTNER)],
)
async def send_signal(body: SignalBody, work: WorkInHand, caller: Caller, response: Response) -> SignalAnswer:
    """The partner sees that the client is ready for a next step, or needs attention."""
    referral = await referral_of(work, caller, body.referral_id, lock=True)
    made = await referrals.signal(work, referral, body.signal, day_of(work, body.on))
    response.headers["Location"] = f"/v1/referrals/{referral.id}"
    return SignalAnswer.model_validate(made)


async def _take(work: Work, caller: Token, response: Response, referral_id: UUID, given: Answer) -> ReferralAnswer:
    referral = await referral_of(work, caller, referral_id, lock=True)
    if not await referrals.answer(work, referral, given):
        response.status_code = 200
        return ReferralAnswer(**_fields(referral, caller))
    return _created(referral, caller, response)


def _created(referral: Referral, caller: Token, response: Response) -> ReferralAnswer:
    response.headers["Location"] = f"/v1/referrals/{referral.id}"
    return ReferralAnswer(**_fields(referral, caller))


def _fields(referral: Referral, caller: Token) -> dict[str, Any]:
    kept = {name: getattr(referral, name) for name in ReferralAnswer.model_fields if name != "allowed"}
    if caller.partner is not None:
        because = kept["withdrawn_because"]
        kept |= {"client_id": None, "withdrawn_because": because and told_partner(because)}
    return kept | {"allowed": steps_from(referral.state)}  # type: ignore[arg-type] # the column holds a State


async def _in_full(work: Work, caller: Token, tools: Tools, referral: Referral) -> ReferralInFull:
    steps = await work.session.scalars(
        select(ReferralStep).where(ReferralStep.referral_id == referral.id).order_by(ReferralStep.number)
    )
    person, status = await _person(work, caller, tools, referral)
    return ReferralInFull(
        **_fields(referral, caller),
        steps=[StepAnswer.model_validate(step) for step in steps],
        person=person,
        person_status=status,
    )


async def _person(
    work: Work, caller: Token, tools: Tools, referral: Referral
) -> tuple[dict[str, Any] | None, Literal["given", "unavailable", "closed", "not_for_staff"]]:
    if caller.partner is None:
        return None, "not_for_staff"
    if referral.state not in TOLD:
        return None, "closed"
    terms = (await partners_of(work, referral.municipality)).get(caller.partner)
    fields = terms.purposes.get(referral.purpose, ()) if terms else ()
    asked = FIELDS.intersection(fields)
    identity: Mapping[str, Any] | None = {}
    if asked:
        identity = await tools.identities.identity(referral.municipality, referral.client_id, asked, referral.purpose)
    if identity is None:
        return None, "unavailable"
    client = await work.session.get(Client, referral.client_id)
    return visible(fields, identity, _traits(referral, client)), "given"


def _traits(referral: Referral, client: Client | None) -> dict[str, Any]:
    """What is known here of the fields that a purpose may name."""
    known: dict[str, Any] = {"purpose": referral.purpose}
    if client is not None:
        known |= {
            "category": client.category,
            "track": client.track,
            "indications": client.indications,
            "conversation_option": client.conversation_option,
        }
    return known
