"""Information sessions, intakes and language tests: planned, held, attended."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from chassis import sight
from chassis.deadlines import NewDeadline
from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.intake import InformationSessionHeld, IntakeHeld, LanguageTestTaken
from intake.actions import terms
from intake.actions.clients import open_client
from intake.actions.gate import invite_again
from intake.actions.policies import intake_policy
from intake.problems import DiagnosisFirst, NoIntake, SessionFirst, SessionFull
from intake.tables import (
    Application,
    Attendance,
    Client,
    InformationSession,
    IntakeConversation,
    LanguageTest,
    clients_by_id,
    standings_of,
)


async def record_attendance(
    work: Work, session_id: UUID, attended: Sequence[UUID], absent: Sequence[UUID]
) -> InformationSession:
    """Who came to a session and who did not; what was recorded before can be corrected."""
    held = await work.session.get(InformationSession, session_id, with_for_update=True)
    if held is None:
        raise NotFound("There is no information session of this id.")
    if held.held_on > work.today:
        raise SessionFirst(f"The session is on {held.held_on}.")
    clients = await _invited(work, held, attended, absent)
    there = await work.session.scalars(select(Attendance).where(Attendance.session_id == held.id))
    recorded = {row.client_id: row for row in there}
    changed = [client for client, came in clients.items() if _record(work, held, recorded, client, came)]
    await work.session.flush()
    await _within_capacity(work, held)
    came = {client.id for client in changed if clients[client]}
    await terms.done(work, came, ("information_session",))
    for client in changed:
        if client.id in recorded and not clients[client]:
            await invite_again(work, client)
    for client in changed:
        event = InformationSessionHeld(
            occurred_on=held.held_on, by=work.actor, session_id=held.id, attended=clients[client]
        )
        work.publish(client.id, client.municipality, event)
    return held


async def hold_intake(
    work: Work, client_id: UUID, on: date, signals: Collection[str], *, language_proof: bool | None
) -> IntakeConversation:
    """The intake, never before the diagnosis; without proof of language a test is due, where the pack has one."""
    client = await open_client(work, client_id)
    if client.without_benefit:
        raise NoIntake("The client is registered as a person without benefit.")
    standing = (await standings_of(work.session, [client]))[client.id]
    if standing.diagnosed_on is None or on < standing.diagnosed_on:
        known = f"it was on {standing.diagnosed_on}" if standing.diagnosed_on else "no assessment is known"
        raise DiagnosisFirst(f"The intake follows the diagnosis: {known}.")
    intake = IntakeConversation(
        id=work.ids(), client_id=client.id, municipality=client.municipality, held_on=on,
        signals=sorted(set(signals)), language_proof=language_proof,
    )  # fmt: skip
    work.session.add(intake)
    await terms.done(work, {client.id}, ("intake",))
    if language_proof is False:
        await _language_test_due(work, client, on)
    event = IntakeHeld(occurred_on=on, by=work.actor, intake_id=intake.id, signals=tuple(intake.signals))
    work.publish(client.id, client.municipality, event)
    return intake


async def expecting_an_intake(work: Work, clients: Collection[Client]) -> set[UUID]:
    """Who applied and had no intake since; and who is new here and has yet to apply. Not people without benefit."""
    ids = [client.id for client in clients]
    rows = await work.session.scalars(
        select(Application).where(Application.client_id.in_(ids)).order_by(Application.filed_on, Application.id)
    )
    applications = {row.client_id: row for row in rows}
    held = select(IntakeConversation.client_id, func.max(IntakeConversation.held_on)).where(
        IntakeConversation.client_id.in_(ids)
    )
    rows_held = await work.session.execute(held.group_by(IntakeConversation.client_id))
    intakes: dict[UUID, date] = {client_id: day for client_id, day in rows_held}  # noqa: C416 - rows are no pairs to mypy
    return {
        client.id
        for client in clients
        if client.state == "registered"
        and not client.without_benefit
        and _expects(client, applications.get(client.id), intakes.get(client.id))
    }


async def take_language_test(work: Work, client_id: UUID, on: date, *, passed: bool) -> LanguageTest:
    """The language test was taken."""
    client = await open_client(work, client_id)
    test = LanguageTest(
        id=work.ids(), client_id=client.id, municipality=client.municipality, taken_on=on, passed=passed
    )
    work.session.add(test)
    await terms.done(work, {client.id}, ("language_test",))
    work.publish(client.id, client.municipality, LanguageTestTaken(occurred_on=on, by=work.actor, passed=passed))
    return test


async def _invited(
    work: Work, held: InformationSession, attended: Sequence[UUID], absent: Sequence[UUID]
) -> dict[Client, bool]:
    """The clients named, and whether they came; Invalid for who is no open client of the session's municipality."""
    found = await clients_by_id(work.session, {*attended, *absent})
    faults = [
        {"detail": "is no open registration in the municipality of the session", "pointer": f"#/{field}/{number}"}
        for field, ids in (("attended", attended), ("absent", absent))
        for number, id in enumerate(ids)
        if id not in found or found[id].municipality != held.municipality or found[id].state != "registered"
    ]
    both = {found[id].id for id in attended if id in found} & {found[id].id for id in absent if id in found}
    faults += [{"detail": "cannot be both attended and absent", "pointer": "#/absent"} for _ in both]
    if faults:
        raise Invalid(errors=faults)
    return {found[id]: id in set(attended) for id in (*attended, *absent)}


def _record(work: Work, held: InformationSession, recorded: dict[UUID, Attendance], client: Client, came: bool) -> bool:
    """Record whether a client came; whether that is news."""
    row = recorded.get(client.id)
    if row is None:
        work.session.add(
            Attendance(session_id=held.id, client_id=client.id, municipality=held.municipality, attended=came)
        )
        return True
    if row.attended == came:
        return False
    row.attended = came
    return True


async def _within_capacity(work: Work, held: InformationSession) -> None:
    came = select(func.count()).where(Attendance.session_id == held.id, Attendance.attended)
    async with sight.whole(work.session):  # a chair is taken, whoever's client sits on it
        number = await work.session.scalar(came) or 0
    if number > held.capacity:
        raise SessionFull(f"The session holds {held.capacity} people.")


async def _language_test_due(work: Work, client: Client, since: date) -> None:
    due = intake_policy(work, client.municipality).language_test
    if due is not None:
        new = NewDeadline(client.municipality, client.id, "language_test", since, due.term, due.id)
        await terms.begin(work, [new])


def _expects(client: Client, application: Application | None, last_intake: date | None) -> bool:
    """Whether an intake is to follow a diagnosis; who came in mid-journey had theirs."""
    if application is None:
        return last_intake is None and client.origin != "import"
    return application.state == "filed" and (last_intake is None or last_intake < application.filed_on)
