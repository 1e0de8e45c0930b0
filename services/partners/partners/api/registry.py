"""The registry: which partners a municipality has, and what was agreed with each."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from chassis.models import AnswerModel, ApiModel, Code, Items, Line, OptionalDay
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, Role, allow, in_scope
from partners.actions import registry
from partners.actions.registry import NewPartner, open_referrals, partner_of, partners_of
from partners.api.tools import own_partner
from partners.rules import Terms
from policy import Term
from policy.partners import PartnerField

router = APIRouter(route_class=ServiceRoute, tags=["partners"])

MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^GM[0-9]{4}$")]
READERS = (Role.PARTNER, Role.CASEWORKER, Role.TEAM_MANAGER, Role.POLICY_OFFICER, Role.OPERATOR)


def _is_term(written: str) -> str:
    Term.parse(written)
    return written


TermText = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,4} (year|month|week|day)s?$"),
    AfterValidator(_is_term),
    Field(description="A term", examples=["2 weeks"]),
]


class GroupProtocol(ApiModel):
    """Clients are collected until there are `max`, or `min` and patience is over."""

    min: Annotated[int, Field(ge=1, le=1000)]
    max: Annotated[int, Field(ge=1, le=1000)]
    patience: TermText = "2 weeks"

    @model_validator(mode="after")
    def _holds_somebody(self) -> Self:
        if self.max < self.min:
            raise ValueError("max is smaller than min")
        return self


class StepLimits(ApiModel):
    """How long each step of a referral may take."""

    acknowledge: TermText
    accept: TermText
    start: TermText
    end: TermText | None = None


class PurposeTerms(ApiModel):
    """Why clients are referred, and the fields that the partner may see for it."""

    label: Line
    fields: Annotated[list[PartnerField], Field(max_length=20)]


class NewPartnerBody(ApiModel):
    """A provider that joins the open house."""

    municipality: MunicipalityCode
    id: Code
    name: Line
    kind: Code
    contact: Line | None = None
    capacity: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    contract_from: OptionalDay = None
    contract_to: OptionalDay = None
    group: GroupProtocol | None = None
    limits: StepLimits
    purposes: Annotated[dict[Code, PurposeTerms], Field(min_length=1, max_length=50)]


class GroupAnswer(AnswerModel):
    """The size of a group."""

    min: int
    max: int
    patience: str


class LimitsAnswer(AnswerModel):
    """The term of each step, in words."""

    acknowledge: str
    accept: str
    start: str
    end: str | None = None


class PartnerAnswer(AnswerModel):
    """A partner of a municipality."""

    municipality: str
    id: str
    name: str
    kind: str
    origin: Literal["policy", "open_house"]
    group: GroupAnswer | None
    limits: LimitsAnswer
    purposes: dict[str, list[str]]
    purpose_labels: dict[str, str]
    """What each purpose is called."""
    capacity: int | None
    contract_from: OptionalDay
    contract_to: OptionalDay
    open_referrals: int


@router.get("/partners", dependencies=[allow(*READERS)])
async def list_partners(
    work: WorkInHand,
    caller: Caller,
    municipality: Annotated[MunicipalityCode | None, Query(description="Only of this municipality")] = None,
) -> Items[PartnerAnswer]:
    """The partners that policy names today and those of the open house, per municipality of the caller."""
    if municipality is not None:
        in_scope(caller, municipality)
    wanted = [municipality] if municipality else sorted(caller.municipalities)
    found = [each for code in wanted for each in await _of_municipality(work, code)]
    return Items(items=[each for each in found if caller.partner in {None, each.id}])


@router.get("/partners/{partner_id}", dependencies=[allow(*READERS)])
async def read_partner(
    partner_id: Code, municipality: Annotated[MunicipalityCode, Query()], work: WorkInHand, caller: Caller
) -> PartnerAnswer:
    """One partner of a municipality."""
    in_scope(caller, municipality)
    own_partner(caller, partner_id)
    counts = await open_referrals(work, municipality)
    return _answer(municipality, await partner_of(work, municipality, partner_id), counts.get(partner_id, 0))


@router.post("/partners", status_code=201, dependencies=[allow(Role.OPERATOR, Role.POLICY_OFFICER)])
async def register_partner(body: NewPartnerBody, work: WorkInHand, caller: Caller, response: Response) -> PartnerAnswer:
    """Let a provider join the open house of a municipality."""
    in_scope(caller, body.municipality)
    contract_from = body.contract_from or work.today
    if body.contract_to is not None and body.contract_to < contract_from:
        raise Invalid.at("#/contractTo", f"lies before {contract_from}, when the contract begins")
    new = NewPartner(
        municipality=body.municipality,
        id=body.id,
        name=body.name,
        kind=body.kind,
        contact=body.contact,
        capacity=body.capacity,
        contract_from=contract_from,
        contract_to=body.contract_to,
        protocol=body.group.model_dump() if body.group else None,
        limits=body.limits.model_dump(exclude_none=True),
        purposes={id: purpose.model_dump() for id, purpose in body.purposes.items()},
    )
    terms = await registry.register(work, new)
    response.headers["Location"] = f"/v1/partners/{terms.id}?municipality={body.municipality}"
    return _answer(body.municipality, terms, 0)


async def _of_municipality(work: Any, municipality: str) -> list[PartnerAnswer]:
    partners, counts = await partners_of(work, municipality), await open_referrals(work, municipality)
    return [_answer(municipality, partners[id], counts.get(id, 0)) for id in sorted(partners)]


def _answer(municipality: str, terms: Terms, open_now: int) -> PartnerAnswer:
    group = terms.group
    return PartnerAnswer(
        municipality=municipality,
        id=terms.id,
        name=terms.name,
        kind=terms.kind,
        origin=terms.origin,
        group=GroupAnswer(min=group.min, max=group.max, patience=str(group.patience)) if group else None,
        limits=LimitsAnswer(**{step: str(limit.term) for step, limit in terms.limits.items()}),
        purposes={purpose: list(fields) for purpose, fields in terms.purposes.items()},
        purpose_labels=dict(terms.labels),
        capacity=terms.capacity,
        contract_from=terms.contract_from,
        contract_to=terms.contract_to,
        open_referrals=open_now,
    )
