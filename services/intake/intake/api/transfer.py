"""The file for the municipality where somebody lives now, to be read, or to be imported there as it is."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.models import AnswerModel, Code, Day, OptionalDay
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, allow
from contracts.model import HouseholdKind
from intake import caseload
from intake.actions.transfer import TransferFile, case_of, transfer_file
from intake.api.common import VaultInHand
from intake.others import Others
from intake.people import Contact, Name, WrittenBirthDate

router = APIRouter(route_class=ServiceRoute, tags=["clients"])

CSV = "text/csv"


class PersonInFile(AnswerModel):
    """Who it is. Never the old address; without contact where the address is secret."""

    bsn: str
    name: Name
    birth_date: WrittenBirthDate
    secret_address: bool
    contact: Contact | None
    language: str | None
    household_kind: HouseholdKind
    permit_holder: bool
    housed_on: OptionalDay
    without_benefit: bool
    starting_qualification: bool | None


class StayInFile(AnswerModel):
    """How much of the longest stay on the track was used, in whole months."""

    began_on: Day
    months_used: int


class StillInFile(AnswerModel):
    """Time in which terms stood still; half open, without an end while it lasted."""

    start: Day
    end: OptionalDay


class ExemptionInFile(AnswerModel):
    """An exemption that runs, without its reason."""

    granted_on: Day
    until: OptionalDay
    permanent: bool


class IndicationInFile(AnswerModel):
    """An indication that was asked of UWV."""

    kind: str
    requested_on: Day
    granted: bool | None
    decided_on: OptionalDay


class AgreementInFile(AnswerModel):
    """Something that was agreed and not done yet."""

    agreed: str | None
    area: str | None
    agreed_on: Day
    due_on: OptionalDay


class InstrumentInFile(AnswerModel):
    """An instrument that was used."""

    instrument: str
    label: str
    goal: str
    started_on: Day
    ended_on: OptionalDay
    outcome: str | None


class ReferralInFile(AnswerModel):
    """A referral that was open on the day of departure."""

    partner_kind: str
    purpose: str
    requested_on: Day
    state: str


class TransferFileAnswer(AnswerModel):
    """What the receiving municipality needs to go on where this one stopped."""

    client_id: UUID
    from_municipality: str
    to_municipality: str | None
    moved_on: Day
    readable_until: Day
    person: PersonInFile
    scheme: str | None
    category: str | None
    category_since: OptionalDay
    track: str | None
    track_since: OptionalDay
    route: str | None
    route_label: str | None
    route_started_on: OptionalDay
    stay: StayInFile | None
    suspensions: list[StillInFile]
    prospect_of_work: bool | None
    last_conversation_on: OptionalDay
    exemption: ExemptionInFile | None
    indications: list[str]
    indication_requests: list[IndicationInFile]
    agreements: list[AgreementInFile]
    instruments: list[InstrumentInFile]
    referrals: list[ReferralInFile]


async def _others(request: Request) -> Others:
    others: Others = request.app.state.others
    return others


@router.get(
    "/clients/{client_id}/transfer-file",
    response_model=TransferFileAnswer,
    dependencies=[allow(*STAFF)],
    responses={
        200: {"content": {CSV: {"schema": {"type": "string"}}}, "description": "To read, or a line of a caseload file"},
        410: {"description": "The time that policy gives is over"},
        503: {"description": "Routing or diagnosis does not answer"},
    },
)
async def read_transfer_file(
    client_id: UUID,
    request: Request,
    work: WorkInHand,
    vault: VaultInHand,
    others: Annotated[Others, Depends(_others)],
    purpose: Annotated[Code, Query(description="What it is read for; it is recorded")],
) -> Any:
    """The file of a client who moved away; as `text/csv` a line that the receiving municipality imports as it is.

    For named staff of the municipality that the client left; every look is recorded.
    """
    file = await transfer_file(work, vault, others, client_id, purpose)
    if CSV in request.headers.get("accept", ""):
        line = caseload.Line(municipality=file.client.moved_to or "", person=file.person, case=case_of(work, file))
        return Response(caseload.written([line]), media_type=CSV, headers={"Cache-Control": "no-store"})
    return _answer(file)


def _answer(file: TransferFile) -> TransferFileAnswer:
    routing, diagnosis = file.routing, file.diagnosis
    told = {name: diagnosis.get(name) for name in ("scheme", "exemption")} | {
        "indications": diagnosis.get("indications", []),
        "indicationRequests": diagnosis.get("requests", []),
    }
    names = (
        "category", "categorySince", "track", "trackSince", "route", "routeLabel", "routeStartedOn", "stay",
        "prospectOfWork", "lastConversationOn",
    )  # fmt: skip
    told |= {name: routing.get(name) for name in names}
    told |= {name: routing.get(name, []) for name in ("suspensions", "agreements", "instruments", "referrals")}
    return TransferFileAnswer.model_validate(
        {
            "clientId": file.client.id, "fromMunicipality": file.client.municipality,
            "toMunicipality": file.client.moved_to, "movedOn": file.moved_on, "readableUntil": file.readable_until,
            "person": PersonInFile.model_validate(file.person), **told,
        }
    )  # fmt: skip
