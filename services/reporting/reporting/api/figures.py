"""Figures for those who steer: as of any day, as known on any day."""

from fastapi import APIRouter
from pydantic import Field

from chassis.models import AnswerModel, Day, Items
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Role, allow
from reporting.actions.reading import pack_of
from reporting.api.asked import Amount, AskedOn, AskedOver
from reporting.rules import figures as reckoned
from reporting.rules.targets import Light, reached

router = APIRouter(route_class=ServiceRoute, tags=["figures"])

STEERING = (Role.TEAM_MANAGER, Role.POLICY_OFFICER)
"""Who may see figures that are not suppressed."""


class PeriodAnswer(AnswerModel):
    """A period, its last day inclusive."""

    since: Day = Field(alias="from")
    until: Day = Field(alias="to")


class CaseloadAnswer(PeriodAnswer):
    """People on benefit: start + inflow - outflow = end."""

    start: int
    inflow: int
    outflow: int
    end: int
    outflow_by_reason: dict[str, int]
    notifications: int
    households_start: int
    households_end: int


class CaseloadsAnswer(CaseloadAnswer):
    """The caseload over a period, and in each year of it."""

    municipality: str
    by_year: list[CaseloadAnswer]


class PlaceAnswer(AnswerModel):
    """Clients in a category and on a track; the category is `undecided` or `in_doubt` of who has none."""

    category: str
    track: str | None
    clients: int
    on_benefit: int


class ExemptionsAnswer(AnswerModel):
    """Exemptions from the duty to look for work, in force at the end of the period."""

    clients: int
    temporarily: int
    permanently: int
    share_pct: Amount | None


class ShiftAnswer(AnswerModel):
    """Changes of track in the period."""

    from_track: str
    to_track: str
    shifts: int


class ContactAnswer(AnswerModel):
    """On a track at the end of the period: who was spoken in it."""

    track: str
    clients: int
    spoken: int
    not_spoken: int


class ReferralsAnswer(AnswerModel):
    """The steps of referrals to one partner in the period; who waits for a group, at its end."""

    partner: str
    sent: int
    accepted: int
    declined: int
    started: int
    placed: int
    completed: int
    stopped: int
    returned: int
    failed: int
    withdrawn: int
    overdue: int
    waiting: int
    acknowledged: int
    progressed: int
    signalled: int


class CostAnswer(AnswerModel):
    """What uses of an instrument that began in the period cost, in euros."""

    instrument: str
    goal: str
    track: str | None
    category: str
    uses: int
    clients: int
    amount: Amount


class GateAnswer(AnswerModel):
    """From first contact to decision."""

    notifications: int
    applications: int
    diverted: int
    withdrawn: int
    granted: int
    refused: int
    diverted_share_pct: Amount | None


class FiguresAnswer(PeriodAnswer):
    """All figures over a period and on its last day."""

    municipality: str
    clients: int
    on_benefit: int
    households: int
    by_category: dict[str, int]
    by_track: dict[str, int]
    places: list[PlaceAnswer]
    caseload: CaseloadAnswer
    caseload_by_year: list[CaseloadAnswer]
    exemptions: ExemptionsAnswer
    shifts: list[ShiftAnswer]
    handovers: dict[str, int]
    handovers_due_to: dict[str, int]
    contact: list[ContactAnswer]
    conversations: dict[str, int]
    conversation_options: dict[str, int]
    participation: dict[str, int]
    referrals: list[ReferralsAnswer]
    exits: dict[str, int]
    exits_from_part_time_to_work: int
    part_time: int
    part_time_income: dict[str, int]
    part_time_hours: dict[str, int]
    agreements_missed: dict[str, int]
    measures: int
    costs: list[CostAnswer]
    gate: GateAnswer
    assessments: dict[str, int]
    indications: dict[str, int]
    information_sessions: dict[str, int]


class TargetAnswer(AnswerModel):
    """A target of the policy and what came of it."""

    id: str
    label: str
    figure: str
    of: str | None
    category: str | None
    track: str | None
    partner: str | None
    norm: Amount
    unit: str
    direction: str
    value: Amount | None
    part: int | None
    sample: int | None
    light: Light
    unanswered: str | None
    document: str
    section: str


@router.get("/figures", dependencies=[allow(*STEERING)], summary="All figures on a day")
async def read_figures(work: WorkInHand, asked: AskedOn) -> FiguresAnswer:
    """Everything that is counted on a day and over the period that ends with it, not suppressed."""
    known, told = await asked.read(work)
    return FiguresAnswer.model_validate(reckoned.figures(asked.municipality, known, told))


@router.get("/caseload", dependencies=[allow(*STEERING)], summary="The caseload over a period")
async def read_caseload(work: WorkInHand, asked: AskedOver) -> CaseloadsAnswer:
    """People on benefit at the start, those who came and went, and at the end; in all and by year."""
    known, told = await asked.read(work)
    whole = CaseloadAnswer.model_validate(reckoned.caseload(known, told))
    years = [CaseloadAnswer.model_validate(reckoned.caseload(known, told, year)) for year in asked.span.years]
    return CaseloadsAnswer(**whole.model_dump(), municipality=asked.municipality, by_year=years)


@router.get("/targets", dependencies=[allow(*STEERING)], summary="Targets and what came of them")
async def read_targets(work: WorkInHand, asked: AskedOn) -> Items[TargetAnswer]:
    """The targets of the policy in force: figure, norm, sample and a traffic light."""
    known, told = await asked.read(work)
    pack = pack_of(work, asked.municipality, asked.span.until)
    return Items(items=[TargetAnswer.model_validate(each) for each in reached(pack, known, told)])
