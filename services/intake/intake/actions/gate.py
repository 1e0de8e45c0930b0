"""At the gate: notification, diversion, application, withdrawal, and the decision on benefit."""

from datetime import date
from uuid import UUID

from sqlalchemy import select

from chassis.deadlines import NewDeadline, current, newest
from chassis.problems import Forbidden, Invalid, NotFound
from chassis.work import Work
from contracts.intake import (
    ApplicationDiverted,
    ApplicationFiled,
    ApplicationWithdrawn,
    BenefitDecided,
    NotificationReceived,
)
from intake.actions import terms
from intake.actions.clients import open_client
from intake.actions.policies import intake_policy
from intake.actions.registration import come_back
from intake.identity import Identity
from intake.problems import (
    ApplicationOpen,
    Ended,
    IntakeFirst,
    NotificationFirst,
    PensionAgeReached,
    SearchPeriodRuns,
    ShortFormUnknown,
)
from intake.rules import DecidedAs, DivertedTo
from intake.tables import (
    Application,
    Attendance,
    Client,
    ImportedCase,
    InformationSession,
    IntakeConversation,
    Notification,
    client_by_id,
    last,
)
from intake.vault import Vault
from policy import reckon

AT_THE_GATE = ("information_session", "intake")
"""The deadlines that an application brings along, and that end with it."""


async def notify(work: Work, vault: Vault, client_id: UUID, on: date) -> Notification:
    """Somebody comes to the gate; who had moved away is back."""
    client = await client_by_id(work.session, client_id)
    if client.state == "moved_away":
        await come_back(work, vault, client)
    client = await open_client(work, client.id)
    notification = Notification(
        id=work.ids(), client_id=client.id, municipality=client.municipality, received_on=on, state="open",
        diverted_to=None, diverted_on=None,
    )  # fmt: skip
    work.session.add(notification)
    work.publish(client.id, client.municipality, NotificationReceived(occurred_on=on, by=work.actor))
    return notification


async def divert(work: Work, notification_id: UUID, to: DivertedTo, on: date) -> Notification:
    """Somebody is helped at the gate, so that no application follows."""
    notification = await _notification(work, notification_id)
    if notification.state != "open":
        raise Ended(f"The notification is {notification.state} already.")
    _not_before(on, notification.received_on, "the notification")
    notification.state, notification.diverted_to, notification.diverted_on = "diverted", to, on
    event = ApplicationDiverted(occurred_on=on, by=work.actor, diverted_to=to)
    work.publish(notification.client_id, notification.municipality, event)
    return notification


async def file(work: Work, client_id: UUID, on: date, *, short_form: bool) -> Application:
    """Somebody applies for social assistance; the week of the information session begins."""
    client = await open_client(work, client_id)
    if client.age_band == "pension":
        raise PensionAgeReached("The SVB supplements an incomplete pension (AIO).")
    if await last(work.session, Application, client.id, Application.filed_on, Application.state == "filed"):
        raise ApplicationOpen("Withdraw it or decide on it first.")
    open_notification = Notification.state == "open"
    notification = await last(work.session, Notification, client.id, Notification.received_on, open_notification)
    if notification is None:
        raise NotificationFirst("Record the notification that this application follows.")
    _not_before(on, notification.received_on, "the notification", field="filedOn")
    _after_search_period(work, client, notification, on)
    if short_form:
        await _something_to_reuse(work, client, on)
    notification.state = "applied"
    application = Application(
        id=work.ids(), client_id=client.id, municipality=client.municipality, filed_on=on, short_form=short_form,
        state="filed", ended_on=None, decided_by=None, benefit_from=None, reason=None,
    )  # fmt: skip
    work.session.add(application)
    event = ApplicationFiled(occurred_on=on, by=work.actor, application_id=application.id, short_form=short_form)
    work.publish(client.id, client.municipality, event)
    if not await current(work.session, {client.id}, {"rest_period"}):
        await invite_to_session(work, client, on)
    return application


async def invite_to_session(work: Work, client: Client, since: date) -> None:
    """The term within which the client has an information session begins, where the pack has one."""
    term = intake_policy(work, client.municipality).information_session
    if term is not None:
        new = NewDeadline(client.municipality, client.id, "information_session", since, term.term, term.id)
        await terms.begin(work, [new])


