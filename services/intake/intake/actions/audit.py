"""The audit log: who looked at or searched for whom, and why."""

from uuid import UUID

from chassis import trace
from chassis.work import Work
from intake.tables import AuditEntry


def record(
    work: Work, action: str, municipality: str, client_id: UUID | None = None, detail: str | None = None
) -> None:
    """Write down what somebody does, in the same transaction: it does not happen unrecorded."""
    work.session.add(
        AuditEntry(
            id=work.ids(), municipality=municipality, at=work.clock.wall(), actor=work.actor, action=action,
            client_id=client_id, detail=detail, trace_id=trace.trace_id(),
        )
    )  # fmt: skip
