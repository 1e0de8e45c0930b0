"""The present caseload of a municipality, read part by part as of one moment: a trial holds one part at a time."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import event_class
from diagnosis.rules import Known
from diagnosis.tables import Assessment, Categorisation, Client, Exemption, IndicationRequest, Proposal, Travel
from diagnosis.trials.cases import Assessed, Case, Recorded, exemption_on
from diagnosis.trials.course import Course
from policy import Facts

Rows = Sequence[Any]
PRESENT = Client.ended.is_(None)
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows about some clients, not yet made into cases."""

    day: date
    clients: Rows
    assessed: Rows
    categories: Rows
    exemptions: Rows
    indications: Rows
    travels: Rows

    def cases(self) -> list[Case]:
        """The clients as a trial looks at them."""
        assessed = {row.client_id: Assessed(row.occurred_on, Facts.model_validate_json(row.facts))
                    for row in self.assessed}  # fmt: skip
        categories, exemptions = _by_client(self.categories), _by_client(self.exemptions)
        indications, travels = _by_client(self.indications), _by_client(self.travels)
        return [
            self._case(
                row, assessed.get(row.id), categories[row.id], exemptions[row.id], indications[row.id], travels[row.id]
            )
            for row in self.clients
        ]

    def _case(
        self,
        client: Any,
        assessed: Assessed | None,
        categories: Rows,
        exemptions: Rows,
        indications: Rows,
        travels: Rows,
    ) -> Case:
        course = Course.of(event_class(row.type).model_validate_json(row.data) for row in travels)
        track, since = _track(categories, course)
        present = next((row for row in categories if row.until is None), None)
        holding = (exemption_on(self.day, row.granted_on, row.until, row.ended_on) for row in exemptions)
        return Case(
            client_id=client.id,
            known=Known(client.age_band, client.permit_holder, client.without_benefit, client.starting_qualification),
            recorded=Recorded(present.category, present.track, present.basis) if present else None,
            assessed=assessed,
            exempted=next(filter(None, holding), None),
            indications={row.kind: row.granted for row in indications if assessed and row.decided_on >= assessed.on},
            track=track,
            track_since=since,
            course=course,
        )


async def number_of(session: AsyncSession, municipality: str) -> int:
    """How many clients are on their way."""
    return await session.scalar(select(func.count()).where(Client.municipality == municipality, PRESENT)) or 0


async def caseload(session: AsyncSession, municipality: str, day: date, size: int) -> AsyncIterator[list[Case]]:
    """All of them, so many at a time, by id."""
    after = FIRST
    while clients := await _clients(session, municipality, after, size):
        after = clients[-1].id
        part = await _part(session, day, clients)
        yield await asyncio.to_thread(part.cases)


async def _clients(session: AsyncSession, municipality: str, after: UUID, size: int) -> Rows:
    query = select(
        Client.id, Client.age_band, Client.permit_holder, Client.without_benefit, Client.starting_qualification
    ).where(Client.municipality == municipality, PRESENT, Client.id > after)
    found: Rows = (await session.execute(query.order_by(Client.id).limit(size))).all()
    return found


async def _part(session: AsyncSession, day: date, clients: Rows) -> Part:
    ids = [row.id for row in clients]

    async def rows(query: Callable[[Collection[UUID]], Any]) -> Rows:
        return (await session.execute(query(ids))).all()

    return Part(
        day=day,
        clients=clients,
        assessed=await rows(_assessed),
        categories=await rows(_categories),
        exemptions=await rows(_exemptions),
        indications=await rows(lambda ids: _indications(ids, day)),
        travels=await rows(_travels),
    )


def _assessed(ids: Collection[UUID]) -> Any:
    """The assessment on which a professional decided last; one that was corrected since no longer counts."""
    return (
        select(Proposal.client_id, Assessment.occurred_on, cast(Assessment.facts, Text).label("facts"))
        .join(Assessment, Assessment.id == Proposal.assessment_id)
        .where(Proposal.client_id.in_(ids), Proposal.state.in_(("confirmed", "overridden")))
        .ext(distinct_on(Proposal.client_id))
        .order_by(Proposal.client_id, Proposal.decided_at.desc(), Proposal.id.desc())
    )


def _categories(ids: Collection[UUID]) -> Any:
    it = Categorisation
    return (
        select(it.client_id, it.category, it.track, it.basis, it.since, it.until)
        .where(it.client_id.in_(ids))
        .order_by(it.position)
    )


def _exemptions(ids: Collection[UUID]) -> Any:
    it = Exemption
    newest = it.granted_on.desc(), it.id.desc()
    return select(it.client_id, it.granted_on, it.until, it.ended_on).where(it.client_id.in_(ids)).order_by(*newest)


def _indications(ids: Collection[UUID], day: date) -> Any:
    it = IndicationRequest
    decided = it.client_id.in_(ids), it.granted.is_not(None), it.decided_on <= day
    return select(it.client_id, it.kind, it.granted, it.decided_on).where(*decided).order_by(it.decided_on, it.id)


def _travels(ids: Collection[UUID]) -> Any:
    it = Travel
    return (
        select(it.client_id, it.type, it.data)
        .where(it.client_id.in_(ids))
        .order_by(it.client_id, it.recorded_at, it.sequence)
    )


def _by_client(rows: Iterable[Any]) -> defaultdict[UUID, list[Any]]:
    found: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.client_id].append(row)
    return found


def _track(categories: Rows, course: Course) -> tuple[str | None, date | None]:
    """Where the client is and since when: by the first category of this spell, or by the last handover."""
    if course.moved is not None:
        return course.moved
    returned = course.returned_on
    first = next((row for row in categories if returned is None or row.since >= returned), None)
    if first is None:
        return None, None
    came_in = (route.started_on for route in course.routes.values() if route.track == first.track)
    since = min((first.since, *came_in)) if first.basis == "import" else first.since
    return first.track, since
