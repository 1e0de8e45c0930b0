"""At the gate: notifications, applications, and the decision on benefit."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import select

from chassis.models import AnswerModel, ApiModel, Day, Items, OptionalDay, Text
from chassis.problems import NotFound
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, allow
from intake.actions import gate
from intake.api.common import ENTERED_BY, OnDay, VaultInHand, day
from intake.rules import DecidedAs, DivertedTo
from intake.tables import Application, Notification, client_by_id

router = APIRouter(route_class=ServiceRoute, tags=["gate"])


class NewNotification(ApiModel):
    """When somebody came to the gate."""

    on: OnDay = None


class NotificationAnswer(AnswerModel):
    """A first contact at the gate."""

    id: UUID
    client_id: UUID
    municipality: str
    received_on: Day
    state: Literal["open", "diverted", "applied", "closed"]
    diverted_to: str | None
    diverted_on: OptionalDay


class Diversion(ApiModel):
    """To what somebody was helped, so that no application follows."""

    diverted_to: DivertedTo
    on: OnDay = None


class NewApplication(ApiModel):
    """An application for social assistance."""

    filed_on: OnDay = None
    short_form: Annotated[bool, Field(description="Reuses what is known of an earlier spell, where policy has it")] = (
        False
    )


class ApplicationAnswer(AnswerModel):
    """An application; why it was decided as it was stays with who decided."""

    id: UUID
    client_id: UUID
    municipality: str
    filed_on: Day
    short_form: bool
    state: Literal["filed", "withdrawn", "granted", "refused", "closed"]
    ended_on: OptionalDay
    decided_by: str | None
    benefit_from: OptionalDay


class Withdrawal(ApiModel):
    """When the resident took the application back."""

    on: OnDay = None


class Decision(ApiModel):
    """What a person decided on an application."""

    outcome: DecidedAs
    benefit_from: Annotated[OptionalDay, Field(description="Only when granted; by default the day of application")] = (
        None
    )
    reason: Text | None = None
    on: OnDay = None


@router.post("/clients/{client_id}/notifications", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def add_notification(
    client_id: UUID, body: NewNotification, request: Request, response: Response, work: WorkInHand, vault: VaultInHand
) -> NotificationAnswer:
    """Somebody comes to the gate."""
    notification = await gate.notify(work, vault, client_id, day(work, body.on))
    response.headers["Location"] = request.url_for("read_notification", notification_id=notification.id).path
    return NotificationAnswer.model_validate(notification)


@router.get("/clients/{client_id}/notifications", dependencies=[allow(*ENTERED_BY)])
async def list_notifications(client_id: UUID, work: WorkInHand) -> Items[NotificationAnswer]:
    """The contacts of a client at the gate, the newest first."""
    client = await client_by_id(work.session, client_id)
    query = select(Notification).where(Notification.client_id == client.id)
    rows = await work.session.scalars(query.order_by(Notification.received_on.desc(), Notification.id.desc()))
    return Items(items=[NotificationAnswer.model_validate(row) for row in rows])


@router.get("/notifications/{notification_id}", dependencies=[allow(*ENTERED_BY)])
async def read_notification(notification_id: UUID, work: WorkInHand) -> NotificationAnswer:
    """A first contact at the gate."""
    notification = await work.session.get(Notification, notification_id)
    if notification is None:
        raise NotFound("There is no notification of this id.")
    return NotificationAnswer.model_validate(notification)


@router.post("/notifications/{notification_id}/diversions", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def divert_notification(
    notification_id: UUID, body: Diversion, request: Request, response: Response, work: WorkInHand
) -> NotificationAnswer:
    """Somebody is helped at the gate, so that no application follows."""
    notification = await gate.divert(work, notification_id, body.diverted_to, day(work, body.on))
    response.headers["Location"] = request.url_for("read_notification", notification_id=notification.id).path
    return NotificationAnswer.model_validate(notification)


@router.post("/clients/{client_id}/applications", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def file_application(
    client_id: UUID, body: NewApplication, request: Request, response: Response, work: WorkInHand
) -> ApplicationAnswer:
    """Somebody applies for social assistance, after a notification and where policy has it a search period."""
    application = await gate.file(work, client_id, day(work, body.filed_on, "filedOn"), short_form=body.short_form)
    response.headers["Location"] = request.url_for("read_application", application_id=application.id).path
    return ApplicationAnswer.model_validate(application)


@router.get("/clients/{client_id}/applications", dependencies=[allow(*ENTERED_BY)])
async def list_applications(client_id: UUID, work: WorkInHand) -> Items[ApplicationAnswer]:
    """The applications of a client, the newest first."""
    client = await client_by_id(work.session, client_id)
    query = select(Application).where(Application.client_id == client.id)
    rows = await work.session.scalars(query.order_by(Application.filed_on.desc(), Application.id.desc()))
    return Items(items=[ApplicationAnswer.model_validate(row) for row in rows])


@router.get("/applications/{application_id}", dependencies=[allow(*ENTERED_BY)])
async def read_application(application_id: UUID, work: WorkInHand) -> ApplicationAnswer:
    """An application and what came of it."""
    application = await work.session.get(Application, application_id)
    if application is None:
        raise NotFound("There is no application of this id.")
    return ApplicationAnswer.model_validate(application)


@router.post("/applications/{application_id}/withdrawals", status_code=201, dependencies=[allow(*ENTERED_BY)])
async def withdraw_application(
    application_id: UUID, body: Withdrawal, request: Request, response: Response, work: WorkInHand
) -> ApplicationAnswer:
    """The resident takes the application back."""
    application = await gate.withdraw(work, application_id, day(work, body.on))
    response.headers["Location"] = request.url_for("read_application", application_id=application.id).path
    return ApplicationAnswer.model_validate(application)


@router.post("/applications/{application_id}/decisions", status_code=201, dependencies=[allow(*STAFF)])
async def decide_application(
    application_id: UUID, body: Decision, request: Request, response: Response, work: WorkInHand, vault: VaultInHand
) -> ApplicationAnswer:
    """A named person grants or refuses benefit; granting follows the intake, or comes at once where policy says so."""
    application = await gate.decide(
        work, vault, application_id, body.outcome, day(work, body.on), benefit_from=body.benefit_from,
        reason=body.reason,
    )  # fmt: skip
    response.headers["Location"] = request.url_for("read_application", application_id=application.id).path
    return ApplicationAnswer.model_validate(application)
