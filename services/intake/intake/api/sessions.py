"""Information sessions, intakes and language tests."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Code, Day, Items, Line
from chassis.pagination import Page
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import Caller, allow
from chassis.work import Work
from intake.actions import sessions
from intake.api.common import ENTERED_BY, OnDay, day, municipality_of
from intake.people import Municipality
from intake.tables import Attendance, InformationSession, IntakeConversation, LanguageTest, client_by_id

router = APIRouter(route_class=ServiceRoute, tags=["sessions"])

MOST_INVITED = 500


class NewSession(ApiModel):
    """An information session to plan."""

    municipality: Municipality | None = None
    held_on: Day
    place: Line
    capacity: Annotated[int, Field(ge=1, le=MOST_INVITED)]
    language: Annotated[str, Field(pattern="^[a-z]{2,3}$", description="ISO 639", examples=["nl"])] = "nl"


class SessionAnswer(AnswerModel):
    """An information session, and who came."""

    id: UUID
    municipality: str
    held_on: Day
    place: str
    capacity: int
    language: str
    attended: list[UUID]
    absent: list[UUID]


class PlannedSession(AnswerModel):
    """An information session in a list."""

    id: UUID
    municipality: str
    held_on: Day
    place: str
    capacity: int
    language: str


class Attendances(ApiModel):
    """Who came to a session, and who did not."""

    attended: Annotated[list[UUID], Field(max_length=MOST_INVITED, default_factory=list)]
    absent: Annotated[list[UUID], Field(max_length=MOST_INVITED, default_factory=list)]


class NewIntake(ApiModel):
    """An intake that was held; signals are areas of life on which help is due."""

    held_on: OnDay = None
    signals: Annotated[list[Code], Field(max_length=20, default_factory=list)]
    language_proof: Annotated[
        bool | None, Field(description="Whether proof of language was given; null: not asked")
    ] = None


class IntakeAnswer(AnswerModel):
    """An intake that was held."""

    id: UUID
    client_id: UUID
    municipality: str
    held_on: Day
    signals: list[str]
    language_proof: bool | None


class NewLanguageTest(ApiModel):
    """A language test that was taken."""

    taken_on: OnDay = None
    passed: bool


class LanguageTestAnswer(AnswerModel):
    """A language test that was taken."""

    id: UUID
    client_id: UUID
    municipality: str
    taken_on: Day
    passed: bool


@router.post("/information-sessions", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def plan_session(
    body: NewSession, request: Request, response: Response, work: WorkInHand, caller: Caller
) -> SessionAnswer:
    """Plan an information session."""
    planned = InformationSession(
        id=work.ids(), municipality=municipality_of(caller, body.municipality), held_on=body.held_on, place=body.place,
        capacity=body.capacity, language=body.language,
    )  # fmt: skip
    work.session.add(planned)
    response.headers["Location"] = request.url_for("read_session", session_id=planned.id).path
    return await _answer(work, planned)


@router.get("/information-sessions", dependencies=[allow(*ENTERED_BY)])
async def list_sessions(work: WorkInHand, page: Page) -> Items[PlannedSession]:
    """The information sessions of the token's municipalities, the last first."""
    order = (InformationSession.held_on, InformationSession.id)
    rows = await page.scalars(work.session, select(InformationSession), *order, descending=True)
    return Items(items=[PlannedSession.model_validate(row) for row in rows])


@router.get("/information-sessions/{session_id}", dependencies=[allow(*ENTERED_BY)])
async def read_session(session_id: UUID, work: WorkInHand) -> SessionAnswer:
    """An information session, and who came."""
    found = await work.session.get(InformationSession, session_id)
    if found is None:
        raise NotFound("There is no information session of this id.")
    return await _answer(work, found)


@router.post("/information-sessions/{session_id}/attendances", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def record_attendances(
    session_id: UUID, body: Attendances, request: Request, response: Response, work: WorkInHand
) -> SessionAnswer:
    """Record who came and who did not; what was recorded before can be corrected."""
    held = await sessions.record_attendance(work, session_id, body.attended, body.absent)
    response.headers["Location"] = request.url_for("read_session", session_id=held.id).path
    return await _answer(work, held)


@router.post("/clients/{client_id}/intakes", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def add_intake(
    client_id: UUID, body: NewIntake, request: Request, response: Response, work: WorkInHand
) -> IntakeAnswer:
    """Record the intake, which follows the diagnosis."""
    held = await sessions.hold_intake(
        work, client_id, day(work, body.held_on, "heldOn"), body.signals, language_proof=body.language_proof
    )
    response.headers["Location"] = request.url_for("read_intake", intake_id=held.id).path
    return IntakeAnswer.model_validate(held)


@router.get("/clients/{client_id}/intakes", dependencies=[allow(*ENTERED_BY)])
async def list_intakes(client_id: UUID, work: WorkInHand) -> Items[IntakeAnswer]:
    """The intakes of a client, the newest first."""
    client = await client_by_id(work.session, client_id)
    query = select(IntakeConversation).where(IntakeConversation.client_id == client.id)
    rows = await work.session.scalars(query.order_by(IntakeConversation.held_on.desc(), IntakeConversation.id.desc()))
    return Items(items=[IntakeAnswer.model_validate(row) for row in rows])


@router.get("/intakes/{intake_id}", dependencies=[allow(*ENTERED_BY)])
async def read_intake(intake_id: UUID, work: WorkInHand) -> IntakeAnswer:
    """An intake that was held."""
    held = await work.session.get(IntakeConversation, intake_id)
    if held is None:
        raise NotFound("There is no intake of this id.")
    return IntakeAnswer.model_validate(held)


@router.post("/clients/{client_id}/language-tests", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def add_language_test(
    client_id: UUID, body: NewLanguageTest, request: Request, response: Response, work: WorkInHand
) -> LanguageTestAnswer:
    """Record a language test that was taken."""
    test = await sessions.take_language_test(work, client_id, day(work, body.taken_on, "takenOn"), passed=body.passed)
    response.headers["Location"] = request.url_for("read_language_test", language_test_id=test.id).path
    return LanguageTestAnswer.model_validate(test)


@router.get("/clients/{client_id}/language-tests", dependencies=[allow(*ENTERED_BY)])
async def list_language_tests(client_id: UUID, work: WorkInHand) -> Items[LanguageTestAnswer]:
    """The language tests of a client, the newest first."""
    client = await client_by_id(work.session, client_id)
    query = select(LanguageTest).where(LanguageTest.client_id == client.id)
    rows = await work.session.scalars(query.order_by(LanguageTest.taken_on.desc(), LanguageTest.id.desc()))
    return Items(items=[LanguageTestAnswer.model_validate(row) for row in rows])


@router.get("/language-tests/{language_test_id}", dependencies=[allow(*ENTERED_BY)])
async def read_language_test(language_test_id: UUID, work: WorkInHand) -> LanguageTestAnswer:
    """A language test that was taken."""
    test = await work.session.get(LanguageTest, language_test_id)
    if test is None:
        raise NotFound("There is no language test of this id.")
    return LanguageTestAnswer.model_validate(test)


async def _answer(work: Work, held: InformationSession) -> SessionAnswer:
    rows = await work.session.scalars(
        select(Attendance).where(Attendance.session_id == held.id).order_by(Attendance.client_id)
    )
    came = {row.client_id: row.attended for row in rows}
    return SessionAnswer(
        id=held.id, municipality=held.municipality, held_on=held.held_on, place=held.place, capacity=held.capacity,
        language=held.language, attended=[id for id, attended in came.items() if attended],
        absent=[id for id, attended in came.items() if not attended],
    )  # fmt: skip