async def invite_again(work: Work, client: Client) -> None:
    """The client was at no information session after all: the term for it runs as it did, if the application does."""
    application = await last(work.session, Application, client.id, Application.filed_on, Application.state == "filed")
    term = await newest(work, client.id, "information_session")
    if application is None or term is None or term.reckoned_from < application.filed_on:
        return
    was_there = (
        select(Attendance)
        .join(InformationSession)
        .where(
            Attendance.client_id == client.id, Attendance.attended, InformationSession.held_on >= application.filed_on
        )
    )
    if await work.session.scalar(was_there.limit(1)) is None:
        await invite_to_session(work, client, term.reckoned_from)


async def withdraw(work: Work, application_id: UUID, on: date) -> Application:
    """The resident takes the application back."""
    application = await _filed(work, application_id)
    _not_before(on, application.filed_on, "the application")
    application.state, application.ended_on = "withdrawn", on
    await terms.done(work, {application.client_id}, AT_THE_GATE)
    event = ApplicationWithdrawn(occurred_on=on, by=work.actor, application_id=application.id)
    work.publish(application.client_id, application.municipality, event)
    return application


async def decide(
    work: Work,
    vault: Vault,
    application_id: UUID,
    outcome: DecidedAs,
    on: date,
    *,
    benefit_from: date | None,
    reason: str | None,
) -> Application:
    """A named person grants or refuses benefit; granting follows the intake, except where the pack says at once."""
    if not work.actor.startswith("staff:"):
        raise Forbidden("A person decides on benefit; the access token names none.")
    if outcome == "refused" and benefit_from is not None:
        raise Invalid.at("#/benefitFrom", "is for benefit that is granted")
    application = await _filed(work, application_id)
    _not_before(on, application.filed_on, "the application")
    client = await open_client(work, application.client_id)
    if outcome == "granted":
        await _after_intake(work, client, application)
    application.state, application.ended_on, application.decided_by = outcome, on, work.actor
    application.benefit_from = (benefit_from or application.filed_on) if outcome == "granted" else None
    if reason:
        seal = Identity(vault, client).seal
        application.reason = seal.close(reason, Application.__tablename__, "reason", application.id)
    if outcome == "refused":
        await terms.call_off(work, client.id, AT_THE_GATE)
    event = BenefitDecided(
        occurred_on=on, by=work.actor, outcome=outcome, application_id=application.id,
        benefit_from=application.benefit_from,
    )  # fmt: skip
    work.publish(client.id, client.municipality, event)
    return application


async def _notification(work: Work, notification_id: UUID) -> Notification:
    notification = await work.session.get(Notification, notification_id, with_for_update=True)
    if notification is None:
        raise NotFound("There is no notification of this id.")
    return notification


async def _filed(work: Work, application_id: UUID) -> Application:
    application = await work.session.get(Application, application_id)
    if application is None:
        raise NotFound("There is no application of this id.")
    if application.state != "filed":
        raise Ended(f"The application is {application.state} already.")
    return application


def _after_search_period(work: Work, client: Client, notification: Notification, on: date) -> None:
    """Some young people look for work themselves first, where the pack keeps that (INT-6)."""
    intake = intake_policy(work, client.municipality)
    waits = intake.search_period(client.age_band, client.starting_qualification)
    if waits is None:
        return
    end = reckon(notification.received_on, waits.term).due_on
    if end is not None and on < end:
        raise SearchPeriodRuns(f"The application can be filed from {end}.", from_day=end.isoformat())


async def _something_to_reuse(work: Work, client: Client, on: date) -> None:
    """A short application reuses what is known of an earlier spell (INT-7)."""
    if not intake_policy(work, client.municipality).short_application_on_return:
        raise ShortFormUnknown("The municipality's policy has no short application.")
    granted = Application.state == "granted"
    known = await last(work.session, Application, client.id, Application.filed_on, granted) or await last(
        work.session, ImportedCase, client.id, ImportedCase.id
    )
    if known is None:
        raise ShortFormUnknown(f"Nothing is known of benefit before {on}.")


async def _after_intake(work: Work, client: Client, application: Application) -> None:
    intake = intake_policy(work, client.municipality)
    at_once = client.permit_holder and intake.benefit_at_once_for_permit_holders
    if intake.intake_after_diagnosis is None or at_once or application.short_form or client.without_benefit:
        return
    since = IntakeConversation.held_on >= application.filed_on
    if await last(work.session, IntakeConversation, client.id, IntakeConversation.held_on, since) is None:
        raise IntakeFirst("Record the intake at which the right to benefit was established.")


def _not_before(on: date, earliest: date, what: str, *, field: str = "on") -> None:
    if on < earliest:
        raise Invalid.at(f"#/{field}", f"lies before {what}, {earliest}")
