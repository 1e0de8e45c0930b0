"""A client's time line: all that happened, in every service, without identity data (ROU-18)."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from chassis.models import AnswerModel, Code, Day, Items, Moment
from chassis.pagination import Page
from chassis.problems import Invalid
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import STAFF, Role, allow
from chassis.work import Work
from contracts import Event, ReceiptReference
from reporting.actions.reading import pack_of
from reporting.actions.timeline import KINDS, ORDER, event_of, family_of, lines_of, links_of
from reporting.rules.sentences import sentence
from reporting.rules.timeline import Links
from reporting.tables import Happening

router = APIRouter(route_class=ServiceRoute, tags=["timeline"])


class PolicyAnswer(AnswerModel):
    """A pack: the one that decided, by the receipt, or the one in force on the day."""

    id: str
    version: str
    digest: str
    by: Literal["receipt", "in_force"]


class ReceiptAnswer(AnswerModel):
    """The receipt of a decision, kept by the service that decided; no rule where a professional decided otherwise."""

    receipt_id: UUID
    rule: str | None


class LineAnswer(AnswerModel):
    """One event."""

    event_id: UUID
    client_id: UUID = Field(description="Of whom it was said; of a client who was merged, the id of then")
    service: str
    kind: str
    occurred_on: Day = Field(description="The day on which it happened")
    recorded_at: Moment = Field(description="The moment at which it was recorded")
    known_on: Day = Field(description="The civil day of that moment: later than occurredOn for what was entered late")
    by: str = Field(description="Who decided or entered it: staff, a partner, an application, the clock or an import")
    sentence: str = Field(description="What happened, in Dutch, in the labels of the policy of its day")
    details: dict[str, Any] = Field(description="What the event says, by the names of the event catalogue")
    policy: PolicyAnswer | None
    receipt: ReceiptAnswer | None
    corrects: list[UUID] = Field(description="The events whose place this one takes")
    corrected_by: list[UUID] = Field(description="The events that take the place of this one")


@router.get("/clients/{client_id}/timeline", dependencies=[allow(Role.FRONT_END, *STAFF)], summary="All that happened")
async def read_timeline(
    client_id: UUID,
    work: WorkInHand,
    page: Page,
    since: Annotated[Day | None, Query(description="Only what happened on this day or later")] = None,
    kind: Annotated[list[Code] | None, Query(description="Only events of these kinds", max_length=50)] = None,
) -> Items[LineAnswer]:
    """All that happened to a client in every service, the newest first.

    Lines of whoever was merged are joined, whichever id is asked. A correction stands beside what it corrects.
    """
    kinds = _known(kind or [])
    family = await family_of(work.session, client_id)
    rows = await page.scalars(work.session, lines_of(family, since, kinds), *ORDER, descending=True)
    linked = await links_of(work.session, family)
    return Items(items=[_line(work, row, linked) for row in rows])


def _known(kinds: list[str]) -> list[str]:
    unknown = [each for each in kinds if each not in KINDS]
    if unknown:
        raise Invalid(errors=[{"detail": f"{each} is no kind of event", "pointer": "#query/kind"} for each in unknown])
    return kinds


def _line(work: Work, line: Happening, linked: Links) -> LineAnswer:
    event = event_of(line)
    pack = pack_of(work, line.municipality, line.occurred_on)
    receipt: ReceiptReference | None = getattr(event, "receipt", None)
    return LineAnswer(
        event_id=line.event_id, client_id=line.client_id, service=event.producer, kind=line.kind,
        occurred_on=line.occurred_on, recorded_at=line.recorded_at, known_on=line.known_on, by=line.by,
        sentence=sentence(event, pack), details=line.said,
        policy=_policy(work, line.municipality, line.occurred_on, event),
        receipt=ReceiptAnswer.model_validate(receipt) if receipt else None,
        corrects=linked.corrects.get(line.event_id, []), corrected_by=linked.corrected_by.get(line.event_id, []),
    )  # fmt: skip


def _policy(work: Work, municipality: str, on: date, event: Event) -> PolicyAnswer | None:
    receipt: ReceiptReference | None = getattr(event, "receipt", None)
    if receipt is not None:
        return PolicyAnswer(id=receipt.pack_id, version=receipt.version, digest=receipt.digest, by="receipt")
    pack = pack_of(work, municipality, on)
    return (
        PolicyAnswer(id=pack.id, version=pack.version, digest=pack.digest, by="in_force") if pack.in_force(on) else None
    )
