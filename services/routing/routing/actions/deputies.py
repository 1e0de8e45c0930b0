"""Who stands in for a colleague, and who does so no longer (ROU-16)."""

from sqlalchemy import or_, select

from chassis.work import Work
from contracts.routing import DeputyReleased
from routing.actions import following
from routing.tables import Absence


async def leave(work: Work, municipality: str, deputy_id: str) -> None:
    """A deputy leaves: for whom they stood in or were to, nobody does until another is chosen."""
    stood_in_for = await work.session.scalars(
        select(Absence)
        .where(
            Absence.municipality == municipality, Absence.deputy_id == deputy_id, Absence.cancelled_on.is_(None),
            or_(Absence.last_day.is_(None), Absence.last_day >= work.today),
        )
        .order_by(Absence.id)
        .with_for_update()
    )  # fmt: skip
    for absence in stood_in_for.all():
        release(work, absence)


def release(work: Work, absence: Absence) -> None:
    """Nobody stands in from now on: due work stands with the manager of the team."""
    if absence.deputy_id is None:
        return
    released = DeputyReleased(
        occurred_on=work.today, by=work.actor, staff_id=absence.staff_id, deputy_id=absence.deputy_id
    )
    work.publish(absence.id, absence.municipality, released)
    absence.deputy_id, absence.deputy_released_on = None, work.today
    following.staff_changed(work, absence.municipality, absence.staff_id)
